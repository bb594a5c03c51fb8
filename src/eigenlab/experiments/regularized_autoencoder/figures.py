"""The figures, tables and metrics of ``regularized-autoencoder``."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.regularized_autoencoder.claims import relative_error
from eigenlab.experiments.regularized_autoencoder.records import (
    LamsRecord,
    MinimaRecord,
    ObjectiveRecord,
    TrainingRecord,
)
from eigenlab.lab import Control, Rows, explorer, figure, metrics, table
from eigenlab.statistics import worst

LAM_AXIS = "λ (units of a variance)"


@figure(
    "Which training follows the gradient of L",
    "Sine of the angle between the mean update and -gradient. One combination is at rounding "
    "error; a value of 1 means a right angle or more.",
)
def combinations(record: ObjectiveRecord) -> go.Figure:
    chart = plots.new_chart(
        "loss and regulariser", "sine of the angle to the gradient", log_y=True, height=520
    )
    for optimizer in dict.fromkeys(row.optimizer for row in record.combinations):
        chosen = [row for row in record.combinations if row.optimizer == optimizer]
        plots.points(
            chart,
            [f"{row.loss}, {row.regularizer}" for row in chosen],
            [max(row.angle_sine, 1e-16) for row in chosen],
            optimizer,
            size=10,
        )
    chart.update_yaxes(range=[-16.5, 0.5])
    chart.update_xaxes(tickangle=-45)
    return chart


@figure(
    "Singular values during training",
    "One sample at a time, with weight decay 2λ. Dotted: the predicted values.",
)
def history(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart(
        "epochs (passes, sample by sample)", "singular value of W<sub>2</sub>", log_x=True
    )
    epochs = list(range(1, len(record.history)))
    for place, wanted in enumerate(record.predicted):
        values = [row[place] for row in record.history[1:]]
        plots.line(chart, epochs, values, f"i = {place + 1}", markers=False)
        plots.reference(chart, y=wanted)
    return chart


@figure(
    "Measured against predicted singular values",
    "Curves: sqrt(max(0, 1 - λ/σᵢ²)). Points: gradient descent from several starts. Where λ "
    "exceeds the variance of an axis, the singular value is zero.",
)
def values(record: MinimaRecord) -> go.Figure:
    chart = plots.new_chart(LAM_AXIS, "singular value of W<sub>2</sub>", log_x=True, height=480)
    for place in range(len(record.variances)):
        predicted = [row[place] for row in record.curve.singular_values]
        name = f"i = {place + 1}, predicted"
        plots.line(chart, record.curve.lams, predicted, name, index=place, markers=False)
    for place in range(len(record.variances)):
        plots.points(
            chart,
            [row.lam for row in record.rows for _ in row.decoder],
            [start[place] for row in record.rows for start in row.decoder],
            "measured",
            index=place,
            size=8,
        )
        chart.data[-1].showlegend = False
    return chart


@explorer(
    "Move the penalty",
    "Left, the variances of the principal axes and λ. Right, the singular values of both matrices "
    "after gradient descent, on the prediction sqrt(max(0, 1 - λ/σᵢ²)): an axis with less variance "
    "than λ is switched off, the others are shortened.",
    question="8b",
    controls=[Control("lams", "lams", "λ / σₖ²")],
)
def penalty(record: LamsRecord, place: int) -> list[go.Figure]:
    found = record.minima[place]
    order = list(range(1, len(record.variances) + 1))
    left = plots.new_chart("principal axis i", "variance σᵢ²", log_y=True)
    plots.line(left, order, record.variances, "σᵢ²")
    plots.reference(left, y=found.lam, text=f"λ = {found.lam:.3g}")
    spread = [found.lam for found in record.minima] + list(record.variances)
    ends = [math.log10(min(spread) / 1.5), math.log10(max(spread) * 1.5)]
    left.update_yaxes(range=ends, dtick=1)
    right = plots.new_chart("index i of the singular value", "singular value")
    plots.line(right, order, found.predicted, "predicted")
    plots.points(right, order, found.encoder[0], "W<sub>1</sub>, measured", index=1, size=10)
    plots.points(right, order, found.decoder[0], "W<sub>2</sub>, measured", index=2, size=7)
    right.update_yaxes(range=[-0.05, 1.05])
    return [left, right]


@figure(
    "Columns become orthonormal as λ falls",
    "Spectral norm of W2ᵀ W2 - I; the line is λ/σ_k², and 1 once a unit has singular value zero.",
)
def orthonormal(record: MinimaRecord) -> go.Figure:
    chart = plots.new_chart(
        LAM_AXIS,
        "‖W<sub>2</sub>ᵀ W<sub>2</sub> − I‖ (largest singular value)",
        log_x=True,
        log_y=True,
    )
    name = "predicted, min(1, λ / σ<sub>k</sub>²)"
    plots.line(chart, record.corners.lams, record.corners.deviation, name, markers=False)
    lams = [row.lam for row in record.rows]
    plots.points(chart, lams, [worst(row.deviation) for row in record.rows], "measured")
    return chart


@figure(
    "Why the singular values tend to one",
    "If W2 W1 is a projection, a singular value σ of W2 comes with 1/σ in W1, and their squared "
    "norms add to σ² + 1/σ², which is smallest at σ = 1. Even a small penalty therefore selects "
    "orthonormal columns; a larger one shortens them. Points are the measured σ, drawn on the "
    "curve; their actual w₁ w₂ is σ², below 1.",
)
def cost(record: MinimaRecord) -> go.Figure:
    chart = plots.new_chart(
        "singular value σ of W<sub>2</sub>", "smallest ‖w₁‖² + ‖w₂‖² with w₁ w₂ = 1"
    )
    curve = record.penalty
    plots.line(chart, curve.singular_values, curve.penalty, "σ² + 1/σ²", markers=False)
    plots.reference(chart, x=1.0, text=" σ = 1")
    for points in record.measured_penalty:
        name = f"measured σ, λ = {points.lam:.2g}"
        plots.points(chart, points.singular_values, points.penalty, name)
    return chart


@table("Every combination of loss, regulariser and optimiser")
def combination_table(record: ObjectiveRecord) -> Rows:
    rows = sorted(record.combinations, key=lambda row: row.angle_sine)
    columns = ("loss", "regulariser", "optimiser", "sine of the angle", "update at the minimum")
    return columns, [
        [row.loss, row.regularizer, row.optimizer, row.angle_sine, row.update_at_minimum]
        for row in rows
    ]


@table("Which weight decay is exact")
def decays(record: ObjectiveRecord) -> Rows:
    columns = ("method", "sine of the angle", "length of the step")
    return columns, [
        [row.method, row.angle_sine, row.length] for row in (*record.summed, *record.averaged)
    ]


@metrics
def largest_error(record: MinimaRecord) -> dict[str, float]:
    return {
        "largest_error": worst(relative_error(row.decoder, row.predicted) for row in record.rows)
    }


@metrics
def sgd_error(record: TrainingRecord) -> dict[str, float]:
    return {"sgd_error": relative_error([record.history[-1]], record.predicted)}
