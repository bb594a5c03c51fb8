"""Four ways to cluster points, and what they find, for the page on clustering."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from eigenlab.errors import InputError
from eigenlab.graphs import assign_labels
from eigenlab.graphs.embedding import Embedding, leading_vectors
from eigenlab.graphs.extension import scale_rows
from eigenlab.graphs.gaussian_graph import gaussian_graph
from eigenlab.graphs.graph import Graph, Normalization
from eigenlab.graphs.selection import normalized_cut
from eigenlab.lab import Config
from eigenlab.studio.demos.clustering_graph import Distances, SinglePrecisionGraph
from eigenlab.studio.demos.clustering_points import (
    MOST,
    SHAPES,
    Points,
    formula_points,
    parse_points,
    table_points,
)
from eigenlab.studio.demos.demo import knob, option

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
VALUES = 8
TOLERANCE = 1e-4
N_INIT = 3
#: From here on products in single precision are faster than all else.
MANY_POINTS = 1000
#: Numbers of steps that the animation of the walk shows: each one at first, later every 12th part.
PLAYED = (*range(13), *(round(13 * (13 / 12) ** place) for place in range(75)), 5000)
NAMES = {
    "kmeans": "k-means",
    "symmetric": "M",
    "stochastic": "M_stoch",
    "rows": "row-normalised M",
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
        20,
        "Steps of the random walk. The button plays it.",
        low=0,
        high=5000,
        step=1,
        label="random walk",
        unit="steps",
        play=PLAYED,
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


def only(settings: ClusteringSettings, *names: str) -> ClusteringSettings:
    """The settings with defaults for all but some: the key under which a result is kept."""
    return ClusteringSettings(**{name: getattr(settings, name) for name in names})


@lru_cache(maxsize=2)
def points_of(settings: ClusteringSettings) -> Points:
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
    return Distances(points_of(settings).X)


def _graph(settings: ClusteringSettings) -> Graph:
    data = only(settings, *DATA)
    if len(points_of(data).X) < MANY_POINTS:
        return gaussian_graph(points_of(data).X, settings.gamma, "dense")
    return SinglePrecisionGraph(_distances(data), settings.gamma)


# Kept, since neither the walk nor the direction of the embedding changes anything here.
@lru_cache(maxsize=2)
def cluster(settings: ClusteringSettings) -> Found:
    """Cluster the points in four ways; the same object is returned for the same settings.

    Args:
        settings: those of ``DATA``, ``gamma`` and ``n_clusters``; others are defaults.

    Raises:
        InputError: there are fewer points than clusters.
    """
    points, k = points_of(only(settings, *DATA)), settings.n_clusters
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
