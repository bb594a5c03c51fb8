"""What the points of a complete Gaussian graph say about its components."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eigenlab.graphs.connectivity import by_size, search_components
from eigenlab.graphs.graph import Graph
from eigenlab.reporter import SILENT, Reporter

CELLS_PER_LINK = 16
"""Points in cells of this fraction of the longest link count as one when components are sought."""


class GaussianNodes(Graph):
    """Components and parts of A_ij = exp(-gamma ||x_i - x_j||^2), in every representation alike.

    A subclass is made by ``type(self)(points, gamma)``.
    """

    points: NDArray[np.float64]
    """(n, d) points."""
    gamma: float
    """Inverse squared length."""

    def connected_components(self, negligible: float = 0.0) -> tuple[int, NDArray[np.int64]]:
        """Number of components and the (n,) component of each node, where A_ij > ``negligible``.

        Degrees are at least 1, so no edge that would count relative to them is left out.
        """
        if negligible <= 0:  # no Gaussian is zero
            return 1, np.zeros(self.n_nodes, dtype=np.int64)
        radius = np.sqrt(-np.log(negligible) / self.gamma)
        component = near_components(self.points, radius, self.reporter)
        return int(component.max()) + 1, component

    def strongest_link(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> int | None:
        """The one of ``others`` that is nearest to one of ``rows``."""
        from sklearn.neighbors import NearestNeighbors

        search = NearestNeighbors(n_neighbors=1).fit(self.points[others])
        distances, found = search.kneighbors(self.points[rows])
        return int(others[found[distances[:, 0].argmin(), 0]])

    def subgraph(self, rows: NDArray[np.int64]) -> Graph:
        """The graph of some of the points."""
        return type(self)(self.points[rows], self.gamma)  # type: ignore[call-arg]


def near_components(
    points: NDArray[np.float64], radius: float, reporter: Reporter = SILENT
) -> NDArray[np.int64]:
    """Components of the graph of points that are within ``radius`` of each other.

    In up to three dimensions points that share a small cell are replaced by its centre, which
    changes the radius by less than an eighth, so that a million points are a few thousand.

    Args:
        points: (n, d) points.
        radius: largest distance of linked points.
        reporter: may stop the search. Default: ``SILENT``.

    Returns:
        (n,) component of each point, numbered by descending size.

    >>> near_components(np.array([[0.0], [5.0], [5.5]]), 1.0)
    array([1, 0, 0])
    """
    from scipy.spatial.distance import cdist

    n, d = points.shape
    low = points.min(axis=0)
    places, member = points, np.arange(n)
    cell = radius / CELLS_PER_LINK / d**0.5
    counts = np.ptp(points, axis=0) / cell + 1
    if d <= 3 and np.prod(counts) < 2**62:
        steps = np.floor((points - low) / cell).astype(np.int64)
        key = np.ravel_multi_index(tuple(steps.T), tuple((counts + 1).astype(np.int64)))
        _, first, member = np.unique(key, return_index=True, return_inverse=True)
        places = (steps[first] + 0.5) * cell

    def linked(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
        reporter.raise_if_cancelled()
        near: NDArray[np.bool_] = cdist(places[a], places[b], "sqeuclidean") <= radius**2
        return near

    return by_size(search_components(len(places), linked)[member])
