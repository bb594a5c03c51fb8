"""A graph whose edges are stored in a sparse matrix."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from eigenlab.errors import InputError
from eigenlab.graphs.connectivity import connected_components
from eigenlab.graphs.graph import Floats, Graph, asymmetry_message, rounding_tolerance


class SparseGraph(Graph):
    """A sparse affinity matrix as a :class:`~eigenlab.graphs.graph.Graph`.

    Args:
        affinity: (n, n) scipy sparse matrix, symmetric, non-negative and finite.
        representation: name of the representation, ``"nearest_neighbors"`` or ``"precomputed"``.
            Default: ``"nearest_neighbors"``.

    Raises:
        InputError: the matrix is not square, symmetric, non-negative and finite.

    >>> graph = SparseGraph(sparse.csr_array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    >>> graph.degrees
    array([1., 2., 1.])
    """

    def __init__(self, affinity: sparse.sparray, representation: str = "nearest_neighbors") -> None:
        self.affinity: sparse.csr_array = _check_affinity(affinity)
        self.representation = representation
        self.n_nodes: int = self.affinity.shape[0]

    @functools.cached_property
    def degrees(self) -> NDArray[np.float64]:
        """(n,) row sums of A."""
        return np.asarray(self.affinity.sum(axis=1)).ravel()

    def matmat(self, vectors: Floats) -> Floats:
        """``A @ vectors`` for (n, m) vectors, in the vectors' dtype."""
        return (self.affinity @ vectors).astype(vectors.dtype, copy=False)

    def connected_components(self, negligible: float = 0.0) -> tuple[int, NDArray[np.int64]]:
        """Number of connected components, and the (n,) component of each node."""
        if not negligible:
            return connected_components(self.affinity)
        edges, roots = self.affinity.tocoo(), np.sqrt(self.degrees)
        counts = edges.data > negligible * roots[edges.row] * roots[edges.col]
        kept = (edges.data[counts], (edges.row[counts], edges.col[counts]))
        return connected_components(sparse.csr_array(kept, shape=edges.shape))

    def strongest_link(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> int | None:
        """The one of ``others`` that one of ``rows`` is linked to most strongly, or None."""
        links = self.affinity[rows][:, others].tocoo()
        return int(others[links.col[links.data.argmax()]]) if links.data.any() else None

    def subgraph(self, rows: NDArray[np.int64]) -> SparseGraph:
        """The graph of some of the nodes."""
        return SparseGraph(self.affinity[rows][:, rows], self.representation)


def _check_affinity(affinity: sparse.sparray) -> sparse.csr_array:
    if not sparse.issparse(affinity) or affinity.ndim != 2:
        raise InputError(f"affinity must be a sparse matrix, not {type(affinity).__name__}")
    if affinity.shape[0] != affinity.shape[1] or affinity.shape[0] == 0:
        raise InputError(f"affinity must be square (n, n), not {affinity.shape}")
    matrix = sparse.csr_array(affinity, dtype=np.float64)
    if not np.isfinite(matrix.data).all():
        raise InputError("affinity must be finite, but has an entry that is NaN or infinite")
    rounding = rounding_tolerance(affinity.dtype, matrix.data.max(initial=0.0))
    if matrix.nnz and matrix.data.min() < -rounding:
        raise InputError(
            f"affinity must be non-negative, but its least entry is {matrix.data.min():g}"
        )
    difference = abs(matrix - matrix.T).tocoo()
    worst = int(difference.data.argmax()) if difference.nnz else 0
    if difference.nnz and difference.data[worst] > rounding:
        i, j = int(difference.row[worst]), int(difference.col[worst])
        pair = float(matrix[i, j]), float(matrix[j, i])
        raise InputError(asymmetry_message(i, j, *pair, float(matrix.data.max())))
    if difference.nnz and difference.data[worst] > 0:
        matrix = sparse.csr_array((matrix + matrix.T) / 2)
    return matrix.maximum(0) if matrix.nnz and matrix.data.min() < 0 else matrix
