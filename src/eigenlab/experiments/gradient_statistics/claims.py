"""The claims of ``gradient-statistics``, each above the function that judges it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eigenlab.experiments.gradient_statistics.records import (
    DECADES,
    EveryStepRecord,
    LongRangeRecord,
    NetworksRecord,
    RandomNetwork,
)
from eigenlab.lab import Check, Outcome, above, at_most, below, claim, speaks_of
from eigenlab.statistics import Interval, mean_interval, newcombe_interval, worst

#: A loss at every step is better if it lowers the error by this share of the target's variance.
BETTER = 0.1
#: Networks on both sides of gain 1, long enough for a factor of a thousand.
POPULATION = speaks_of(
    n_networks=(150, None),
    gain_factor=(2, 8),
    largest_bias_scale=(0, 5),
    hidden_size=(8, 256),
    length=(30, 200),
)
TRACES = speaks_of(n_traces=(5, None), hidden_size=(16, 256), length=(50, 200))
TRAININGS = speaks_of(
    n_seeds=(3, None),
    hidden_size=(2, 256),
    training_steps=(100, 20_000),
    learning_rate=(1e-3, 1e-2),
    short_lag=(1, 8),
    long_lag=(10, 100),
)


@claim(
    "1f.tanh-bounded",
    "Every hidden unit of a tanh network stays within -1 and 1.",
    source="question 1f",
    explanation="|tanh| < 1. In double precision it rounds to exactly 1 beyond about 19, so the "
    "measurement allows 1 itself.",
    counterexamples=[
        {"networks/0/tanh/largest_state": 1.001},
        {"networks/0/tanh/largest_state": math.nan},
    ],
)
def tanh_bounded(record: NetworksRecord) -> list[Check]:
    largest = worst(network.tanh.largest_state for network in record.networks)
    return [at_most("largest |h| of a tanh unit", largest, 1.0)]


@claim(
    "1f.tanh-vanishes",
    "With tanh the gradient vanishes more often than with ReLU.",
    source="question 1f",
    explanation="Both multiply the gradient by W_h and a slope per step. tanh has slopes below 1 "
    "wherever a unit is not at zero; ReLU has slope 1 on active units and 0 on the others, about "
    "half. Where the weight scale is well below 1, or above 2, the two agree; the difference comes "
    "from between. It is decided by the 95 % interval of the paired difference (Newcombe 1998).",
    scope=POPULATION,
    counterexamples=[{"networks/*/tanh/gradient_decades": 0.0}],
)
def tanh_vanishes(record: NetworksRecord) -> list[Check]:
    return _more_often(record, "gradient vanishes", "vanishes", "tanh", "relu")


@claim(
    "1f.relu-state-explodes",
    "With ReLU the hidden state explodes more often than with tanh.",
    source="question 1f",
    explanation="A tanh state is bounded by sqrt(H). With half of its units active a ReLU network "
    "grows once the weight scale passes about sqrt(2).",
    scope=POPULATION,
    counterexamples=[{"networks/*/relu/hidden_decades": 0.0}],
)
def relu_state_explodes(record: NetworksRecord) -> list[Check]:
    return _more_often(record, "hidden state explodes", "state_explodes", "relu", "tanh")


@claim(
    "1f.relu-gradient-explodes",
    "With ReLU the gradient explodes more often than with tanh.",
    source="question 1f",
    explanation="Saturation slows the growth under tanh, but does not always stop it: with large "
    "weights a tanh network is chaotic, and its gradient explodes too although its state is "
    "bounded.",
    scope=POPULATION,
    counterexamples=[{"networks/*/relu/gradient_decades": 0.0}],
)
def relu_gradient_explodes(record: NetworksRecord) -> list[Check]:
    return _more_often(record, "gradient explodes", "explodes", "relu", "tanh")


def _more_often(
    record: NetworksRecord, quantity: str, fate: str, one: str, other: str
) -> list[Check]:
    """The 95 % interval of the difference of proportions is above zero."""
    label = f"{quantity}, share with {one} minus share with {other}: 95 % lower end"
    return [above(label, difference(record.networks, fate, one, other).low, 0.0)]


def difference(networks: Sequence[RandomNetwork], fate: str, one: str, other: str) -> Interval:
    """How much more often ``fate`` meets activation ``one`` than ``other``, on the same weights."""
    table = {(a, b): 0 for a in (True, False) for b in (True, False)}
    for network in networks:
        table[getattr(getattr(network, one), fate), getattr(getattr(network, other), fate)] += 1
    return newcombe_interval(
        table[True, True], table[True, False], table[False, True], table[False, False]
    )


@claim(
    "1g.large-but-local",
    "With a loss at every step the whole gradient stays large at early steps, yet the gradient of "
    "each single loss vanishes far back.",
    source="question 1g",
    explanation="dL/dh_t sums dL_k/dh_t over all k >= t, and the terms with k near t are always "
    "large. What is far from k does not show in that sum.",
    scope=TRACES,
    counterexamples=[{"rows/*/every_step/0": 1e-6}, {"rows/*/by_distance/*": 1.0}],
)
def large_but_local(record: EveryStepRecord) -> list[Check]:
    far = int(0.8 * record.length)
    whole = mean_interval([math.log10(row.every_step[0]) for row in record.rows])
    alone = mean_interval([math.log10(row.by_distance[far]) for row in record.rows])
    return [
        above(
            "whole gradient, first step over last: 95 % lower end", whole.low, -1.0, unit="decades"
        ),
        below(
            f"dL_k/dh_t over dL_k/dh_k at distance {far}: 95 % upper end",
            alone.high,
            -DECADES,
            unit="decades",
        ),
    ]


@claim(
    "1g.long-range",
    "A task whose every answer lies far back is not learned any better with a loss at every step.",
    source="question 1g",
    explanation="The task: y_t = x_{t-lag}. However many steps are scored, each of their gradients "
    "has to cross the lag. The same training learns a short lag, so it can learn the task. Better "
    "would be an error lower by 0.1 of the target's variance.",
    scope=TRAININGS,
    counterexamples=[{"runs/*/error": 0.9}],  # the control is not learned
)
def long_range(record: LongRangeRecord) -> list[Check]:
    task = "delayed copy"
    short = min(run.lag for run in record.runs)
    control = [
        at_most(
            f"control, lag {short}, loss at {loss} step: largest error",
            worst(errors(record, task, short, loss)),
            0.1,
            unit="of the variance",
        )
        for loss in ("last", "every")
    ]
    return [_not_better(record, task), *control]


@claim(
    "1g.easy-steps-first",
    "Nor is a task learned any better whose early steps ask for a recent input.",
    source="question 1g, taken at its word for every long-range task",
    documented=Outcome.FAILED,
    explanation="Asked for the first input at every step, the network is helped, and much: step 2 "
    "has to remember over one step, step 3 over two, and what is learned for them serves the later "
    "steps: the error at the last step falls to about 0.4 of the variance, while with the "
    "last-step loss it stays at 1. The gradient of the last loss still vanishes; the losses before "
    "it are easier tasks of increasing length. So a loss at every step helps where the answers "
    "along the way are steps towards the last one, and not because the gradients are large.",
    scope=TRAININGS,
    counterexamples=[{"runs/*/error": 1.0}],
)
def easy_steps_first(record: LongRangeRecord) -> list[Check]:
    return [_not_better(record, "hold the first input")]


def _not_better(record: LongRangeRecord, task: str) -> Check:
    lag = max(run.lag for run in record.runs)
    return at_most(
        f"{task}, lag {lag}: error with last-step loss minus error with every-step loss, "
        "95 % upper end",
        gain(record, task, lag).high,
        BETTER,
        unit="of the variance",
    )


def errors(record: LongRangeRecord, task: str, lag: int, loss: str) -> list[float]:
    """Test errors by seed."""
    key = (task, lag, loss)
    return [run.error for run in record.runs if (run.task, run.lag, run.loss) == key]


def gain(record: LongRangeRecord, task: str, lag: int) -> Interval:
    """Interval of the error that a loss at every step saves, over seeds."""
    pairs = zip(errors(record, task, lag, "last"), errors(record, task, lag, "every"), strict=True)
    return mean_interval([last - every for last, every in pairs])
