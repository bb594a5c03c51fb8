"""Mutants of question 5."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.distance import cdist

from eigenlab.experiments.graph_clustering.clusterings import linear_scores
from eigenlab.graphs import (
    degree_matrix,
    random_walk,
    rbf_affinity,
    stochastic_normalize,
    symmetric_normalize,
)
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


WALK = {"n_samples": 2000}
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
]
