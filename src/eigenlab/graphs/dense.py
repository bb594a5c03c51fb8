"""A graph whose affinity matrix is stored."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import rbf_affinity
from eigenlab.graphs.connectivity import search_components
from eigenlab.graphs.gaussian_nodes import GaussianNodes
from eigenlab.graphs.graph import Floats, Graph, asymmetry_message, rounding_tolerance


class DenseGraph(Graph):
    """A dense affinity matrix as a :class:`~eigenlab.graphs.graph.Graph`.

    Args:
        affinity: (n, n) array, symmetric, non-negative and finite.
        representation: name of the representation, ``"dense"`` or ``"precomputed"``. Default:
            ``"dense"``.
        trusted: skip the checks, for matrices known to be valid. Default: ``False``.

    Raises:
        InputError: the matrix is not square, finite, non-negative and symmetric.

    >>> DenseGraph(np.array([[0.0, 2.0], [2.0, 1.0]])).degrees
    array([2., 3.])
    """

    stored = True

    def __init__(
        self, affinity: Floats, representation: str = "dense", *, trusted: bool = False
    ) -> None:
        checked = affinity if trusted else check_affinity(affinity)
        self.affinity: NDArray[np.float64] = checked.astype(np.float64, copy=False)
        self.representation = representation
        self.n_nodes = len(self.affinity)
        self._tensor = torch.from_numpy(self.affinity)

    @functools.cached_property
    def degrees(self) -> NDArray[np.float64]:
        """(n,) row sums of A."""
        sums: NDArray[np.float64] = self._tensor.sum(1).numpy()
        return sums

    def matmat(self, vectors: Floats) -> Floats:
        """``A @ vectors`` for (n, m) vectors."""
        # torch reads A once for all columns and shares the rows among threads; numpy's product of
        # so few columns does neither.
        columns = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float64))
        return (self._tensor @ columns).numpy().astype(vectors.dtype, copy=False)

    def connected_components(self, negligible: float = 0.0) -> tuple[int, NDArray[np.int64]]:
        """Number of connected components, and the (n,) component of each node."""
        roots = np.sqrt(self.degrees)

        def linked(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.bool_]:
            block = self.affinity[a] if len(b) == self.n_nodes else self.affinity[np.ix_(a, b)]
            found: NDArray[np.bool_] = block > np.multiply.outer(negligible * roots[a], roots[b])
            return found

        component = search_components(self.n_nodes, linked)
        return int(component.max()) + 1, component

    def strongest_link(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> int | None:
        """The one of ``others`` that one of ``rows`` is linked to most strongly, or None."""
        largest = self.affinity[np.ix_(rows, others)].max(axis=0)
        return int(others[largest.argmax()]) if largest.any() else None

    def subgraph(self, rows: NDArray[np.int64]) -> Graph:
        """The graph of some of the nodes."""
        return DenseGraph(self.affinity[np.ix_(rows, rows)], self.representation, trusted=True)


class DenseGaussianGraph(GaussianNodes, DenseGraph):
    """The complete Gaussian graph A_ij = exp(-gamma ||x_i - x_j||^2) of points, stored.

    Args:
        X: (n, d) points.
        gamma: inverse squared length, > 0.
    """

    def __init__(self, X: Floats, gamma: float) -> None:
        self.points, self.gamma = np.asarray(X, dtype=np.float64), gamma
        super().__init__(rbf_affinity(self.points, gamma), trusted=True)


def check_affinity(affinity: Floats) -> Floats:
    """``affinity`` as floats, exactly symmetric; refuses what is no affinity matrix."""
    matrix = np.asarray(affinity)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise InputError(f"affinity has shape {matrix.shape}; expected a square matrix (n, n)")
    if matrix.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
        matrix = matrix.astype(np.float64)
    if not np.isfinite(matrix).all():
        row, column = np.argwhere(~np.isfinite(matrix))[0]
        raise InputError(f"affinity is {matrix[row, column]} at ({row}, {column}); must be finite")
    rounding, least = rounding_tolerance(matrix.dtype, matrix.max()), float(matrix.min())
    if least < -rounding:
        row, column = np.unravel_index(matrix.argmin(), matrix.shape)
        raise InputError(
            f"affinity is {least:g} at ({row}, {column}); weights of edges must not be negative: "
            "pass similarities, not distances or correlations"
        )
    gaps = np.abs(matrix - matrix.T)
    if gaps.max() > rounding:
        row, column = np.unravel_index(gaps.argmax(), gaps.shape)
        forth, back = float(matrix[row, column]), float(matrix[column, row])
        largest = float(matrix.max())
        raise InputError(asymmetry_message(int(row), int(column), forth, back, largest))
    return np.maximum((matrix + matrix.T) / 2, 0)
