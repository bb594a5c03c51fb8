# %%
try:
    import eigenlab
except ImportError:  # a bare kernel, as on Colab
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "eigenlab[course]"], check=True)

# %% [markdown]
# # Problem 8: Linear autoencoders with weight decay
#
# A linear autoencoder maps $x$ to $W_2 W_1 x$, with $W_1$ of shape $(k, d)$ and $W_2$ of shape $(d, k)$.
# Without a penalty, every pair whose product is the projection on the first $k$ principal axes is a
# minimum. Here the objective has a penalty,
#
# $$L(W_1, W_2) = \frac{1}{n} \lVert X - W_2 W_1 X \rVert_F^2 + \lambda \left(\lVert W_1 \rVert_F^2 +
# \lVert W_2 \rVert_F^2\right)$$
#
# and the question is how it is trained, and what its minimum is. There is no code to write: the notebook
# runs a small experiment. Answer each question in the empty cell that follows it.

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
# ## 8a. Which training minimises $L$?
#
# The experiment computes the update of several combinations of a loss function, a regulariser and an
# optimiser, and the angle between this update and $-\nabla L$.

# %%
result = measure("regularized-autoencoder")
show(result, "combinations")

# %% [markdown]
# **8a.** Which loss function, weight decay and optimiser of PyTorch minimise $L$? Why does Adam with the
# same weight decay not follow $-\nabla L$, why does AdamW not, and what does `nn.MSELoss` compute instead
# of the first term?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# The squared error summed over the features and averaged over the samples, SGD, and a weight decay of
# $2 \lambda$, since the gradient of $\lambda \lVert W \rVert^2$ is $2 \lambda W$. Adam divides each entry
# of the gradient, that of the penalty included, by a running mean of its size, so the step has another
# direction; AdamW applies the decay outside of this division, so that it balances with the divided
# gradient of the loss and leaves the minimum of $L$. `nn.MSELoss` averages over the features as well, so
# its loss is smaller by a factor of $d$, and the same weight decay counts $d$ times as much.

# %% [markdown]
# ## 8b. What the penalty does to the singular values
#
# Let $\sigma_i^2$ be the variance of the data along principal axis $i$. The figure shows the singular
# values of $W_2$ that gradient descent finds, for several $\lambda$.

# %%
show(result, "values")

# %% [markdown]
# **8b.** Show that $W_1 = W_2^\top$ at a minimum. Find the singular values of $W_2$ there as a function of
# $\lambda$ and $\sigma_i$. What happens along axes with $\sigma_i^2 < \lambda$, and what do the columns of
# $W_2$ look like for $\lambda \to 0$?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# The gradients vanish, and so do $\frac{\partial L}{\partial W_1} W_1^\top$ and $W_2^\top \frac{\partial
# L}{\partial W_2}$. Their first terms are equal, so the second ones are, $W_1 W_1^\top = W_2^\top W_2$; a
# product that is symmetric and positive semidefinite, as that at the minimum, then has the factors $W_1
# = W_2^\top$. Along axis $i$ one
# number $s$ is left, with $\ell(s) = \sigma_i^2 (1 - s^2)^2 + 2 \lambda s^2$. Its derivative $-4 \sigma_i^2
# s (1 - s^2) + 4 \lambda s$ is zero for $s = 0$ and for $s^2 = 1 - \lambda / \sigma_i^2$, and so
#
# $$s_i = \sqrt{\max(0, 1 - \lambda / \sigma_i^2)}$$
#
# Every singular value is below 1, the more so the smaller the variance along its axis, and axes with less
# variance than $\lambda$ are dropped. For $\lambda \to 0$ all $s_i$ tend to 1: the columns of $W_2$ become
# orthonormal and span the principal subspace, but single columns are not the principal axes, as $W_2 Q$
# with $Q$ orthogonal is as good.
