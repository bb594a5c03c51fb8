"""Words that know what they translate, and noun phrases made of them.

A word carries keys; a Spanish and an English word that share a key are translations of each other.
That is the alignment of the sentence pair, known by construction.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from eigenlab.translation.grammar.lexicon import ADJECTIVES, NAMES, Adjective, Noun, nouns

Item = TypeVar("Item")


class Chooser:
    """Random choices that are the same on every machine and Python version.

    Only ``random.Random.random`` is used, whose sequence Python guarantees.
    """

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed).random

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[int(self._draw() * len(items))]

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._draw() < probability


@dataclass(frozen=True)
class Word:
    """A token of one side, and the keys it shares with its translation."""

    text: str
    keys: frozenset[str] = frozenset()


def word(text: str, *keys: str) -> Word:
    """A word with keys."""
    return Word(text, frozenset(keys))


def words(text: str, *keys: str) -> list[Word]:
    """Several words with the same keys; none for an empty text."""
    return [word(part, *keys) for part in text.split()]


def parallel(spanish: str, english: str, key: str) -> tuple[list[Word], list[Word]]:
    """A fixed expression: word by word if it has as many words on both sides, else as a whole.

    English words joined by ``_`` count as one here.
    """
    ours, theirs = spanish.split(), english.split()
    if len(ours) == len(theirs):
        keys = [f"{key}{place}" for place in range(len(ours))]
        return (
            [word(*pair) for pair in zip(ours, keys, strict=True)],
            [word(*pair) for pair in zip(theirs, keys, strict=True)],
        )
    return words(spanish, key), words(english.replace("_", " "), key)


@dataclass(frozen=True)
class Phrase:
    """A noun phrase or name.

    Args:
        spanish, english: its words.
        person: 2 (singular) or 5 (plural), as in :mod:`verbs`; of a pronoun 0 to 5.
        gender: ``"m"`` or ``"f"``.
        kinds: kinds of its noun.
        noun: its noun or name, as written.
        personal: whether it is preceded by ``a`` as an object.
        bare: whether it has no determiner.
    """

    spanish: list[Word]
    english: list[Word]
    person: int
    gender: str
    kinds: frozenset[str] = field(default_factory=frozenset)
    noun: str = ""
    personal: bool = False
    bare: bool = False

    @property
    def plural(self) -> bool:
        """Whether it agrees with plural forms."""
        return self.person > 2


#: Determiner -> its four Spanish forms (as of an adjective), English singular, English plural.
_DETERMINERS = {
    "the": ("el la los las", "the", "the"),
    "a": ("un una - -", "a", "-"),
    "some": ("- - unos unas", "-", "some"),
    "my": ("mi mi mis mis", "my", "my"),
    "your": ("tu tu tus tus", "your", "your"),
    "our": ("nuestro nuestra nuestros nuestras", "our", "our"),
    "this": ("este esta estos estas", "this", "these"),
    "that": ("ese esa esos esas", "that", "those"),
    "many": ("mucho mucha muchos muchas", "a lot of", "many"),
    "none": ("ningún ninguna - -", "any", "-"),
    "two": ("- - dos dos", "-", "two"),
    "three": ("- - tres tres", "-", "three"),
    "four": ("- - cuatro cuatro", "-", "four"),
    "bare": ("", "", ""),
}
POSSESSIVES = ("my", "your", "our")
NUMBERS = ("two", "three", "four")
_OWN_PEOPLE = {"amigo", "amiga", "vecino", "vecina", "profesor", "profesora", "médico", "médica"}
_OWN_KINDS = {"thing", "clothes", "vehicle", "text", "room", "animal", "relative", "opened"}
_VOWELS = tuple("aeiouAEIOU")


def agree(forms: Sequence[str], gender: str, plural: bool) -> str:
    """The form of an adjective or determiner."""
    return forms[(gender == "f") + 2 * plural]


def can_be_owned(noun: Noun) -> bool:
    """Whether ``my`` makes sense before the noun."""
    return noun.singular in _OWN_PEOPLE or bool(noun.kinds & (_OWN_KINDS | {"food", "drink"}))


def noun_phrase(
    noun: Noun,
    key: str,
    determiner: str,
    *,
    plural: bool = False,
    adjective: Adjective | None = None,
    very: bool = False,
    owner: Phrase | None = None,
) -> Phrase:
    """Build a noun phrase with agreement on both sides.

    Args:
        noun: its noun.
        key: prefix of the keys of its words.
        determiner: a key of the table of determiners; with ``owner``, ``"the"``.
        plural: whether the noun is in the plural.
        adjective: stands after the noun in Spanish, unless it is one that stands before.
        very: whether the adjective is preceded by muy and very.
        owner: whose it is: el libro de Ana, Ana's book.
    """
    ours, theirs = _adjective_words(adjective, noun, plural, very, key)
    before = adjective is not None and adjective.before
    spanish = _determiner_words(determiner, noun, plural, before, key)
    form = noun.plural if plural else noun.singular
    spanish += [*(ours if before else []), word(str(form), f"{key}.n"), *([] if before else ours)]
    counted_as_plural = plural or (determiner == "none" and noun.counted)
    english_noun = noun.english[1] if counted_as_plural else noun.english[0]
    english = [*theirs, word(str(english_noun), f"{key}.n")]
    if owner is None:
        entry = _DETERMINERS[determiner]
        article = words(entry[2] if plural else entry[1], f"{key}.d")
        if determiner == "a" and english[0].text.startswith(_VOWELS):
            article = [word("an", f"{key}.d")]
        english = [*article, *english]
    else:
        spanish += [word("de", f"{key}.of"), *owner.spanish]
        english = [*owner.english, word("￭'s", f"{key}.of"), *english]
    person = 5 if plural else 2
    personal = bool(noun.kinds & {"person", "relative"})
    return Phrase(
        spanish,
        english,
        person,
        noun.gender,
        noun.kinds,
        noun.singular,
        personal,
        bare=determiner == "bare",
    )


def _determiner_words(
    determiner: str, noun: Noun, plural: bool, separated: bool, key: str
) -> list[Word]:
    forms = _DETERMINERS[determiner][0].split()
    if not forms:
        return []
    masculine = noun.takes_el and not separated and determiner in ("the", "a", "none")
    gender = "m" if masculine and not plural else noun.gender
    return [word(agree(forms, gender, plural), f"{key}.d")]


def _adjective_words(
    adjective: Adjective | None, noun: Noun, plural: bool, very: bool, key: str
) -> tuple[list[Word], list[Word]]:
    if adjective is None:
        return [], []
    form = agree(adjective.forms, noun.gender, plural)
    if adjective.short and not plural and (noun.gender == "m" or adjective.short == "gran"):
        form = adjective.short
    ours = [word("muy", f"{key}.very")] if very else []
    theirs = [word("very", f"{key}.very")] if very else []
    return [*ours, word(form, f"{key}.a")], [*theirs, word(adjective.english, f"{key}.a")]


def name_phrase(choose: Chooser, key: str, avoid: str = "") -> Phrase:
    """A first name other than ``avoid``."""
    name, gender = choose.pick([pair for pair in NAMES if pair[0] != avoid])
    same = [word(name, f"{key}.n")]
    kinds = frozenset({"person", "name"})
    return Phrase(same, same, 2, gender, kinds, name, personal=True)


def owner_phrase(choose: Chooser, key: str, avoid: str = "") -> Phrase:
    """Somebody to whom something belongs: a name, my brother, the teacher."""
    if choose.chance(0.5):
        return name_phrase(choose, key, avoid)
    own = choose.chance(0.6)
    candidates = nouns("relative") if own else nouns("person")
    noun = choose.pick([noun for noun in candidates if noun.singular != avoid])
    return noun_phrase(noun, key, choose.pick(POSSESSIVES) if own else "the")


def pick_adjective(choose: Chooser, noun: Noun, *, states: bool) -> Adjective | None:
    """An adjective that fits beside the noun, or None if there is none."""
    found = _fitting_adjectives(noun, states)
    return choose.pick(found) if found else None


@functools.cache
def _fitting_adjectives(noun: Noun, states: bool) -> tuple[Adjective, ...]:
    return tuple(
        adjective
        for adjective in ADJECTIVES
        if adjective.attributive
        and adjective.kinds & noun.kinds
        and (states or adjective.verb == "ser")
        and not (adjective.before and noun.takes_el)
    )
