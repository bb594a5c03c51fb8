"""Mean and scatter matrix of a stream of chunks, as accurate as in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: Rows multiplied at once: enough for full speed, few enough for accurate sums in float32.
BLOCK_ROWS = 4096
#: Sums of squares between these are safe in float32; other rows are multiplied in float64.
SAFE_SQUARES = (1e-25, 1e35)


class RunningScatter:
    """Count, mean and centred Gram matrix ``sum (x - mean)(x - mean)^T`` of all rows seen so far.

    Each block is multiplied in its own dtype, shifted to avoid cancellation, and added in
    float64 with the update of Chan, Golub and LeVeque (The American Statistician 37 (1983) 242-247,
    doi:10.1080/00031305.1983.10483115): ``S = S_a + S_b + (n_a n_b / n) delta delta^T``. Unlike
    ``sum x x^T - n mean mean^T`` this is accurate for a large mean and for a mean that drifts along
    the stream.

    >>> scatter = RunningScatter(1)
    >>> scatter.update(np.array([[1e9], [1e9 + 1]]))
    >>> scatter.update(np.array([[1e9 + 2]]))
    >>> scatter.count, scatter.matrix.item()
    (3, 2.0)
    """

    def __init__(self, n_features: int) -> None:
        self.count = 0
        self.mean = np.zeros(n_features)
        self.matrix = np.zeros((n_features, n_features))
        self._diagonal = np.zeros(n_features)
        self.eps = float(np.finfo(float).eps)
        """Machine epsilon of the least precise dtype of the rows."""

    def update(self, rows: Array) -> None:
        """Add the rows of an (m, d) floating-point array."""
        self.eps = max(self.eps, float(np.finfo(rows.dtype).eps))
        blocks = range(0, len(rows), BLOCK_ROWS)
        corrections = [self._add(rows[start : start + BLOCK_ROWS]) for start in blocks]
        if corrections:  # all of rank two, and together one product
            vectors, weights = (np.concatenate(part) for part in zip(*corrections, strict=True))
            self.matrix += (vectors.T * weights) @ vectors

    def _add(self, block: Array) -> tuple[Array, Array]:
        """Add one block, shifted by about its mean, or not at all where that is accurate enough.

        The product of rows whose mean is m after the shift is rounded by some ``eps count m^2``.
        With at least ``count`` rows before it at a distance delta, the scatter ends up larger than
        ``count delta^2 / 2`` plus what it was. So a shift by the mean so far (m = delta) keeps the
        diagonal accurate, and so does no shift while the mean so far is at most twice the standard
        deviation, which saves a pass over the data. Returns the vectors and weights of the rank-two
        correction that remains to be added to the matrix.
        """
        count = len(block)
        if self.count < count:
            _, mean, block = centre(block)
            rest = np.zeros_like(self.mean)
        elif (self.count * self.mean**2 <= 4 * self._diagonal).all():
            mean = rest = column_means(block)
        else:
            shift = self.mean.astype(block.dtype)
            block = block - shift
            rest = column_means(block)
            mean = shift + rest
        # numpy sees that both factors are one array and computes half of the product.
        with np.errstate(over="ignore", invalid="ignore"):
            product = block.T @ block
        if _needs_float64(block, float(product.diagonal().max())):
            block = block.astype(float)
            product = block.T @ block
        self.matrix += product
        delta, total = mean - self.mean, self.count + count
        vectors, weights = np.stack([rest, delta]), np.array([-count, self.count * count / total])
        self._diagonal += product.diagonal() + weights @ vectors**2
        self.mean += delta * (count / total)
        self.count = total
        return vectors, weights


def column_means(block: Array, piece: int = 1024) -> Array:
    """Return the column means (float64), from sums in the block's dtype over ``piece`` rows each.

    Shorter pieces would be more accurate, but BLAS uses several threads only from about this size.
    """
    ones = np.ones(piece, block.dtype)
    total = np.zeros(block.shape[1])
    for start in range(0, len(block), piece):
        rows = block[start : start + piece]
        total += ones[: len(rows)] @ rows
    return total / len(block)


def centre(block: Array) -> tuple[int, Array, Array]:
    """Return the number of rows, their mean (float64), and the centred rows in their dtype.

    The mean is rounded to the block's dtype, subtracted, and corrected by the mean of the residual.
    """
    rough = column_means(block).astype(block.dtype)
    centred = block - rough
    rest = column_means(centred)
    centred -= rest.astype(block.dtype)
    return len(block), rough + rest, centred


class RunningSketch:
    """Count, mean, total variance and ``C Omega`` of a stream, C its centred Gram matrix.

    Stores d x m numbers, for the m columns of ``Omega`` (d, m), instead of the d x d numbers of
    :class:`RunningScatter`: for data with too many features for their Gram matrix.
    """

    def __init__(self, Omega: Array) -> None:
        self.Omega = Omega
        self.count = 0
        self.mean = np.zeros(len(Omega))
        self.total = 0.0
        self.product = np.zeros(Omega.shape)
        self.eps = float(np.finfo(float).eps)
        """Machine epsilon of the least precise dtype of the rows."""

    def update(self, rows: Array) -> None:
        """Add the rows of an (m, d) floating-point array."""
        Omega = self.Omega.astype(rows.dtype, copy=False)
        self.eps = max(self.eps, float(np.finfo(rows.dtype).eps))
        for start in range(0, len(rows), BLOCK_ROWS):
            count, mean, centred = centre(rows[start : start + BLOCK_ROWS])
            with np.errstate(over="ignore", invalid="ignore"):
                squares = float(np.vdot(centred, centred))
            if _needs_float64(centred, squares):
                centred = centred.astype(float)
                squares = float(np.vdot(centred, centred))
            self.product += centred.T @ (centred @ Omega)
            self.total += squares
            self._merge(count, mean)

    def _merge(self, count: int, mean: Array) -> None:
        total = self.count + count
        delta = mean - self.mean
        if self.count:
            weight = self.count * count / total
            self.product += np.outer(delta, (delta @ self.Omega) * weight)
            self.total += float(delta @ delta) * weight
        self.mean += delta * (count / total)
        self.count = total


def gram_product(rows: Callable[[], Any], mean: Array, V: Array) -> Array:
    """``sum (x - mean)(x - mean)^T V`` over the chunks that ``rows()`` yields, in float64."""
    product = np.zeros(V.shape)
    for chunk in rows():
        factor, shift = V.astype(chunk.dtype, copy=False), mean.astype(chunk.dtype, copy=False)
        for start in range(0, len(chunk), BLOCK_ROWS):
            centred = chunk[start : start + BLOCK_ROWS] - shift
            with np.errstate(over="ignore", invalid="ignore"):
                codes = centred @ factor
                squares = float(np.vdot(codes, codes))
            if _needs_float64(centred, squares):
                centred = centred.astype(float)
                codes = centred @ V
            product += centred.T @ codes
    return product


def _needs_float64(block: Array, squares: float) -> bool:
    """Return whether sums of squares of a float32 block leave, or nearly leave, its range."""
    least, most = SAFE_SQUARES
    return block.dtype == np.float32 and not least < squares < most
