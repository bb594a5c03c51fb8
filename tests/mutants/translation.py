"""Mutants of question 7."""

from __future__ import annotations

from dataclasses import replace

import torch

from eigenlab.experiments.stacking_design.reading import most_words, read_at
from eigenlab.experiments.translation import measure
from eigenlab.translation import (
    Seq2Seq,
    beam_search,
    exposure,
    free_running_inputs,
    greedy_decode,
    split_pairs,
    teacher_forcing_inputs,
    word_gradients,
)
from eigenlab.translation.attention import AdditiveAttention
from eigenlab.translation.stack import RecurrentStack
from mutants import Mutant, replaced

SMALL = {"n_seeds": 0}
TINY = {"n_pairs": 300, "n_test": 40, "hidden_size": 16, "training_steps": 20, "beam_size": 3}
COUNTED = {"n_test": 2000, "n_train": 3000}
LEARNED = {
    **TINY,
    "n_pairs": 2000,
    "n_test": 100,
    "training_steps": 200,
    "batch_size": 64,
    "beam_size": 5,
    "hidden_size": 32,
    "max_tokens": 5,
}
TRAINED = {"n_seeds": 1, "n_pairs": 250, "n_test": 50, "hidden_size": 8, "epochs": 1}


def unshifted(original, words):
    """The target itself, with its end in the last place."""
    if isinstance(words, torch.Tensor):
        return words[..., : original(words).shape[-1]].clone()
    return (*words, "<eos>")


def twice(original, words):
    if isinstance(words, torch.Tensor):
        once = original(words)
        return torch.cat([once[..., :1], once[..., :-1]], dim=-1)
    once = original(words)
    return (once[0], *once[:-1])


def method(owner, name, wrong):
    """A patch: ``wrong(original, self, ...)`` for a method."""

    def patch(monkeypatch):
        original = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *args, **options: wrong(original, *args, **options))

    return patch


def split_at_random(original, pairs, *, test, seed, validation=0):
    found = original(pairs, test=test, seed=seed)
    order = torch.randperm(
        len(found.train) + len(found.test), generator=torch.Generator().manual_seed(seed % 2**31)
    ).numpy()
    return replace(found, test=order[:test], train=order[test:])


def random_split(monkeypatch):
    replaced(split_pairs, split_at_random)(monkeypatch)
    monkeypatch.setattr(measure, "_generated", measure._generated.__wrapped__)  # without its cache


def from_zeros(original, model, source, lengths):
    encoded = original(model, source, lengths)
    return replace(encoded, state=tuple(0 * part for part in encoded.state))


def from_first(original, model, source, lengths):
    """The decoder starts from the encoder's first state."""
    encoded = original(model, source, lengths)
    return replace(encoded, state=(encoded.states[:, 0].unsqueeze(0),))


def reads_padding(original, stack, inputs, first=None, lengths=None):
    if lengths is not None:
        lengths = torch.full_like(lengths, inputs.shape[1])
    return original(stack, inputs, first, lengths)


def attends_to_padding(original, attention, queries, keys, states, valid):
    return original(attention, queries, keys, states, torch.ones_like(valid))


def scored(change):
    def wrong(original, *args, **options):
        return [
            [replace(item, log_probability=change(item)) for item in row]
            for row in original(*args, **options)
        ]

    return replaced(beam_search, wrong)


def greedy_beam(original, model, source, lengths, **options):
    found = greedy_decode(model, source, lengths, max_length=options["max_length"])
    return [[translation] for translation in found]


def gradient_of(word, power=1):
    def wrong(original, model, source, target, **options):
        found = original(model, source, target, word=word)
        return {part: norms**power for part, norms in found.items()}

    return replaced(word_gradients, wrong)


def sees_all(original, model, encoded, steps, start):
    """The stacked decoder reads the encoder's last state at every step."""
    return encoded.states[:, -1:].expand(-1, steps, -1)


def one_ahead(original, model, encoded, steps, start):
    return original(model, encoded, steps, start + 1)


def first_again(original, model, encoded, steps, start):
    """After the end of the source the stacked decoder reads it again from the beginning."""
    index = torch.arange(start, start + steps) % encoded.states.shape[1]
    return encoded.states[:, index]


