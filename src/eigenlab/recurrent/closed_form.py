"""Gradients of linear recurrent networks by hand, from powers of W_h alone (question 1e)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from eigenlab.errors import InputError


def linear_gradients(W_h: Tensor, W_f: Tensor, residual: Tensor, length: int) -> Tensor:
    r"""dL/dh_t = 2 (y_hat - y) W_f W_h^(T-t) of a linear network, for every t (question 1e).

    .. math::

        \frac{\partial L}{\partial h_t} = 2 (\hat y - y) W_f W_h^{T-t}

    It holds without a nonlinearity and with the squared error at the last step only. The powers
    are built by repeated squaring of W_h, and not step by step as back-propagation does.

    Args:
        W_h: recurrent matrix, (H, H).
        W_f: readout matrix, (O, H).
        residual: y_hat - y at the last step, (B, O). The loss is the mean over its B O numbers,
            hence a factor 1 / (B O).
        length: T, in steps; at least 1.

    Returns:
        The gradients for t = 1 to T, (B, T, H).

    Raises:
        InputError: shapes that do not fit, or a length below 1.

    >>> one = torch.ones(1, 1)
    >>> linear_gradients(0.5 * one, one, 3 * one, 3).flatten().tolist()
    [1.5, 3.0, 6.0]
    """
    hidden_size = W_h.shape[-1]
    if W_h.shape != (hidden_size, hidden_size) or W_f.shape != (residual.shape[-1], hidden_size):
        raise InputError(
            f"W_h has shape {tuple(W_h.shape)}, W_f {tuple(W_f.shape)}, residual "
            f"{tuple(residual.shape)}; expected (H, H), (O, H) and (B, O)"
        )
    if length < 1:
        raise InputError(f"length={length} must be at least 1")
    rows, power, exponent = (2 * residual / residual.numel() @ W_f).unsqueeze(1), W_h, 1
    while rows.shape[1] < length:
        rows = torch.cat([rows, rows[:, -exponent:] @ power], dim=1)
        square = power @ power
        if square.isfinite().all():  # else 0 times infinity would spoil rows that are finite
            power, exponent = square, 2 * exponent
    return rows[:, :length].flip(1)


def growth_rate_bounds(W_h: NDArray[np.float64], W_f: NDArray[np.float64]) -> tuple[float, float]:
    r"""Bounds on n (rate - ln rho) that hold at every distance n (question 1e).

    .. math::

        \lim_{n \to \infty} \frac{1}{n} \ln \frac{\lVert \partial L / \partial h_{T-n}
        \rVert}{\lVert \partial L / \partial h_T \rVert} = \ln \rho(W_h)

    The rate is that of |W_f W_h^n|, in nats per step, and rho the spectral radius. With
    W_h = V diag(lambda) V^-1 and the right eigenvector r of the largest \|lambda\| = rho,

        rho^n |W_f r| / |r|  <=  |W_f W_h^n|  <=  |W_f| cond(V) rho^n:

    on the left since W_f W_h^n r = lambda^n W_f r, on the right by the norms of the factors.

    Args:
        W_h: recurrent matrix, (H, H), with a full set of eigenvectors.
        W_f: readout row, (H,).

    Returns:
        (low, high), in nats: ln of the overlap of W_f with r, and ln cond(V).

    >>> low, high = growth_rate_bounds(np.diag([0.5, 2.0]), np.array([3.0, 4.0]))
    >>> round(float(np.exp(low)), 6), abs(round(high, 6))
    (0.8, 0.0)
    """
    values, vectors = np.linalg.eig(W_h)
    top = vectors[:, np.argmax(np.abs(values))]
    overlap = np.abs(W_f @ top) / (np.linalg.norm(W_f) * np.linalg.norm(top))
    return float(np.log(overlap)), float(np.log(np.linalg.cond(vectors)))


def forget_rate(bias: float) -> float:
    """The growth ln sigmoid(b_f) of an LSTM's gradient per step back, in nats (question 1h).

    dc_t/dc_{t-1} is the forget gate f where nothing else depends on c_{t-1}, as with W_h = 0 and
    W_x = 0; f is then the logistic function of its bias.

    Args:
        bias: b_f, of the forget gate.

    >>> [round(forget_rate(bias), 3) for bias in (0.0, 1.0, 3.0)]
    [-0.693, -0.313, -0.049]
    """
    return -float(np.logaddexp(0.0, -bias))
