"""Checks of problem 3: autoencoders, their corruptions, and linear probes of their encoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from eigenlab.grading.comparison import Comparison, as_array
from eigenlab.grading.parts import part
from eigenlab.grading.recurrent import count, fill, identity

Function = Callable[[Tensor], Tensor]

#: Widths of ``Autoencoder(5, [4, 3])``, with its 24 + 15 + 16 + 25 = 80 parameters.
SIZES = (5, 4, 3, 4, 5)


def encode(model: Any, x: Tensor) -> Tensor:
    """The code of ``x``, by the method or the module that the student has."""
    return _first(_method(model, "encode", "encoder")(x))


def decode(model: Any, z: Tensor) -> Tensor:
    """The reconstruction from a code."""
    return _first(_method(model, "decode", "decoder")(z))


def reconstruct(model: Any, x: Tensor) -> Tensor:
    """What ``forward`` returns, without the values that it may return besides."""
    return _first(model(x))


def loss_of(model: Any, x: Tensor) -> Any:
    """What ``get_loss`` returns, without the values that it may return besides."""
    return _first(_method(model, "get_loss")(x))


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) else value


def _method(model: Any, *names: str) -> Any:
    for name in names:
        if callable(found := getattr(model, name, None)):
            return found
    raise NotImplementedError(f"{type(model).__name__}.{names[-1]}")


def _shape(label: str, value: Any, expected: tuple[int, ...], **reasons: str) -> Comparison:
    """Compare shapes; ``reasons`` says why there may be that many features, such as ``_4``."""
    array = as_array(value)
    if array is None:
        return Comparison(label, value, 1.0)
    reason = reasons.get(f"_{array.shape[-1]}", "") if array.ndim == len(expected) else ""
    words = f"{array.shape}, expected {expected}. {reason}".rstrip()
    return Comparison(
        f"the shape of {label}", float(array.shape == expected), 1.0, mistakes={words: 0.0}
    )


def constant_network(
    x: Tensor,
    value: float,
    activation: Function,
    *,
    encoder: bool = True,
    decoder: bool = True,
    after_code: Function = identity,
    after_output: Function = identity,
) -> tuple[Tensor, Tensor]:
    """Code (n, 3) and reconstruction (n, 5) if all parameters are ``value``, in float64.

    A layer then has equal units: ``value`` times the sum of its inputs plus one. The options are
    likely mistakes.
    """

    def layer(h: Tensor, units: int, after: Function) -> Tensor:
        return after(value * (h.sum(-1, keepdim=True) + 1)).expand(-1, units)

    inner = layer(x.double(), SIZES[1], activation if encoder else identity)
    code = layer(inner, SIZES[2], after_code)
    inner = layer(code, SIZES[3], activation if decoder else identity)
    return code, layer(inner, SIZES[4], after_output)


def loss_mistakes(error: Tensor) -> dict[str, Tensor]:
    """What a loss with a likely mistake is, for errors (n, d) of the reconstruction."""
    squared = error.square()
    return {
        "it is averaged over the features too, as F.mse_loss does; sum over features, and average "
        "over samples only.": squared.mean(),
        "it is summed over the samples too; average over samples.": squared.sum(),
        "it is summed over samples and averaged over features; it is the other way round.": (
            squared.sum(0).mean()
        ),
        "it is the mean length of the errors; square the lengths.": error.norm(dim=1).mean(),
        "the errors are not squared.": error.abs().sum(1).mean(),
        "the errors are not squared, and averaged over the features too.": error.abs().mean(),
        "the errors are summed before they are squared.": error.sum(1).square().mean(),
        "it is half of the loss.": squared.sum(1).mean() / 2,
        "it is the root of the loss.": squared.sum(1).mean().sqrt(),
        "it is one loss for each sample; average them.": squared.sum(1),
        "it is one squared error for each entry; sum over features, and average over samples.": (
            squared
        ),
    }


@part("3a", "Autoencoder", "Autoencoder")
def autoencoder(Autoencoder: Callable[..., Any]) -> Iterator[Comparison]:
    """Constant parameters tell widths, activations and the loss; random ones tell the rest."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(6, 5, generator=draw)
    model, label = Autoencoder(5, [4, 3], nn.Tanh), "Autoencoder(5, [4, 3], nn.Tanh)"
    code = encode(model, x)
    yield _shape(
        f"the code of {label}",
        code,
        (6, 3),
        _5="This is the shape of x; the code has hidden_sizes[-1] features.",
        _4="The last hidden size is not reached; the code has hidden_sizes[-1] features.",
    )
    yield _shape(f"the reconstruction of {label}", reconstruct(model, x), (6, 5))
    yield Comparison(
        f"the number of parameters of {label}",
        count(model),
        80.0,
        mistakes={
            "no parameter is registered: hold the layers in nn.Sequential or nn.ModuleList, not "
            "in a list.": 0.0,
            "the biases are missing: each nn.Linear has one.": 64.0,
            "the decoder has no weights of its own; it mirrors the encoder's widths, not its "
            "weights.": 48.0,
        },
        advice="The layers 5-4-3 have 24 + 15, the layers 3-4-5 have 16 + 25.",
    )
    yield from _constant(model, label, x, 0.3, torch.tanh)
    relu = Autoencoder(5, [4, 3])
    yield from _constant(relu, "Autoencoder(5, [4, 3])", x, -0.4, torch.relu)
    yield from _random(Autoencoder, draw)
    yield from _loss(model, f"get_loss(x) of {label} with every parameter 0.3", x)


