"""The figures, tables and metrics of ``stacked-rnn``."""

from __future__ import annotations

from statistics import median

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.stacked_rnn.claims import (
    ONE_LAYER,
    TWO_LAYERS,
    far_rates,
    rate_difference,
    ratio_difference,
    share_below,
)
from eigenlab.experiments.stacked_rnn.config import StackedRNNConfig
from eigenlab.experiments.stacked_rnn.records import RatesRecord, TrainingRecord
from eigenlab.lab import Rows, figure, metrics, table
from eigenlab.statistics import least, mean_interval

RELATIVE_AXIS = "|∂L/∂h<sub>t</sub>| / |∂L/∂h<sub>T</sub>|"


def _training_caption(config: StackedRNNConfig) -> str:
    return (
        "Training loss on fresh batches, geometric mean and range of the seeds. Dotted: the "
        f"course's values after 5000 updates; here there are {config.training_steps}."
    )


@figure("Training on the running average", _training_caption)
def training(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart(
        "update", "training loss (mean squared error)", log_x=True, log_y=True, height=480
    )
    steps = record.runs[0].steps
    for model, curve in record.losses.items():
        plots.mean_and_range(chart, steps, *curve.curves, model)
    plots.reference(chart, y=ONE_LAYER, text="claimed with one layer")
    plots.reference(chart, y=TWO_LAYERS, text="claimed with two")
    return chart


@figure(
    "Gradients as initialised",
    "Gradient of the last step's loss before any training, geometric mean and range of the "
    "networks. With the default initialisation the gradient of an LSTM vanishes almost as fast as "
    "that of an RNN; a positive forget bias slows it down.",
)
def initial(record: RatesRecord) -> go.Figure:
    chart = plots.new_chart("time step t", RELATIVE_AXIS, log_y=True, height=480)
    steps = list(range(1, record.length + 1))
    for cell, curve in record.initial.items():
        plots.mean_and_range(chart, steps, *curve.curves, cell)
    return chart


@figure(
    "The rate depends on W_h in an RNN, on the forget gate in an LSTM",
    "Growth of the gradient per step back over the far half of the sequence, mean and range of "
    "the networks. Left, with small weights, the LSTM's rate is ln sigmoid(b_f); the RNN's "
    "decreases without bound. Right, the RNN's gradient explodes.",
)
def rates(record: RatesRecord) -> go.Figure:
    chart = plots.new_chart(
        "factor on the default initial weights",
        "growth per step back (nats)",
        log_x=True,
        height=480,
    )
    factors = record.factors
    for index, cell in enumerate(dict.fromkeys(row.cell for row in record.rows)):
        found = [far_rates(record, cell, factor) for factor in factors]
        plots.line(chart, factors, [mean_interval(v).estimate for v in found], cell, index=index)
        low, high = [min(v) for v in found], [max(v) for v in found]
        plots.band(chart, factors, low, high, f"range, {cell}", index=index, legend=False)
    plots.reference(chart, y=0.0, text="neither vanishes nor explodes")
    chart.update_xaxes(tickvals=factors, ticktext=[f"{factor:g}" for factor in factors])
    chart.update_yaxes(range=[-3, 0.5])
    return chart


@figure(
    "Gradients after training",
    "Gradient of the last step's loss in the trained networks, with respect to the hidden states "
    "of the top layer, geometric mean and range of the seeds. In the LSTM most of it vanishes in "
    "the last steps, on the path from the hidden state into the cell.",
)
def trained(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart("time step t", RELATIVE_AXIS, log_y=True)
    steps = list(range(1, record.length + 1))
    for model, curve in record.gradients.items():
        plots.mean_and_range(chart, steps, *curve.curves, model)
    return chart


@figure(
    "Training loss of every network",
    "Mean training loss of the last tenth of the updates, one point per seed. Dotted: the course's "
    "values. From a W_x as in torch.nn.Linear the losses of both RNNs are higher.",
)
def every_loss(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart("model", "training loss (mean squared error)", log_y=True, height=480)
    for model in record.losses:
        found = [run.final_loss for run in record.runs if run.model == model]
        plots.points(chart, [model] * len(found), found, model, size=7)
    plots.reference(chart, y=ONE_LAYER, text="claimed with one layer")
    plots.reference(chart, y=TWO_LAYERS, text="claimed with two")
    chart.update_layout(showlegend=False)
    return chart


@table("Training loss after the last update, and the share below the course's value")
def losses(record: TrainingRecord) -> Rows:
    rows = []
    for model in record.losses:
        found = [run.final_loss for run in record.runs if run.model == model]
        share = ""  # the text has no value for an LSTM
        if model.startswith("RNN"):
            bound = TWO_LAYERS if "two layers" in model else ONE_LAYER
            below = share_below(record, model, bound)
            share = f"{below.estimate:.2f} [{below.low:.2f}, {below.high:.2f}] below {bound:g}"
        rows.append([model, median(found), min(found), max(found), len(found), share])
    columns = ("model", "median loss", "smallest", "largest", "seeds")
    return (*columns, "share below the course's value [95 % interval]"), rows


@table(
    "Share of the variance that a linear map of the first layer's states explains, least of seeds"
)
def decoded(record: TrainingRecord) -> Rows:
    rows = []
    for model in record.losses:
        runs = [run for run in record.runs if run.model == model]
        rows.append([model, least(r.sum_r2 for r in runs), least(r.time_r2 for r in runs)])
    return ("model", "sum", "time"), rows


@table("Growth of the gradient per step back (nats), by factor on the weights")
def rate_table(record: RatesRecord) -> Rows:
    cells = dict.fromkeys(row.cell for row in record.rows)
    rows = [
        [cell, *(mean_interval(far_rates(record, cell, f)).estimate for f in record.factors)]
        for cell in cells
    ]
    return ("cell", *(f"x {factor:g}" for factor in record.factors)), rows


@metrics
def final_losses(record: TrainingRecord) -> dict[str, float]:
    rows = {row[0]: row[1] for row in losses(record)[1]}
    names = {"loss with one layer": "RNN, one layer", "loss with two layers": "RNN, two layers"}
    return {words: rows[name] for words, name in names.items() if name in rows}


@metrics
def rate(record: RatesRecord) -> dict[str, float]:
    if 1.0 not in record.factors:
        return {}
    return {
        "rate of LSTM minus RNN": rate_difference(record).estimate,
        "ln ratio of LSTM minus RNN over the training's length": ratio_difference(record).estimate,
    }
