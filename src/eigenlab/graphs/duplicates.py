"""Equal points: one place with a weight, so that they always share a cluster."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from eigenlab.graphs.affinity import rbf_affinity
from eigenlab.graphs.connectivity import by_size
from eigenlab.graphs.embedding import Embedding
from eigenlab.graphs.gaussian_nodes import GaussianNodes
from eigenlab.graphs.graph import Floats, Graph
from eigenlab.graphs.sparse import SparseGraph

Ints = NDArray[np.int64]


def places_of(X: Any) -> Ints:
    """For each row the number of its place: equal rows, and only those, have the same number.

    Args:
        X: (n, d) finite array or sparse matrix.

    Returns:
        (n,) numbers from 0, in the order in which the places occur.

    >>> places_of(np.array([[1.0, 2.0], [0.0, 0.0], [1.0, 2.0], [-0.0, 0.0]]))
    array([0, 1, 0, 1])
    """
    hashes = _sparse_hashes(X) if sparse.issparse(X) else _hashes(np.asarray(X))
    _, first, place, counts = np.unique(
        hashes, return_index=True, return_inverse=True, return_counts=True
    )
    same = np.flatnonzero(counts[place] > 1)
    if len(same) and not _equal(X, same, first[place[same]]):
        rows = X.toarray() if sparse.issparse(X) else np.asarray(X)
        _, first, place = np.unique(rows + 0.0, axis=0, return_index=True, return_inverse=True)
        place = place.ravel()
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place]


def twins(A: Any) -> Ints:
    """For each node the number of its place: nodes that A does not tell apart have the same number.

    These are nodes with equal rows, and nodes whose rows are equal but for the loops: equal points
    of a graph without loops, each of which has no strongest link but the other. Nodes without any
    edge are places of their own.

    Args:
        A: (n, n) symmetric affinities, dense or sparse in compressed rows.

    Returns:
        (n,) numbers from 0, in the order in which the places occur.

    >>> twins(np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.5], [0.5, 0.5, 0.0]]))
    array([0, 0, 1])
    """
    n = A.shape[0]
    loops = np.asarray(A.diagonal(), dtype=np.float64)
    degrees = np.asarray(A.sum(axis=1)).ravel()
    if sparse.issparse(A):
        largest = A.max(axis=1).toarray().ravel()
        looped = sparse.csr_array(A + sparse.diags_array(largest - loops))
    else:
        largest = A.max(axis=1)
        looped = A.copy()
        np.fill_diagonal(looped, largest)
    # Two nodes with different loops are different, whatever their other links.
    _, loop = np.unique(loops, return_inverse=True)
    by_links = np.unique(np.stack([places_of(looped), loop]), axis=1, return_inverse=True)[1]
    edges = [(np.arange(n), by_links.ravel()), (np.arange(n), by_links.max() + 1 + places_of(A))]
    rows, places = (np.concatenate(part) for part in zip(*edges, strict=True))
    linked = degrees[rows] > 0
    size = n + int(places.max()) + 1
    links = sparse.csr_array(
        (np.ones(linked.sum()), (rows[linked], n + places[linked])), shape=(size, size)
    )
    _, label = csgraph.connected_components(links, directed=False)
    _, first, place = np.unique(label[:n], return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[place]


def _equal(X: Any, rows: Ints, others: Ints) -> bool:
    if sparse.issparse(X):
        return (X[rows] - X[others]).count_nonzero() == 0
    step = max(1, 2**22 // X.shape[1])
    return all(
        np.array_equal(X[rows[first : first + step]], X[others[first : first + step]])
        for first in range(0, len(rows), step)
    )


def _hashes(X: NDArray[Any]) -> NDArray[np.uint64]:
    hashes = np.zeros(len(X), dtype=np.uint64)
    for number, column in enumerate(X.T):
        bits = np.ascontiguousarray(column + 0.0, dtype=np.float64).view(np.uint64)
        hashes += _mixed(bits ^ _mixed(np.uint64(number + 1)))
    return hashes


def _sparse_hashes(X: Any) -> NDArray[np.uint64]:
    entries = sparse.coo_array(X)
    entries.sum_duplicates()
    kept = entries.data != 0
    bits = entries.data[kept].astype(np.float64).view(np.uint64)
    hashes = np.zeros(X.shape[0], dtype=np.uint64)
    np.add.at(
        hashes, entries.row[kept], _mixed(bits ^ _mixed(entries.col[kept].astype(np.uint64) + 1))
    )
    return hashes


def _mixed(bits: Any) -> Any:
    """The finaliser of splitmix64 (G. Steele, D. Lea and C. Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))


