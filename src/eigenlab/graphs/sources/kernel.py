"""Affinities by a kernel of scikit-learn's or a callable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import row_blocks, scale_gamma, stored_width
from eigenlab.graphs.affinity_source import AffinitySource
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.graph import Graph


class KernelAffinities(AffinitySource):
    """Values of a kernel, between all pairs; they are stored.

    Args:
        kernel: name of a kernel in :mod:`sklearn.metrics.pairwise`, or a callable of two points.
        gamma: coefficient of the kernel; ``"scale"`` is 1 over the total variance. Default:
            ``1.0``.
        degree: degree of polynomial kernels. Default: ``3``.
        coef0: constant term of polynomial and sigmoid kernels. Default: ``1``.
        parameters: further arguments of the kernel or callable. Default: ``None``.

    Raises:
        InputError: scikit-learn has no such kernel.
    """

    def __init__(
        self,
        kernel: str | Callable[..., float],
        *,
        gamma: float | str = 1.0,
        degree: float = 3,
        coef0: float = 1,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(kernel) and kernel not in tuple(PAIRWISE_KERNEL_FUNCTIONS):
            own = ("rbf", "nearest_neighbors", "precomputed", "precomputed_nearest_neighbors")
            raise InputError(
                f"affinity={kernel!r}; choose one of {own}, a kernel of "
                f"scikit-learn's ({', '.join(sorted(PAIRWISE_KERNEL_FUNCTIONS))}) or a callable"
            )
        self.kernel, self.gamma, self.degree, self.coef0 = kernel, gamma, degree, coef0
        self.parameters = dict(parameters or {})

    def graph(self, X: Any) -> Graph:
        """The graph of the training points ``X``, (n, d)."""
        self.points = X
        if not callable(self.kernel):
            gamma = scale_gamma(X) if self.gamma == "scale" else float(self.gamma)
            self.parameters |= {"gamma": gamma, "degree": self.degree, "coef0": self.coef0}
        blocks = row_blocks(X.shape[0], X.shape[0], stored_width(X))
        affinity = np.concatenate(
            [self._values(X[block], X) for block in blocks]
            if not callable(self.kernel)
            else [self._values(X, None)]
        )
        return DenseGraph(affinity, reporter=self.reporter)

    def to(self, X_new: Any) -> Any:
        """The (m, n) affinities of (m, d) new points to the training points."""
        return self._values(X_new, self.points)

    def _values(self, X: Any, Y: Any) -> Any:
        self.reporter.raise_if_cancelled()
        metric = self._stoppable if callable(self.kernel) else self.kernel
        if sparse.issparse(X) and sparse.issparse(Y) and X.shape[1] > X.nnz + Y.nnz:
            X, Y = _without_empty_columns(X, Y)
        return pairwise_kernels(X, Y, metric=metric, filter_params=True, **self.parameters)

    def _stoppable(self, x: Any, y: Any, **parameters: Any) -> float:
        assert callable(self.kernel)
        self.reporter.raise_if_cancelled()
        return self.kernel(x, y, **parameters)


def _without_empty_columns(X: Any, Y: Any) -> tuple[Any, Any]:
    """Two sparse matrices on the columns that either has entries in; no kernel reads others.

    A product with the transpose of a matrix takes memory for each of its columns.
    """
    columns = np.unique(np.concatenate([X.indices, Y.indices]))

    def kept(matrix: Any) -> Any:
        indices = np.searchsorted(columns, matrix.indices)
        shape = (matrix.shape[0], max(len(columns), 1))
        return sparse.csr_array((matrix.data, indices, matrix.indptr), shape=shape)

    return kept(X), kept(Y)
