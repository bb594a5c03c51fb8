"""Derivatives by nudging: slow, and right for reasons that owe nothing to back-propagation.

Run the network up to step t, nudge its hidden state or one weight *at that step only*, run on, and
see how the loss changes. The central difference (L(+e) - L(-e)) / 2e has an error of about
e^2 |L'''| / 6 from the curvature and 1e-16 |L| / e from rounding, so e = 1e-5 gives some ten
correct decimals in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any, cast

import torch
from torch import Tensor, nn

from eigenlab.recurrent import RecurrentRegressor, regression_loss

STEP = 1e-5


def state_gradients(
    model: RecurrentRegressor, x: Tensor, y: Tensor, last_step_only: bool
) -> Tensor:
    """dL/dh_t of every layer, sample, step and unit, shape (L, B, T, H).

    For an LSTM the cell state of step t is held fixed, as it is when dL/dh_t is traced.
    """
    layers = _layers(model)
    (batch, length, _), hidden_size = x.shape, layers[0].hidden_size
    result = x.new_zeros(len(layers), batch, length, hidden_size)
    for place in product(range(len(layers)), range(batch), range(length), range(hidden_size)):
        layer, sample, t, unit = place

        def nudged_by(size: float, layer: int = layer, place: tuple[int, ...] = place) -> float:
            nudge = x.new_zeros(batch, hidden_size)
            nudge[place[1], place[3]] = size

            def run(module: nn.Module, inputs: Tensor) -> Tensor:
                return _nudge_state(module, inputs, place[2], nudge)

            return _loss(model, x, y, last_step_only, layer, run)

        result[layer, sample, t, unit] = central_difference(nudged_by)
    return result


def weight_terms(
    model: RecurrentRegressor, x: Tensor, y: Tensor, last_step_only: bool, layer: int, name: str
) -> Tensor:
    """What parameter ``name`` of ``layer`` contributes to the loss through step t alone.

    Shape (T, *parameter); the sum over T is the whole gradient.
    """
    parameter = cast(Tensor, getattr(_layers(model)[layer], name))
    result = x.new_zeros(x.shape[1], *parameter.shape)
    for t, *index in product(range(x.shape[1]), *map(range, parameter.shape)):
        place = tuple(index)

        def nudged_by(size: float, t: int = t, place: tuple[int, ...] = place) -> float:
            def run(module: nn.Module, inputs: Tensor) -> Tensor:
                return _nudge_weight(module, inputs, t, parameter, place, size)

            return _loss(model, x, y, last_step_only, layer, run)

        result[(t, *place)] = central_difference(nudged_by)
    return result


def central_difference(function: Callable[[float], float], step: float = STEP) -> float:
    """The derivative of ``function`` at zero.

    >>> import math
    >>> round(central_difference(math.sin), 9)
    1.0
    """
    return (function(step) - function(-step)) / (2 * step)


def _layers(model: RecurrentRegressor) -> list[Any]:
    return list(cast(Any, model.recurrent).layers)


@torch.no_grad()
def _loss(
    model: RecurrentRegressor,
    x: Tensor,
    y: Tensor,
    last_step_only: bool,
    special: int,
    run: Callable[[nn.Module, Tensor], Tensor],
) -> float:
    """The loss when layer ``special`` is run by ``run(layer, inputs) -> states``."""
    for index, layer in enumerate(_layers(model)):
        x = run(layer, x) if index == special else layer(x)[0]
    return regression_loss(model.readout(x), y, last_step_only=last_step_only).item()


def _nudge_state(layer: nn.Module, x: Tensor, t: int, nudge: Tensor) -> Tensor:
    before, state = layer(x[:, : t + 1])
    h, *cell = state if isinstance(state, tuple) else (state,)
    parts = [before[:, :-1], (h + nudge).unsqueeze(1)]
    if t + 1 < x.shape[1]:
        start = (h + nudge, *cell) if cell else h + nudge
        parts.append(layer(x[:, t + 1 :], start)[0])
    return torch.cat(parts, dim=1)


def _nudge_weight(
    layer: nn.Module, x: Tensor, t: int, parameter: Tensor, place: tuple[int, ...], size: float
) -> Tensor:
    parts, state = [], None
    for inputs, here in ((x[:, :t], False), (x[:, t : t + 1], True), (x[:, t + 1 :], False)):
        if inputs.shape[1]:
            with _changed(parameter, place, size if here else 0.0):
                states, state = layer(inputs, state)
            parts.append(states)
    return torch.cat(parts, dim=1)


@contextmanager
def _changed(parameter: Tensor, place: tuple[int, ...], size: float) -> Iterator[None]:
    original = parameter[place].item()
    parameter[place] = original + size
    try:
        yield
    finally:
        parameter[place] = original
