"""Checks of the arguments of the linear autoencoders."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_array

from eigenlab.errors import InputError


def check_width(k: Any, n_features: int, name: str = "k") -> int:
    """Return the number of hidden units ``k`` as an int in 1...n_features."""
    if isinstance(k, bool) or not hasattr(k, "__index__") or not 1 <= int(k) <= n_features:
        raise InputError(
            f"{name}={k!r} hidden units; expected a whole number from 1 to the {n_features} "
            "features of X"
        )
    return int(k)


def check_width_or_share(k: Any, n_features: int) -> int | float:
    """Return ``n_components`` as an int in 1...n_features, or as a float between 0 and 1."""
    if isinstance(k, Real) and not isinstance(k, Integral) and 0 < float(k) < 1:
        return float(k)
    try:
        return check_width(k, n_features, "n_components")
    except InputError as error:
        raise InputError(
            f"{error}, or a share of the variance between 0 and 1, both excluded"
        ) from None


def check_lam(lam: float) -> float:
    """Return the weight of the penalty ``lam`` as a finite float of at least 0."""
    if isinstance(lam, bool) or not (isinstance(lam, Real) and 0 <= lam < float("inf")):
        raise InputError(f"lam={lam!r} must be a finite number that is not negative")
    return float(lam)


def check_n_samples(n_samples: int) -> None:
    """Refuse fewer than the two samples that a variance needs."""
    if n_samples < 2:
        raise InputError(f"n_samples = {n_samples}: a covariance needs at least 2 samples")


def check_n_passes(n_passes: Any) -> int:
    """Return the number of readings of the data as an int of at least 1."""
    if isinstance(n_passes, bool) or not hasattr(n_passes, "__index__") or n_passes < 1:
        raise InputError(f"n_passes={n_passes!r}; expected a whole number of at least 1")
    return int(n_passes)


def check_n_epochs(n_epochs: Any) -> int:
    """Return the number of epochs as an int of at least 1."""
    if not isinstance(n_epochs, Integral) or n_epochs < 1:
        raise InputError(f"n_epochs={n_epochs!r} must be a positive integer")
    return int(n_epochs)


def check_codes(Z: Any, n_components: int) -> npt.NDArray[Any]:
    """Return codes (n, n_components) as a finite float32 or float64 array."""
    dtypes = [np.float64, np.float32]
    Z = check_array(np.asarray(Z), dtype=dtypes, ensure_2d=False, ensure_min_samples=0)
    if Z.ndim != 2 or Z.shape[1] != n_components:
        raise InputError(f"codes have shape {Z.shape}, expected (n, {n_components})")
    return Z
