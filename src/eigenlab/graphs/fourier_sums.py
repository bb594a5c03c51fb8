"""Sums of Gaussians around many nodes at many new points, by the modes of a Fourier series."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.graphs.fourier import MAX_DIMENSIONS, MAX_MODES
from eigenlab.graphs.gauss_series import gauss_series

ENTRY_ERROR = 1e-13
"""Error of each Gaussian."""
MARGIN = 37.0
"""Points are within the box if no Gaussian beside it exceeds exp(-37), which is below 1e-16."""


class FourierSums:
    """sum_j exp(-gamma ||x - x_j||^2) w_j for new points x, up to 1e-13 sum_j |w_j|.

    Args:
        points: (n, d) nodes x_j, d <= 3.
        gamma: inverse squared length, > 0.
        weights: (n, m) w_j.

    >>> sums = FourierSums(np.array([[0.0], [1.0]]), 1.0, np.array([[1.0], [1.0]]))
    >>> sums(np.array([[0.0], [0.5]])).round(4).ravel()
    array([1.3679, 1.5576])
    """

    def __init__(
        self, points: NDArray[np.floating], gamma: float, weights: NDArray[np.float64]
    ) -> None:
        low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
        self._reach = (MARGIN / gamma) ** 0.5
        self._center, self._half = (low + high) / 2, (high - low) / 2
        self._series = gauss_series(high - low + self._reach, gamma, ENTRY_ERROR)
        diagonal = functools.reduce(np.multiply.outer, self._series.axis_weights())
        plan = self._plan(1, points)
        self._coefficients = [
            diagonal * plan.execute(np.ascontiguousarray(column, dtype=np.complex128))
            for column in weights.T
        ]

    @staticmethod
    def is_suitable(points: NDArray[np.floating], gamma: float) -> bool:
        """Whether the modes are few enough."""
        if points.shape[1] > MAX_DIMENSIONS:
            return False
        span = np.ptp(points, axis=0) + (MARGIN / gamma) ** 0.5
        modes = gauss_series(span, gamma, ENTRY_ERROR).n_modes
        return float(np.prod(modes, dtype=float)) <= MAX_MODES

    def within(self, X: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Which of (l, d) new points the series holds for."""
        inside: NDArray[np.bool_] = (np.abs(X - self._center) <= self._half + self._reach).all(1)
        return inside

    def __call__(self, X: NDArray[np.floating]) -> NDArray[np.float64]:
        """The (l, m) sums at (l, d) new points."""
        plan = self._plan(2, X)
        return np.stack([plan.execute(c).real for c in self._coefficients], axis=1)

    def _plan(self, kind: int, X: NDArray[np.floating]) -> Any:
        import finufft

        sign = -1 if kind == 1 else 1
        plan = finufft.Plan(kind, self._series.n_modes, 1, ENTRY_ERROR, sign, dtype="complex128")
        angles = (X - self._center) * (2 * np.pi / np.array(self._series.period))
        plan.setpts(*(np.ascontiguousarray(axis, dtype=np.float64) for axis in angles.T))
        return plan
