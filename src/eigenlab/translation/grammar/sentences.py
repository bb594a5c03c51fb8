"""The kinds of sentences of the phrasebook; each function writes one sentence in both languages.

Word order and agreement are in :mod:`clauses` and :mod:`phrases`; here is what goes together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from eigenlab.translation.grammar.clauses import (
    NO_WORDS,
    Predicate,
    Sides,
    copula_predicate,
    english_pronoun,
    extended,
    modal_predicate,
    pronoun,
    question,
    statement,
    verb_predicate,
    with_clitic,
)
from eigenlab.translation.grammar.lexicon import (
    ADJECTIVES,
    CONDITIONS,
    NOUNS,
    PROFESSIONS,
    nouns,
)
from eigenlab.translation.grammar.objects import (
    FREQUENCIES,
    Mood,
    clitic_for,
    home_phrase,
    names,
    object_phrase,
    place_phrase,
    subject_phrase,
    time_phrase,
    with_object,
)
from eigenlab.translation.grammar.phrases import (
    NUMBERS,
    POSSESSIVES,
    Chooser,
    Phrase,
    Word,
    agree,
    can_be_owned,
    name_phrase,
    noun_phrase,
    parallel,
    word,
    words,
)
from eigenlab.translation.grammar.verbs import (
    DITRANSITIVE,
    INTRANSITIVE,
    REPORTING,
    TRANSITIVE,
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


def _mood(choose: Chooser) -> Mood:
    kind = choose.pick(["plain"] * 5 + ["negative"] * 2 + ["question"] * 3)
    return Mood(
        negative=kind == "negative" or (kind == "question" and choose.chance(0.12)),
        question=kind == "question",
    )


def _clause(
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


def _time(choose: Chooser, verb: Verb, subject: Phrase, tense: str, probability: float) -> Sides:
    """Often no time. Compramos is present and preterite: a word for the past then decides."""
    same = present(verb.infinitive)[subject.person] == preterite(verb.infinitive)[subject.person]
    if tense == "preterite" and same:
        return time_phrase(choose, tense, past_only=True)
    return time_phrase(choose, tense) if choose.chance(probability) else NO_WORDS


def _frequent(choose: Chooser, mood: Mood, tense: str) -> Mood:
    if tense == "present" and not mood.negative and not mood.question and choose.chance(0.25):
        return Mood(frequent=True)
    return mood


def transitive(choose: Chooser) -> Sentence:
    """I see a dog; you are not buying the car; did Ana call me yesterday?"""
    verb = choose.pick(TRANSITIVE)
    tense = choose.pick(verb.tenses)
    mood = _frequent(choose, _mood(choose), tense)
    subject = subject_phrase(choose, verb.subjects, mood)
    predicate = verb_predicate(verb, subject, tense)
    if verb.objects & {"person"} and choose.chance(0.3):
        predicate = with_clitic(predicate, *clitic_for(choose, subject))
    else:
        found = object_phrase(choose, verb, mood, avoid=subject.noun)
        predicate = with_object(predicate, found)
    time = NO_WORDS if mood.frequent else _time(choose, verb, subject, tense, 0.22)
    return _clause(choose, subject, predicate, mood, time)


def intransitive(choose: Chooser) -> Sentence:
    """She lives near the park; the children did not sleep."""
    verb = choose.pick(INTRANSITIVE)
    tense = choose.pick(verb.tenses)
    mood = _frequent(choose, _mood(choose), tense)
    subject = subject_phrase(choose, verb.subjects, mood)
    predicate = verb_predicate(verb, subject, tense)
    if verb.infinitive == "vivir" or choose.chance(0.6):
        at_home = verb.infinitive == "vivir"
        predicate = extended(predicate, *(home_phrase if at_home else place_phrase)(choose))
    time = NO_WORDS
    if not mood.frequent and verb.infinitive != "vivir":
        time = _time(choose, verb, subject, tense, 0.35)
    return _clause(choose, subject, predicate, mood, time)


def modal(choose: Chooser) -> Sentence:
    """I want to buy a car; can you open the window?"""
    verb = choose.pick([*TRANSITIVE, *INTRANSITIVE])
    if verb.infinitive in ("conocer", "necesitar", "romper", "perder"):
        verb = INTRANSITIVE[1]
    mood = _mood(choose)
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
    return _clause(choose, subject, predicate, mood, time)


def adjectival(choose: Chooser) -> Sentence:
    """The house is big; I am tired. The adjective decides between ser and estar."""
    adjective = choose.pick([adjective for adjective in ADJECTIVES if not adjective.before])
    mood = _mood(choose)
    subject = subject_phrase(choose, adjective.kinds, mood, definite=True)
    predicate = copula_predicate(adjective.verb, subject)
    very = bool(adjective.comparative or not adjective.attributive) and choose.chance(0.25)
    form = agree(adjective.forms, subject.gender, subject.plural)
    predicate = extended(
        predicate,
        [*words("muy" if very else "", "very"), word(form, "a")],
        [*words("very" if very else "", "very"), word(adjective.english, "a")],
    )
    if adjective.verb == "estar" and mood.plain and choose.chance(0.2):
        mood = Mood(frequent=True)
    return _clause(choose, subject, predicate, mood)


def comparison(choose: Chooser) -> Sentence:
    """Ana is taller than Pablo."""
    adjective = choose.pick([adjective for adjective in ADJECTIVES if adjective.comparative])
    mood = _mood(choose)
    subject = subject_phrase(choose, adjective.kinds, mood, definite=True)
    if subject.kinds & PEOPLE and choose.chance(0.6):
        other = name_phrase(choose, "c", avoid=subject.noun)
        if subject.kinds & {"pronoun"} and subject.person not in (0, 3) and choose.chance(0.3):
            other = Phrase([word("yo", "c")], [word("me", "c")], 0, "m")
    else:
        found = [
            noun
            for noun in nouns(*(adjective.kinds - {"relative"}))
            if noun.singular != subject.noun
            and (not subject.noun or noun.kinds & subject.kinds or subject.kinds & PEOPLE)
            and (noun.kinds & PEOPLE or not subject.kinds & PEOPLE)
        ]
        noun = choose.pick(found or nouns("person"))
        determiner = choose.pick(["the", "this", "that"])
        other = noun_phrase(noun, "c", determiner, plural=noun.counted and subject.plural)
    predicate = copula_predicate("ser", subject)
    form = agree(adjective.forms, subject.gender, subject.plural)
    predicate = extended(
        predicate,
        [word("más", "a"), word(form, "a"), word("que", "than"), *other.spanish],
        [*words(str(adjective.comparative), "a"), word("than", "than"), *other.english],
    )
    if mood.question:  # es Ana más alta que Pablo
        predicate = _subject_first(predicate)
    return _clause(choose, subject, predicate, mood)


def _subject_first(predicate: Predicate) -> Predicate:
    return replace(predicate, subject_last=False)


def profession(choose: Chooser) -> Sentence:
    """My sister is a doctor: an article in English, none in Spanish."""
    masculine, feminine, english, english_feminine = choose.pick(PROFESSIONS)
    mood = _mood(choose)
    subject = subject_phrase(choose, frozenset({"person", "relative"}), mood, definite=True)
    if subject.kinds & {"person"} and not subject.kinds & {"pronoun", "name"}:
        subject = names(choose)  # not: this doctor is a teacher
    ours, theirs = (masculine, english) if subject.gender == "m" else (feminine, english_feminine)
    if subject.plural:
        ours = ours[:-1] + "ces" if ours.endswith("z") else ours
        ours += "" if ours.endswith("ces") else "s" if ours[-1] in "aeo" else "es"
        theirs += "es" if theirs.endswith("s") else "s"
    article = [] if subject.plural else [word("an" if theirs[0] in "aei" else "a")]
    predicate = extended(
        copula_predicate("ser", subject), [word(ours, "a")], [*article, word(theirs, "a")]
    )
    return _clause(choose, subject, predicate, mood)


def location(choose: Chooser) -> Sentence:
    """Ana is at home; the keys are on the table: estar."""
    mood = _mood(choose)
    on_something = choose.chance(0.5)
    if on_something:
        kinds = frozenset({"small", "clothes", "text", "sent"})
        place = _surface(choose)
    else:
        kinds = frozenset({"person", "relative", "animal"})
        place = place_phrase(choose)
    subject = subject_phrase(choose, kinds, mood, definite=True)
    predicate = extended(_subject_first(copula_predicate("estar", subject)), *place)
    time = NO_WORDS
    if mood.plain and choose.chance(0.1):
        mood = Mood(frequent=True)
    elif choose.chance(0.1):
        time = time_phrase(choose, "progressive")
    return _clause(choose, subject, predicate, mood, time)


_SURFACES = (
    ("sobre", "on", "mesa"),
    ("sobre", "on", "silla"),
    ("debajo de", "under", "mesa"),
    ("debajo de", "under", "silla"),
    ("en", "in", "caja"),
    ("en", "in", "coche"),
)


def _surface(choose: Chooser) -> Sides:
    ours, theirs, where = choose.pick(_SURFACES)
    (noun,) = [noun for noun in NOUNS if noun.singular == where]
    phrase = noun_phrase(noun, "p.w", choose.pick(["the", "the", *POSSESSIVES, "that"]))
    return [*words(ours, "p"), *phrase.spanish], [*words(theirs, "p"), *phrase.english]


def existence(choose: Chooser) -> Sentence:
    """There are three dogs in the garden: one form of haber for all numbers."""
    mood = _mood(choose)
    indoors = choose.chance(0.5)
    kinds = ("small", "food", "drink", "text", "sent") if indoors else ("animal", "person")
    noun = choose.pick([noun for noun in nouns(*kinds) if noun.singular != "caja"])
    plural = noun.counted and not mood.negative and choose.chance(0.5)
    if plural:
        options = [*NUMBERS, "many"] if mood.plain else ["many", *NUMBERS]
    elif noun.counted:
        options = ["none"] if mood.negative else ["a"]
    else:
        options = ["bare"]
    found = noun_phrase(noun, "o", choose.pick(options), plural=plural)
    english = found.english
    if not noun.counted and not mood.plain:
        english = [word("any"), *english]
    where = _surface(choose) if indoors else place_phrase(choose)
    is_plural = plural or (mood.negative and noun.counted)
    predicate = Predicate(
        [word("hay", "v")],
        [*found.spanish, *where[0]],
        [*english, *where[1]],
        [word("are" if is_plural else "is", "v")],
    )
    there = Phrase([], [word("there", "v")], 2, "m")
    return _clause(choose, there, predicate, mood)


def liking(choose: Chooser) -> Sentence:
    """I like coffee: what is liked is the Spanish subject, and generic with an article."""
    mood = _mood(choose)
    spanish_before: list[Word] = []
    if choose.chance(0.45):
        liker = subject_phrase(choose, PEOPLE, mood, definite=True)
        if not liker.spanish:
            liker = names(choose)
    else:
        person = choose.pick([1, 1, 1, 4, 5] if mood.question else [0, 0, 1, 1, 3, 3, 4, 5])
        liker = pronoun(person, "m", dropped=True)
    clitic = ("me", "te", "le", "nos", "os", "les")[liker.person]
    if liker.spanish:
        spanish_before = [word("a"), *_stressed(liker)]
        own = [word(clitic)]
    else:
        own = [word(clitic, "s")]
    liked, plural = _liked(choose)
    third = liker.person == 2
    predicate = Predicate(
        [word("gustan" if plural else "gusta", "v")],
        liked[0],
        [word("like", "v"), *liked[1]],
        [word("does" if third else "do")],
        word("likes" if third else "like", "v"),
        own,
    )
    subject = Phrase([], liker.english, liker.person, "m")
    make = question if mood.question else statement
    ours, theirs = make(subject, predicate, negative=mood.negative)
    return Sentence([*spanish_before, *ours], theirs, mood.question)


def _stressed(liker: Phrase) -> list[Word]:
    """What follows the preposition a: mí and ti instead of yo and tú, a second a after y."""
    forms = {"yo": "mí", "tú": "ti"}
    found = []
    for item in liker.spanish:
        found.append(Word(forms.get(item.text, item.text), item.keys))
        if item.text == "y":
            found.append(word("a"))
    return found


def _liked(choose: Chooser) -> tuple[Sides, bool]:
    if choose.chance(0.2):
        verb = choose.pick([*INTRANSITIVE[1:], TRANSITIVE[5], TRANSITIVE[6]])
        english = f"{verb.english[0]} {verb.particle}".split()
        ours = [word(verb.infinitive, "o")]
        return (ours, [word("to", "o"), *(word(part, "o") for part in english)]), False
    noun = choose.pick(nouns("animal", "food", "drink", "text", "clothes", "vehicle"))
    generic = not noun.counted or choose.chance(0.5)
    if generic:
        phrase = noun_phrase(noun, "o", "the", plural=noun.counted)
        adjective = choose.pick(ADJECTIVES[:4])
        if noun.kinds & adjective.kinds and choose.chance(0.3):
            phrase = noun_phrase(noun, "o", "the", plural=noun.counted, adjective=adjective)
        return (phrase.spanish, phrase.english[1:]), noun.counted
    options = ["this", "that", *(POSSESSIVES if can_be_owned(noun) else [])]
    plural = choose.chance(0.4)
    phrase = noun_phrase(noun, "o", choose.pick(options), plural=plural)
    return (phrase.spanish, phrase.english), plural


def condition(choose: Chooser) -> Sentence:
    """I am hungry: Spanish has hunger."""
    mood = _mood(choose)
    subject = subject_phrase(
        choose, frozenset({"person", "relative", "animal"}), mood, definite=True
    )
    noun, gender, english = choose.pick(CONDITIONS)
    very = mood.plain and choose.chance(0.3)
    much = [word("mucho" if gender == "m" else "mucha", "very")] if very else []
    base = _subject_first(copula_predicate("estar", subject))
    predicate = Predicate(
        [Word(present("tener")[subject.person], base.verb[0].keys)],
        [*much, word(noun, "a")],
        [*([word("very", "very")] if very else []), word(english, "a")],
        base.operator,
    )
    if mood.plain and not very and choose.chance(0.25):
        mood = Mood(frequent=True)
    return _clause(choose, subject, predicate, mood)


_AGES = (
    ("ocho", "eight"),
    ("diez", "ten"),
    ("doce", "twelve"),
    ("veinte", "twenty"),
    ("treinta", "thirty"),
    ("cuarenta", "forty"),
    ("sesenta", "sixty"),
)


def age(choose: Chooser) -> Sentence:
    """Ana is ten years old: Spanish has years."""
    mood = _mood(choose)
    subject = subject_phrase(choose, PEOPLE, mood, definite=True)
    base = _subject_first(copula_predicate("estar", subject))
    ours, theirs = choose.pick(_AGES)
    predicate = Predicate(
        [Word(present("tener")[subject.person], base.verb[0].keys)],
        [word(ours, "n"), word("años", "years")],
        [word(theirs, "n"), *words("years old", "years")],
        base.operator,
    )
    return _clause(choose, subject, predicate, mood)


_HAVE = Verb("tener", ("have", "has", "had", "having"))


def possession(choose: Chooser) -> Sentence:
    """I have two brothers; you don't have any books."""
    mood = _mood(choose)
    subject = subject_phrase(choose, PEOPLE, mood, definite=True)
    predicate = verb_predicate(_HAVE, subject, "present")
    if choose.chance(0.25) and mood.plain:
        noun = choose.pick(
            [noun for noun in nouns("relative") if noun.singular[:2] in ("he", "pr")]
        )
        found = noun_phrase(noun, "o", choose.pick(NUMBERS), plural=True)
    else:
        noun = choose.pick(nouns("animal", "thing", "text", "clothes", "vehicle", "piece"))
        plural = choose.chance(0.4) and not mood.negative
        options = ["none" if mood.negative else "a"]
        if plural:
            options = [*NUMBERS, "many"] if mood.plain else ["many"]
        adjective = None
        if choose.chance(0.35):
            found_adjectives = [
                a for a in ADJECTIVES if a.attributive and a.kinds & noun.kinds and not a.before
            ]
            adjective = choose.pick(found_adjectives) if found_adjectives else None
        found = noun_phrase(noun, "o", choose.pick(options), plural=plural, adjective=adjective)
    predicate = extended(predicate, found.spanish, found.english)
    return _clause(choose, subject, predicate, mood)


