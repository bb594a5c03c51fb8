"""Checks of what a user hands to a classifier of names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eigenlab.errors import InputError
from eigenlab.names.encoding import encode_name, fold


def check_names(X: Sequence[str]) -> list[str]:
    """Return ``X`` as a list of readable names, or raise :class:`InputError`.

    Accepts a list, tuple, numpy array or pandas Series of strings; an empty one gives an empty
    list. Each name must hold at least one letter a-z after folding.
    """
    if isinstance(X, str):
        raise InputError(f"X is one string; give a list of names, such as [{X[:20]!r}]")
    if getattr(X, "ndim", 1) != 1:
        raise InputError(f"X has {X.ndim} axes; give a one-dimensional list of names")  # type: ignore[attr-defined]
    try:
        names = [str(name) if isinstance(name, np.str_) else name for name in X]
    except TypeError:
        raise InputError(f"X is a {type(X).__name__}; give a list of names") from None
    for place, name in enumerate(names):
        try:
            encode_name(name)
            if not any(symbol.isalpha() for symbol in fold(name)):
                raise InputError(f"name {name[:40]!r} holds no letter, only spaces or punctuation")
        except InputError as error:
            raise InputError(f"X[{place}]: {error}") from None
    return names


def check_training(X: Sequence[str], y: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return names and languages of equal, positive number with at least two languages."""
    names = check_names(X)
    languages: list[Any] = [str(item) if isinstance(item, np.str_) else item for item in y]
    if len(names) != len(languages):
        raise InputError(f"X has {len(names)} names but y {len(languages)} languages; pair them")
    wrong = next((item for item in languages if not isinstance(item, str)), None)
    if wrong is not None:
        raise InputError(f"y holds {wrong!r}; languages must be strings")
    if len(set(languages)) < 2:
        raise InputError(f"y holds {len(set(languages))} language(s); give at least two")
    return names, languages
