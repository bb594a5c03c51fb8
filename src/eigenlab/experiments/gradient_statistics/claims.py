"""The claims of ``gradient-statistics``, each above the function that judges it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from eigenlab.experiments.gradient_statistics.records import (
    DECADES,
    EveryStepRecord,
    LongRangeRecord,
    MapRecord,
    NetworksRecord,
    RandomNetwork,
)
from eigenlab.lab import Check, NotRun, Outcome, above, applies_to, at_least, at_most, below, claim
from eigenlab.statistics import Interval, least, mean_interval, newcombe_interval, worst

#: A loss at every step is better if it lowers the error by this share of the target's variance.
BETTER = 0.1
#: Networks on both sides of gain 1, long enough for a factor of a thousand.
POPULATION = applies_to(
    n_networks=(150, None),
    gain_factor=(2, 8),
    max_bias_scale=(0, 5),
    hidden_size=(8, 256),
    length=(30, 200),
)
TRACES = applies_to(n_traces=(5, None), hidden_size=(16, 256), length=(50, 200))
TRAININGS = applies_to(
    n_seeds=(3, None),
    hidden_size=(2, 256),
    training_steps=(100, 20_000),
    learning_rate=(1e-3, 1e-2),
    short_lag=(1, 8),
    long_lag=(10, 100),
)
#: The map's claims are about these lags, numbers of targets and updates.
MAP = applies_to(
    map_lags={5, 15, 30},
    map_answers={3, 15, 30},
    map_steps={250, 500},
    map_seeds=(5, None),
    hidden_size=(32, 32),
    learning_rate=(3e-3, 3e-3),
)


@claim(
    "1f.tanh-bounded",
    "Every hidden unit of a tanh network stays within -1 and 1.",
    source="question 1f",
    explanation="|tanh| < 1. In double precision it rounds to exactly 1 beyond about 19, so 1 "
    "itself is allowed.",
    refutes=["no activation for tanh"],
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
    "half. Where the weight scale is well below 1, or above 2, the two agree; they differ in the "
    "range between. The lower end of the 95 % interval of the paired difference (Newcombe 1998) "
    "is compared with zero.",
    scope=POPULATION,
    refutes=["tanh and ReLU exchanged"],
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
    refutes=["tanh and ReLU exchanged"],
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
    refutes=["tanh and ReLU exchanged"],
    counterexamples=[{"networks/*/relu/gradient_decades": 0.0}],
)
def relu_gradient_explodes(record: NetworksRecord) -> list[Check]:
    return _more_often(record, "gradient explodes", "explodes", "relu", "tanh")


@claim(
    "1f.like-linear",
    "ReLU behaves like a network without an activation: the gradient explodes and vanishes in the "
    "same networks.",
    source="question 1f",
    documented=Outcome.FAILED,
    explanation="About half of the units are inactive at a step, so that the gradient grows by "
    "the weight scale over sqrt(2), and not by the weight scale: between 1 and 1.4 it explodes "
    "without an activation and not with ReLU, and below 1 it vanishes earlier with ReLU. The "
    "states of a ReLU network do explode, as those without an activation do, unlike those with "
    "tanh.",
    scope=POPULATION,
    refutes=["no activation for ReLU"],
    counterexamples=[
        {
            "networks": lambda networks: [
                {**network, "identity": network["relu"]} for network in networks
            ]
        }
    ],
)
def like_linear(record: NetworksRecord) -> list[Check]:
    return [
        at_most(
            f"share of networks where the gradient {event} with one of the two only",
            fmean(
                getattr(network.relu, event) != getattr(network.identity, event)
                for network in record.networks
            ),
            0.05,
        )
        for event in ("explodes", "vanishes")
    ]


@claim(
    "1f.near-zero",
    "The hidden states of a tanh network remain close to zero.",
    source="question 1f",
    documented=Outcome.FAILED,
    explanation="They remain bounded. With small weights they are near zero; in the networks "
    "whose gradient explodes most units are nearly saturated, at -1 or 1.",
    scope=POPULATION,
    refutes=["states divided by a hundred"],
    counterexamples=[{"networks/*/tanh/rms_state": 0.1}],
)
def near_zero(record: NetworksRecord) -> list[Check]:
    exploding = [network.tanh.rms_state for network in record.networks if network.tanh.explodes]
    if not exploding:
        raise NotRun("the gradient of no tanh network explodes; raise gain_factor or n_networks")
    return [at_most("smallest rms state of tanh networks that explode", least(exploding), 0.5)]


@claim(
    "1f.large-inputs",
    "When the arguments of tanh are large, the gradient is close to zero.",
    source="question 1f",
    documented=Outcome.FAILED,
    explanation="The slope of a saturated unit is, but the gradient is multiplied by the weights, "
    "too, which are large where the arguments are. At weight scales above 2 the gradient of more "
    "tanh networks explodes than vanishes.",
    scope=POPULATION,
    refutes=["first and last step exchanged"],
    counterexamples=[{"networks/*/tanh/gradient_decades": -9.0}],
)
def large_inputs(record: NetworksRecord) -> list[Check]:
    large = [network.tanh for network in record.networks if network.weight_scale > 2]
    if not large:
        raise NotRun("no weight scale is above 2; raise gain_factor or n_networks")
    vanishing = fmean(run.vanishes for run in large)
    exploding = fmean(run.explodes for run in large)
    return [
        above(
            "weight scale above 2: share whose gradient vanishes minus share whose gradient "
            "explodes",
            vanishing - exploding,
            0.0,
        )
    ]


def _more_often(
    record: NetworksRecord, quantity: str, event: str, one: str, other: str
) -> list[Check]:
    """The 95 % interval of the difference of proportions is above zero."""
    label = f"{quantity}, share with {one} minus share with {other}: 95 % lower end"
    return [above(label, difference(record.networks, event, one, other).low, 0.0)]


def difference(networks: Sequence[RandomNetwork], event: str, one: str, other: str) -> Interval:
    """Frequency of ``event`` with activation ``one`` minus that with ``other``, same weights."""
    table = {(a, b): 0 for a in (True, False) for b in (True, False)}
    for network in networks:
        table[getattr(getattr(network, one), event), getattr(getattr(network, other), event)] += 1
    return newcombe_interval(
        table[True, True], table[True, False], table[False, True], table[False, False]
    )


@claim(
    "1g.large-but-local",
    "With a loss at every step the total gradient stays large at early steps, although the "
    "gradient of each single step's loss vanishes over long distances.",
    source="question 1g",
    explanation="dL/dh_t is the sum of dL_k/dh_t over all k >= t, in which the terms with k near "
    "t are always large. They hide that the terms with k far from t vanish.",
    scope=TRACES,
    refutes=[
        "the loss at the last step for both",
        "the total gradient for that of each step's loss",
    ],
    counterexamples=[{"rows/*/every_step/0": 1e-6}, {"rows/*/by_distance/*": 1.0}],
)
def large_but_local(record: EveryStepRecord) -> list[Check]:
    far = int(0.8 * record.length)
    whole = mean_interval([math.log10(row.every_step[0]) for row in record.rows])
    alone = mean_interval([math.log10(row.by_distance[far]) for row in record.rows])
    return [
        above(
            "total gradient, first step over last: 95 % lower end", whole.low, -1.0, unit="decades"
        ),
        below(
            f"dL_k/dh_t over dL_k/dh_k at distance {far}: 95 % upper end",
            alone.high,
            -DECADES,
            unit="decades",
        ),
    ]


@claim(
    "1g.large-at-k",
    "The gradient of L_k at h_k is large for every k.",
    source="question 1g",
    explanation="It is 2 (y_hat_k - y_k) W_f, in which no product of Jacobians occurs: it passes "
    "through the readout only, however long the sequence is. Large means that it has not vanished: "
    "at no k is it below a thousandth of the largest.",
    scope=TRACES,
    refutes=["L_k of the step before", "the gradient of L_k at the first state"],
    counterexamples=[{"rows/*/own/0": 1e-6}, {"rows/0/own_error": 0.1}],
)
def large_at_k(record: EveryStepRecord) -> list[Check]:
    return [
        above(
            "smallest |dL_k/dh_k| of a network over its largest",
            least(least(row.own) / worst(row.own) for row in record.rows),
            10**-DECADES,
        ),
        at_most(
            "largest relative difference from 2 |y_hat_k - y_k| |W_f| / B",
            worst(row.own_error for row in record.rows),
            1e-10,
        ),
    ]


@claim(
    "1g.long-range",
    "A delayed copy whose sequences end three steps after the first target is not learned better "
    "with a loss at every step.",
    source="question 1g",
    explanation="The task is y_t = x_{t-lag}, and none of its three targets depends on a recent "
    "input. Longer sequences have more targets; that is another task, and this claim says nothing "
    "about it. As a control, the same training learns a short lag. Better means an error lower by "
    "more than 0.1 of the target's variance.",
    scope=TRAININGS,
    refutes=["the short lag for the long one", "targets that cannot be learned"],
    counterexamples=[
        {"runs/*/error": 0.9},  # the control is not learned
        {"runs/*/error": 0.01},  # the long lag is learned, too
    ],
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
    lag = max(run.lag for run in record.runs)
    unlearned = at_least(
        f"lag {lag}, loss at last step: smallest error, which the other loss could lower",
        least(errors(record, task, lag, "last")),
        0.5,
        unit="of the variance",
    )
    return [_not_better(record, task), unlearned, *control]


@claim(
    "1g.more-targets",
    "A delayed copy is not learned better with a loss at every step, however many targets a "
    "sequence has.",
    source="question 1g, applied to longer sequences",
    documented=Outcome.FAILED,
    explanation="It depends on the lag and the number of targets, as the map shows. Where the lag "
    "is short both losses learn it, where it is long neither does, with the same updates; between "
    "them the loss at every step learns it if the sequences have many targets.",
    scope=MAP,
    refutes=["the loss at the last step for both"],
    counterexamples=[{"cells/*/errors/*": 1.0}],
)
def more_targets(record: MapRecord) -> list[Check]:
    gains = {
        (lag, n): map_gain(record, lag, n, record.updates[-1]).low
        for lag in record.lags
        for n in record.answers
    }
    (lag, n), largest = max(gains.items(), key=lambda item: item[1])
    return [
        at_most(
            f"largest reduction of the error in the map, lag {lag} with {n} targets: 95 % lower "
            "end",
            largest,
            BETTER,
            unit="of the variance",
        )
    ]


def map_gain(record: MapRecord, lag: int, answers: int, updates: int) -> Interval:
    """Interval over seeds of the reduction of the error by a loss at every step, in one cell."""
    last, every = (record.errors(lag, answers, loss, updates) for loss in ("last", "every"))
    return mean_interval([a - b for a, b in zip(last, every, strict=True)])


@claim(
    "1g.map",
    "With the same updates a delayed copy of 5 steps is learned with either loss and one of 30 "
    "steps with neither; one of 15 steps with 30 targets is learned better with a loss at every "
    "step.",
    source="gradient-statistics",
    origin="ours",
    explanation="Learned means an error of at most a tenth of the variance, not learned one of at "
    "least nine tenths. With few targets a loss at every step is no help at 15 steps either: most "
    "of the steps then have the target zero, which outweighs the few others in the mean.",
    scope=MAP,
    counterexamples=[
        {"cells/*/errors/*": 0.0},
        {"cells/*/errors/*": 1.0},
        {"cells/*/errors/*": math.nan},
    ],
)
def region(record: MapRecord) -> list[Check]:
    short, middle, long = record.lags[0], record.lags[len(record.lags) // 2], record.lags[-1]
    most, updates = record.answers[-1], record.updates[-1]

    def found(lag: int) -> list[float]:
        return [
            error
            for n in record.answers
            for loss in ("last", "every")
            for error in record.errors(lag, n, loss, updates)
        ]

    return [
        at_most(
            f"lag {short}, either loss: largest error",
            worst(found(short)),
            0.1,
        ),
        at_least(
            f"lag {long}, either loss: smallest error",
            least(found(long)),
            0.9,
        ),
        above(
            f"lag {middle}, {most} targets: reduction of the error by a loss at every step, 95 % "
            "lower end",
            map_gain(record, middle, most, updates).low,
            BETTER,
            unit="of the variance",
        ),
    ]


@claim(
    "1g.number-of-targets",
    "The number of targets decides, and not where the loss is taken: larger batches, which have as "
    "many targets at the last step as the others have at all steps, lower the error of the loss at "
    "the last step, and no less than a loss at every step does.",
    source="gradient-statistics",
    origin="ours",
    explanation="Every target of a delayed copy is equally far from its input, so that no step is "
    "easier than the last one. A loss at every step only averages over more targets in each "
    "update. This is another reason than with the first input held, where the early steps are "
    "easier (see 1g.easy-steps-first).",
    scope=MAP,
    refutes=["no larger batches"],
    counterexamples=[{"large_batches/*/errors/*": 1.0}],
)
def number_of_targets(record: MapRecord) -> list[Check]:
    (large,) = (cell for cell in record.large_batches if cell.updates == record.updates[-1])
    last, every = (
        record.errors(large.lag, large.answers, loss, large.updates) for loss in ("last", "every")
    )
    gained = mean_interval([a - b for a, b in zip(last, large.errors, strict=True)])
    where = f"lag {large.lag}, {large.answers} targets"
    return [
        above(
            f"{where}, last step: reduction of the error by larger batches, 95 % lower end",
            gained.low,
            0.0,
            unit="of the variance",
        ),
        at_most(
            f"{where}: mean error with larger batches minus that with a loss at every step",
            fmean(large.errors) - fmean(every),
            BETTER,
            unit="of the variance",
        ),
    ]


@claim(
    "1g.easy-steps-first",
    "A task whose early targets depend on a recent input is not learned better with a loss at "
    "every step, either.",
    source="question 1g, applied to every long-range task",
    documented=Outcome.FAILED,
    explanation="If the first input is the target at every step, a loss at every step helps "
    "substantially: step 2 has to store it over one step, step 3 over two, and what is learned "
    "for them helps at the later steps. The error at the last step falls, while with the "
    "last-step loss it stays at the variance. The gradient of the last loss still "
    "vanishes; the losses before it are easier tasks of increasing length. A loss at every step "
    "thus helps where the intermediate targets lead towards the last one, and not because the "
    "gradients are large.",
    scope=TRAININGS,
    refutes=["the loss at the last step for both"],
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
    """Interval over seeds of the reduction of the error by a loss at every step."""
    pairs = zip(errors(record, task, lag, "last"), errors(record, task, lag, "every"), strict=True)
    return mean_interval([last - every for last, every in pairs])
