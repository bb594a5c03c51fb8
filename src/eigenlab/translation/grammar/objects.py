"""Subjects, objects, places and times that fit a verb."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eigenlab.translation.grammar.clauses import (
    DROPPED_PERSONS,
    Predicate,
    Sides,
    extended,
    pronoun,
)
from eigenlab.translation.grammar.lexicon import NOUNS, Noun, nouns
from eigenlab.translation.grammar.phrases import (
    NUMBERS,
    POSSESSIVES,
    Chooser,
    Phrase,
    can_be_owned,
    name_phrase,
    noun_phrase,
    owner_phrase,
    parallel,
    pick_adjective,
    word,
    words,
)
from eigenlab.translation.grammar.verbs import Verb

_STATES_FIT = {
    "ver",
    "comprar",
    "vender",
    "buscar",
    "mirar",
    "tener",
    "haber",
    "necesitar",
    "beber",
}


@dataclass(frozen=True)
class Mood:
    """What a clause is: it decides which determiners and subjects are idiomatic."""

    negative: bool = False
    question: bool = False
    frequent: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is a simple positive statement."""
        return not (self.negative or self.question or self.frequent)


def subject_phrase(
    choose: Chooser, kinds: frozenset[str], mood: Mood, *, definite: bool = False
) -> Phrase:
    """A subject of these kinds: dropped, a pronoun, names or a noun phrase.

    Args:
        choose: random choices.
        kinds: kinds of subjects that make sense.
        mood: a question is not asked about the speaker.
        definite: whether it must be somebody or something known, named without an adjective: not
            "a house is big", nor "the big house is big".
    """
    if "person" in kinds and choose.chance(0.62):
        persons = [p for p in DROPPED_PERSONS if not (mood.question and p in (0, 3))]
        gender = choose.pick("mf")
        if choose.chance(0.78):
            return pronoun(choose.pick(persons), gender, dropped=True)
        return pronoun(choose.pick([*persons, 2, 2, 2]), gender, dropped=False)
    if "person" in kinds and choose.chance(0.4):
        return names(choose)
    noun = choose.pick(nouns(*kinds))
    return _subject_noun(choose, noun, mood, definite)


def names(choose: Chooser) -> Phrase:
    """A name, or sometimes two."""
    one = name_phrase(choose, "s")
    if choose.chance(0.8):
        return one
    two = name_phrase(choose, "s2", avoid=one.noun)
    spanish = [*one.spanish, word("y", "s.and"), *two.spanish]
    english = [*one.english, word("and", "s.and"), *two.english]
    gender = "f" if one.gender == two.gender == "f" else "m"
    return Phrase(spanish, english, 5, gender, one.kinds, one.noun, personal=True)


def _subject_noun(choose: Chooser, noun: Noun, mood: Mood, definite: bool) -> Phrase:
    if "relative" in noun.kinds:
        return _relative(choose, noun, "s")
    plural = noun.counted and choose.chance(0.35)
    options = ["the", "the", "the", "this", "that"]
    if can_be_owned(noun):
        options += POSSESSIVES
        if choose.chance(0.12):
            return noun_phrase(noun, "s", "the", plural=plural, owner=owner_phrase(choose, "s.o"))
    if not definite and noun.counted and mood.plain:
        options += [choose.pick([*NUMBERS, "many", "some"])] if plural else ["a"]
    described = not definite and choose.chance(0.25)
    adjective = pick_adjective(choose, noun, states=False) if described else None
    return noun_phrase(noun, "s", choose.pick(options), plural=plural, adjective=adjective)


def _relative(choose: Chooser, noun: Noun, key: str) -> Phrase:
    if choose.chance(0.25):
        owner = name_phrase(choose, f"{key}.o")
        return noun_phrase(noun, key, "the", owner=owner)
    plural = choose.chance(0.25)
    return noun_phrase(noun, key, choose.pick(POSSESSIVES), plural=plural)


def object_phrase(
    choose: Chooser, verb: Verb, mood: Mood, *, avoid: str = "", key: str = "o"
) -> Phrase:
    """A direct object that fits the verb, without the personal a."""
    if verb.objects & {"person"} and choose.chance(0.3):
        return name_phrase(choose, key, avoid)
    candidates = [noun for noun in nouns(*verb.objects) if noun.singular != avoid]
    noun = choose.pick(candidates)
    if "relative" in noun.kinds:
        return _relative(choose, noun, key)
    return object_noun(choose, noun, mood, verb=verb.infinitive, bare=verb.bare, key=key)


def object_noun(
    choose: Chooser, noun: Noun, mood: Mood, *, verb: str, bare: bool, key: str = "o"
) -> Phrase:
    """A noun phrase with a determiner that is idiomatic in this mood."""
    owned = can_be_owned(noun)
    if owned and "person" not in noun.kinds and not mood.frequent and choose.chance(0.08):
        owner = owner_phrase(choose, f"{key}.o")
        adjective = pick_adjective(choose, noun, states=False) if choose.chance(0.3) else None
        plural = noun.counted and choose.chance(0.3)
        if adjective is None or not adjective.before:
            return noun_phrase(noun, key, "the", plural=plural, adjective=adjective, owner=owner)
    plural = noun.counted and choose.chance(0.4)
    determiner = choose.pick(_object_determiners(choose, noun, mood, plural, bare))
    adjective, very = None, False
    if choose.chance(0.38):
        adjective = pick_adjective(choose, noun, states=verb in _STATES_FIT)
        graded = adjective is not None and adjective.comparative and not adjective.before
        very = bool(graded) and determiner == "a" and mood.plain and choose.chance(0.2)
    return noun_phrase(noun, key, determiner, plural=plural, adjective=adjective, very=very)


