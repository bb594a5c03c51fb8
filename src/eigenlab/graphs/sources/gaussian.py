"""Gaussian affinities of all pairs of points, ``affinity="rbf"``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.graphs import isolated
from eigenlab.graphs.affinity_source import AffinitySource, dense
from eigenlab.graphs.gaussian_graph import Representation, gaussian_graph
from eigenlab.graphs.graph import Graph


class GaussianAffinities(AffinitySource):
    """exp(-gamma ||x - y||^2), between all pairs.

    Args:
        gamma: inverse squared length, > 0.
        representation: representation of the graph, see
            :func:`~eigenlab.graphs.gaussian_graph.gaussian_graph`. Default: ``"auto"``.
        device: where tiles are computed, ``"cpu"`` or ``"cuda"``. Default: ``"cpu"``.
    """

    def __init__(
        self, gamma: float, representation: Representation = "auto", device: str = "cpu"
    ) -> None:
        self.gamma, self.representation, self.device = gamma, representation, device

    @property
    def attributes(self) -> dict[str, float]:
        """The gamma used."""
        return {"gamma_": self.gamma}

    def graph(self, X: Any) -> Graph:
        """The complete graph of the training points ``X``, (n, d)."""
        self.points = X
        return gaussian_graph(X, self.gamma, self.representation, self.device, self.reporter)

    def to(self, X_new: Any) -> Any:
        """The (m, n) affinities of (m, d) new points to the training points."""
        from sklearn.metrics.pairwise import rbf_kernel

        # Expanded squares lose digits far from the origin.
        centre = self.points.mean(axis=0, dtype=np.float64)
        return rbf_kernel(dense(X_new) - centre, self.points - centre, gamma=self.gamma)

    def modes_gamma(self) -> float | None:
        """The coefficient, where modes may be used."""
        return self.gamma if self.representation in {"auto", "fourier", "sharded"} else None

    def isolated_points(self, X: Any) -> NDArray[np.bool_]:
        """Which points keep the others from fitting Fourier modes, (n,)."""
        return isolated.points_beyond_modes(X, self.gamma, self.representation)

    def isolated_nodes(self, graph: Graph) -> NDArray[np.bool_]:
        """Which nodes are linked to nothing but themselves, (n,)."""
        return isolated.isolated_nodes(graph)
