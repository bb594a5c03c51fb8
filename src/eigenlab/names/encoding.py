"""Encoding of names as integers."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Sequence

import torch
from torch import Tensor

from eigenlab.errors import InputError

#: The 57 symbols of question 2, in order: "a" is 0, "Z" is 51, "'" is 56.
ALPHABET = string.ascii_letters + " .,;'"
#: Index of the 58th symbol, which fills the end of the shorter names of a batch.
PADDING = len(ALPHABET)
#: Number of symbols, padding included.
VOCABULARY_SIZE = len(ALPHABET) + 1

_INDEX = {symbol: index for index, symbol in enumerate(ALPHABET)}


def fold(name: str) -> str:
    """Return ``name`` in the 57 symbols of :data:`ALPHABET` (question 2).

    Letters are decomposed (Unicode NFD) and lose their marks; case is kept. A character that is
    then not one of the 57 symbols (a digit, a hyphen, "ß", another script) is left out, as in the
    course; :func:`unreadable` returns the letters and digits that are left out.

    Args:
        name: any string.

    Returns:
        The folded name; it may be empty.

    >>> fold("Núñez-O'Neàl"), fold("Strauß"), fold("Пушкин")
    ("NunezO'Neal", 'Strau', '')
    """
    return "".join(symbol for symbol in unicodedata.normalize("NFD", name) if symbol in _INDEX)


def unreadable(name: str) -> str:
    """Return the letters and digits of ``name`` that :func:`fold` leaves out.

    Marks, hyphens and other punctuation are not included.

    >>> unreadable("Strauß-Żółw 2")
    'ßł2'
    """
    return "".join(
        symbol
        for symbol in unicodedata.normalize("NFD", name)
        if symbol not in _INDEX and unicodedata.category(symbol)[0] in "LN"
    )


def encode_name(name: str) -> Tensor:
    """Encode a name as the indices of its symbols in :data:`ALPHABET` (question 2).

    Args:
        name: a string with at least one of the 57 symbols after :func:`fold`.

    Returns:
        Indices in 0...56, (length,) int64.

    Raises:
        InputError: ``name`` is not a string, or none of its characters is in the alphabet.

    >>> encode_name("a'Zé")
    tensor([ 0, 56, 51,  4])
    """
    if not isinstance(name, str):
        raise InputError(f"name is a {type(name).__name__}, expected a string such as 'Ibáñez'")
    symbols = fold(name)
    if not symbols:
        raise InputError(
            f"name {_shorten(name)} holds no letter that the encoding knows; "
            "write it in the Latin alphabet"
        )
    return torch.tensor([_INDEX[symbol] for symbol in symbols])


def encode_names(names: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Encode a batch of names, padded to the longest one (question 2).

    Args:
        names: at least one name, as in :func:`encode_name`.

    Returns:
        Indices (B, T) int64, padded with 57 at the end, where T is the length of the longest folded
        name; and the position of the last symbol of each name, (B,) int64.

    Raises:
        InputError: ``names`` is empty, or a name cannot be encoded.

    >>> encode_names(["ab", "c"])
    (tensor([[ 0,  1], [ 2, 57]]), tensor([1, 0]))
    """
    if len(names) == 0:
        raise InputError("names is empty; give at least one name")
    rows = [encode_name(name) for name in names]
    last_pos = torch.tensor([len(row) - 1 for row in rows])
    return torch.nn.utils.rnn.pad_sequence(rows, True, PADDING), last_pos


def _shorten(name: str, limit: int = 40) -> str:
    return repr(name if len(name) <= limit else name[: limit - 1] + "…")
