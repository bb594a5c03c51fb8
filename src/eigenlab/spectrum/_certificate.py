"""Bounds on eigenvalues that were not computed, from residuals and a random block."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

RISK = 1e-6
"""Probability with which the bound of :func:`largest_outside` may fail, per end of the spectrum."""


def largest_outside(
    highest: float, lowest: float, n: int, steps: float, width: int, risk: float = RISK
) -> float:
    """Upper bound on the largest eigenvalue, from a Krylov space of random vectors.

    Let mu be the largest Ritz value of a symmetric B in span{v, Bv, ..., B^(t-1) v}, with v
    uniform on the unit sphere of R^n, and let lambda > mu be an eigenvalue with unit eigenvector u.
    For any polynomial p of degree t - 1, p(B) v has a Rayleigh quotient of at most mu. With c_i
    the components of v this reads

        (u.v)^2 p(lambda)^2 (lambda - mu) <= sum of c_i^2 p(lambda_i)^2 (mu - lambda_i),

    summed over lambda_i < mu. The Chebyshev polynomial of the fourth kind keeps the right side
    below mu - lambda_n and leaves, with g = (lambda - mu) / (mu - lambda_n),

        |u.v| <= 1 / sinh((2t - 1) asinh sqrt(g)).

    A random v is that close to orthogonal to u with probability at most sqrt(2n / pi) times that,
    and ``width`` independent columns all are with its ``width``-th power. Solved for lambda, this
    bounds what a block can overlook; the same argument at the other end bounds lambda_n by the
    lowest Ritz value. It is the bound of Kuczynski and Wozniakowski for Lanczos with a random start
    (SIAM J. Matrix Anal. Appl. 13 (1992) 1094-1122) for blocks and after the fact.

    Args:
        highest: largest Ritz value.
        lowest: least Ritz value.
        n: dimension of the space that v was drawn from.
        steps: t, products per column; infinite if the Krylov space is invariant.
        width: number of independent random columns.
        risk: the bound holds with probability at least 1 - 2 ``risk``. Default: ``1e-06``.

    Returns:
        The bound; infinite while the space is too small for a bound.

    >>> largest_outside(0.5, -0.5, n=10_000, steps=20, width=4)
    0.5...
    """
    if steps * width >= n:
        return highest
    unlikely = math.sqrt(2 * n / math.pi) * risk ** (-1 / width)
    g = math.sinh(math.asinh(unlikely) / (2 * steps - 1)) ** 2
    return highest + g * (highest - lowest) / (1 - g) if g < 1 else math.inf


def eigenvalue_bounds(
    values: NDArray[np.float64], residual: float, outside: float
) -> NDArray[np.float64]:
    """Bounds on the errors of Ritz values, given a bound on eigenvalues outside their subspace.

    For A = [[diag(values), E^T], [E, B]] with ||E||_2 <= ``residual`` and no eigenvalue of B above
    ``outside``, the i-th largest eigenvalue differs from the i-th value by at most
    2 e^2 / (d + sqrt(d^2 + 4 e^2)), d = values_i - ``outside``: e where nothing is known of the
    gap d, and e^2 / d where it is wide (Li and Li, Linear Algebra Appl. 395 (2005) 183-190).

    Args:
        values: (k,) Ritz values, descending.
        residual: e, bound on the spectral norm of all residuals together.
        outside: bound on the eigenvalues outside the subspace.

    Returns:
        (k,) bounds.

    >>> eigenvalue_bounds(np.array([1.0, 0.6]), 1e-4, outside=0.5)
    array([1.99999992e-08, 9.99999000e-08])
    """
    gaps = np.maximum(values - outside, 0)
    # Written so that a residual of zero is no division by zero.
    return 2 * residual * (residual / np.maximum(gaps + np.hypot(gaps, 2 * residual), 1e-300))
