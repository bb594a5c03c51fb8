"""From a name to integers and back to what the model read of it."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Sequence

import torch
from torch import Tensor

from eigenlab.errors import InputError

#: The 57 symbols of question 2, in order: "a" is 0, "Z" is 51, "'" is 56.
ALPHABET = string.ascii_letters + " .,;'"
#: The 58th symbol; fills the end of the shorter names of a batch.
PADDING = len(ALPHABET)
VOCABULARY_SIZE = len(ALPHABET) + 1

_INDEX = {symbol: index for index, symbol in enumerate(ALPHABET)}


def fold(name: str) -> str:
    """Return ``name`` in the 57 symbols of :data:`ALPHABET`; case is kept.

    Letters are decomposed (Unicode NFD) and lose their marks; a character that is still not one
    of the 57 (a digit, a hyphen, "ß", another script) is left out, as in the course. What is left
    out, :func:`unreadable` tells.

    >>> fold("Núñez-O'Neàl"), fold("Strauß"), fold("Пушкин")
    ("NunezO'Neal", 'Strau', '')
    """
    return "".join(symbol for symbol in unicodedata.normalize("NFD", name) if symbol in _INDEX)


def unreadable(name: str) -> str:
    """Return the letters and digits of ``name`` that :func:`fold` leaves out.

    Marks, hyphens and other punctuation carry no letter and do not count.

    >>> unreadable("Strauß-Żółw 2")
    'ßł2'
    """
    return "".join(
        symbol
        for symbol in unicodedata.normalize("NFD", name)
        if symbol not in _INDEX and unicodedata.category(symbol)[0] in "LN"
    )


def encode_name(name: str) -> Tensor:
    """Return the symbols of ``fold(name)`` as a tensor of indices, (length,) int64.

    Source: question 2. Raises :class:`~eigenlab.errors.InputError` when ``name`` is not a string
    or holds none of the 57 symbols.

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
    """Encode a batch: indices (B, T) padded with 57, and the last non-pad position (B,), int64.

    T is the longest folded name. Raises :class:`~eigenlab.errors.InputError` for a name without
    one of the 57 symbols and for an empty batch.

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
