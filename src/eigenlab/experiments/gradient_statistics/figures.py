"""The figures, tables and metrics of ``gradient-statistics``."""

from __future__ import annotations

from statistics import fmean

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eigenlab import plots
from eigenlab.experiments.gradient_statistics.claims import difference, errors, gain, map_gain
from eigenlab.experiments.gradient_statistics.config import GradientStatisticsConfig
from eigenlab.experiments.gradient_statistics.records import (
    DECADES,
    EveryStepRecord,
    LongRangeRecord,
    MapRecord,
    NetworksRecord,
)
from eigenlab.lab import Rows, figure, metrics, table
from eigenlab.statistics import Interval, mean_interval

SCALE_AXIS = "weight scale (about the spectral radius of W<sub>h</sub>)"
EVENTS = {
    "vanishes": "gradient vanishes",
    "explodes": "gradient explodes",
    "state_explodes": "hidden state explodes",
}


@figure(
    "Frequency of vanishing and exploding, by weight scale",
    "Share of random networks whose gradient or state vanishes or explodes over the sequence, "
    "with 95 % Wilson intervals. Below 1 all vanish, far above all explode; without an activation "
    "(identity) this changes at 1, with ReLU near 1.4, and with tanh last.",
)
def shares(record: NetworksRecord) -> go.Figure:
    chart = plots.new_chart(SCALE_AXIS, "share of networks", log_x=True, height=520)
    for index, row in enumerate(record.shares):
        name = f"{EVENTS[row.event]}, {row.activation}"
        plots.line(chart, row.scales, row.shares, name, index=index)
        chart.data[-1].error_y = {
            "type": "data",
            "symmetric": False,
            "array": [high - share for high, share in zip(row.high, row.shares, strict=True)],
            "arrayminus": [share - low for low, share in zip(row.low, row.shares, strict=True)],
            "thickness": 1,
            "width": 3,
        }
        if row.event == "state_explodes" and row.activation != "relu":
            chart.data[-1].visible = "legendonly"
    _label_octaves(chart)
    chart.update_yaxes(range=[-0.03, 1.03])
    return chart


@figure(
    "Change of the gradient in every network",
    "Change of the gradient from the last step back to the first. A linear network would be near a "
    "line through zero at weight scale 1.",
)
def every_network(record: NetworksRecord) -> go.Figure:
    chart = plots.new_chart(
        SCALE_AXIS,
        "log<sub>10</sub> |∂L/∂h<sub>1</sub>| / |∂L/∂h<sub>T</sub>| (decades)",
        log_x=True,
        height=480,
    )
    scales = [network.weight_scale for network in record.networks]
    tanh = [network.tanh.gradient_decades for network in record.networks]
    relu = [network.relu.gradient_decades for network in record.networks]
    plots.points(chart, scales, tanh, "tanh", size=5)
    plots.points(chart, scales, relu, "relu", size=5)
    linear = [network.identity.gradient_decades for network in record.networks]
    plots.points(chart, scales, linear, "no activation", size=5)
    plots.reference(chart, y=DECADES, text="explodes above")
    plots.reference(chart, y=-DECADES, text="vanishes below")
    _label_octaves(chart)
    return chart


def _label_octaves(chart: go.Figure) -> None:
    """Label powers of two: weight scales span few decades."""
    ticks = [2.0**k for k in range(-6, 7)]
    chart.update_xaxes(tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])


@figure(
    "Total gradient with both losses",
    "With a loss at every step the total gradient is as large at the first step as at the last; "
    "with the loss at the last step it vanishes. Geometric mean and range of the networks, the "
    "same ones for both.",
)
def every_step(record: EveryStepRecord) -> go.Figure:
    chart = plots.new_chart("time step t", "|∂L/∂h<sub>t</sub>| / |∂L/∂h<sub>T</sub>|", log_y=True)
    steps = list(range(1, record.length + 1))
    plots.mean_and_range(
        chart,
        steps,
        record.every_step.mean,
        record.every_step.low,
        record.every_step.high,
        "loss at every step",
    )
    plots.mean_and_range(
        chart,
        steps,
        record.last_step.mean,
        record.last_step.low,
        record.last_step.high,
        "loss at the last step",
    )
    return chart


@figure(
    "Gradient of each step's loss by distance",
    "The same networks, with the gradient of each step's loss considered separately: it vanishes "
    "with the distance, however many losses there are. Geometric mean and range of the networks.",
)
def by_distance(record: EveryStepRecord) -> go.Figure:
    chart = plots.new_chart(
        "distance k − t (steps)",
        "|∂L<sub>k</sub>/∂h<sub>t</sub>| / |∂L<sub>k</sub>/∂h<sub>k</sub>|",
        log_y=True,
    )
    plots.mean_and_range(
        chart,
        list(range(record.length)),
        record.by_distance.mean,
        record.by_distance.low,
        record.by_distance.high,
        "one step's loss",
    )
    return chart


