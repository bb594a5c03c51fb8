"""A walker on a graph: why eigenvalues near one mean clusters.

From node j the walker goes to node i with probability A_ij / d_j. The matrix of these, P = A D^-1,
is similar to M = D^-1/2 A D^-1/2, so it has the same eigenvalues; each part of a start that lies
along an eigenvector shrinks by its eigenvalue at every step. What is slow to shrink is the
difference between clusters.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError


def random_walk(A: NDArray[np.floating], start: int, steps: list[int]) -> NDArray[np.float64]:
    """Where a walker from node ``start`` is after each of ``steps`` steps.

    Args:
        A: (n, n) symmetric affinity, no row of zeros.
        start: node.
        steps: non-negative numbers of steps, ascending.

    Returns:
        (len(steps), n) probabilities; every row sums to one. They tend to d / sum(d).

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
    probability, at = np.zeros(len(A)), 0
    probability[start] = 1.0
    rows = []
    for step in steps:
        for _ in range(step - at):
            probability = A @ (probability / degrees)
        at = step
        rows.append(probability)
    return np.array(rows)


def stationary(A: NDArray[np.floating]) -> NDArray[np.float64]:
    """``d / sum(d)``, where every walk on a connected graph with loops ends.

    >>> stationary(np.array([[0.0, 1.0], [1.0, 1.0]]))
    array([0.33333333, 0.66666667])
    """
    degrees = A.sum(axis=1)
    return degrees / degrees.sum()
