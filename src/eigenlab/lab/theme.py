"""The one look of every figure.

A curve is told from its neighbours by colour *and* dash *and* marker, so a reader who sees no
colour, or prints in grey, loses nothing. Figures carry the template :data:`NEUTRAL`, whose greys
are readable on white and on black; a page that knows its background swaps in :data:`LIGHT` or
:data:`DARK` (``Plotly.relayout(div, {template: ...})``), because no colour of text, axis or grid
is written into the figure itself.

>>> chart = figure("time step t", "norm of the hidden state", log_y=True)
>>> line(chart, [1, 2, 3], [1.0, 0.1, 0.01], "tanh")
>>> line(chart, [1, 2, 3], [1.0, 10.0, 100.0], "relu")
>>> [(trace.name, trace.line.dash, trace.marker.symbol) for trace in chart.data]
[('tanh', 'solid', 'circle'), ('relu', 'dash', 'square')]
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import plotly.graph_objects as go

#: Okabe and Ito's palette (https://jfly.uni-koeln.de/color/) without its yellow, which is lost on
#: white; its black is a grey here, which shows on black too.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#808080")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "8px 2px 2px 2px 2px 2px")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "cross", "star")

#: Brightness rises along the scale, so it survives a grey printer and every kind of colour vision.
SEQUENTIAL = "Viridis"
#: Brown - white - teal, symmetric in brightness; give it a centre (``zmid``).
DIVERGING = "BrBG"
#: Text and rules that are readable on white and on black.
GREY = "#7f7f7f"

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 420  # px
MANY_POINTS = 40  # from here on markers would hide the line
MANY_CELLS = 16  # up to here a heat map has room for its numbers

# A list of numbers to draw; None is a gap.
Values = Sequence[float | None]


def template(*, text: str, grid: str, rule: str, hover: str) -> dict[str, Any]:
    """Return a plotly template, a plain dict, for one background.

    Args:
        text: colour of words and numbers.
        grid: colour of grid lines.
        rule: colour of axes and zero lines.
        hover: background of hover labels.
    """
    axis = {
        "automargin": True,
        "color": text,
        "gridcolor": grid,
        "linecolor": rule,
        "showline": True,
        "ticks": "outside",
        "tickcolor": rule,
        "title": {"standoff": 8},
        "zeroline": False,
        "exponentformat": "power",
    }
    return {
        "layout": {
            "colorway": list(COLORS),
            "font": {"family": FONT, "size": 14, "color": text},
            "hoverlabel": {"font": {"family": FONT}, "bgcolor": hover},
            "hovermode": "closest",
            # Below the plot, where it pushes the axes up instead of hiding behind a title.
            "legend": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yanchor": "bottom",
                "yref": "container",
            },
            "margin": {"l": 72, "r": 24, "t": 40, "b": 56},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "title": {"font": {"size": 16}, "x": 0, "xref": "paper", "y": 0.97, "yanchor": "top"},
            "xaxis": axis,
            "yaxis": axis,
        },
        "data": {"heatmap": [{"colorbar": {"outlinewidth": 0, "thickness": 14}}]},
    }


NEUTRAL = template(
    text=GREY, grid="rgba(127,127,127,0.22)", rule="rgba(127,127,127,0.7)", hover="#ffffff"
)
LIGHT = template(text="#24292f", grid="#e4e7ea", rule="#8c959f", hover="#ffffff")
DARK = template(text="#d8dee4", grid="#30363d", rule="#6e7681", hover="#161b22")


class Style(NamedTuple):
    """How one curve looks."""

    color: str
    dash: str
    symbol: str


def style(index: int) -> Style:
    """Return the style of the ``index``-th curve (from 0); 49 of them differ.

    Within one round of seven, colour, dash and marker all differ. The next round pairs each colour
    with another dash and marker.

    >>> style(0)
    Style(color='#0072B2', dash='solid', symbol='circle')
    >>> style(7)
    Style(color='#0072B2', dash='dash', symbol='square')
    """
    shift, place = divmod(index, len(COLORS))
    return Style(
        COLORS[place],
        DASHES[(place + shift) % len(DASHES)],
        SYMBOLS[(place + shift) % len(SYMBOLS)],
    )


def fade(color: str, opacity: float) -> str:
    """Return ``#rrggbb`` as an rgba colour.

    >>> fade("#0072B2", 0.2)
    'rgba(0,114,178,0.2)'
    """
    red, green, blue = (int(color[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def figure(
    x_title: str,
    y_title: str,
    *,
    title: str = "",
    log_x: bool = False,
    log_y: bool = False,
    height: int = HEIGHT,
) -> go.Figure:
    """Return an empty figure with labelled axes; a unit belongs in the label.

    >>> figure("training step", "loss (nats)").layout.yaxis.title.text
    'loss (nats)'
    """
    chart = go.Figure(layout={"template": NEUTRAL, "height": height})
    if title:
        chart.update_layout(title_text=title)
    chart.update_xaxes(title_text=x_title, **(_LOG if log_x else {}))
    chart.update_yaxes(title_text=y_title, **(_LOG if log_y else {}))
    return chart


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
    """Add a curve in the next style of ``chart`` (or that of ``index``).

    Values that are not finite, or not positive on a log axis, become gaps. Markers are drawn on
    curves of up to 40 points unless ``markers`` says otherwise.
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
    """Add markers, with an interval from ``low`` to ``high`` around each if both are given."""
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

    ``index`` is that of the curve it belongs to; default: the last one drawn. Points where either
    end cannot be drawn are left out. With several bands, leave them out of the legend and say in
    the caption what they are.
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


