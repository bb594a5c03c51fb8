"""The figures, tables and metrics of ``graph-clustering``."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from eigenlab import plots
from eigenlab.experiments.graph_clustering.claims import FAILS, NORMALIZATIONS
from eigenlab.experiments.graph_clustering.config import GraphClusteringConfig
from eigenlab.experiments.graph_clustering.records import (
    CourseRecord,
    GammaRecord,
    GrowthRecord,
    OutliersRecord,
    ShapesRecord,
    WalkRecord,
)
from eigenlab.lab import Control, Rows, explorer, figure, metrics, table
from eigenlab.statistics import least

X_AXIS, Y_AXIS = "first coordinate", "second coordinate"
VARIANTS = {
    "raw": "raw points",
    "symmetric": "symmetric",
    "symmetric_4": "symmetric, 4 vectors",
    "symmetric_no_loops": "symmetric, no loops",
    "stochastic": "stochastic",
    "rows": "rows",
}
MATRICES = {"symmetric": "M, symmetric", "stochastic": "S, stochastic"}
MAX_SVG_POINTS = 5000
"""Up to here points are drawn as vector graphics."""


@figure(
    "Three stretched blobs and their clusters by k-means",
    "Left the clusters the points were drawn from, right those of k-means with ten starts.",
)
def points(record: CourseRecord) -> go.Figure:
    return _panels(record, ("raw",), truth=True)


@figure(
    "The affinity matrix, sorted by cluster",
    "Mean affinity of blocks of points. The lower right block, the lower cluster, is weakly "
    "linked to the others; the upper two are linked more strongly to each other.",
)
def adjacency(record: CourseRecord) -> go.Figure:
    return plots.heatmap(
        record.adjacency,
        x=record.block_centers,
        y=record.block_centers,
        x_title="point j, sorted by true cluster",
        y_title="point i, sorted by true cluster",
        value_title="mean affinity A<sub>ij</sub>",
        log=True,
        height=520,
    )


@figure(
    "Leading singular values of both matrices",
    "Open circles: vectors localised on less than 1 % of the points. With the course's points "
    "such a vector is third in M and fourth in S, so that three vectors of S separate the "
    "clusters and three vectors of M do not.",
)
def spectrum(record: CourseRecord) -> go.Figure:
    chart = plots.new_chart("index of the singular value", "singular value")
    for index, (name, label) in enumerate(MATRICES.items()):
        found = record.spectra[name]
        order = list(range(1, len(found.values) + 1))
        plots.line(chart, order, found.values, label, index=index)
        localized = [
            (place, value)
            for place, value, shared in zip(order, found.values, found.participation, strict=True)
            if shared < record.localized_below
        ]
        plots.points(
            chart,
            [place for place, _ in localized],
            [value for _, value in localized],
            f"{label}: vector on less than 1 % of the points",
            index=index,
            size=15,
        )
        chart.data[-1].update(marker={"symbol": "circle-open", "line": {"width": 2}})
    plots.reference(chart, x=3.5, text="three clusters")
    return chart


@figure(
    "The three vectors as coordinates",
    "Left, M: with the course's points the third axis is localised on one outlier. Middle, S: "
    "three clusters. Right, each row of M's vectors scaled to length one: three directions.",
)
def embedding(record: CourseRecord) -> go.Figure:
    chart = make_subplots(
        1,
        3,
        specs=[[{"type": "scene"}] * 3],
        horizontal_spacing=0.02,
        subplot_titles=["M", "S, columns sum to one", "M, rows of length one"],
    )
    axis = {
        "color": plots.GREY,
        "gridcolor": "rgba(127,127,127,0.4)",
        "showbackground": False,
        "showline": True,
        "linecolor": plots.GREY,
        "showticklabels": False,
    }
    titles = {f"{a}axis": axis | {"title": {"text": f"v{k}"}} for k, a in enumerate("xyz", 1)}
    camera = {"eye": {"x": 1.7, "y": 1.7, "z": 1.1}, "projection": {"type": "orthographic"}}
    shape = {"aspectmode": "manual", "aspectratio": dict.fromkeys("xyz", 0.95)}
    for place, name in enumerate(NORMALIZATIONS):
        for cluster, rows in _by_cluster(record.embeddings[name], record.truth).items():
            x, y, z = zip(*rows, strict=True)
            chart.add_trace(
                go.Scatter3d(
                    x=x,
                    y=y,
                    z=z,
                    mode="markers",
                    marker={
                        "color": plots.style(cluster).color,
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
        chart.update_scenes(titles | shape | {"camera": camera}, row=1, col=place + 1)
    chart.update_layout(template=plots.NEUTRAL, height=420, legend_itemsizing="constant")
    return chart


@figure("Clusters found in the vectors", "k-means with ten starts on the vectors of each matrix.")
def clusters(record: CourseRecord) -> go.Figure:
    return _panels(record, tuple(name for name in VARIANTS if name != "raw"))


def _panels(record: CourseRecord, names: Sequence[str], *, truth: bool = False) -> go.Figure:
    panels = [("true clusters", record.truth)] if truth else []
    for name in names:
        variant = record.variants[name]
        panels.append((f"{VARIANTS[name]}: adjusted Rand {variant.ari:.3f}", variant.labels))
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
        _scatter(chart, record.points, labels, row + 1, column + 1)
    _axes(chart, rows, height=160 + 300 * rows)
    return chart


def _scatter(
    chart: go.Figure, coordinates: Sequence[Any], labels: Sequence[int], row: int, column: int
) -> None:
    # WebGL draws more points, but not in every browser, and not sharply on paper.
    scatter = go.Scatter if len(coordinates) <= MAX_SVG_POINTS else go.Scattergl
    for cluster, chosen in _by_cluster(coordinates, labels).items():
        look = plots.style(cluster)
        x, y = zip(*chosen, strict=True)
        chart.add_trace(
            scatter(
                x=x,
                y=y,
                mode="markers",
                marker={"color": plots.fade(look.color, 0.7), "symbol": look.symbol, "size": 4},
                name=f"cluster {cluster + 1}",
                legendgroup=str(cluster),
                showlegend=row == column == 1,
            ),
            row=row,
            col=column,
        )


def _by_cluster(rows: Sequence[Any], labels: Sequence[int]) -> dict[int, list[Any]]:
    """The rows of each cluster, clusters ascending."""
    found: dict[int, list[Any]] = {cluster: [] for cluster in sorted(set(labels))}
    for row, cluster in zip(rows, labels, strict=True):
        found[cluster].append(row)
    return found


def _axes(chart: go.Figure, rows: int, *, height: int) -> None:
    chart.update_layout(template=plots.NEUTRAL, height=height)
    chart.update_xaxes(title_text=X_AXIS, row=rows)
    chart.update_yaxes(title_text=Y_AXIS, col=1)


@figure(
    "Which widths of the Gaussian separate the clusters",
    "Three clusters, three vectors, ten starts. With a small gamma the graph does not resolve the "
    "gaps between clusters; with a large one many points are isolated.",
)
def gamma(record: GammaRecord) -> go.Figure:
    chart = plots.new_chart("γ (inverse squared length)", "adjusted Rand index", log_x=True)
    for name in NORMALIZATIONS:
        plots.line(chart, record.gammas, record.ari[name], name)
    return chart


@explorer(
    "Move the width of the Gaussian",
    "A third of the points, with the clusters found in three vectors of each matrix. At a small "
    "gamma distant points are linked as closely as neighbours; at a large one outliers are hardly "
    "linked to anything, and become clusters of M.",
    question="5g",
    controls=[Control("gamma", "gammas", "γ")],
)
def widths(record: GammaRecord, place: int) -> list[go.Figure]:
    charts = []
    for name, label in MATRICES.items():
        title = f"{label}: adjusted Rand {record.ari[name][place]:.3f}"
        chart = make_subplots(1, 1, subplot_titles=[title])
        _scatter(chart, record.shown, record.labels[name][place], 1, 1)
        _axes(chart, 1, height=400)
        charts.append(chart)
    return charts


@figure(
    "Other shapes",
    "Clusters of the stochastic matrix, one draw; the table has the scores of all draws.",
)
def shapes(record: ShapesRecord) -> go.Figure:
    rows = (len(record.shapes) + 1) // 2
    chart = make_subplots(
        rows, 2, subplot_titles=list(record.shapes), horizontal_spacing=0.08, vertical_spacing=0.1
    )
    for place, found in enumerate(record.shapes.values()):
        row, column = divmod(place, 2)
        _scatter(chart, found.points, found.labels, row + 1, column + 1)
    _axes(chart, rows, height=140 + 260 * rows)
    return chart


@figure(
    "A random walk from the middle of an upper cluster",
    "Probability of being in each cluster, and total variation distance from the stationary "
    "distribution.",
)
def walk(record: WalkRecord) -> go.Figure:
    chart = plots.new_chart("steps", "probability", log_x=True)
    steps = [max(step, 0.5) for step in record.steps]
    for cluster in range(len(record.mass[0])):
        name = f"in cluster {cluster + 1}" + (" (its own)" if cluster == 1 else "")
        plots.line(chart, steps, [row[cluster] for row in record.mass], name)
    plots.line(chart, steps, record.distance, "distance from the stationary distribution")
    powers = [10**k for k in range(len(str(record.steps[-1])))]
    chart.update_xaxes(tickvals=[0.5, *powers], ticktext=["0", *map(str, powers)])
    return chart


def _growth_caption(config: GraphClusteringConfig) -> str:
    return (
        "The same blobs with increasing numbers of points. The graph of "
        f"{config.n_neighbors} nearest neighbours is clustered for up to "
        f"{config.max_neighbor_points:,} points."
    )


@figure("Larger numbers of points", _growth_caption)
def growth(record: GrowthRecord) -> go.Figure:
    chart = plots.new_chart("number of points", "adjusted Rand index", log_x=True)
    rows = [(row.n_samples, row.complete, row.neighbors) for row in record.rows]
    plots.line(
        chart, [n for n, _, _ in rows], [fit.ari for _, fit, _ in rows], "complete Gaussian graph"
    )
    both = [(n, fit.ari) for n, _, fit in rows if fit is not None]
    label = f"graph of {record.n_neighbors} nearest neighbours"
    plots.line(chart, [n for n, _ in both], [ari for _, ari in both], label)
    return chart


@table("Agreement with the true clusters")
def variants(record: CourseRecord) -> Rows:
    columns = ("clustered", "adjusted Rand", "NMI", "homogeneity", "completeness", "accuracy")
    found = ((label, record.variants[name]) for name, label in VARIANTS.items())
    return columns, [
        (label, v.ari, v.nmi, v.homogeneity, v.completeness, v.accuracy) for label, v in found
    ]


@table("Random starts of k-means (adjusted Rand index)")
def starts(record: CourseRecord) -> Rows:
    columns = (
        "clustered",
        "single starts below 0.9",
        "worst of single starts",
        "worst of ten starts",
        "cluster_qr",
    )
    rows = []
    for name in NORMALIZATIONS:
        found = record.starts[name]
        low = sum(score < FAILS for score in found.one_start)
        share = f"{low} of {len(found.one_start)}"
        worst_of = least(found.one_start), least(found.ten_starts)
        rows.append((name, share, *worst_of, found.cluster_qr))
    return columns, rows


@table("Adjusted Rand index, vectors localised on single points kept or skipped")
def outliers(record: OutliersRecord) -> Rows:
    columns = ["points"]
    for name in NORMALIZATIONS:
        columns += [f"{name}, kept", f"{name}, skipped"]
    rows = []
    for row in record.rows:
        scores = [(row.kept[name], row.skipped[name]) for name in NORMALIZATIONS]
        rows.append([row.n_samples, *(score for pair in scores for score in pair)])
    return columns, rows


@table("Adjusted Rand index on other shapes, mean (worst)")
def other_shapes(record: ShapesRecord) -> Rows:
    columns = ("shape", "gamma", "k-means", *NORMALIZATIONS)
    rows = []
    for shape, found in record.shapes.items():
        scores = [found.ari[name] for name in ("raw", *NORMALIZATIONS)]
        cells = [f"{fmean(values):.2f} ({least(values):.2f})" for values in scores]
        rows.append((shape, found.gamma, *cells))
    return columns, rows


@table("Adjusted Rand index of many points")
def many_points(record: GrowthRecord) -> Rows:
    columns = (
        "points",
        "complete graph",
        "residual",
        "seconds",
        f"{record.n_neighbors} neighbours",
        "seconds",
    )
    rows = []
    for row in record.rows:
        near = row.neighbors
        cells = ("", "") if near is None else (near.ari, near.seconds)
        complete = row.complete
        rows.append(
            (row.n_samples, complete.ari, complete.largest_residual, complete.seconds, *cells)
        )
    return columns, rows


@metrics
def headline(record: CourseRecord) -> dict[str, float]:
    return {
        "adjusted Rand, stochastic": record.variants["stochastic"].ari,
        "adjusted Rand, raw points": record.variants["raw"].ari,
    }
