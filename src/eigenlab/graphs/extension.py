"""Clusters of points that were not there: the Nystrom extension of an embedding."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin

from eigenlab.graphs.embedding import Embedding
from eigenlab.graphs.graph import Floats, Normalization
from eigenlab.graphs.normalize import row_normalize


class Extension:
    """Embeds points by their affinities to the nodes of a graph.

    An eigenvector satisfies u = O u / lambda; read at a new node x, with a row of affinities
    k(x, .) in place of a row of A, that is its value there (C. Williams and M. Seeger, 2001):

        u(x) = d(x)^-1/2 sum_j k(x, j) weights_j,   d(x) = sum_j k(x, j).

    At a node of the graph this gives back its own row of the embedding, but for vectors whose
    singular value is zero up to rounding: they cannot be extended, and new points have zeros there.

    Args:
        embedding: of the graph's nodes.
        normalization: it was computed with.
        scale: its rows were multiplied by.
    """

    def __init__(self, embedding: Embedding, normalization: Normalization, scale: float) -> None:
        self._embedding, self._normalization, self._scale = embedding, normalization, scale

    @functools.cached_property
    def weights(self) -> NDArray[np.float64]:
        """(n, k), computed when the first new point comes."""
        operator, values = self._embedding.operator, self._embedding.singular_values
        solid = np.abs(values) > vanishing(self._normalization)
        inverse = np.where(solid, 1 / np.where(solid, values, 1), 0)
        vectors = self._embedding.vectors * inverse
        if operator.column_weights is not None:
            product = operator.symmetric(vectors * inverse)
            vectors = operator.column_weights[:, None] * product
        return operator.scale[:, None] * vectors

    def embed(self, affinities: Any) -> tuple[Floats, NDArray[np.bool_]]:
        """Rows of the embedding for (m, n) affinities (dense or sparse), and which have none."""
        degrees = np.asarray(affinities.sum(axis=1), dtype=np.float64).ravel()
        alone = degrees <= 0
        rows = np.asarray(affinities @ self.weights) / np.sqrt(np.where(alone, 1, degrees))[:, None]
        return finish(rows, self._normalization, self._scale), alone


class Predictor:
    """Labels new points by the nearest mean of the fitted clusters, in the extended embedding.

    Args:
        extension: of the embedding that was clustered.
        rows: (n, k) that embedding.
        labels: (n,) cluster of each row.
    """

    def __init__(self, extension: Extension, rows: Floats, labels: NDArray[np.int64]) -> None:
        self.extension, self._rows, self._labels = extension, rows, labels
        self._names, members = np.unique(labels, return_inverse=True)
        sums = [np.bincount(members, weights=column) for column in rows.T]
        self._centers = np.stack(sums, axis=1) / np.bincount(members)[:, None]

    def labels(self, embedded: Floats) -> NDArray[np.int64]:
        """The (m,) labels of (m, k) extended rows."""
        return self._names[pairwise_distances_argmin(embedded, self._centers)]

    def node(self, indices: NDArray[np.integer]) -> tuple[NDArray[np.int64], Floats]:
        """Labels and rows of nodes of the graph."""
        return self._labels[indices], self._rows[indices]


def vanishing(normalization: Normalization) -> float:
    """The singular value that rounding cannot tell from zero."""
    rounding = 100 * float(np.finfo(np.float64).eps)
    # S has the roots of the eigenvalues of S S^T, and so of their rounding.
    return rounding**0.5 if normalization == "stochastic" else rounding


def finish(vectors: Floats, normalization: Normalization, scale: float) -> Floats:
    """Vectors as clusters are sought in them: rows of unit length, or columns of unit variance."""
    return row_normalize(vectors) if normalization == "rows" else vectors * scale
