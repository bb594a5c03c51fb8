"""The figures, tables and metrics of ``pca-optimality``."""

from __future__ import annotations

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.pca_optimality.config import PCAOptimalityConfig
from eigenlab.experiments.pca_optimality.records import (
    PointsRecord,
    StaircaseRecord,
    TrainingRecord,
)
from eigenlab.lab import Rows, figure, metrics, table
from eigenlab.statistics import worst

SHARE_AXIS = "loss / ||X||² (share of the variance)"
STEP_AXIS = "step of gradient descent"


def _points_caption(config: PCAOptimalityConfig) -> str:
    return (
        "Loss and number of negative eigenvalues of the Hessian at each choice of axes; hidden "
        f"units: {config.spectrum_components}, axes: {len(config.spectrum)}. Only one point has no "
        "direction of descent."
    )


@figure("Stationary points", _points_caption)
def points(record: PointsRecord) -> go.Figure:
    chart = plots.new_chart("directions of descent", SHARE_AXIS)
    for rank in range(record.n_components, -1, -1):
        chosen = [p for p in record.points if len(p.subset) == rank]
        plots.points(
            chart,
            [p.hessian_index for p in chosen],
            [p.share for p in chosen],
            f"{rank} axes kept" if rank != 1 else "1 axis kept",
            text=[f"axes {[i + 1 for i in p.subset]}" for p in chosen],
            size=11,
        )
    chart.update_xaxes(dtick=1)
    return chart


@figure(
    "Loss on a path through the stationary points",
    "Loss while the kept subspace is rotated from the trailing axes to the leading ones, one axis "
    "at a time. Each dotted line is a stationary point: the slope is zero there, and the loss "
    "decreases beyond it.",
)
def paths(record: PointsRecord) -> go.Figure:
    chart = plots.new_chart("angle along the path (degrees)", SHARE_AXIS)
    for piece in record.path:
        start, end = (" and ".join(str(i + 1) for i in axes) for axes in (piece.start, piece.end))
        plots.line(chart, piece.angles, piece.losses, f"axes {start} → {end}", markers=False)
        plots.reference(chart, x=piece.angles[-1])
    chart.update_xaxes(dtick=90)
    return chart


@figure(
    "Training finds the principal subspace",
    "Largest principal angle between the decoder's columns and the principal subspace. At first "
    "it decreases at a rate determined by the gap in the spectrum, then slowly: the encoder's "
    "weights along axes of small variance decay at a rate proportional to that variance, and the "
    "decoder's with them.",
)
def training(record: TrainingRecord) -> go.Figure:
    chart = plots.new_chart(STEP_AXIS, "largest principal angle (rad)", log_y=True)
    for place, row in enumerate(record.angles):
        plots.line(chart, record.steps, row, f"start {place + 1}", index=place, markers=False)
    chart.update_yaxes(dtick=1)
    chart.update_xaxes(exponentformat="none")
    return chart


def _staircase_caption(config: PCAOptimalityConfig) -> str:
    return (
        f"Loss from a start of size {config.staircase_start:g}. Dotted: the losses of the saddles "
        "that keep the first 0, 1, 2, ... axes. At each drop of the loss one more axis is learned."
    )


@figure("Plateaus of the loss at successive saddles", _staircase_caption)
def staircase(record: StaircaseRecord) -> go.Figure:
    chart = plots.new_chart(STEP_AXIS, SHARE_AXIS)
    plots.line(chart, record.steps, record.losses, "loss", markers=False)
    plots.points(
        chart,
        [v.step for v in record.visits],
        [v.loss for v in record.visits],
        "nearest to the saddle of 0, 1, ... axes",
    )
    for visit in record.visits:
        plots.reference(chart, y=visit.plateau)
    chart.update_yaxes(rangemode="tozero")
    return chart


@figure(
    "The gradient almost vanishes at every saddle",
    "Norm of the gradient in the same training: a minimum at each saddle, and an exponential "
    "decay towards the end.",
)
def slope(record: StaircaseRecord) -> go.Figure:
    chart = plots.new_chart(STEP_AXIS, "norm of the gradient / ||X||²", log_y=True)
    plots.line(chart, record.steps, record.gradient_norms, "gradient", markers=False)
    return chart


@table("Stationary points by increasing loss")
def stationary_points(record: PointsRecord) -> Rows:
    rows = [
        [
            ", ".join(str(i + 1) for i in p.subset) or "none",
            p.share,
            p.index,
            p.hessian_index,
            p.hessian_nullity,
            "minimum" if p.hessian_index == 0 else "saddle",
        ]
        for p in record.points
    ]
    columns = (
        "axes kept",
        "loss share",
        "directions of descent, counted",
        "negative eigenvalues of the Hessian",
        "zero eigenvalues",
    )
    return (*columns, "kind"), rows


@metrics
def explained_variance(record: PointsRecord) -> dict[str, float]:
    return {"explained_variance": record.images.explained}


@metrics
def largest_angle(record: TrainingRecord) -> dict[str, float]:
    return {"largest_angle": worst(row[-1] for row in record.angles)}