def _object_determiners(
    choose: Chooser, noun: Noun, mood: Mood, plural: bool, bare: bool
) -> list[str]:
    known = ["the", "the", "this", "that"]
    if can_be_owned(noun):
        known += POSSESSIVES
    if not noun.counted:
        return [*known[:2], *["bare"] * 4, *(["many"] if mood.plain else [])]
    if plural:
        more = ["bare"] * 3 if bare and "person" not in noun.kinds else []
        if mood.plain:
            more += [choose.pick(NUMBERS), choose.pick(NUMBERS), "some", "many"]
        elif mood.negative:
            more += ["many"] if bare else []
        return known + more
    if mood.frequent:
        return known
    return [*known, *["none" if mood.negative else "a"] * 4]


def with_object(predicate: Predicate, found: Phrase) -> Predicate:
    """The predicate with a direct object; a person is preceded by a in Spanish."""
    personal = [word("a")] if found.personal else []
    longer = extended(predicate, [*personal, *found.spanish], found.english)
    # An object without a determiner stays with its verb: ¿Compra pan Ana?
    return replace(longer, subject_last=longer.subject_last or found.bare)


#: Spanish object pronoun -> (English, persons of subjects it does not go with).
CLITICS = {
    "me": ("me", (0, 3)),
    "te": ("you", (1, 4)),
    "nos": ("us", (0, 3)),
    "os": ("you", (1, 4)),
    "los": ("them", ()),
    "las": ("them", ()),
}


def clitic_for(choose: Chooser, subject: Phrase, *, dative: bool = False) -> tuple[str, str]:
    """An object pronoun that is not the subject itself."""
    found = [
        (spanish, english)
        for spanish, (english, excluded) in CLITICS.items()
        if subject.person not in excluded and not (dative and english == "them")
    ]
    return choose.pick(found)


_PLACES = (
    ("en casa", "at home"),
    ("en la playa", "at the beach"),
    ("en la escuela", "at school"),
    ("en la calle", "on the street"),
    ("en el parque", "in the park"),
    ("en el jardín", "in the garden"),
    ("en la ciudad", "in the city"),
    ("en la cocina", "in the kitchen"),
    ("en el hotel", "at the hotel"),
    ("en la estación", "at the station"),
    ("en el restaurante", "at the restaurant"),
    ("en la biblioteca", "in the library"),
    ("aquí", "here"),
)
_RELATIONS = (
    ("cerca de", "near"),
    ("delante de", "in front of"),
    ("detrás de", "behind"),
    ("lejos de", "far from"),
)
_LANDMARKS = tuple(
    noun for noun in NOUNS if "building" in noun.kinds or noun.singular in ("parque", "puente")
)


def place_phrase(choose: Chooser) -> Sides:
    """Where something is or happens."""
    if choose.chance(0.6):
        return parallel(*choose.pick(_PLACES), "p")
    return _near(choose, *choose.pick(_RELATIONS[:3]))


def home_phrase(choose: Chooser) -> Sides:
    """Where somebody lives."""
    if choose.chance(0.3):
        return parallel(*choose.pick((("en la ciudad", "in the city"), ("aquí", "here"))), "p")
    return _near(choose, *choose.pick(_RELATIONS))


def _near(choose: Chooser, relation: str, english: str) -> Sides:
    landmark = noun_phrase(choose.pick(_LANDMARKS), "p.w", choose.pick(["the", "the", "that"]))
    spanish = [*words(relation, "p"), *landmark.spanish]
    return spanish, [*words(english, "p"), *landmark.english]


_TIMES = {
    "present": (
        ("hoy", "today"),
        ("todos los días", "every day"),
        ("los lunes", "on Mondays"),
        ("los domingos", "on Sundays"),
        ("por la mañana", "in the morning"),
        ("por la noche", "at night"),
    ),
    "preterite": (
        ("hoy", "today"),
        ("ayer", "yesterday"),
        ("anoche", "last night"),
        ("la semana pasada", "last week"),
        ("el año pasado", "last year"),
        ("hace dos días", "two_days_ago"),
    ),
    "progressive": (("ahora", "now"), ("ahora mismo", "right_now")),
    "future": (
        ("hoy", "today"),
        ("mañana", "tomorrow"),
        ("esta noche", "tonight"),
        ("el lunes", "on Monday"),
        ("el próximo año", "next year"),
    ),
}
FREQUENCIES = (
    ("siempre", "always"),
    ("nunca", "never"),
    ("a menudo", "often"),
    ("a veces", "sometimes"),
)


def time_phrase(choose: Chooser, tense: str, *, past_only: bool = False) -> Sides:
    """When something happens; ``past_only`` leaves out today."""
    found = _TIMES[tense]
    return parallel(*choose.pick(found[1:] if past_only else found), "t")
