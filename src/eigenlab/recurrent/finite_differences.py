"""Derivatives by finite differences: slow, and right for reasons that owe nothing to
back-propagation (question 1d).

Run the network up to step t, perturb its hidden state or one weight *at that step only*, run on,
and see how the loss changes. The central difference (L(+e) - L(-e)) / 2e has an error of about
e^2 |L'''| / 6 from the curvature and 1e-16 |L| / e from rounding, so e = 1e-5 gives some ten
correct decimals in float64. All perturbations of one step run side by side as one batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.recurrent.layers import LSTMLayer
from eigenlab.recurrent.nonlinearity import function_of
from eigenlab.recurrent.reference import lstm_loop, rnn_loop
from eigenlab.recurrent.regressor import RecurrentRegressor, regression_loss

STEP = 1e-5

#: States after a step: (h,) or (h, c), each (B, H), or (P, B, H) for P perturbed copies.
States = tuple[Tensor, ...]


@torch.no_grad()
def state_gradients(
    model: RecurrentRegressor,
    x: Tensor,
    y: Tensor,
    last_step_only: bool = False,
    *,
    step: float = STEP,
) -> Tensor:
    """dL/dh_t of every layer, sample, step and unit by central differences (question 1d).

    For an LSTM the cell state of step t is held fixed, as it is when dL/dh_t is traced.

    Args:
        model: a regressor on an ``RNN`` or ``LSTM``, best in float64.
        x: inputs, (B, T, I).
        y: targets, (B, T, O).
        last_step_only: count the loss at the last step only. Default: ``False``.
        step: size e of the perturbation. Default: ``1e-5``.

    Returns:
        The gradients, (L, B, T, H).
    """
    layers = model.layers
    (batch, length, _), hidden_size = x.shape, layers[0].hidden_size
    shifts = _shifts(x.new_zeros(batch, hidden_size), step)
    result = x.new_zeros(len(layers), length, batch, hidden_size)
    for index, layer in enumerate(layers):
        for t in range(length):
            hidden, (h, *cell) = _run(layer, x[:, : t + 1])
            states = (h + shifts, *(c.expand_as(shifts) for c in cell))
            copies = _Copies(model, index, x, hidden[:, :-1], states)
            result[index, t] = copies.slopes(y, last_step_only, step).view(batch, hidden_size)
        x = layer(x)[0]
    return result.transpose(1, 2)


@torch.no_grad()
def weight_terms(
    model: RecurrentRegressor,
    x: Tensor,
    y: Tensor,
    last_step_only: bool = False,
    *,
    layer: int = 0,
    name: str = "W_h",
    step: float = STEP,
) -> Tensor:
    """What a parameter contributes to the loss's gradient through each step alone (question 1d).

    Args:
        model: a regressor on an ``RNN`` or ``LSTM``, best in float64.
        x: inputs, (B, T, I).
        y: targets, (B, T, O).
        last_step_only: count the loss at the last step only. Default: ``False``.
        layer: which layer, the bottom one is 0. Default: ``0``.
        name: parameter of that layer: ``W_h``, ``W_x`` or ``b``. Default: ``"W_h"``.
        step: size e of the perturbation. Default: ``1e-5``.

    Returns:
        The terms, (T, *parameter); their sum over T is the whole gradient.
    """
    layers = model.layers
    for below in layers[:layer]:
        x = below(x)[0]
    module = layers[layer]
    parameter = getattr(module, name)
    shifted = parameter + _shifts(torch.zeros_like(parameter), step)
    result = x.new_zeros(x.shape[1], *parameter.shape)
    for t in range(x.shape[1]):
        if t == 0:
            hidden, states = x.new_zeros(len(x), 0, module.hidden_size), _zero_states(module, x)
        else:
            hidden, states = _run(module, x[:, :t])
        perturbed = _step_with_weights(module, x[:, t], states, name, shifted)
        copies = _Copies(model, layer, x, hidden, perturbed)
        result[t] = copies.slopes(y, last_step_only, step).view(parameter.shape)
    return result


@dataclass(frozen=True)
class _Copies:
    """P copies of a run that differ in the states of one layer after one step.

    Args:
        layer: index of that layer.
        x: inputs of that layer, (B, T, I).
        hidden: its hidden states before that step, (B, t, H).
        states: (h,) or (h, c) after that step in each copy, (P, B, H).
    """

    model: RecurrentRegressor
    layer: int
    x: Tensor
    hidden: Tensor
    states: States

    def slopes(self, y: Tensor, last_step_only: bool, step: float) -> Tensor:
        """Central differences of the loss between the first and the second half of the copies."""
        n_copies, layers = len(self.states[0]), self.model.layers

        def repeat(tensor: Tensor) -> Tensor:
            return tensor.expand(n_copies, *tensor.shape).flatten(0, 1)

        states = tuple(state.flatten(0, 1) for state in self.states)
        parts = [repeat(self.hidden), states[0].unsqueeze(1)]
        after = self.x[:, self.hidden.shape[1] + 1 :]
        if after.shape[1]:
            parts.append(_run(layers[self.layer], repeat(after), states)[0])
        hidden = torch.cat(parts, dim=1)
        for above in layers[self.layer + 1 :]:
            hidden = above(hidden)[0]
        predictions = self.model.readout(hidden).unflatten(0, (n_copies, -1))
        losses = torch.vmap(lambda p: regression_loss(p, y, last_step_only))(predictions)
        plus, minus = losses.chunk(2)
        return (plus - minus) / (2 * step)


def _shifts(zero: Tensor, step: float) -> Tensor:
    """+step for each entry of ``zero`` in turn, then -step for each, (2 n, *shape)."""
    one = torch.eye(zero.numel(), dtype=zero.dtype, device=zero.device).view(-1, *zero.shape)
    return step * torch.cat([one, -one])


def _run(layer: nn.Module, x: Tensor, states: States | None = None) -> tuple[Tensor, States]:
    """Hidden states (B, T, H), and the states after the last step."""
    start = states if states is None or len(states) > 1 else states[0]
    hidden, last = layer(x, start)
    return hidden, last if isinstance(last, tuple) else (last,)


def _zero_states(layer: Any, x: Tensor) -> States:
    zero = x.new_zeros(len(x), layer.hidden_size)
    return (zero, zero) if isinstance(layer, LSTMLayer) else (zero,)


def _step_with_weights(
    layer: Any, x_t: Tensor, states: States, name: str, values: Tensor
) -> States:
    """States after one textbook step from ``states`` with each of ``values`` as parameter."""

    def step(value: Tensor) -> States:
        weights = {"w_x": layer.W_x, "w_h": layer.W_h, "b": layer.b, name.lower(): value}
        if isinstance(layer, LSTMLayer):
            h, c = lstm_loop(x_t[None], *states, **weights)
            return h[0], c[0]
        (h,) = states
        return (rnn_loop(x_t[None], h, sigma=function_of(layer.nonlinearity), **weights)[0],)

    return torch.vmap(step)(values)
