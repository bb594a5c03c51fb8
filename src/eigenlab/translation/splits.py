"""Splits of sentence pairs whose parts share no sentence."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from eigenlab.errors import InputError
from eigenlab.training.seeding import derive_seed
from eigenlab.translation.checks import check_count
from eigenlab.translation.corpora import SentencePair, as_pairs
from eigenlab.translation.tokens import normalize

Indices = NDArray[np.int64]


def sentence_key(sentence: str) -> str:
    """Return what two sentences have in common if a split counts them as the same.

    Case, punctuation, symbols, white space and Unicode compatibility forms do not count; letters,
    accents and digits do. A sentence of punctuation or emoji alone is its own key.

    >>> sentence_key("¿Sí?") == sentence_key("SÍ!"), sentence_key("Si.") == sentence_key("Sí.")
    (True, False)
    """
    plain = normalize(sentence)
    text = unicodedata.normalize("NFKC", plain).casefold()
    key = " ".join(text.translate(_PUNCTUATION_REMOVED).split())
    return unicodedata.normalize("NFKC", key) or plain


class _WithoutPunctuation(dict[int, int | None]):
    """A translation table: apostrophes and invisible marks vanish, other signs become spaces."""

    def __missing__(self, code: int) -> int | None:
        category = unicodedata.category(chr(code))
        kept = category[0] in "LMN" or category == "Zs"
        dropped = category == "Cf" or chr(code) in "'’"
        self[code] = code if kept else None if dropped else ord(" ")
        return self[code]


_PUNCTUATION_REMOVED = _WithoutPunctuation()


@dataclass(frozen=True)
class Leaks:
    """Held-out pairs of which a side is also in the training part, up to :func:`sentence_key`.

    Args:
        n_pairs: held-out pairs.
        source: those whose source is the source of a training pair.
        target: those whose target is the target of a training pair.
        either: those of which at least one side is.
        both: those of which both sides are, in one training pair or in two.
    """

    n_pairs: int
    source: int
    target: int
    either: int
    both: int


def count_leaks(train: Iterable[Any], held_out: Iterable[Any]) -> Leaks:
    """Count the held-out pairs of which a side is also in the training part.

    Args:
        train: (source, target) pairs of the training part.
        held_out: (source, target) pairs of another part.

    Raises:
        InputError: an item is not a pair of strings.

    >>> count_leaks([("Ve.", "Go."), ("Vete.", "Go.")], [("Vaya.", "Go!"), ("Hola.", "Hi.")])
    Leaks(n_pairs=2, source=0, target=1, either=1, both=0)
    """
    known = _keys(as_pairs(train))
    held = _keys(as_pairs(held_out))
    sources, targets = ({key[side] for key in known} for side in (0, 1))
    return _leaks([key[0] in sources for key in held], [key[1] in targets for key in held])


def _leaks(source: Sequence[bool] | NDArray[Any], target: Sequence[bool] | NDArray[Any]) -> Leaks:
    by_source, by_target = np.asarray(source, bool), np.asarray(target, bool)
    counts = (by_source, by_target, by_source | by_target, by_source & by_target)
    return Leaks(len(by_source), *(int(found.sum()) for found in counts))


@dataclass(frozen=True)
class PairSplit:
    """Indices of the pairs in each part, in random order; every pair is in exactly one part.

    Args:
        train: indices of the training pairs, int64.
        validation: indices of the validation pairs, int64.
        test: indices of the test pairs, int64.
        random_leaks: what a random split into parts of the same sizes, drawn with the same seed,
            would have leaked: its held-out pairs, validation and test together, of which a side is
            in its training part.
        largest_group: pairs in the largest group of pairs that share sentences.
    """

    train: Indices
    validation: Indices
    test: Indices
    random_leaks: Leaks
    largest_group: int


def split_pairs(pairs: Iterable[Any], *, test: int, validation: int = 0, seed: int) -> PairSplit:
    """Split pairs so that no two parts share a source or a target sentence.

    Pairs are grouped by what they share, directly or through other pairs (the connected components
    of the graph of sentences, whose edges are the pairs), where sentences are compared by
    :func:`sentence_key`. Whole groups are put, in random order, into the test part, then the
    validation part, as long as they fit; the rest is the training part. A group that is larger than
    what is left of a part does not fit, so large groups are rare in small parts, and a part has
    fewer pairs than asked for if no group fits any more (where some pairs share nothing, as in most
    corpora, the sizes are exact).

    The split depends on the seed and on the pairs, not on their order, except for the order of
    pairs with equal keys.

    Args:
        pairs: (source, target) pairs of strings.
        test: pairs in the test part, at least 1; the largest number, see above.
        validation: pairs in the validation part, likewise. Default: ``0``.
        seed: random seed.

    Raises:
        InputError: an item is not a pair, a size is out of range, or no group fits a part.

    >>> pairs = [("Ve.", "Go."), ("Vete.", "Go."), ("Hola.", "Hi."), ("Sí.", "Yes.")]
    >>> split = split_pairs(pairs, test=1, seed=0)
    >>> len(split.train), {0, 1} <= set(split.train.tolist()), split.largest_group
    (3, True, 2)
    """
    found = as_pairs(pairs)
    check_count("test", test, 1)
    check_count("validation", validation, 0)
    if test + validation >= len(found):
        raise InputError(
            f"test={test} and validation={validation} leave no training pair of {len(found)}"
        )
    keys = _keys(found)
    order = np.array(sorted(range(len(keys)), key=lambda place: keys[place]), np.int64)
    source, target = (_numbered([keys[place][side] for place in order]) for side in (0, 1))
    groups = _components(source, target)
    sizes = np.bincount(groups)
    generator = np.random.default_rng(derive_seed(seed, "split"))
    part = np.full(len(sizes), 2)
    room = [test, validation]
    for group in generator.permutation(len(sizes)):
        for place, left in enumerate(room):
            if sizes[group] <= left:
                part[group], room[place] = place, left - sizes[group]
                break
    if room[0] == test or (validation and room[1] == validation):
        raise InputError(
            f"test={test} and validation={validation} cannot both be filled: the pairs form "
            f"{len(sizes)} groups that share sentences, of {sizes.min()} to {sizes.max()} pairs; "
            "choose other sizes, or leave out pairs that connect many others"
        )
    parts = [generator.permutation(order[part[groups] == place]) for place in range(3)]
    n_held_out = test + validation - sum(room)
    leaks = _random_leaks(source, target, n_held_out, seed)
    return PairSplit(parts[2], parts[1], parts[0], leaks, int(sizes.max()))


def _random_leaks(source: Indices, target: Indices, n_held_out: int, seed: int) -> Leaks:
    generator = np.random.default_rng(derive_seed(seed, "random split"))
    shuffled = generator.permutation(len(source))
    held_out, train = shuffled[:n_held_out], shuffled[n_held_out:]
    return _leaks(
        np.isin(source[held_out], source[train]), np.isin(target[held_out], target[train])
    )


def _components(source: Indices, target: Indices) -> Indices:
    """The group of each pair, groups numbered in the order of their first pairs."""
    n_sources = int(source.max()) + 1
    n_nodes = n_sources + int(target.max()) + 1
    edges = coo_array(
        (np.ones(len(source), bool), (source, n_sources + target)), shape=(n_nodes, n_nodes)
    )
    labels = connected_components(edges, directed=False)[1][source]
    _, first, groups = np.unique(labels, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[groups]


def _numbered(keys: list[str]) -> Indices:
    return np.unique(np.array(keys, dtype=object), return_inverse=True)[1].astype(np.int64)


def _keys(pairs: list[SentencePair]) -> list[tuple[str, str]]:
    key = functools.cache(sentence_key)
    return [(key(pair.source), key(pair.target)) for pair in pairs]