def _constant(
    model: Any, label: str, x: Tensor, value: float, activation: Function
) -> Iterator[Comparison]:
    fill(model, value)
    after = "an activation follows the last layer of the"
    wrong: dict[str, dict[str, Any]] = {
        f"{after} encoder: end with nn.Linear.": {"after_code": activation},
        f"{after} decoder: end with nn.Linear.": {"after_output": activation},
        f"{after} encoder and of the decoder: end with nn.Linear.": {
            "after_code": activation,
            "after_output": activation,
        },
        "a sigmoid follows the last layer of the decoder: end with nn.Linear.": {
            "after_output": torch.sigmoid
        },
        "there is no activation between the layers.": {"encoder": False, "decoder": False},
        "there is no activation between the layers of the encoder.": {"encoder": False},
        "there is no activation between the layers of the decoder.": {"decoder": False},
    }
    found = {text: constant_network(x, value, activation, **kw) for text, kw in wrong.items()}
    if activation is not torch.relu:
        text = "the activation is ReLU whatever is given."
        found[text] = constant_network(x, value, torch.relu)
    right = constant_network(x, value, activation)
    for place, name, given in (
        (0, "the code", encode(model, x)),
        (1, "the reconstruction", reconstruct(model, x)),
    ):
        yield Comparison(
            f"{name} of {label} with every parameter {value}",
            given,
            right[place],
            mistakes={
                text: values[place]
                for text, values in found.items()
                if not torch.allclose(values[place], right[place])
            },
            advice="nn.Linear, activation, nn.Linear in the encoder and again in the decoder.",
            tolerance=1e-5,
        )


def _random(Autoencoder: Callable[..., Any], draw: torch.Generator) -> Iterator[Comparison]:
    """With one hidden size the map is affine, of the rank of the code."""
    a, b = torch.randn(2, 8, 6, generator=draw).unbind()
    deep, linear = Autoencoder(6, [5, 2, 3], nn.Tanh), Autoencoder(6, [3], nn.Tanh)
    for model in (deep, linear):
        reconstruct(model, a)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(0.7 * torch.randn(parameter.shape, generator=draw))
    yield Comparison(
        "Autoencoder(6, [5, 2, 3], nn.Tanh), model(x)",
        reconstruct(deep, a),
        decode(deep, encode(deep, a)),
        advice="forward(x) is the decoder of the encoder of x.",
    )
    zero, label = reconstruct(linear, torch.zeros_like(a)), "Autoencoder(6, [3])"
    bent = reconstruct(linear, a + b) - reconstruct(linear, a) - reconstruct(linear, b) + zero
    yield Comparison(
        f"f(a + b) - f(a) - f(b) + f(0) of {label}",
        bent,
        torch.zeros(8, 6),
        advice="With one hidden size there is no activation at all, and f is affine.",
    )
    yield Comparison(
        f"the rank of the map of {label} with random weights",
        float(torch.linalg.matrix_rank((reconstruct(linear, 20 * a) - zero).double(), rtol=1e-5)),
        3.0,
        advice="The code has 3 features, and the decoder reads all of them.",
    )


