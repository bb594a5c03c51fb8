"""Checks of the arguments of the name classifiers."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from eigenlab.errors import InputError, nearest
from eigenlab.names.encoding import encode_name, fold, unreadable

Unreadable = Literal["warn", "ignore", "error"]


class UnreadableCharactersWarning(UserWarning):
    """Letters or digits of a name are not in the alphabet and were left out."""


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


def check_counts(**counts: int) -> None:
    """Refuse a count below 1; the keywords are the names of the arguments."""
    for name, count in counts.items():
        if count < 1:
            raise InputError(f"{name}={count} must be at least 1")


def check_share(name: str, value: float, *, below_one: bool = False) -> None:
    """Refuse a number outside [0, 1], or with ``below_one`` outside [0, 1)."""
    if not (0 <= value < 1 or (value == 1 and not below_one)):
        bound = "less than 1" if below_one else "at most 1"
        raise InputError(f"{name}={value} must be at least 0 and {bound} (a share)")


def check_unreadable(action: str) -> None:
    """Refuse an action that is not one of :data:`Unreadable`."""
    if action not in get_args(Unreadable):
        hint = nearest(str(action), get_args(Unreadable))
        raise InputError(f"unreadable='{action}' is unknown{hint}; choose warn, ignore or error")


def check_readable(names: Sequence[str], action: Unreadable) -> None:
    """Warn of, or refuse, names with letters or digits outside the alphabet.

    The warning points to the caller of the function that calls this one.
    """
    if action == "ignore":
        return
    found = [(name, unreadable(name)) for name in names]
    found = [(name, characters) for name, characters in found if characters]
    if not found:
        return
    seen = "".join(sorted({symbol for _, characters in found for symbol in characters}))[:20]
    text = (
        f"{len(found)} of {len(names)} names hold letters or digits outside the alphabet "
        f"({seen}), which are not read; first: {found[0][0][:40]!r}"
    )
    if action == "error":
        raise InputError(f"{text}; spell them out in the letters a-z")
    warnings.warn(text, UnreadableCharactersWarning, stacklevel=3)
