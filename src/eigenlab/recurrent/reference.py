"""The recurrences as the textbook writes them, one step at a time, under autograd.

Nothing here is fast. The tests hold :mod:`eigenlab.recurrent.unroll` to these loops, and second
derivatives are taken through them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def rnn_loop(
    x: Tensor, h0: Tensor, w_x: Tensor, w_h: Tensor, b: Tensor, sigma: Callable[[Tensor], Tensor]
) -> Tensor:
    """h_t = sigma(W_h h_{t-1} + W_x x_t + b) for time-major ``x`` (T, B, I); returns (T, B, H)."""
    h, states = h0, []
    for x_t in x:
        h = sigma(h @ w_h.T + x_t @ w_x.T + b)
        states.append(h)
    return torch.stack(states)


def lstm_loop(
    x: Tensor, h0: Tensor, c0: Tensor, w_x: Tensor, w_h: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """The LSTM of Hochreiter & Schmidhuber (1997) with forget gates (Gers et al. 2000).

    Gates i, f, g, o are rows of the weights in this order, as in ``torch.nn.LSTM``:
    c_t = f * c_{t-1} + i * g and h_t = o * tanh(c_t). Returns all h and all c, (T, B, H).
    """
    h, c = h0, c0
    states, cells = [], []
    for x_t in x:
        i, f, g, o = (h @ w_h.T + x_t @ w_x.T + b).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        states.append(h)
        cells.append(c)
    return torch.stack(states), torch.stack(cells)
