"""What ``graph-clustering`` measures."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, confusion_matrix

from eigenlab.experiments.graph_clustering.clusterings import (
    CLUSTERS,
    NORMALIZATIONS,
    Floats,
    Labels,
    compare,
    graph_labels,
    leading_eigenvectors,
    linear_scores,
    score_starts,
)
from eigenlab.experiments.graph_clustering.config import GraphClusteringConfig
from eigenlab.experiments.graph_clustering.records import (
    CourseRecord,
    Fit,
    GammaRecord,
    GrowthRecord,
    GrowthRow,
    Matrices,
    OutliersRecord,
    OutliersRow,
    Shape,
    ShapesRecord,
    Spectrum,
    WalkRecord,
)
from eigenlab.graphs import (
    SpectralClustering,
    assign_labels,
    degree_matrix,
    is_undirected,
    leading_eigenvector,
    mixing_bound,
    nested_arcs,
    random_walk,
    rbf_affinity,
    round_blobs,
    row_normalize,
    stationary_distribution,
    stochastic_normalize,
    stretched_blobs,
    symmetric_normalize,
    total_variation,
    two_circles,
    two_moons,
    unbalanced_blobs,
    without_loops,
)
from eigenlab.lab import Context, NotRun, stage
from eigenlab.spectrum import Eigenpairs, participation_ratio, top_eigenpairs

N_VALUES = 8
N_BLOCKS = 60
#: Largest number of points in the figure with a slider.
N_SHOWN = 700
#: Name -> (function that draws the points, number of clusters), in the order of ``shape_gammas``.
SHAPES = {
    "round blobs": (round_blobs, 3),
    "two moons": (two_moons, 2),
    "circles": (two_circles, 2),
    "nested arcs": (nested_arcs, 3),
    "unbalanced": (unbalanced_blobs, 3),
}
COURSE_GAMMA = GraphClusteringConfig().gamma
#: Cluster in which the random walk starts.
WALK_CLUSTER = 1


def _blobs(config: GraphClusteringConfig, n_samples: int) -> tuple[Floats, Labels]:
    return stretched_blobs(n_samples, config.blobs_seed, noise_scale=config.noise_scale)


@stage
def course(config: GraphClusteringConfig, context: Context) -> CourseRecord:
    """The course's steps on its own points: matrices, spectra, embeddings, clusters."""
    X, truth = _blobs(config, config.n_samples)
    A = rbf_affinity(X, config.gamma)
    M = symmetric_normalize(A)
    S = stochastic_normalize(M)
    context.reporter.progress(1, 3, "spectra")
    of_M = top_eigenpairs(M, N_VALUES, tol=1e-10)
    of_S = top_eigenpairs(S @ S.T, N_VALUES, tol=1e-10)
    no_loops = top_eigenpairs(symmetric_normalize(without_loops(A)), 3)
    vectors_M, vectors_S = np.asarray(of_M.vectors, float), np.asarray(of_S.vectors, float)
    embeddings: dict[str, Floats] = {
        "raw": X,
        "symmetric": vectors_M[:, :3],
        "symmetric_4": vectors_M[:, :4],
        "symmetric_no_loops": np.asarray(no_loops.vectors, float),
        "stochastic": vectors_S[:, :3],
        "rows": row_normalize(vectors_M[:, :3]),
        "eigenvectors": leading_eigenvectors(M, CLUSTERS),
    }
    context.reporter.progress(2, 3, "clusters")
    variants = {
        name: compare(truth, assign_labels(rows, CLUSTERS, random_state=config.seed))
        for name, rows in embeddings.items()
    }
    degrees = A.sum(axis=1)
    adjacency, centers = _blocks(A, truth)
    return CourseRecord(
        n_samples=config.n_samples,
        gamma=config.gamma,
        points=np.round(X, 5),
        truth=truth,
        matrices=_matrices(X, config.gamma, A, M, S, of_M.eigenvalues[0]),
        spectra={
            "symmetric": _spectrum(of_M, of_M.eigenvalues, M),
            "stochastic": _spectrum(of_S, np.sqrt(of_S.eigenvalues), S),
        },
        **_straight_borders(X, truth),
        within_radius=_within_radius(X, np.asarray(variants["raw"].labels)),
        localized_below=config.n_samples / 100,
        variants=variants,
        starts={
            name: score_starts(embeddings[name], truth, config.n_starts, config.seed)
            for name in NORMALIZATIONS
        },
        embeddings={
            "symmetric": np.round(embeddings["symmetric"] * len(X) ** 0.5, 4),
            "stochastic": np.round(embeddings["stochastic"] * len(X) ** 0.5, 4),
            "rows": np.round(embeddings["rows"], 5),
        },
        adjacency=adjacency,
        block_centers=centers,
        outlier_degree=degrees[np.abs(vectors_M[:, 2]).argmax()],
        median_degree=np.median(degrees),
    )


