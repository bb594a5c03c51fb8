"""Heat maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from eigenlab.plots.charts import Values, new_chart
from eigenlab.plots.theme import DIVERGING, HEIGHT, SEQUENTIAL

MANY_CELLS = 16  # up to this size a heat map shows its numbers


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
        x_title: title of the columns, with its unit.
        y_title: title of the rows, with its unit.
        value_title: quantity shown by the colour, with its unit.
        x: value of each column. Default: its place.
        y: value of each row. Default: its place.
        title: above the map. Default: ``""``.
        log: colour by the decimal logarithm; zeros and negative numbers are left blank.
            Default: ``False``.
        center: use the diverging scale around this value. Default: the sequential scale.
        numbers: write each number into its cell. Default: up to 16 x 16 cells.
        height: height of the figure, in pixels. Default: ``420``.
    """
    chart = new_chart(x_title, y_title, title=title, height=height)
    # Arrays, in which a gap is NaN: plotly validates nested lists number by number.
    values = _array(z)
    values[~np.isfinite(values) | (log & (values <= 0))] = np.nan
    shades = np.log10(values) if log else values
    few = max(values.shape) <= MANY_CELLS if numbers is None else numbers
    label = x_title.partition(" (")[0], y_title.partition(" (")[0]
    chart.add_trace(
        go.Heatmap(
            z=shades,
            x=None if x is None else list(x),
            y=None if y is None else list(y),
            customdata=values,
            colorscale=SEQUENTIAL if center is None else DIVERGING,
            zmid=center,
            hoverongaps=False,
            hovertemplate=f"{label[0]}: %{{x}}<br>{label[1]}: %{{y}}"
            f"<br>{value_title}: %{{customdata:.3g}}<extra></extra>",
            text=[["" if math.isnan(v) else f"{v:.3g}" for v in row] for row in values.tolist()]
            if few
            else None,
            texttemplate="%{text}" if few else None,  # texttemplate cannot use customdata
            colorbar={"title": {"text": value_title, "side": "right"}}
            | (_decades(shades) if log else {}),
        )
    )
    chart.update_layout(
        xaxis={"showgrid": False}, yaxis={"showgrid": False, "autorange": "reversed"}
    )
    return chart


def _array(rows: Sequence[Values]) -> np.ndarray:
    """Rows of numbers, the shorter ones filled with NaN; None is NaN, too."""
    width = max((len(row) for row in rows), default=0)
    filled = [[*row, *[None] * (width - len(row))] for row in rows]
    return np.array(filled, dtype=np.float64).reshape(len(rows), width)


def _decades(shades: np.ndarray) -> dict[str, Any]:
    """At most nine labelled powers of ten on the colour bar."""
    known = shades[~np.isnan(shades)]
    if not len(known):
        return {}
    low, high = math.floor(known.min()), math.ceil(known.max())
    step = max(1, math.ceil((high - low) / 8))
    ticks = list(range(high, low - 1, -step))
    return {
        "tickvals": ticks,
        "ticktext": [f"10<sup>{tick}</sup>".replace("-", "−") for tick in ticks],
    }
