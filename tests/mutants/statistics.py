"""Mutants of questions 1f and 1g."""

from __future__ import annotations

from eigenlab.experiments.gradient_statistics import measure
from eigenlab.recurrent import decay_by_distance, fit_regressors, trace_gradients
from mutants import Mutant, replaced

TRACES = {"n_traces": 5, "hidden_size": 16}
#: A lag that is learned in a second, and one that is not.
TRAININGS = {
    "n_seeds": 3,
    "hidden_size": 16,
    "short_lag": 1,
    "long_lag": 20,
    "training_steps": 150,
    "learning_rate": 1e-2,
}
MAP = {
    "map_lags": (1, 10),
    "map_answers": (1, 20),
    "map_steps": (250,),
    "map_seeds": 3,
    "hidden_size": 16,
    "learning_rate": 5e-3,
}
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


def last_step_only(original, *args, **options):
    return original(*args, **{**options, "last_step_only": True})


def traced(**names):
    """Traces whose named quantities are changed; each change has the trace."""

    def wrong(original, *args, **options):
        trace = original(*args, **options)
        for name, change in names.items():
            trace.__dict__[name] = change(trace)
        return trace

    return replaced(trace_gradients, wrong)


def first_column(trace):
    """|dL_k/dh_1| where |dL_k/dh_k| stands."""
    norms = trace.pairwise_norms.clone()
    norms[0].fill_diagonal_(0)
    norms[0] += norms.new_zeros(norms[0].shape).diagonal_scatter(trace.pairwise_norms[0, :, 0])
    return norms


def total(original, pairwise_norms):
    return pairwise_norms.sum(dim=0).flip(0) / pairwise_norms.sum(dim=0)[-1]


def lag_one(original, batch_size, lag, **options):
    """Targets that depend on the input before, in sequences of the same length."""
    x, _ = original(batch_size, lag, **options)
    return x, x.roll(1, dims=1)


def other_targets(original, batch_size, lag, **options):
    x, y = original(batch_size, lag, **options)
    return x, y.roll(1, dims=0)


def usual_batches(original, config, lag, answers, loss, batch_size, *rest):
    return original(config, lag, answers, loss, measure.TRAIN_BATCH_SIZE, *rest)


def task(wrong):
    def patch(monkeypatch):
        original = measure.TASKS["delayed copy"]
        monkeypatch.setitem(
            measure.TASKS,
            "delayed copy",
            lambda *args, **options: wrong(original, *args, **options),
        )

    return patch


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
    Mutant(
        "first and last step exchanged",
        ("1f.large-inputs",),
        replaced(measure.decades, lambda original, a, b: original(b, a)),
        NETWORKS,
    ),
    Mutant(
        "the loss at the last step for both",
        ("1g.large-but-local",),
        replaced(trace_gradients, last_step_only),
        TRACES,
    ),
    Mutant(
        "the total gradient for that of each step's loss",
        ("1g.large-but-local",),
        replaced(decay_by_distance, total),
        TRACES,
    ),
    Mutant(
        "L_k of the step before",
        ("1g.large-at-k",),
        traced(pairwise_norms=lambda trace: trace.pairwise_norms.roll(1, dims=1)),
        TRACES,
    ),
    Mutant(
        "the gradient of L_k at the first state",
        ("1g.large-at-k",),
        traced(pairwise_norms=first_column),
        TRACES,
    ),
    Mutant("the short lag for the long one", ("1g.long-range",), task(lag_one), TRAININGS),
    Mutant("targets that cannot be learned", ("1g.long-range",), task(other_targets), TRAININGS),
    Mutant(
        "the loss at the last step for both",
        ("1g.easy-steps-first",),
        replaced(fit_regressors, last_step_only),
        TRAININGS,
    ),
    Mutant(
        "the loss at the last step for both",
        ("1g.more-targets",),
        replaced(fit_regressors, last_step_only),
        MAP,
    ),
    Mutant(
        "no larger batches",
        ("1g.number-of-targets",),
        replaced(measure._train_cell, usual_batches),
        MAP,
    ),
]
