"""Random walks on a graph: why eigenvalues near one mean clusters.

From node j the walk goes to node i with probability A_ij / d_j. The matrix of these, P = A D^-1,
is similar to M = D^-1/2 A D^-1/2, so it has the same eigenvalues. At every step the part of the
distribution along an eigenvector shrinks by its eigenvalue. What shrinks slowly is the difference
between clusters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.threads import serial_blas


def random_walk(A: NDArray[np.floating], start: int, steps: Sequence[int]) -> NDArray[np.float64]:
    r"""The distribution of a random walk from ``start`` after each of some steps (question 5e).

    .. math::

        (A D^{-1})_{ij} = \frac{A_{ij}}{d_j} = \sqrt{\frac{d_i}{d_j}} M_{ij}

    Args:
        A: (n, n) symmetric affinity, no row of zeros.
        start: index of the first node.
        steps: non-negative numbers of steps, ascending.

    Returns:
        (len(steps), n) probabilities; every row sums to one. They tend to
        :func:`stationary_distribution` if the graph is connected and has a loop.

    Raises:
        InputError: start is no node, steps do not ascend, or a row of A has no weight.

    >>> random_walk(np.array([[0.0, 1.0], [1.0, 1.0]]), 0, [0, 1, 2])
    array([[1. , 0. ],
           [0. , 1. ],
           [0.5, 0.5]])
    """
    if not 0 <= start < len(A):
        raise InputError(f"start={start} is no node of {len(A)}")
    if list(steps) != sorted(steps) or (len(steps) and steps[0] < 0):
        raise InputError(f"steps={steps}; expected ascending numbers >= 0")
    degrees = A.sum(axis=1)
    if not (degrees > 0).all():
        node = int(np.flatnonzero(~(degrees > 0))[0])
        raise InputError(f"A has no weight in row {node}: no walk leaves it; give it a loop")
    first = np.zeros(len(A))
    first[start] = 1.0
    if len(steps) and steps[-1] > len(A):
        return _by_squaring(A.astype(np.float64) / degrees, first, steps)
    probability, done, rows = first, 0, []
    with serial_blas():  # each product is short, and threads would wait for each other
        for step in steps:
            for _ in range(step - done):
                probability = A @ (probability / degrees)
            done = step
            rows.append(probability)
    return np.array(rows)


def _by_squaring(
    P: NDArray[np.floating], first: NDArray[np.float64], steps: Sequence[int]
) -> NDArray[np.float64]:
    """``P^t first`` for each t, a product of the powers P^1, P^2, P^4, ... in t's binary digits."""
    rows = [first] * len(steps)
    power = P
    for digit in range(int(steps[-1]).bit_length()):
        if digit:
            power = power @ power
        for place, step in enumerate(steps):
            if step >> digit & 1:
                rows[place] = power @ rows[place]
    return np.array(rows)


def stationary_distribution(A: NDArray[np.floating]) -> NDArray[np.float64]:
    """The limit ``d / sum(d)`` of every walk on a connected graph with a loop.

    Args:
        A: (n, n) symmetric affinity, not all zero.

    Returns:
        (n,) probabilities; they sum to one.

    >>> stationary_distribution(np.array([[0.0, 1.0], [1.0, 1.0]]))
    array([0.33333333, 0.66666667])
    """
    degrees = A.sum(axis=1)
    return degrees / degrees.sum()


def total_variation(p: NDArray[np.floating], q: NDArray[np.floating]) -> Any:
    """Total variation distance ``1/2 sum_i |p_i - q_i|`` of distributions.

    Args:
        p: (..., n) probabilities.
        q: (..., n) probabilities.

    Returns:
        (...) distances in [0, 1]: the largest difference in probability that any set of nodes has.

    >>> float(total_variation(np.array([1.0, 0.0]), np.array([0.25, 0.75])))
    0.75
    """
    return np.abs(p - q).sum(axis=-1) / 2


def mixing_bound(second_eigenvalue: float, probability: float, steps: int) -> float:
    """Bound on the total variation distance of a walk from its stationary distribution.

    ||p_t - pi||_TV <= 1/2 sqrt((1 - pi_i) / pi_i) lambda_2^t for a reversible walk from node i
    whose other eigenvalues are not negative (Levin, Peres and Wilmer, Markov Chains and Mixing
    Times, section 12.2).

    Args:
        second_eigenvalue: lambda_2, the second largest eigenvalue of M, >= 0.
        probability: pi_i, the stationary probability of the first node, in (0, 1].
        steps: t, number of steps.

    Returns:
        The bound; it may exceed 1 for few steps.

    Raises:
        InputError: an argument is out of range.

    >>> mixing_bound(0.5, 0.5, 3)
    0.0625
    """
    if not second_eigenvalue >= 0:
        raise InputError(f"second_eigenvalue={second_eigenvalue!r}; expected a number >= 0")
    if not 0 < probability <= 1:
        raise InputError(f"probability={probability!r}; expected a number in (0, 1]")
    if steps < 0:
        raise InputError(f"steps={steps!r}; expected a whole number >= 0")
    return 0.5 * math.sqrt((1 - probability) / probability) * second_eigenvalue**steps
