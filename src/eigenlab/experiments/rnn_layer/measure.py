"""What ``rnn-layer`` measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from eigenlab.experiments.rnn_layer.config import RNNLayerConfig
from eigenlab.experiments.rnn_layer.records import Difference, PublishedRecord, ReferenceRecord
from eigenlab.lab import Context, stage
from eigenlab.recurrent import (
    RecurrentRegressor,
    RNNLayer,
    gaussian_rnn,
    regression_loss,
    running_average,
)
from eigenlab.recurrent.nonlinearity import Nonlinearity, function_of
from eigenlab.recurrent.reference import rnn_loop
from eigenlab.training import derive_seed, generator

#: Inputs and published states of the course's test of the layer.
INPUTS = ((0.1, 0.15), (0.2, 0.25), (0.3, 0.35), (0.4, 0.45))
STATES = (-0.1250, -0.1075, -0.1328, -0.1452)
#: Prediction and target of the course's test of the loss.
PREDICTION = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
TARGET = ((-1.1, -1.2, -1.3), (-1.4, -1.5, -1.6))

M = TypeVar("M", bound=nn.Module)


@stage
def published(config: RNNLayerConfig, context: Context) -> PublishedRecord:
    """The small networks of the course's own tests, in float32 as there."""
    one = _fill(RNNLayer(1, 1), 0.1)
    layer = _fill(RNNLayer(2, 3, nonlinearity="identity"), -0.1)
    regressor = RecurrentRegressor(layer, output_size=4)
    prediction, target = torch.tensor(PREDICTION), torch.tensor(TARGET)
    with torch.no_grad():
        states = layer(torch.tensor([INPUTS]))[0][0]
        one_unit = one(torch.ones(1, 1, 1))[1]
    return PublishedRecord(
        one_unit=one_unit.item(),
        inputs=INPUTS,
        states=states,
        published_states=STATES,
        layer_parameters=_count(layer),
        regressor_parameters=_count(regressor),
        prediction=PREDICTION,
        target=TARGET,
        loss_every_step=regression_loss(prediction, target),
        loss_last_step=regression_loss(prediction, target, last_step_only=True),
        **_definitions(config.seed),
    )


def _definitions(seed: int) -> dict[str, float]:
    """The loss for several outputs and the targets of the task, beside sums written out."""
    draw = generator(seed, "definitions")
    shape = (2, 5, 3)
    prediction, target = (torch.randn(shape, dtype=torch.float64, generator=draw) for _ in range(2))
    pairs = [
        [list(zip(*step, strict=True)) for step in zip(*sequence, strict=True)]
        for sequence in zip(prediction.tolist(), target.tolist(), strict=True)
    ]

    def mean_square(steps: list[list[tuple[float, float]]]) -> float:
        squares = [(a - b) ** 2 for step in steps for a, b in step]
        return math.fsum(squares) / len(squares)

    every = mean_square([step for sequence in pairs for step in sequence])
    last = mean_square([sequence[-1] for sequence in pairs])
    x, y = running_average(2, 5, generator=draw, dtype=torch.float64)
    averages = [[math.fsum(row[:t]) / t for t in range(1, 6)] for row in x[..., 0].tolist()]
    return {
        "every_step_error": abs(regression_loss(prediction, target).item() - every),
        "last_step_error": abs(
            regression_loss(prediction, target, last_step_only=True).item() - last
        ),
        "average_error": (y[..., 0] - torch.tensor(averages, dtype=y.dtype)).abs().max().item(),
    }


def _fill(model: M, value: float) -> M:
    """Set every parameter to ``value``."""
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@stage
def reference(config: RNNLayerConfig, context: Context) -> ReferenceRecord:
    """Largest differences from a textbook loop and from ``torch.nn.RNN``, in float64.

    Compared are all hidden states and predictions, the loss, and the gradient of every parameter.
    """
    seeds = [derive_seed(config.seed, "reference", k) for k in range(config.n_networks)]
    rows: list[Difference] = []
    for done, seed in enumerate(seeds):
        context.reporter.raise_if_cancelled()
        rows += _compare(config, seed)
        context.reporter.progress(done + 1, len(seeds), "networks")
    return ReferenceRecord(seeds=seeds, rows=rows)


