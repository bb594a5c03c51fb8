"""What a route to the eigenpairs hands over, before it is judged."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eigenlab.spectrum._operators import Floats

FLOOR = 64
"""Residuals are not asked to be below this many units of rounding of ||A||."""


class Findings(NamedTuple):
    """Ritz pairs (descending, orthonormal) and what was seen outside their span."""

    values: NDArray[np.float64]
    vectors: Floats
    residual_norms: NDArray[np.float64]
    residual_size: float
    """Bound on the spectral norm of the residuals together."""
    scale: float
    """Largest |eigenvalue| seen, which is at most ||A||."""
    next_value: float
    """Estimate of the (k+1)-th eigenvalue, -inf if there is none."""
    outside: float
    """No eigenvalue outside the span exceeds this, as far as was proved."""
    searched: bool
    """Whether overlooked pairs were looked for and none was found."""


def tolerance(tol: float, dtype: np.dtype, scale: float) -> float:
    """The residual norm that counts as converged."""
    return max(tol, FLOOR * float(np.finfo(dtype).eps)) * scale
