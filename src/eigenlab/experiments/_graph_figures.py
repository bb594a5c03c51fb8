"""The figures of ``graph-clustering``, pure functions of its records."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eigenlab.experiments._graph_measurements import NORMALIZATIONS, VARIANTS
from eigenlab.lab import theme
from eigenlab.lab.claim import Record

X_AXIS, Y_AXIS = "first coordinate", "second coordinate"
MATRICES = {"symmetric": "M, symmetric", "stochastic": "S, stochastic"}


MOST_DRAWN_SHARPLY = 5000


def draw_points(record: Record) -> go.Figure:
    """The points, their true clusters, and what k-means makes of them."""
    return _panels(record, ("raw points",), truth=True)


def draw_clusters(record: Record) -> go.Figure:
    """The clusters of each variant."""
    return _panels(record, tuple(name for name in VARIANTS if name != "raw points"))


def _panels(record: Record, names: tuple[str, ...], *, truth: bool = False) -> go.Figure:
    points = np.array(record["points"])
    panels = [("true clusters", record["truth"])] if truth else []
    for name in names:
        variant = record["variants"][name]
        panels.append((f"{name}: adjusted Rand {variant['ari']:.3f}", variant["labels"]))
    rows = (len(panels) + 1) // 2
    chart = make_subplots(
        rows,
        2,
        subplot_titles=[title for title, _ in panels],
        shared_xaxes=True,
        shared_yaxes=True,
        horizontal_spacing=0.05,
        vertical_spacing=0.12,
    )
    for place, (_, labels) in enumerate(panels):
        row, column = divmod(place, 2)
        _scatter(chart, points, np.array(labels), row + 1, column + 1)
    _axes(chart, rows, height=160 + 300 * rows)
    return chart


def _scatter(chart: go.Figure, points: Any, labels: Any, row: int, column: int) -> None:
    # WebGL draws more points, but not in every browser, and not sharply on paper.
    scatter = go.Scatter if len(points) <= MOST_DRAWN_SHARPLY else go.Scattergl
    for cluster in np.unique(labels):
        look = theme.style(int(cluster))
        chosen = points[labels == cluster]
        chart.add_trace(
            scatter(
                x=chosen[:, 0].tolist(),
                y=chosen[:, 1].tolist(),
                mode="markers",
                marker={"color": look.color, "symbol": look.symbol, "size": 4, "opacity": 0.7},
                name=f"cluster {cluster + 1}",
                legendgroup=str(cluster),
                showlegend=row == column == 1,
            ),
            row=row,
            col=column,
        )


def _axes(chart: go.Figure, rows: int, *, height: int) -> None:
    chart.update_layout(template=theme.NEUTRAL, height=height)
    for index in range(2):
        chart.update_xaxes(title_text=X_AXIS, row=rows, col=index + 1)
    for index in range(rows):
        chart.update_yaxes(title_text=Y_AXIS, row=index + 1, col=1)


def draw_adjacency(record: Record) -> go.Figure:
    """Mean affinity of blocks of points, sorted by cluster."""
    n, cells = record["n_samples"], len(record["adjacency"])
    centres = [round((k + 0.5) * n / cells) for k in range(cells)]
    return theme.heatmap(
        record["adjacency"],
        x=centres,
        y=centres,
        x_title="point j, sorted by true cluster",
        y_title="point i, sorted by true cluster",
        value_title="mean affinity A<sub>ij</sub>",
        log=True,
        height=520,
    )


def draw_spectrum(record: Record) -> go.Figure:
    """One minus the leading values of both matrices, and who the vectors belong to."""
    chart = theme.figure("place in the spectrum", "singular value")
    few = record["n_samples"] / 100
    for place, (name, label) in enumerate(MATRICES.items()):
        spectrum = record["spectra"][name]
        order = list(range(1, len(spectrum["values"]) + 1))
        theme.line(chart, order, spectrum["values"], label, index=place)
        lonely = [
            (k, value)
            for k, value, shared in zip(
                order, spectrum["values"], spectrum["participation"], strict=True
            )
            if shared < few
        ]
        theme.points(
            chart,
            [k for k, _ in lonely],
            [value for _, value in lonely],
            f"{label}: vector on less than 1 % of the points",
            index=place,
            size=15,
        )
        chart.data[-1].update(marker={"symbol": "circle-open", "line": {"width": 2}})
    theme.reference(chart, x=3.5, text="three clusters")
    return chart


def draw_embedding(record: Record) -> go.Figure:
    """The three vectors as coordinates, coloured by true cluster."""
    chart = make_subplots(
        1,
        3,
        specs=[[{"type": "scene"}] * 3],
        horizontal_spacing=0.02,
        subplot_titles=["M", "S, columns sum to one", "M, rows of length one"],
    )
    truth = np.array(record["truth"])
    for place, name in enumerate(NORMALIZATIONS):
        rows = np.array(record["embeddings"][name])
        rows = rows if name == "rows" else rows * np.sqrt(len(rows))
        for cluster in np.unique(truth):
            look = theme.style(int(cluster))
            chosen = rows[truth == cluster]
            chart.add_trace(
                go.Scatter3d(
                    x=chosen[:, 0].tolist(),
                    y=chosen[:, 1].tolist(),
                    z=chosen[:, 2].tolist(),
                    mode="markers",
                    marker={
                        "color": look.color,
                        "size": 2.5,
                        "symbol": ("circle", "square", "diamond")[cluster],
                    },
                    name=f"true cluster {cluster + 1}",
                    legendgroup=str(cluster),
                    showlegend=place == 0,
                ),
                row=1,
                col=place + 1,
            )
        axis = {
            "color": theme.GREY,
            "gridcolor": "rgba(127,127,127,0.4)",
            "showbackground": False,
            "showline": True,
            "linecolor": theme.GREY,
            "showticklabels": False,
        }
        titles = {f"{a}axis": axis | {"title": {"text": f"v{k}"}} for k, a in enumerate("xyz", 1)}
        camera = {"eye": {"x": 1.7, "y": 1.7, "z": 1.1}, "projection": {"type": "orthographic"}}
        shape = {"aspectmode": "manual", "aspectratio": dict.fromkeys("xyz", 0.95)}
        chart.update_scenes(titles | shape | {"camera": camera}, row=1, col=place + 1)
    chart.update_layout(template=theme.NEUTRAL, height=420, legend_itemsizing="constant")
    return chart


def draw_gamma(record: Record) -> go.Figure:
    """Adjusted Rand index over gamma."""
    chart = theme.figure("γ (inverse squared length)", "adjusted Rand index", log_x=True)
    gammas = [row["gamma"] for row in record["rows"]]
    for name in NORMALIZATIONS:
        theme.line(chart, gammas, [row[name] for row in record["rows"]], name)
    return chart


def draw_shapes(record: Record) -> go.Figure:
    """The clusters of the stochastic matrix on every shape."""
    shapes = record["shapes"]
    rows = (len(shapes) + 1) // 2
    chart = make_subplots(
        rows, 2, subplot_titles=list(shapes), horizontal_spacing=0.08, vertical_spacing=0.1
    )
    for place, found in enumerate(shapes.values()):
        row, column = divmod(place, 2)
        _scatter(chart, np.array(found["points"]), np.array(found["labels"]), row + 1, column + 1)
    _axes(chart, rows, height=140 + 260 * rows)
    return chart


def draw_walk(record: Record) -> go.Figure:
    """Where the walker is, over steps."""
    chart = theme.figure("steps", "probability", log_x=True)
    steps = [max(step, 0.5) for step in record["steps"]]
    for cluster in range(len(record["mass"][0])):
        name = f"in cluster {cluster + 1}" + (" (its own)" if cluster == 1 else "")
        theme.line(chart, steps, [row[cluster] for row in record["mass"]], name)
    theme.line(chart, steps, record["distance"], "distance to the end of the walk")
    chart.update_xaxes(tickvals=[0.5, 1, 10, 100, 1000], ticktext=["0", "1", "10", "100", "1000"])
    return chart


def draw_growth(record: Record) -> go.Figure:
    """Adjusted Rand index over the number of points."""
    chart = theme.figure("number of points", "adjusted Rand index", log_x=True)
    for key, name in (
        ("complete", "complete Gaussian graph"),
        ("neighbours", "graph of ten nearest neighbours"),
    ):
        rows = [row for row in record["rows"] if key in row]
        theme.line(chart, [row["n"] for row in rows], [row[key]["ari"] for row in rows], name)
    return chart
