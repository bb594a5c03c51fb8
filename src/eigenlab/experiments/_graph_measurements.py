"""What ``graph-clustering`` measures; see :mod:`eigenlab.experiments.graph_clustering`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    completeness_score,
    confusion_matrix,
    homogeneity_score,
    normalized_mutual_info_score,
)

from eigenlab.graphs import (
    SpectralClustering,
    assign_labels,
    degree_matrix,
    is_undirected,
    nested_arcs,
    random_walk,
    rbf_affinity,
    round_blobs,
    row_normalize,
    stationary,
    stochastic_normalize,
    stretched_blobs,
    symmetric_normalize,
    two_circles,
    two_moons,
    unbalanced_blobs,
)
from eigenlab.lab import Context, NotRun
from eigenlab.lab.claim import Record
from eigenlab.spectrum import top_eigenpairs

if TYPE_CHECKING:
    from eigenlab.experiments.graph_clustering import GraphClusteringConfig

Floats = NDArray[np.float64]

CLUSTERS = 3
VARIANTS = (
    "raw points",
    "symmetric",
    "symmetric, 4 vectors",
    "symmetric, no loops",
    "stochastic",
    "rows",
)
SPECTRUM = 8
LONE_SIZES = (300, 500, 1000, 2000, 3000)
GAMMAS = (1.0, 2.0, 4.0, 7.5, 15.0, 30.0)
#: name -> (cloud, clusters, gamma). One gamma a shape, small against its gaps, for all variants.
SHAPES = {
    "round blobs": (round_blobs, 3, 1.0),
    "two moons": (two_moons, 2, 20.0),
    "circles": (two_circles, 2, 50.0),
    "nested arcs": (nested_arcs, 3, 20.0),
    "unbalanced": (unbalanced_blobs, 3, 2.0),
}
NORMALIZATIONS = ("symmetric", "stochastic", "rows")
WALK_STEPS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)
CELLS = 60


def measure_course(config: GraphClusteringConfig, context: Context) -> Record:
    """The course's steps on its own points: matrices, spectra, embeddings, clusters."""
    X, truth = stretched_blobs(config.n_samples)
    A = rbf_affinity(X, config.gamma)
    D, M = degree_matrix(A), symmetric_normalize(A)
    S = stochastic_normalize(M)
    context.reporter.progress(1, 3, "spectra")
    spectra = {"symmetric": _spectrum(M, A), "stochastic": _spectrum(S @ S.T, A, squared=True)}
    vectors = {name: spectrum.pop("all_vectors") for name, spectrum in spectra.items()}
    embeddings: dict[str, Floats] = {
        "raw points": X,
        "symmetric": vectors["symmetric"][:, :3],
        "symmetric, 4 vectors": vectors["symmetric"][:, :4],
        "symmetric, no loops": np.asarray(top_eigenpairs(_without_loops(A), 3).vectors, float),
        "stochastic": vectors["stochastic"][:, :3],
        "rows": row_normalize(vectors["symmetric"][:, :3]),
    }
    context.reporter.progress(2, 3, "clusters")
    degrees = A.sum(axis=1)
    leading = np.sqrt(degrees / degrees.sum())
    return {
        "n_samples": config.n_samples,
        "gamma": config.gamma,
        "points": _short(X),
        "truth": truth.tolist(),
        "matrices": {
            "affinity_shape": list(A.shape),
            "least_affinity": float(A.min()),
            "largest_affinity": float(A.max()),
            "diagonal_error": float(np.abs(np.diag(A) - 1).max()),
            "asymmetry": float(np.abs(A - A.T).max()),
            "undirected": is_undirected(A),
            "degree_error": float(np.abs(D - np.diag(degrees)).max()),
            "leading_residual": float(np.linalg.norm(M @ leading - leading)),
            "largest_eigenvalue": spectra["symmetric"]["values"][0],
            "column_sum_error": float(np.abs(S.sum(axis=0) - 1).max()),
            "least_entry_stochastic": float(S.min()),
        },
        "spectra": spectra,
        "variants": {
            name: _clustered(embedding, truth, config.seed)
            for name, embedding in embeddings.items()
        },
        "starts": _starts(embeddings, truth, config),
        "embeddings": {name: _short(embeddings[name]) for name in NORMALIZATIONS},
        "adjacency": _blocks(A, truth),
        "lonely_degree": float(degrees[np.abs(vectors["symmetric"][:, 2]).argmax()]),
        "median_degree": float(np.median(degrees)),
    }


