"""How the records of ``gradient-statistics`` decide its claims, and its figures and tables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import plotly.graph_objects as go

from eigenlab.experiments._intervals import (
    Interval,
    mean_interval,
    newcombe_paired,
    wilson,
    worst,
)
from eigenlab.lab import Check, above, at_most, below, theme
from eigenlab.lab.claim import Record

#: A norm vanishes (explodes) when it changes by more than a factor of a thousand over the sequence.
DECADES = 3.0
FATES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "vanishes": ("gradient vanishes", lambda n: n["gradient_decades"] < -DECADES),
    "explodes": ("gradient explodes", lambda n: n["gradient_decades"] > DECADES),
    "state explodes": ("hidden state explodes", lambda n: n["hidden_decades"] > DECADES),
}


def difference(networks: Sequence[Any], fate: str, one: str, other: str) -> Interval:
    """How much more often ``fate`` meets activation ``one`` than ``other``, on the same weights."""
    happens = FATES[fate][1]
    table = {(a, b): 0 for a in (True, False) for b in (True, False)}
    for network in networks:
        table[happens(network[one]), happens(network[other])] += 1
    return newcombe_paired(
        table[True, True], table[True, False], table[False, True], table[False, False]
    )


def judge_bounded(record: Record) -> list[Check]:
    """No tanh unit leaves [-1, 1]."""
    largest = worst(network["tanh"]["largest_state"] for network in record["networks"])
    return [at_most("largest |h| of a tanh unit", largest, 1.0)]


def judge_more_often(fate: str, one: str, other: str) -> Callable[[Record], list[Check]]:
    """Return a judge: the 95 % interval of the difference of proportions is above zero."""

    def judge(record: Record) -> list[Check]:
        interval = difference(record["networks"], fate, one, other)
        label = f"{FATES[fate][0]}, share with {one} minus share with {other}: 95 % lower end"
        return [above(label, interval.low, 0.0)]

    return judge


def judge_large(record: Record) -> list[Check]:
    """With a loss at every step the whole gradient stays large, while each loss's own vanishes."""
    length = record["length"]
    far = int(0.8 * length)
    whole = mean_interval([math.log10(row["every_step"][0]) for row in record["rows"]])
    alone = mean_interval([math.log10(row["by_distance"][far]) for row in record["rows"]])
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


def judge_not_better(task: str, *, control: bool) -> Callable[[Record], list[Check]]:
    """Return a judge: a loss at every step lowers the test error by less than 0.1.

    With ``control``, the same training must learn the same task with a short lag, or the
    comparison would say nothing.
    """

    def judge(record: Record) -> list[Check]:
        lags = sorted({run["lag"] for run in record["runs"]})
        checks = [
            at_most(
                f"{task}, lag {lags[-1]}: error with last-step loss minus error with every-step "
                "loss, 95 % upper end",
                gain(record, task, lags[-1]).high,
                0.1,
                unit="of the variance",
            )
        ]
        if control:
            checks += [
                at_most(
                    f"control, lag {lags[0]}, loss at {loss} step: largest error",
                    worst(errors(record, task, lags[0], loss)),
                    0.1,
                    unit="of the variance",
                )
                for loss in ("last", "every")
            ]
        return checks

    return judge


def errors(record: Record, task: str, lag: int, loss: str) -> list[float]:
    """Test errors by seed."""
    key = (task, lag, loss)
    return [r["error"] for r in record["runs"] if (r["task"], r["lag"], r["loss"]) == key]


def gain(record: Record, task: str, lag: int) -> Interval:
    """Interval of the error that a loss at every step saves, over seeds."""
    pairs = zip(errors(record, task, lag, "last"), errors(record, task, lag, "every"), strict=True)
    return mean_interval([last - every for last, every in pairs])


# ------------------------------------------------------------------------------------ figures


def draw_shares(record: Record) -> go.Figure:
    """Share of networks that meet each fate, by gain, with Wilson intervals."""
    gains = [network["weight_scale"] for network in record["networks"]]
    low, high = math.log(min(gains)), math.log(max(gains))
    edges = [math.exp(low + (high - low) * k / 8) for k in range(9)]
    chart = theme.figure(
        "weight scale (about the spectral radius of W<sub>h</sub>)",
        "share of networks",
        log_x=True,
        height=520,
    )
    styles = iter(range(6))
    for fate, (words, happens) in FATES.items():
        for activation in ("tanh", "relu"):
            index = next(styles)
            centres, shares = [], []
            for a, b in itertools.pairwise(edges):
                inside = [
                    happens(n[activation])
                    for n in record["networks"]
                    if a <= n["weight_scale"] <= b
                ]
                if inside:
                    centres.append(math.sqrt(a * b))
                    shares.append(wilson(sum(inside), len(inside)))
            name = f"{words}, {activation}"
            theme.line(chart, centres, [s.estimate for s in shares], name, index=index)
            chart.data[-1].error_y = {
                "type": "data",
                "symmetric": False,
                "array": [s.high - s.estimate for s in shares],
                "arrayminus": [s.estimate - s.low for s in shares],
                "thickness": 1,
                "width": 3,
            }
            if fate == "state explodes":
                chart.data[-1].visible = "legendonly" if activation == "tanh" else True
    _octaves(chart)
    chart.update_yaxes(range=[-0.03, 1.03])
    return chart