def giving(choose: Chooser) -> Sentence:
    """Ana gave me a book; I am going to send Pablo a letter."""
    verb = choose.pick(DITRANSITIVE)
    tense = choose.pick(["present", "preterite", "preterite", "future", "progressive"])
    mood = _mood(choose)
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
    return _clause(choose, subject, predicate, mood, _time(choose, verb, subject, tense, 0.2))


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
    time = _time(choose, verb, subject, tense, 0.4)
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
    verb = choose.pick([*TRANSITIVE[:3], *TRANSITIVE[5:7], _HAVE])
    kinds = verb.objects & {"text", "written", "animal", "thing", "clothes", "vehicle"}
    noun = choose.pick(nouns(*(kinds or {"text", "animal", "clothes", "thing", "vehicle"})))
    tense = "present" if verb is _HAVE else choose.pick(["present", "preterite", "future"])
    subject = subject_phrase(choose, frozenset({"person"}), mood)
    many = "cuántos" if noun.gender == "m" else "cuántas"
    asked = (
        [word(many, "q"), word(str(noun.plural), "o.n")],
        [*words("how many", "q"), word(str(noun.english[1]), "o.n")],
    )
    predicate = verb_predicate(verb, subject, tense)
    ours, theirs = question(subject, predicate, asked=asked)
    time = NO_WORDS
    if verb is not _HAVE:
        time = _time(choose, verb, subject, tense, 0.1)
    return Sentence([*ours, *time[0]], [*theirs, *time[1]], True)


