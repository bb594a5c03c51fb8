"""Adaptation of class probabilities to other base rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenlab.errors import InputError, nearest

Floats = NDArray[np.float64]


def shift_priors(probabilities: ArrayLike, old: ArrayLike, new: ArrayLike) -> Floats:
    """Adapt class probabilities to a population with other base rates (question 2a).

    ``p'(y | x) = p(y | x) new(y) / old(y)``, normalised over y. This is exact when the distribution
    of names given the language is the same in both populations and ``p`` is calibrated in the old
    one. Source: Saerens, Latinne and Decaestecker 2002, eq. 4, doi:10.1162/089976602753284446.

    Args:
        probabilities: (n, n_classes), rows sum to 1 or are NaN.
        old: base rates where ``probabilities`` were learned, (n_classes,), positive.
        new: base rates of the other population, (n_classes,), at least 0 and not all zero. They
            need not sum to 1.

    Returns:
        Probabilities, (n, n_classes) float64, rows sum to 1.

    Raises:
        InputError: shapes do not match, or base rates are out of range.

    >>> shift_priors([[0.5, 0.5]], [0.5, 0.5], [0.9, 0.1])
    array([[0.9, 0.1]])
    """
    p, old, new = (np.asarray(item, dtype=np.float64) for item in (probabilities, old, new))
    if p.ndim != 2 or old.shape != new.shape or old.shape != p.shape[1:]:
        raise InputError(
            f"probabilities {p.shape}, old {old.shape} and new {new.shape} must be (n, classes), "
            "(classes,) and (classes,)"
        )
    if not (np.all(old > 0) and np.all(new >= 0) and np.isfinite(new).all() and new.sum() > 0):
        raise InputError("old must be positive; new must be finite, >= 0 and not all zero")
    weighted = p * (new / old / new.sum())
    total = weighted.sum(axis=1, keepdims=True)
    # Where every class with positive probability has new base rate 0, use the new base rates. What
    # is NaN, the probabilities of a name that cannot be read, stays NaN.
    rest = np.where(np.isnan(total), np.nan, new / new.sum())
    return np.divide(weighted, total, out=rest, where=total > 0)


def total_variation_distance(p: Sequence[float], q: Sequence[float]) -> float:
    """Half the sum of ``|p - q|``, the total variation distance of two distributions (question 2a).

    Args:
        p: probabilities, (n,), sum 1.
        q: probabilities, (n,), sum 1.

    Returns:
        A number from 0, where they are equal, to 1.

    >>> total_variation_distance([1.0, 0.0], [0.5, 0.5])
    0.5
    """
    return sum(abs(a - b) for a, b in zip(p, q, strict=True)) / 2


def check_priors(
    priors: Mapping[str, float] | Sequence[float] | Floats, classes: Sequence[str]
) -> Floats:
    """Return base rates in the order of ``classes``, normalised to sum 1.

    A mapping must name every class. A missing class is an error and not zero, because forgetting a
    language would rule it out. Raises :class:`~eigenlab.errors.InputError`.
    """
    if isinstance(priors, Mapping):
        unknown = [name for name in priors if name not in classes]
        missing = [name for name in classes if name not in priors]
        if unknown:
            hint = nearest(str(unknown[0]), list(classes))
            raise InputError(f"priors name the unknown class '{unknown[0]}'{hint}")
        if missing:
            raise InputError(
                f"priors lack {', '.join(map(str, missing))}; give a weight (0 rules it out) "
                "for each class"
            )
        priors = [priors[name] for name in classes]
    try:
        values = np.asarray(priors, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("priors must be numbers, one per class, or a mapping to them") from None
    if values.shape != (len(classes),):
        raise InputError(f"priors have shape {values.shape}, expected ({len(classes)},)")
    if not np.isfinite(values).all() or values.min() < 0 or values.sum() == 0:
        raise InputError("priors must be finite, not negative and not all zero")
    return values / values.sum()
