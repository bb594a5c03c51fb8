"""Affinities that are given: ``"precomputed"`` and ``"precomputed_nearest_neighbors"``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from eigenlab.errors import InputError
from eigenlab.graphs.affinity_source import AffinitySource
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.duplicates import twins
from eigenlab.graphs.graph import Graph
from eigenlab.graphs.sparse import SparseGraph


class PrecomputedAffinities(AffinitySource):
    """X is the affinity matrix; new points come as their affinities to the nodes."""

    _graph: Graph

    def graph(self, X: Any) -> Graph:
        """The graph whose (n, n) affinity matrix ``X`` is."""
        self._graph = (
            SparseGraph(X, "precomputed")
            if sparse.issparse(X)
            else DenseGraph(X, "precomputed", reporter=self.reporter)
        )
        return self._graph

    def to(self, X_new: Any) -> Any:
        """``X_new`` itself: (m, n) affinities."""
        return X_new

    def nearest(self, X_new: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Raise an InputError: where no points are given, none is nearest."""
        raise InputError(
            f"row {rows[0]} of X has no affinity to any node, so it belongs to no cluster; "
            "give it a positive affinity or leave it out"
        )

    def places(self) -> NDArray[np.int64]:
        """(n,) place of each node; nodes with equal rows, and so with equal columns, share one."""
        return twins(self._graph.affinity)

    def merging_points(self) -> None:
        """None: there are no points."""


class PrecomputedNeighbors(PrecomputedAffinities):
    """X is a sparse matrix of distances, of which the nearest make the edges, of weight 1.

    Args:
        n_neighbors: neighbours of each point; itself is counted if its distance 0 is stored.
    """

    def __init__(self, n_neighbors: int) -> None:
        self.n_neighbors = n_neighbors

    def graph(self, X: Any) -> Graph:
        """The graph of nearest neighbours by the (n, n) distances ``X``."""
        from sklearn.neighbors import NearestNeighbors

        search = NearestNeighbors(n_neighbors=self.n_neighbors, metric="precomputed").fit(X)
        links = search.kneighbors_graph(X, mode="connectivity")
        return super().graph((links + links.T) / 2)
