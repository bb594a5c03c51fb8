"""The figures, tables and metrics of ``rnn-layer``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.rnn_layer import claims
from eigenlab.experiments.rnn_layer.records import PublishedRecord, ReferenceRecord
from eigenlab.lab import Rows, figure, metrics, table
from eigenlab.statistics import worst

QUANTITIES = ("states", "loss", "gradients")


@figure(
    "The published example",
    "Hidden states of three identical linear units with increasing inputs; they oscillate, since "
    "W_h is negative. Circles: the published values.",
)
def states(record: PublishedRecord) -> go.Figure:
    steps = list(range(1, len(record.states) + 1))
    chart = plots.new_chart("time step t", "hidden state h_t (same in each unit)")
    plots.line(chart, steps, [row[0] for row in record.states], "this layer")
    plots.points(chart, steps, record.published_states, "published", size=13)
    chart.data[1].marker.symbol = "circle-open"
    chart.update_xaxes(dtick=1)
    return chart


@figure(
    "Difference from other implementations",
    "Largest absolute difference from a textbook loop and from torch.nn.RNN over all networks, in "
    "double precision. Rounding alone gives 1e-16 to 1e-13; the line is the tolerance. A "
    "difference of exactly zero is drawn at 2^-53.",
)
def differences(record: ReferenceRecord) -> go.Figure:
    chart = plots.new_chart("compared quantity", "largest absolute difference", log_y=True)
    pairs = dict.fromkeys((row.nonlinearity, row.reference) for row in record.rows)
    for nonlinearity, reference in pairs:
        rows = [
            r for r in record.rows if (r.nonlinearity, r.reference) == (nonlinearity, reference)
        ]
        # A difference of exactly zero is drawn at half the spacing of float64 at 1.
        shown = [max(worst(getattr(row, q) for row in rows), 2.0**-53) for q in QUANTITIES]
        plots.points(chart, QUANTITIES, shown, f"{nonlinearity}, {reference}", size=11)
    plots.reference(chart, y=claims.REFERENCE_TOLERANCE, text="tolerance")
    chart.update_yaxes(range=[-17, -5])
    return chart


@table("Published inputs and outputs, to check a layer of your own by hand")
def published(record: PublishedRecord) -> Rows:
    steps = zip(record.inputs, record.states, record.published_states, strict=True)
    example = f"prediction {_rows(record.prediction)}, target {_rows(record.target)}"
    rows: list[list[Any]] = [
        ["one unit, every parameter 0.1", "1", record.one_unit, claims.ONE_UNIT],
        *[
            [f"three linear units, every parameter -0.1, step {t}", _row(x), row[0], expected]
            for t, (x, row, expected) in enumerate(steps, 1)
        ],
        ["parameters of RNNLayer(2, 3)", "", record.layer_parameters, claims.LAYER_PARAMETERS],
        [
            "parameters with four outputs",
            "",
            record.regressor_parameters,
            claims.REGRESSOR_PARAMETERS,
        ],
        ["loss over every step", example, record.loss_every_step, claims.LOSS_EVERY_STEP],
        ["loss at the last step", "the same", record.loss_last_step, claims.LOSS_LAST_STEP],
    ]
    return ("quantity", "input", "measured", "published"), rows


def _rows(values: Sequence[Sequence[float]]) -> str:
    return ", ".join(map(_row, values))


def _row(values: Sequence[float]) -> str:
    return f"({', '.join(f'{value:g}' for value in values)})"


@metrics
def headline(record: ReferenceRecord) -> dict[str, float]:
    return {"largest_difference": worst(getattr(r, q) for r in record.rows for q in QUANTITIES)}
