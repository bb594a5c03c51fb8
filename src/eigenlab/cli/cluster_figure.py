"""The picture of a clustering, from its record, and the page that shows it without a network."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import plotly.graph_objects as go

from eigenlab.lab import theme

SHOWN = 20_000
"""Points drawn at most: more make a page of many megabytes that shows no more."""
DRAWN = 3
"""Columns, or vectors of the embedding, drawn at most."""
MANY = 2000
"""From here on small markers."""

_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)


def draw(record: Mapping[str, Any]) -> go.Figure:
    """Points by cluster, in one panel for each pair of the record's axes.

    Args:
        record: ``axes``, the one to three names; ``points``, a list of as many numbers for each
            point drawn; ``rows``, its row number; ``labels``, its cluster; ``sizes``, all points
            of each cluster by its number; ``title``, and ``remarks`` below it.
    """
    axes: Sequence[str] = record["axes"]
    columns = [list(column) for column in zip(*record["points"], strict=True)]
    if len(axes) == 1:
        axes, columns = ["row", *axes], [list(record["rows"]), *columns]
    pairs = list(combinations(range(len(axes)), 2))
    chart = theme.figure("", "", title=_title(record), height=520)
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
                _marks(
                    [columns[across][i] for i in members],
                    [columns[up][i] for i in members],
                    [record["rows"][i] for i in members],
                    index,
                    small=len(record["rows"]) > MANY,
                ).update(
                    name=f"cluster {cluster} ({size})",
                    legendgroup=cluster,
                    showlegend=panel == 0,
                    xaxis=f"x{name}",
                    yaxis=f"y{name}",
                )
            )
    tools = {"bgcolor": "rgba(0,0,0,0)", "color": theme.GREY, "activecolor": theme.COLORS[0]}
    return chart.update_layout(margin_t=96, legend_itemsizing="constant", modebar=tools)


def _title(record: Mapping[str, Any]) -> str:
    lines = [html.escape(line) for line in (record["title"], *record["remarks"])]
    return "<br>".join([lines[0], *(f"<sup>{line}</sup>" for line in lines[1:])])


def _span(panel: int, panels: int) -> tuple[float, float]:
    gap = 0.09 if panels > 1 else 0
    width = (1 - gap * (panels - 1)) / panels
    left = panel * (width + gap)
    return left, min(1.0, left + width)


def _marks(
    x: Sequence[float], y: Sequence[float], rows: Sequence[int], index: int, *, small: bool
) -> go.Scatter:
    look = theme.style(index)
    return go.Scatter(
        x=x,
        y=y,
        customdata=rows,
        mode="markers",
        marker={
            "color": look.color,
            "symbol": look.symbol,
            "size": 4 if small else 7,
            "opacity": 0.7,
        },
        hovertemplate="row %{customdata}<br>(%{x}, %{y})",
    )


def page(chart: go.Figure, title: str) -> str:
    """A complete HTML document that holds the picture and all it needs; it fetches nothing."""
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