def reported(choose: Chooser) -> Sentence:
    """I think that Ana is sick; my brother says that you live here."""
    said = choose.pick(STATEMENTS)(choose)
    while said.is_question:
        said = choose.pick(STATEMENTS)(choose)
    infinitive, base, third = choose.pick(REPORTING)
    if choose.chance(0.5) and infinitive != "decir":
        person = choose.pick([0, 0, 3, 5])
        speaker = pronoun(person, "m", dropped=True)
        theirs = [word(english_pronoun(person, "m"), "w")]
    else:
        speaker = names(choose)
        theirs = [Word(w.text, frozenset(f"w.{key}" for key in w.keys)) for w in speaker.english]
    ours = [Word(w.text, frozenset(f"w.{key}" for key in w.keys)) for w in speaker.spanish]
    form = present(infinitive)[speaker.person]
    finite = word(form, "wv") if ours else word(form, "w", "wv")
    verb = third if speaker.person == 2 else base
    return Sentence(
        [*ours, finite, word("que", "that"), *said.spanish],
        [*theirs, word(verb, "wv"), word("that", "that"), *said.english],
    )


STATEMENTS: tuple[Callable[[Chooser], Sentence], ...] = (
    *[transitive] * 3,
    intransitive,
    modal,
    adjectival,
    profession,
    location,
    liking,
    condition,
    possession,
)
#: Every kind of sentence, as often as it is drawn.
KINDS: tuple[Callable[[Chooser], Sentence], ...] = (
    *[transitive] * 13,
    *[intransitive] * 7,
    *[modal] * 5,
    *[adjectival] * 4,
    *[comparison] * 2,
    profession,
    *[location] * 3,
    *[existence] * 2,
    *[liking] * 3,
    condition,
    age,
    *[possession] * 2,
    *[giving] * 3,
    where,
    what,
    *[why] * 2,
    who,
    whose,
    how_many,
    *[reported] * 3,
)
