# %%
try:
    import eigenlab
except ImportError:  # a bare kernel, as on Colab
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "eigenlab[course]"], check=True)

# %% [markdown]
# # Problem 3: Autoencoders, linear probes, and PCA
#
# An autoencoder learns without labels: it squeezes each sample through a narrow *code* and rebuilds
# the sample from it. You write three autoencoders, ask with a linear classifier how useful their codes
# are, and show what a linear one learns:
#
# | part | you write | you learn |
# |---|---|---|
# | 3a | `Autoencoder`, `DenoisingAutoencoder`, `MaskedAutoencoder` | a bottleneck, or a corrupted input, forces a model to find structure |
# | 3a | `Experiment` | how to probe an encoder that is frozen |
# | 3a' | an answer | what unlabelled samples are good for if labels are few |
# | 3b | a derivation | a linear autoencoder learns the subspace of PCA |
#
# Write code where it says `TODO`, and run the check below it. Answer each question in the empty cell
# that follows it. When you are done, save the notebook and run
# `eigenlab submit problem_3.ipynb` in a terminal.

# %%
from itertools import pairwise
from types import SimpleNamespace

import torch as th
import torch.nn.functional as F
from torch import nn

from eigenlab import plots
from eigenlab.autoencoders import attainable_accuracy, subspace_data
from eigenlab.grading import check

_ = th.manual_seed(0)

# %% [markdown]
# ## 3a. An autoencoder
#
# An encoder $f$ maps a sample $x \in \mathbb{R}^d$ to a code $z = f(x) \in \mathbb{R}^k$, and a decoder
# $g$ maps the code back. Both are trained to make the *reconstruction* $\hat x = g(f(x))$ close to
# $x$. The loss of $n$ samples sums the squared error over the features and averages it over the samples:
#
# $$L = \frac{1}{n} \sum_{i=1}^n \lVert x_i - g(f(x_i)) \rVert^2$$
#
# The encoder is a sequence of linear layers of the widths `hidden_sizes`, with an activation *between*
# each two layers and none after the last one: a code may be negative. The decoder is its mirror image,
# and ends with a linear layer as well, since samples may be negative. For `hidden_sizes=[4, 3]` and
# five features:
#
# $$\underbrace{5 \to 4 \to \sigma \to 3}_{\text{encoder}} \qquad
# \underbrace{3 \to 4 \to \sigma \to 5}_{\text{decoder}}$$


# %%
class Autoencoder(nn.Module):
    """Encodes samples into hidden_sizes[-1] features, and decodes these."""

    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        """
        Args:
            input_size: d, features of a sample
            hidden_sizes: widths of the encoder's layers; the last one is k, that of the code
            activation_cls: class of the activations, so that activation_cls() makes one
        """
        super().__init__()

        # TODO: self.encoder and self.decoder, each an nn.Sequential. The widths of the decoder are
        # those of the encoder, reversed. pairwise([5, 4, 3]) gives (5, 4), (4, 3).
        # BEGIN SOLUTION Autoencoder.__init__
        def stack(sizes):
            layers = []
            for fan_in, fan_out in pairwise(sizes):
                layers += [nn.Linear(fan_in, fan_out), activation_cls()]
            return nn.Sequential(*layers[:-1])  # no activation after the last layer

        sizes = [input_size, *hidden_sizes]
        self.encoder = stack(sizes)
        self.decoder = stack(sizes[::-1])
        # END SOLUTION

    def forward(self, x):
        """
        Args:
            x: samples, (n, input_size)

        Returns:
            their reconstructions, (n, input_size)
        """
        # TODO: decode the code.
        # BEGIN SOLUTION Autoencoder.forward
        return self.decoder(self.encoder(x))
        # END SOLUTION

    def get_loss(self, x):
        """
        Args:
            x: samples, (n, input_size)

        Returns:
            the loss L, a tensor with a single number
        """
        # TODO: the squared error of the reconstructions, (n, input_size), summed over the features
        # and averaged over the samples.
        # BEGIN SOLUTION Autoencoder.get_loss
        errors = self(x) - x
        return errors.square().sum(dim=1).mean()
        # END SOLUTION


