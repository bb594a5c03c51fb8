"""Affinities between near neighbours only, ``affinity="nearest_neighbors"``."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import sparse

from eigenlab.graphs.affinity_source import AffinitySource, dense
from eigenlab.graphs.duplicates import ReplicatedGraph, places_of
from eigenlab.graphs.graph import Graph
from eigenlab.graphs.neighbor_affinity import affinities_to, knn_affinity, place_affinity
from eigenlab.graphs.neighbors import nearest_neighbors
from eigenlab.graphs.sparse import SparseGraph


class NeighborAffinities(AffinitySource):
    """Edges between points of which one is among the nearest neighbours of the other.

    Equal points are one place and have the same edges: all of them are neighbours of each other,
    and a place is linked to the nearest others until those and itself hold ``n_neighbors`` points.

    Args:
        n_neighbors: neighbours of each point, itself counted.
        local: weigh edges by a Gaussian whose width is the distance to the last neighbour; else
            by 1. Default: ``False``.
        seed: random seed of an approximate search. Default: ``0``.
        n_jobs: threads of the search; None is one, -1 all. Default: ``None``.
    """

    recall: float
    """Share of true neighbours that the search found."""

    def __init__(
        self, n_neighbors: int, *, local: bool = False, seed: int = 0, n_jobs: int | None = None
    ) -> None:
        self.n_neighbors, self.local, self.seed, self.n_jobs = n_neighbors, local, seed, n_jobs

    @property
    def attributes(self) -> dict[str, float]:
        """The recall of the search."""
        return {"recall_": self.recall}

    def graph(self, X: Any) -> Graph:
        """The graph of nearest neighbours among the training points ``X``, (n, d)."""
        self.points, array = X, dense(X)
        wanted = min(self.n_neighbors, len(array))
        if wanted < 2:
            self.recall = 1.0
            return SparseGraph(sparse.eye_array(len(array), format="csr"))
        place = places_of(array)
        _, first, counts = np.unique(place, return_index=True, return_counts=True)
        repeated = len(first) < len(array)
        if repeated:
            array = array[first]
            wanted = min(wanted, len(array))
            if wanted < 2:
                self.recall = 1.0
                return ReplicatedGraph(sparse.eye_array(1, format="csr"), place)
        near = nearest_neighbors(
            array, wanted - 1, seed=self.seed, n_jobs=self.n_jobs, reporter=self.reporter
        )
        self.recall = near.recall
        weights: Literal["local", "connectivity"] = "local" if self.local else "connectivity"
        if repeated:
            used = counts[:, None] + np.cumsum(counts[near.indices], axis=1) - counts[near.indices]
            affinity = place_affinity(near, used < self.n_neighbors, weights)
            return ReplicatedGraph(affinity, place)
        return SparseGraph(
            knn_affinity(array, wanted, weights=weights, connectivity="ignore", neighbors=near)
        )

    def to(self, X_new: Any) -> sparse.csr_array:
        """The (m, n) affinities of (m, d) new points to their nearest training points."""
        return affinities_to(self.points, X_new, self.n_neighbors, local=self.local)