def _loss(model: Any, label: str, x: Tensor) -> Iterator[Comparison]:
    def closed_form(value: float) -> Tensor:
        return constant_network(x, value, torch.tanh)[1] - x.double()

    error, value, step = closed_form(0.3), 0.3, 1e-5
    given_x = x.clone()
    fill(model, value)
    loss = loss_of(model, given_x)
    yield Comparison(
        label,
        loss,
        error.square().sum(1).mean(),
        mistakes=loss_mistakes(error),
        advice="The squared error is summed over the features and averaged over the samples.",
    )
    yield Comparison("x after get_loss(x)", given_x, x, advice="get_loss must not change x.")
    # All parameters are equal, so the sum of their gradients is the derivative by their value.
    ends = [closed_form(value + shift).square().sum(1).mean() for shift in (step, -step)]
    gradients = []
    if isinstance(loss, Tensor) and loss.requires_grad and not loss.ndim:
        parameters = list(model.parameters())
        gradients = list(torch.autograd.grad(loss, parameters, allow_unused=True))
    yield Comparison(
        f"the sum of the gradients of {label}",
        float(sum(g.sum() for g in gradients if g is not None)),
        (ends[0] - ends[1]) / (2 * step),
        mistakes={"it is zero: the loss is detached from the graph.": 0.0},
        advice="No part of the reconstruction may be detached from the graph.",
        tolerance=1e-3,
    )


#: Samples and features of the checks of corruption.
N, D = 800, 50
#: Weights are this multiple of the identity, so that four layers multiply by 1.5.
SCALE, FACTOR = 1.5**0.25, 1.5


class Seen(NamedTuple):
    """What a training loss did with samples: the encoder's input, the loss, and x afterwards."""

    corrupted: Tensor
    loss: Any
    x: Tensor


class Watched:
    """A student's autoencoder whose activations let pass and record what they are given.

    With weights that are multiples of the identity, the first one sees the encoder's input.
    """

    def __init__(self, Class: Callable[..., Any], **options: float) -> None:
        self.calls: list[tuple[int, Tensor]] = []
        calls = self.calls

        class Recorder(nn.Module):
            def __init__(self, *_: Any, **__: Any) -> None:
                super().__init__()

            def forward(self, h: Tensor) -> Tensor:
                calls.append((id(self), h.detach().clone()))
                return h

        self.model = Class(D, [D, D], Recorder, **options)
        self.model(torch.zeros(1, D))
        with torch.no_grad():
            for parameter in self.model.parameters():
                is_square = parameter.shape == (D, D)
                parameter.copy_(SCALE * torch.eye(D) if is_square else torch.zeros(()))

    def see(self, x: Tensor, *, training: bool, seed: int = 0) -> Seen:
        """Compute the loss of samples after seeding torch's generator."""
        self.model.train(training)
        self.calls.clear()
        torch.manual_seed(seed)
        given = x.clone()
        loss = loss_of(self.model, given)
        return Seen(self._encoder_input(x), loss, given)

    def forward(self, x: Tensor, seed: int = 0) -> Tensor:
        """Reconstruct samples in evaluation mode."""
        self.model.eval()
        torch.manual_seed(seed)
        return reconstruct(self.model, x.clone())

    def _encoder_input(self, x: Tensor) -> Tensor:
        """Of several passes, the one that is furthest from ``x``; ``x`` if there was none."""
        if not self.calls:
            return x
        owners = [owner for owner, _ in self.calls]
        seen = [h.reshape(-1, D) for owner, h in self.calls if owner == owners[0]]
        if len(set(owners)) == 1:  # encoder and decoder share one activation
            seen = seen[::2]
        rows = torch.cat(seen) / SCALE
        if len(rows) % len(x):
            return rows
        return max(rows.split(len(x)), key=lambda passed: float((passed - x).abs().sum()))


def _samples() -> Tensor:
    """(N, D) samples without zeros, with a root mean square of 2."""
    draw = torch.Generator().manual_seed(1)
    x = 1 + torch.rand(N, D, generator=draw)
    x = x * torch.where(torch.rand(N, D, generator=draw) < 0.5, -1, 1)
    return 2 * x / x.square().mean().sqrt()


