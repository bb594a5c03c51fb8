"""Result of a method for eigenpairs, before it is assessed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenlab.spectrum._operators import Floats

FLOOR = 64
"""Least tolerance of residuals, in units of rounding of ||A||."""


class Findings(NamedTuple):
    """Ritz pairs (descending, orthonormal), and what is known outside their span."""

    values: NDArray[np.float64]
    vectors: Floats
    residual_norms: NDArray[np.float64]
    residual_size: float
    """Bound on the spectral norm of the residuals together."""
    scale: float
    """Largest |eigenvalue| found, which is at most ||A||."""
    next_value: float
    """Estimate of the (k+1)-th eigenvalue, -inf if there is none."""
    outside: float
    """Proved bound on the eigenvalues outside the span, infinite without a proof."""
    searched: bool
    """Whether a search for overlooked pairs found none."""


def tolerance(tol: float, dtype: np.dtype, scale: float) -> float:
    """The residual norm that counts as converged."""
    return max(tol, FLOOR * float(np.finfo(dtype).eps)) * scale
