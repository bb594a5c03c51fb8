"""Mutants of question 1f."""

from __future__ import annotations

from eigenlab.experiments.gradient_statistics import measure
from mutants import Mutant

NETWORKS = {"n_networks": 150, "hidden_size": 16, "length": 40}


def activations(names):
    """Networks that have other activations than they are said to have."""

    def patch(monkeypatch):
        original = measure._run
        monkeypatch.setattr(
            measure, "_run", lambda *args: original(*args[:-1], names.get(args[-1], args[-1]))
        )

    return patch


def small_states(monkeypatch):
    original = measure._run

    def wrong(*args):
        run = original(*args)
        return run.replaced({"rms_state": run.rms_state / 100})

    monkeypatch.setattr(measure, "_run", wrong)


MUTANTS = [
    Mutant(
        "no activation for tanh",
        ("1f.tanh-bounded",),
        activations({"tanh": "identity"}),
        NETWORKS,
    ),
    Mutant(
        "tanh and ReLU exchanged",
        ("1f.tanh-vanishes", "1f.relu-state-explodes", "1f.relu-gradient-explodes"),
        activations({"tanh": "relu", "relu": "tanh"}),
        NETWORKS,
    ),
    Mutant(
        "no activation for ReLU",
        ("1f.like-linear",),
        activations({"relu": "identity"}),
        NETWORKS,
    ),
    Mutant("states divided by a hundred", ("1f.near-zero",), small_states, NETWORKS),
]
