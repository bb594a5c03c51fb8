"""Which way to hold the graph of some points."""

from __future__ import annotations

from math import prod
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import LARGEST, rbf_affinity, refuse_overflow, self_tuning
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.fourier import MAX_DIMENSIONS, FourierGraph, n_modes, why_not
from eigenlab.graphs.graph import Graph
from eigenlab.graphs.neighbor_affinity import knn_affinity
from eigenlab.graphs.neighbors import nearest_neighbors
from eigenlab.graphs.sharded import ShardedFourierGraph, ShardedGraph
from eigenlab.graphs.sparse import SparseGraph
from eigenlab.graphs.tiled import TiledGraph
from eigenlab.training import distributed

AffinityKind = Literal["auto", "dense", "tiled", "fourier", "sharded"]

DENSE_NODES = 3500
"""Up to here a stored matrix is faster than anything else."""
DENSE_NODES_AT_MOST = 8000
"""Beyond, half a gigabyte is better spent otherwise."""

PAIRS_A_MODE = 200
"""Stored pairs that are multiplied in the time of one Fourier mode."""
FAR_OFF = 1e-5
"""A point linked to all others together by no more, and to itself by 1, is a part of the graph of
its own. Its vector has a singular value so near 1 that, within the tolerance of a solver, it could
be mixed with any other near 1. And one such point may make a box too large for Fourier modes."""


def gaussian_graph(X: Any, gamma: float, kind: AffinityKind = "auto", device: str = "cpu") -> Graph:
    """The complete Gaussian graph of points, held in the way that suits their number.

    ``auto``: every pair is stored for small n; in up to three dimensions fast Gauss sums take over,
    unless storing costs less than their modes; else tiles. Under ``torchrun`` the processes share
    the rows.

    Args:
        X: (n, d) points.
        gamma: inverse squared length.
        kind: how to hold it, or ``auto``.
        device: of the tiles.

    Raises:
        InputError: ``kind`` is unknown or cannot hold these points, or squares of distances, or
            ``gamma`` times them, overflow.

    >>> gaussian_graph(np.zeros((4, 2)), 1.0).kind
    'dense'
    """
    if kind not in get_args(AffinityKind):
        raise InputError(f"affinity_kind={kind!r}; choose one of {get_args(AffinityKind)}")
    _refuse_widths(X, gamma)
    n = len(X)
    if kind == "auto":
        kind = _suitable(X, gamma)
    if kind == "dense":
        return DenseGraph(rbf_affinity(np.asarray(X, dtype=np.float64), gamma), trusted=True)
    if kind == "fourier":
        return FourierGraph(X, gamma)
    if kind == "sharded":
        few = n <= DENSE_NODES or why_not(X, gamma)
        return ShardedGraph(X, gamma) if few else ShardedFourierGraph(X, gamma)
    return TiledGraph(X, gamma, device=device)


def far_off_points(X: Any, gamma: float, kind: AffinityKind) -> NDArray[np.bool_]:
    """Which of very many points leave no room for Fourier modes, (n,); none if all fit in a box.

    A point whose nearest neighbour is at a distance r is linked to all others together by at most
    n exp(-gamma r^2); the points are those for which that is no more than ``FAR_OFF``.
    """
    _refuse_widths(X, gamma)
    n, d = X.shape
    wanted = kind == "fourier" or (kind == "auto" and n > DENSE_NODES_AT_MOST)
    if not wanted or d > MAX_DIMENSIONS or not why_not(X, gamma):
        return np.zeros(n, dtype=bool)
    nearest = nearest_neighbors(X, 1).distances[:, 0]
    return n * np.exp(-gamma * nearest**2) <= FAR_OFF


def far_off_nodes(graph: Graph) -> NDArray[np.bool_]:
    """Which nodes of a Gaussian graph, whose loops are 1, are linked to nothing else, (n,)."""
    far: NDArray[np.bool_] = graph.degrees - 1 <= FAR_OFF
    return far


def _refuse_widths(X: Any, gamma: float) -> None:
    refuse_overflow(X)
    extent = float(np.square(np.ptp(X, axis=0).astype(np.float64)).sum())
    if not 1 / LARGEST <= gamma <= LARGEST / max(extent, 1):
        raise InputError(
            f"gamma={gamma:g} overflows; for points with squared distances of up to {extent:.3g} "
            f"expected {1 / LARGEST:.3g} to {LARGEST / max(extent, 1):.3g}"
        )


def _suitable(X: Any, gamma: float) -> AffinityKind:
    n = len(X)
    if distributed.current().size > 1:
        return "sharded"
    if n <= DENSE_NODES:
        return "dense"
    smooth = not why_not(X, gamma)
    if n > DENSE_NODES_AT_MOST:
        return "fourier" if smooth else "tiled"
    return "fourier" if smooth and PAIRS_A_MODE * prod(n_modes(X, gamma)) <= n * n else "dense"


def self_tuning_graph(X: Any) -> tuple[Graph, NDArray[np.float64]]:
    """The complete graph with a width for each point, and the (n,) widths.

    It is stored, so for thousands of points.
    """
    if len(X) > 2 * DENSE_NODES_AT_MOST:
        raise InputError(
            f"gamma='local' stores all pairs of {len(X)} points; "
            "with so many take affinity='nearest_neighbors', gamma='local'"
        )
    refuse_overflow(X)
    affinity, widths = self_tuning(np.asarray(X, dtype=np.float64))
    return DenseGraph(affinity, trusted=True), widths


def neighbor_graph(
    X: Any, n_neighbors: int, *, local: bool, seed: int, n_jobs: int | None
) -> tuple[SparseGraph, float]:
    """The graph of nearest neighbours, bridged where it falls apart, and the search's recall."""
    wanted = min(n_neighbors, len(X))
    if wanted < 2:
        return SparseGraph(sparse.eye_array(len(X), format="csr")), 1.0
    near = nearest_neighbors(X, wanted - 1, seed=seed, n_jobs=n_jobs)
    weights: Literal["local", "connectivity"] = "local" if local else "connectivity"
    affinity = knn_affinity(X, wanted, weights=weights, connectivity="ignore", neighbors=near)
    return SparseGraph(affinity), near.recall