def draw_fates(record: Record) -> go.Figure:
    """Every network: change of its gradient over the sequence against its gain."""
    chart = theme.figure(
        "weight scale (about the spectral radius of W<sub>h</sub>)",
        "log<sub>10</sub> |∂L/∂h<sub>1</sub>| / |∂L/∂h<sub>T</sub>| (decades)",
        log_x=True,
        height=480,
    )
    scales = [network["weight_scale"] for network in record["networks"]]
    for activation in ("tanh", "relu"):
        values = [network[activation]["gradient_decades"] for network in record["networks"]]
        theme.points(chart, scales, values, activation, size=5)
    theme.reference(chart, y=DECADES, text="explodes above")
    theme.reference(chart, y=-DECADES, text="vanishes below")
    _octaves(chart)
    return chart


def _octaves(chart: go.Figure) -> None:
    """Label powers of two: weight scales span few decades."""
    ticks = [2.0**k for k in range(-3, 4)]
    chart.update_xaxes(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


def draw_every_step(record: Record) -> go.Figure:
    """The whole gradient with both losses, over time."""
    chart = theme.figure("time step t", "|∂L/∂h<sub>t</sub>| / |∂L/∂h<sub>T</sub>|", log_y=True)
    steps = list(range(1, record["length"] + 1))
    for key, name in (("every_step", "loss at every step"), ("last_step", "loss at the last step")):
        _mean_and_range(chart, steps, [row[key] for row in record["rows"]], name)
    return chart


def draw_by_distance(record: Record) -> go.Figure:
    """How far the loss of one step reaches back."""
    chart = theme.figure(
        "distance k − t (steps)",
        "|∂L<sub>k</sub>/∂h<sub>t</sub>| / |∂L<sub>k</sub>/∂h<sub>k</sub>|",
        log_y=True,
    )
    distances = list(range(record["length"]))
    _mean_and_range(
        chart, distances, [row["by_distance"] for row in record["rows"]], "one step's loss"
    )
    return chart


def _mean_and_range(
    chart: go.Figure, x: Sequence[int], rows: Sequence[Sequence[float]], name: str
) -> None:
    columns = list(zip(*rows, strict=True))
    means = [_geometric_mean(column) for column in columns]
    theme.line(chart, x, means, name, markers=False)
    low, high = [min(column) for column in columns], [max(column) for column in columns]
    theme.band(chart, x, low, high, f"range, {name}", legend=False)


def _geometric_mean(values: Sequence[float]) -> float:
    if min(values) <= 0:
        return math.nan
    return math.exp(math.fsum(map(math.log, values)) / len(values))


def draw_long_range(record: Record) -> go.Figure:
    """Test error of every training."""
    chart = theme.figure("task", "test error (share of the variance)")
    groups = list(dict.fromkeys((run["task"], run["lag"]) for run in record["runs"]))
    for loss in ("last", "every"):
        intervals = [mean_interval(errors(record, *group, loss)) for group in groups]
        theme.points(
            chart,
            [f"{task}, lag {lag}" for task, lag in groups],
            [interval.estimate for interval in intervals],
            f"loss at {loss} step",
            low=[min(errors(record, *group, loss)) for group in groups],
            high=[max(errors(record, *group, loss)) for group in groups],
            size=11,
        )
    theme.reference(chart, y=1.0, text="always guessing the mean")
    chart.update_layout(scattermode="group")
    chart.update_yaxes(range=[-0.05, 1.2])
    return chart


# ------------------------------------------------------------------------------------- tables


def table_shares(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Shares of each fate, and their paired difference."""
    networks, rows = record["networks"], []
    for fate, (words, happens) in FATES.items():
        counts = {a: sum(happens(n[a]) for n in networks) for a in ("tanh", "relu")}
        rows.append(
            [
                words,
                *(counts[a] / len(networks) for a in ("tanh", "relu")),
                _words(difference(networks, fate, "tanh", "relu")),
            ]
        )
    return ("fate", "tanh", "ReLU", "difference [95 % interval]"), rows


def table_long_range(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Mean errors and what a loss at every step saves."""
    rows = []
    for task, lag in dict.fromkeys((run["task"], run["lag"]) for run in record["runs"]):
        means = [mean_interval(errors(record, task, lag, loss)) for loss in ("last", "every")]
        saved = _words(gain(record, task, lag))
        rows.append([task, lag, *(mean.estimate for mean in means), saved])
    header = ("task", "lag", "last-step loss", "every-step loss", "saved [95 % interval]")
    return header, rows


def _words(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"