def _straight_borders(X: Floats, truth: Labels) -> dict[str, float]:
    """What borders halfway between the true means achieve, and what the best straight ones do."""
    means = np.array([X[truth == cluster].mean(axis=0) for cluster in range(CLUSTERS)])
    nearest = cdist(X, means).argmin(axis=1)
    from_means = KMeans(CLUSTERS, init=means, n_init=1).fit_predict(X)
    return {
        "nearest_true_mean": (nearest == truth).mean(),
        "from_true_means": compare(truth, from_means).accuracy,
        "linear_errors": (linear_scores(X, truth).argmax(axis=1) != truth).sum(),
    }


def _within_radius(X: Floats, labels: Labels) -> int:
    """Points of other clusters that are as close to a cluster's mean as its own farthest point."""
    count = 0
    for cluster in range(CLUSTERS):
        own = labels == cluster
        distances = np.linalg.norm(X - X[own].mean(axis=0), axis=1)
        count += int((distances[~own] <= distances[own].max()).sum())
    return count


def _matrices(
    X: Floats, gamma: float, A: Floats, M: Floats, S: Floats, largest_eigenvalue: float
) -> Matrices:
    leading = leading_eigenvector(A)
    # The formulas of the course, once more and by themselves.
    affinity = np.exp(-gamma * cdist(X, X, "sqeuclidean"))
    roots = np.sqrt(affinity.sum(axis=1))
    normalized = affinity / np.outer(roots, roots)
    sums = M.sum(axis=0)
    return Matrices(
        affinity_shape=A.shape,
        least_affinity=A.min(),
        largest_affinity=A.max(),
        diagonal_error=np.abs(np.diag(A) - 1).max(),
        affinity_error=np.abs(A - affinity).max(),
        normalized_error=np.abs(M - normalized).max(),
        column_sums=(sums.min(), sums.max()),
        stochastic_error=np.abs(S - normalized / normalized.sum(axis=0)).max(),
        asymmetry=np.abs(A - A.T).max(),
        undirected=is_undirected(A),
        degree_error=np.abs(degree_matrix(A) - np.diag(A.sum(axis=1))).max(),
        leading_residual=np.linalg.norm(M @ leading - leading),
        largest_eigenvalue=largest_eigenvalue,
        column_sum_error=np.abs(S.sum(axis=0) - 1).max(),
        least_entry_stochastic=S.min(),
    )


def _spectrum(pairs: Eigenpairs, values: Floats, matrix: Floats) -> Spectrum:
    """Left singular vectors u and values s of a matrix; the right ones are v = matrix^T u / s."""
    left = np.asarray(pairs.vectors, float)[:, :CLUSTERS]
    right = matrix.T @ left / np.asarray(values)[:CLUSTERS]
    return Spectrum(
        values=values,
        residual=pairs.residual_norms.max(),
        left_right=np.abs(left - right).max(),
        participation=participation_ratio(np.asarray(pairs.vectors)),
    )


def _blocks(A: Floats, truth: Labels) -> tuple[Floats, list[int]]:
    """Mean affinity of blocks of points sorted by cluster, and the middle of each block."""
    order = np.argsort(truth, kind="stable")
    n, blocks = len(A), min(N_BLOCKS, len(A))
    edges = np.linspace(0, n, blocks + 1).astype(int)
    rows = np.add.reduceat(A[order][:, order], edges[:-1], axis=0)
    sums = np.add.reduceat(rows, edges[:-1], axis=1)
    sizes = np.diff(edges)
    centers = [round((k + 0.5) * n / blocks) for k in range(blocks)]
    return np.round(sums / np.outer(sizes, sizes), 6), centers


