"""Charts of curves, points and bands, drawn in the styles of the theme.

>>> chart = new_chart("time step t", "norm of the hidden state", log_y=True)
>>> line(chart, [1, 2, 3], [1.0, 0.1, 0.01], "tanh")
>>> line(chart, [1, 2, 3], [1.0, 10.0, 100.0], "relu")
>>> [(trace.name, trace.line.dash, trace.marker.symbol) for trace in chart.data]
[('tanh', 'solid', 'circle'), ('relu', 'dash', 'square')]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from eigenlab.plots.theme import GREY, HEIGHT, NEUTRAL, fade, style

MANY_POINTS = 40  # from here on markers would hide the line

# A list of numbers to draw; None is a gap.
Values = Sequence[float | None]


def new_chart(
    x_title: str,
    y_title: str,
    *,
    title: str = "",
    log_x: bool = False,
    log_y: bool = False,
    height: int = HEIGHT,
) -> go.Figure:
    """Return an empty figure with labelled axes.

    Args:
        x_title: label of the x axis, with its unit.
        y_title: label of the y axis, with its unit.
        title: above the chart. Default: ``""``.
        log_x: whether the x axis is logarithmic. Default: ``False``.
        log_y: whether the y axis is logarithmic. Default: ``False``.
        height: height of the figure, in pixels. Default: ``420``.

    >>> new_chart("training step", "loss (nats)").layout.yaxis.title.text
    'loss (nats)'
    """
    # In one call: plotly validates for a millisecond at each.
    layout: dict[str, Any] = {
        "template": NEUTRAL,
        "height": height,
        "xaxis": {"title": {"text": x_title}, **(_LOG if log_x else {})},
        "yaxis": {"title": {"text": y_title}, **(_LOG if log_y else {})},
    }
    if title:
        layout["title"] = {"text": title}
    return go.Figure(layout=layout)


# "dtick" is left to plotly: a tick per decade is too many over a hundred decades.
_LOG = {"type": "log", "exponentformat": "power", "nticks": 9, "minor": {"showgrid": False}}


def line(
    chart: go.Figure,
    x: Sequence[Any],
    y: Values,
    name: str,
    *,
    index: int | None = None,
    markers: bool | None = None,
    dash: str | None = None,
    width: float = 2,
    legend: bool = True,
) -> None:
    """Add a curve.

    Args:
        chart: where it is added.
        x: its abscissas.
        y: its ordinates; what is not finite, or not positive on a log axis, becomes a gap.
        name: for the legend.
        index: index of its style among those of the curves. Default: the next one.
        markers: whether points are marked. Default: on curves of up to 40 points.
        dash: plotly's name of a dash. Default: that of the style.
        width: width of the line, in pixels. Default: ``2``.
        legend: whether the legend shows it. Default: ``True``.
    """
    look = style(_curves(chart) if index is None else index)
    shown = len(x) <= MANY_POINTS if markers is None else markers
    chart.add_trace(
        go.Scatter(
            x=list(x),
            y=drawable(y, log=chart.layout.yaxis.type == "log"),
            name=name,
            mode="lines+markers" if shown else "lines",
            line={"color": look.color, "dash": dash or look.dash, "width": width},
            marker={"color": look.color, "symbol": look.symbol, "size": 7},
            showlegend=legend,
        )
    )


def points(
    chart: go.Figure,
    x: Sequence[Any],
    y: Values,
    name: str,
    *,
    low: Values | None = None,
    high: Values | None = None,
    index: int | None = None,
    text: Sequence[str] | None = None,
    size: float = 9,
) -> None:
    """Add markers.

    Args:
        chart: where they are added.
        x: their abscissas.
        y: their ordinates.
        name: for the legend.
        low: lower end of the interval around each. Default: no intervals.
        high: upper end of the interval around each. Default: no intervals.
        index: place of their style among those of the curves. Default: the next one.
        text: shown when the pointer is on a marker. Default: its coordinates.
        size: size of a marker, in pixels. Default: ``9``.
    """
    look = style(_curves(chart) if index is None else index)
    interval = None
    if low is not None and high is not None:
        interval = {
            "type": "data",
            "symmetric": False,
            "array": [_difference(b, a) for a, b in zip(y, high, strict=True)],
            "arrayminus": [_difference(a, b) for a, b in zip(y, low, strict=True)],
            "color": look.color,
            "thickness": 1.6,
            "width": 5,
        }
    chart.add_trace(
        go.Scatter(
            x=list(x),
            y=drawable(y, log=chart.layout.yaxis.type == "log"),
            name=name,
            mode="markers",
            marker={"color": look.color, "symbol": look.symbol, "size": size},
            error_y=interval,
            hovertext=None if text is None else list(text),
        )
    )


def band(
    chart: go.Figure,
    x: Sequence[Any],
    low: Values,
    high: Values,
    name: str,
    *,
    index: int | None = None,
    legend: bool = True,
) -> None:
    """Shade the region between ``low`` and ``high`` (an interval, a range over seeds).

    Points where either end cannot be drawn are left out. With several bands, leave them out of the
    legend and say in the caption what they are.

    Args:
        chart: where it is added.
        x: abscissas.
        low: lower end at each of them.
        high: upper end at each of them.
        name: for the legend.
        index: index of the curve it belongs to. Default: the last one drawn.
        legend: whether the legend shows it. Default: ``True``.
    """
    look = style(max(0, _curves(chart) - 1) if index is None else index)
    log = chart.layout.yaxis.type == "log"
    ends = zip(x, drawable(low, log=log), drawable(high, log=log), strict=True)
    kept = [(at, a, b) for at, a, b in ends if a is not None and b is not None]
    chart.add_trace(
        go.Scatter(
            x=[at for at, _, _ in kept] + [at for at, _, _ in reversed(kept)],
            y=[a for _, a, _ in kept] + [b for _, _, b in reversed(kept)],
            name=name,
            mode="lines",
            line={"width": 0, "color": look.color},
            fill="toself",
            fillcolor=fade(look.color, 0.18),
            hoverinfo="skip",
            showlegend=legend,
        )
    )


def mean_and_range(
    chart: go.Figure, x: Sequence[Any], mean: Values, low: Values, high: Values, name: str
) -> None:
    """Add a curve without markers and, outside the legend, the range around it.

    Args:
        chart: where they are added, in the next style.
        x: abscissas.
        mean: ordinates of the curve.
        low: lower end of the range at each abscissa.
        high: upper end of the range at each abscissa.
        name: of the curve, for the legend.
    """
    line(chart, x, mean, name, markers=False)
    band(chart, x, low, high, f"range, {name}", legend=False)


def reference(
    chart: go.Figure, *, x: float | None = None, y: float | None = None, text: str = ""
) -> None:
    """Draw a thin grey line: a bound, a chance level, a published number.

    Args:
        chart: where it is drawn.
        x: abscissa of a vertical line. Default: none.
        y: ordinate of a horizontal line. Default: none.
        text: beside the line. Default: ``""``.
    """
    shape = {"line_color": GREY, "line_width": 1.5, "line_dash": "dot"}
    note = {"text": text, "showarrow": False, "font_size": 12}
    if x is not None:
        chart.add_vline(x, **shape)
        place = math.log10(x) if chart.layout.xaxis.type == "log" else x
        chart.add_annotation(x=place, y=1, yref="paper", xanchor="left", yanchor="top", **note)
    if y is not None:
        chart.add_hline(y, **shape)
        # Shapes take numbers as they are, annotations on a log axis take their logarithm.
        place = math.log10(y) if chart.layout.yaxis.type == "log" else y
        chart.add_annotation(
            x=0.01, xref="paper", y=place, xanchor="left", yanchor="bottom", **note
        )


def drawable(values: Values, *, log: bool = False) -> list[float | None]:
    """Return ``values`` with None wherever a point cannot be drawn.

    >>> drawable([1.0, 0.0, float("nan"), None], log=True)
    [1.0, None, None, None]
    """
    return [
        None if value is None or not math.isfinite(value) or (log and value <= 0) else float(value)
        for value in values
    ]


def _difference(a: float | None, b: float | None) -> float | None:
    """Length of one arm of an interval; rounding may make it negative by an ulp."""
    return None if a is None or b is None else max(0.0, a - b)


def _curves(chart: go.Figure) -> int:
    """How many curves and point sets ``chart`` has; bands do not count."""
    return sum(trace.type == "scatter" and trace.fill != "toself" for trace in chart.data)
