"""The phrasebook: generated Spanish-English sentence pairs with their alignment."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import Literal, NamedTuple

from eigenlab.errors import InputError
from eigenlab.training.seeding import derive_seed
from eigenlab.translation.checks import check_count
from eigenlab.translation.grammar.lexicon import NAMES
from eigenlab.translation.grammar.phrases import Chooser, Word
from eigenlab.translation.grammar.sentences import KINDS
from eigenlab.translation.tokens import detokenize

WordOrder = Literal["monotone", "reordered"]
_MOST_PAIRS = 300_000
_PATIENCE = 20_000
"""Sentences in a row that are known or too long, after which no others are expected."""
_NAMES = {name for name, _ in NAMES}


class PhrasebookPair(NamedTuple):
    """A Spanish sentence, its English translation, and how their tokens correspond.

    Args:
        source: the Spanish sentence.
        target: the English sentence.
        source_length: number of tokens of the source, as
            :func:`~eigenlab.translation.tokenize` counts them, punctuation included.
        target_length: number of tokens of the target.
        word_order: ``"reordered"`` if two words, or expressions that are translated as a whole,
            have translations in the opposite order, else ``"monotone"``. Lengths may differ in
            either case.
        kind: kind of sentence, such as ``"transitive"``.
        alignment: pairs (i, j): token i of the source and token j of the target translate each
            other. Words without a counterpart, such as ``do``, are in no pair.
    """

    source: str
    target: str
    source_length: int
    target_length: int
    word_order: WordOrder
    kind: str
    alignment: tuple[tuple[int, int], ...]


def phrasebook(
    n_pairs: int = 50_000, *, seed: int = 0, max_tokens: int | None = None
) -> list[PhrasebookPair]:
    """Generate distinct Spanish-English sentence pairs from a grammar.

    Both sides are written together, with agreement of gender and number, conjugation in four
    tenses, left-out subjects, negation, questions and object pronouns. Every Spanish sentence has
    one translation; ``docs/translation.md`` lists how the grammar decides where Spanish leaves a
    choice. Several Spanish sentences may have the same translation (*Estoy cansado*, *Estoy
    cansada*), so split the pairs with :func:`~eigenlab.translation.split_pairs`.

    Args:
        n_pairs: number of pairs, from 1 to 300,000. Default: ``50000``.
        seed: random seed; with the same seed, more pairs begin with the same pairs.
            Default: ``0``.
        max_tokens: most tokens of a source or a target, at least 3; longer pairs are left out.
            Default: ``None``, no limit.

    Returns:
        The pairs in random order. No two have the same source.

    Raises:
        InputError: a number is out of range, or there are not as many pairs that are so short.

    >>> pair = phrasebook(2)[1]
    >>> pair.source, pair.target, pair.word_order
    ('Le compramos el libro a Tomás.', 'We buy Tomás the book.', 'reordered')
    """
    if check_count("n_pairs", n_pairs, 1) > _MOST_PAIRS:
        raise InputError(f"n_pairs={n_pairs} must be at most {_MOST_PAIRS:,}")
    longest = math.inf if max_tokens is None else check_count("max_tokens", max_tokens, 3)
    choose = Chooser(derive_seed(seed, "phrasebook"))
    found: dict[str, PhrasebookPair] = {}
    count, since_last = 0, 0
    while len(found) < n_pairs:
        since_last = since_last + 1 if len(found) == count else 0
        count = len(found)
        if since_last == _PATIENCE:
            raise InputError(
                f"there seem to be {count} pairs of at most {max_tokens} tokens, not n_pairs="
                f"{n_pairs}; ask for fewer pairs, or for longer ones"
            )
        kind = choose.pick(KINDS)
        spanish, english, is_question = kind(choose)
        names = [item.text for item in spanish if item.text in _NAMES]
        if len(set(names)) < len(names):
            continue  # not: Ana says that Ana is tired
        spanish = _contracted(spanish)
        if max(len(spanish) + 1 + is_question, len(english) + 1) > longest:
            continue
        pair = _pair(spanish, english, is_question, kind.__name__)
        found.setdefault(pair.source, pair)
    return list(found.values())


def _pair(spanish: list[Word], english: list[Word], is_question: bool, kind: str) -> PhrasebookPair:
    offset = 1 if is_question else 0  # the inverted question mark
    end = "?" if is_question else "."
    source = _sentence([word.text for word in spanish], end, opening="¿￭" * offset)
    target = _sentence([word.text for word in english], end)
    places: defaultdict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for side, words in enumerate((spanish, english)):
        for place, item in enumerate(words):
            for key in item.keys:
                places[key][side].append(place)
    links = {(i + offset, j) for ours, theirs in places.values() for i in ours for j in theirs} | {
        (len(spanish) + offset, len(english))
    }
    lengths = (len(spanish) + 1 + offset, len(english) + 1)
    order: WordOrder = "reordered" if _crosses(list(places.values())) else "monotone"
    return PhrasebookPair(source, target, *lengths, order, kind, tuple(sorted(links)))


def _crosses(units: list[tuple[list[int], list[int]]]) -> bool:
    """Whether a unit is wholly before another in Spanish and wholly after it in English."""
    linked = sorted(
        (min(ours), max(ours), min(theirs), max(theirs))
        for ours, theirs in units
        if ours and theirs
    )
    return any(
        last < begin and first > end
        for (_, last, first, _), (begin, _, _, end) in itertools.combinations(linked, 2)
    )


def _contracted(spanish: list[Word]) -> list[Word]:
    """De el becomes del, a el becomes al."""
    result: list[Word] = []
    for item in spanish:
        if item.text == "el" and result and result[-1].text in ("a", "de"):
            before = result.pop()
            result.append(Word({"a": "al", "de": "del"}[before.text], before.keys | item.keys))
        else:
            result.append(item)
    return result


def _sentence(words: list[str], end: str, opening: str = "") -> str:
    first = words[0]
    capital = first[0].upper() + first[1:]
    return detokenize([*filter(None, [opening]), capital, *words[1:], f"￭{end}"])
