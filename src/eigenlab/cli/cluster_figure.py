"""Scatter plots of a clustering, and the self-contained HTML page that shows them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import plotly.graph_objects as go

from eigenlab import plots

MAX_POINTS = 20_000
"""Most points that are drawn; more would make the page larger and show nothing new."""
MAX_AXES = 3
"""Most columns, or coordinates of the embedding, that are drawn."""
MAX_LARGE_MARKERS = 2000
"""Above this number of points markers are small."""

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)


def draw(record: Mapping[str, Any]) -> go.Figure:
    """Scatter plots of the points by cluster, one panel for each pair of axes.

    Args:
        record: what is shown. ``axes``: one to three names; ``points``: the coordinates of each
            point drawn; ``rows``: its row number; ``labels``: its cluster; ``sizes``: cluster ->
            number of points, including those not drawn; ``title``; ``remarks``: lines below it.

    Returns:
        The figure.
    """
    axes: Sequence[str] = record["axes"]
    columns = [list(column) for column in zip(*record["points"], strict=True)]
    if len(axes) == 1:
        axes, columns = ["row", *axes], [list(record["rows"]), *columns]
    pairs = list(combinations(range(len(axes)), 2))
    chart = plots.new_chart("", "", title=_title(record), height=520)
    for panel, (across, up) in enumerate(pairs):
        name = "" if panel == 0 else str(panel + 1)
        left, right = _span(panel, len(pairs))
        chart.update_layout(
            {
                f"xaxis{name}": {
                    "title": {"text": html.escape(axes[across])},
                    "domain": [left, right],
                    "anchor": f"y{name}",
                },
                f"yaxis{name}": {
                    "title": {"text": html.escape(axes[up])},
                    "anchor": f"x{name}",
                },
            }
        )
        for index, (cluster, size) in enumerate(record["sizes"].items()):
            members = [i for i, label in enumerate(record["labels"]) if label == int(cluster)]
            chart.add_trace(
                _markers(
                    [columns[across][i] for i in members],
                    [columns[up][i] for i in members],
                    [record["rows"][i] for i in members],
                    index,
                    small=len(record["rows"]) > MAX_LARGE_MARKERS,
                ).update(
                    name=f"cluster {cluster} ({size})",
                    legendgroup=cluster,
                    showlegend=panel == 0,
                    xaxis=f"x{name}",
                    yaxis=f"y{name}",
                )
            )
    tools = {"bgcolor": "rgba(0,0,0,0)", "color": plots.GREY, "activecolor": plots.COLORS[0]}
    return chart.update_layout(margin_t=96, legend_itemsizing="constant", modebar=tools)


def _title(record: Mapping[str, Any]) -> str:
    lines = [html.escape(line) for line in (record["title"], *record["remarks"])]
    return "<br>".join([lines[0], *(f"<sup>{line}</sup>" for line in lines[1:])])


def _span(panel: int, panels: int) -> tuple[float, float]:
    gap = 0.09 if panels > 1 else 0
    width = (1 - gap * (panels - 1)) / panels
    left = panel * (width + gap)
    return left, min(1.0, left + width)


def _markers(
    x: Sequence[float], y: Sequence[float], rows: Sequence[int], index: int, *, small: bool
) -> go.Scatter:
    look = plots.style(index)
    return go.Scatter(
        x=x,
        y=y,
        customdata=rows,
        mode="markers",
        marker={
            "color": plots.fade(look.color, 0.7),
            "symbol": look.symbol,
            "size": 4 if small else 7,
        },
        hovertemplate="row %{customdata}<br>(%{x}, %{y})",
    )


def page(chart: go.Figure, title: str) -> str:
    """A complete HTML document with the figure and plotly itself; it needs no network."""
    body = chart.to_html(
        full_html=False,
        include_plotlyjs=True,
        div_id="figure",
        config={"responsive": True, "displaylogo": False},
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{html.escape(title)}</title>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
