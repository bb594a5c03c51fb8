"""A sentence in both languages, and what most kinds of sentences share."""

from __future__ import annotations

from typing import NamedTuple

from eigenlab.translation.grammar.clauses import (
    NO_WORDS,
    Predicate,
    Sides,
    question,
    statement,
)
from eigenlab.translation.grammar.objects import (
    FREQUENCIES,
    Mood,
    time_phrase,
)
from eigenlab.translation.grammar.phrases import (
    Chooser,
    Phrase,
    Word,
    parallel,
)
from eigenlab.translation.grammar.verbs import (
    Verb,
    present,
    preterite,
)


class Sentence(NamedTuple):
    """A sentence in both languages, without capitals and punctuation."""

    spanish: list[Word]
    english: list[Word]
    is_question: bool = False


PEOPLE = frozenset({"person", "relative"})
HAVE = Verb("tener", ("have", "has", "had", "having"))


def draw_mood(choose: Chooser) -> Mood:
    """Half of the sentences are plain statements, three in ten are questions."""
    kind = choose.pick(["plain"] * 5 + ["negative"] * 2 + ["question"] * 3)
    return Mood(
        negative=kind == "negative" or (kind == "question" and choose.chance(0.12)),
        question=kind == "question",
    )


def clause(
    choose: Chooser, subject: Phrase, predicate: Predicate, mood: Mood, time: Sides = NO_WORDS
) -> Sentence:
    """Put the parts into a statement or a question, the time first or last in Spanish."""
    if mood.question:
        spanish, english = question(subject, predicate, negative=mood.negative)
        return Sentence([*spanish, *time[0]], [*english, *time[1]], True)
    frequency = parallel(*choose.pick(FREQUENCIES), "f") if mood.frequent else NO_WORDS
    spanish, english = statement(subject, predicate, negative=mood.negative, frequency=frequency)
    first = bool(time[0]) and choose.chance(0.3)
    spanish = [*time[0], *spanish] if first else [*spanish, *time[0]]
    return Sentence(spanish, [*english, *time[1]])


def draw_time(
    choose: Chooser, verb: Verb, subject: Phrase, tense: str, probability: float
) -> Sides:
    """Often no time. Compramos is present and preterite: a word for the past then decides."""
    same = present(verb.infinitive)[subject.person] == preterite(verb.infinitive)[subject.person]
    if tense == "preterite" and same:
        return time_phrase(choose, tense, past_only=True)
    return time_phrase(choose, tense) if choose.chance(probability) else NO_WORDS


def maybe_frequent(choose: Chooser, mood: Mood, tense: str) -> Mood:
    """Give some plain statements in the present an adverb such as *siempre*."""
    if tense == "present" and not mood.negative and not mood.question and choose.chance(0.25):
        return Mood(frequent=True)
    return mood
