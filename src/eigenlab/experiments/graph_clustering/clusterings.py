"""Clusters of one graph under all normalisations, and their comparison with the true ones.

The vectors of M serve two normalisations, and the same leading vectors are the first of those among
which localised ones are skipped, so each eigenproblem is solved once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog
from sklearn.cluster import KMeans
from sklearn.metrics import (
    adjusted_rand_score,
    completeness_score,
    confusion_matrix,
    homogeneity_score,
    normalized_mutual_info_score,
)
from sklearn.utils import check_random_state

from eigenlab.experiments.graph_clustering.records import Clustering, Starts
from eigenlab.graphs import assign_labels, matched_accuracy
from eigenlab.graphs.embedding import Embedding, leading_vectors, spread_vectors
from eigenlab.graphs.extension import scale_rows
from eigenlab.graphs.gaussian_graph import gaussian_graph
from eigenlab.graphs.graph import Graph, Normalization
from eigenlab.spectrum import top_eigenpairs

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

CLUSTERS = 3
#: Normalisation whose vectors are computed -> the normalisations that use these vectors.
SOLVED: dict[Normalization, tuple[Normalization, ...]] = {
    "symmetric": ("symmetric", "rows"),
    "stochastic": ("stochastic",),
}
NORMALIZATIONS: tuple[Normalization, ...] = ("symmetric", "stochastic", "rows")
#: Relative bound on residuals, accurate enough for the clusters.
TOLERANCE = 1e-5


def graph_labels(
    X: Floats,
    n_clusters: int,
    gamma: float,
    random_state: int,
    min_participations: Sequence[int] = (1,),
) -> list[dict[str, Labels]]:
    """Clusters of the complete Gaussian graph by normalisation, as ``SpectralClustering`` finds.

    Args:
        X: (n, d) points.
        n_clusters: number of clusters and of vectors.
        gamma: coefficient of the Gaussian affinity.
        random_state: random seed of the solver and of k-means.
        min_participations: participation ratios below which vectors are skipped, ascending from 1.
            Default: ``(1,)``, which skips none.

    Returns:
        For each participation ratio normalisation -> (n,) labels.
    """
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    graph = gaussian_graph(X, gamma)
    found: list[dict[str, Labels]] = [{} for _ in min_participations]
    for solved, normalizations in SOLVED.items():
        leading = leading_vectors(graph, n_clusters, solved, tol=TOLERANCE, seed=seed)
        for place, least in enumerate(min_participations):
            embedding = _spread(graph, leading, solved, least, seed)
            for name in normalizations:
                if embedding is leading and place > 0:
                    found[place][name] = found[0][name]
                    continue
                rows = scale_rows(embedding.vectors, name, len(X) ** 0.5)
                found[place][name] = assign_labels(rows, n_clusters, random_state=seed)
    return found


def _spread(
    graph: Graph, leading: Embedding, normalization: Normalization, least: int, seed: int
) -> Embedding:
    """The leading vectors, or as many of them that are spread over ``least`` points."""
    if (np.rint(leading.participation) >= least).all():
        return leading
    k = leading.vectors.shape[1]
    return spread_vectors(
        graph, k, normalization, min_participation=least, tol=TOLERANCE, seed=seed
    )


def compare(truth: Labels, labels: Labels) -> Clustering:
    """Compare found clusters with the true ones."""
    confusion = confusion_matrix(truth, labels)[:CLUSTERS, :CLUSTERS]
    return Clustering(
        labels=labels,
        confusion=confusion,
        accuracy=matched_accuracy(confusion),
        ari=adjusted_rand_score(truth, labels),
        nmi=normalized_mutual_info_score(truth, labels),
        homogeneity=homogeneity_score(truth, labels),
        completeness=completeness_score(truth, labels),
    )


def score_starts(rows: Floats, truth: Labels, n_starts: int, seed: int) -> Starts:
    """Adjusted Rand indices of many single starts of k-means, of sets of ten, of cluster_qr.

    The sets of ten have the random seeds of the worst quarter of the single starts, with which the
    first of the ten is the same.
    """

    def score(n_init: int, random_state: int) -> float:
        model = KMeans(CLUSTERS, n_init=n_init, random_state=random_state)
        return adjusted_rand_score(truth, model.fit_predict(rows))

    one_start = [score(1, seed + k) for k in range(n_starts)]
    worst = np.argsort(one_start, kind="stable")[: max(1, n_starts // 4)]
    return Starts(
        one_start=one_start,
        ten_starts=[score(10, seed + int(k)) for k in worst],
        cluster_qr=adjusted_rand_score(truth, assign_labels(rows, CLUSTERS, "cluster_qr")),
    )


def linear_scores(X: Floats, truth: Labels) -> Floats:
    """One linear score for each cluster, the highest of them in a point's own where possible.

    A linear program asks that the own score exceed each other one by 1 less a slack, and minimises
    the sum of the slacks: it is zero if and only if the clusters are linearly separable.

    Args:
        X: (n, d) points.
        truth: (n,) clusters from 0.

    Returns:
        (n, clusters) scores.
    """
    n, clusters = len(X), int(truth.max()) + 1
    rows = np.column_stack([X, np.ones(n)])
    size = rows.shape[1]
    blocks = []
    for other in range(clusters):
        differences = np.zeros((n, clusters, size))
        differences[np.arange(n), truth] -= rows
        differences[:, other] += rows
        blocks.append(differences[truth != other].reshape(-1, clusters * size))
    system = np.vstack(blocks)
    count = len(system)
    found = linprog(
        np.concatenate([np.zeros(clusters * size), np.ones(count)]),
        A_ub=sparse.hstack([sparse.csr_array(system), -sparse.eye_array(count)]),
        b_ub=-np.ones(count),
        bounds=[(None, None)] * (clusters * size) + [(0, None)] * count,
        method="highs",
    )
    return rows @ found.x[: clusters * size].reshape(clusters, size).T


def leading_eigenvectors(M: Floats, k: int) -> Floats:
    """The ``k`` leading eigenvectors of S = M C^-1, with C the diagonal of M's column sums.

    S is not symmetric, but similar to C^-1/2 M C^-1/2: if v is an eigenvector of this, C^1/2 v is
    one of S.

    Args:
        M: (n, n) symmetric matrix with positive sums.
        k: number of vectors.

    Returns:
        (n, k) vectors of unit length.
    """
    roots = np.sqrt(M.sum(axis=0))
    pairs = top_eigenpairs(M / np.outer(roots, roots), k, tol=1e-8)
    vectors = roots[:, None] * np.asarray(pairs.vectors, float)
    return vectors / np.linalg.norm(vectors, axis=0)
