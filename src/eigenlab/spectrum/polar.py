"""The nearest matrix with orthonormal rows or columns."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError

#: Factor by which rounding may carry singular values over the end of their interval in a step.
#: There the polynomials are steep, and without it the iteration in bfloat16 diverges.
SAFETY = {torch.bfloat16: 1.02, torch.float16: 1.01, torch.float32: 1.0001}
#: Interval widths below which Remez's linear system is singular; the limit is Newton-Schulz.
NARROW = 1e-5


def orthogonalize(matrix: Tensor, *, steps: int | None = None, lower: float = 1e-3) -> Tensor:
    """Replace all singular values by 1: for M = U S V^T, the polar factor U V^T (question 4).

    It is the matrix with orthonormal columns (rows, where M is wide) nearest to M in the Frobenius
    norm. Without ``steps`` it is computed from the singular value decomposition; with them, by
    matrix products alone, which are fast on every device and in bfloat16: M is divided by its
    Frobenius norm, and then ``X <- a X + b (X X^T) X + c (X X^T)^2 X`` is repeated. Each step
    applies the odd polynomial a s + b s^3 + c s^5 to the singular values, and (a, b, c) make it
    the one closest to 1 on the interval in which they then lie
    (:func:`orthogonalization_coefficients`). A singular value of 0 stays 0.

    Sources: N. J. Higham, Functions of Matrices (SIAM 2008), chapter 8; N. Amsel, D. Persson,
    C. Musco and R. M. Gower, The Polar Express, arXiv:2505.16932 (2025); as an optimizer:
    K. Jordan et al., Muon (2024).

    Args:
        matrix: (..., m, n) floating-point tensor.
        steps: number of iterations. Default: ``None``, the singular value decomposition.
        lower: singular values from this multiple of the Frobenius norm on come as near to 1 as
            :func:`orthogonalization_error` says; smaller ones are only brought nearer.
            Default: ``1e-3``.

    Returns:
        (..., m, n), of the same dtype; zeros where ``matrix`` is zero.

    Raises:
        InputError: ``matrix`` is not a floating-point tensor of at least two axes, ``steps`` is
            less than 1, or ``lower`` is not in (0, 1).

    >>> matrix = torch.tensor([[3.0, 0.0], [0.0, -0.5]])
    >>> orthogonalize(matrix)
    tensor([[ 1.,  0.],
            [ 0., -1.]])
    >>> torch.linalg.svdvals(orthogonalize(matrix, steps=6)).sub(1).abs().max() < 2e-3
    tensor(True)
    """
    if not isinstance(matrix, Tensor) or matrix.ndim < 2 or not matrix.is_floating_point():
        got = (
            f"shape {tuple(matrix.shape)} and dtype {matrix.dtype}"
            if isinstance(matrix, Tensor)
            else type(matrix).__name__
        )
        raise InputError(f"matrix has {got}; expected a floating-point tensor (..., m, n)")
    if steps is None:
        return _polar_factor(matrix)
    coefficients = orthogonalization_coefficients(steps, lower, SAFETY.get(matrix.dtype, 1.0))
    return iterate_to_polar_factor(matrix, coefficients)


def iterate_to_polar_factor(
    matrix: Tensor, coefficients: Sequence[tuple[float, float, float]]
) -> Tensor:
    """The matrix products of :func:`orthogonalize`.

    Args:
        matrix: (..., m, n) floating-point tensor.
        coefficients: (a, b, c) of each step, as from :func:`orthogonalization_coefficients`.
    """
    flat = matrix.reshape(-1, *matrix.shape[-2:])
    wide = flat.mT if flat.shape[-2] > flat.shape[-1] else flat
    iterate = _divided(_divided(wide, wide.abs().amax(dim=(-2, -1), keepdim=True)), None)
    for a, b, c in coefficients:
        gram = iterate @ iterate.mT
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        iterate = torch.baddbmm(iterate, polynomial, iterate, beta=a)
    return (iterate.mT if wide is not flat else iterate).reshape(matrix.shape)


def _divided(matrix: Tensor, norm: Tensor | None) -> Tensor:
    """Divide by a norm, that of Frobenius if none is given; zeros stay zero."""
    if norm is None:
        norm = torch.linalg.matrix_norm(matrix, keepdim=True)
    return matrix / torch.where(norm > 0, norm, torch.ones_like(norm))


def _polar_factor(matrix: Tensor) -> Tensor:
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    threshold = values[..., :1] * max(matrix.shape[-2:]) * torch.finfo(matrix.dtype).eps
    return (left * (values > threshold).unsqueeze(-2)) @ right


def orthogonalization_coefficients(
    steps: int, lower: float = 1e-3, safety: float = 1.0
) -> tuple[tuple[float, float, float], ...]:
    """The (a, b, c) of each step of :func:`orthogonalize`.

    The first polynomial is the odd quintic with the smallest greatest distance E from 1 on
    [lower, 1]. It maps this interval into [1 - E, 1 + E], which is that of the second, and so on:
    the best composition of its degree (Amsel et al. 2025, theorem 3.1).

    Args:
        steps: number of iterations, at least 1.
        lower: smallest singular value that counts, relative to the Frobenius norm, in (0, 1).
            Default: ``1e-3``.
        safety: factor by which the upper end of each interval is moved up, as an allowance for
            rounding. Default: ``1.0``.

    Raises:
        InputError: an argument is out of range.

    >>> [round(x, 2) for x in orthogonalization_coefficients(1, 0.5)[0]]
    [2.67, -3.29, 1.64]
    """
    return _composition(steps, lower, safety)[0]


def orthogonalization_error(steps: int, lower: float = 1e-3, safety: float = 1.0) -> float:
    """How far from 1 singular values are after the iterations, without rounding.

    Args:
        steps: as in :func:`orthogonalize`.
        lower: as there. Default: ``1e-3``.
        safety: as in :func:`orthogonalization_coefficients`. Default: ``1.0``.

    Raises:
        InputError: an argument is out of range.

    >>> orthogonalization_error(6) < 1e-3 < orthogonalization_error(3)
    True
    """
    return _composition(steps, lower, safety)[1]


@functools.lru_cache(maxsize=64)
def _composition(
    steps: int, lower: float, safety: float
) -> tuple[tuple[tuple[float, float, float], ...], float]:
    """The coefficients of each step, and the distance from 1 after the last one."""
    if steps < 1:
        raise InputError(f"steps={steps} must be at least 1, or None for the decomposition")
    if not 0 < lower < 1:
        raise InputError(f"lower={lower} must be in (0, 1)")
    if not 1 <= safety < 2:
        raise InputError(f"safety={safety} must be in [1, 2)")
    low, high, coefficients, error = lower, 1.0, [], 1.0
    for _ in range(steps):
        chosen, error = _best_quintic(low, high * safety)
        coefficients.append(chosen)
        low, high = 1 - error, 1 + error
    return tuple(coefficients), error


def _best_quintic(low: float, high: float) -> tuple[tuple[float, float, float], float]:
    """The odd quintic closest to 1 on [low, high], and its greatest distance E, by Remez.

    The error alternates at four points: 1 - E at ``low`` and at the inner minimum, 1 + E at the
    inner maximum and at ``high``.
    """
    if high - low < NARROW * high:
        middle = (low + high) / 2
        a, b, c = 15 / 8 / middle, -10 / 8 / middle**3, 3 / 8 / middle**5
        return (a, b, c), abs(1 - (a * low + b * low**3 + c * low**5))
    inner = np.array([(3 * low + high) / 4, (low + 3 * high) / 4])
    signs = np.array([1.0, -1.0, 1.0, -1.0])
    for _ in range(100):
        points = np.array([low, *inner, high])
        system = np.stack([points, points**3, points**5, signs], axis=1)
        a, b, c, error = np.linalg.solve(system, np.ones(4))
        root = np.sqrt(9 * b * b - 20 * a * c)
        moved = np.sqrt(np.array([-3 * b - root, -3 * b + root]) / (10 * c))
        done = np.allclose(moved, inner, rtol=1e-12, atol=0)
        inner = moved
        if done:
            break
    return (float(a), float(b), float(c)), float(error)
