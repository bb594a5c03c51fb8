"""Encoding of names as integers."""

from __future__ import annotations

import functools
import math
import re
import string
import unicodedata
from collections.abc import Sequence
from numbers import Real

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

#: Characters that are typed, printed or decoded in place of an apostrophe: quotation marks, primes,
#: modifier letters (ʼ, the Hawaiian ʻ, the half rings of transliterated Arabic and Hebrew),
#: accents on their own, and the quotation marks of Windows-1252 read as Latin-1.
_APOSTROPHES = frozenset(
    "`´\x91\x92"
    "\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb"
    "\u0374\u0384\u1fbd\u1fbf\u1fef\u1ffd\u1ffe\u055a\u05f3"
    "\u2018\u2019\u201b\u2032\u2035\ua78b\ua78c\uff07\uff40"
)
_STRAIGHT = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))

#: Latin letters that Unicode does not decompose, as the CLDR's Latin-ASCII transform writes them;
#: the schwa, which that transform lacks, as ICAO Doc 9303 part 3 does in passports. Letters "with"
#: something (ø, ł, đ, ħ) and dotless ones (ı) follow from their names, see _LETTER.
_TRANSLITERATED = {
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "ð": "d",
    "Ð": "D",
    "þ": "th",
    "Þ": "TH",
    "ŋ": "n",
    "Ŋ": "N",
    "ĸ": "q",
    "ə": "e",
    "Ə": "E",
    "ǝ": "e",
    "Ǝ": "E",
    "ɛ": "e",
    "Ɛ": "E",
    "ɔ": "o",
    "Ɔ": "O",
    "Ɖ": "D",
    "ɩ": "i",
    "Ɩ": "I",
    "ʉ": "u",
    "Ʉ": "U",
    "ɡ": "g",
}
#: Unicode's names of letters that are a plain Latin letter with a stroke, hook, bar or tail.
_LETTER = re.compile(r"LATIN (SMALL|CAPITAL) LETTER (?:DOTLESS )?([A-Z])(?: WITH .*)?$")


#: A mark on its own, such as "¨", decomposes to a space and the mark; no space was written.
_LONE_MARK = re.compile(" ([\u0300-\u036f\u064b-\u0652\u3099\u309a]+)")
#: The lone marks that are in :data:`_APOSTROPHES`: the acute accent and two Greek breathings.
_LONE_APOSTROPHES = frozenset("\u0301\u0313\u0314")


def fold(name: str) -> str:
    """Return ``name`` in the 57 symbols of :data:`ALPHABET` (question 2).

    Characters are decomposed (Unicode NFKD) and lose their marks, so that full-width letters,
    ligatures and no-break spaces are read as the plain ones; typographic apostrophes and all white
    space become ``'`` and a space. Latin letters without a decomposition are transliterated: ß is
    read as ss, æ as ae, œ as oe, þ as th, ð and đ as d, ø as o, ł as l, ı as i, ŋ as n, ə as e,
    and any other letter with a stroke, hook, bar or tail as the plain letter (the CLDR's
    Latin-ASCII transform). Case is kept. A character that is then not one of the 57 symbols (a
    digit, a hyphen, another script) is left out, as in the course; :func:`unreadable` returns the
    letters and digits that are left out.

    Args:
        name: any string.

    Returns:
        The folded name; it may be empty.

    >>> fold("Núñez-O’Neàl"), fold("Strauß"), fold("Пушкин")
    ("NunezO'Neal", 'Strauss', '')
    """
    return "".join(symbol for symbol in _decomposed(name) if symbol in _INDEX)


def spelling(name: object) -> str:
    """Return the form in which names are compared.

    Folded (:func:`fold`), in lower case, without outer spaces and with single ones inside. A name
    without a letter a-z is compared as Unicode compares it without case (NFKC), and a missing value
    (None, NaN) or a number as an empty name.

    Args:
        name: a name, or a missing value.

    Raises:
        InputError: ``name`` is neither.

    >>> spelling("Núñez") == spelling(" NUNEZ")
    True
    """
    if not isinstance(name, str):
        if is_missing(name) or isinstance(name, Real):
            return ""
        raise InputError(f"name is a {type(name).__name__}, expected a string such as 'Ibáñez'")
    folded = " ".join(fold(name).lower().split())
    return folded if has_letter(folded) else _caseless(name)


def is_missing(row: object) -> bool:
    """Whether ``row`` is how a table marks a missing value: None, NaN, ``pandas.NA`` or ``NaT``."""
    missing = row is None or type(row).__name__ in ("NAType", "NaTType")
    return missing or (isinstance(row, Real) and math.isnan(row))


def has_letter(folded: str) -> bool:
    """Whether a folded name holds a letter, not only spaces and punctuation."""
    return any(symbol.isalpha() for symbol in folded)


def unreadable(name: str) -> str:
    """Return the letters and digits of ``name`` that :func:`fold` leaves out.

    Marks, hyphens and other punctuation are not included. Characters that stand for a letter which
    was lost (U+FFFD, lone surrogates) or that only some fonts know (private use) are, and so are
    letters of UTF-8 that was read in the encoding of Western Windows ("MÃ¼ller").

    >>> unreadable("Strauß-Żółw 2"), unreadable("MÃ¼ller")
    ('2', 'Ã¼')
    """
    if _is_misread(name):
        return "".join(symbol for symbol in name if not symbol.isascii())
    return "".join(
        symbol for symbol in _decomposed(name) if symbol not in _INDEX and _is_letter(symbol)
    )


def _decomposed(name: str) -> str:
    """Return ``name`` in plain letters, with the marks and other characters still in place."""
    if name.isascii() and name.isprintable() and "`" not in name:
        return name
    decomposed = unicodedata.normalize("NFKD", name.translate(_STRAIGHT))
    marked = _LONE_MARK.sub(_lone_mark, decomposed)
    return "".join(map(_plain, marked))


def _lone_mark(found: re.Match[str]) -> str:
    return "" if _LONE_APOSTROPHES.isdisjoint(found[1]) else "'"


@functools.cache
def _plain(symbol: str) -> str:
    """Return one decomposed character in plain letters, or as it is if it has none."""
    if symbol in _APOSTROPHES:
        return "'"
    if symbol.isspace():
        return " "
    if symbol in _TRANSLITERATED:
        return _TRANSLITERATED[symbol]
    if named := _LETTER.match(unicodedata.name(symbol, "")):
        case, letter = named.groups()
        return letter.lower() if case == "SMALL" else letter
    return symbol


def _is_misread(name: str) -> bool:
    """Whether the bytes of ``name`` in Windows-1252 or Latin-1 are UTF-8, which no name's are."""
    if name.isascii():
        return False
    for encoding in ("cp1252", "latin-1"):
        try:
            name.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        return True
    return False


def _is_letter(symbol: str) -> bool:
    category = unicodedata.category(symbol)
    return symbol == "\ufffd" or category[0] in "LN" or category in ("Cn", "Co", "Cs")


def _caseless(name: str) -> str:
    visible = "".join(symbol for symbol in name if unicodedata.category(symbol) != "Cf")
    for _ in range(2):  # folding case can undo a composition, and the other way round
        visible = unicodedata.normalize("NFKC", visible.casefold())
    return " ".join(visible.split())


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
