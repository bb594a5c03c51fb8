"""How the records of ``stacked-rnn`` decide its claims, and its figures and tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import plotly.graph_objects as go

from eigenlab.experiments._intervals import Interval, mean_interval, worst
from eigenlab.experiments._stacked_measurements import CELLS, MODELS, SCALES, rates
from eigenlab.lab import Check, above, below, close, theme
from eigenlab.lab.claim import Record

ONE_LAYER, TWO_LAYERS = 0.01, 0.001
#: Nats per step. At a hundredth of the usual weights the gates move by less than 0.01, and a path
#: through h costs another factor of about 0.001.
FORGET_TOLERANCE = 0.01
RATE = "growth per step back (nats)"
RELATIVE = "|∂L/∂h<sub>t</sub>| / |∂L/∂h<sub>T</sub>|"


def final_losses(record: Record, model: str) -> list[float]:
    """Training loss at the end, by seed."""
    return [run["final_loss"] for run in record["runs"] if run["model"] == model]


def judge_loss(model: str, bound: float) -> Callable[[Record], list[Check]]:
    """Return a judge: the median over seeds of the final training loss is below ``bound``."""

    def judge(record: Record) -> list[Check]:
        losses = final_losses(record, model)
        middle = math.nan if math.isnan(worst(losses)) else median(losses)
        return [below(f"{model}: training loss of the last tenth, median of seeds", middle, bound)]

    return judge


def by_seed(record: Record, cell: str, scale: float, key: str) -> list[float]:
    """One measured rate per network, in the order of the seeds."""
    return [r[key] for r in record["rows"] if r["cell"] == cell and r["scale"] == scale]


def slower(record: Record) -> Interval:
    """LSTM's far rate minus the RNN's, as usually initialised; above zero: it vanishes slower."""
    pairs = zip(
        by_seed(record, "LSTM", 1.0, "far_rate"),
        by_seed(record, "RNN", 1.0, "far_rate"),
        strict=True,
    )
    return mean_interval([lstm - rnn for lstm, rnn in pairs])


def judge_slower(record: Record) -> list[Check]:
    """As initialised, the LSTM's gradient decays more slowly."""
    label = "rate of the LSTM minus rate of the RNN over the far half, 95 % lower end"
    return [above(label, slower(record).low, 0.0, unit="nats per step")]


def slower_trained(record: Record) -> Interval:
    """The same difference after training, over the trained length."""
    found = {
        model: [rates(r["gradient"])["rate"] for r in record["runs"] if r["model"] == model]
        for model in ("LSTM", "RNN, one layer")
    }
    pairs = zip(found["LSTM"], found["RNN, one layer"], strict=True)
    return mean_interval([lstm - rnn for lstm, rnn in pairs])


def judge_slower_trained(record: Record) -> list[Check]:
    """After training, the LSTM's gradient decays more slowly."""
    label = "rate of the trained LSTM minus rate of the trained RNN, 95 % lower end"
    return [above(label, slower_trained(record).low, 0.0, unit="nats per step")]


def judge_forget_gate(record: Record) -> list[Check]:
    """With W_h all but off, the rate is the logarithm of the forget gate."""
    checks = []
    for cell, (kind, forget_bias) in CELLS.items():
        if kind == "LSTM":
            expected = -math.log1p(math.exp(-forget_bias))  # ln of the logistic function
            values = by_seed(record, cell, SCALES[0], "far_rate")
            farthest = max(values, key=lambda value: _distance(value, expected))
            checks.append(
                close(
                    f"{cell}: rate of the farthest network",
                    farthest,
                    expected,
                    tolerance=FORGET_TOLERANCE,
                    unit="nats per step",
                )
            )
    return checks


def _distance(value: float, expected: float) -> float:
    return math.inf if math.isnan(value) else abs(value - expected)


# ------------------------------------------------------------------------------------ figures


def draw_training(record: Record) -> go.Figure:
    """Training loss over updates, per model."""
    chart = theme.figure(
        "update", "training loss (mean squared error)", log_x=True, log_y=True, height=480
    )
    for place, model in enumerate(MODELS):
        runs = [run for run in record["runs"] if run["model"] == model]
        if runs:
            _mean_and_range(chart, runs[0]["steps"], [r["losses"] for r in runs], model, place)
    theme.reference(chart, y=ONE_LAYER, text="claimed with one layer")
    theme.reference(chart, y=TWO_LAYERS, text="claimed with two")
    return chart


def _mean_and_range(
    chart: go.Figure, x: Sequence[int], rows: Sequence[Sequence[float]], name: str, place: int
) -> None:
    columns = list(zip(*rows, strict=True))
    means = [math.exp(math.fsum(math.log(v) for v in c) / len(c)) for c in columns]
    theme.line(chart, x, means, name, index=place, markers=False)
    low, high = [min(c) for c in columns], [max(c) for c in columns]
    theme.band(chart, x, low, high, f"range, {name}", index=place, legend=False)


def draw_trained(record: Record) -> go.Figure:
    """Gradients of the trained models over the trained length."""
    chart = theme.figure("time step t", RELATIVE, log_y=True)
    steps = list(range(1, record["length"] + 1))
    for place, model in enumerate(MODELS):
        rows = [run["gradient"] for run in record["runs"] if run["model"] == model]
        _mean_and_range(chart, steps, rows, model, place)
    return chart


def draw_initial(record: Record) -> go.Figure:
    """Gradients as initialised."""
    chart = theme.figure("time step t", RELATIVE, log_y=True, height=480)
    steps = list(range(1, record["length"] + 1))
    for place, cell in enumerate(CELLS):
        rows = [r["gradient"] for r in record["rows"] if r["cell"] == cell and r["scale"] == 1.0]
        _mean_and_range(chart, steps, rows, cell, place)
    return chart


def draw_rates(record: Record) -> go.Figure:
    """Rate by scale of the recurrent weights."""
    chart = theme.figure("factor on the usual initial weights", RATE, log_x=True, height=480)
    for place, cell in enumerate(CELLS):
        found = [by_seed(record, cell, scale, "far_rate") for scale in SCALES]
        theme.line(chart, SCALES, [mean_interval(v).estimate for v in found], cell, index=place)
        low, high = [min(v) for v in found], [max(v) for v in found]
        theme.band(chart, SCALES, low, high, f"range, {cell}", index=place, legend=False)
    theme.reference(chart, y=0.0, text="neither vanishes nor explodes")
    chart.update_xaxes(tickvals=SCALES, ticktext=[f"{scale:g}" for scale in SCALES])
    chart.update_yaxes(range=[-3, 0.5])
    return chart


# ------------------------------------------------------------------------------------- tables


def table_losses(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Final training losses."""
    rows = []
    for model in MODELS:
        losses = final_losses(record, model)
        rows.append([model, median(losses), min(losses), max(losses), len(losses)])
    return ("model", "median loss", "smallest", "largest", "seeds"), rows


def table_rates(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Mean rates by cell and scale."""
    rows = [
        [cell, *(mean_interval(by_seed(record, cell, s, "far_rate")).estimate for s in SCALES)]
        for cell in CELLS
    ]
    return ("cell", *(f"x {scale:g}" for scale in SCALES)), rows
