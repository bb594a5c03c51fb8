"""Gaussian affinities with a width for each point, ``affinity="rbf", gamma="local"``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import check_overflow, local_affinities_to, local_affinity
from eigenlab.graphs.affinity_source import AffinitySource, dense
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.gaussian_graph import MAX_DENSE_NODES
from eigenlab.graphs.graph import Graph


class SelfTuningAffinities(AffinitySource):
    """exp(-||x - y||^2 / (s_x s_y)), s the distance to the seventh neighbour or more.

    Args:
        gamma: 1 / (least s)^2; 0 for none. Default: ``0.0``.
    """

    widths: NDArray[np.float64]
    """(n,) s of the training points."""

    def __init__(self, gamma: float = 0.0) -> None:
        self.gamma = gamma

    @property
    def attributes(self) -> dict[str, float]:
        """The gamma used, if there is a least width."""
        return {"gamma_": self.gamma} if self.gamma else {}

    def graph(self, X: Any) -> Graph:
        """The complete graph of the training points ``X``, (n, d); it is stored."""
        self.points, array = X, dense(X)
        if len(array) > 2 * MAX_DENSE_NODES:
            raise InputError(
                f"gamma='local' stores all pairs of {len(array)} points; "
                "with so many take affinity='nearest_neighbors', gamma='local'"
            )
        check_overflow(array)
        affinity, self.widths = local_affinity(
            np.asarray(array, dtype=np.float64), self.gamma, reporter=self.reporter
        )
        return DenseGraph(affinity, trusted=True)

    def to(self, X_new: Any) -> NDArray[np.float64]:
        """The (m, n) affinities of (m, d) new points to the training points."""
        return local_affinities_to(dense(self.points), self.widths, dense(X_new), self.gamma)
