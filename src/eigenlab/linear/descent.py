"""Gradient descent on the linear autoencoder.

The objective depends on the data only through S = X X^T / n, so a step costs O(d^2 k) whatever the
number of samples.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.linear.checks import check_lam
from eigenlab.linear.objective import covariance_gradients
from eigenlab.spectrum.matrices import Matrix, as_matrix


class Trajectory(NamedTuple):
    """The weights that :func:`descend` recorded.

    Args:
        steps: the r recorded steps, increasing.
        W1: encoders, (r, ..., k, d).
        W2: decoders, (r, ..., d, k).
    """

    steps: list[int]
    W1: Tensor
    W2: Tensor


def descend(
    W1: Tensor,
    W2: Tensor,
    S: Matrix,
    *,
    lam: float | Tensor = 0.0,
    learning_rate: float,
    steps: int,
    record_at: list[int] | None = None,
) -> Trajectory:
    """Minimise :func:`~eigenlab.linear.covariance_loss` by gradient descent (questions 3b and 8b).

    From small weights, descent passes close to one saddle after another, each with one eigenvector
    more than the previous one (Saxe, McClelland and Ganguli, ICLR 2014, arXiv:1312.6120).

    Args:
        W1: initial encoders, (..., k, d) float64 tensor; leading axes are independent runs.
        W2: initial decoders, (..., d, k) float64 tensor.
        S: X X^T / n, (d, d).
        lam: weight of the squared norms, at least 0: a number, or a tensor that broadcasts with
            (...). Default: ``0.0``.
        learning_rate: step size; its product with the sum of ``lam`` and the largest eigenvalue of
            S should be below about 1/4.
        steps: number of steps.
        record_at: steps in 0...steps at which the weights are recorded. Default: ``None``, the last
            step only.

    Returns:
        The recorded weights.

    Raises:
        InputError: an argument has the wrong shape, dtype or range, or the weights diverged.

    >>> S = torch.diag(torch.tensor([2.0, 1.0], dtype=torch.float64))
    >>> start = torch.full((1, 2), 0.1, dtype=torch.float64)
    >>> end = descend(start, start.T, S, learning_rate=0.1, steps=300)
    >>> (end.W2[-1] @ end.W1[-1]).round(decimals=6).abs()
    tensor([[1., 0.],
            [0., 0.]], dtype=torch.float64)
    """
    S = as_matrix("S", S, square=True)
    if isinstance(lam, Tensor) and not ((lam >= 0) & torch.isfinite(lam)).all():
        raise InputError("lam holds a value that is negative or not finite")
    penalty = lam[..., None, None] if isinstance(lam, Tensor) else check_lam(lam)
    wanted = sorted({steps} if record_at is None else set(record_at))
    if not wanted or wanted[0] < 0 or wanted[-1] > steps:
        raise InputError(f"steps={steps}, record_at={record_at}; expected some of 0...steps")
    _check_weights(W1, W2, len(S))
    kept: list[tuple[Tensor, Tensor]] = []
    W1, W2 = W1.clone(), W2.clone()
    shrink = 1 - 2 * learning_rate * penalty
    for step in range(max(wanted) + 1):
        if step == wanted[len(kept)]:
            kept.append((W1.clone(), W2.clone()))
            if len(kept) == len(wanted):
                break
        by_W1, by_W2 = covariance_gradients(W1, W2, S)
        W1, W2 = shrink * W1 - learning_rate * by_W1, shrink * W2 - learning_rate * by_W2
    if not all(bool(torch.isfinite(matrix).all()) for matrix in kept[-1]):
        steepest = float(torch.linalg.eigvalsh(S).abs().max() + torch.as_tensor(lam).max())
        raise InputError(
            f"gradient descent diverged with learning_rate={learning_rate:g}; the largest "
            f"eigenvalue of S and lam sum to {steepest:.3g}, so take less than "
            f"{0.25 / steepest:.3g}"
        )
    return Trajectory(wanted, *(torch.stack(list(part)) for part in zip(*kept, strict=True)))


def _check_weights(W1: Tensor, W2: Tensor, d: int) -> None:
    if not (isinstance(W1, Tensor) and isinstance(W2, Tensor)):
        raise InputError(
            f"W1 is a {type(W1).__name__}, W2 a {type(W2).__name__}; expected tensors, as from "
            "torch.as_tensor"
        )
    fit = W1.dim() >= 2 and W1.shape[-1] == d and W1.mT.shape == W2.shape
    if not fit or not W1.dtype == W2.dtype == torch.float64:
        raise InputError(
            f"W1 is {tuple(W1.shape)} {W1.dtype}, W2 {tuple(W2.shape)} {W2.dtype}; expected "
            f"(..., k, {d}) and (..., {d}, k) float64"
        )
    if not (torch.isfinite(W1).all() and torch.isfinite(W2).all()):
        raise InputError("W1 or W2 holds NaN or infinity; look where training diverged")
