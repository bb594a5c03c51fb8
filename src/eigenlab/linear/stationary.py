"""Where the gradient of the linear autoencoder is zero, and what kind of point that is.

Baldi and Hornik, Neural Networks 2 (1989) 53-58, doi:10.1016/0893-6080(89)90014-2: W2 W1 is the
orthogonal projection onto some eigenvectors of X X^T, and only the top ones are a minimum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import combinations

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.linear.objective import checked_width, scatter_eigenpairs
from eigenlab.spectrum.matrices import Matrix, as_matrix

#: More points than this are not listed; their number grows as d^k.
MOST_POINTS = 20_000


@dataclass(frozen=True)
class CriticalPoint:
    """One stationary point of ``||X - W2 W1 X||_F^2``, up to ``W2 -> W2 C, W1 -> C^-1 W1``.

    Args:
        subset: places of the eigenvectors that are kept, 0 for the largest eigenvalue. Fewer than
            k: the remaining hidden units are off.
        loss: the sum of the other eigenvalues of X X^T.
        index: number of negative eigenvalues of the Hessian in (W1, W2), that is of independent
            directions of descent.
        nullity: number of its zero eigenvalues. There are always some, since the loss does not
            change with C.
        W1: (k, d) float64, a representative: the eigenvectors in rows, zeros for units that are
            off.
        W2: (d, k) float64, its transpose.
    """

    subset: tuple[int, ...]
    loss: float
    index: int
    nullity: int
    W1: Tensor = field(repr=False)
    W2: Tensor = field(repr=False)

    @property
    def kind(self) -> str:
        """``"minimum"`` or ``"saddle"``; every minimum is global, and there is no maximum."""
        return "minimum" if self.index == 0 else "saddle"


def critical_points(X: Matrix, k: int) -> list[CriticalPoint]:
    """Every stationary point of :func:`~eigenlab.linear.loss` with ``k`` hidden units, best first.

    A point keeps a subset I of at most k eigenvectors of X X^T. With s_j the eigenvalues, r = |I|:

    - loss: sum of s_j over j not in I;
    - index: the pairs (i in I, j not in I) with s_j > s_i, each of which lets unit i turn towards
      j, plus (k - r) for each j not in I, since a unit that is off can grow into j with its two
      weight vectors;
    - nullity: r^2, plus the pairs with s_j = s_i or s_j = 0, plus 2 (k - r) (r + dim ker X X^T).

    Eigenvectors of eigenvalue zero (to rounding) change nothing and are not listed. With repeated
    eigenvalues the points form continuous families, of which each subset is one member.

    Args:
        X: (d, n), samples in columns, centred or not.
        k: hidden units, 1...d.

    Raises:
        InputError: ``k`` is out of range, an entry is not finite, or there are more than 20,000
            points.

    >>> import numpy as np
    >>> [(p.subset, round(p.loss), p.index) for p in critical_points(np.diag([3.0, 2.0]), 1)]
    [((0,), 4, 0), ((1,), 9, 1), ((), 13, 2)]
    """
    X = as_matrix("X", X)
    values, vectors = scatter_eigenpairs(X, mean=False)
    k = checked_width(k, len(values))
    rank = int((values > values[0] * max(X.shape) * EPS).sum())
    widths = range(min(k, rank) + 1)
    count = sum(math.comb(rank, r) for r in widths)
    if count > MOST_POINTS:
        raise InputError(
            f"{len(values)} features and k={k} have {count} stationary points, more than "
            f"{MOST_POINTS}; project X on its first principal components, or take a smaller k"
        )
    listed = values[:rank].tolist()
    points = [
        _point(subset, listed, vectors, k)
        for r in widths
        for subset in combinations(range(rank), r)
    ]
    return sorted(points, key=lambda point: (point.loss, point.index, point.subset))


EPS = torch.finfo(torch.float64).eps


def _point(subset: tuple[int, ...], values: list[float], vectors: Tensor, k: int) -> CriticalPoint:
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
        W1=W1,
        W2=W1.T.clone(),
    )
