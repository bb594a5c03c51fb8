"""What every source of affinities offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from eigenlab.graphs.affinity import row_blocks, stored_width
from eigenlab.graphs.duplicates import places_of
from eigenlab.graphs.graph import Graph
from eigenlab.reporter import SILENT, Reporter


class AffinitySource(ABC):
    """Affinities among training points, and from new points to them.

    :meth:`graph` sets the training points; the other methods refer to those of the last call.
    """

    points: Any
    """Training points, (n, d) array or sparse matrix."""
    reporter: Reporter = SILENT
    """Asked while a graph is made whether to stop."""

    @property
    def attributes(self) -> dict[str, float]:
        """Fitted attributes of an estimator that the source determines, by name."""
        return {}

    @abstractmethod
    def graph(self, X: Any) -> Graph:
        """The graph of the training points ``X``, (n, d)."""

    @abstractmethod
    def to(self, X_new: Any) -> Any:
        """The (m, n) affinities, dense or sparse, of (m, d) new points to the training points."""

    def nearest(self, X_new: Any, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """For some ``rows`` of new points the index of the training point nearest to each."""
        from sklearn.neighbors import NearestNeighbors

        search = NearestNeighbors(n_neighbors=1).fit(self.points)
        found = np.empty(len(rows), dtype=np.int64)
        for block in row_blocks(len(rows), self.points.shape[0], stored_width(self.points)):
            self.reporter.raise_if_cancelled()
            found[block] = search.kneighbors(X_new[rows[block]], return_distance=False)[:, 0]
        return found

    def places(self) -> NDArray[np.int64]:
        """(n,) place of each training point, by number: that of equal points is the same."""
        return places_of(self.points)

    def modes_gamma(self) -> float | None:
        """The coefficient, if affinities are Gaussians that Fourier modes may sum, or None."""
        return None

    def merging_points(self) -> Any:
        """(n, d) training points whose distances say which components are near, or None."""
        return self.points

    def isolated_points(self, X: Any) -> NDArray[np.bool_]:
        """Which points to leave out before a graph is made, (n,)."""
        return np.zeros(X.shape[0], dtype=bool)

    def isolated_nodes(self, graph: Graph) -> NDArray[np.bool_]:
        """Which nodes of a graph from this source to leave out, (n,)."""
        return np.zeros(graph.n_nodes, dtype=bool)


def dense(X: Any) -> Any:
    """``X`` as an array."""
    return X.toarray() if sparse.issparse(X) else X