def _begin(watched: Watched, label: str, x: Tensor) -> Iterator[Comparison]:
    """The model reconstructs, and its loss leaves x alone; true for any corruption."""
    first = watched.see(x, training=True)
    yield Comparison(
        f"the number of activations that {label} uses",
        float(len({owner for owner, _ in watched.calls}) > 0),
        1.0,
        advice="Pass activation_cls on to Autoencoder.",
    )
    yield Comparison(
        f"the number of samples that the encoder of {label} is given",
        float(len(first.corrupted)),
        float(N),
        advice="Is 3a passed? There is an activation between layers and none after the last.",
    )
    changed = float((first.x != x).double().mean())
    yield Comparison(
        "the share of entries of x that get_loss(x) has changed",
        changed,
        0.0,
        mistakes={
            "x itself is corrupted, and so is the target; corrupt a copy.": changed or None,
        },
        tolerance=0.0,
    )


def _finish(
    watched: Watched, label: str, x: Tensor, what: str, mask: Tensor | None
) -> Iterator[Comparison]:
    """The target, fresh draws from torch's generator, and no corruption in evaluation."""
    seen = watched.see(x, training=True)
    corrupted = seen.corrupted
    error = FACTOR * corrupted - x
    squared = error.square()
    mistakes = {
        "the target is the corrupted input; compare the reconstruction with x.": (
            ((FACTOR - 1) * corrupted).square().sum(1).mean()
        ),
        **loss_mistakes(error),
    }
    if mask is not None:
        for name, chosen in (("masked", mask), ("kept", ~mask)):
            text = f"only the {name} features are compared; the loss is over all features"
            mistakes[f"{text}."] = (squared * chosen).sum(1).mean()
            mistakes[f"{text}, and summed over them."] = squared[chosen].mean()
    right = squared.sum(1).mean()
    yield Comparison(
        f"get_loss(x) of {label} in training mode",
        seen.loss,
        right,
        mistakes=mistakes,
        advice=f"Only the encoder's input has the {what}: reconstruct x from it, and compare with "
        "x itself. Sum over the features, average over the samples.",
        tolerance=1e-4 * float(right),
    )
    is_attached = isinstance(seen.loss, Tensor) and seen.loss.requires_grad
    yield Comparison(
        f"whether get_loss(x) of {label} has gradients",
        float(is_attached),
        1.0,
        mistakes={"it has not: the loss is detached from the graph.": 0.0},
    )
    yield Comparison(
        f"the encoder's input of {label} after the same torch.manual_seed",
        watched.see(x, training=True).corrupted,
        corrupted,
        advice=f"Draw the {what} by torch, with torch.randn_like or torch.rand_like, so that a "
        "seed repeats it.",
    )
    evaluated = watched.see(x, training=False).corrupted
    always = f"the {what} is there in evaluation mode too; add it only if self.training."
    yield Comparison(
        f"the encoder's input of {label} in evaluation mode",
        evaluated,
        x,
        mistakes={always: corrupted},
        advice=f"Without self.training there is no {what}.",
    )
    yield Comparison(
        f"model(x) of {label} in evaluation mode",
        watched.forward(x),
        FACTOR * x,
        mistakes={always: FACTOR * corrupted},
        advice=f"Without self.training there is no {what}.",
    )


