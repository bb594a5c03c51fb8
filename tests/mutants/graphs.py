"""Mutants of question 5."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans

from eigenlab.experiments.graph_clustering import clusterings, measure
from eigenlab.experiments.graph_clustering.clusterings import (
    compare,
    graph_labels,
    leading_eigenvectors,
    linear_scores,
)
from eigenlab.graphs import (
    SpectralClustering,
    degree_matrix,
    leading_eigenvector,
    random_walk,
    rbf_affinity,
    round_blobs,
    row_normalize,
    stationary_distribution,
    stochastic_normalize,
    stretched_blobs,
    symmetric_normalize,
    without_loops,
)
from eigenlab.graphs.embedding import leading_vectors
from eigenlab.graphs.walk import _by_squaring
from eigenlab.spectrum import top_eigenpairs
from mutants import Mutant, replaced

SMALL = {"n_samples": 300, "n_starts": 1}
COURSE = {"n_starts": 1}


def affinity(formula):
    return replaced(rbf_affinity, lambda original, X, gamma: formula(X, gamma))


def normalized(formula):
    """Another M; ``formula`` has A and its degrees as a row."""
    return replaced(symmetric_normalize, lambda original, A: formula(A, A.sum(axis=0)))


def nearest_one_way(X, gamma):
    distances = cdist(X, X)
    near = np.argsort(distances, axis=1)[:, :10]
    A = np.zeros_like(distances)
    np.put_along_axis(A, near, 1.0, axis=1)
    return A


def walk_of_affinities(monkeypatch):
    """S is computed from the affinities A and not from M."""
    seen = []
    replaced(symmetric_normalize, lambda original, A: seen.append(A) or original(A))(monkeypatch)
    replaced(stochastic_normalize, lambda original, M: original(seen[0]))(monkeypatch)


def softmax(original, M):
    weights = np.exp(M)
    return weights / weights.sum(axis=0)


def halfway(original, X, truth):
    means = np.array([X[truth == c].mean(axis=0) for c in range(3)])
    return -cdist(X, means)


def with_M(original, A, start, steps):
    roots = np.sqrt(A.sum(axis=1))
    first = np.zeros(len(A))
    first[start] = 1.0
    rows = _by_squaring(A / np.outer(roots, roots), first, steps)
    return rows / rows.sum(axis=1, keepdims=True)


def third_eigenvalue(original, matrix, k, **options):
    pairs = original(matrix, k + 1, **options)
    return replace(pairs, eigenvalues=pairs.eigenvalues[1:])


def far_apart(original, *args, **options):
    X, truth = round_blobs(*args, **options)
    return X + 20 * np.column_stack([truth == 1, truth == 2]), truth


def rolled(original, *args, **options):
    X, truth = original(*args, **options)
    return X, np.roll(truth, 1)


class NearestCenters(KMeans):
    """k-means that assigns the points once and does not move its centres."""

    def fit_predict(self, X):
        return cdist(X, self.init).argmin(axis=1)


def one_start(monkeypatch):
    monkeypatch.setattr(
        clusterings,
        "KMeans",
        lambda k, n_init, random_state: KMeans(k, n_init=1, random_state=random_state),
    )


def doubly_stochastic(original, A):
    M = original(A)
    for _ in range(2000):
        roots = np.sqrt(M.sum(axis=0))
        M = M / np.outer(roots, roots)
    return M


def singular_vectors(original, M, k):
    S = stochastic_normalize(M)
    return np.asarray(top_eigenpairs(S @ S.T, k, tol=1e-8).vectors, float)


def skipping(original, *args, min_participations=(1,), **options):
    return original(*args, min_participations=(2,) * len(min_participations), **options)


def not_skipping(original, graph, leading, *args):
    return leading


def of_M(original, graph, k, normalization="stochastic", **options):
    return original(graph, k, "symmetric", **options)


def only_neighbors(original, model, X, truth):
    return original(
        SpectralClustering(3, affinity="nearest_neighbors", normalization="rows", random_state=0),
        X,
        truth,
    )


LABELS_OF_NEXT = "the true cluster of the next point"
NO_LOOPS = "A without its loops"
WALK = {"n_samples": 1000}
STARTS = {"n_starts": 60}
SWEEP = {"gamma_sweep": True, "gammas": (4.0, 30.0)}
GROWTH = {"growth_sizes": (2000, 10_000)}
MUTANTS = [
    Mutant(
        "straight borders halfway between the means",
        ("5a.not-separable",),
        replaced(linear_scores, halfway),
        COURSE,
    ),
    Mutant(
        "distances that are not squared",
        ("5b.affinity",),
        affinity(lambda X, gamma: np.exp(-gamma * cdist(X, X))),
        SMALL,
    ),
    Mutant(
        "half of gamma",
        ("5b.affinity",),
        affinity(lambda X, gamma: np.exp(-gamma / 2 * cdist(X, X, "sqeuclidean"))),
        SMALL,
    ),
    Mutant(
        "the square of gamma",
        ("5b.affinity",),
        affinity(lambda X, gamma: np.exp(-(gamma**2) * cdist(X, X, "sqeuclidean"))),
        SMALL,
    ),
    Mutant(
        "sums of absolute differences for distances",
        ("5b.affinity",),
        affinity(lambda X, gamma: np.exp(-gamma * cdist(X, X, "cityblock") ** 2)),
        SMALL,
    ),
    Mutant(
        "weights 0 and 1 by a threshold",
        ("5b.affinity",),
        affinity(
            lambda X, gamma: (np.exp(-gamma * cdist(X, X, "sqeuclidean")) > 0.1).astype(float)
        ),
        SMALL,
    ),
    Mutant(
        "the ten nearest neighbours of each point, one way",
        ("5b.undirected",),
        affinity(nearest_one_way),
        SMALL,
        "must be symmetric",
    ),
    Mutant(
        "degrees without the loops",
        ("5c.degrees",),
        replaced(degree_matrix, lambda original, A: original(A) - np.diag(np.diag(A))),
        SMALL,
    ),
    Mutant(
        "the inverse of the degrees",
        ("5c.degrees",),
        replaced(degree_matrix, lambda original, A: np.diag(1 / A.sum(axis=1))),
        SMALL,
    ),
    Mutant(
        "D^-1 A",
        ("5d.normalized",),
        normalized(lambda A, d: A / d[:, None]),
        SMALL,
        "must be symmetric",
    ),
    Mutant(
        "A D^-1", ("5d.normalized",), normalized(lambda A, d: A / d), SMALL, "must be symmetric"
    ),
    Mutant(
        "D^1/2 A D^1/2",
        ("5d.normalized",),
        normalized(lambda A, d: A * np.sqrt(np.outer(d, d))),
        SMALL,
    ),
    Mutant(
        "the Laplacian D - A",
        ("5d.normalized",),
        normalized(lambda A, d: np.diag(d) - A),
        SMALL,
        "sum",
    ),
    Mutant("A D^-1", ("5g.columns",), walk_of_affinities, SMALL),
    Mutant(
        "the same of M squared",
        ("5g.columns",),
        replaced(stochastic_normalize, lambda original, M: original(M @ M)),
        SMALL,
    ),
    Mutant(
        "rows divided by their sums",
        ("5g.columns",),
        replaced(stochastic_normalize, lambda original, M: original(M).T),
        SMALL,
    ),
    Mutant(
        "a softmax of each column", ("5g.columns",), replaced(stochastic_normalize, softmax), SMALL
    ),
    Mutant(
        "a walk with M, scaled to sum to one", ("5g.walk",), replaced(random_walk, with_M), WALK
    ),
    Mutant("the third eigenvalue", ("5g.walk",), replaced(top_eigenpairs, third_eigenvalue), WALK),
    Mutant(
        "half of the steps",
        ("5g.walk",),
        replaced(
            random_walk,
            lambda original, A, start, steps: original(A, start, [step // 2 for step in steps]),
        ),
        WALK,
    ),
    Mutant(
        "blobs that are not stretched",
        ("5a.raw-fails", "5a.correct-means"),
        replaced(stretched_blobs, lambda original, *a, **k: round_blobs(*a, **k)),
        COURSE,
    ),
    Mutant(
        "blobs that are far apart", ("5a.radius",), replaced(stretched_blobs, far_apart), COURSE
    ),
    Mutant(
        "centres that do not move",
        ("5a.correct-means",),
        lambda monkeypatch: monkeypatch.setattr(measure, "KMeans", NearestCenters),
        COURSE,
    ),
    Mutant(
        "loops that count twice in the degrees",
        ("5d.leading",),
        normalized(lambda A, d: A / np.sqrt(np.outer(d + 1, d + 1))),
        SMALL,
    ),
    Mutant(
        "the stationary distribution for its root",
        ("5d.leading",),
        replaced(
            leading_eigenvector,
            lambda original, A: (
                stationary_distribution(A) / np.linalg.norm(stationary_distribution(A))
            ),
        ),
        SMALL,
    ),
    Mutant(
        "M scaled until its sums are one",
        ("5e.probabilities",),
        replaced(symmetric_normalize, doubly_stochastic),
        SMALL,
    ),
    Mutant(
        "right singular vectors of S",
        ("5f.two-bases",),
        replaced(
            measure._spectrum,
            lambda original, pairs, values, matrix: original(
                pairs, values, stochastic_normalize(matrix)
            ),
        ),
        SMALL,
    ),
    Mutant(
        NO_LOOPS,
        ("5f.better-rand", "5f.mixed", "5f.isolated-point"),
        replaced(symmetric_normalize, lambda original, A: original(without_loops(A))),
        COURSE,
    ),
    Mutant(
        "clusters compared with themselves",
        ("5a.raw-fails", "5f.better-information"),
        replaced(compare, lambda original, truth, labels: original(labels, labels)),
        COURSE,
    ),
    Mutant(
        LABELS_OF_NEXT,
        ("5f.fourth-vector", "5f.no-loops", "5g.separates", "5g.rows", "5g.restarts"),
        replaced(stretched_blobs, rolled),
        {"n_starts": 20},
    ),
    Mutant(
        "the loops kept",
        ("5f.no-loops",),
        replaced(without_loops, lambda original, A: A),
        COURSE,
    ),
    Mutant(
        "no vector is skipped",
        ("5f.skipped-vectors",),
        replaced(clusterings._spread, not_skipping),
    ),
    Mutant(
        "vectors localised on a single point are skipped",
        ("5f.skipped-vectors", "5g.other-sizes"),
        replaced(graph_labels, skipping),
    ),
    Mutant(
        "M for S",
        ("5g.separates",),
        replaced(stochastic_normalize, lambda original, M: M),
        COURSE,
    ),
    Mutant("M for S", ("5g.any-width",), replaced(leading_vectors, of_M), SWEEP),
    Mutant(
        "singular vectors for eigenvectors",
        ("5g.eigenvectors",),
        replaced(leading_eigenvectors, singular_vectors),
        COURSE,
    ),
    Mutant(
        "rows that are not scaled",
        ("5g.rows",),
        replaced(row_normalize, lambda original, rows: rows),
        COURSE,
    ),
    Mutant(
        "every gamma taken for 7.5",
        ("5g.any-width",),
        replaced(
            graph_labels,
            lambda original, X, n, gamma, seed: original(X, n, 7.5, seed),
        ),
        SWEEP,
    ),
    Mutant("ten starts that are one", ("5g.restarts",), one_start, STARTS),
    Mutant(
        "the graph of neighbours for the complete one",
        ("5g.many-points",),
        replaced(measure._fit, only_neighbors),
        GROWTH,
    ),
    Mutant(LABELS_OF_NEXT, ("5g.many-points",), replaced(stretched_blobs, rolled), GROWTH),
]
