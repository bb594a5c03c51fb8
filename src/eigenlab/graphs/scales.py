"""Columns of unequal spread, of which a few decide all distances."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

MAX_SPREAD_RATIO = 10.0
"""Ratio of standard deviations above which the wider column hides the narrower one."""
FEW_COLUMNS = 20
"""Fewer columns than this are compared one by one."""
HIDDEN_VARIANCE = 0.01
"""Share of the total variance that three quarters of many columns may hold unseen."""


class UnscaledColumnsWarning(UserWarning):
    """A few columns vary so much more than the others that they decide all distances."""


def unscaled_columns(X: Any, names: Sequence[str] | None = None) -> str | None:
    """Describe columns whose spread hides that of others, or return None.

    Among fewer than 20 columns, it is told of two whose standard deviations differ by more than
    10 times, unless by outliers alone. Many columns, such as pixels, usually share a unit and
    differ none the less: it is told when a quarter of them hold 99 % of the total variance.

    Args:
        X: (n, d) array; anything else, such as a sparse matrix, is not described.
        names: names of the columns, as shown. Default: ``None``, numbers from 1.

    Returns:
        A clause without a remedy, or None.

    >>> unscaled_columns(np.array([[0.0, 0], [1, 100]]), ["height", "income"])
    'the standard deviation of column income is 100 times that of column height, so the former
    dominates all distances'
    """
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.shape[1] < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        spread = X.std(axis=0, dtype=np.float64)
    if not np.isfinite(spread).all() or not spread.any():
        return None
    order = np.argsort(spread)
    order = order[spread[order] > np.finfo(X.dtype).eps * np.abs(X).max(axis=0)[order]]
    if len(order) < 2:
        return None
    narrow, wide = int(order[0]), int(order[-1])
    ratio = spread[wide] / spread[narrow]
    if X.shape[1] < FEW_COLUMNS:
        unequal = ratio > MAX_SPREAD_RATIO and not _by_outliers(X[:, [narrow, wide]])
    else:
        variance = spread[order] ** 2
        unequal = variance[: -(len(order) // 4)].sum() < HIDDEN_VARIANCE * variance.sum()
    if not unequal:
        return None
    shown = [str(place + 1) if names is None else names[place] for place in (wide, narrow)]
    return (
        f"the standard deviation of column {shown[0]} is {ratio:.3g} times that of column "
        f"{shown[1]}, so the former dominates all distances"
    )


def _by_outliers(X: Any) -> bool:
    """Whether the second column is wider than the first by outliers only."""
    low, high = np.percentile(X, [25, 75], axis=0)
    narrow, wide = high - low
    return bool(wide <= MAX_SPREAD_RATIO * narrow and wide > 0)


def warn_if_unscaled(X: Any, names: Sequence[str] | None = None, *, stacklevel: int = 3) -> None:
    """Issue an :class:`UnscaledColumnsWarning` for what :func:`unscaled_columns` describes."""
    clause = unscaled_columns(X, names)
    if clause is not None:
        warnings.warn(
            f"{clause}; unless they share a unit, scale them first, for example with "
            "sklearn.preprocessing.StandardScaler",
            UnscaledColumnsWarning,
            stacklevel=stacklevel,
        )
