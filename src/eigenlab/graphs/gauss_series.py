"""A Gaussian on a box as a short Fourier series, with a bound on the truncation error.

For points whose differences stay within a box, exp(-gamma r^2) equals its periodic continuation up
to the periodic images, and by Poisson summation that continuation is a Fourier series whose
coefficients are themselves Gaussian:

    sum_p exp(-gamma (r + p L)^2) = sum_k (sqrt(pi / gamma) / L) exp(-pi^2 k^2 / (gamma L^2))
                                    exp(2 pi i k r / L).

Both tails fall faster than exponentially, so a series of a few hundred terms an axis is a Gaussian
to twelve digits: Dutt and Rokhlin, SIAM J. Sci. Comput. 14 (1993) 1368-1393, and Potts and Steidl,
SIAM J. Sci. Comput. 24 (2003) 2013-2037 (fast Gauss transforms by non-uniform FFTs).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class GaussSeries:
    """exp(-gamma ||r||^2) as sum_k weights[k] exp(2 pi i k . r / period) for |r_a| <= span_a."""

    gamma: float
    period: tuple[float, ...]
    n_modes: tuple[int, ...]
    entry_error: float
    """Bound on the absolute error of the series anywhere in the box."""

    def axis_weights(self) -> list[NDArray[np.float64]]:
        """Per axis the (n_modes[a],) coefficients of k = -K .. K; the series' are products."""
        return [
            _coefficient(np.arange(modes) - modes // 2, self.gamma, period)
            for modes, period in zip(self.n_modes, self.period, strict=True)
        ]


def gauss_series(span: NDArray[np.floating], gamma: float, tolerance: float) -> GaussSeries:
    """The shortest series whose error bound is at most about ``tolerance``.

    Args:
        span: (d,) largest absolute difference between two points, per axis.
        gamma: coefficient of exp(-gamma ||r||^2), > 0.
        tolerance: absolute error of one entry; rounding limits it to about 1e-15.

    Returns:
        The series.

    >>> series = gauss_series(np.array([10.0, 11.0]), gamma=7.5, tolerance=1e-12)
    >>> series.n_modes, series.entry_error < 1e-12
    ((119, 129), True)
    """
    share = tolerance / (2 * len(span))
    periods, modes, errors = [], [], []
    for extent in span:
        # The nearest periodic image is at a distance of period - extent, the next ones farther.
        period = float(extent) + math.sqrt(math.log(4 / share) / gamma)
        # The width of the Gaussian bounds the period from below; else the series is one constant.
        highest = math.ceil(period * math.sqrt(gamma) * math.sqrt(math.log(8 / share)) / math.pi)
        aliases = 2 * sum(math.exp(-gamma * (p * period - extent) ** 2) for p in range(1, 4))
        # Coefficients fall ever faster: the truncated ones are below a geometric series. They are
        # not summed one by one, since a useless series may have more of them than memory.
        first = float(_coefficient(np.array(highest + 1), gamma, period))
        cut = first / -math.expm1(-((math.pi / period) ** 2) * (2 * highest + 3) / gamma)
        periods.append(period)
        modes.append(2 * highest + 1)
        errors.append(aliases + 2 * cut)
    # |prod a - prod b| <= sum of the factors' errors times the other factors, each below 1 + error.
    bound = sum(errors) * (1 + max(errors)) ** (len(errors) - 1)
    return GaussSeries(gamma, tuple(periods), tuple(modes), bound)


def _coefficient(k: NDArray[np.integer], gamma: float, period: float) -> NDArray[np.float64]:
    return math.sqrt(math.pi / gamma) / period * np.exp(-((math.pi * k / period) ** 2) / gamma)
