"""Sentences as users hold them: lists, arrays, columns of data frames, lines of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import Any

from eigenlab.errors import InputError
from eigenlab.translation.tokens import normalize


def as_sentences(X: Iterable[Any]) -> list[str]:
    """Return sentences as a list of strings, or say which one is not a string.

    Args:
        X: strings in an order: a list, a generator, a NumPy array, a pandas or polars series, or
            an array or a data frame with a single column.

    Raises:
        InputError: ``X`` is a single string or has no order, or an item is not a string; the
            message counts from 0.

    >>> as_sentences(sentence for sentence in ("Veo un perro.", ""))
    ['Veo un perro.', '']
    """
    if isinstance(X, str):
        raise InputError("X is one string; expected a list of sentences, e.g. [sentence]")
    if isinstance(X, bytes | Mapping | Set) or not isinstance(X, Iterable):
        raise InputError(f"X is a {type(X).__name__}; expected a list of sentences")
    return [_as_sentence(item, place) for place, item in enumerate(_items(X))]


def _items(X: Any) -> list[Any]:
    shape = getattr(X, "shape", None)
    if shape is None or len(shape) == 1:
        return X.to_pylist() if hasattr(X, "to_pylist") else list(X)
    if len(shape) != 2 or shape[1] != 1:
        raise InputError(
            f"X has shape {tuple(shape)}; expected one sentence in each row, such as one column "
            "of the data frame"
        )
    rows = X.to_numpy() if hasattr(X, "to_numpy") else X  # a data frame iterates over its titles
    return [row[0] for row in rows]


def _as_sentence(item: Any, place: int) -> str:
    if not isinstance(item, str):
        raise InputError(
            f"X[{place}] is {item!r}, a {type(item).__name__}; expected a string, for a missing "
            "sentence an empty one"
        )
    try:
        normalize(item)
    except InputError as error:
        raise InputError(f"X[{place}]: {error}") from None
    return str(item)
