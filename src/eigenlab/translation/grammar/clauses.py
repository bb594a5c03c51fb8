"""Clauses: word order, negation, questions and agreement of verbs in both languages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from eigenlab.translation.grammar.phrases import Phrase, Word, word, words
from eigenlab.translation.grammar.verbs import MODALS, Verb, gerund, present, preterite

SPANISH_PRONOUNS = {
    (0, "m"): "yo",
    (0, "f"): "yo",
    (1, "m"): "tú",
    (1, "f"): "tú",
    (2, "m"): "él",
    (2, "f"): "ella",
    (3, "m"): "nosotros",
    (3, "f"): "nosotras",
    (4, "m"): "vosotros",
    (4, "f"): "vosotras",
    (5, "m"): "ellos",
    (5, "f"): "ellas",
}
_BE = ("am", "are", "is", "are", "are", "are")
#: Persons whose pronoun may be left out; él and ella are always written, as in "Ella canta.".
DROPPED_PERSONS = (0, 1, 3, 4, 5)


def english_pronoun(person: int, gender: str) -> str:
    """The English subject pronoun.

    >>> english_pronoun(2, "f")
    'she'
    """
    return ("I", "you", "she" if gender == "f" else "he", "we", "you", "they")[person]


def pronoun(person: int, gender: str, *, dropped: bool) -> Phrase:
    """A pronoun as a subject; if ``dropped``, the Spanish verb alone expresses it."""
    ours = [] if dropped else [word(SPANISH_PRONOUNS[person, gender], "s")]
    theirs = [word(english_pronoun(person, gender), "s")]
    return Phrase(ours, theirs, person, gender, frozenset({"person", "pronoun"}))


@dataclass(frozen=True)
class Predicate:
    """A verb with what belongs to it, before it is put into a clause.

    Args:
        verb: the Spanish verb: the finite form first, which agrees with the subject, then what
            a periphrasis adds (voy a comprar).
        spanish: the Spanish words after it.
        english: the English words after the operator, the main verb in its base form first.
        operator: the English auxiliary that takes n't and precedes the subject in questions;
            ``"do"``, ``"does"`` and ``"did"`` are only written when there is a reason.
        inflected: what replaces the first of ``english`` when do is not written.
        clitic: a Spanish object pronoun, before the verb.
        subject_last: whether a Spanish subject follows the whole predicate in questions.
    """

    verb: list[Word]
    spanish: list[Word]
    english: list[Word]
    operator: list[Word]
    inflected: Word | None = None
    clitic: list[Word] = field(default_factory=list)
    subject_last: bool = False


def _finite(form: str, subject: Phrase, key: str) -> list[Word]:
    """A finite verb, which also stands for a subject that is left out."""
    return [word(form, key) if subject.spanish else word(form, key, "s")]


def verb_predicate(verb: Verb, subject: Phrase, tense: str) -> Predicate:
    """The verb in a tense: present, preterite, progressive or future (ir a)."""
    person = subject.person
    base, third, past, ing = verb.english
    particle = words(verb.particle, "v")
    if tense in ("present", "preterite"):
        forms = (present if tense == "present" else preterite)(verb.infinitive)
        if tense == "present":
            operator, inflected = ("does", third) if person == 2 else ("do", base)
        else:
            operator, inflected = "did", past
        return Predicate(
            _finite(forms[person], subject, "v"),
            [],
            [word(base, "v"), *particle],
            [word(operator)],
            word(inflected, "v"),
        )
    be = [word(_BE[person], "x")]
    if tense == "progressive":
        finite = _finite(present("estar")[person], subject, "x")
        spanish = [*finite, word(gerund(verb.infinitive), "v")]
        return Predicate(spanish, [], [word(ing, "v"), *particle], be)
    finite = _finite(present("ir")[person], subject, "x")
    english = [*words("going to", "x"), word(base, "v"), *particle]
    return Predicate([*finite, word("a", "x"), word(verb.infinitive, "v")], [], english, be)


def modal_predicate(modal: int, verb: Verb, subject: Phrase) -> Predicate:
    """Want to, can, have to or need to do something."""
    infinitive, link, english, english_link = MODALS[modal]
    finite = _finite(present(infinitive)[subject.person], subject, "x")
    spanish = [*finite, *words(link, "x"), word(verb.infinitive, "v")]
    main = [word(verb.english[0], "v"), *words(verb.particle, "v")]
    if english is None:
        return Predicate(spanish, [], main, [word("can", "x")])
    third = subject.person == 2
    return Predicate(
        spanish,
        [],
        [word(english[0], "x"), *words(english_link, "x"), *main],
        [word("does" if third else "do")],
        word(english[third], "x"),
    )


def copula_predicate(infinitive: str, subject: Phrase) -> Predicate:
    """Ser or estar, without what follows."""
    finite = _finite(present(infinitive)[subject.person], subject, "v")
    be = [word(_BE[subject.person], "v")]
    return Predicate(finite, [], [], be, subject_last=True)


def extended(predicate: Predicate, spanish: list[Word], english: list[Word]) -> Predicate:
    """The predicate with more words at its end."""
    return replace(
        predicate,
        spanish=[*predicate.spanish, *spanish],
        english=[*predicate.english, *english],
    )


def with_clitic(predicate: Predicate, spanish: str, english: str) -> Predicate:
    """The predicate with an object pronoun: before the verb in Spanish, at the end in English."""
    longer = extended(predicate, [], [word(english, "o")])
    return replace(longer, clitic=[word(spanish, "o")])


Sides = tuple[list[Word], list[Word]]
NO_WORDS: Sides = ([], [])


def statement(
    subject: Phrase,
    predicate: Predicate,
    *,
    negative: bool = False,
    frequency: Sides = NO_WORDS,
) -> Sides:
    """A statement; an adverb of frequency stands before the Spanish verb."""
    spanish = [
        *subject.spanish,
        *frequency[0],
        *([word("no", "neg")] if negative else []),
        *predicate.clitic,
        *predicate.verb,
        *predicate.spanish,
    ]
    if predicate.inflected is not None and not negative:
        english = [*frequency[1], predicate.inflected, *predicate.english[1:]]
    else:
        english = [*_operator(predicate, negative), *frequency[1], *predicate.english]
    return spanish, [*subject.english, *english]


def question(
    subject: Phrase, predicate: Predicate, *, negative: bool = False, asked: Sides = NO_WORDS
) -> Sides:
    """A question that ``asked`` (where, what ...) begins, if it is given."""
    last = predicate.subject_last
    spanish = [
        *asked[0],
        *([word("no", "neg")] if negative else []),
        *predicate.clitic,
        *predicate.verb,
        *([] if last else subject.spanish),
        *predicate.spanish,
        *(subject.spanish if last else []),
    ]
    operator = _operator(predicate, negative)
    return spanish, [*asked[1], *operator, *subject.english, *predicate.english]


def _operator(predicate: Predicate, negative: bool) -> list[Word]:
    if not negative:
        return predicate.operator
    (operator,) = predicate.operator
    if operator.text == "am":
        return [operator, word("not", "neg")]
    if operator.text == "can":
        return [Word("ca", operator.keys), word("￭n't", "neg")]
    return [operator, word("￭n't", "neg")]