def stacked_for_sequential(monkeypatch):
    original = Seq2Seq.__init__

    def wrong(self, *args, **options):
        original(self, *args, **{**options, "design": "stacked"})

    monkeypatch.setattr(Seq2Seq, "__init__", wrong)


def forgets(original, model, encoded, inputs, state=None, start=0):
    """Every call of the decoder starts from its first state."""
    return original(model, encoded, inputs, None, start)


def forced_twice(original, *args):
    found = original(*args)
    return replace(found, free=replace(found.forced, inputs=found.forced.inputs.flip(1)))


MUTANTS = [
    Mutant(
        "the target without the shift",
        ("7b.inputs", "7b.shifted"),
        replaced(teacher_forcing_inputs, unshifted),
        SMALL,
    ),
    Mutant("shifted twice", ("7b.inputs",), replaced(teacher_forcing_inputs, twice), SMALL),
    Mutant("shifted twice", ("7c.inputs",), replaced(free_running_inputs, twice), SMALL),
    Mutant("no start symbol", ("7c.inputs",), replaced(free_running_inputs, unshifted), SMALL),
    Mutant(
        "a state that is not carried over",
        ("7b.one-pass",),
        method(Seq2Seq, "decode", forgets),
        SMALL,
    ),
    Mutant(
        "free running that is fed other words",
        ("7c.first-error",),
        replaced(exposure, forced_twice),
        TRAINED,
    ),
    Mutant(
        "a random split",
        ("7.split",),
        random_split,
        {"n_pairs": 2000, "n_test": 200},
    ),
    Mutant(
        "a decoder that starts from zeros",
        ("7.first-state",),
        method(Seq2Seq, "encode", from_zeros),
        TINY,
    ),
    Mutant(
        "a decoder that starts from the encoder's first state",
        ("7.first-state",),
        method(Seq2Seq, "encode", from_first),
        TINY,
    ),
    Mutant(
        "an encoder that reads padding",
        ("7.company",),
        method(RecurrentStack, "forward", reads_padding),
        TINY,
    ),
    Mutant(
        "attention to padding",
        ("7.company",),
        method(AdditiveAttention, "forward", attends_to_padding),
        TINY,
    ),
    Mutant(
        "a log-probability per token",
        ("7.log-probability",),
        scored(lambda item: item.log_probability / (len(item.tokens) + 1)),
        TINY,
    ),
    Mutant(
        "an end that is not scored",
        ("7.log-probability",),
        scored(lambda item: item.log_probability * len(item.tokens) / (len(item.tokens) + 1)),
        TINY,
    ),
    Mutant(
        "greedy decoding",
        ("7.beam",),
        replaced(beam_search, greedy_beam),
        LEARNED,
    ),
    Mutant("the gradient of the next token", ("7.gradient",), gradient_of(-1), TINY),
    Mutant("the squares of the norms", ("7.gradient",), gradient_of(-2, power=2), TINY),
    Mutant(
        "the encoder's last state at every step",
        ("7a.cannot-look-ahead",),
        method(Seq2Seq, "_below", sees_all),
    ),
    Mutant(
        "the encoder's state of the next step",
        ("7a.cannot-look-ahead",),
        method(Seq2Seq, "_below", one_ahead),
    ),
    Mutant(
        "the source again from its beginning",
        ("7a.last-state",),
        method(Seq2Seq, "_below", first_again),
    ),
    Mutant(
        "a decoder that starts from zeros",
        ("7a.reads-everything",),
        method(Seq2Seq, "encode", from_zeros),
    ),
    Mutant("the stacked design for both", ("7a.reads-everything",), stacked_for_sequential),
    Mutant(
        "the whole source read at every step",
        ("7a.limit",),
        replaced(read_at, lambda original, step, stacked, length: length),
        COUNTED,
    ),
    Mutant(
        "words of every status counted together",
        ("7a.limit",),
        replaced(
            most_words,
            lambda original, pairs, groups, stacked: original(
                pairs,
                [["all"] * len(row) for row in groups],
                stacked=stacked,
            ),
        ),
        COUNTED,
    ),
]