@part("3a-denoising", "DenoisingAutoencoder", "DenoisingAutoencoder")
def denoising(DenoisingAutoencoder: Callable[..., Any]) -> Iterator[Comparison]:
    """The standard deviation of the noise, over all entries, samples, features and calls."""
    std, label = 0.4, "DenoisingAutoencoder(..., noise_std=0.4)"
    watched, x = Watched(DenoisingAutoencoder, noise_std=std), _samples()
    yield from _begin(watched, label, x)
    noise = watched.see(x, training=True).corrupted - x
    again = watched.see(x, training=True, seed=1).corrupted - x
    where = f"of the noise in the encoder's input of {label}"
    yield Comparison(
        f"the share of entries that are changed {where.removeprefix('of the noise ')}",
        (noise.abs() > 1e-5).double().mean(),
        1.0,
        mistakes={"there is no noise in training mode.": 0.0},
        advice="Every feature of every sample has noise.",
        tolerance=0.01,
    )
    for axis, name in ((0, "sample"), (1, "feature")):
        yield Comparison(
            f"the standard deviation over {name}s, relative to that over all entries, {where}",
            noise.std(axis).mean() / noise.std(),
            1.0,
            mistakes={f"every {name} has the same noise; draw it in the shape of x.": 0.0},
            tolerance=0.1,
        )
    yield Comparison(
        f"the standard deviation {where}",
        noise.std(),
        std,
        mistakes={
            "noise_std has no effect: multiply the noise by it.": 1.0,
            "noise_std is taken for the variance.": std**0.5,
            "noise_std is squared.": std**2,
            "it is that of uniform noise; torch.randn_like draws normal noise.": std / 12**0.5,
            "it is that of uniform noise in +-noise_std; torch.randn_like draws normal noise.": std
            / 3**0.5,
            "the noise is multiplied by x; add it.": std * 2,
            "noise_std is 0.5 whatever is given.": 0.5,
        },
        advice="Add noise_std * torch.randn_like(x).",
        tolerance=0.01,
    )
    yield Comparison(
        f"the mean {where}", noise.mean(), 0.0, advice="Normal noise has mean 0.", tolerance=0.02
    )
    yield Comparison(
        f"the standard deviation of the difference between two calls {where}",
        (noise - again).std(),
        std * 2**0.5,
        mistakes={"every call has the same noise; draw it anew.": 0.0},
        tolerance=0.02,
    )
    # The fourth moment of a normal variable is 3, of a uniform one 1.8.
    yield Comparison(
        f"the mean fourth power of the standardised values {where}",
        (noise / noise.std()).pow(4).mean(),
        3.0,
        mistakes={"it is that of uniform noise; torch.randn_like draws normal noise.": 1.8},
        advice="The noise is normal, drawn by torch.randn_like.",
        tolerance=0.3,
    )
    yield from _finish(watched, label, x, "noise", None)


@part("3a-masked", "MaskedAutoencoder", "MaskedAutoencoder")
def masked(MaskedAutoencoder: Callable[..., Any]) -> Iterator[Comparison]:
    """The share of zeros, over all entries and within samples, and what the others are."""
    p, label = 0.3, "MaskedAutoencoder(..., mask_prob=0.3)"
    watched, x = Watched(MaskedAutoencoder, mask_prob=p), _samples()
    yield from _begin(watched, label, x)
    corrupted = watched.see(x, training=True).corrupted
    again = watched.see(x, training=True, seed=1).corrupted == 0
    mask = corrupted == 0
    where = f"in the encoder's input of {label}"
    is_clean = torch.equal(corrupted, x) or float((corrupted - x).abs().max()) < 1e-4
    if mask.any() and not mask.all():
        distinct = float(len(torch.unique(mask, dim=0)))
        yield Comparison(
            f"the number of different masks of {N} samples {where}",
            distinct,
            float(N),
            mistakes={
                "every sample has the same mask; draw it in the shape of x.": 1.0,
                "whole samples are masked; draw the mask in the shape of x.": 2.0,
            },
            advice="Each feature of each sample is masked independently.",
            tolerance=0.5,
        )
    yield Comparison(
        f"the share of zeros {where}",
        mask.double().mean(),
        p,
        mistakes={
            "no feature is masked in training mode."
            if is_clean
            else "features are changed, but not to zero.": 0.0,
            "the mask is inverted: each feature is kept with probability mask_prob.": 1 - p,
            "mask_prob is 0.25 whatever is given.": 0.25,
            "mask_prob is 0.5 whatever is given.": 0.5,
            "all features are masked.": 1.0,
        },
        advice="torch.rand_like(x) < mask_prob is true with probability mask_prob.",
        tolerance=0.02,
    )
    yield Comparison(
        f"the features that are not masked {where}",
        torch.where(mask, x, corrupted),
        x,
        mistakes={
            "they are divided by 1 - mask_prob, as nn.Dropout does; leave them as they are.": (
                torch.where(mask, x, x / (1 - p))
            )
        },
        advice="They stay as they are.",
    )
    yield Comparison(
        f"the standard deviation of the number of zeros of a sample {where}",
        mask.double().sum(1).std(),
        (D * p * (1 - p)) ** 0.5,
        mistakes={
            "every sample has the same number; mask each feature independently of the others.": 0.0
        },
        advice="Each feature of each sample is masked independently.",
        tolerance=0.5,
    )
    yield Comparison(
        f"the share of features that are masked in one of two calls and not in the other {where}",
        (mask != again).double().mean(),
        2 * p * (1 - p),
        mistakes={"every call has the same mask; draw it anew.": 0.0},
        tolerance=0.02,
    )
    yield from _finish(watched, label, x, "mask", mask)


