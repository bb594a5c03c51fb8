"""The claims of ``translation``, each above the function that judges it."""

from __future__ import annotations

import math
from typing import Any

from eigenlab.experiments.translation.records import (
    ATTENTION,
    LAST_STATE,
    CorpusRecord,
    TranslationRecord,
)
from eigenlab.lab import Check, above, applies_to, at_least, at_most, claim
from eigenlab.lab.scope import Scope
from eigenlab.statistics import Interval, newcombe_interval, wilson_interval, worst

#: Rounding of float64 over a sentence: some hundred operations of relative error 1e-16 on
#: log-probabilities of some ten nats.
ROUNDING = 1e-10
#: The same for float32, whose relative error is 6e-8.
ROUNDING_FLOAT32 = 1e-3
#: What a wrong first state must change to be told from rounding.
VISIBLE = 1e-6
EXACT = 0.99

#: Trainings on short sentences.
SHORT: dict[str, Any] = {
    "n_pairs": (8000, None),
    "n_test": (300, None),
    "max_tokens": (5, 6),
    "hidden_size": (64, 256),
    "batch_size": (64, 256),
    "learning_rate": (4e-3, 1e-2),
    "training_steps": (500, None),
}
#: Trainings that are large and long enough to learn the whole grammar.
LONG: dict[str, Any] = {
    "n_pairs": (50_000, None),
    "n_test": (1000, None),
    "hidden_size": (256, 512),
    "batch_size": (64, 256),
    "learning_rate": (1e-3, 3e-3),
    "training_steps": (8000, None),
}
MASTERED = applies_to(**LONG)


def either(short: Scope, long: Scope) -> Scope:
    """The scope of a claim about short sentences, or all sentences and a long training."""
    return lambda config: short(config) if long(config) else ""


TRAINED = either(applies_to(**SHORT), MASTERED)
WITH_BEAM = either(
    applies_to(**SHORT, beam_size=(4, None)), applies_to(**LONG, beam_size=(4, None))
)


@claim(
    "7.split",
    "No held-out sentence is in a training pair; a random split would have let some through.",
    source="docs/translation.md, Splits without leaks",
    origin="ours",
    explanation="Sentences with several translations are on several lines. Sentences are compared "
    "without case, punctuation and symbols; the count shares no code with the split.",
    scope=applies_to(n_pairs=(2000, None), n_test=(100, None)),
    refutes=["a random split"],
    counterexamples=[{"leaked": 1, "leaked_at_random": 9}, {"leaked": 0, "leaked_at_random": 0}],
)
def split(record: CorpusRecord) -> list[Check]:
    return [
        at_most("held-out pairs that share a sentence with training", record.leaked, 0),
        above("the same with a random split", record.leaked_at_random, 0),
    ]


@claim(
    "7.first-state",
    "The decoder's first state is the encoder's last one, and its output depends on it.",
    source="question 7",
    explanation="The states are read where the modules are called, and agree to the last bit. The "
    "log-probabilities of the references agree with the equations of encoder, decoder and "
    "attention written out token by token, but not if that decoder starts from zeros.",
    refutes=[
        "a decoder that starts from zeros",
        "a decoder that starts from the encoder's first state",
    ],
    counterexamples=[
        {"models/last state/first_state/difference": 1e-12},
        {"models/attention/first_state/written_out_difference": 1e-3},
        {"models/last state/first_state/zero_difference": 0.0},
        {"models/attention/first_state/difference": math.nan},
    ],
)
def first_state(record: TranslationRecord) -> list[Check]:
    checks = []
    for name, model in record.models.items():
        found = model.first_state
        checks += [
            at_most(f"{name}: first state minus last state", found.difference, 0.0),
            at_most(
                f"{name}: log-probability minus that of the equations written out",
                found.written_out_difference,
                ROUNDING,
                unit="nats",
            ),
            above(
                f"{name}: the same with a decoder that starts from zeros",
                found.zero_difference,
                VISIBLE,
                unit="nats",
            ),
        ]
    return checks


@claim(
    "7.company",
    "A sentence is translated alike alone and in a batch with longer sentences.",
    source="docs/translation.md, Fit and translate",
    origin="ours",
    explanation="Padding enters neither states nor attention. In float64 the translations are the "
    "same; in float32 log-probabilities agree up to rounding.",
    refutes=["an encoder that reads padding", "attention to padding"],
    counterexamples=[
        {"models/last state/decoding/alone_changed": 1},
        {"models/attention/decoding/alone_difference": 1e-6},
        {"models/attention/decoding/alone_difference_float32": 0.1},
    ],
)
def company(record: TranslationRecord) -> list[Check]:
    checks = []
    for name, model in record.models.items():
        found = model.decoding
        checks += [
            at_most(f"{name}: translations that differ, float64", found.alone_changed, 0),
            at_most(
                f"{name}: difference of log-probabilities, float64",
                found.alone_difference,
                ROUNDING,
                unit="nats",
            ),
            at_most(
                f"{name}: difference of log-probabilities, float32",
                found.alone_difference_float32,
                ROUNDING_FLOAT32,
                unit="nats",
            ),
        ]
    return checks


