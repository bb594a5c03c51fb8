"""Bayes' rule for another population."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eigenlab.errors import InputError, nearest

Floats = NDArray[np.float64]


def shift_priors(probabilities: ArrayLike, old: ArrayLike, new: ArrayLike) -> Floats:
    """Re-weight class probabilities for a population with other base rates.

    ``p'(y | x) = p(y | x) new(y) / old(y)``, normalised over y: exact when names of each language
    look the same in both populations and ``p`` is calibrated in the old one. Source: Saerens,
    Latinne and Decaestecker 2002, eq. 4, doi:10.1162/089976602753284446.

    Args:
        probabilities: (n, classes), rows sum to 1.
        old: (classes,) base rates where ``probabilities`` were learned, positive.
        new: (classes,) base rates of the other population, not negative, not all zero.

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
    # A name whose every likely language is declared absent: the new base rates are all we know.
    return np.divide(weighted, total, out=np.tile(new / new.sum(), (len(p), 1)), where=total > 0)


def as_priors(
    priors: Mapping[str, float] | Sequence[float] | Floats, classes: Sequence[str]
) -> Floats:
    """Return base rates in the order of ``classes``, normalised to sum 1.

    A mapping must name every class; absent ones are an error, not zero, because forgetting a
    language would silently rule it out. Raises :class:`~eigenlab.errors.InputError`.
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