class Split(NamedTuple):
    """Samples (n, 4) and labels (n,)."""

    x: Tensor
    y: Tensor


class Splits(NamedTuple):
    """Training, validation and test samples."""

    train: Split
    validation: Split
    test: Split


class ModeDependentEncoder(nn.Module):
    """Encodes a sample by its first two features, and by their negatives in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)
        with torch.no_grad():
            self.linear.weight.copy_(torch.eye(2, 4))
            self.linear.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Codes (n, 2)."""
        return self.linear(x) * (-1 if self.training else 1)


class KnownModel(nn.Module):
    """An autoencoder with that encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = ModeDependentEncoder(), nn.Linear(2, 4)

    def encode(self, x: Tensor) -> Tensor:
        """Codes (n, 2)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Reconstructions (n, 4)."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions (n, 4)."""
        return self.decoder(self.encoder(x))

    def get_loss(self, x: Tensor) -> Tensor:
        """The squared error."""
        return (self(x) - x).square().sum(1).mean()


#: Directions of the codes of three classes, (3, 2).
DIRECTIONS = torch.tensor([[0.0, 1.0], [-0.866, -0.5], [0.866, -0.5]])
BATCH = 16


def _split(n: int, draw: torch.Generator, *, shift: int = 0, wrong: int = 0) -> Split:
    """Samples of three classes; the labels of the first ``wrong`` are those of the next class."""
    y = torch.randint(3, (n,), generator=draw)
    x = torch.randn(n, 4, generator=draw)
    x[:, :2] = 3 * DIRECTIONS[y] + 0.3 * x[:, :2]
    return Split(x, (y + shift + (torch.arange(n) < wrong)) % 3)


#: The classifier is right on two of these three. The samples of the largest logit of each class,
#: argmax(0), are 0, 1 and 2, which would be three right ones.
TEST = Split(
    torch.tensor([[0.0, 3.0, 1.0, 0.0], [-0.5, 0.2, 0.0, 1.0], [0.3, 0.4, 1.0, 1.0]]),
    torch.tensor([0, 1, 2]),
)


@part("3a-probe", "Experiment", "Experiment")
def probe(Experiment: Callable[..., Any]) -> Iterator[Comparison]:
    """A known encoder and classifier, then a probe that the student's code trains."""
    yield from _accuracy(Experiment)
    yield from _probe(Experiment)


def _accuracy(Experiment: Callable[..., Any]) -> Iterator[Comparison]:
    draw = torch.Generator().manual_seed(2)
    data = Splits(_split(50, draw, wrong=11), _split(35, draw, wrong=5), TEST)
    classifier = nn.Linear(2, 3)
    with torch.no_grad():
        classifier.weight.copy_(DIRECTIONS)
        classifier.bias.zero_()
    model = KnownModel()
    experiment = Experiment(model, data, num_classes=3, batch_size=BATCH)

    def right(split: Split, sign: int = 1, axis: int = 1) -> Tensor:
        predicted = (sign * split.x[:, :2] @ DIRECTIONS.T).argmax(axis)
        return (predicted == split.y).double()

    for name, split in (("test", data.test), ("validation", data.validation)):
        hits = right(split)
        full = len(hits) // BATCH * BATCH
        model.train()
        given = experiment._get_model_accuracy(classifier, name)
        array = as_array(given)
        unit = 100 if array is not None and array.size == 1 and array.max() > 1 else 1
        mistakes: dict[str, Any] = {
            "argmax runs over the samples (axis 0); the classes are axis 1 of the logits.": (
                unit * right(split, axis=0).mean() if len(split.y) == 3 else None
            ),
            "the encoder is in training mode; call self.model.eval() first.": (
                unit * right(split, sign=-1).mean()
            ),
            "it is the number of right samples; divide by the number of all.": hits.sum(),
            "it is the share of wrong samples.": unit * (1 - hits.mean()),
            "it is the accuracy on the training samples.": unit * right(data.train).mean(),
            "it is the accuracy on the test samples, whatever `split` is.": (
                unit * right(data.test).mean() if name != "test" else None
            ),
        }
        if full:
            means = torch.stack([batch.mean() for batch in hits.split(BATCH)])
            mistakes |= {
                "the last, smaller batch is left out.": unit * hits[:full].mean(),
                "the right samples of the last, smaller batch are left out.": (
                    unit * hits[:full].sum() / len(hits)
                ),
                "the accuracies of the batches are averaged, although the last batch is smaller; "
                "divide the number of all right samples by the number of samples.": (
                    unit * means.mean()
                ),
            }
        yield Comparison(
            f'_get_model_accuracy(classifier, "{name}")',
            given,
            unit * hits.mean(),
            mistakes=mistakes,
            advice="Encode the samples of the split, take the class of the largest logit, and "
            "return how many percent equal the label.",
            tolerance=1e-4 * unit,
        )