def _without_loops(A: Floats) -> Floats:
    """M of the same graph with A_ii = 0."""
    return np.asarray(symmetric_normalize(A - np.diag(np.diag(A))))


def _spectrum(matrix: Floats, A: Floats, *, squared: bool = False) -> dict[str, Any]:
    """Leading values, residuals, and on how many points each vector lives."""
    pairs = top_eigenpairs(matrix, SPECTRUM, tol=1e-10)
    values = np.sqrt(pairs.eigenvalues) if squared else pairs.eigenvalues
    weights = pairs.vectors**2
    return {
        "values": values.tolist(),
        "residual": float(pairs.residual_norms.max()),
        # 1 / sum u^4: n for a vector spread evenly, 1 for a single point.
        "participation": (1 / (weights**2).sum(axis=0)).tolist(),
        "all_vectors": pairs.vectors,
    }


def _clustered(embedding: Floats, truth: NDArray[np.int64], seed: int) -> dict[str, Any]:
    """k-means with ten starts, and how its clusters compare with the true ones."""
    labels = assign_labels(embedding, CLUSTERS, random_state=seed)
    table = confusion_matrix(truth, labels)[:CLUSTERS, :CLUSTERS]
    return {
        "labels": labels.tolist(),
        "confusion": table.tolist(),
        "ari": float(adjusted_rand_score(truth, labels)),
        "nmi": float(normalized_mutual_info_score(truth, labels)),
        "homogeneity": float(homogeneity_score(truth, labels)),
        "completeness": float(completeness_score(truth, labels)),
    }