def _long_range_caption(config: GradientStatisticsConfig) -> str:
    return (
        "Error at the last step on new sequences, after training with the loss at the last step or "
        "at every step: mean and range of the seeds. "
        f"A delay of {config.long_lag} steps is learned with neither loss. "
        "Holding the first input is learned in part with a loss at every step, since its early "
        "steps are easy."
    )


@figure("Test error on the long-range tasks", _long_range_caption)
def long_range(record: LongRangeRecord) -> go.Figure:
    chart = plots.new_chart("task", "test error (share of the variance)")
    groups = list(dict.fromkeys((run.task, run.lag) for run in record.runs))
    for loss in ("last", "every"):
        found = [errors(record, task, lag, loss) for task, lag in groups]
        plots.points(
            chart,
            [f"{task}, lag {lag}" for task, lag in groups],
            [mean_interval(values).estimate for values in found],
            f"loss at {loss} step",
            low=[min(values) for values in found],
            high=[max(values) for values in found],
            size=11,
        )
    plots.reference(chart, y=1.0, text="always guessing the mean")
    chart.update_layout(scattermode="group")
    chart.update_yaxes(range=[-0.05, 1.2])
    return chart


@figure(
    "Delayed copies by lag and number of targets",
    "Error at the last step after the last update, mean of the seeds, by the lag and the number of "
    "targets per sequence, one panel for each loss: 0 is learned, 1 is guessing the mean. A loss "
    "at every step moves the border towards longer lags where there are many targets.",
)
def map_of_copies(record: MapRecord) -> go.Figure:
    titles = [f"loss at {words}" for words in ("the last step", "every step")]
    chart = make_subplots(cols=2, subplot_titles=titles, horizontal_spacing=0.12)
    for column, loss in enumerate(("last", "every"), start=1):
        z = [
            [fmean(record.errors(lag, n, loss, record.updates[-1])) for n in record.answers]
            for lag in record.lags
        ]
        chart.add_trace(
            go.Heatmap(
                z=z,
                x=[str(n) for n in record.answers],
                y=[str(lag) for lag in record.lags],
                texttemplate="%{z:.2f}",
                zmin=0,
                zmax=1,
                colorbar={"title": "error (share of the variance)"},
                showscale=column == 2,
            ),
            row=1,
            col=column,
        )
    chart.update_xaxes(title="targets per sequence", type="category")
    chart.update_yaxes(title="lag (steps)", type="category")
    return chart


@table("Errors of delayed copies by lag, number of targets and updates")
def map_table(record: MapRecord) -> Rows:
    rows = []
    for updates in record.updates:
        for lag in record.lags:
            for n in record.answers:
                last, every = (record.errors(lag, n, loss, updates) for loss in ("last", "every"))
                saved = _words(map_gain(record, lag, n, updates))
                rows.append([updates, lag, n, fmean(last), fmean(every), saved])
    header = ("updates", "lag", "targets", "last-step loss", "every-step loss")
    return (*header, "reduction [95 % interval]"), rows


@table("Last-step loss on batches with as many targets as a loss at every step has")
def large_batches(record: MapRecord) -> Rows:
    rows = [
        [
            cell.updates,
            cell.lag,
            cell.answers,
            cell.batch_size,
            fmean(cell.errors),
            fmean(record.errors(cell.lag, cell.answers, "last", cell.updates)),
            fmean(record.errors(cell.lag, cell.answers, "every", cell.updates)),
        ]
        for cell in record.large_batches
    ]
    usual = f"batches of {record.batch_size}"
    header = ("updates", "lag", "targets", "batch size", "error", f"error, {usual}")
    return (*header, f"error, every-step loss, {usual}"), rows


@table("Shares of the networks")
def share_table(record: NetworksRecord) -> Rows:
    found = headline(record)
    rows = [
        [
            words,
            *(found[f"{words} with {activation}"] for activation in ("tanh", "relu")),
            _words(difference(record.networks, event, "tanh", "relu")),
        ]
        for event, words in EVENTS.items()
    ]
    return ("event", "tanh", "ReLU", "difference [95 % interval]"), rows


@table("Test error by task and loss")
def long_range_table(record: LongRangeRecord) -> Rows:
    rows = []
    for task, lag in dict.fromkeys((run.task, run.lag) for run in record.runs):
        means = [mean_interval(errors(record, task, lag, loss)) for loss in ("last", "every")]
        saved = _words(gain(record, task, lag))
        rows.append([task, lag, *(mean.estimate for mean in means), saved])
    header = ("task", "lag", "last-step loss", "every-step loss", "reduction [95 % interval]")
    return header, rows


def _words(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


@metrics
def headline(record: NetworksRecord) -> dict[str, float]:
    return {
        f"{words} with {activation}": sum(
            getattr(getattr(network, activation), event) for network in record.networks
        )
        / len(record.networks)
        for event, words in EVENTS.items()
        for activation in ("tanh", "relu")
    }
