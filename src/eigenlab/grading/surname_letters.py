"""Checks of problem 2: the letters of names as indices, alone and in batches."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from eigenlab.grading.comparison import Comparison, as_array
from eigenlab.grading.parts import part
from eigenlab.grading.recurrent import returned

#: The 57 symbols of the course, in order, and the index that fills the end of shorter names.
SYMBOLS = string.ascii_letters + " .,;'"
PADDING = 57


def indices(plain: str, symbols: str = SYMBOLS) -> list[int]:
    """Index of each letter; -1 where it has none."""
    return [symbols.find(letter) for letter in plain]


def _one_hot(rows: Any, width: int) -> Tensor:
    """One-hot vectors of indices, zeros where an index is outside."""
    inside = torch.as_tensor(rows)
    return (inside.unsqueeze(-1) == torch.arange(width)).double()


def _integers(label: str, value: Any) -> Comparison:
    """Whether ``value`` holds integers, as an embedding needs them; a list of them does."""
    array = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value)
    return Comparison(
        f"whether {label} holds integers",
        float(array.dtype.kind in "iu"),
        1.0,
        mistakes={"it does not: nn.Embedding and F.one_hot read indices of type torch.long.": 0.0},
    )


#: Names, and the same without accents.
SPELLED = (
    ("abc", "abc"),
    ("Zwart", "Zwart"),
    ("O'Neal", "O'Neal"),
    ("van der Wal", "van der Wal"),
    ("Núñez", "Nunez"),
    ("Ångström", "Angstrom"),
    ("Nu\u0301n\u0303ez", "Nunez"),  # accents as characters of their own
    ("Smith-Jones", "Smith-Jones"),
    ("Li2", "Li2"),
)


@part("2-letters", "encode_name", "encode_name")
def letters(encode_name: Callable[[str], Any]) -> Iterator[Comparison]:
    """Plain names, accents in both forms of Unicode, and characters that have no index."""
    for name, unaccented in SPELLED:
        plain = "".join(letter for letter in unaccented if letter in SYMBOLS)
        right, raw, folded = indices(plain), indices(name), indices(unaccented)
        given = encode_name(name)
        yield Comparison(
            f"encode_name({name!r})",
            given,
            right,
            mistakes={
                "it is the letters in lower case; a capital has an index of its own.": indices(
                    plain.lower()
                ),
                "a letter with an accent is left out; take the accent off and keep the letter.": [
                    index for index in raw if index >= 0
                ],
                "a character that has no plain letter has the index -1; leave it out.": folded,
                "a character that has no plain letter has the index of the padding; leave it "
                "out.": [PADDING if index < 0 else index for index in folded],
                "a character that is not in LETTERS has the index -1 (str.find returns that); a "
                "letter with an accent is the plain letter, anything else is left out.": raw,
                "a character that is not in LETTERS has the index of the padding; a letter with "
                "an accent is the plain letter, anything else is left out.": [
                    PADDING if index < 0 else index for index in raw
                ],
                "spaces and punctuation are left out; they are in LETTERS, too.": indices(
                    "".join(letter for letter in plain if letter.isalpha())
                ),
                "it counts from 1; the first letter is 0.": [index + 1 for index in right],
                "it is code points (ord); use the position in LETTERS.": [
                    ord(letter) for letter in plain
                ],
                "the capitals come first; in LETTERS they follow the small letters.": indices(
                    plain, string.ascii_uppercase + string.ascii_lowercase + SYMBOLS[52:]
                ),
                "it is one-hot vectors; return one index for each letter.": _one_hot(right, 57),
                "it is one-hot vectors, return one index for each letter.": _one_hot(right, 58),
                "it has an axis too many: return one index for each letter, (length,).": [
                    [index] for index in right
                ],
                "it has an axis too many, return one index for each letter, (length,).": [right],
            },
            advice="LETTERS.index(letter) of every letter, in the order of the name.",
        )
        yield _integers(f"encode_name({name!r})", given)


#: Batches of names, and their letters that have an index.
BATCHES = (
    (("Li", "Rossi", "Ito", "Abe"), ("Li", "Rossi", "Ito", "Abe")),
    (("Ng",), ("Ng",)),
    (("Smith-Jones", "Li", "Nu\u0301n\u0303ez"), ("SmithJones", "Li", "Nunez")),
)


def _encodes(make_batch: Callable[[list[str]], Any], names: Sequence[str], plain: Any) -> bool:
    """Whether each name alone has the right letters; if not, 2-letters says so."""
    for name, letters in zip(names, plain, strict=True):
        row = as_array(make_batch([name])[0])
        if row is None or row.ndim != 2:
            return True
        if [int(index) for index in row[0] if index != PADDING] != indices(letters):
            return False
    return True


@part("2-batch", "make_batch", "make_batch")
def batch(make_batch: Callable[[list[str]], Any]) -> Iterator[Comparison]:
    """Names of different lengths, one name alone, and names with more characters than letters."""
    for names, plain in BATCHES:
        found = make_batch(list(names))
        outer = returned("make_batch", "the two values (x, last_pos)", found)
        yield outer
        if not outer.passed:
            return
        if names == plain or _encodes(make_batch, names, plain):
            yield from _batch(f"make_batch({list(names)})", found, names, plain)


def _batch(
    label: str, found: Any, names: Sequence[str], plain: Sequence[str]
) -> Iterator[Comparison]:
    x, last_pos = found[:2]
    longest = max(map(len, plain))

    def filled(number: int, longest: int = longest, left: bool = False) -> Tensor:
        rows = []
        for name in plain:
            padding = [number] * (longest - len(name))
            rows.append(padding + indices(name) if left else indices(name) + padding)
        return torch.tensor(rows)

    right = filled(PADDING)
    by_length = sorted(range(len(plain)), key=lambda row: -len(plain[row]))
    yield Comparison(
        f"x of {label}",
        x,
        right,
        mistakes={
            "batch and time are swapped: x is (B, T), a name in each row "
            "(pad_sequence takes batch_first=True).": right.T,
            "it is filled up with 0, which is the letter a; use PADDING.": filled(0),
            "it is filled up with -1; use PADDING.": filled(-1),
            "it is filled up with 56, which is the apostrophe; use PADDING.": filled(56),
            "the padding comes first; it belongs after the name.": filled(PADDING, left=True),
            "the names are sorted by length; keep their order.": right[by_length],
            "it is one-hot vectors; return indices.": _one_hot(right, 58),
            "it is as wide as the longest name has characters; T is the length of the longest "
            "encoded name.": filled(PADDING, max(map(len, names))),
        },
        advice="the indices of a name in each row, PADDING after the shorter ones.",
    )
    lengths = torch.tensor([len(name) for name in plain])
    written = torch.tensor([len(name) for name in names])
    yield Comparison(
        f"last_pos of {label}",
        last_pos,
        lengths - 1,
        mistakes={
            "it is the lengths; the last letter of n has the index n - 1.": lengths,
            "it is the last column for every name; the shorter ones end earlier.": (
                torch.full_like(lengths, longest - 1)
            ),
            "it is the number of padded places.": longest - lengths,
            "it has an axis too many: (B,).": (lengths - 1).unsqueeze(1),
            "the names are sorted by length; keep their order.": (lengths - 1)[by_length],
            "it counts the characters of the names; count the indices of the encoded names, which "
            "may be fewer.": written - 1,
        },
        advice="the index of the last letter of each name, (B,).",
    )
    for name, value in (("x", x), ("last_pos", last_pos)):
        yield Comparison(
            f"whether {name} of {label} is a tensor",
            float(isinstance(value, Tensor)),
            1.0,
            mistakes={"it is not; use torch.tensor.": 0.0},
        )
        yield _integers(f"{name} of {label}", value)