def _starts(
    embeddings: dict[str, Floats], truth: NDArray[np.int64], config: GraphClusteringConfig
) -> dict[str, Any]:
    """Adjusted Rand indices of many single starts of k-means, of ten each, and of cluster_qr."""
    found: dict[str, Any] = {}
    for name in NORMALIZATIONS:
        rows = embeddings[name]

        def score(n_init: int, seed: int, rows: Floats = rows) -> float:
            model = KMeans(CLUSTERS, n_init=n_init, random_state=seed)
            return float(adjusted_rand_score(truth, model.fit_predict(rows)))

        found[name] = {
            "one start": [score(1, config.seed + k) for k in range(config.n_starts)],
            "ten starts": [score(10, config.seed + k) for k in range(config.n_starts // 4)],
            "cluster_qr": float(
                adjusted_rand_score(truth, assign_labels(rows, CLUSTERS, "cluster_qr"))
            ),
        }
    return found


def _blocks(A: Floats, truth: NDArray[np.int64]) -> list[list[float]]:
    """Mean affinity of blocks of points, sorted by cluster."""
    order = np.argsort(truth, kind="stable")
    edges = np.linspace(0, len(A), CELLS + 1).astype(int)
    rows = np.add.reduceat(A[order][:, order], edges[:-1], axis=0)
    sums = np.add.reduceat(rows, edges[:-1], axis=1)
    sizes = np.diff(edges)
    return _short(sums / np.outer(sizes, sizes), 6)


def measure_gamma(config: GraphClusteringConfig, context: Context) -> Record:
    """The adjusted Rand index of each normalisation over the width of the Gaussian."""
    if not config.gamma_sweep:
        raise NotRun("gamma_sweep=False leaves the sweep out; the course preset has it")
    X, truth = stretched_blobs(config.n_samples)
    rows = []
    for place, gamma in enumerate(GAMMAS):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(place, len(GAMMAS), f"gamma {gamma:g}")
        scores = {
            name: _score(X, truth, CLUSTERS, gamma, name, config.seed) for name in NORMALIZATIONS
        }
        rows.append({"gamma": gamma, **scores})
    return {"rows": rows}


def measure_shapes(config: GraphClusteringConfig, context: Context) -> Record:
    """Where each normalisation wins and fails, five draws a shape."""
    seeds = list(range(config.seed, config.seed + config.n_draws))
    shapes: dict[str, Any] = {}
    for place, (shape, (draw, k, gamma)) in enumerate(SHAPES.items()):
        context.reporter.progress(place, len(SHAPES), shape)
        scores: dict[str, list[float]] = {name: [] for name in ("k-means", *NORMALIZATIONS)}
        for seed in seeds:
            X, truth = draw(600, random_state=seed)
            labels = assign_labels(X, k, random_state=seed)
            scores["k-means"].append(float(adjusted_rand_score(truth, labels)))
            for name in NORMALIZATIONS:
                scores[name].append(_score(X, truth, k, gamma, name, seed))
        X, truth = draw(600, random_state=seeds[0])
        model = SpectralClustering(k, gamma=gamma, min_cluster_size=1, random_state=seeds[0]).fit(X)
        shapes[shape] = {
            "gamma": gamma,
            "ari": scores,
            "points": _short(X, 3),
            "labels": model.labels_.tolist(),
        }
    return {"seeds": seeds, "shapes": shapes}


def _score(
    X: Floats,
    truth: NDArray[np.int64],
    k: int,
    gamma: float,
    normalization: Any,
    seed: int,
    min_cluster_size: int = 1,
) -> float:
    model = SpectralClustering(
        k,
        gamma=gamma,
        min_cluster_size=min_cluster_size,
        normalization=normalization,
        eigen_tol=1e-5,
        random_state=seed,
    )
    return float(adjusted_rand_score(truth, model.fit_predict(X)))


def measure_lone(config: GraphClusteringConfig, context: Context) -> Record:
    """Fewer and more of the blobs' points, with and without the vectors of single points."""
    rows = []
    for place, n in enumerate(LONE_SIZES):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(place, len(LONE_SIZES), f"{n} points")
        X, truth = stretched_blobs(n)
        scores = {
            name: [
                _score(X, truth, CLUSTERS, config.gamma, name, config.seed, least)
                for least in (1, 2)
            ]
            for name in NORMALIZATIONS
        }
        rows.append({"n": n, **scores})
    return {"rows": rows}


def measure_walk(config: GraphClusteringConfig, context: Context) -> Record:
    """A walker that starts in the middle of one cluster: how much of it is where, and when."""
    X, truth = stretched_blobs(config.n_samples)
    A = rbf_affinity(X, config.gamma)
    own = np.flatnonzero(truth == 1)
    start = int(own[np.argmax(A[own].sum(axis=1))])
    where = random_walk(A, start, list(WALK_STEPS))
    end = stationary(A)
    pairs = top_eigenpairs(symmetric_normalize(A), 2)
    return {
        "steps": list(WALK_STEPS),
        "mass": [[float(row[truth == c].sum()) for c in range(CLUSTERS)] for row in where],
        "distance": [float(np.abs(row - end).sum() / 2) for row in where],
        "second_eigenvalue": float(pairs.eigenvalues[1]),
        "stationary_at_start": float(end[start]),
        "total_error": float(np.abs(where.sum(axis=1) - 1).max()),
    }


def measure_growth(config: GraphClusteringConfig, context: Context) -> Record:
    """The complete graph and the graph of ten nearest neighbours as points become many.

    Each is normalised as serves it best on these points: for neighbours that is rows of length one.
    """
    sizes = [
        n for n in (2_000, 10_000, 50_000, 100_000, 200_000, 1_000_000) if n <= config.most_points
    ]
    if len(sizes) < 2:
        raise NotRun(f"most_points={config.most_points}: growth needs at least 10,000 points")
    graphs: dict[str, dict[str, Any]] = {
        "complete": {"gamma": config.gamma},
        "neighbours": {"affinity": "nearest_neighbors", "normalization": "rows"},
    }
    rows = []
    for place, n in enumerate(sizes):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(place, len(sizes), f"{n} points")
        X, truth = stretched_blobs(n)
        row: dict[str, Any] = {"n": n}
        for name, settings in graphs.items():
            if name == "neighbours" and n > config.most_neighbour_points:
                continue
            begin = time.perf_counter()
            model = SpectralClustering(CLUSTERS, random_state=config.seed, **settings).fit(X)
            row[name] = {
                "ari": float(adjusted_rand_score(truth, model.labels_)),
                "largest_residual": float(model.residuals_.max()),
                "kind": model.affinity_kind_,
                "seconds": time.perf_counter() - begin,
            }
        rows.append(row)
    return {"rows": rows}


def _short(values: Floats, digits: int = 5) -> list[list[float]]:
    """Rounded, for records that hold thousands of points."""
    return np.round(values, digits).tolist()