def equal_rows(embedding: Embedding, place: Ints) -> Embedding:
    """The embedding with the mean of each place's rows in all of them.

    Vectors of nonzero singular value are constant on equal points, up to the solver's error.

    Args:
        embedding: vectors over n nodes.
        place: (n,) place of each node.
    """
    counts = np.bincount(place)
    if len(counts) == len(place):
        return embedding
    sums = [np.bincount(place, weights=column) for column in embedding.vectors.T]
    means = np.stack(sums, axis=1) / counts[:, None]
    return dataclasses.replace(embedding, vectors=means[place])


def equal_labels(labels: Ints, place: Ints) -> Ints:
    """Labels in which all points of a place have that of its first.

    >>> equal_labels(np.array([1, 0, 2]), np.array([0, 1, 0]))
    array([1, 0, 1])
    """
    _, first = np.unique(place, return_index=True)
    return labels[first][place]


class ReplicatedGraph(Graph):
    """A graph of places, of which each stands for several nodes: A = P W P^T.

    Nodes are linked as their places are, those of one place by the loop of the place. The matrix
    over the nodes is not stored.

    Args:
        affinity: (u, u) weights W between the places, dense or sparse in compressed rows.
        place: (n,) place of each node.

    >>> ReplicatedGraph(sparse.csr_array([[1.0, 0.5], [0.5, 1.0]]), np.array([0, 0, 1])).degrees
    array([2.5, 2.5, 2. ])
    """

    representation = "nearest_neighbors"

    def __init__(self, affinity: Any, place: Ints) -> None:
        self._weights, self._place = affinity, place
        self.n_nodes = len(place)

    @functools.cached_property
    def degrees(self) -> NDArray[np.float64]:
        """(n,) row sums of A."""
        sums = self.matmat(np.ones((self.n_nodes, 1)))[:, 0]
        return sums.astype(np.float64, copy=False)

    def matmat(self, vectors: Floats) -> Floats:
        """``A @ vectors`` for (n, m) vectors, in the vectors' dtype."""
        count = self._weights.shape[0]
        sums = [np.bincount(self._place, weights=column, minlength=count) for column in vectors.T]
        product = self._weights @ np.stack(sums, axis=1)
        return product[self._place].astype(vectors.dtype, copy=False)

    def connected_components(self, negligible: float = 0.0) -> tuple[int, Ints]:
        """Number of connected components, and the (n,) component of each node."""
        component = by_size(self._as_places().connected_components(negligible)[1][self._place])
        return int(component.max()) + 1, component

    def strongest_link(self, rows: Ints, others: Ints) -> int | None:
        """The one of ``others`` that one of ``rows`` is linked to most strongly, or None."""
        links = self._weights[np.unique(self._place[rows])][:, self._place[others]].tocoo()
        return int(others[links.col[links.data.argmax()]]) if links.data.any() else None

    def subgraph(self, rows: Ints) -> Graph:
        """The graph of some of the nodes."""
        places, place = np.unique(self._place[rows], return_inverse=True)
        return ReplicatedGraph(self._weights[places][:, places], place)

    def _as_places(self) -> SparseGraph:
        """The graph of the places, weighted by their numbers of nodes."""
        counts = np.bincount(self._place, minlength=self._weights.shape[0])
        return SparseGraph(sparse.csr_array(self._weights * counts[:, None] * counts))


class ReplicatedGaussianGraph(GaussianNodes, ReplicatedGraph):
    """The complete Gaussian graph of many points at few places.

    Args:
        X: (n, d) points.
        gamma: inverse squared length, > 0.
    """

    representation = "dense"

    def __init__(self, X: Floats, gamma: float) -> None:
        self.points, self.gamma = np.asarray(X, dtype=np.float64), gamma
        place = places_of(self.points)
        _, first = np.unique(place, return_index=True)
        super().__init__(rbf_affinity(self.points[first], gamma), place)


def n_places(X: Any) -> int:
    """Number of different rows.

    >>> n_places(np.ones((4, 2)))
    1
    """
    return int(places_of(X).max()) + 1