def _compare(config: RNNLayerConfig, seed: int) -> Iterator[Difference]:
    draw = generator(seed, "data")
    x, y = (
        torch.randn(config.batch_size, config.length, size, dtype=torch.float64, generator=draw)
        for size in (config.input_size, 1)
    )
    for nonlinearity in ("tanh", "relu", "identity"):
        model = gaussian_rnn(
            config.hidden_size,
            input_size=config.input_size,
            weight_scale=0.9,  # a linear network of a thousand steps stays near 1
            bias_scale=0.5,
            nonlinearity=nonlinearity,
            generator=generator(seed, "network"),
        )
        nn.init.normal_(model.readout.bias, generator=generator(seed, "readout"))
        layer = model.layers[0]
        weights = (layer.W_h, layer.W_x, layer.b)
        predictions, hidden = model(x)
        ours = _outcome(hidden, predictions, weights, y, regression_loss)
        states = _textbook_states(x, *weights, nonlinearity)
        loop = _outcome(states, _read(model, states), weights, y)
        yield _difference(seed, nonlinearity, "textbook loop", ours, loop)
        if nonlinearity != "identity":  # torch.nn.RNN has no linear network
            peer, its_weights = _torch_rnn(layer, nonlinearity)
            its_states = peer(x)[0]
            theirs = _outcome(its_states, _read(model, its_states), its_weights, y)
            yield _difference(seed, nonlinearity, "torch.nn.RNN", ours, theirs)


def _textbook_states(
    x: Tensor, W_h: Tensor, W_x: Tensor, b: Tensor, nonlinearity: Nonlinearity
) -> Tensor:
    h0 = x.new_zeros(len(x), len(W_h))
    states = rnn_loop(x.transpose(0, 1), h0, W_x, W_h, b, function_of(nonlinearity))
    return states.transpose(0, 1)


def _torch_rnn(layer: RNNLayer, nonlinearity: Any) -> tuple[nn.RNN, list[Tensor]]:
    """The same weights in ``torch.nn.RNN``, whose second bias stays zero, and its parameters."""
    peer = nn.RNN(
        layer.input_size, layer.hidden_size, nonlinearity=nonlinearity, batch_first=True
    ).double()
    named = dict(peer.named_parameters())
    weights: list[Tensor] = [named[f"{key}_l0"] for key in ("weight_hh", "weight_ih", "bias_hh")]
    with torch.no_grad():
        for mine, theirs in zip((layer.W_h, layer.W_x, layer.b), weights, strict=True):
            theirs.copy_(mine)
        named["bias_ih_l0"].zero_()
    return peer, weights


def _read(model: RecurrentRegressor, hidden: Tensor) -> Tensor:
    """``W_f h_t + b_f`` at every step."""
    return torch.einsum("oh,bth->bto", model.readout.weight, hidden) + model.readout.bias


class _Outcome(NamedTuple):
    states: Tensor
    predictions: Tensor
    loss: Tensor
    gradients: Tensor


def _outcome(
    hidden: Tensor,
    predictions: Tensor,
    weights: Sequence[Tensor],
    y: Tensor,
    loss_of: Callable[[Tensor, Tensor], Tensor] = nn.functional.mse_loss,
) -> _Outcome:
    loss = loss_of(predictions, y)
    gradients = torch.autograd.grad(loss, weights)
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    return _Outcome(hidden.detach(), predictions.detach(), loss.detach(), flat)


def _difference(
    seed: int, nonlinearity: str, reference: str, ours: _Outcome, theirs: _Outcome
) -> Difference:
    largest = {
        name: (getattr(ours, name) - getattr(theirs, name)).abs().max() for name in ours._fields
    }
    return Difference(seed=seed, nonlinearity=nonlinearity, reference=reference, **largest)