@claim(
    "7.log-probability",
    "The log-probability that beam search states is that of the whole translation.",
    source="question 7",
    explanation="The probability of a sentence is the product of those of its words, each given "
    "the source and the words before it, and that of the end. It is computed again by the "
    "equations written out, where <pad> and <sos>, which are never written, have probability 0.",
    refutes=["a log-probability per token", "an end that is not scored"],
    counterexamples=[{"models/*/decoding/rescored_difference": 1e-4}],
)
def log_probability(record: TranslationRecord) -> list[Check]:
    return [
        at_most(
            f"{name}: largest difference",
            model.decoding.rescored_difference,
            ROUNDING,
            unit="nats",
        )
        for name, model in record.models.items()
    ]


@claim(
    "7.beam",
    "Beam search finds more probable translations than greedy decoding: on average, and for more "
    "sentences than it loses.",
    source="question 7",
    explanation="Greedy decoding keeps one prefix, beam search several. It can still lose: where "
    "the greedy prefix drops out of the beam, and the prefixes that displaced it end badly.",
    scope=WITH_BEAM,
    refutes=["greedy decoding"],
    counterexamples=[{"models/attention/decoding/beam/*": -1e3}],
)
def beam(record: TranslationRecord) -> list[Check]:
    checks = []
    for name, model in record.models.items():
        pairs = zip(model.decoding.beam, model.decoding.greedy, strict=True)
        gains = [found - greedy for found, greedy in pairs]
        won, lost = sum(g > ROUNDING for g in gains), sum(not g >= -ROUNDING for g in gains)
        checks += [
            above(f"{name}: mean gain", math.fsum(gains) / len(gains), 0.0, unit="nats"),
            above(f"{name}: sentences with a more probable one", won, lost),
        ]
    return checks


@claim(
    "7.attention",
    "With attention more held-out sentences are translated exactly than from the last state alone.",
    source="D. Bahdanau, K. Cho and Y. Bengio, 2015, arXiv:1409.0473",
    origin="ours",
    explanation="The last state must hold the whole sentence in H numbers; attention reads the "
    "states of single words. Both models have the same encoder, decoder, batches and number of "
    "updates. The interval is Newcombe's for paired proportions.",
    scope=TRAINED,
    counterexamples=[
        {"models/last state/is_exact/*": 1, "models/attention/is_exact/*": 0},
        {"models/last state/is_exact/*": 1, "models/attention/is_exact/*": 1},
    ],
)
def attention(record: TranslationRecord) -> list[Check]:
    found = exact_difference(record)
    label = "exact match with attention minus last state, 95 % lower end"
    return [above(label, found.low, 0.0)]


def exact_difference(record: TranslationRecord) -> Interval:
    """Share of exact translations with attention minus without, on the same sentences."""
    with_it, without = (record.models[name].is_exact for name in (ATTENTION, LAST_STATE))
    outcomes = list(zip(with_it, without, strict=True))
    return newcombe_interval(*(outcomes.count(kind) for kind in ((1, 1), (1, 0), (0, 1), (0, 0))))


@claim(
    "7.alignment",
    "Attention finds the words that are translated: the heaviest source word is an aligned one "
    "more often than by chance or by reading both sentences at the same pace.",
    source="D. Bahdanau, K. Cho and Y. Bengio, 2015, arXiv:1409.0473",
    origin="ours",
    explanation="The phrasebook knows which words translate each other; training does not use it. "
    "The final mark is left out: it ends both sentences, and while it is written attention rests "
    "on the end of the source.",
    scope=TRAINED,
    counterexamples=[
        {"models/attention/alignment/attention": 0.1},
        {"models/attention/alignment/diagonal": 1.0},
        {"models/attention/alignment/uniform": 1.0},
    ],
)
def alignment(record: TranslationRecord) -> list[Check]:
    found = record.models[ATTENTION].alignment
    if found is None:
        raise ValueError("the model with attention has no alignment")
    low = wilson_interval(round(found.attention * found.words), found.words).low
    return [
        above(
            "share of aligned words, 95 % lower end, against uniform weights", low, found.uniform
        ),
        above("the same against the diagonal", low, found.diagonal),
    ]


@claim(
    "7.gradient",
    "The gradient that reaches each encoder state is that of autograd.",
    source="question 7",
    explanation="The norms of d(-log p)/dh_t come from the backward sweep that traces gradients "
    "through recurrent layers; autograd differentiates the equations written out.",
    refutes=["the gradient of the next token", "the squares of the norms"],
    counterexamples=[{"models/*/gradients/autograd_difference": 1e-4}],
)
def gradient(record: TranslationRecord) -> list[Check]:
    differences = [model.gradients.autograd_difference for model in record.models.values()]
    return [at_most("largest relative difference", worst(differences), 1e-9)]


@claim(
    "7.exact-match",
    "With attention 99 % of the held-out sentences are translated exactly.",
    source="question 7, on the phrasebook",
    explanation="Every Spanish sentence of the phrasebook has one translation, so nothing but "
    "rare words stands against it. Smaller and shorter trainings reach less.",
    scope=MASTERED,
    counterexamples=[{"models/attention/greedy/exact": 1}],
)
def exact_match(record: TranslationRecord) -> list[Check]:
    return [at_least("exact match", record.models[ATTENTION].greedy.exact_match, EXACT)]