def reference(
    chart: go.Figure, *, x: float | None = None, y: float | None = None, text: str = ""
) -> None:
    """Draw a thin grey line at ``x`` or ``y``: a bound, a chance level, a published number."""
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


def heatmap(
    z: Sequence[Values],
    *,
    x_title: str,
    y_title: str,
    value_title: str,
    x: Sequence[Any] | None = None,
    y: Sequence[Any] | None = None,
    title: str = "",
    log: bool = False,
    center: float | None = None,
    numbers: bool | None = None,
    height: int = HEIGHT,
) -> go.Figure:
    """Return a heat map; row 0 of ``z`` is at the top, as in a printed matrix.

    Args:
        z: rows of numbers.
        value_title: what the colour means, with its unit.
        log: colour by the decimal logarithm; zeros and negative numbers are left blank.
        center: use the diverging scale around this value instead of the sequential one.
        numbers: write each number into its cell; default: up to 16 x 16 cells.
    """
    rows = [drawable(row, log=log) for row in z]
    chart = figure(x_title, y_title, title=title, height=height)
    shades = [[None if v is None else math.log10(v) for v in row] for row in rows] if log else rows
    width = max((len(row) for row in rows), default=0)
    few = max(len(rows), width) <= MANY_CELLS if numbers is None else numbers
    label = x_title.partition(" (")[0], y_title.partition(" (")[0]
    chart.add_trace(
        go.Heatmap(
            z=shades,
            x=None if x is None else list(x),
            y=None if y is None else list(y),
            customdata=rows,
            colorscale=SEQUENTIAL if center is None else DIVERGING,
            zmid=center,
            hoverongaps=False,
            hovertemplate=f"{label[0]}: %{{x}}<br>{label[1]}: %{{y}}"
            f"<br>{value_title}: %{{customdata:.3g}}<extra></extra>",
            text=[["" if v is None else f"{v:.3g}" for v in row] for row in rows] if few else None,
            texttemplate="%{text}" if few else None,  # cells do not see customdata
            colorbar={"title": {"text": value_title, "side": "right"}}
            | (_decades(shades) if log else {}),
        )
    )
    chart.update_xaxes(showgrid=False)
    chart.update_yaxes(showgrid=False, autorange="reversed")
    return chart


def _decades(shades: Sequence[Values]) -> dict[str, Any]:
    """At most nine labelled powers of ten on the colour bar."""
    known = [value for row in shades for value in row if value is not None]
    if not known:
        return {}
    low, high = math.floor(min(known)), math.ceil(max(known))
    step = max(1, math.ceil((high - low) / 8))
    ticks = list(range(high, low - 1, -step))
    return {
        "tickvals": ticks,
        "ticktext": [f"10<sup>{tick}</sup>".replace("-", "−") for tick in ticks],
    }


def empty(chart: go.Figure, message: str = "nothing was measured") -> go.Figure:
    """Say in an otherwise empty figure why it is empty; returns ``chart``."""
    chart.add_annotation(
        text=message, x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False, font_size=15
    )
    return chart


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
