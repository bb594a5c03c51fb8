"""A graph whose affinity matrix is stored."""

from __future__ import annotations

import functools

import numpy as np
import torch
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import row_blocks, stored_gaussians
from eigenlab.graphs.connectivity import search_components
from eigenlab.graphs.gaussian_nodes import GaussianNodes
from eigenlab.graphs.graph import Floats, Graph, asymmetry_message, rounding_tolerance
from eigenlab.reporter import SILENT, Reporter

TILE = 512
"""Rows and columns that are compared with their mirror images at a time: they fit the cache."""


class DenseGraph(Graph):
    """A dense affinity matrix as a :class:`~eigenlab.graphs.graph.Graph`.

    Args:
        affinity: (n, n) array, symmetric, non-negative and finite.
        representation: name of the representation, ``"dense"`` or ``"precomputed"``. Default:
            ``"dense"``.
        trusted: skip the checks, for matrices known to be valid. Default: ``False``.
        reporter: may stop the checks. Default: ``SILENT``.

    Raises:
        InputError: the matrix is not square, finite, non-negative and symmetric.

    >>> DenseGraph(np.array([[0.0, 2.0], [2.0, 1.0]])).degrees
    array([2., 3.])
    """

    stored = True

    def __init__(
        self,
        affinity: Floats,
        representation: str = "dense",
        *,
        trusted: bool = False,
        reporter: Reporter = SILENT,
    ) -> None:
        checked = affinity if trusted else check_affinity(affinity, reporter)
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
            self.reporter.raise_if_cancelled()
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
        reporter: may stop the computation of the matrix. Default: ``SILENT``.
    """

    def __init__(self, X: Floats, gamma: float, reporter: Reporter = SILENT) -> None:
        self.points, self.gamma = np.asarray(X, dtype=np.float64), gamma
        super().__init__(stored_gaussians(self.points, gamma, reporter), trusted=True)


def check_affinity(affinity: Floats, reporter: Reporter = SILENT) -> Floats:
    """``affinity`` as floats, exactly symmetric; refuses what is no affinity matrix."""
    matrix = np.asarray(affinity)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise InputError(f"affinity has shape {matrix.shape}; expected a square matrix (n, n)")
    if matrix.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
        matrix = matrix.astype(np.float64)
    blocks, least, largest = row_blocks(len(matrix), len(matrix)), np.inf, -np.inf
    for block in blocks:
        reporter.raise_if_cancelled()
        part = matrix[block]
        if not np.isfinite(part).all():
            row, column = np.argwhere(~np.isfinite(part))[0]
            place = f"({block.start + row}, {column})"
            raise InputError(f"affinity is {part[row, column]} at {place}; must be finite")
        least, largest = min(least, float(part.min())), max(largest, float(part.max()))
    rounding = rounding_tolerance(matrix.dtype, largest)
    if least < -rounding:
        row, column = np.unravel_index(matrix.argmin(), matrix.shape)
        raise InputError(
            f"affinity is {least:g} at ({row}, {column}); weights of edges must not be negative: "
            "pass similarities, not distances or correlations"
        )
    symmetric = np.empty_like(matrix)
    tiles = [slice(first, first + TILE) for first in range(0, len(matrix), TILE)]
    for rows in tiles:
        reporter.raise_if_cancelled()
        for columns in tiles[: rows.start // TILE + 1]:
            forth, back = matrix[rows, columns], matrix[columns, rows].T
            gaps = np.abs(forth - back)
            if gaps.max() > rounding:
                row, column = np.unravel_index(gaps.argmax(), gaps.shape)
                i, j = sorted((rows.start + int(row), columns.start + int(column)))
                raise InputError(
                    asymmetry_message(i, j, float(matrix[i, j]), float(matrix[j, i]), largest)
                )
            symmetric[rows, columns] = np.maximum((forth + back) / 2, 0)
            symmetric[columns, rows] = symmetric[rows, columns].T
    return symmetric
