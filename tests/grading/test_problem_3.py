"""Right solutions of problem 3 pass however they are written; wrong ones get the hint that fits."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from torch import nn

import eigenlab.autoencoders
from eigenlab.grading import check


def stack(sizes, activation_cls, last=False):
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation_cls()]
    return nn.Sequential(*(layers if last else layers[:-1]))


class Plain(nn.Module):
    """A right solution; the cases below change it."""

    last = (False, False)

    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__()
        sizes = [input_size, *hidden_sizes]
        self.encoder = stack(sizes, activation_cls, self.last[0])
        self.decoder = stack(sizes[::-1], activation_cls, self.last[1])

    def forward(self, x):
        return self.decoder(self.encoder(x))

    def get_loss(self, x):
        return (self(x) - x).square().sum(1).mean()


def plain(**methods):
    """A class that differs from the right one by some methods."""
    return type("Autoencoder", (Plain,), methods)


def with_loss(loss):
    return plain(get_loss=lambda self, x: loss(self(x), x))


class RawParameters(nn.Module):
    """Weights of the other orientation and with names of their own, sample by sample."""

    def __init__(self, d, widths, act=nn.ReLU):
        super().__init__()
        sizes = [d, *widths, *widths[-2::-1], d]
        self.act, self.code_at = act(), len(widths)
        pairs = list(pairwise(sizes))
        self.matrices = nn.ParameterList(torch.randn(a, b) / a**0.5 for a, b in pairs)
        self.offsets = nn.ParameterList(torch.zeros(1, b) for _, b in pairs)

    def _run(self, h, first, last):
        for i in range(first, last):
            h = h @ self.matrices[i] + self.offsets[i][0]
            if i + 1 not in (self.code_at, len(self.matrices)):
                h = self.act(h)
        return h

    def encode(self, x):
        return self._run(x, 0, self.code_at)

    def decode(self, z):
        return self._run(z, self.code_at, len(self.matrices))

    def forward(self, x):
        return torch.stack([self.decode(self.encode(row)) for row in x])

    def get_loss(self, x):
        total = 0
        for row, reconstruction in zip(x, self(x), strict=True):
            total = total + ((reconstruction - row) ** 2).sum()
        return total / len(x)


class WithModuleList(Plain):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        nn.Module.__init__(self)
        sizes = [input_size, *hidden_sizes]
        self.encoder_layers = nn.ModuleList(map(nn.Linear, sizes[:-1], sizes[1:]))
        back = sizes[::-1]
        self.decoder_layers = nn.ModuleList(map(nn.Linear, back[:-1], back[1:]))
        self.activation = activation_cls()

    def _pass(self, layers, h):
        for layer in layers[:-1]:
            h = self.activation(layer(h))
        return layers[-1](h)

    def encoder(self, x):
        return self._pass(self.encoder_layers, x)

    def decoder(self, z):
        return self._pass(self.decoder_layers, z)

    def get_loss(self, x):
        return F.mse_loss(self(x), x) * x.shape[1]


class TwoValues(Plain):
    def forward(self, x):
        z = self.encoder(x)
        return self.decoder(z), z

    def get_loss(self, x):
        x_hat, _ = self(x)
        return F.mse_loss(x_hat, x, reduction="sum") / len(x), x_hat


RIGHT_AUTOENCODERS = {
    "sequential": Plain,
    "raw parameters": RawParameters,
    "module lists": WithModuleList,
    "two values": TwoValues,
    "the library's": eigenlab.autoencoders.Autoencoder,
}


class InAList(Plain):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        encoder, decoder = self.encoder, self.decoder
        del self.encoder, self.decoder
        self.parts = [encoder, decoder]

    def encode(self, x):
        return self.parts[0](x)

    def decode(self, z):
        return self.parts[1](z)

    def forward(self, x):
        return self.decode(self.encode(x))


class AlwaysReLU(Plain):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__(input_size, hidden_sizes, nn.ReLU)


class NoActivation(Plain):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__(input_size, hidden_sizes, nn.Identity)


class NoBias(Plain):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.bias = None


class StopsEarly(Plain):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__(input_size, hidden_sizes[:-1] or hidden_sizes, activation_cls)


class TiedWeights(Plain):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.decoder = None
        self.offsets = nn.ParameterList(
            torch.zeros(m.in_features) for m in self.encoder if isinstance(m, nn.Linear)
        )

    def decode(self, z):
        linears = [m for m in self.encoder if isinstance(m, nn.Linear)]
        for k in reversed(range(len(linears))):
            z = z @ linears[k].weight + self.offsets[k]
            z = torch.tanh(z) if k else z
        return z

    def forward(self, x):
        return self.decode(self.encoder(x))


class ActsOnALinearCode(Plain):
    """Right for several hidden sizes, with an activation too many for a single one."""

    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__(input_size, hidden_sizes, activation_cls)
        if len(hidden_sizes) == 1:
            self.encoder.append(activation_cls())


def sigmoid_output(self, x):
    return torch.sigmoid(self.decoder(self.encoder(x)))


def detached(self, x):
    with torch.no_grad():
        return (self(x) - x).square().sum(1).mean()


class FirstAndLastWidth(Plain):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        ends = [*hidden_sizes[:1], *hidden_sizes[1:][-1:]]
        super().__init__(input_size, ends, activation_cls)


class FirstTwoWidths(Plain):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__(input_size, hidden_sizes[:2], activation_cls)


class SameOrderInTheDecoder(Plain):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__(input_size, hidden_sizes, activation_cls)
        sizes = [hidden_sizes[-1], *hidden_sizes[:-1], input_size]
        self.decoder = stack(sizes, activation_cls)


class OneActivation(Plain):
    """None follows the second hidden size."""

    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU):
        super().__init__(input_size, hidden_sizes, activation_cls)
        if len(hidden_sizes) > 2:
            self.encoder[3] = nn.Identity()


WRONG_AUTOENCODERS = [
    (FirstAndLastWidth, "hidden_sizes[1] is left out"),
    (FirstTwoWidths, "only hidden_sizes[0] and [1] count"),
    (SameOrderInTheDecoder, "in the order of the encoder; reverse them"),
    (OneActivation, "with an activation between layers"),
    (plain(last=(True, False)), "follows the last layer of the encoder: end"),
    (plain(last=(False, True)), "follows the last layer of the decoder: end"),
    (plain(last=(True, True)), "follows the last layer of the encoder"),
    (plain(forward=sigmoid_output), "a sigmoid follows"),
    (ActsOnALinearCode, "With one hidden size there is no activation at all"),
    (InAList, "no parameter is registered"),
    (AlwaysReLU, "ReLU whatever is given"),
    (NoActivation, "there is no activation between the layers."),
    (NoBias, "the biases are missing"),
    (StopsEarly, "The last hidden size is not reached"),
    (TiedWeights, "no weights of its own"),
    (plain(forward=lambda self, x: self.encoder(x)), "(6, 3), expected (6, 5)"),
    (plain(forward=lambda self, x: None), "is None: the code is still missing"),
    (with_loss(F.mse_loss), "averaged over the features too, as F.mse_loss does"),
    (with_loss(lambda a, b: F.mse_loss(a, b, reduction="sum")), "summed over the samples too"),
    (with_loss(lambda a, b: (a - b).square().mean(1).sum()), "the other way round"),
    (with_loss(lambda a, b: (a - b).norm(dim=1).mean()), "square the lengths"),
    (with_loss(lambda a, b: (a - b).abs().sum(1).mean()), "the errors are not squared."),
    (with_loss(lambda a, b: (a - b).abs().mean()), "not squared, and averaged over the features"),
    (with_loss(lambda a, b: (a - b).sum(1).square().mean()), "summed before they are squared"),
    (with_loss(lambda a, b: (a - b).square().sum(1).mean() / 2), "half of the loss"),
    (with_loss(lambda a, b: (a - b).square().sum(1).mean().sqrt()), "root of the loss"),
    (with_loss(lambda a, b: (a - b).square().sum(1)), "one loss for each sample"),
    (with_loss(lambda a, b: (a - b) ** 2), "one squared error for each entry"),
    (plain(get_loss=detached), "the loss is detached from the graph"),
]


def corrupting(kind, corrupt, *, always=False, target=False, loss=None, again=False):
    """A class that gives ``corrupt(self, x)`` to the encoder."""

    class Corrupting(Plain):
        def __init__(self, *arguments, noise_std=0.5, mask_prob=0.25):
            super().__init__(*arguments)
            self.noise_std, self.mask_prob = noise_std, mask_prob

        def get_loss(self, x):
            corrupted = corrupt(self, x) if self.training or always else x
            wanted = corrupted if target else x
            if loss is not None:
                return loss(self(corrupted), wanted, corrupted == 0)
            if again:  # corrupts the reconstruction in place of the input
                return (corrupt(self, self(x)) - x).square().sum(1).mean()
            return (self(corrupted) - wanted).square().sum(1).mean()

    Corrupting.__name__ = kind
    return Corrupting


def noise(corrupt, **options):
    return corrupting("DenoisingAutoencoder", corrupt, **options)


def mask(corrupt, **options):
    return corrupting("MaskedAutoencoder", corrupt, **options)


def normal(self, x):
    return x + self.noise_std * torch.randn_like(x)


def zeroed(self, x):
    return x * (torch.rand_like(x) >= self.mask_prob)


class NoisyForward(Plain):
    """Corrupts in forward, where the vanilla loss then finds it."""

    def __init__(self, *arguments, noise_std=0.5, **_):
        super().__init__(*arguments)
        self.noise_std = noise_std

    def forward(self, x):
        return self.decoder(self.encoder(normal(self, x) if self.training else x))


class MaskedForward(Plain):
    def __init__(self, *arguments, mask_prob=0.25):
        super().__init__(*arguments)
        self.mask_prob = mask_prob

    def encode(self, x):
        return self.encoder(zeroed(self, x) if self.training else x)

    def forward(self, x):
        return self.decoder(self.encode(x))


class NoisyLoop(NoisyForward):
    """Sample by sample, with one activation for encoder and decoder."""

    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU, noise_std=0.5):
        shared = activation_cls()
        super().__init__(input_size, hidden_sizes, lambda: shared, noise_std=noise_std)

    def get_loss(self, x):
        return sum((self(row) - row).square().sum() for row in x) / len(x)


class LooksTwice(NoisyForward):
    """Also reconstructs the clean samples, to show their loss."""

    def get_loss(self, x):
        self.eval()
        self.clean_loss = super().get_loss(x).item()
        self.train(self.wanted)
        return super().get_loss(x)

    def train(self, mode=True):
        self.wanted = mode
        return super().train(mode)

    def eval(self):
        return super().train(False)


class MaskedInPlace(MaskedForward):
    def forward(self, x):
        x = x.clone()
        if self.training:
            x[torch.rand(x.shape) < self.mask_prob] = 0
        return self.decoder(self.encoder(x))


def by_bernoulli(self, x):
    return torch.bernoulli(torch.full_like(x, 1 - self.mask_prob)) * x


def by_dropout(self, x):
    return F.dropout(x, self.mask_prob) * (1 - self.mask_prob)


def by_numpy(self, x):
    return x + self.noise_std * torch.tensor(np.random.default_rng().normal(size=x.shape)).float()


RIGHT_DENOISING = {
    "in get_loss": noise(normal),
    "in forward": NoisyForward,
    "loop": NoisyLoop,
    "two passes": LooksTwice,
    "numpy's generator": noise(by_numpy),
    "numpy": noise(
        lambda self, x: (
            x + torch.tensor(np.random.normal(0, self.noise_std, x.shape)).float()  # noqa: NPY002
        )
    ),
    "torch.normal": noise(lambda self, x: x + torch.normal(0.0, self.noise_std, x.shape)),
    "per row": noise(lambda self, x: torch.stack([normal(self, row) for row in x])),
}
RIGHT_MASKED = {
    "in get_loss": mask(zeroed),
    "in the encoder": MaskedForward,
    "in place of a copy": MaskedInPlace,
    "bernoulli": mask(by_bernoulli),
    "dropout, scaled back": mask(by_dropout),
    "where": mask(lambda self, x: torch.where(torch.rand_like(x) < self.mask_prob, 0.0, x)),
}


def in_place_noise(self, x):
    x += self.noise_std * torch.randn_like(x)
    return x


def in_place_mask(self, x):
    x[torch.rand_like(x) < self.mask_prob] = 0
    return x


def one_draw(self, x):
    draw = torch.Generator().manual_seed(0)
    return x + self.noise_std * torch.randn(x.shape, generator=draw)


def one_mask(self, x):
    draw = torch.Generator().manual_seed(0)
    return x * (torch.rand(x.shape, generator=draw) >= self.mask_prob)


def same_number(self, x):
    places = torch.rand_like(x).argsort(1)
    return x.masked_fill(places < round(self.mask_prob * x.shape[1]), 0.0)


class IgnoresTheActivation(NoisyForward):
    def __init__(self, input_size, hidden_sizes, activation_cls=nn.ReLU, noise_std=0.5):
        super().__init__(input_size, hidden_sizes, noise_std=noise_std)


def mse(a, b, _):
    return F.mse_loss(a, b)


WRONG_DENOISING = [
    (noise(lambda self, x: x), "there is no noise in training mode"),
    (noise(normal, always=True), "the noise is there in evaluation mode too"),
    (noise(normal, target=True), "the target is the corrupted input"),
    (noise(in_place_noise), "x itself is corrupted"),
    (noise(lambda self, x: x + torch.randn_like(x)), "noise_std has no effect"),
    (noise(lambda self, x: x + self.noise_std**0.5 * torch.randn_like(x)), "for the variance"),
    (noise(lambda self, x: x + self.noise_std**2 * torch.randn_like(x)), "noise_std is squared"),
    (noise(lambda self, x: x + 0.5 * torch.randn_like(x)), "0.5 whatever is given"),
    (noise(lambda self, x: x + self.noise_std * torch.rand_like(x)), "uniform noise"),
    (noise(lambda self, x: x + self.noise_std * (2 * torch.rand_like(x) - 1)), "in +-noise_std"),
    (
        noise(lambda self, x: x + self.noise_std * 12**0.5 * (torch.rand_like(x) - 0.5)),
        "uniform noise",
    ),
    (noise(lambda self, x: x * (1 + self.noise_std * torch.randn_like(x))), "multiplied by x"),
    (noise(lambda self, x: x + self.noise_std * torch.randn(x.shape[1])), "every sample has"),
    (noise(lambda self, x: x + self.noise_std * torch.randn(len(x), 1)), "every feature has"),
    (noise(one_draw), "every call has the same noise"),
    (IgnoresTheActivation, "pass activation_cls on"),
    (noise(normal, again=True), "there is no noise in training mode"),
    (noise(normal, loss=mse), "averaged over the features too"),
]
WRONG_MASKED = [
    (mask(lambda self, x: x), "no feature is masked in training mode"),
    (mask(normal), "features are changed, but not to zero"),
    (mask(zeroed, always=True), "the mask is there in evaluation mode too"),
    (mask(zeroed, target=True), "the target is the corrupted input"),
    (mask(in_place_mask), "x itself is corrupted"),
    (mask(lambda self, x: x * (torch.rand_like(x) < self.mask_prob)), "the mask is inverted"),
    (mask(lambda self, x: F.dropout(x, self.mask_prob)), "divided by 1 - mask_prob"),
    (mask(lambda self, x: x * (torch.rand_like(x) > 0.25)), "0.25 whatever is given"),
    (mask(lambda self, x: x * (torch.rand(x.shape[1]) >= self.mask_prob)), "the same mask; draw"),
    (mask(lambda self, x: x * (torch.rand(len(x), 1) >= self.mask_prob)), "whole samples"),
    (mask(one_mask), "every call has the same mask"),
    (mask(same_number), "every sample has the same number"),
    (mask(lambda self, x: 0 * x), "all features are masked"),
    (
        mask(zeroed, loss=lambda a, b, m: ((a - b).square() * m).sum(1).mean()),
        "only the masked features are compared",
    ),
    (
        mask(zeroed, loss=lambda a, b, m: (a - b).square()[~m].mean()),
        "only the kept features are compared",
    ),
    (mask(zeroed, loss=mse), "averaged over the features too"),
    (
        mask(zeroed, loss=lambda a, b, m: (a - b).detach().square().sum(1).mean()),
        "detached from the graph",
    ),
]


class Probing:
    """A right solution of Experiment; the cases below change it."""

    def __init__(self, model, data, num_classes=2, lr=2e-3, batch_size=32, probe_epochs=50):
        self.model, self.data, self.num_classes = model, data, num_classes
        self.lr, self.batch_size, self.probe_epochs = lr, batch_size, probe_epochs

    def _get_features(self, x):
        self.model.eval()
        with torch.no_grad():
            return self.model.encoder(x)

    def classifier(self, n_features):
        return nn.Linear(n_features, self.num_classes)

    def parameters(self, classifier):
        return classifier.parameters()

    def train_probe(self, split="train", features=None):
        features = features or self._get_features
        x, y = getattr(self.data, split)
        classifier = self.classifier(features(x[:1]).shape[1])
        optimizer = torch.optim.Adam(self.parameters(classifier), lr=self.lr)
        for _ in range(self.probe_epochs):
            for batch in torch.randperm(len(x)).split(self.batch_size):
                loss = F.cross_entropy(classifier(features(x[batch])), y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return classifier

    def right(self, classifier, split, axis=-1):
        x, y = getattr(self.data, split)
        return (classifier(self._get_features(x)).argmax(axis) == y).float()

    def _get_model_accuracy(self, classifier, split="test"):
        return 100 * self.right(classifier, split).mean().item()


def probing(**methods):
    return type("Experiment", (Probing,), methods)


def accuracy(function):
    """An Experiment whose accuracy is ``function(self, classifier, split)``."""
    return probing(_get_model_accuracy=function)


def in_batches(self, classifier, split="test"):
    x, y = getattr(self.data, split)
    right = 0
    for begin in range(0, len(x), self.batch_size):
        batch = slice(begin, begin + self.batch_size)
        right += (classifier(self._get_features(x[batch])).max(1).indices == y[batch]).sum()
    return right / len(x) * 100


def frozen_and_thawed(self):
    self.model.requires_grad_(False)
    classifier = Probing.train_probe(self)
    self.model.requires_grad_(True)
    return classifier


def full_batch(self):
    self.batch_size = len(self.data.train.x)
    return Probing.train_probe(self)


def by_scikit_learn(self):
    x, y = self.data.train
    found = LogisticRegression().fit(self._get_features(x).numpy(), y.numpy())
    classifier = nn.Linear(2, 3)
    with torch.no_grad():
        classifier.weight.copy_(torch.tensor(found.coef_))
        classifier.bias.copy_(torch.tensor(found.intercept_))
    return classifier


RIGHT_EXPERIMENTS = {
    "full batch": probing(train_probe=full_batch),
    "scikit-learn": probing(train_probe=by_scikit_learn),
    "percent": Probing,
    "fraction": accuracy(lambda self, c, split: self.right(c, split).mean()),
    "batches": accuracy(in_batches),
    "frozen and thawed": probing(train_probe=frozen_and_thawed),
    "detached": probing(
        _get_features=lambda self, x: self.model.eval().encoder(x).detach(),
    ),
}


def batch_means(self, classifier, split="test"):
    batches = self.right(classifier, split).split(self.batch_size)
    return 100 * torch.stack([batch.mean() for batch in batches]).mean()


def whole_batches(self, classifier, split="test"):
    right = self.right(classifier, split)
    return 100 * right[: max(len(right) // self.batch_size, 1) * self.batch_size].mean()


def in_training_mode(self, x):
    self.model.train()
    with torch.no_grad():
        return self.model.encoder(x)


def graph(self, x):
    return self.model.eval().encoder(x)


class TrainsTheEncoder(Probing):
    def train_probe(self):
        return super().train_probe(features=lambda x: graph(self, x))

    def parameters(self, classifier):
        return [*classifier.parameters(), *self.model.parameters()]


def frozen(self):
    self.model.requires_grad_(False)
    return Probing.train_probe(self)


def both_splits(self):
    train, validation = self.data.train, self.data.validation
    x, y = torch.cat([train.x, validation.x]), torch.cat([train.y, validation.y])
    self.data = self.data._replace(train=train._replace(x=x, y=y))
    return Probing.train_probe(self)


def both_splits_in_one_batch(self):
    self.batch_size = 1000
    return both_splits(self)


def best_on_validation(self):
    """The epoch with the best accuracy on the validation samples."""
    epochs, self.probe_epochs = self.probe_epochs, 1
    classifier = self.classifier(2)
    self.classifier = lambda n: classifier
    best, kept = -1.0, {}
    for _ in range(epochs):
        Probing.train_probe(self)
        found = float(self._get_model_accuracy(classifier, "validation"))
        if found > best:
            best, kept = found, {k: v.clone() for k, v in classifier.state_dict().items()}
    classifier.load_state_dict(kept)
    return classifier


RIGHT_EXPERIMENTS["the best epoch"] = probing(train_probe=best_on_validation)


class NotTrained(Probing):
    def train_probe(self):
        return self.classifier(2)


class TrainsInTrainingMode(Probing):
    def train_probe(self):
        return super().train_probe(features=lambda x: in_training_mode(self, x))


WRONG_EXPERIMENTS = [
    (accuracy(lambda self, c, split: 100 * self.right(c, split, 0).mean()), "argmax runs over"),
    (probing(_get_features=in_training_mode), "the encoder is in training mode"),
    (accuracy(lambda self, c, split: self.right(c, split).sum()), "divide by the number of all"),
    (accuracy(lambda self, c, split: 100 - 100 * self.right(c, split).mean()), "share of wrong"),
    (accuracy(lambda self, c, _: 100 * self.right(c, "train").mean()), "training samples"),
    (accuracy(lambda self, c, _: 100 * self.right(c, "test").mean()), "whatever `split` is"),
    (accuracy(batch_means), "the accuracies of the batches are averaged"),
    (accuracy(whole_batches), "the last, smaller batch is left out"),
    (accuracy(lambda self, c, split: None), "is None"),
    (TrainsTheEncoder, "the probe trains the encoder"),
    (
        probing(train_probe=lambda self: Probing.train_probe(self, features=self.model.encoder)),
        "gradient flows into the encoder",
    ),
    (probing(train_probe=frozen), "cannot be trained any further"),
    (
        probing(train_probe=lambda self: Probing.train_probe(self, features=lambda x: x)),
        "it reads x",
    ),
    (
        probing(
            classifier=lambda self, n: nn.Sequential(nn.Linear(n, 8), nn.Tanh(), nn.Linear(8, 3))
        ),
        "A linear probe is one nn.Linear",
    ),
    (
        probing(classifier=lambda self, n: nn.Sequential(nn.Linear(n, 3), nn.Softmax(1))),
        "without softmax",
    ),
    (NotTrained, "Minimise F.cross_entropy"),
    (probing(train_probe=lambda self: Probing.train_probe(self, "test")), "on the test samples"),
    (probing(train_probe=both_splits), "the probe follows the validation samples"),
    (probing(train_probe=both_splits_in_one_batch), "the probe follows the validation samples"),
    (
        probing(train_probe=lambda self: Probing.train_probe(self, "validation")),
        "the probe follows the validation samples",
    ),
    (TrainsInTrainingMode, "in training mode while the probe is trained"),
]

RIGHT = {
    "3a": RIGHT_AUTOENCODERS,
    "3a-denoising": RIGHT_DENOISING,
    "3a-masked": RIGHT_MASKED,
    "3a-probe": RIGHT_EXPERIMENTS,
}
WRONG = {
    "3a": WRONG_AUTOENCODERS,
    "3a-denoising": WRONG_DENOISING,
    "3a-masked": WRONG_MASKED,
    "3a-probe": WRONG_EXPERIMENTS,
}


@pytest.mark.parametrize(
    ("part", "name"), [(part, name) for part, named in RIGHT.items() for name in named]
)
def test_a_right_solution_passes(part, name):
    result = check(part, RIGHT[part][name])
    assert result, result
    assert result.hint == ""


@pytest.mark.parametrize(
    ("part", "number"), [(part, n) for part, cases in WRONG.items() for n in range(len(cases))]
)
def test_a_wrong_solution_gets_the_hint_that_fits(part, number):
    solution, words = WRONG[part][number]
    result = check(part, solution)
    assert not result
    assert words in result.hint


@pytest.mark.parametrize("part", RIGHT)
def test_what_is_not_written_is_named(part):
    def absent(*_, **__):
        raise NotImplementedError

    result = check(part, absent)
    assert result.hint == f"{result.title} still has to be written."


@pytest.mark.parametrize("part", RIGHT)
def test_a_right_solution_passes_whatever_is_drawn(part, monkeypatch):
    """The tolerances of statistics are wide: no seed of the weights makes a check fail."""
    manual_seed = torch.manual_seed
    for shift in range(1, 6):
        monkeypatch.setattr(torch, "manual_seed", lambda seed, by=shift: manual_seed(seed + by))
        assert check(part, next(iter(RIGHT[part].values())))


def test_a_method_that_is_missing_is_named():
    class Autoencoder(Plain):
        get_loss = None

    assert check("3a", Autoencoder).hint == "Autoencoder.get_loss still has to be written."
    hint = check("3a", lambda *_: nn.Linear(5, 5)).hint
    assert hint == "Linear.encoder still has to be written."
