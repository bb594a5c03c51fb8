"""Sentences as lists of tokens: words and punctuation, without losing where the spaces were.

A token that touches its neighbour carries the joiner ``￭`` on that side, as in the OpenNMT
tokenizer: ``¿Ves?`` becomes ``¿￭ Ves ￭?``. The sentence can therefore be restored exactly, up to
what :func:`normalize` changes.
"""

from __future__ import annotations

import functools
import itertools
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable

from eigenlab.errors import InputError

#: The mark on the side of a token that touches its neighbour.
JOINER = "\uffed"

#: Not visible: soft hyphen, byte order mark, direction marks. They would split or hide words.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0xFEFF, 0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
#: ``JOINER`` becomes the character that Unicode declares equivalent; zero-width spaces are spaces.
_REPLACED = _INVISIBLE | {ord(JOINER): "\u25a0", 0x200B: " "}


def normalize(text: str, *, lowercase: bool = False) -> str:
    """Return a sentence in the form in which it is split into tokens.

    - Unicode normalisation form NFC: é is one character however it was typed;
    - white space of any kind and length, line ends included, is one space, and none at the ends;
    - a typographic apostrophe between letters (don’t) is the plain one (don't);
    - soft hyphens, byte order marks and direction marks are removed, and U+FFED, the joiner of the
      tokens, becomes U+25A0, its compatibility equivalent.

    Args:
        text: a sentence.
        lowercase: whether to turn capitals into small letters. Default: ``False``.

    Raises:
        InputError: ``text`` is not a string, or holds half of a surrogate pair, which no file can
            store.

    >>> normalize("  I  don’t see\\ta dog. ")
    "I don't see a dog."
    """
    if not isinstance(text, str):
        raise InputError(f"a sentence is {text!r}, a {type(text).__name__}; expected a string")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"the sentence {text!r} holds half of a surrogate pair; read it as UTF-8")
    text = unicodedata.normalize("NFC", text.translate(_REPLACED))
    text = re.sub(r"(?<=[^\W\d_])\u2019(?=[^\W\d_])", "'", text)
    if lowercase:
        text = unicodedata.normalize("NFC", text.lower())
    return " ".join(text.split())


def tokenize(text: str, *, lowercase: bool = False) -> list[str]:
    """Split a sentence into words and punctuation.

    A word is a run of letters, digits and the marks that combine with them. The English endings
    n't, 's, 're, 've, 'll, 'd and 'm are tokens of their own; any other apostrophe between letters
    stays with what is before it, as in French. Every other character is a token, except that
    an emoji of several characters is one. A language that is written without spaces
    is not split into words: use :class:`~eigenlab.translation.SubwordVocabulary`.

    Args:
        text: a sentence; it is normalised first, see :func:`normalize`.
        lowercase: whether to turn capitals into small letters. Default: ``False``.

    Returns:
        The tokens, with joiners; none for an empty sentence.

    Raises:
        InputError: as :func:`normalize`.

    >>> tokenize("¿Ves un perro?")
    ['¿￭', 'Ves', 'un', 'perro', '￭?']
    >>> tokenize("I don't see Ana's dog.")
    ['I', 'do', "￭n't", 'see', 'Ana', "￭'s", 'dog', '￭.']
    >>> tokenize("l'eau")
    ["l'￭", 'eau']
    """
    tokens = []
    for run in normalize(text, lowercase=lowercase).split():
        pieces = _pattern().findall(run)
        for before, piece, after in zip([None, *pieces], pieces, [*pieces[1:], None], strict=False):
            left = before is not None and _leans(piece, before) == "left"
            right = after is not None and _leans(after, piece) == "right"
            tokens.append(JOINER * left + piece + JOINER * right)
    return tokens


def detokenize(tokens: Iterable[str]) -> str:
    """Restore a sentence from its tokens; the inverse of :func:`tokenize`.

    Args:
        tokens: tokens with joiners, as :func:`tokenize` or a model gives them.

    Returns:
        The sentence. It is ``normalize(text)`` for ``tokens = tokenize(text)``.

    >>> detokenize(tokenize("«¿Ves?», dijo."))
    '«¿Ves?», dijo.'
    """
    text = " ".join(tokens)
    text = text.replace(f"{JOINER} ", "").replace(f" {JOINER}", "")
    return text.strip(JOINER)


_ENDINGS = ("n't", "'s", "'re", "'ve", "'ll", "'d", "'m")


def _leans(second: str, first: str) -> str:
    """Which of two touching pieces has the joiner: ``"left"`` the second, ``"right"`` the first.

    A piece of punctuation carries it; of two of them, the one that closes (or follows).
    """
    if second.lower() in _ENDINGS:
        return "left"
    if not _is_word(second) and not (first in "¿¡" or unicodedata.category(first[0]) in _OPENING):
        return "left"
    return "right" if not _is_word(first) or first.endswith("'") else "left"


_OPENING = {"Ps", "Pi"}


def _is_word(piece: str) -> bool:
    return piece[0].isalnum() or piece[0] == "_" or unicodedata.category(piece[0])[0] == "M"


@functools.cache
def _pattern() -> re.Pattern[str]:
    """The pattern of one token."""
    marks = _ranges(lambda character: unicodedata.category(character)[0] == "M")
    letter = rf"[\w{marks}\u200c\u200d]"
    ending = r"(?:[sSdDmM]|[rR][eE]|[vV][eE]|[lL][lL])"
    end = rf"(?!{letter})"
    symbol = rf"[^\w\s{marks}](?:[{marks}]|[\U0001f3fb-\U0001f3ff]|[\U000e0020-\U000e007f])*"
    return re.compile(
        rf"{letter}+?(?=[nN]'[tT]{end})"  # do of don't
        rf"|[nN]'[tT]{end}"
        rf"|'{ending}{end}"
        rf"|{letter}+(?='{ending}{end})"
        rf"|{letter}+'(?={letter})"
        rf"|{letter}+"
        r"|[\U0001f1e6-\U0001f1ff]{2}"  # a flag
        rf"|{symbol}(?:\u200d{symbol})*"
    )


def _ranges(wanted: Callable[[str], bool]) -> str:
    """The characters for which ``wanted`` holds, as ranges of a character class."""
    found = filter(wanted, map(chr, range(sys.maxunicode + 1)))
    groups = itertools.groupby(enumerate(found), lambda item: ord(item[1]) - item[0])
    runs = ([character for _, character in group] for _, group in groups)
    return "".join(f"{run[0]}-{run[-1]}" for run in runs)