# %%
result_3a = check("3a", Autoencoder)
result_3a

# %% [markdown]
# ## 3a. Corrupted inputs
#
# A code as wide as the data need not find any structure: the identity has no loss at all. A *denoising*
# autoencoder gets another task. The encoder is given a corrupted sample, and the reconstruction is
# compared with the *clean* one:
#
# $$L = \frac{1}{n} \sum_{i=1}^n \lVert x_i - g(f(x_i + \sigma \varepsilon_i)) \rVert^2, \qquad
# \varepsilon_i \sim N(0, I)$$
#
# The noise is drawn anew for every feature of every sample in every call, and only while the model is
# trained: `model.train()` and `model.eval()` set `self.training`.


# %%
class DenoisingAutoencoder(Autoencoder):
    """Reconstructs samples from the same samples with normal noise."""

    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU, noise_std=0.5):
        super().__init__(input_size, hidden_sizes, activation_cls)
        self.noise_std = noise_std

    def get_loss(self, x):
        """
        Args:
            x: clean samples, (n, input_size)

        Returns:
            the loss L of the reconstructions of noisy samples (of clean ones in evaluation mode)
        """
        # TODO: if self.training, give the encoder x plus noise (th.randn_like). Compare the
        # reconstruction with x. Leave x itself as it is.
        # BEGIN SOLUTION DenoisingAutoencoder.get_loss
        noisy = x + self.noise_std * th.randn_like(x) if self.training else x
        errors = self(noisy) - x
        return errors.square().sum(dim=1).mean()
        # END SOLUTION


# %%
result_3a_denoising = check("3a-denoising", DenoisingAutoencoder)
result_3a_denoising

# %% [markdown]
# A *masked* autoencoder has to fill in what is missing. While it is trained, each feature of each
# sample is set to zero with probability `mask_prob`, independently of the others; the remaining ones
# stay as they are. The loss compares all features, whether masked or not, with the clean sample.


# %%
class MaskedAutoencoder(Autoencoder):
    """Reconstructs samples from the same samples with some features set to zero."""

    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU, mask_prob=0.25):
        super().__init__(input_size, hidden_sizes, activation_cls)
        self.mask_prob = mask_prob

    def get_loss(self, x):
        """
        Args:
            x: clean samples, (n, input_size)

        Returns:
            the loss L of the reconstructions of masked samples (of clean ones in evaluation mode)
        """
        # TODO: if self.training, give the encoder x with features set to zero. th.rand_like draws
        # numbers that are uniform in [0, 1). Leave x itself as it is.
        # BEGIN SOLUTION MaskedAutoencoder.get_loss
        masked = x
        if self.training:
            is_masked = th.rand_like(x) < self.mask_prob
            masked = x.masked_fill(is_masked, 0.0)
        errors = self(masked) - x
        return errors.square().sum(dim=1).mean()
        # END SOLUTION


# %%
result_3a_masked = check("3a-masked", MaskedAutoencoder)
result_3a_masked

# %% [markdown]
# ## 3a. A linear probe
#
# Is a code good for anything besides the reconstruction? A *linear probe* answers that: freeze the
# encoder, train one linear layer that predicts a label from the code, and measure its accuracy on
# samples that it was not trained on. Since the encoder is frozen, the accuracy tells about the code.
#
# `Experiment` trains an autoencoder on `data.train.x` and probes it. `data` has the splits `train`,
# `validation` and `test`, each with samples `x`, $(n, d)$, and labels `y`, $(n,)$. Three methods are
# missing.


