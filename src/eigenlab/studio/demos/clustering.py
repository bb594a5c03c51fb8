"""Spectral clustering, live (question 5)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from eigenlab import plots
from eigenlab.errors import InputError
from eigenlab.experiments.graph_clustering.config import GraphClusteringConfig
from eigenlab.graphs import (
    assign_labels,
    random_walk,
    rbf_affinity,
    stationary_distribution,
    total_variation,
)
from eigenlab.graphs.embedding import Embedding, leading_vectors
from eigenlab.graphs.extension import scale_rows
from eigenlab.graphs.gaussian_graph import gaussian_graph
from eigenlab.graphs.graph import Graph, Normalization
from eigenlab.graphs.selection import normalized_cut
from eigenlab.lab import Config
from eigenlab.report import command_for
from eigenlab.studio.demos.clustering_graph import Distances, SinglePrecisionGraph
from eigenlab.studio.demos.clustering_points import (
    MOST,
    SHAPES,
    Points,
    formula_points,
    parse_points,
    table_points,
)
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, View, knob, option

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
VALUES = 8
TOLERANCE = 1e-4
N_INIT = 3
#: From here on products in single precision are faster than all else.
MANY_POINTS = 1000
#: Points of the walk, and of the affinity picture: each entry is one number of the picture.
WALK_NODES, CELLS = 300, 80
NEAR_ONE = 0.99
SEPARATES, FAILS = 0.99, 0.9
#: Below it a probability is drawn in the darkest colour.
LEAST = 1e-6
NAMES = {
    "kmeans": "k-means",
    "symmetric": "M",
    "stochastic": "M_stoch",
    "rows": "row-normalised M",
}
CAPTIONS = {
    "kmeans": "k-means on the points. Colours and markers are clusters, in any order.",
    "symmetric": "k-means on the leading vectors of M = D^(-1/2) A D^(-1/2).",
    "stochastic": "k-means on those of M with its columns scaled to sum to one.",
    "rows": "k-means on those of M, each row of them scaled to length one.",
}
Vectors = Literal["symmetric", "stochastic", "rows"]
#: The settings on which the points depend.
DATA = (
    "shape",
    "n_points",
    "noise",
    "seed",
    "points",
    "table",
    "columns",
    "x_formula",
    "y_formula",
    "standardize",
)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")


class ClusteringSettings(Config):
    """Points, a Gaussian graph of them, and how many clusters are looked for."""

    shape: Literal[
        "rings",
        "moons",
        "arcs",
        "round blobs",
        "stretched blobs",
        "unbalanced blobs",
        "own points",
        "table",
        "formula",
    ] = option("rings", "Where the points come from; stretched blobs are those of the course.")
    gamma: float = knob(
        30.0,
        "Coefficient of the affinity exp(-gamma r^2): points much farther apart than "
        "gamma^(-1/2) are hardly linked.",
        low=0.01,
        high=100,
        step=0.02,
        log=True,
    )
    n_clusters: int = knob(
        2, "Clusters k, and vectors that are clustered.", low=2, high=7, step=1, label="clusters k"
    )
    n_points: int = knob(600, "Points of a shape or a formula.", low=20, high=MOST, step=20)
    noise: float = knob(
        1.0,
        "Factor on the standard deviation of the shape's noise; in a formula, the standard "
        "deviation itself.",
        low=0,
        high=3,
        step=0.05,
    )
    seed: int = knob(0, "Random seed of points and k-means.", low=0, high=999, step=1)
    points: str = option(
        "0 0; 0.1 0.02; 0.2 0; 0.3 0.02; 0.4 0; 0.5 0.02; 0 0.5; 0.1 0.52; 0.2 0.5; 0.3 0.52; "
        "0.4 0.5; 0.5 0.52",
        "Your own points as x y pairs separated by semicolons; click them, or type them.",
        widget="points",
        when=("shape", "own points"),
        max_length=100_000,
    )
    table: str = option(
        "height,weight\n1.5,60\n1.6,62\n1.55,61\n1.8,90\n1.9,92\n1.85,91\n",
        "A table of your own, such as a CSV file: its rows are the points.",
        widget="table",
        when=("shape", "table"),
        max_length=2_000_000,
    )
    columns: str = option(
        "",
        "Columns of the table, names or numbers from 1 separated by commas; empty: all numbers.",
        when=("shape", "table"),
        max_length=400,
    )
    x_formula: str = option(
        "(0.3 + t) * cos(5 * t) * sign(sin(999 * t + 1)) + 0.01 * noise",
        "x as a formula of t, from 0 to 1, and noise.",
        label="x(t)",
        when=("shape", "formula"),
        max_length=200,
    )
    y_formula: str = option(
        "(0.3 + t) * sin(5 * t) * sign(sin(999 * t + 1)) + 0.01 * noise",
        "y as a formula of t, from 0 to 1, and noise.",
        label="y(t)",
        when=("shape", "formula"),
        max_length=200,
    )
    standardize: bool = option(
        False, "Divide each coordinate by its standard deviation, for columns of different units."
    )
    vectors: Vectors = option("stochastic", "Whose vectors are drawn.", label="embedding of")
    angle: int = knob(
        30, "Direction from which the embedding is seen.", low=0, high=360, step=5, unit="degrees"
    )
    steps: int = knob(
        20, "Steps of the random walk.", low=0, high=5000, step=1, label="random walk", unit="steps"
    )


@dataclass(frozen=True)
class Found:
    """What is computed of the points."""

    points: Points
    graph: Graph
    spectra: dict[Normalization, Embedding]
    rows: dict[str, Any]
    labels: dict[str, Labels]
    scores: dict[str, float]
    k: int
    remarks: tuple[str, ...]


def draw(settings: ClusteringSettings) -> View:
    """Cluster the points in four ways, and draw the graph's spectrum."""
    found = _clusterings(_only(settings, *DATA, "gamma", "n_clusters"))
    numbers = _numbers(settings, found)
    return View(
        sentence=_sentence(settings, found, numbers),
        panels=tuple(_panels(settings, found)),
        numbers=numbers,
        goals=_goals(settings, found),
        python=_python(settings, found),
        command=_command(settings),
    )


