"""Checks of problem 5, spectral clustering."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from eigenlab.grading.comparison import Comparison
from eigenlab.grading.parts import part


@part("5b", "get_adjacency_matrix", "get_adjacency_matrix")
def adjacency(get_adjacency_matrix: Callable[..., Any]) -> Iterator[Comparison]:
    """A_ij = exp(-gamma |x_i - x_j|^2), entry by entry, in a loop."""
    X = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 2.0], [-1.0, 0.25]])
    for gamma in (0.5, 2.0):
        squares = np.array([[sum((a - b) ** 2) for b in X] for a in X])
        yield Comparison(
            f"get_adjacency_matrix(gamma={gamma}, X)",
            get_adjacency_matrix(gamma, X),
            np.exp(-gamma * squares),
            mistakes={
                "the sign of the exponent: distant points come out close.": np.exp(gamma * squares),
                "the distance is not squared.": np.exp(-gamma * np.sqrt(squares)),
            },
            advice="A_ij = exp(-gamma * squared distance of points i and j).",
            tolerance=1e-6,
        )
