"""The plain recurrence for small steps, in numpy on the tensors' own memory.

A call of torch costs one to two microseconds before it computes anything, a call of numpy a third
of that; up to two thousand or so numbers per step this, not arithmetic, is the price of a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

#: Numbers per step (batch x hidden_size) up to which numpy's loop was measured to be the faster.
SMALL = 2048


def _relu(a: Any, out: Any) -> None:
    np.maximum(a, 0, out=out)


def _identity(a: Any, out: Any) -> None:
    """Leave ``a`` where it is: every caller passes ``out=a``."""


IN_PLACE: dict[str, Callable[..., Any]] = {"tanh": np.tanh, "relu": _relu, "identity": _identity}


def is_small(step: Tensor) -> bool:
    """Whether the numpy loop serves a step of this shape: on the CPU, and few numbers."""
    few = step.ndim == 2 and step.numel() <= SMALL
    return few and step.device.type == "cpu" and step.dtype.itemsize >= 4


#: Exploding states and gradients are a finding here, not an accident worth a warning.
@np.errstate(all="ignore")
def small_forward(states: Tensor, h0: Tensor, w_h: Tensor, nonlinearity: str) -> None:
    """Turn ``states`` (T, B, H) from W_x x_t + b into h_t, in place."""
    sigma, w_h_t = IN_PLACE[nonlinearity], w_h.detach().numpy().T
    h = h0.detach().numpy()
    product = np.empty_like(h)
    for state in states.numpy():
        np.dot(h, w_h_t, out=product)
        np.add(state, product, out=state)
        sigma(state, out=state)
        h = state


@np.errstate(all="ignore")
def small_backward(
    grad: Tensor, derivative: Tensor, w_h: Tensor, hidden_gradients: Tensor | None
) -> None:
    """Turn ``derivative`` (T, B, H) into delta in place; see ``unroll.rnn_backward``."""
    weight, deltas = w_h.detach().numpy(), derivative.numpy()
    product = np.empty_like(deltas[0])
    totals = [product] * len(deltas) if hidden_gradients is None else hidden_gradients.numpy()
    later = np.zeros_like(product)
    for g, delta, total in zip(grad.numpy()[::-1], deltas[::-1], totals[::-1], strict=True):
        np.dot(later, weight, out=product)
        np.add(g, product, out=total)
        np.multiply(delta, total, out=delta)
        later = delta
