"""Mutants of question 1h."""

from __future__ import annotations

import torch

from eigenlab.experiments.stacked_rnn import measure
from eigenlab.recurrent import fit_regressors, running_average
from eigenlab.recurrent.ensemble import _Stack
from mutants import Mutant, replaced
from mutants.recurrent import shifted, with_parameters

CELLS = {"n_networks": 12, "factors": (1.0,), "trace_length": 30}
NEAR_ZERO = {"n_networks": 2, "factors": (0.01,), "trace_length": 20}
#: Short sequences, which four small networks learn below the bounds of the text in a second.
SMALL = {"hidden_size": 16, "length": 4, "batch_size": 16}
BRIEF = {**SMALL, "training_steps": 700, "learning_rate": 5e-3}
SEEDS = {"n_seeds": 4, "n_deep_seeds": 4, "n_lstm_seeds": 3}
ONE = {**BRIEF, **SEEDS, "models": ("RNN, one layer",)}
TWO = {**BRIEF, **SEEDS, "models": ("RNN, two layers",)}
#: The sequences of the text, on which one layer stays above the bound of two.
TWO_ONLY = {**SEEDS, "models": ("RNN, two layers",), "training_steps": 1000, "learning_rate": 1e-3}
LSTMS = {
    **SMALL,
    **SEEDS,
    "training_steps": 300,
    "learning_rate": 1e-2,
    "models": ("LSTM", "LSTM, two layers"),
}


def task(change):
    def wrong(original, batch_size, length, **options):
        x, y = original(batch_size, length, **options)
        return x, change(x, y)

    return replaced(running_average, wrong)


def last_step_only(original, *args, **options):
    return original(*args, **{**options, "last_step_only": True})


def half_of_the_loss(monkeypatch):
    original = _Stack.losses
    monkeypatch.setattr(_Stack, "losses", lambda *args: original(*args) / 2)


def one_layer_for_two(original, kind, hidden_size, num_layers=1, **options):
    return original(kind, hidden_size, 1, **options)


def exchanged(monkeypatch):
    monkeypatch.setitem(measure.CELLS, "RNN", ("LSTM", 0.0))
    monkeypatch.setitem(measure.CELLS, "LSTM", ("RNN", 0.0))


def input_gate(original, kind, hidden_size, factor, forget_bias, seed):
    model = original(kind, hidden_size, factor, 0.0, seed)
    if forget_bias:
        with torch.no_grad():
            model.layers[0].b[:hidden_size] += forget_bias
    return model


def negated(original, kind, hidden_size, factor, forget_bias, seed):
    return original(kind, hidden_size, factor, -forget_bias, seed)


def near_half(original, gradient):
    return measure.growth(gradient[len(gradient) // 2 :])


MUTANTS = [
    *(
        Mutant(name, (id,), patch, settings)
        for id, settings in (("1h.one-layer", ONE), ("1h.two-layers", TWO))
        for name, patch in (
            ("running sums", task(lambda x, y: x.cumsum(dim=1))),
            ("averages of the inputs before", task(lambda x, y: shifted(y))),
            ("the loss at the last step only", replaced(fit_regressors, last_step_only)),
            ("half of the mean square", half_of_the_loss),
        )
    ),
    *(
        Mutant("one layer for two", (id,), replaced(measure._build, one_layer_for_two), settings)
        for id, settings in (("1h.two-layers", TWO_ONLY), ("1h.lstm-losses", LSTMS))
    ),
    Mutant(
        "the bias twice",
        ("1h.sum-and-time",),
        with_parameters(lambda own: {"b": 2 * own["b"]}),
    ),
    Mutant("W_h = 0", ("1h.sum-and-time",), with_parameters(lambda own: {"W_h": 0 * own["W_h"]})),
    Mutant(
        "rates over the near half",
        ("1h.lstm-slower",),
        replaced(measure.far_growth, near_half),
        CELLS,
    ),
    Mutant("LSTM and RNN exchanged", ("1h.lstm-slower", "1h.lstm-slower-short"), exchanged, CELLS),
    Mutant(
        "the forget gate's bias negated",
        ("1h.forget-gate",),
        replaced(measure._untrained, negated),
        NEAR_ZERO,
    ),
    Mutant(
        "the bias of the input gate",
        ("1h.forget-gate",),
        replaced(measure._untrained, input_gate),
        NEAR_ZERO,
    ),
]
