"""Clusters of new points, by the Nystrom extension of an embedding."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.metrics.pairwise import euclidean_distances

from eigenlab.graphs.affinity import row_blocks, stored_width
from eigenlab.graphs.affinity_source import AffinitySource, dense
from eigenlab.graphs.embedding import Embedding
from eigenlab.graphs.fourier_sums import ENTRY_ERROR, FourierSums
from eigenlab.graphs.graph import Floats, Normalization
from eigenlab.spectrum import row_normalize

MODES_FROM = 2**30
"""Pairs of new points and nodes from which their affinities are summed by Fourier modes."""
MAX_SUMS = 64
"""Most components whose affinities are summed by modes, each at the cost of one vector."""


class Extension:
    """Embeds points by their affinities to the nodes of a graph.

    An eigenvector satisfies u = O u / lambda; read at a new node x, with a row of affinities
    k(x, .) in place of a row of A, that is its value there (C. Williams and M. Seeger, 2001):

        u(x) = d(x)^-1/2 sum_j k(x, j) weights_j,   d(x) = sum_j k(x, j).

    At a node of the graph this gives back its own row of the embedding, but for vectors whose
    singular value is zero up to rounding: they cannot be extended, and new points have zeros there.

    Args:
        embedding: vectors over the graph's nodes.
        normalization: the one they were computed with.
        scale: factor of the vectors in the embedding that is clustered.
    """

    def __init__(self, embedding: Embedding, normalization: Normalization, scale: float) -> None:
        self._embedding, self._normalization, self._scale = embedding, normalization, scale

    @functools.cached_property
    def weights(self) -> NDArray[np.float64]:
        """(n, k) weights of the nodes, computed at the first use."""
        operator, values = self._embedding.operator, self._embedding.singular_values
        resolved = np.abs(values) > negligible_value(self._normalization)
        inverse = np.where(resolved, 1 / np.where(resolved, values, 1), 0)
        vectors = self._embedding.vectors * inverse
        if operator.column_weights is not None:
            product = operator.symmetric(vectors * inverse)
            vectors = operator.column_weights[:, None] * product
        return operator.scale[:, None] * vectors

    def embed(self, affinities: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Rows of the embedding of new points.

        Args:
            affinities: (m, n) of new points to the nodes, dense or sparse.

        Returns:
            (m, k) rows, and (m,) which points have no affinity to any node, whose rows are zero.
        """
        degrees = np.asarray(affinities.sum(axis=1), dtype=np.float64).ravel()
        return self.rows(degrees, np.asarray(affinities @ self.weights))

    def rows(self, degrees: NDArray[np.float64], sums: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """:meth:`embed`, given (m,) sums of the affinities and (m, k) sums with the weights."""
        isolated = degrees <= 0
        rows = sums / np.sqrt(np.where(isolated, 1, degrees))[:, None]
        return scale_rows(rows, self._normalization, self._scale), isolated


class Predictor:
    """Labels new points by the nearest mean of the fitted clusters, in the extended embedding.

    A point belongs to the connected component of the graph that it has most affinity to, and only
    clusters of that component are compared. A point without any affinity takes label and row of the
    nearest training point.

    Args:
        source: source of the affinities of new points to the nodes.
        extension: extension of the embedding that was clustered.
        rows: (n, k) embedding that was clustered.
        labels: (n,) cluster of each row.
        component: (n,) connected component of each node, numbered from 0.
    """

    def __init__(
        self,
        source: AffinitySource,
        extension: Extension,
        rows: Floats,
        labels: NDArray[np.int64],
        component: NDArray[np.int64],
    ) -> None:
        self.source, self.extension, self._rows, self._labels = source, extension, rows, labels
        self._names, members = np.unique(labels, return_inverse=True)
        sums = [np.bincount(members, weights=column) for column in rows.T]
        self._centers = np.stack(sums, axis=1) / np.bincount(members)[:, None]
        count = int(component.max()) + 1
        self._clusters = np.zeros((count, len(self._names)), dtype=bool)
        self._clusters[component, members] = True
        self._members = sparse.csr_array(
            (np.ones(len(component)), (np.arange(len(component)), component))
        )

    def predict(self, X: Any) -> tuple[NDArray[np.int64], Floats]:
        """Labels (m,) and rows of the embedding (m, k) of new points."""
        n_new = X.shape[0]
        labels = np.empty(n_new, dtype=np.int64)
        embedded = np.empty((n_new, self._rows.shape[1]))
        isolated = np.empty(n_new, dtype=bool)
        left = self._by_modes(X, labels, embedded, isolated)
        for block in row_blocks(len(left), len(self._labels), stored_width(X)):
            self.source.reporter.raise_if_cancelled()
            part = left[block]
            affinities = self.source.to(X[part])
            embedded[part], isolated[part] = self.extension.embed(affinities)
            parts = dense(affinities @ self._members)
            labels[part] = self._names[self._nearest(embedded[part], parts)]
        if isolated.any():
            nodes = self.source.nearest(X, np.flatnonzero(isolated))
            labels[isolated], embedded[isolated] = self._labels[nodes], self._rows[nodes]
        return labels, embedded

    def _by_modes(
        self,
        X: Any,
        labels: NDArray[np.int64],
        embedded: Floats,
        isolated: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Fill in what Fourier modes resolve of very many pairs; returns the rows that are left.

        These are points so far from all nodes that the error of their affinities is more than
        1e-6 of the sum of them.
        """
        n_new, n = X.shape[0], len(self._labels)
        if not self._has_modes or n_new * n <= MODES_FROM:
            return np.arange(n_new)
        points = dense(X)
        rows = np.flatnonzero(self._sums.within(points))
        sums = self._sums(points[rows])
        resolved = sums[:, 0] >= 1e6 * ENTRY_ERROR * n
        rows, sums = rows[resolved], sums[resolved]
        k = self._rows.shape[1]
        embedded[rows], isolated[rows] = self.extension.rows(sums[:, 0], sums[:, 1 : k + 1])
        labels[rows] = self._names[self._nearest(embedded[rows], sums[:, k + 1 :])]
        return np.setdiff1d(np.arange(n_new), rows)

    @functools.cached_property
    def _has_modes(self) -> bool:
        gamma = self.source.modes_gamma() if len(self._clusters) <= MAX_SUMS else None
        return gamma is not None and FourierSums.is_suitable(self.source.points, gamma)

    @functools.cached_property
    def _sums(self) -> FourierSums:
        columns = [np.ones((len(self._labels), 1)), self.extension.weights]
        if len(self._clusters) > 1:
            columns.append(self._members.toarray())
        gamma = self.source.modes_gamma()
        assert gamma is not None
        return FourierSums(self.source.points, gamma, np.hstack(columns))

    def _nearest(self, embedded: Floats, parts: NDArray[np.float64]) -> NDArray[np.intp]:
        """The nearest cluster of each row's component, to which it has most of ``parts``."""
        if len(self._clusters) == 1:
            # Not by scikit-learn, which sets the threads of the whole process.
            squares = (self._centers**2).sum(axis=1) / 2
            nearest: NDArray[np.intp] = (squares - embedded @ self._centers.T).argmin(axis=1)
            return nearest
        component = parts.argmax(axis=1)
        distances = euclidean_distances(embedded, self._centers, squared=True)
        distances[~self._clusters[component]] = np.inf
        return distances.argmin(axis=1)


def negligible_value(normalization: Normalization) -> float:
    """The singular value below which rounding hides whether it is zero."""
    rounding = 100 * float(np.finfo(np.float64).eps)
    # Singular values of S are roots of the eigenvalues of S S^T, and so are their rounding errors.
    return rounding**0.5 if normalization == "stochastic" else rounding


def scale_rows(vectors: Floats, normalization: Normalization, scale: float) -> Floats:
    """Vectors as they are clustered: rows of unit length, or columns of unit mean square.

    Args:
        vectors: (n, k) singular vectors.
        normalization: ``"rows"`` scales rows; the others multiply by ``scale``.
        scale: square root of the number of nodes.
    """
    return row_normalize(vectors) if normalization == "rows" else vectors * scale
