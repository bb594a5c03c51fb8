"""The kinds of sentences of the phrasebook, and how often each is drawn.

Word order and agreement are in :mod:`clauses` and :mod:`phrases`; the kinds say what goes together.
"""

from __future__ import annotations

from collections.abc import Callable

from eigenlab.translation.grammar.actions import giving, intransitive, modal, transitive
from eigenlab.translation.grammar.clauses import (
    english_pronoun,
    pronoun,
)
from eigenlab.translation.grammar.objects import (
    names,
)
from eigenlab.translation.grammar.phrases import (
    Chooser,
    Word,
    word,
)
from eigenlab.translation.grammar.question_words import how_many, what, where, who, whose, why
from eigenlab.translation.grammar.sentence import Sentence
from eigenlab.translation.grammar.states import (
    adjectival,
    age,
    comparison,
    condition,
    existence,
    liking,
    location,
    possession,
    profession,
)
from eigenlab.translation.grammar.verbs import (
    REPORTING,
    present,
)


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
