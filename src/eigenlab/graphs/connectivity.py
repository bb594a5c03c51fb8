"""Connected components of a graph, and the shortest edges that join them."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from eigenlab.graphs.graph import Floats

MAX_BRIDGED = 200
"""Most components that are joined; a graph with more of them has too few edges."""
BLOCK = 2**22
"""Pairs of nodes that are looked at together."""


class DisconnectedGraphWarning(UserWarning):
    """A graph has several connected components."""


def connected_components(affinity: sparse.sparray) -> tuple[int, NDArray[np.int64]]:
    """Number of connected components, and the component of each node.

    Args:
        affinity: (n, n) sparse symmetric matrix; entries of zero are no edges.

    Returns:
        The number, and (n,) components numbered from 0 by descending size; those of equal size by
        their first node.

    >>> connected_components(sparse.csr_array([[0, 0, 0], [0, 0, 1.0], [0, 1.0, 0]]))
    (2, array([1, 0, 0]))
    """
    matrix = sparse.csr_array(affinity)
    if not matrix.data.all():
        matrix = matrix.copy()
        matrix.eliminate_zeros()
    count, label = csgraph.connected_components(matrix, directed=False)
    return int(count), by_size(label)


def by_size(label: NDArray[np.integer]) -> NDArray[np.int64]:
    """Groups numbered anew from 0 by descending size; those of equal size by their first node.

    >>> by_size(np.array([7, 3, 3, 9]))
    array([1, 0, 0, 2])
    """
    _, first, label, sizes = np.unique(
        label, return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[np.lexsort((first, -sizes))] = np.arange(len(sizes))
    return rank[label]


def search_components(
    n: int, linked: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]
) -> NDArray[np.int64]:
    """Components of a graph whose edges are not listed but can be asked for.

    Args:
        n: number of nodes.
        linked: function of (a,) and (b,) nodes that returns, (a, b), which of them are linked.

    Returns:
        (n,) component of each node, numbered by descending size.

    >>> search_components(3, lambda a, b: (a[:, None] + b) % 2 == 0)
    array([0, 1, 0])
    """
    component = np.empty(n, dtype=np.int64)
    rest, number = np.arange(n), -1
    waiting: NDArray[np.int64] = rest[:0]
    while len(rest):
        if not len(waiting):
            number += 1
            waiting, rest = rest[:1], rest[1:]
            component[waiting] = number
        # A few rows at a time: in a dense graph the first ones reach nearly everything.
        width = max(1, min(64, BLOCK // max(1, len(rest))))
        fresh, waiting = waiting[:width], waiting[width:]
        reached = linked(fresh, rest).any(axis=0)
        waiting = np.concatenate([waiting, rest[reached]])
        component[rest[reached]] = number
        rest = rest[~reached]
    return by_size(component)


def joining_edges(
    X: Floats, affinity: sparse.sparray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The shortest edges that connect a graph: a minimum spanning tree of its components.

    The distance of two components is that of their two nearest points (Boruvka's algorithm: every
    component but the largest is joined to the nearest one, until one is left).

    Args:
        X: (n, d) points.
        affinity: (n, n) sparse affinity matrix.

    Returns:
        (m, 2) pairs of nodes and (m,) lengths.

    >>> X = np.array([[0.0], [1.0], [5.0], [6.0]])
    >>> joining_edges(X, sparse.csr_array(np.kron(np.eye(2), np.ones((2, 2)))))
    (array([[2, 1]]), array([4.]))
    """
    points = np.asarray(X, dtype=np.float64)
    joined = sparse.csr_array(affinity)
    edges: list[tuple[int, int]] = []
    while True:
        count, component = connected_components(joined)
        if count == 1:
            break
        new = [_shortest_exit(points, component == c) for c in range(1, count)]
        edges += new
        ends = np.array(new).T
        joined = joined + sparse.csr_array((np.ones(len(new)), tuple(ends)), shape=joined.shape)
    # Two components may have chosen each other.
    pairs = np.array(list({frozenset(edge): edge for edge in edges}.values()), dtype=np.int64)
    pairs = pairs.reshape(-1, 2)
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    return pairs, lengths


def _shortest_exit(points: NDArray[np.float64], inside: NDArray[np.bool_]) -> tuple[int, int]:
    from sklearn.neighbors import NearestNeighbors

    members, others = np.flatnonzero(inside), np.flatnonzero(~inside)
    near = NearestNeighbors(n_neighbors=1).fit(points[others])
    distances, found = near.kneighbors(points[members])
    nearest = int(distances[:, 0].argmin())
    return int(members[nearest]), int(others[found[nearest, 0]])


def warn_disconnected(component: NDArray[np.int64], remedy: str) -> None:
    """Warn, with a :class:`DisconnectedGraphWarning` that lists the components by size.

    Args:
        component: (n,) component of each node.
        remedy: what to do about it, the end of the message.
    """
    sizes = np.bincount(component)
    shown = ", ".join(map(str, sizes[:8])) + (", ..." if len(sizes) > 8 else "")
    warnings.warn(
        f"the graph has {len(sizes)} connected components of {shown} nodes; {remedy}",
        DisconnectedGraphWarning,
        stacklevel=3,
    )
