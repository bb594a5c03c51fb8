"""The pictures of the page on clustering."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from eigenlab import plots
from eigenlab.graphs import (
    random_walk,
    rbf_affinity,
    stationary_distribution,
    total_variation,
)
from eigenlab.graphs.extension import scale_rows
from eigenlab.graphs.graph import Normalization
from eigenlab.studio.demos.clustering_methods import (
    NAMES,
    ClusteringSettings,
    Floats,
    Found,
    Labels,
)
from eigenlab.studio.demos.demo import Panel

#: Points of the walk, and of the affinity picture: each entry is one number of the picture.
WALK_NODES, CELLS = 300, 80
#: Below it a probability is drawn in the darkest colour.
LEAST = 1e-6
#: Half the width of the embedding's picture, and the side of the squares in which markers cover
#: each other: 250 of them are side by side, and a marker of 5 pixels is three of them wide.
REACH, COVERED = 1.6, 2 * 1.6 / 250
CAPTIONS = {
    "kmeans": "k-means on the points. Colours and markers are clusters, in any order.",
    "symmetric": "k-means on the leading vectors of M = D^(-1/2) A D^(-1/2).",
    "stochastic": "k-means on those of M with its columns scaled to sum to one.",
    "rows": "k-means on those of M, each row of them scaled to length one.",
}


def score_text(value: float) -> str:
    """Two decimals, without the sign of a rounded zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def panels_of(settings: ClusteringSettings, found: Found) -> list[Panel]:
    """The panels of the page.

    Args:
        settings: what is drawn.
        found: the points and their clusters.
    """
    return [
        *(
            Panel(
                f"clusters-{name}",
                f"Clusters: {label}",
                CAPTIONS[name],
                _clusters(found, name),
            )
            for name, label in NAMES.items()
        ),
        Panel(
            "spectrum",
            "Spectrum",
            "As many values near 1 as there are weakly linked parts, then a gap.",
            _spectrum(settings, found),
        ),
        Panel(
            "embedding",
            "The leading vectors as coordinates",
            "Each point at its entries of the first three vectors, seen from the chosen direction; "
            "the three lines are the axes. Points of a cluster that cover each other are drawn "
            "once.",
            _embedding(settings, found),
        ),
        Panel(
            "adjacency",
            "Affinity matrix",
            f"A sample of at most {CELLS} points, sorted by cluster of M_stoch and within it by "
            "the second vector.",
            _adjacency(settings, found),
        ),
        Panel(
            "walk",
            "Random walk",
            f"Where a walk from the ringed point is after some steps, on at most {WALK_NODES} of "
            "the points, and its total variation distance from the stationary distribution.",
            _walk(settings, found),
        ),
    ]


def _plane(X: Floats) -> tuple[Floats, Floats]:
    """The first two coordinates; one alone is drawn along a line."""
    plane = X[:, :2] if X.shape[1] > 1 else np.column_stack([X, np.zeros(len(X))])
    return plane[:, 0].copy(), plane[:, 1].copy()


def _figure(traces: list[dict[str, Any]], x_title: str, y_title: str, **layout: Any) -> go.Figure:
    """A chart made at once: plotly takes milliseconds for each trace that is added to one."""
    axes = {
        axis: {"title": {"text": text}, **layout.pop(axis, {})}
        for axis, text in (("xaxis", x_title), ("yaxis", y_title))
    }
    # The page brings the template; plotly would copy its own into each figure.
    return go.Figure(data=traces, layout={"template": {}, "height": plots.HEIGHT, **axes, **layout})


