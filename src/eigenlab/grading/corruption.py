"""Checks of problem 3: denoising and masked autoencoders."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from eigenlab.grading.autoencoders import loss_mistakes, loss_of, reconstruct
from eigenlab.grading.comparison import Comparison
from eigenlab.grading.isolation.inside.known import recorder
from eigenlab.grading.parts import part

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
        activation = recorder()
        self.calls = activation.calls
        self.model = Class(D, [D, D], activation, **options)
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
        f"whether the activations of {label} are those of activation_cls",
        float(bool(watched.calls)),
        1.0,
        mistakes={"pass activation_cls on to Autoencoder.": 0.0},
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
    """The target, and no corruption in evaluation."""
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