def _probe(Experiment: Callable[..., Any]) -> Iterator[Comparison]:
    """The labels of the test samples follow another rule, so that training on them shows."""
    draw = torch.Generator().manual_seed(3)
    data = Splits(_split(120, draw), _split(60, draw), _split(60, draw, shift=1))
    model = KnownModel()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    experiment = Experiment(model, data, num_classes=3, lr=0.02, batch_size=BATCH, probe_epochs=20)
    classifier = experiment.train_probe()
    changed = float(sum(not torch.equal(value, before[n]) for n, value in _state(model)))
    yield Comparison(
        "the number of the autoencoder's weights that train_probe() has changed",
        changed,
        0.0,
        mistakes={
            "the probe trains the encoder; give the optimizer the parameters of the probe "
            "only.": changed or None,
        },
    )
    touched = float(sum(parameter.grad is not None for parameter in model.parameters()))
    yield Comparison(
        "the number of the autoencoder's parameters that have gradients after train_probe()",
        touched,
        0.0,
        mistakes={
            "the gradient flows into the encoder; compute the features within "
            "`with torch.no_grad():`.": touched or None,
        },
    )
    frozen = float(sum(not parameter.requires_grad for parameter in model.parameters()))
    yield Comparison(
        "the number of the autoencoder's parameters without requires_grad after train_probe()",
        frozen,
        0.0,
        mistakes={
            "the autoencoder cannot be trained any further; compute the features within "
            "`with torch.no_grad():` in place of requires_grad_(False).": frozen or None,
        },
    )
    if isinstance(classifier, nn.Linear):
        yield Comparison(
            "the number of features that the probe reads",
            float(classifier.in_features),
            2.0,
            mistakes={"it reads x; it should read the code, self.model.encoder(x).": 4.0},
        )
    yield from _trained(classifier, data)


def _state(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from model.state_dict().items()


def _trained(classifier: Any, data: Splits) -> Iterator[Comparison]:
    a, b = data.train.x[:8, :2], data.train.x[8:16, :2]
    with torch.no_grad():
        zero = classifier(torch.zeros(8, 2))
        bent = classifier(a + b) - classifier(a) - classifier(b) + zero
        hits = {
            name: float((classifier(split.x[:, :2]).argmax(-1) == split.y).double().mean())
            for name, split in (("validation", data.validation), ("test", data.test))
        }
        reversed_hits = float(
            (classifier(-data.validation.x[:, :2]).argmax(-1) == data.validation.y).double().mean()
        )
    yield Comparison(
        "f(a + b) - f(a) - f(b) + f(0) of the probe",
        bent,
        torch.zeros(8, 3),
        advice="A linear probe is one nn.Linear to num_classes logits, without softmax or "
        "activation; F.cross_entropy takes logits.",
        tolerance=1e-3,
    )
    shortfall = max(0.0, 0.95 - hits["validation"])
    yield Comparison(
        "what the accuracy of the probe on separable codes lacks to 0.95",
        shortfall,
        0.0,
        mistakes={
            "the probe is trained on the test samples; train it on self.data.train.": (
                shortfall if hits["test"] > 0.95 else None
            ),
            "the encoder is in training mode while the probe is trained; call self.model.eval() "
            "first.": shortfall if reversed_hits > 0.95 else None,
        },
        advice="Minimise F.cross_entropy for probe_epochs epochs; call zero_grad, backward and "
        "step for each batch.",
    )