def _markers(
    points: Floats, labels: Labels, k: int, *, size: float, hover: str | None
) -> list[dict[str, Any]]:
    """A trace for each cluster: plotly validates a list of symbols one by one, for 30 ms."""
    traces = []
    for cluster in range(k):
        look = plots.style(cluster)
        mine = points[labels == cluster]
        traces.append(
            {
                "type": "scatter",
                "x": mine[:, 0],
                "y": mine[:, 1],
                "mode": "markers",
                "marker": {
                    # A browser composes each marker on its own if it is given an opacity.
                    "color": plots.fade(look.color, 0.75),
                    "symbol": look.symbol,
                    "size": size,
                },
                "name": f"cluster {cluster + 1}",
                "showlegend": False,
                **({"hovertemplate": hover} if hover else {"hoverinfo": "skip"}),
            }
        )
    return traces


def _clusters(found: Found, name: str) -> go.Figure:
    points = np.stack(_plane(found.points.X), axis=1)
    hover = "%{x:.3g}, %{y:.3g}<extra></extra>"
    index = "normalised cut" if found.points.truth is None else "adjusted Rand index"
    return _figure(
        _markers(points, found.labels[name], found.k, size=4, hover=hover),
        *found.points.axes,
        title={"text": f"{index} {score_text(found.scores[name])}"},
        height=360,
    )


def _spectrum(settings: ClusteringSettings, found: Found) -> go.Figure:
    traces = []
    kinds: dict[Normalization, str] = {
        "symmetric": "eigenvalues",
        "stochastic": "singular values",
    }
    for index, (name, kind) in enumerate(kinds.items()):
        values, look = found.spectra[name].singular_values, plots.style(index)
        traces.append(
            {
                "type": "scatter",
                "x": np.arange(1, len(values) + 1),
                "y": values,
                "name": f"{NAMES[name]}, {kind}",
                "mode": "lines+markers",
                "line": {"color": look.color, "dash": look.dash, "width": 2},
                "marker": {"color": look.color, "symbol": look.symbol, "size": 7},
            }
        )
    k = settings.n_clusters
    rule = {"color": plots.GREY, "width": 1.5, "dash": "dot"}
    place = {"x0": k + 0.5, "x1": k + 0.5, "y0": 0, "y1": 1, "yref": "y domain"}
    note = {"text": f" k = {k}", "x": k + 0.5, "y": 1, "yref": "paper", "showarrow": False}
    return _figure(
        traces,
        "index",
        "eigenvalue or singular value",
        xaxis={"dtick": 1},
        shapes=[{"type": "line", "line": rule, **place}],
        annotations=[{**note, "xanchor": "left", "yanchor": "top", "font": {"size": 12}}],
    )


def _view(angle: float, tilt: float = 25.0) -> Floats:
    """(3, 2): a vector in space times it is where it is seen from a direction."""
    turn, up = math.radians(angle), math.radians(tilt)
    return np.array(
        [
            [-math.sin(turn), -math.sin(up) * math.cos(turn)],
            [math.cos(turn), -math.sin(up) * math.sin(turn)],
            [0.0, math.cos(up)],
        ]
    )


def _embedding(settings: ClusteringSettings, found: Found) -> go.Figure:
    vectors = found.spectra[settings.vectors].vectors[:, :3]
    space = scale_rows(vectors, settings.vectors, len(vectors) ** 0.5)
    space = np.pad(space, ((0, 0), (0, 3 - space.shape[1])))
    # Each axis as long as its largest entry, else an outlier's vector hides the others.
    space = space / np.maximum(np.abs(space).max(axis=0), 1e-12)
    view = _view(settings.angle)
    seen = (space @ view).astype(np.float32)
    ends = np.zeros((9, 2))
    ends[1::3] = np.eye(3) @ view
    ends[2::3] = np.nan
    axes = {
        "type": "scatter",
        "x": ends[:, 0],
        "y": ends[:, 1],
        "mode": "lines",
        "line": {"color": plots.GREY, "width": 1.5},
        "hoverinfo": "skip",
        "showlegend": False,
        "name": "axes",
    }
    labels = found.labels[settings.vectors]
    drawn = _uncovered(seen, labels)
    hidden = {"range": [-REACH, REACH], "showgrid": False, "showticklabels": False, "ticks": ""}
    names = [
        {"text": f"v<sub>{place}</sub>", "x": 1.1 * x, "y": 1.1 * y, "showarrow": False}
        for place, (x, y) in enumerate(ends[1::3].tolist(), 1)
    ]
    return _figure(
        [axes, *_markers(seen[drawn], labels[drawn], found.k, size=5, hover=None)],
        "",
        "",
        annotations=names,
        xaxis=hidden,
        yaxis=hidden | {"scaleanchor": "x"},
    )


