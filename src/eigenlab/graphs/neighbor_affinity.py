"""Sparse symmetric affinities from nearest neighbours, optionally of a connected graph."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from eigenlab.errors import InputError
from eigenlab.graphs.connectivity import (
    MAX_BRIDGED,
    connected_components,
    joining_edges,
    warn_disconnected,
)
from eigenlab.graphs.graph import Floats
from eigenlab.graphs.neighbors import Neighbors, nearest_neighbors

Weights = Literal["connectivity", "gaussian", "local"]
Connectivity = Literal["warn", "bridge", "ignore"]


def knn_affinity(
    X: Floats,
    n_neighbors: int = 10,
    *,
    weights: Weights = "connectivity",
    gamma: float = 1.0,
    include_self: bool = True,
    connectivity: Connectivity = "warn",
    neighbors: Neighbors | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
) -> sparse.csr_array:
    """The affinity 0.5 (W + W^T), where W_ij is the weight of j among the neighbours of i.

    Weights, with r the distance of i and j:

    - ``connectivity``: 1. With ``include_self`` this is scikit-learn's graph of
      ``SpectralClustering(affinity="nearest_neighbors")``.
    - ``gaussian``: exp(-gamma r^2).
    - ``local``: exp(-r^2 / (s_i s_j)), s_i the distance of i to the last of its neighbours (L.
      Zelnik-Manor and P. Perona, Self-tuning spectral clustering, NeurIPS 2004). Where that is zero
      (more points coincide with i than it has neighbours) the smallest positive s takes its place.

    Of points at the same distance, as on a grid or where points are equal, only as many are linked
    as neighbours are asked for, as in scikit-learn: which ones may depend on the order of the rows,
    and equal points may have different edges. ``SpectralClustering(affinity="nearest_neighbors")``
    counts equal points as one place with a weight.

    Args:
        X: (n, d) finite points.
        n_neighbors: number of neighbours of each point, itself counted if ``include_self``.
            Default: ``10``.
        weights: ``"connectivity"``, ``"gaussian"`` or ``"local"``, as above. Default:
            ``"connectivity"``.
        gamma: inverse squared length of ``"gaussian"``, > 0; ignored otherwise. Default: ``1.0``.
        include_self: whether each point is its own first neighbour, with a loop of weight one.
            Default: ``True``.
        connectivity: what to do with several connected components: ``"warn"`` lists them in a
            :class:`~eigenlab.graphs.connectivity.DisconnectedGraphWarning`, ``"bridge"`` joins them
            by the shortest edges possible (each with its weight, or the smallest weight of the
            graph if that is larger) and warns only if there are more than 200 components,
            ``"ignore"`` leaves them. Default: ``"warn"``.
        neighbors: neighbours of each point, if they are known; None searches for them. Default:
            ``None``.
        seed: random seed of an approximate search. Default: ``0``.
        n_jobs: threads of the search; None is one, -1 all. Default: ``None``.

    Returns:
        (n, n) float64 sparse array, symmetric, indices sorted.

    Raises:
        InputError: an argument is out of range or ``neighbors`` belongs to other points.

    Warns:
        DisconnectedGraphWarning: the graph has several components and they were not joined.

    >>> knn_affinity(np.array([[0.0], [1.0], [3.0]]), 2).toarray()
    array([[1. , 1. , 0. ],
           [1. , 1. , 0.5],
           [0. , 0.5, 1. ]])
    """
    if weights not in get_args(Weights):
        raise InputError(f"weights must be one of {get_args(Weights)}, not {weights!r}")
    if connectivity not in {"warn", "bridge", "ignore"}:
        raise InputError(f"connectivity must be 'warn', 'bridge' or 'ignore', not {connectivity!r}")
    if not (gamma > 0 and np.isfinite(gamma)):
        raise InputError(f"gamma must be positive and finite, not {gamma!r}")
    others = n_neighbors - include_self
    if others < 1:
        raise InputError(
            f"n_neighbors must be at least {1 + include_self} with include_self={include_self}, "
            f"not {n_neighbors!r}"
        )
    if neighbors is None:
        neighbors = nearest_neighbors(X, others, seed=seed, n_jobs=n_jobs)
    elif neighbors.indices.shape[0] != len(X) or neighbors.indices.shape[1] < min(
        others, len(X) - 1
    ):
        raise InputError(
            f"neighbors must hold {others} neighbours of {len(X)} points, "
            f"not {neighbors.indices.shape}"
        )
    indices, distances = neighbors.indices[:, :others], neighbors.distances[:, :others]
    widths = _widths(distances, weights, gamma)
    affinity = _symmetric(indices, _weight(distances, widths[:, None], widths[indices]))
    if connectivity != "ignore":
        affinity = _connected(X, affinity, widths, connectivity)
    if include_self:
        affinity = sparse.csr_array(affinity + sparse.eye_array(len(X)))
    affinity.sort_indices()
    return affinity


def place_affinity(
    neighbors: Neighbors, used: NDArray[np.bool_], weights: Literal["connectivity", "local"]
) -> sparse.csr_array:
    """:func:`knn_affinity`, with loops, of places that have different numbers of neighbours.

    Args:
        neighbors: (n, k) nearest other places of each place.
        used: (n, k) which of them are neighbours: the first ones of each row.
        weights: see :func:`knn_affinity`; the width of a place is the distance to the last used.
    """
    farthest = np.where(used, neighbors.distances, 0).max(axis=1, keepdims=True)
    widths = _widths(farthest, weights, 1.0)
    values = _weight(neighbors.distances, widths[:, None], widths[neighbors.indices])
    affinity = _symmetric(neighbors.indices, np.where(used, values, 0))
    affinity = sparse.csr_array(affinity + sparse.eye_array(len(used)))
    affinity.eliminate_zeros()
    affinity.sort_indices()
    return affinity


def _widths(distances: NDArray[np.float64], weights: Weights, gamma: float) -> NDArray[np.float64]:
    """(n,) s_i such that all weights are exp(-r^2 / (s_i s_j)); infinite for weights of 1."""
    n = len(distances)
    if weights == "connectivity":
        return np.full(n, np.inf)
    if weights == "gaussian":
        return np.full(n, gamma**-0.5)
    farthest = distances[:, -1] if distances.shape[1] else np.zeros(n)
    positive = farthest[farthest > 0]
    return np.where(farthest > 0, farthest, positive.min() if len(positive) else 1.0)


def _weight(
    r: NDArray[np.float64], s_i: NDArray[np.float64], s_j: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.exp(-(r / s_i) * (r / s_j))


def _symmetric(indices: NDArray[np.int64], values: NDArray[np.float64]) -> sparse.csr_array:
    n, k = indices.shape
    starts = k * np.arange(n + 1)
    one_way = sparse.csr_array((values.ravel() / 2, indices.ravel(), starts), shape=(n, n))
    return sparse.csr_array(one_way + one_way.T)


def _connected(
    X: Floats, affinity: sparse.csr_array, widths: NDArray[np.float64], connectivity: Connectivity
) -> sparse.csr_array:
    count, component = connected_components(affinity)
    if count == 1:
        return affinity
    if connectivity == "warn" or count > MAX_BRIDGED:
        warn_disconnected(
            component,
            "each gets its own leading vector. Raise n_neighbors"
            + (" or take connectivity='bridge'" if count <= MAX_BRIDGED else ""),
        )
        return affinity
    pairs, lengths = joining_edges(X, affinity)
    i, j = pairs.T
    floor = affinity.data[affinity.data > 0].min(initial=1.0)
    values = np.maximum(_weight(lengths, widths[i], widths[j]), floor)
    added = sparse.csr_array((values, (i, j)), shape=affinity.shape)
    return sparse.csr_array(affinity + added + added.T)


def affinities_to(
    nodes: Floats, X: Floats, n_neighbors: int, *, local: bool = False
) -> sparse.csr_array:
    """Affinities of new points to their nearest nodes.

    Args:
        nodes: (n, d) points of the graph.
        X: (m, d) new points.
        n_neighbors: number of edges of each new point; at most n are used.
        local: weigh an edge of length r by exp(-r^2 / s^2), s the length of the point's longest
            edge; else by 1. Default: ``False``.

    Returns:
        (m, n) sparse array.
    """
    from sklearn.neighbors import NearestNeighbors

    m, n = X.shape[0], nodes.shape[0]
    search = NearestNeighbors(n_neighbors=min(n_neighbors, n)).fit(nodes)
    distances, found = search.kneighbors(X)
    weights = np.ones_like(distances)
    if local:
        widths = np.maximum(distances[:, -1:], np.finfo(float).tiny)
        weights = np.exp(-((distances / widths) ** 2))
    starts = np.arange(0, found.size + 1, found.shape[1])
    return sparse.csr_array((weights.ravel(), found.ravel(), starts), shape=(m, n))
