"""Hidden states and their gradients over time (questions 1d to 1h)."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from eigenlab.plots.charts import Values, line, new_chart, points
from eigenlab.plots.heatmaps import heatmap

STEP_AXIS = "time step t"
NORM_AXIS = "Euclidean norm (mean over the batch)"
STATE = "|h<sub>t</sub>|"
GRADIENT = "|∂L/∂h<sub>t</sub>|"


def norms_chart() -> go.Figure:
    """Return an empty chart for norms over time, on a logarithmic axis."""
    return new_chart(STEP_AXIS, NORM_AXIS, log_y=True, height=480)


def add_norms(
    chart: go.Figure, hidden_norms: Values, gradient_norms: Values, label: str, *, index: int
) -> None:
    """Add |h_t| and |dL/dh_t| of one network or layer.

    Args:
        chart: a :func:`norms_chart`.
        hidden_norms: |h_t| for t = 1 .. T.
        gradient_norms: |dL/dh_t| for t = 1 .. T.
        label: name of the network or layer.
        index: its place among those of the chart; each takes two styles.
    """
    steps = list(range(1, len(hidden_norms) + 1))
    for shift, (quantity, values) in enumerate(((STATE, hidden_norms), (GRADIENT, gradient_norms))):
        name = f"{quantity}, {label}"
        line(chart, steps, values, name, index=2 * index + shift, markers=False)


def add_closed_form(
    chart: go.Figure, steps: Sequence[int], values: Values, *, index: int, legend: bool = True
) -> None:
    """Overlay open circles at a dozen steps of the closed form |2 (y_hat - y) W_f W_h^(T-t)|.

    Args:
        chart: a chart over time steps.
        steps: number of each time step.
        values: the closed form at each of them.
        index: place of the style among those of the curves.
        legend: whether the legend names it. Default: ``True``.
    """
    stride = max(1, len(steps) // 12)
    points(
        chart,
        steps[::-stride],
        values[::-stride],
        "closed form |2(ŷ − y) W<sub>f</sub> W<sub>h</sub><sup>T−t</sup>|",
        index=index,
    )
    chart.data[-1].update(marker={"symbol": "circle-open", "line": {"width": 2}}, showlegend=legend)


def pairwise_heatmap(norms: Sequence[Values], steps: Sequence[int] | None = None) -> go.Figure:
    """|dL_k/dh_t|: row k is the loss at step k, column t the state at step t.

    Args:
        norms: (K, T) norms; zeros are left blank on the logarithmic colours.
        steps: number of each row and column. Default: 1 .. K and 1 .. T.
    """
    rows = steps if steps is not None else range(1, len(norms) + 1)
    columns = steps if steps is not None else range(1, len(norms[0]) + 1)
    return heatmap(
        norms,
        x=columns,
        y=rows,
        x_title="state at step t",
        y_title="loss at step k",
        value_title="|∂L<sub>k</sub>/∂h<sub>t</sub>|",
        log=True,
        numbers=False,
        height=520,
    )


def training_heatmap(norms: Sequence[Values], updates: Sequence[int]) -> go.Figure:
    """|dL/dh_t| over a training: row n is a training step, column t a time step.

    Args:
        norms: a row of norms for each observed training step; shorter ones end earlier.
        updates: number of each observed training step.
    """
    width = max((len(row) for row in norms), default=0)
    return heatmap(
        norms,
        x=range(1, width + 1),
        y=updates,
        x_title=STEP_AXIS,
        y_title="training step",
        value_title=GRADIENT,
        log=True,
        numbers=False,
        height=520,
    )
