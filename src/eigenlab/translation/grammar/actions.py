"""Sentences about what somebody does; each function writes one in both languages."""

from __future__ import annotations

from dataclasses import replace

from eigenlab.translation.grammar.clauses import (
    NO_WORDS,
    extended,
    modal_predicate,
    pronoun,
    verb_predicate,
    with_clitic,
)
from eigenlab.translation.grammar.lexicon import (
    nouns,
)
from eigenlab.translation.grammar.objects import (
    clitic_for,
    home_phrase,
    object_phrase,
    place_phrase,
    subject_phrase,
    time_phrase,
    with_object,
)
from eigenlab.translation.grammar.phrases import (
    POSSESSIVES,
    Chooser,
    name_phrase,
    noun_phrase,
    word,
)
from eigenlab.translation.grammar.sentence import (
    PEOPLE,
    Sentence,
    clause,
    draw_mood,
    draw_time,
    maybe_frequent,
)
from eigenlab.translation.grammar.verbs import (
    DITRANSITIVE,
    INTRANSITIVE,
    TRANSITIVE,
)


def transitive(choose: Chooser) -> Sentence:
    """I see a dog; you are not buying the car; did Ana call me yesterday?"""
    verb = choose.pick(TRANSITIVE)
    tense = choose.pick(verb.tenses)
    mood = maybe_frequent(choose, draw_mood(choose), tense)
    subject = subject_phrase(choose, verb.subjects, mood)
    predicate = verb_predicate(verb, subject, tense)
    if verb.objects & {"person"} and choose.chance(0.3):
        predicate = with_clitic(predicate, *clitic_for(choose, subject))
    else:
        found = object_phrase(choose, verb, mood, avoid=subject.noun)
        predicate = with_object(predicate, found)
    time = NO_WORDS if mood.frequent else draw_time(choose, verb, subject, tense, 0.22)
    return clause(choose, subject, predicate, mood, time)


def intransitive(choose: Chooser) -> Sentence:
    """She lives near the park; the children did not sleep."""
    verb = choose.pick(INTRANSITIVE)
    tense = choose.pick(verb.tenses)
    mood = maybe_frequent(choose, draw_mood(choose), tense)
    subject = subject_phrase(choose, verb.subjects, mood)
    predicate = verb_predicate(verb, subject, tense)
    if verb.infinitive == "vivir" or choose.chance(0.6):
        at_home = verb.infinitive == "vivir"
        predicate = extended(predicate, *(home_phrase if at_home else place_phrase)(choose))
    time = NO_WORDS
    if not mood.frequent and verb.infinitive != "vivir":
        time = draw_time(choose, verb, subject, tense, 0.35)
    return clause(choose, subject, predicate, mood, time)


def modal(choose: Chooser) -> Sentence:
    """I want to buy a car; can you open the window?"""
    verb = choose.pick([*TRANSITIVE, *INTRANSITIVE])
    if verb.infinitive in ("conocer", "necesitar", "romper", "perder"):
        verb = INTRANSITIVE[1]
    mood = draw_mood(choose)
    number = choose.pick([0, 0, 1, 1, 2, 3])
    if mood.question and number == 1 and choose.chance(0.3):
        subject = pronoun(choose.pick([0, 3]), "m", dropped=True)  # can I, can we
    else:
        subject = subject_phrase(choose, PEOPLE, mood)
    predicate = modal_predicate(number, verb, subject)
    if verb.objects:
        found = object_phrase(choose, verb, mood, avoid=subject.noun)
        predicate = with_object(predicate, found)
    elif choose.chance(0.6):
        predicate = extended(predicate, *place_phrase(choose))
    time = time_phrase(choose, "future") if choose.chance(0.15) else NO_WORDS
    return clause(choose, subject, predicate, mood, time)


def giving(choose: Chooser) -> Sentence:
    """Ana gave me a book; I am going to send Pablo a letter."""
    verb = choose.pick(DITRANSITIVE)
    tense = choose.pick(["present", "preterite", "preterite", "future", "progressive"])
    mood = draw_mood(choose)
    subject = subject_phrase(choose, PEOPLE, mood)
    predicate = verb_predicate(verb, subject, tense)
    gift = object_phrase(choose, verb, mood, avoid=subject.noun, key="g")
    if choose.chance(0.6):
        clitic, english = clitic_for(choose, subject, dative=True)
        predicate = with_clitic(predicate, clitic, english)
        predicate = extended(predicate, gift.spanish, gift.english)
    else:
        person = name_phrase(choose, "o", avoid=subject.noun)
        if choose.chance(0.5):
            noun = choose.pick([n for n in nouns("relative") if n.singular != subject.noun])
            person = noun_phrase(noun, "o", choose.pick(POSSESSIVES), plural=choose.chance(0.3))
        predicate = extended(
            predicate,
            [*gift.spanish, word("a"), *person.spanish],
            [*person.english, *gift.english],
        )
        predicate = replace(predicate, clitic=[word("les" if person.plural else "le")])
    return clause(choose, subject, predicate, mood, draw_time(choose, verb, subject, tense, 0.2))
