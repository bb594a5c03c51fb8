"""Connected components of a graph, and the shortest edges that join them."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from eigenlab.graphs.graph import Floats

MAX_BRIDGED = 200
"""Most components that are joined; a graph with more of them has too few edges."""


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
    matrix.eliminate_zeros()
    count, label = csgraph.connected_components(matrix, directed=False)
    rank = np.empty(count, dtype=np.int64)
    rank[np.argsort(-np.bincount(label, minlength=count), kind="stable")] = np.arange(count)
    return int(count), rank[label]


def is_connected(affinity: Floats) -> bool:
    """Whether a graph with a dense affinity matrix is connected.

    Args:
        affinity: (n, n) symmetric weights.

    >>> is_connected(np.eye(2)), is_connected(np.ones((2, 2)))
    (False, True)
    """
    reached = affinity[0] > 0
    reached[0] = True
    followed = np.zeros(len(affinity), dtype=bool)
    while not reached.all():
        # A few rows at a time: in a dense graph the first ones reach nearly everything.
        fresh = np.flatnonzero(reached & ~followed)[:64]
        if not len(fresh):
            return False
        followed[fresh] = True
        reached |= (affinity[fresh] > 0).any(axis=0)
    return True


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
