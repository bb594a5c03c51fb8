"""Several charts of the report in one figure, so that one message to the browser redraws all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from eigenlab.plots import NEUTRAL

GAP = 0.16  # share of the width or height between two charts


def panels(
    charts: Sequence[tuple[str, go.Figure]], *, columns: int = 2, height: int
) -> dict[str, Any]:
    """Return one figure with the charts side by side, row by row, in plotly's JSON.

    (A ``go.Figure`` would validate once more what the charts have validated.)

    Args:
        charts: title and chart of each panel; every chart has one x and one y axis.
        columns: charts in a row. Default: ``2``.
        height: height of the figure, in pixels.

    >>> from eigenlab.plots import complex_plane, norms_chart
    >>> both = panels([("norms", norms_chart()), ("plane", complex_plane())], height=400)
    >>> layout = both["layout"]
    >>> both["data"][0]["xaxis"], layout["yaxis"]["type"], layout["yaxis2"]["scaleanchor"]
    ('x2', 'log', 'x2')
    """
    rows = math.ceil(len(charts) / columns)
    data: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"template": NEUTRAL, "height": height, "annotations": []}
    for index, (title, chart) in enumerate(charts):
        row, column = divmod(index, columns)
        left, right = _span(column, columns)
        top, bottom = (1 - end for end in _span(row, rows))
        number = "" if index == 0 else str(index + 1)
        drawn = chart.to_plotly_json()
        for trace, original in zip(drawn["data"], chart.data, strict=True):
            trace |= {"xaxis": f"x{number}", "yaxis": f"y{number}"}
            if trace["type"] == "heatmap":
                trace |= {"z": _lists(original.z), "customdata": _lists(original.customdata)}
                bar = {"x": right + 0.005, "y": (top + bottom) / 2, "len": top - bottom}
                trace["colorbar"] = trace.get("colorbar", {}) | bar
            else:
                trace["legend"] = f"legend{number}"
            data.append(trace)
        x_axis, y_axis = (drawn["layout"].get(f"{letter}axis", {}) for letter in "xy")
        y_axis |= {"domain": [bottom, top], "anchor": f"x{number}"}
        if "scaleanchor" in y_axis:
            y_axis["scaleanchor"] = f"x{number}"
        layout[f"xaxis{number}"] = x_axis | {"domain": [left, right], "anchor": f"y{number}"}
        layout[f"yaxis{number}"] = y_axis
        layout[f"legend{number}"] = {
            "x": right,
            "xanchor": "right",
            "y": top,
            "yanchor": "bottom",
            "yref": "paper",
        }
        layout["annotations"].append(_title(title, left, top))
    return {"data": data, "layout": layout}


def _lists(array: np.ndarray) -> list[list[float | None]]:
    """Rows of numbers, as they can be read back from the figure; None where there is none."""
    found: list[list[float | None]] = np.where(np.isnan(array), np.array(None), array).tolist()
    return found


def _span(place: int, count: int) -> tuple[float, float]:
    """Start and end of a panel, as shares of the figure."""
    size = (1 - GAP * (count - 1)) / count
    return place * (size + GAP), place * (size + GAP) + size


def _title(text: str, left: float, top: float) -> dict[str, Any]:
    return {
        "text": f"<b>{text}</b>",
        "x": left,
        "xref": "paper",
        "xanchor": "left",
        "y": top,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "yshift": 22,
    }
