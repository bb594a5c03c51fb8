"""The interface of all representations of a graph, and the normalised operators built on it.

A graph is given by its symmetric, non-negative affinity matrix A. Storing A needs n^2 numbers, but
the spectrum of a graph needs only products with it, so a graph here is anything with a size,
degrees and a product. :mod:`~eigenlab.graphs.normalize` has the same normalisations for matrices.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eigenlab.reporter import SILENT, Reporter
from eigenlab.spectrum import Eigenpairs
from eigenlab.spectrum.eigenpairs import find_eigenpairs

Normalization = Literal["stochastic", "symmetric", "rows"]
NORMALIZATIONS: tuple[Normalization, ...] = ("stochastic", "symmetric", "rows")

Floats = NDArray[np.floating]


class Graph(ABC):
    """A symmetric affinity matrix A >= 0 of n nodes, in any representation.

    A subclass needs ``representation``, ``n_nodes``, ``degrees`` and :meth:`matmat`; the defaults
    of everything else are those of a complete graph whose entries are not stored.
    """

    representation: str
    """Name of the representation: ``dense``, ``tiled``, ``fourier``, ``sharded``,
    ``nearest_neighbors`` or ``precomputed``."""

    n_nodes: int
    """Number n of nodes."""

    entry_error: float = 0.0
    """Bound on the error of each entry of A; 0 where entries are exact up to rounding."""

    stored: bool = False
    """Whether products read a dense matrix from memory, so that wide blocks of vectors cost hardly
    more than narrow ones."""

    reporter: Reporter = SILENT
    """Asked within long products whether to stop."""

    affinity: Any = None
    """(n, n) A as an array or a scipy sparse array; None where its entries are not stored."""

    @property
    @abstractmethod
    def degrees(self) -> NDArray[np.float64]:
        """(n,) row sums of A. Zero for a node without any edge."""

    @abstractmethod
    def matmat(self, vectors: Floats) -> Floats:
        """``A @ vectors`` for (n, m) vectors, in the vectors' dtype."""

    def connected_components(self, negligible: float = 0.0) -> tuple[int, NDArray[np.int64]]:
        """Number of connected components, and the (n,) component of each node, the largest being 0.

        Args:
            negligible: edges with A_ij <= negligible sqrt(d_i d_j) do not count. Default: ``0.0``.
        """
        return 1, np.zeros(self.n_nodes, dtype=np.int64)

    def strongest_link(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> int | None:
        """The one of ``others`` that one of ``rows`` is linked to most strongly, or None."""
        raise NotImplementedError

    def subgraph(self, rows: NDArray[np.int64]) -> Graph:
        """The graph of some of the nodes, ascending, in the same representation."""
        raise NotImplementedError

    def top_eigenpairs(
        self,
        operator: NormalizedOperator,
        k: int,
        *,
        tol: float,
        start: Floats | None,
        seed: int,
        certify: bool,
        reporter: Reporter,
    ) -> Eigenpairs:
        """The ``k`` largest eigenpairs of a normalised operator over this graph.

        The arguments are those of :func:`~eigenlab.spectrum.top_eigenpairs`, whose search is used
        unless the representation has a faster solver. There is no warning: the caller knows which
        parameters its user has.
        """
        return find_eigenpairs(
            operator, k, tol=tol, start=start, seed=seed, certify=certify, reporter=reporter
        )


def rounding_tolerance(dtype: Any, largest: float) -> float:
    """How negative or asymmetric weights may be by rounding.

    Args:
        dtype: dtype of the weights.
        largest: the largest weight.

    >>> rounding_tolerance(np.float64, 2.0)
    2e-08
    """
    return (1e-4 if dtype == np.float32 else 1e-8) * max(float(largest), 0.0)


def asymmetry_message(i: int, j: int, forth: float, back: float, largest: float) -> str:
    """What is wrong with an affinity that differs from its transpose by more than rounding.

    Args:
        i: row of the entry that differs most.
        j: its column.
        forth: the entry (i, j).
        back: the entry (j, i).
        largest: the largest weight.
    """
    return (
        f"affinity must be symmetric, but ({i}, {j}) is {forth!r} and ({j}, {i}) is {back!r}: they "
        f"differ by {abs(forth - back):.2g}, that is {abs(forth - back) / largest:.2g} of the "
        "largest weight; pass (A + A.T) / 2 if both directions mean the same"
    )


class NormalizedOperator:
    """The symmetric operator whose top eigenvectors are the embedding of a graph.

    - ``symmetric`` and ``rows``: M = D^-1/2 A D^-1/2, eigenvalues in [-1, 1], the largest is 1.
    - ``stochastic``: S S^T with S = M C^-1, where C holds the column sums of M, so that the columns
      of S sum to one (question 5g). Its eigenvectors are the left singular vectors of S, its
      eigenvalues the squared singular values.

    A node without any edge counts as its own component: it is given a loop of weight one.

    Args:
        graph: graph in any representation.
        normalization: ``"symmetric"``, ``"rows"`` or ``"stochastic"``. Default: ``"symmetric"``.

    >>> class Pair(Graph):
    ...     n_nodes, degrees = 2, np.array([2.0, 2.0])
    ...     def matmat(self, vectors): return np.ones((2, 2)) @ vectors
    >>> NormalizedOperator(Pair(), "symmetric").matmat(np.eye(2))
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    dtype = np.dtype(np.float64)

    def __init__(self, graph: Graph, normalization: Normalization = "symmetric") -> None:
        self.graph = graph
        self.stored = graph.stored
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
