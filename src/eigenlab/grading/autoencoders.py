"""Checks of problem 3: an autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

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
    sizes: Sequence[int] = SIZES,
    encoder: bool = True,
    decoder: bool = True,
    after_code: Function = identity,
    after_output: Function = identity,
) -> tuple[Tensor, Tensor]:
    """Code and reconstruction if all parameters are ``value``, in float64.

    A layer then has equal units: ``value`` times the sum of its inputs plus one. ``sizes`` has the
    code in its middle; the other options are likely mistakes.
    """

    def layer(h: Tensor, units: int, after: Function) -> Tensor:
        return after(value * (h.sum(-1, keepdim=True) + 1)).expand(-1, units)

    def stack(h: Tensor, sizes: Sequence[int], between: Function, last: Function) -> Tensor:
        for size in sizes[:-1]:
            h = layer(h, size, between)
        return layer(h, sizes[-1], last)

    middle = len(sizes) // 2
    inner, outer = sizes[1 : middle + 1], sizes[middle + 1 :]
    code = stack(x.double(), inner, activation if encoder else identity, after_code)
    return code, stack(code, outer, activation if decoder else identity, after_output)


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
    yield from _three_widths(Autoencoder, draw)
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


def _three_widths(Autoencoder: Callable[..., Any], draw: torch.Generator) -> Iterator[Comparison]:
    """Every hidden size counts, in the encoder and in reversed order in the decoder."""
    x = torch.randn(4, 6, generator=draw)
    model, label = Autoencoder(6, [5, 2, 3], nn.Tanh), "Autoencoder(6, [5, 2, 3], nn.Tanh)"
    reconstruct(model, x)
    yield Comparison(
        f"the number of parameters of {label}",
        count(model),
        115.0,
        mistakes={
            "hidden_sizes[1] is left out: there is a layer from each width to the next.": 109.0,
            "only hidden_sizes[0] and [1] count: there is a layer from each width to the "
            "next.": 35.0 + 12 + 15 + 36,
            "the decoder has the hidden sizes in the order of the encoder; reverse them.": (
                35.0 + 12 + 9 + 20 + 12 + 18
            ),
        },
        advice="The layers 6-5-2-3 have 35 + 12 + 9, the layers 3-2-5-6 have 8 + 15 + 36.",
    )
    fill(model, 0.3)
    right = constant_network(x, 0.3, torch.tanh, sizes=(6, 5, 2, 3, 2, 5, 6))
    for name, given, expected in (
        ("the code", encode(model, x), right[0]),
        ("the reconstruction", reconstruct(model, x), right[1]),
    ):
        yield Comparison(
            f"{name} of {label} with every parameter 0.3",
            given,
            expected,
            advice="The widths are 6-5-2-3 and then 3-2-5-6, with an activation between layers.",
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