def _uncovered(places: NDArray[np.float32], labels: Labels) -> NDArray[np.int64]:
    """Indices of points of which no earlier one of the same cluster is at the same place.

    A browser needs 40 microseconds for each marker, and well separated clusters are single places.
    """
    cells = np.floor((places + REACH) / COVERED).astype(np.int64)
    _, first = np.unique((cells[:, 0] * 1000 + cells[:, 1]) * 1000 + labels, return_index=True)
    return np.sort(first)


def _sample(n: int, most: int) -> NDArray[np.int64]:
    """At most so many of n indices, evenly spaced."""
    return np.linspace(0, n - 1, min(n, most)).round().astype(np.int64)


def _adjacency(settings: ClusteringSettings, found: Found) -> go.Figure:
    second = found.spectra["stochastic"].vectors[:, min(1, len(found.points.X) - 1)]
    order = np.lexsort((second, found.labels["stochastic"]))
    X = found.points.X[order[_sample(len(order), CELLS)]]
    affinity = rbf_affinity(X, settings.gamma)
    trace = {
        "type": "heatmap",
        "z": affinity.astype(np.float32),
        "zmin": 0,
        "zmax": 1,
        "colorscale": plots.SEQUENTIAL,
        "hovertemplate": "point j: %{x}<br>point i: %{y}<br>affinity: %{z:.3g}<extra></extra>",
        "colorbar": {"title": {"text": "affinity A<sub>ij</sub>", "side": "right"}},
    }
    return _figure(
        [trace],
        "point j",
        "point i",
        xaxis={"showgrid": False},
        yaxis={"showgrid": False, "autorange": "reversed"},
    )


def _walk(settings: ClusteringSettings, found: Found) -> go.Figure:
    X = found.points.X[_sample(len(found.points.X), WALK_NODES)]
    affinity = rbf_affinity(X, settings.gamma)
    probability = random_walk(affinity, 0, [settings.steps])[0]
    distance = float(total_variation(probability, stationary_distribution(affinity)))
    x, y = _plane(X)
    step = f"{settings.steps} step{'s' * (settings.steps != 1)}"
    title = f"after {step}: distance {distance:.2f}"
    places = {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "markers",
        "marker": {
            "color": np.log10(np.maximum(probability, LEAST)).astype(np.float32),
            "colorscale": plots.SEQUENTIAL,
            "cmin": math.log10(LEAST),
            "cmax": 0,
            "size": 7,
            "colorbar": {
                "title": {"text": "probability", "side": "right"},
                "thickness": 14,
                "outlinewidth": 0,
                "tickvals": [-6, -4, -2, 0],
                "ticktext": ["≤ 10<sup>−6</sup>", "10<sup>−4</sup>", "0.01", "1"],
            },
        },
        "text": [f"{value:.2g}" for value in probability],
        "hovertemplate": "probability %{text}<extra></extra>",
        "showlegend": False,
        "name": "points",
    }
    start = {
        "type": "scatter",
        "x": x[:1],
        "y": y[:1],
        "mode": "markers",
        "marker": {
            "symbol": "circle-open",
            "size": 16,
            "color": plots.COLORS[1],
            "line": {"width": 3},
        },
        "hoverinfo": "skip",
        "showlegend": False,
        "name": "start",
    }
    return _figure([places, start], *found.points.axes, title={"text": title})
