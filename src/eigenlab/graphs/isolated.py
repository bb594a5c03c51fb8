"""Isolated points: linked to themselves and, within rounding, to nothing else.

In a Gaussian graph an outlier far from all other points is nearly a connected component of its own.
Its vector has a singular value so near 1 that a solver cannot tell it from those of the clusters,
and one such point may make the box too large for Fourier modes. So isolated points are left out of
the graph, and then labelled as new points are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenlab.graphs.affinity_source import AffinitySource
from eigenlab.graphs.fourier import MAX_DIMENSIONS, is_suitable
from eigenlab.graphs.gaussian_graph import MAX_DENSE_NODES, Representation, check_gamma_range
from eigenlab.graphs.graph import Graph
from eigenlab.graphs.neighbors import nearest_neighbors
from eigenlab.reporter import SILENT, Reporter

ISOLATED_AFFINITY = 1e-5
"""A point linked to all others together by no more, and to itself by 1, counts as isolated."""


class ConnectedPart(NamedTuple):
    """A graph of all points and the one without isolated points."""

    whole: Graph
    """Graph of all points, except those without which Fourier modes would not fit."""
    graph: Graph
    """Graph of the points that are not isolated; often the same."""
    isolated: NDArray[np.bool_]
    """(n,) points that ``graph`` lacks."""


def leave_out_isolated(
    source: AffinitySource, X: Any, min_kept: int, reporter: Reporter = SILENT
) -> ConnectedPart:
    """The graph of the points that are not isolated.

    Args:
        source: source of the affinities; afterwards its training points are those of the graph.
        X: (n, d) points, or the (n, n) data of a precomputed graph.
        min_kept: least number of points of the graph; all n are kept where fewer would be left.
        reporter: may stop long products of the graphs. Default: ``SILENT``.

    Returns:
        Both graphs, and which points are isolated.
    """
    n = X.shape[0]
    source.reporter = reporter

    def graph_of(points: Any) -> Graph:
        graph = source.graph(points)
        graph.reporter = reporter
        return graph

    if min_kept >= n:
        whole = graph_of(X)
        return ConnectedPart(whole, whole, np.zeros(n, dtype=bool))
    remote = _unless_too_many(source.isolated_points(X), min_kept)
    whole = graph_of(X[~remote] if remote.any() else X)
    isolated = remote.copy()
    isolated[np.flatnonzero(~remote)[source.isolated_nodes(whole)]] = True
    if isolated.sum() == remote.sum() or not _unless_too_many(isolated, min_kept).any():
        return ConnectedPart(whole, whole, remote)
    return ConnectedPart(whole, graph_of(X[~isolated]), isolated)


def _unless_too_many(isolated: NDArray[np.bool_], min_kept: int) -> NDArray[np.bool_]:
    return isolated if (~isolated).sum() >= min_kept else np.zeros_like(isolated)


def points_beyond_modes(X: Any, gamma: float, representation: Representation) -> NDArray[np.bool_]:
    """Which of very many points are isolated and keep the others from fitting Fourier modes, (n,).

    A point whose nearest neighbour is at a distance r is linked to all others together by at most
    n exp(-gamma r^2). None if all points fit anyway, or if modes are not wanted.

    Args:
        X: (n, d) points.
        gamma: inverse squared length, > 0.
        representation: see :func:`~eigenlab.graphs.gaussian_graph.gaussian_graph`.
    """
    check_gamma_range(X, gamma)
    n, d = X.shape
    wanted = representation == "fourier" or (representation == "auto" and n > MAX_DENSE_NODES)
    if not wanted or d > MAX_DIMENSIONS or is_suitable(X, gamma):
        return np.zeros(n, dtype=bool)
    nearest = nearest_neighbors(X, 1).distances[:, 0]
    return n * np.exp(-gamma * nearest**2) <= ISOLATED_AFFINITY


def isolated_nodes(graph: Graph) -> NDArray[np.bool_]:
    """Which nodes of a Gaussian graph, whose loops are 1, are linked to nothing else, (n,).

    >>> from eigenlab.graphs.gaussian_graph import gaussian_graph
    >>> isolated_nodes(gaussian_graph(np.array([[0.0], [0.1], [9.0]]), 1.0))
    array([False, False,  True])
    """
    isolated: NDArray[np.bool_] = graph.degrees - 1 <= ISOLATED_AFFINITY
    return isolated


def insert_rows(
    isolated: NDArray[np.bool_], kept_rows: NDArray[Any], isolated_rows: NDArray[Any]
) -> NDArray[Any]:
    """Rows of all points, from those of the graph and those of the isolated points.

    >>> insert_rows(np.array([False, True, False]), np.array([1, 3]), np.array([2]))
    array([1, 2, 3])
    """
    rows = np.empty((len(isolated), *kept_rows.shape[1:]), dtype=kept_rows.dtype)
    rows[~isolated], rows[isolated] = kept_rows, isolated_rows
    return rows
