"""Spectral clustering, live (question 5)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from eigenlab.experiments.graph_clustering.config import GraphClusteringConfig
from eigenlab.report import command_for
from eigenlab.studio.demos.clustering_figures import panels_of, score_text
from eigenlab.studio.demos.clustering_methods import (
    DATA,
    N_INIT,
    NAMES,
    TOLERANCE,
    ClusteringSettings,
    Found,
    cluster,
    only,
)
from eigenlab.studio.demos.clustering_points import SHAPES
from eigenlab.studio.demos.demo import Demo, Example, Goal, View

NEAR_ONE = 0.99
SEPARATES, FAILS = 0.99, 0.9
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")


def draw(settings: ClusteringSettings) -> View:
    """Cluster the points in four ways, and draw the graph's spectrum."""
    found = cluster(only(settings, *DATA, "gamma", "n_clusters"))
    numbers = _numbers(settings, found)
    return View(
        sentence=_sentence(settings, found, numbers),
        panels=tuple(panels_of(settings, found)),
        numbers=numbers,
        goals=_goals(settings, found),
        python=_python(settings, found),
        command=_command(settings),
    )


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
        cuts = _join([f"{NAMES[name]} {score_text(score)}" for name, score in found.scores.items()])
        least_for = "" if len(best) == len(NAMES) else f"; least for {_join(best)}"
        return f"Normalised cut, the smaller the better: {cuts}{least_for}."
    good = [name for name, score in found.scores.items() if round(score, 2) >= SEPARATES]
    bad = [name for name in found.scores if name not in good]
    texts = {name: f"{NAMES[name]} ({score_text(score)})" for name, score in found.scores.items()}
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


def _goals(settings: ClusteringSettings, found: Found) -> tuple[Goal, ...]:
    known = found.points.truth is not None
    scores = found.scores
    now = (
        _join([f"{NAMES[name]} {score_text(score)}" for name, score in scores.items()])
        if known
        else "the true clusters of these points are unknown"
    )
    return (
        Goal(
            "Let M_stoch separate two moons with twice the noise (index 0.9 or more).",
            settings.shape == "moons" and settings.noise >= 2 and scores["stochastic"] >= FAILS,
            f"now {settings.shape}, noise {settings.noise:g}, M_stoch "
            f"{score_text(scores['stochastic'])}",
        ),
        Goal(
            f"Find points on which M fails (below {FAILS}) and M_stoch does not ({SEPARATES} or "
            "more).",
            known and scores["symmetric"] < FAILS and round(scores["stochastic"], 2) >= SEPARATES,
            f"now {now}",
        ),
    )


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
    grid={
        "shape": ("rings", "moons", "unbalanced blobs"),
        "gamma": (1.0, 3.0, 7.5, 15.0, 30.0, 60.0, 100.0),
        "n_clusters": (2, 3),
    },
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
