# %%
try:
    import eigenlab
except ImportError:  # a bare kernel, as on Colab
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "eigenlab[course]"], check=True)

# %% [markdown]
# # Problem 4: Training to 94 % on CIFAR-10, ever faster
#
# Training a residual network on CIFAR-10 to an accuracy of 94 % once took minutes on a GPU, and later
# seconds. The hardware became faster, but most of the gain came from a dozen ideas, one upon the
# other. This notebook has no code to write: it runs a small experiment on generated images and asks
# what the ideas are good for. Answer each question in the empty cell that follows it.

# %%
from eigenlab.experiments import load_experiment
from eigenlab.lab import run
from eigenlab.reporter import Reporter


class Printer(Reporter):
    """Prints the name of each stage as it begins."""

    def stage(self, name):
        print("measuring:", name)


def measure(name, **settings):
    """Run an experiment at its smallest preset; settings replace those of the preset."""
    experiment = load_experiment(name)
    return run(experiment, experiment.config.from_preset("smoke", **settings), reporter=Printer())


def show(result, name):
    """Draw a figure of the result, as the report does."""
    figure = next(figure for figure in result.experiment.figures if figure.name == name)
    record = next(r for r in result.records.values() if isinstance(r, figure.record))
    figure(record).update_layout(title=figure.title).show()
    print(figure.caption_for(result.config))


# %% [markdown]
# ## The published ladder
#
# The time that a training takes is the number of its operations divided by the operations per second
# that the hardware gets done:
#
# $$t = \frac{\text{operations per image} \times \text{images} \times \text{epochs}}
# {\text{operations per second}}$$
#
# The smallest preset of the experiment trains a few rungs of the ladder for half an epoch on few
# images. Its accuracies mean little; what it computes about the published recipes holds as it is.

# %%
result = measure("training-ladder")
show(result, "published")

# %% [markdown]
# **4a.** Each idea that made the training faster changed one factor of the formula above, or bought
# accuracy, which was then traded for fewer epochs. Name two ideas of the first kind and three of the
# second, and say for one of each why it works.

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# Pooling before the activation and a narrow network save operations per image: the activation is then
# computed on a quarter of the values; with max-pooling and ReLU the result is the same. Half precision raises the operations
# per second. Whitening the first layer, label smoothing, test-time augmentation, alternating flips and
# an orthogonalised update buy accuracy, which is then given up for fewer epochs. Alternating flips show
# each image and its mirror image in turn, so that two epochs show both; independent flips repeat one of
# them half of the time.

# %% [markdown]
# ## Whitened patches
#
# The first layer of the fastest recipes is not trained. Its filters are the eigenvectors $v_i$ of the
# covariance of small patches, each divided by the root of its eigenvalue $\lambda_i$ (plus a small
# $\varepsilon$).

# %%
show(result, "filters")

# %% [markdown]
# **4b.** What is the covariance of the outputs of this layer, over the patches? Why does that help the
# training of the layers behind it, and what is $\varepsilon$ for?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# With $y_i = v_i^\top x / \sqrt{\lambda_i + \varepsilon}$ the covariance of $y_i$ and $y_j$ is $v_i^\top
# \Sigma v_j / \sqrt{(\lambda_i + \varepsilon)(\lambda_j + \varepsilon)}$, which is 0 for $i \ne j$
# and nearly 1 for $i = j$. Neighbouring pixels are strongly correlated, so without whitening a few
# directions have most of the variance, and gradient descent is slow along all others. $\varepsilon$
# keeps directions with hardly any variance, which are mostly noise, from being blown up.

# %% [markdown]
# ## Orthogonalised updates
#
# The optimiser Muon replaces an update $G = U \Sigma V^\top$ by $U V^\top$, in which all singular values
# are 1. It does not compute a singular value decomposition, but iterates an odd polynomial $p(G) = a G +
# b G G^\top G + c (G G^\top)^2 G$.

# %%
show(result, "iterations")

# %% [markdown]
# **4c.** Show that $p(G) = U p(\Sigma) V^\top$, so that the iteration changes the singular values only.
# Why is this cheaper on a GPU than a singular value decomposition?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# $G G^\top = U \Sigma^2 U^\top$, hence $G G^\top G = U \Sigma^3 V^\top$ and $(G G^\top)^2 G = U \Sigma^5
# V^\top$; the sum is $U (a \Sigma + b \Sigma^3 + c \Sigma^5) V^\top$. Each iteration thus applies the
# polynomial to every singular value, and coefficients are chosen such that it drives them towards 1. It
# consists of a few products of matrices, which a GPU does at nearly its full speed and in low precision;
# a singular value decomposition is a long sequence of small steps.