@stage
def gamma(config: GraphClusteringConfig, context: Context) -> GammaRecord:
    """The adjusted Rand index of each normalisation over the width of the Gaussian."""
    if not config.gamma_sweep:
        raise NotRun("gamma_sweep=False skips the sweep; the course preset includes it")
    X, truth = _blobs(config, config.n_samples)
    gammas = sorted({*config.gammas, config.gamma})
    ari: dict[str, list[float]] = {name: [] for name in NORMALIZATIONS}
    shown = np.arange(0, len(X), -(-len(X) // N_SHOWN))
    labelled: dict[str, list[Labels]] = {name: [] for name in NORMALIZATIONS}
    for place, value in enumerate(gammas):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(place, len(gammas), f"gamma {value:g}")
        (found,) = graph_labels(X, CLUSTERS, value, config.seed)
        for name, labels in found.items():
            ari[name].append(adjusted_rand_score(truth, labels))
            labelled[name].append(_like(truth, labels)[shown])
    return GammaRecord(gammas=gammas, ari=ari, shown=np.round(X[shown], 3), labels=labelled)


def _like(truth: Labels, labels: Labels) -> Labels:
    """The labels, numbered so that as many as possible are those of the true clusters."""
    overlaps = confusion_matrix(truth, labels, labels=range(CLUSTERS))
    _, true = linear_sum_assignment(-overlaps.T)
    return np.asarray(true)[labels]


@stage
def outliers(config: GraphClusteringConfig, context: Context) -> OutliersRecord:
    """Fewer and more of the blobs' points, vectors localised on single points kept or skipped."""
    rows = []
    sizes = config.outlier_sizes
    for place, n in enumerate(sizes):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(place, len(sizes), f"{n} points")
        X, truth = _blobs(config, n)
        kept, skipped = (
            {name: adjusted_rand_score(truth, labels) for name, labels in found.items()}
            for found in graph_labels(
                X, CLUSTERS, config.gamma, config.seed, min_participations=(1, 2)
            )
        )
        rows.append(OutliersRow(n_samples=n, kept=kept, skipped=skipped))
    return OutliersRecord(rows=rows)


@stage
def shapes(config: GraphClusteringConfig, context: Context) -> ShapesRecord:
    """Compare the normalisations on other shapes."""
    seeds = range(config.seed, config.seed + config.n_draws)
    found: dict[str, Shape] = {}
    for place, (name, (draw, n_clusters)) in enumerate(SHAPES.items()):
        context.reporter.progress(place, len(SHAPES), name)
        width = config.shape_gammas[place] * (config.gamma / COURSE_GAMMA)
        ari: dict[str, list[float]] = {key: [] for key in ("raw", *NORMALIZATIONS)}
        shown: dict[str, Any] = {}
        for seed in seeds:
            context.reporter.raise_if_cancelled()
            X, truth = draw(config.n_shape_samples, seed, noise_scale=config.noise_scale)
            (labels,) = graph_labels(X, n_clusters, width, seed)
            labels["raw"] = assign_labels(X, n_clusters, random_state=seed)
            for key, assigned in labels.items():
                ari[key].append(adjusted_rand_score(truth, assigned))
            shown = shown or {"points": np.round(X, 3), "labels": labels["stochastic"]}
        found[name] = Shape(gamma=width, ari=ari, **shown)
    return ShapesRecord(seeds=tuple(seeds), shapes=found)


@stage
def walk(config: GraphClusteringConfig, context: Context) -> WalkRecord:
    """A random walk that starts in the middle of one cluster: its distribution over time."""
    X, truth = _blobs(config, config.n_samples)
    A = rbf_affinity(X, config.gamma)
    own = np.flatnonzero(truth == WALK_CLUSTER)
    start = int(own[np.argmax(A[own].sum(axis=1))])
    steps = _steps(config.walk_length)
    where = random_walk(A, start, steps)
    end = stationary_distribution(A)
    second = float(top_eigenpairs(symmetric_normalize(A), 2).eigenvalues[1])
    return WalkRecord(
        steps=steps,
        mass=[[row[truth == c].sum() for c in range(CLUSTERS)] for row in where],
        distance=total_variation(where, end),
        bound=[mixing_bound(second, float(end[start]), step) for step in steps],
        second_eigenvalue=second,
        stationary_at_start=end[start],
        total_error=np.abs(where.sum(axis=1) - 1).max(),
        one_step_error=np.abs(where[steps.index(1)] - A[start] / A[start].sum()).max(),
    )


def _steps(longest: int) -> list[int]:
    """0, 1, 2, 5, 10, 20, 50, ... up to ``longest``, which is the last."""
    steps = [step for k in range(7) for step in (10**k, 2 * 10**k, 5 * 10**k) if step < longest]
    return [0, *steps, longest]


@stage
def growth(config: GraphClusteringConfig, context: Context) -> GrowthRecord:
    """The complete graph and the graph of nearest neighbours for increasing numbers of points.

    Each graph has the normalisation that is best on these points, ``rows`` for neighbours.
    """
    sizes = sorted(config.growth_sizes)
    if len(sizes) < 2:
        raise NotRun(f"growth_sizes={config.growth_sizes}: the comparison needs at least two sizes")
    rows = []
    for place, n in enumerate(sizes):
        context.reporter.raise_if_cancelled()
        context.reporter.progress(place, len(sizes), f"{n} points")
        X, truth = _blobs(config, n)
        complete = SpectralClustering(CLUSTERS, gamma=config.gamma, random_state=config.seed)
        near = SpectralClustering(
            CLUSTERS,
            affinity="nearest_neighbors",
            n_neighbors=config.n_neighbors,
            normalization="rows",
            random_state=config.seed,
        )
        rows.append(
            GrowthRow(
                n_samples=n,
                complete=_fit(complete, X, truth),
                neighbors=_fit(near, X, truth) if n <= config.max_neighbor_points else None,
            )
        )
    return GrowthRecord(n_neighbors=config.n_neighbors, rows=rows)


def _fit(model: SpectralClustering, X: Floats, truth: Labels) -> Fit:
    begin = time.perf_counter()
    model.fit(X)
    return Fit(
        ari=adjusted_rand_score(truth, model.labels_),
        largest_residual=model.residuals_.max(),
        representation=model.representation_,
        seconds=time.perf_counter() - begin,
    )