# %%
class Experiment:
    """Trains an autoencoder, and measures it by its loss and by a linear probe."""

    def __init__(self, model, data, num_classes=2, lr=3e-3, batch_size=64, probe_epochs=50):
        """
        Args:
            model: an autoencoder
            data: has the splits train, validation and test
            num_classes: labels are 0, ..., num_classes - 1
            lr: step size of Adam, for the autoencoder and for the probe
            batch_size: samples of an update
            probe_epochs: passes of the probe over the training samples
        """
        self.model, self.data, self.num_classes = model, data, num_classes
        self.lr, self.batch_size, self.probe_epochs = lr, batch_size, probe_epochs
        self.optimizer = th.optim.Adam(model.parameters(), lr=lr)

    def train_epoch(self):
        """Pass once over the training samples, in random order."""
        self.model.train()
        x = self.data.train.x
        for batch in th.randperm(len(x)).split(self.batch_size):
            loss = self.model.get_loss(x[batch])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()

    def validation_loss(self):
        """The loss of clean validation samples."""
        self.model.eval()
        with th.no_grad():
            return self.model.get_loss(self.data.validation.x).item()

    def _get_features(self, x):
        """
        Args:
            x: samples, (n, d)

        Returns:
            their codes, (n, k), computed in evaluation mode and without a graph, so that nothing
            which is done with them can change the encoder
        """
        # TODO: self.model.eval(), th.no_grad(), self.model.encoder.
        # BEGIN SOLUTION Experiment._get_features
        self.model.eval()
        with th.no_grad():
            return self.model.encoder(x)
        # END SOLUTION

    def train_probe(self):
        """
        Returns:
            an nn.Linear from codes to self.num_classes logits, trained on the training samples
        """
        # TODO: compute the features of self.data.train.x once, make an nn.Linear, and minimise its
        # F.cross_entropy by th.optim.Adam with the step size self.lr: self.probe_epochs passes in
        # batches of self.batch_size, as in train_epoch.
        # BEGIN SOLUTION Experiment.train_probe
        x, y = self.data.train
        features = self._get_features(x)
        classifier = nn.Linear(features.shape[1], self.num_classes)
        optimizer = th.optim.Adam(classifier.parameters(), lr=self.lr)
        for _ in range(self.probe_epochs):
            for rows in th.randperm(len(features)).split(self.batch_size):
                loss = F.cross_entropy(classifier(features[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return classifier
        # END SOLUTION

    def _get_model_accuracy(self, classifier, split="test"):
        """
        Args:
            classifier: maps codes (n, k) to logits (n, num_classes)
            split: "train", "validation" or "test"

        Returns:
            how many percent of the split's samples have the largest logit at their label
        """
        x, y = getattr(self.data, split)
        # TODO: the features of x, their logits, the class of the largest logit of each sample, and
        # the percentage of samples for which it is y.
        # BEGIN SOLUTION Experiment._get_model_accuracy
        logits = classifier(self._get_features(x))  # (n, num_classes)
        predicted = logits.argmax(dim=1)  # (n,)
        return 100 * (predicted == y).float().mean().item()
        # END SOLUTION

    def probe_accuracy(self, split="validation"):
        """Train a probe of the encoder as it is now, and measure its accuracy, in percent."""
        return self._get_model_accuracy(self.train_probe(), split)


# %%
result_3a_probe = check("3a-probe", Experiment)
result_3a_probe

# %% [markdown]
# ## 3a. How wide must the code be?
#
# The data have 100 dimensions. Along 20 directions their variance is 10, along the other 80 it is 1,
# and the label is the sign of the sum of the 20 coordinates of large variance. All is rotated, so that
# no single feature tells anything. Autoencoders with a single hidden layer, which is linear, learn codes
# of width 5, 20, 100 and 500. (The cell trains for about half a minute.)

# %%
widths = [5, 20, 100, 500]
num_epochs = 10
ready = bool(result_3a and result_3a_probe)

if ready:
    data = subspace_data(4000, n_features=100, n_signal=20)
    losses = {width: [] for width in widths}
    accuracies = {width: [] for width in widths}
    probed = [0, 1, 3, num_epochs]
    for width in widths:
        th.manual_seed(0)
        experiment = Experiment(Autoencoder(100, [width]), data)
        for epoch in range(num_epochs + 1):
            if epoch > 0:
                experiment.train_epoch()
            losses[width].append(experiment.validation_loss())
            if epoch in probed:
                accuracies[width].append(experiment.probe_accuracy())
        before, after = accuracies[width][0], accuracies[width][-1]
        print(
            f"width {width:3}: loss {losses[width][-1]:6.1f}, accuracy of the probe "
            f"{before:.1f} % before and {after:.1f} % after training"
        )
else:
    print("First pass 3a and 3a-probe.")

# %%
if ready:
    chart = plots.new_chart("epoch", "validation loss", title="Reconstruction")
    for width in widths:
        plots.line(chart, range(num_epochs + 1), losses[width], f"width {width}")
        if width < 100:
            discarded = data.discarded(width)  # the sum of the eigenvalues after the width-th
            plots.reference(chart, y=discarded, text=f"discarded variance: {discarded:.0f}")
    chart.show()

# %%
if ready:
    chart = plots.new_chart("epoch", "validation accuracy (%)", title="Linear probe")
    for width in widths:
        plots.line(chart, probed, accuracies[width], f"width {width}", markers=True)
    random_directions = 100 * attainable_accuracy(5)
    plots.reference(
        chart, y=random_directions, text=f"5 random signal directions: {random_directions:.0f} %"
    )
    chart.show()

# %% [markdown]
# **3a.** (i) To which values does the loss converge, and why can it not fall below them? (ii) Which
# widths give an accurate probe before training, and which after it? Explain both. Does a small loss
# mean an accurate probe?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# (i) A code of width $k$ keeps at most $k$ directions, and the loss is at least the variance along the
# others, $L \ge \sum_{j > k} \lambda_j$, the sum of the eigenvalues of the covariance that are
# discarded: $15 \cdot 10 + 80 = 230$ for $k = 5$, $80$ for $k = 20$, and $0$ from $k = 100$ on. Training
# approaches these values, up to the sampling error of 800 validation samples, and a code that is wider
# than the data gains nothing.
#
# (ii) The label is a linear function of the 20 directions of large variance. Width 5 has no room for
# them: it keeps five of 20 equally important directions, and the probe stays close to guessing, trained
# or not. Width 20 needs training: random features mix all 100 dimensions, while trained ones span the
# signal. At widths 100 and 500 even random weights lose nothing, because the map is injective, so
# the untrained probe is accurate; at width 100 it is slower to train, as a square random matrix has
# small singular values. The loss tells little about the probe: width 20 has a far larger loss than
# width 500, and a probe that is as accurate. What is left out matters only if it tells the labels apart.

# %% [markdown]
# ## 3a'. Few labels
#
# Labels are expensive, samples without labels often are not. The images here are the 1,797 handwritten
# digits of $8 \times 8$ pixels that come with scikit-learn. Autoencoders learn from 1,097 images without
# looking at labels; then the probes get 200 labels. They are compared with a probe of the
# pixels themselves, and with the code of an autoencoder that was not trained. (The cell trains for
# about half a minute.)

# %%
from sklearn.datasets import load_digits

images, digits = load_digits(return_X_y=True)
order = th.randperm(len(images), generator=th.Generator().manual_seed(0))
images = th.tensor(images / 16, dtype=th.float32)[order]
digits = th.tensor(digits)[order]
unlabelled = SimpleNamespace(train=SimpleNamespace(x=images[:1097]))
few_labels = SimpleNamespace(
    train=(images[1097:1297], digits[1097:1297]), test=(images[1297:], digits[1297:])
)

# %%
ready = bool(result_3a and result_3a_denoising and result_3a_masked and result_3a_probe)

if ready:
    sizes = [256, 64]
    kinds = {
        "untrained": lambda: Autoencoder(64, sizes),
        "vanilla": lambda: Autoencoder(64, sizes),
        "denoising": lambda: DenoisingAutoencoder(64, sizes, noise_std=0.5),
        "masked": lambda: MaskedAutoencoder(64, sizes, mask_prob=0.25),
    }

    def few_label_accuracy(model):
        """Accuracy on the test images of a probe that has 200 labels, in percent."""
        experiment = Experiment(model, few_labels, num_classes=10, lr=1e-2, probe_epochs=100)
        return experiment.probe_accuracy("test")

    class Pixels(Autoencoder):
        """Its code is the image itself."""

        def __init__(self):
            super().__init__(64, [64])
            self.encoder = nn.Identity()

    found = {"pixels": [few_label_accuracy(Pixels())]}
    for kind, build in kinds.items():
        found[kind] = []
        for seed in range(3):
            th.manual_seed(seed)
            model = build()
            if kind != "untrained":
                experiment = Experiment(model, unlabelled)
                for _ in range(40):
                    experiment.train_epoch()
            found[kind].append(few_label_accuracy(model))
    for kind, accuracies_of_kind in found.items():
        print(f"{kind:10}", "  ".join(f"{accuracy:.1f} %" for accuracy in accuracies_of_kind))
    chart = plots.new_chart("features of the probe", "accuracy on test images (%)")
    for kind, accuracies_of_kind in found.items():
        plots.points(chart, [kind] * len(accuracies_of_kind), accuracies_of_kind, kind)
    chart.show()
else:
    print("First pass all checks of 3a.")

# %% [markdown]
# **3a'.** Which features are best, and by how much? Why can images without labels help a classifier
# that has few labels, and why does the corruption help? What do the pixels and the untrained encoder
# tell?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# Here the denoising autoencoder is best, about two percentage points above the pixels, in each of three
# runs; the vanilla and the masked one are about one point above the pixels, and the untrained encoder is
# worst. Training without labels shows the encoder which images occur. Undoing noise or filling in masked
# pixels forces it to describe strokes and not single pixels, since a pixel alone does not say what was
# corrupted; a few labels are then enough to separate the classes. The pixels and the untrained encoder
# are the baselines to beat: without them, one would give credit to the training for what any features
# achieve. Images of $8 \times 8$ pixels leave little to gain, and one percentage point is five of the 500
# test images, so that the small differences here need more seeds and more images.

# %% [markdown]
# ## 3b. A linear autoencoder is PCA
#
# Without activations and biases, for centred samples in the columns of $X \in \mathbb{R}^{d \times n}$,
# the loss (times $n$) of an encoder $W_1 \in \mathbb{R}^{k \times d}$ and a decoder $W_2 \in
# \mathbb{R}^{d \times k}$ is
#
# $$L(W_1, W_2) = \lVert X - W_2 W_1 X \rVert_F^2$$
#
# Let $S = X X^\top$ be the scatter matrix, with full rank and the eigenvalues $\lambda_1 \ge \dots \ge
# \lambda_d$. Useful rules are $\lVert A \rVert_F^2 = \operatorname{tr}(A A^\top)$, $\operatorname{tr}(AB) =
# \operatorname{tr}(BA)$ and $\partial \operatorname{tr}(A W B) / \partial W = A^\top B^\top$.

# %% [markdown]
# **3b.** Show, step by step:
#
# - the loss is a sum of three traces with $S$;
# - the gradients with respect to $W_1$ and $W_2$;
# - where the first gradient is zero and $W_2$ has full rank, $W_2 W_1$ is the orthogonal projection $P$
#   on the columns of $W_2$, and the loss is $\operatorname{tr}((I - P) S)$;
# - where the second one is zero, too, the columns of $W_2$ span eigenvectors of $S$. Which of these
#   points is the minimum, and what is the loss there?
#
# Are the weights at the minimum unique?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# *The loss.* With $M = W_2 W_1$ it is $\operatorname{tr}((I - M) S (I - M)^\top)$. Multiplying out,
#
# $$L = \operatorname{tr} S - 2 \operatorname{tr}(W_2 W_1 S) +
# \operatorname{tr}(W_1^\top W_2^\top W_2 W_1 S)$$
#
# *The gradients* follow term by term; the last term has each factor twice:
#
# $$\frac{\partial L}{\partial W_1} = 2 W_2^\top (W_2 W_1 - I) S, \qquad
# \frac{\partial L}{\partial W_2} = 2 (W_2 W_1 - I) S W_1^\top$$
#
# *The first is zero.* $S$ is invertible, so $W_2^\top W_2 W_1 = W_2^\top$. With full rank of $W_2$, so is
# $W_2^\top W_2$, and
#
# $$W_2 W_1 = W_2 (W_2^\top W_2)^{-1} W_2^\top = P$$
#
# This is the orthogonal projection on the columns of $W_2$: $P^2 = P = P^\top$. The loss is
# $\operatorname{tr}((I - P) S (I - P)) = \operatorname{tr}((I - P) S)$, the variance that $P$ leaves.
#
# *The second is zero, too.* Multiply $(P - I) S W_1^\top = 0$ by $W_2^\top$ from the right, with $W_1^\top
# W_2^\top = P^\top = P$: then $S P = P S P$. The right side is symmetric, so the left one is, $S P = P S$.
# Hence $S$ maps the range of $P$ into itself, and this range is spanned by $k$ eigenvectors of $S$, say
# those with the indices $J$. The loss is the sum of the other eigenvalues:
#
# $$L = \sum_{j \notin J} \lambda_j \;\ge\; \sum_{j > k} \lambda_j$$
#
# It is least for the $k$ leading eigenvectors, the principal axes of PCA. Every other choice is a
# saddle: turning a kept axis towards a discarded one of larger variance lowers the loss.
#
# *The weights* are not unique, not even up to signs: $(C^{-1} W_1, W_2 C)$ has the same loss for every
# invertible $C$. What is unique, if $\lambda_k > \lambda_{k+1}$, is the subspace.

# %% [markdown]
# Your `Autoencoder` with one hidden size is such an autoencoder, with biases that learn the mean. Train
# it on samples with known eigenvalues, and compare it with PCA. The largest *principal angle* between
# two subspaces is zero if they are the same, and $90°$ if a direction of one is orthogonal to the
# other.

# %%
from eigenlab.linear import LinearAutoencoder, samples_with_spectrum
from eigenlab.spectrum import principal_angles

eigenvalues = th.tensor([10, 8, 6, 2, 1.5, 1, 0.8, 0.6, 0.4, 0.2], dtype=th.float64)
k = 3
X = samples_with_spectrum(eigenvalues, 500, generator=th.Generator().manual_seed(0)).T.float()
X = X - X.mean(dim=0)  # (500, 10)
pca = LinearAutoencoder(k).fit(X.numpy())  # in closed form
principal_axes = th.tensor(pca.components_.T)  # (10, k)
smallest_loss = th.linalg.eigvalsh(X.T @ X / len(X))[:-k].sum().item()

if result_3a:
    th.manual_seed(0)
    model = Autoencoder(10, [k])
    optimizer = th.optim.Adam(model.parameters(), lr=0.01)
    steps, losses, angles = [], [], []
    for step in range(1001):
        loss = model.get_loss(X)
        if step % 20 == 0:
            with th.no_grad():  # the columns of W_2: what the decoder makes of unit codes
                W_2 = (model.decoder(th.eye(k)) - model.decoder(th.zeros(k, k))).T
            steps.append(step)
            losses.append(loss.item())
            angles.append(principal_angles(W_2, principal_axes).max().rad2deg().item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"loss {losses[-1]:.4f}, sum of the discarded eigenvalues {smallest_loss:.4f}")
    print(f"largest principal angle to PCA: {angles[-1]:.2g} degrees")
    cosines = F.normalize(W_2, dim=0).T @ principal_axes.float()
    print("cosines between the columns of W_2 and the principal axes:")
    print(cosines.numpy().round(2))
else:
    print("First pass 3a.")

# %%
if result_3a:
    chart = plots.new_chart("step", "loss", log_y=True)
    plots.line(chart, steps, losses, "autoencoder")
    plots.reference(chart, y=smallest_loss, text="PCA")
    chart.show()
    chart = plots.new_chart("step", "largest principal angle (degrees)", log_y=True)
    plots.line(chart, steps, angles, "subspace of the decoder, to PCA")
    chart.show()

# %% [markdown]
# The loss reaches that of PCA, and the subspace that of the principal axes. The columns of $W_2$ are
# not the axes themselves, though: training found one of the many bases of the same subspace.
