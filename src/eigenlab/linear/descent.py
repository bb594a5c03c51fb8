"""Gradient descent on the linear autoencoder, in the coordinates of the covariance.

The objective sees the data only through S = X X^T / n, so a step costs O(d^2 k) whatever n is.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.linear.objective import checked_lam
from eigenlab.spectrum.matrices import Matrix, as_matrix


class Trajectory(NamedTuple):
    """What :func:`descend` recorded: r ``steps``, ``W1`` (r, ..., k, d), ``W2`` (r, ..., d, k)."""

    steps: list[int]
    W1: Tensor
    W2: Tensor


def objective(W1: Tensor, W2: Tensor, S: Tensor, lam: float | Tensor = 0.0) -> Tensor:
    """``tr((I - W2 W1) S (I - W2 W1)^T) + lam (||W1||^2 + ||W2||^2)``, batched over (...).

    Equal to :func:`~eigenlab.linear.regularized_loss` for S = X X^T / n.

    Args:
        W1, W2: (..., k, d) and (..., d, k) float64.
        S: (d, d) float64.
        lam: a number, or a tensor that broadcasts with (...).

    >>> objective(torch.zeros(1, 2), torch.zeros(2, 1), torch.eye(2)).item()
    2.0
    """
    residual = W2 @ W1 - torch.eye(len(S), dtype=S.dtype)
    error = ((residual @ S) * residual).sum((-2, -1))
    return error + lam * (W1.square().sum((-2, -1)) + W2.square().sum((-2, -1)))


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
    """Full-batch gradient descent on :func:`objective` from ``(W1, W2)``.

    Started small, it stays near one saddle after another, each with one more eigenvector than the
    last: Saxe, McClelland and Ganguli, ICLR 2014, arXiv:1312.6120.

    Args:
        W1, W2: (..., k, d) and (..., d, k) float64; leading axes are independent runs.
        S: (d, d), X X^T / n.
        lam: as in :func:`objective`, at least 0.
        learning_rate: step size; times the largest eigenvalue of S plus lam it should stay below
            about 1/4.
        steps: how many steps to make.
        record_at: steps in 0...steps whose weights are kept; default: the last only.

    Raises:
        InputError: S is not a finite square matrix, another argument does not fit, or the weights
            became infinite.

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
    penalty = lam[..., None, None] if isinstance(lam, Tensor) else checked_lam(lam)
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
        # W2^T (W2 W1 - I) S and (W2 W1 - I) S W1^T, with no product of two (d, d) matrices.
        seen = W1 @ S
        by_W1, by_W2 = (W2.mT @ W2) @ seen - W2.mT @ S, W2 @ (seen @ W1.mT) - seen.mT
        W1, W2 = (
            shrink * W1 - 2 * learning_rate * by_W1,
            shrink * W2 - 2 * learning_rate * by_W2,
        )
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
