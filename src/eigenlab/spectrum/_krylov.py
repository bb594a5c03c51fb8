"""A block Krylov basis with full reorthogonalisation and thick restarts.

Block Lanczos (Golub and Underwood 1977) in the form of Wu and Simon's thick restart, SIAM J. Matrix
Anal. Appl. 22 (2000) 602-616: the basis V is orthonormal, H = V^T A V is kept whole, and

    A V = V H + Q R E^T,

where Q is the next block and E selects the columns of V that were multiplied last. All inner
products may be those of a metric G, <x, y> = x^T G y.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.spectrum._operators import CountingOperator, Floats

CANCELLED = 0.25
"""Least share of a vector's length after a pass for which its rounding errors are harmless."""

ROWS = 65536
"""Rows of tall products at a time, so that no second basis is allocated."""


class Krylov:
    """An orthonormal basis that grows by one block per product with the operator.

    Args:
        operator: symmetric in the metric.
        metric: G, or None for the ordinary inner product.
        capacity: columns of the basis in memory.
    """

    def __init__(
        self, operator: CountingOperator, metric: CountingOperator | None, capacity: int
    ) -> None:
        self.operator, self.metric = operator, metric
        self.eps = float(np.finfo(operator.dtype).eps)
        self.V: Floats = np.empty((operator.n, capacity), dtype=operator.dtype, order="F")
        self.GV = self.V if metric is None else np.empty_like(self.V)
        self.H = np.zeros((capacity, capacity))
        self.size = 0  # columns of V that were multiplied: H is known there
        self.width = 0  # columns of the pending block Q, V[:, size:size + width]
        self.coupling = np.zeros((0, 0))  # R of the pending block
        self.scale = 0.0  # the largest |Ritz value| so far, a lower bound of ||A||
        self.lowest = np.inf
        self.asymmetry = 0.0  # the largest |V^T A V - its transpose| so far

    @property
    def room(self) -> int:
        """Columns that may still be added after the pending block."""
        return self.V.shape[1] - self.size - self.width

    def inner(self, left: Floats, right: Floats) -> NDArray[np.float64]:
        """``left^T G right`` in float64."""
        weighted = right if self.metric is None else self.metric.matmat(right)
        return (left.T @ weighted).astype(np.float64)

    def set_pending(self, block: Floats) -> int:
        """Make a block orthonormal to the basis and pending for its product; returns its width."""
        self.width = 0
        limit = self.V.shape[1] - self.size
        Q, GQ, _, _ = self.orthonormalize(block, self.size)
        self.width = min(Q.shape[1], limit)
        self.V[:, self.size : self.size + self.width] = Q[:, : self.width]
        self.GV[:, self.size : self.size + self.width] = GQ[:, : self.width]
        self.coupling = np.zeros((self.width, 0))
        return self.width

    def grow(self) -> None:
        """Multiply the pending block, extend H, and make the product the next pending block."""
        begin, end = self.size, self.size + self.width
        image = None if self.metric is None else self.GV[:, begin:end]
        W = self.operator.matmat(self.V[:, begin:end], image)
        if begin == 0:
            self._check_scale(float(np.abs(W).max()))
        self.absorb(np.array(W, order="F"), begin, end)

    def _check_scale(self, size: float) -> None:
        # Squares of residuals, eps times smaller than the operator, must not under- or overflow.
        low = float(np.finfo(self.operator.dtype).tiny) ** 0.3
        if size and not low < size < 1 / low:
            raise InputError(
                f"operator has entries of order {size:.1g}, beyond {low:.0g} to {1 / low:.0g} of "
                f"{self.operator.dtype}; multiply it by a constant and divide the eigenvalues by it"
            )

    def absorb(self, W: Floats, begin: int, end: int) -> None:
        """Extend H by the product ``W`` of the columns ``begin:end``; ``W`` is overwritten."""
        Q, GQ, C, R = self.orthonormalize(W, end, near=max(0, 2 * begin - end))
        known = self.H[begin:end, :begin]
        self.asymmetry = max(
            self.asymmetry,
            float(np.abs(C[:begin].T - known).max(initial=0)),
            float(np.abs(C[begin:] - C[begin:].T).max()),
        )
        self.H[:begin, begin:end] = C[:begin]
        self.H[begin:end, :begin] = C[:begin].T
        self.H[begin:end, begin:end] = (C[begin:] + C[begin:].T) / 2
        self.size = end
        width = min(Q.shape[1], self.V.shape[1] - end)
        self.width, self.coupling = width, R
        self.V[:, end : end + width] = Q[:, :width]
        self.GV[:, end : end + width] = GQ[:, :width]
        self.H[end : end + width, begin:end] = R[:width]
        self.H[begin:end, end : end + width] = R[:width].T

    def ritz(self, first: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray]:
        """Ritz values (descending), coefficient vectors and residual norms, of V[:, first:]."""
        values, S = np.linalg.eigh(self.H[first : self.size, first : self.size])
        values, S = values[::-1], S[:, ::-1]
        self.scale = max(self.scale, float(np.abs(values[[0, -1]]).max()))
        self.lowest = min(self.lowest, float(values[-1]))
        return values, S, np.linalg.norm(self._overflow(S), axis=0)

    def _overflow(self, S: NDArray[np.float64]) -> NDArray[np.float64]:
        """The part of A V S along the pending block."""
        return self.coupling @ S[len(S) - self.coupling.shape[1] :]

    def restart(self, values: NDArray[np.float64], S: NDArray[np.float64], keep: int) -> None:
        """Shrink the basis to its first ``keep`` Ritz vectors; the pending block stays."""
        old, width = self.size, self.width
        S = S[:, :keep]
        coupling = self._overflow(S)
        for basis in (self.V,) if self.metric is None else (self.V, self.GV):
            for rows in _chunks(len(basis)):
                basis[rows, :keep] = basis[rows, :old] @ S.astype(basis.dtype)
            basis[:, keep : keep + width] = basis[:, old : old + width]
        self.H[:] = 0
        self.H[range(keep), range(keep)] = values[:keep]
        self.H[keep : keep + width, :keep] = coupling[:width]
        self.H[:keep, keep : keep + width] = coupling[:width].T
        self.size, self.coupling = keep, coupling

    def combine(self, S: NDArray[np.float64]) -> Floats:
        """The vectors V S, (n, m), column-major."""
        out = np.empty((len(self.V), S.shape[1]), dtype=self.V.dtype, order="F")
        for rows in _chunks(len(self.V)):
            out[rows] = self.V[rows, : len(S)] @ S.astype(self.V.dtype)
        return out

    def orthonormalize(
        self, W: Floats, columns: int, near: int | None = None
    ) -> tuple[Floats, Floats, NDArray[np.float64], NDArray[np.float64]]:
        """``W = V C + Q R`` over the basis' first columns: Q orthonormal, and G Q, C, R.

        Directions of ``W`` that rounding cannot tell from the basis are left out of Q. Each pass
        projects, then multiplies by the inverse square root of the Gram matrix (SVQB, Stathopoulos
        and Wu, SIAM J. Sci. Comput. 23 (2002) 2165-2182); passes repeat while one cancels so much
        that its rounding errors matter. What Lanczos' recurrence leaves is nearly orthogonal to
        all but the columns from ``near`` on; with these taken away first, one pass is enough.
        """
        C = np.zeros((columns, W.shape[1]))
        R = np.eye(W.shape[1])
        GW = self._image(W)
        size = _norm(self.inner_columns(W, GW))
        if near:
            C[near:] = self._project(W, GW, slice(near, columns))
        before = np.sqrt(np.maximum(self.inner_columns(W, GW), 0))
        for attempt in range(5):
            C += self._project(W, GW, slice(columns)) @ R
            gram = (W.T @ GW).astype(np.float64)
            lengths = np.sqrt(np.maximum(gram.diagonal(), 0))
            if attempt == 0:
                kept = lengths > 8 * self.eps * max(size, self.scale)
                W, GW = _both(W, GW, np.flatnonzero(kept))
                R, gram, lengths = R[kept], gram[np.ix_(kept, kept)], lengths[kept]
                before = before[kept]
            if not lengths.size:
                break
            safe = np.where(lengths > 0, lengths, 1.0)
            d, U = np.linalg.eigh(gram / np.outer(safe, safe))
            accurate = (lengths > CANCELLED * before).all() and d[0] > CANCELLED
            if attempt:
                # Earlier passes scaled everything above rounding to about unit length.
                independent = d > 1e-6
                d, U = d[independent], U[:, independent]
            d = np.maximum(d, 4 * len(d) * self.eps)
            W, GW = _both(W, GW, (U / np.sqrt(d) / safe[:, None]).astype(W.dtype))
            R = (np.sqrt(d)[:, None] * U.T * safe) @ R
            if accurate:
                break
            if attempt == 0 and self.metric is not None and lengths.min() < 1e-3 * size:
                GW = self._image(W)  # most digits of the image cancelled
            before = np.ones(len(d))
        return W, GW, C, R

    def _project(self, W: Floats, GW: Floats, columns: slice) -> NDArray[np.float64]:
        """Subtract from ``W``, in place, its part along the basis; returns the coefficients."""
        c = self.V[:, columns].T @ GW
        W -= self.V[:, columns] @ c
        if self.metric is not None:
            # The image changes in the same way: no product with the metric is needed.
            GW -= self.GV[:, columns] @ c
        return c.astype(np.float64)

    def _image(self, W: Floats) -> Floats:
        return W if self.metric is None else np.array(self.metric.matmat(W), order="F")

    def inner_columns(self, left: Floats, right: Floats) -> NDArray[np.float64]:
        """``<left_i, right_i>`` per column, accumulated in float64."""
        return np.einsum("ij,ij->j", left, right, dtype=np.float64)


def _both(W: Floats, GW: Floats, change: NDArray) -> tuple[Floats, Floats]:
    """Some columns of both, or linear combinations of them; the same array stays the same."""
    index = change.ndim == 1
    new = np.asfortranarray(W[:, change] if index else W @ change)
    if GW is W:
        return new, new
    return new, np.asfortranarray(GW[:, change] if index else GW @ change)


def _norm(squares: NDArray[np.float64]) -> float:
    return float(np.sqrt(max(0.0, float(squares.max(initial=0)))))


def _chunks(rows: int) -> list[slice]:
    return [slice(begin, begin + ROWS) for begin in range(0, rows, ROWS)]
