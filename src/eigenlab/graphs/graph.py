"""What every way to hold a graph offers, and the normalised operators built on it.

A graph is its symmetric, non-negative affinity matrix A. Storing A needs n^2 numbers, but the
spectrum of a graph needs only products with it, so a graph here is anything with a size, degrees
and a product. :mod:`~eigenlab.graphs.normalize` has the same normalisations for matrices.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Normalization = Literal["stochastic", "symmetric", "rows"]
NORMALIZATIONS: tuple[Normalization, ...] = ("stochastic", "symmetric", "rows")

Floats = NDArray[np.floating]


class Graph(Protocol):
    """A symmetric affinity matrix A >= 0 of n nodes, however it is held."""

    kind: str
    """How A is held: ``dense``, ``tiled``, ``fourier``, ``nearest_neighbors``, ``sharded``."""

    n_nodes: int

    entry_error: float
    """Bound on the error of each entry of A; 0 where entries are exact up to rounding."""

    @property
    def degrees(self) -> Floats:
        """(n,) float64 row sums of A. Zero for a node without any edge."""
        ...

    def matmat(self, vectors: Floats) -> Floats:
        """``A @ vectors`` for (n, m) vectors, in the vectors' dtype."""
        ...


def forgiven(dtype: Any, largest: float) -> float:
    """How far rounding may make weights negative or asymmetric, if ``largest`` is the largest.

    >>> forgiven(np.float64, 2.0)
    2e-10
    """
    return (1e-4 if dtype == np.float32 else 1e-10) * max(float(largest), 0.0)


class NormalizedOperator:
    """The symmetric operator whose top eigenvectors are the embedding of a graph.

    - ``symmetric`` and ``rows``: M = D^-1/2 A D^-1/2, eigenvalues in [-1, 1], the largest is 1.
    - ``stochastic``: S S^T with S = M C^-1, where C holds the column sums of M, so that the columns
      of S sum to one (question 5f). Its eigenvectors are the left singular vectors of S, its
      eigenvalues the squared singular values.

    A node without any edge counts as its own component: it is given a loop of weight one.

    Args:
        graph: held in any way.
        normalization: which operator.

    >>> class Pair:
    ...     n_nodes, degrees = 2, np.array([2.0, 2.0])
    ...     def matmat(self, vectors): return np.ones((2, 2)) @ vectors
    >>> NormalizedOperator(Pair(), "symmetric").matmat(np.eye(2))
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    dtype = np.dtype(np.float64)

    def __init__(self, graph: Graph, normalization: Normalization = "symmetric") -> None:
        self.graph = graph
        self.stored = getattr(graph, "stored", False)
        self.shape = (graph.n_nodes, graph.n_nodes)
        degrees = np.asarray(graph.degrees, dtype=np.float64)
        self._loops = (degrees == 0).astype(np.float64)
        self.scale = 1 / np.sqrt(degrees + self._loops)
        self.column_weights: Floats | None = None  # C^-2, where the columns are divided
        if normalization == "stochastic":
            self.column_weights = self.symmetric(np.ones((graph.n_nodes, 1)))[:, 0] ** -2

    def matmat(self, vectors: Floats) -> Floats:
        """The operator times (n, m) vectors."""
        product = self.symmetric(vectors)
        if self.column_weights is None:
            return product
        return self.symmetric(self.column_weights[:, None] * product)

    def symmetric(self, vectors: Floats) -> Floats:
        """M times (n, m) vectors."""
        scale = self.scale[:, None].astype(vectors.dtype, copy=False)
        product = scale * self.graph.matmat(scale * vectors)
        if self._loops.any():
            product += self._loops[:, None] * vectors
        return product
