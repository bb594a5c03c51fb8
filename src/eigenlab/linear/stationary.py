"""Stationary points of the linear autoencoder.

At a stationary point W2 W1 is the orthogonal projection onto some eigenvectors of X X^T; only the
projection onto the leading ones is a minimum (Baldi and Hornik, Neural Networks 2 (1989) 53-58,
doi:10.1016/0893-6080(89)90014-2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.linear.checks import check_width
from eigenlab.linear.eigenpairs import scatter_eigenpairs
from eigenlab.spectrum.matrices import Matrix, as_matrix

EPS = torch.finfo(torch.float64).eps
#: Largest number of points that are listed; it grows as d^k.
MAX_POINTS = 20_000


@dataclass(frozen=True)
class CriticalPoint:
    """A stationary point of ``||X - W2 W1 X||_F^2`` (question 3b).

    The loss does not change under ``W2 -> W2 C, W1 -> C^-1 W1`` for an invertible C, so each point
    represents the family of its images.

    Args:
        subset: indices of the eigenvectors that are kept, 0 for the largest eigenvalue. If there
            are fewer than k, the remaining hidden units have zero weights.
        loss: sum of the other eigenvalues of X X^T.
        index: number of negative eigenvalues of the Hessian in (W1, W2), that is, of independent
            directions of descent.
        nullity: number of zero eigenvalues of the Hessian. It is positive, because the loss does
            not change with C.
        W1: encoder, (k, d) float64: the eigenvectors in rows, then rows of zeros.
        W2: decoder, (d, k) float64, the transpose of ``W1``.
    """

    subset: tuple[int, ...]
    loss: float
    index: int
    nullity: int
    W1: Any = field(repr=False)
    W2: Any = field(repr=False)

    @property
    def kind(self) -> str:
        """``"minimum"`` or ``"saddle"``. Every minimum is global, and there is no maximum."""
        return "minimum" if self.index == 0 else "saddle"


def critical_points(X: Matrix, k: int) -> list[CriticalPoint]:
    """List the stationary points of :func:`~eigenlab.linear.loss`, best first (question 3b).

    A point keeps a subset I of at most k eigenvectors of X X^T. With eigenvalues s_j and r = |I|:

    - loss: sum of s_j over j not in I;
    - index: number of pairs (i in I, j not in I) with s_j > s_i, each a rotation of eigenvector i
      towards j, plus (k - r) for each j not in I, along which a unit with zero weights can grow;
    - nullity: r^2, plus the pairs with s_j = s_i or s_j = 0, plus 2 (k - r) (r + dim ker X X^T).

    Eigenvectors whose eigenvalue is zero up to rounding do not change the loss and are not listed.
    With repeated eigenvalues the stationary points form continuous families, and each subset is one
    member.

    Args:
        X: samples in columns, (d, n), centred or not.
        k: number of hidden units, 1...d.

    Returns:
        The points by increasing loss; their weights are tensors if ``X`` is a tensor, else NumPy
        arrays.

    Raises:
        InputError: ``k`` is out of range, an entry is not finite, or there are more than 20,000
            points.

    >>> import numpy as np
    >>> [(p.subset, round(p.loss), p.index) for p in critical_points(np.diag([3.0, 2.0]), 1)]
    [((0,), 4, 0), ((1,), 9, 1), ((), 13, 2)]
    """
    matrix = as_matrix("X", X)
    values, vectors = scatter_eigenpairs(matrix, mean=False)
    k = check_width(k, len(values))
    rank = int((values > values[0] * max(matrix.shape) * EPS).sum())
    widths = range(min(k, rank) + 1)
    count = sum(math.comb(rank, r) for r in widths)
    if count > MAX_POINTS:
        raise InputError(
            f"{len(values)} features and k={k} have {count} stationary points, more than "
            f"{MAX_POINTS}; project X on its first principal components, or take a smaller k"
        )
    listed = values[:rank].tolist()
    points = [
        _point(subset, listed, vectors, k, tensors=isinstance(X, Tensor))
        for r in widths
        for subset in combinations(range(rank), r)
    ]
    return sorted(points, key=lambda point: (point.loss, point.index, point.subset))


def _point(
    subset: tuple[int, ...], values: list[float], vectors: Tensor, k: int, *, tensors: bool
) -> CriticalPoint:
    d, r = len(vectors), len(subset)
    others = [j for j in range(len(values)) if j not in subset]
    kernel = d - len(values)
    tie = 100 * values[0] * d * EPS if values else 0.0  # squares of rounded singular values
    rises = [values[j] - values[i] for i in subset for j in others]
    up = sum(rise > tie for rise in rises)
    flat = sum(abs(rise) <= tie for rise in rises) + r * kernel
    W1 = vectors.new_zeros(k, d)
    W1[:r] = vectors[:, list(subset)].T
    return CriticalPoint(
        subset=subset,
        loss=math.fsum(values[j] for j in others),
        index=up + (k - r) * len(others),
        nullity=r * r + flat + 2 * (k - r) * (r + kernel),
        W1=W1 if tensors else W1.numpy(),
        W2=W1.T.clone() if tensors else W1.T.clone().numpy(),
    )
