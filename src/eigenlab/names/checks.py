"""Checks of the arguments of the name classifiers."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError, nearest
from eigenlab.names.encoding import fold, has_letter, is_missing, unreadable

Unreadable = Literal["warn", "ignore", "error"]
#: Value of ``predict`` instead of a language when it abstains or cannot read the name.
ABSTAINED = "?"
#: Rows that a warning lists, and characters of each.
SHOWN, SHOWN_LENGTH = 10, 40


class UnreadableCharactersWarning(UserWarning):
    """Names without a letter of the alphabet, or letters and digits of a name, were not read."""


class Names(NamedTuple):
    """The rows that can be read, and which ones they are.

    Args:
        names: the readable names, in their order.
        readable: whether each row is among them, (n,).
    """

    names: list[str]
    readable: NDArray[np.bool_]


def is_readable(X: Iterable[Any]) -> NDArray[np.bool_]:
    """Return which rows hold a name that the classifiers can read.

    A row is readable if it is a string with at least one letter a-z after
    :func:`~eigenlab.names.fold`. Missing values (None, NaN, ``pandas.NA``), empty strings, names in
    another script (山田, Иванов) and numbers are not.

    Args:
        X: rows, (n,): a list, numpy array, or column of a pandas, polars or pyarrow table.

    Returns:
        (n,) bool.

    Raises:
        InputError: ``X`` is one string, or not one-dimensional.

    >>> is_readable(["Rossi", "", None, "山田", "Strauß"]).tolist()
    [True, False, False, False, True]
    """
    return np.array([_holds_a_name(row) for row in as_rows(X)], dtype=bool)


def as_rows(X: Iterable[Any], name: str = "X") -> list[Any]:
    """Return ``X`` as a list with strings as ``str``; refuse what has not one axis."""
    if isinstance(X, str | bytes):
        raise InputError(f"{name} is one string; give a list of them, such as [{X[:20]!r}]")
    if getattr(X, "ndim", 1) != 1:
        raise InputError(f"{name} has {X.ndim} axes; give a one-dimensional list of strings")  # type: ignore[attr-defined]
    if hasattr(X, "to_pylist"):  # a column of pyarrow iterates over scalars of its own
        X = X.to_pylist()
    try:
        return [str(row) if isinstance(row, np.str_) else row for row in X]
    except TypeError:
        raise InputError(f"{name} is a {type(X).__name__}; give a list of strings") from None


def check_names(X: Iterable[Any], action: Unreadable) -> Names:
    """Return the readable names of ``X``; an empty ``X`` gives none.

    Raises :class:`InputError` if no row is a string or a missing value. What cannot be read is
    reported as ``action`` says; a warning points to the caller of the function that calls this one.
    """
    rows = as_rows(X)
    found = _read(rows)
    _report(rows, found, action)
    return found


def check_training(
    X: Iterable[Any], y: Iterable[Any], action: Unreadable
) -> tuple[list[str], list[str]]:
    """Return the readable names and their languages, at least two different ones.

    What cannot be read is reported as in :func:`check_names`.
    """
    rows = as_rows(X)
    languages = as_rows(y, "y")
    found = _read(rows)
    if len(rows) != len(languages):
        raise InputError(f"X has {len(rows)} names but y {len(languages)} languages; pair them")
    wrong = next((row for row, item in enumerate(languages) if not isinstance(item, str)), None)
    if wrong is not None:
        raise InputError(
            f"y[{wrong}] is {languages[wrong]!r}; languages must be strings: leave out names "
            "without one"
        )
    kept = [language for language, keep in zip(languages, found.readable, strict=True) if keep]
    if len(set(kept)) < 2:
        unread = _unread_rows(rows, found.readable)
        raise InputError(
            f"y holds {len(set(kept))} language(s) of readable names; give at least two"
            + (f" ({unread})" if unread else "")
        )
    _report(rows, found, action)
    return found.names, kept


def _read(rows: Sequence[Any]) -> Names:
    if rows and not any(isinstance(row, str) or is_missing(row) for row in rows):
        raise InputError(
            f"X[0] is a {type(rows[0]).__name__}, expected a string such as 'Ibáñez'; give a list "
            "of names"
        )
    readable = np.array([_holds_a_name(row) for row in rows], dtype=bool)
    return Names([row for row, keep in zip(rows, readable, strict=True) if keep], readable)


def _report(rows: Sequence[Any], found: Names, action: Unreadable) -> None:
    """Warn of, or refuse, rows and letters that are not read, all in one message."""
    if action == "ignore":
        return
    findings = [_unread_rows(rows, found.readable), _unread_letters(found.names)]
    text = "; ".join(finding for finding in findings if finding)
    if text and action == "error":
        raise InputError(f"{text}; spell them out in the letters a-z")
    if text:
        warnings.warn(text, UnreadableCharactersWarning, stacklevel=4)


def _holds_a_name(row: Any) -> bool:
    return isinstance(row, str) and has_letter(fold(row))


def _unread_rows(rows: Sequence[Any], readable: NDArray[np.bool_]) -> str:
    """Say which rows hold no letter of the alphabet, or an empty string if all do."""
    places = np.flatnonzero(~readable)
    if not len(places):
        return ""
    shown = ", ".join(f"X[{place}] {_shown(rows[place])}" for place in places[:SHOWN])
    more = f" and {len(places) - SHOWN} more, see is_readable" if len(places) > SHOWN else ""
    return (
        f"{len(places)} of {len(rows)} rows hold no letter that the encoding knows and were not "
        f"read: {shown}{more}"
    )


def _shown(row: Any) -> str:
    text = repr(row)
    return text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…"


def _unread_letters(names: Sequence[str]) -> str:
    """Say which letters of readable names are left out, or an empty string if none is."""
    found = [(name, characters) for name in names if (characters := unreadable(name))]
    if not found:
        return ""
    seen = "".join(sorted({symbol for _, characters in found for symbol in characters}))[:20]
    return (
        f"{len(found)} of {len(names)} names hold letters or digits outside the alphabet, or "
        f"of a wrong encoding ({seen}), which are not read; first: {_shown(found[0][0])}"
    )


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
