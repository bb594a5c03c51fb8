"""Sentences with *ser*, *estar*, *hay*, *gustar* and *tener*: how things are, and whose."""

from __future__ import annotations

from dataclasses import replace

from eigenlab.translation.grammar.clauses import (
    NO_WORDS,
    Predicate,
    Sides,
    copula_predicate,
    extended,
    pronoun,
    question,
    statement,
    verb_predicate,
)
from eigenlab.translation.grammar.lexicon import (
    ADJECTIVES,
    CONDITIONS,
    NOUNS,
    PROFESSIONS,
    nouns,
)
from eigenlab.translation.grammar.objects import (
    Mood,
    names,
    place_phrase,
    subject_phrase,
    time_phrase,
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
    word,
    words,
)
from eigenlab.translation.grammar.sentence import (
    HAVE,
    PEOPLE,
    Sentence,
    clause,
    draw_mood,
)
from eigenlab.translation.grammar.verbs import (
    INTRANSITIVE,
    TRANSITIVE,
    present,
)


def adjectival(choose: Chooser) -> Sentence:
    """The house is big; I am tired. The adjective decides between ser and estar."""
    adjective = choose.pick([adjective for adjective in ADJECTIVES if not adjective.before])
    mood = draw_mood(choose)
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
    return clause(choose, subject, predicate, mood)


def comparison(choose: Chooser) -> Sentence:
    """Ana is taller than Pablo."""
    adjective = choose.pick([adjective for adjective in ADJECTIVES if adjective.comparative])
    mood = draw_mood(choose)
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
    return clause(choose, subject, predicate, mood)


def _subject_first(predicate: Predicate) -> Predicate:
    return replace(predicate, subject_last=False)


def profession(choose: Chooser) -> Sentence:
    """My sister is a doctor: an article in English, none in Spanish."""
    masculine, feminine, english, english_feminine = choose.pick(PROFESSIONS)
    mood = draw_mood(choose)
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
    return clause(choose, subject, predicate, mood)


def location(choose: Chooser) -> Sentence:
    """Ana is at home; the keys are on the table: estar."""
    mood = draw_mood(choose)
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
    return clause(choose, subject, predicate, mood, time)


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
    mood = draw_mood(choose)
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
    return clause(choose, there, predicate, mood)


def liking(choose: Chooser) -> Sentence:
    """I like coffee: what is liked is the Spanish subject, and generic with an article."""
    mood = draw_mood(choose)
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
    mood = draw_mood(choose)
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
    return clause(choose, subject, predicate, mood)


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
    mood = draw_mood(choose)
    subject = subject_phrase(choose, PEOPLE, mood, definite=True)
    base = _subject_first(copula_predicate("estar", subject))
    ours, theirs = choose.pick(_AGES)
    predicate = Predicate(
        [Word(present("tener")[subject.person], base.verb[0].keys)],
        [word(ours, "n"), word("años", "years")],
        [word(theirs, "n"), *words("years old", "years")],
        base.operator,
    )
    return clause(choose, subject, predicate, mood)


def possession(choose: Chooser) -> Sentence:
    """I have two brothers; you don't have any books."""
    mood = draw_mood(choose)
    subject = subject_phrase(choose, PEOPLE, mood, definite=True)
    predicate = verb_predicate(HAVE, subject, "present")
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
    return clause(choose, subject, predicate, mood)
