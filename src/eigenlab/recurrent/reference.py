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
    """h_t = sigma(W_h h_{t-1} + W_x x_t + b), one step at a time (question 1a).

    Args:
        x: inputs, time-major, (T, B, I).
        h0: state before the first step, (B, H).
        w_x: W_x, (H, I).
        w_h: W_h, (H, H).
        b: bias, (H,).
        sigma: elementwise nonlinearity.

    Returns:
        All hidden states, (T, B, H).

    >>> one = torch.full((1, 1), 0.1)
    >>> rnn_loop(torch.ones(1, 1, 1), torch.zeros(1, 1), one, one, one[0], torch.tanh).item()
    0.19737...
    """
    h, states = h0, []
    for x_t in x:
        h = sigma(h @ w_h.T + x_t @ w_x.T + b)
        states.append(h)
    return torch.stack(states)


def lstm_loop(
    x: Tensor, h0: Tensor, c0: Tensor, w_x: Tensor, w_h: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """The LSTM of Hochreiter and Schmidhuber (1997) with forget gates (Gers et al. 2000).

    Gates i, f, g, o are rows of the weights in this order, as in ``torch.nn.LSTM``:
    c_t = f * c_{t-1} + i * g and h_t = o * tanh(c_t) (question 1h).

    Args:
        x: inputs, time-major, (T, B, I).
        h0: hidden state before the first step, (B, H).
        c0: cell state before the first step, (B, H).
        w_x: W_x, (4H, I).
        w_h: W_h, (4H, H).
        b: bias, (4H,).

    Returns:
        All hidden states and all cell states, each (T, B, H).

    >>> weights = torch.zeros(8, 3), torch.zeros(8, 2), torch.zeros(8)
    >>> _, c = lstm_loop(torch.zeros(2, 1, 3), torch.zeros(1, 2), torch.ones(1, 2), *weights)
    >>> c[:, 0, 0].tolist()  # the forget gate is sigmoid(0)
    [0.5, 0.25]
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