def _only(settings: ClusteringSettings, *names: str) -> ClusteringSettings:
    """The settings with defaults for all but some: the key under which a result is kept."""
    return ClusteringSettings(**{name: getattr(settings, name) for name in names})


@lru_cache(maxsize=2)
def _points(settings: ClusteringSettings) -> Points:
    """The points of the settings named in ``DATA``; the others do not matter."""
    if settings.shape == "own points":
        points = Points(parse_points(settings.points), None)
    elif settings.shape == "table":
        points = table_points(settings.table, settings.columns)
    elif settings.shape == "formula":
        points = formula_points(
            settings.x_formula,
            settings.y_formula,
            settings.n_points,
            settings.noise,
            settings.seed,
        )
    else:
        shape: Any = SHAPES[settings.shape]
        points = Points(*shape(settings.n_points, settings.seed, noise_scale=settings.noise))
    n = len(points.X)
    if n < 2:
        raise InputError(f"there {'is 1 point' if n else 'are no points'}; expected at least 2")
    if not settings.standardize:
        return points
    spread = points.X.std(axis=0)
    X = (points.X - points.X.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return Points(X, points.truth, points.axes, points.note)


@lru_cache(maxsize=2)
def _distances(settings: ClusteringSettings) -> Distances:
    return Distances(_points(settings).X)


def _graph(settings: ClusteringSettings) -> Graph:
    data = _only(settings, *DATA)
    if len(_points(data).X) < MANY_POINTS:
        return gaussian_graph(_points(data).X, settings.gamma, "dense")
    return SinglePrecisionGraph(_distances(data), settings.gamma)


# Kept, since neither the walk nor the direction of the embedding changes anything here.
@lru_cache(maxsize=2)
def _clusterings(settings: ClusteringSettings) -> Found:
    points, k = _points(_only(settings, *DATA)), settings.n_clusters
    X = points.X
    if len(X) < k:
        raise InputError(f"n_clusters={k} exceeds the {len(X)} points; lower it or add points")
    count = min(len(X), max(VALUES, k + 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        graph = _graph(settings)
        symmetric = leading_vectors(graph, count, "symmetric", tol=TOLERANCE)
        stochastic = leading_vectors(
            # Missed vectors would be missed in M, too, whose vectors it starts from.
            graph,
            count,
            "stochastic",
            tol=TOLERANCE,
            start=symmetric.vectors,
            certify=False,
        )
        spectra: dict[Normalization, Embedding] = {
            "symmetric": symmetric,
            "stochastic": stochastic,
            "rows": symmetric,
        }
        rows: dict[str, Any] = {
            name: scale_rows(spectrum.vectors[:, :k], name, len(X) ** 0.5)
            for name, spectrum in spectra.items()
        }
        labels = {
            name: assign_labels(rows.get(name, X), k, n_init=N_INIT, random_state=settings.seed)
            for name in NAMES
        }
    scores = {
        name: normalized_cut(graph, found)
        if points.truth is None
        else float(adjusted_rand_score(points.truth, found))
        for name, found in labels.items()
    }
    remarks = dict.fromkeys(
        " ".join(str(warning.message).split())
        for warning in caught
        if issubclass(warning.category, UserWarning)
    )
    return Found(points, graph, spectra, rows, labels, scores, k, tuple(remarks))


def _numbers(settings: ClusteringSettings, found: Found) -> dict[str, float]:
    values, k = found.spectra["symmetric"].singular_values, settings.n_clusters
    gap = float(values[k - 1] - values[k]) if len(values) > k else math.nan
    kind = "cut" if found.points.truth is None else "ari"
    return {
        "near_one": float((values > NEAR_ONE).sum()),
        "eigengap": gap,
        **{f"{kind}_{name}": score for name, score in found.scores.items()},
    }


def _sentence(settings: ClusteringSettings, found: Found, numbers: dict[str, float]) -> str:
    near, k = int(numbers["near_one"]), settings.n_clusters
    at_least = "at least " * (near == len(found.spectra["symmetric"].singular_values))
    parts = [
        f"gamma {settings.gamma:g}: {at_least}{near} eigenvalue{'s' * (near != 1)} of M "
        f"{'are' if near != 1 else 'is'} above {NEAR_ONE}"
        + (
            "."
            if math.isnan(numbers["eigengap"])
            else f", and the gap after the {ORDINALS[k - 1]} is {numbers['eigengap']:.2g}."
        )
    ]
    parts.append(_comparison(found))
    alone = int((found.graph.degrees < 1 + 1e-6).sum())
    if alone > len(found.points.X) // 2:
        parts.append(
            f"{alone} of {len(found.points.X)} points are linked to nothing but themselves: lower "
            "gamma, or standardise the coordinates."
        )
    parts += [
        f"{note[0].upper()}{note[1:]}." for note in (found.points.note, *found.remarks) if note
    ]
    return " ".join(parts)


def _comparison(found: Found) -> str:
    """Which methods find the clusters that the points were drawn from, or cut least."""
    if found.points.truth is None:
        least = min(found.scores.values())
        best = [NAMES[name] for name, score in found.scores.items() if score <= least + 1e-9]
        cuts = _join([f"{NAMES[name]} {_score(score)}" for name, score in found.scores.items()])
        least_for = "" if len(best) == len(NAMES) else f"; least for {_join(best)}"
        return f"Normalised cut, the smaller the better: {cuts}{least_for}."
    good = [name for name, score in found.scores.items() if round(score, 2) >= SEPARATES]
    bad = [name for name in found.scores if name not in good]
    texts = {name: f"{NAMES[name]} ({_score(score)})" for name, score in found.scores.items()}
    parts = []
    if good:
        found_by = _join([texts[name] for name in good])
        parts.append(f"{found_by} find{'s' * (len(good) == 1)} the true clusters")
    if bad:
        missed_by = _join([texts[name] for name in bad])
        verb = "does" if len(bad) == 1 else "do"
        parts.append(f"{missed_by} {verb} not" + " find the true clusters" * (not good))
    return "; ".join(parts) + ". In brackets, the adjusted Rand index."


def _join(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _score(value: float) -> str:
    """Two decimals, without the sign of a rounded zero."""
    return f"{round(value, 2) + 0.0:.2f}"


def _goals(settings: ClusteringSettings, found: Found) -> tuple[Goal, ...]:
    known = found.points.truth is not None
    scores = found.scores
    now = (
        _join([f"{NAMES[name]} {_score(score)}" for name, score in scores.items()])
        if known
        else "the true clusters of these points are unknown"
    )
    return (
        Goal(
            "Let M_stoch separate two moons with twice the noise (index 0.9 or more).",
            settings.shape == "moons" and settings.noise >= 2 and scores["stochastic"] >= FAILS,
            f"now {settings.shape}, noise {settings.noise:g}, M_stoch "
            f"{_score(scores['stochastic'])}",
        ),
        Goal(
            f"Find points on which M fails (below {FAILS}) and M_stoch does not ({SEPARATES} or "
            "more).",
            known and scores["symmetric"] < FAILS and round(scores["stochastic"], 2) >= SEPARATES,
            f"now {now}",
        ),
    )


def _panels(settings: ClusteringSettings, found: Found) -> list[Panel]:
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
            "the three lines are the axes.",
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
                    "color": look.color,
                    "symbol": look.symbol,
                    "size": size,
                    "opacity": 0.75,
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
        title={"text": f"{index} {_score(found.scores[name])}"},
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
    hidden = {"range": [-1.6, 1.6], "showgrid": False, "showticklabels": False, "ticks": ""}
    names = [
        {"text": f"v<sub>{place}</sub>", "x": 1.1 * x, "y": 1.1 * y, "showarrow": False}
        for place, (x, y) in enumerate(ends[1::3].tolist(), 1)
    ]
    return _figure(
        [axes, *_markers(seen, labels, found.k, size=5, hover=None)],
        "",
        "",
        annotations=names,
        xaxis=hidden,
        yaxis=hidden | {"scaleanchor": "x"},
    )


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


def _command(settings: ClusteringSettings) -> str:
    if settings.shape != "stretched blobs" or settings.n_clusters != 3 or settings.standardize:
        return ""
    config = GraphClusteringConfig(
        n_samples=settings.n_points,
        gamma=settings.gamma,
        blobs_seed=settings.seed,
        noise_scale=settings.noise,
    )
    return command_for("graph-clustering", config)


def _python(settings: ClusteringSettings, found: Found) -> str:
    X, k = found.points.X, settings.n_clusters
    known, count = found.points.truth is not None, len(found.spectra["symmetric"].singular_values)
    if known:
        name = SHAPES[settings.shape].__name__
        data = (
            f"X, truth = {name}(\n"
            f"    {settings.n_points}, {settings.seed}, noise_scale={settings.noise}\n)\n"
        )
        if settings.standardize:
            data += "X = (X - X.mean(axis=0)) / X.std(axis=0)\n"
        imports = f"from eigenlab.graphs import assign_labels, {name}\n"
    else:
        rows = ",\n".join(f"    {row}" for row in X.tolist())
        data = f"X = np.array([\n{rows},\n])\n"
        imports = "from eigenlab.graphs import assign_labels\n"
    score = (
        "adjusted_rand_score(truth, labels[{0!r}])"
        if known
        else "normalized_cut(graph, labels[{0!r}])"
    )
    kind = "ari" if known else "cut"
    own = (
        "from sklearn.metrics import adjusted_rand_score\n"
        if known
        else "from eigenlab.graphs.selection import normalized_cut\n"
    )
    gap = f"values[{k - 1}] - values[{k}]" if count > k else "np.nan"
    return (
        "import numpy as np\n"
        f"{imports}"
        "from eigenlab.graphs.embedding import leading_vectors\n"
        "from eigenlab.graphs.extension import scale_rows\n"
        "from eigenlab.graphs.gaussian_graph import gaussian_graph\n"
        f"{own}\n"
        f"{data}"
        f"graph = gaussian_graph(X, {settings.gamma}, 'dense')\n"
        f'M = leading_vectors(graph, {count}, "symmetric", tol={TOLERANCE})\n'
        f"S = leading_vectors(\n"
        f'    graph, {count}, "stochastic", tol={TOLERANCE}, start=M.vectors, certify=False\n)\n'
        "values = M.singular_values\n"
        f"near_one = (values > {NEAR_ONE}).sum()\n"
        f"eigengap = {gap}\n"
        'rows = {"kmeans": X}\n'
        'for name, found in {"symmetric": M, "stochastic": S, "rows": M}.items():\n'
        f"    rows[name] = scale_rows(found.vectors[:, :{k}], name, len(X) ** 0.5)\n"
        "labels = {\n"
        f"    name: assign_labels(row, {k}, n_init={N_INIT}, random_state={settings.seed})\n"
        "    for name, row in rows.items()\n}\n"
        + "".join(f"{kind}_{name} = {score.format(name)}\n" for name in NAMES)
    )


DEMO = Demo(
    name="clustering",
    title="Spectral clustering",
    questions=("5a", "5b", "5c", "5d", "5e", "5f", "5g"),
    summary="Move the width of a Gaussian, and watch a graph fall into clusters.",
    settings=ClusteringSettings,
    draw=draw,
    examples=(
        Example(
            "1. Two rings",
            {},
            "k-means cuts both rings in half: it looks for round clusters. The graph links near "
            "points only, so its leading vectors tell the rings apart.",
        ),
        Example(
            "2. Too wide",
            {"gamma": 3.0},
            "With a small gamma every point is linked to every other. The values near 1 and their "
            "gap are gone, and so are the clusters.",
        ),
        Example(
            "3. The course's points",
            {
                "shape": "stretched blobs",
                "n_points": 2000,
                "seed": 170,
                "gamma": 7.5,
                "n_clusters": 3,
            },
            "An outlier has a vector of its own, the third of M: M fails. In M_stoch the vectors "
            "of the clusters come first.",
        ),
        Example(
            "4. A spiral by a formula",
            {"shape": "formula", "gamma": 50.0},
            "Two arms of a spiral, which k-means cuts across, written as x(t) and y(t). Change the "
            "formulas.",
        ),
        Example(
            "5. A random walk",
            {"shape": "moons", "gamma": 50.0, "steps": 300},
            "After 300 steps the walk is everywhere on its own moon and nearly nowhere on the "
            "other. An eigenvalue near 1 is a walk that leaves its cluster rarely.",
        ),
    ),
)
