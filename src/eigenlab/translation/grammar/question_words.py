"""Questions with a question word; each function writes one in both languages."""

from __future__ import annotations

from eigenlab.translation.grammar.clauses import (
    NO_WORDS,
    copula_predicate,
    extended,
    question,
    statement,
    verb_predicate,
)
from eigenlab.translation.grammar.lexicon import (
    ADJECTIVES,
    nouns,
)
from eigenlab.translation.grammar.objects import (
    Mood,
    object_phrase,
    place_phrase,
    subject_phrase,
    with_object,
)
from eigenlab.translation.grammar.phrases import (
    Chooser,
    Phrase,
    agree,
    noun_phrase,
    parallel,
    word,
    words,
)
from eigenlab.translation.grammar.sentence import (
    HAVE,
    PEOPLE,
    Sentence,
    draw_time,
)
from eigenlab.translation.grammar.verbs import (
    INTRANSITIVE,
    TRANSITIVE,
)


def where(choose: Chooser) -> Sentence:
    """Where are my keys? Where does Ana live?"""
    asked = parallel("dónde", "where", "q")
    mood = Mood(question=True)
    if choose.chance(0.5):
        kinds = frozenset({"thing", "clothes", "text", "person", "relative", "animal", "building"})
        subject = subject_phrase(choose, kinds, mood, definite=True)
        return Sentence(*question(subject, copula_predicate("estar", subject), asked=asked), True)
    verb = choose.pick([*INTRANSITIVE[:2], *TRANSITIVE[1:2], TRANSITIVE[8]])
    tense = choose.pick(["present", "preterite"]) if verb.objects else "present"
    subject = subject_phrase(choose, verb.subjects, mood)
    predicate = verb_predicate(verb, subject, tense)
    if verb.objects:
        found = object_phrase(choose, verb, Mood(question=True, frequent=True), avoid=subject.noun)
        predicate = with_object(predicate, found)
    return Sentence(*question(subject, predicate, asked=asked), True)


def what(choose: Chooser) -> Sentence:
    """What does Ana read? What are you going to buy tomorrow?"""
    mood = Mood(question=True)
    verb = choose.pick(TRANSITIVE[:9])
    tense = choose.pick(verb.tenses)
    people = frozenset({"person"})
    subject = subject_phrase(choose, people, mood)
    predicate = verb_predicate(verb, subject, tense)
    ours, theirs = question(subject, predicate, asked=parallel("qué", "what", "q"))
    time = draw_time(choose, verb, subject, tense, 0.4)
    return Sentence([*ours, *time[0]], [*theirs, *time[1]], True)


def why(choose: Chooser) -> Sentence:
    """Why are you sad? When did you sell the car?"""
    mood = Mood(question=True)
    asked = parallel("por qué", "why", "q")
    if choose.chance(0.3):
        feelings = [adjective for adjective in ADJECTIVES if not adjective.attributive]
        adjective = choose.pick(feelings)
        subject = subject_phrase(choose, PEOPLE, mood)
        form = agree(adjective.forms, subject.gender, subject.plural)
        predicate = copula_predicate("estar", subject)
        predicate = extended(predicate, [word(form, "a")], [word(adjective.english, "a")])
        return Sentence(*question(subject, predicate, asked=asked), True)
    verb = choose.pick([verb for verb in TRANSITIVE if "preterite" in verb.tenses])
    tense = choose.pick([tense for tense in verb.tenses if tense != "present"])
    subject = subject_phrase(choose, PEOPLE, mood)
    if tense != "progressive" and choose.chance(0.4):
        asked = parallel("cuándo", "when", "q")
    predicate = verb_predicate(verb, subject, tense)
    found = object_phrase(choose, verb, Mood(question=True, frequent=True), avoid=subject.noun)
    predicate = with_object(predicate, found)
    return Sentence(*question(subject, predicate, asked=asked), True)


def who(choose: Chooser) -> Sentence:
    """Who bought the car? Who is in the kitchen?"""
    asked = parallel("quién", "who", "q")
    if choose.chance(0.3):
        place = place_phrase(choose)
        return Sentence(
            [*asked[0], word("está", "v"), *place[0]], [*asked[1], word("is", "v"), *place[1]], True
        )
    verb = choose.pick(TRANSITIVE)
    tense = choose.pick(verb.tenses)
    nobody = Phrase(asked[0], asked[1], 2, "m")
    found = object_phrase(choose, verb, Mood(question=True))
    predicate = with_object(verb_predicate(verb, nobody, tense), found)
    return Sentence(*statement(nobody, predicate), True)


def whose(choose: Chooser) -> Sentence:
    """Whose book is this?"""
    noun = choose.pick(nouns("thing", "text", "clothes", "vehicle", "animal"))
    plural = choose.chance(0.35)
    phrase = noun_phrase(noun, "o", choose.pick(["this", "that"]), plural=plural)
    (determiner,) = [item for item in phrase.english if "o.d" in item.keys]
    (thing,) = [item for item in phrase.english if "o.n" in item.keys]
    be = word("are" if plural else "is", "v")
    ours = [*words("de quién", "q"), word("son" if plural else "es", "v"), *phrase.spanish]
    return Sentence(ours, [word("whose", "q"), thing, be, determiner], True)


def how_many(choose: Chooser) -> Sentence:
    """How many books did Ana buy?"""
    mood = Mood(question=True)
    verb = choose.pick([*TRANSITIVE[:3], *TRANSITIVE[5:7], HAVE])
    kinds = verb.objects & {"text", "written", "animal", "thing", "clothes", "vehicle"}
    noun = choose.pick(nouns(*(kinds or {"text", "animal", "clothes", "thing", "vehicle"})))
    tense = "present" if verb is HAVE else choose.pick(["present", "preterite", "future"])
    subject = subject_phrase(choose, frozenset({"person"}), mood)
    many = "cuántos" if noun.gender == "m" else "cuántas"
    asked = (
        [word(many, "q"), word(str(noun.plural), "o.n")],
        [*words("how many", "q"), word(str(noun.english[1]), "o.n")],
    )
    predicate = verb_predicate(verb, subject, tense)
    ours, theirs = question(subject, predicate, asked=asked)
    time = NO_WORDS
    if verb is not HAVE:
        time = draw_time(choose, verb, subject, tense, 0.1)
    return Sentence([*ours, *time[0]], [*theirs, *time[1]], True)
