"""The number of clusters and the width of the kernel: a tight cut before a relative gap.

Two numbers say whether k clusters are in the graph. With w_1 >= w_2 >= ... the eigenvalues of
M = D^-1/2 A D^-1/2:

- the relative gap g = (1 - w_(k+1)) / (1 - w_k): how much faster a random walk mixes within the
  clusters than between them (U. von Luxburg, A tutorial on spectral clustering, 2007, section 8.3);
- the tightness t = cut / ((1 - w_1) + ... + (1 - w_k)) >= 1, where cut is the normalised cut of the
  clusters found, sum over clusters of their links to others / all their links. No partition into k
  clusters has a smaller normalised cut than the sum (Ky Fan), so at t = 1 none is better. It is
  large where a cluster is cut through its interior: the sum falls with the square of the kernel's
  width, the cut only with the width.

The score is g / t. On uniform and on normally distributed points, on a rod and on a ring it is
below 1 for nearly every k and width; on groups that a user would call clusters it is mostly above
2 (``benchmarks/number_of_clusters.py``). Of several clear numbers the largest is taken: two blobs
that touch, beside a third, are two at one scale and three at another.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.graphs.affinity import local_affinity
from eigenlab.graphs.assign import assign_labels
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.embedding import spread_vectors
from eigenlab.graphs.graph import Graph
from eigenlab.reporter import SILENT, Reporter
from eigenlab.spectrum import row_normalize

MAX_CLUSTERS = 12
"""Most clusters that ``n_clusters="auto"`` considers."""
CLEAR = 1.3
"""Least score of clusters that are there."""
LEAST_SHARE, LEAST_POINTS = 0.01, 6
"""Groups of a smaller share of the nodes, or of fewer, are outliers."""
CONNECTED = 1e-4
"""1 - w below this counts as this: separate clusters are not separate beyond measure."""
SAMPLE = 1000
"""Points on which widths are tried."""
NEIGHBORS = (4, 7, 15, 30)
"""The widths tried are the median distances to these neighbours in the sample, and none."""


class UnclearClustersWarning(UserWarning):
    """No number of clusters is clearly better than one."""


@dataclass(frozen=True)
class Selection:
    """The number of clusters chosen, and the scores it was chosen by."""

    n_clusters: int
    """The number chosen; 1 where none is clear."""
    clear: bool
    """Whether the score of the number chosen reaches 1.3, or all points are alike."""
    scores: dict[int, float]
    """Relative gap over tightness, by number of clusters, for the width chosen."""
    relative_gaps: dict[int, float]
    """(1 - w_(k+1)) / (1 - w_k), by number k of clusters; 0 where one would be too small."""
    tightness: dict[int, float]
    """Normalised cut of the clusters over the least that is possible, by number of clusters."""
    gamma: float | None = None
    """The kernel coefficient chosen; 0 for widths of neighbours alone, None where it was given."""

    @property
    def best(self) -> int:
        """The number of clusters from two with the highest score."""
        return max(self.scores, key=lambda k: self.scores[k])

    def warn_if_unclear(self) -> None:
        """Warn if no number of clusters is clear."""
        if not self.clear:
            warnings.warn(
                "no number of clusters is clear, so there is one cluster: the best of the others, "
                f"{self.best}, has a score of {self.scores[self.best]:.2f}, and clear clusters "
                f"have {CLEAR} or more. If you know how many there are, give n_clusters, or try "
                "another gamma or affinity",
                UnclearClustersWarning,
                stacklevel=4,
            )


def choose_n_clusters(
    graph: Graph, *, min_cluster_size: int = 2, seed: int = 0, reporter: Reporter = SILENT
) -> Selection:
    """The largest number of clusters that is clear in a graph, or 1 where none is.

    Args:
        graph: graph in any representation.
        min_cluster_size: least number of nodes of a cluster, see :func:`least_size`. Default:
            ``2``.
        seed: random seed of the solver. Default: ``0``.
        reporter: receives progress and may cancel. Default: ``SILENT``.

    >>> A = np.kron(np.eye(3), np.ones((9, 9))) + 0.01
    >>> choose_n_clusters(DenseGraph(A)).n_clusters
    3
    """
    n = graph.n_nodes
    most, least = min(MAX_CLUSTERS + 1, n), least_size(n, min_cluster_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a vector that is not certified has a lower score at worst
        found = spread_vectors(
            graph,
            most,
            "symmetric",
            min_participation=least,
            tol=1e-5,
            seed=seed,
            reporter=reporter,
        )
    slowness = np.maximum(1 - found.singular_values, CONNECTED)
    gaps, tightness = {}, {}
    for k in range(2, most):
        reporter.raise_if_cancelled()
        gaps[k] = float(slowness[k] / slowness[k - 1])
        labels = _labels(found.vectors[:, :k])
        cut = normalized_cut(graph, labels)
        if np.bincount(labels, minlength=k).min() < least:
            gaps[k] = 0.0
        tightness[k] = max(1.0, cut / float((1 - found.singular_values[:k]).sum() + CONNECTED))
    scores = {k: gaps[k] / tightness[k] for k in gaps}
    chosen = _finest(scores)
    clear = graph.n_nodes == 1 or _one_place(found.singular_values) or chosen > 1
    return Selection(chosen, clear, scores, gaps, tightness)


def least_size(n: int, min_cluster_size: int) -> int:
    """Least size of a cluster that is looked for among ``n`` nodes.

    >>> least_size(50, 2), least_size(200, 2), least_size(5000, 2)
    (5, 6, 50)
    """
    return max(min_cluster_size, min(LEAST_POINTS, n // 10), int(LEAST_SHARE * n))


def _finest(scores: Mapping[int, float]) -> int:
    """The largest number of clusters that is clear, or 1 where none is."""
    return max((k for k in scores if scores[k] >= CLEAR), default=1)


def _one_place(eigenvalues: NDArray[np.floating]) -> bool:
    """Whether the matrix has rank one up to rounding: all nodes are alike."""
    return bool((np.abs(eigenvalues[1:]) < 1e-9).all())


def _labels(vectors: NDArray[np.floating]) -> NDArray[np.int64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return assign_labels(row_normalize(vectors), vectors.shape[1], n_init=3)


def normalized_cut(graph: Graph, labels: NDArray[np.int64]) -> float:
    """Sum over the clusters of their links to other clusters over all their links.

    Args:
        graph: graph in any representation.
        labels: (n,) cluster of each node.

    >>> normalized_cut(DenseGraph(np.ones((4, 4))), np.array([0, 0, 1, 1]))
    1.0
    """
    members = np.eye(int(labels.max()) + 1)[labels]
    within = np.einsum("nk,nk->k", members, graph.matmat(members))
    whole = members.T @ graph.degrees
    return float((1 - within / np.where(whole > 0, whole, 1))[whole > 0].sum())


def choose_width(
    X: Any,
    *,
    local: bool = True,
    min_cluster_size: int = 2,
    seed: int = 0,
    reporter: Reporter = SILENT,
) -> Selection:
    """The largest number of clusters that is clear at some width, and its best width.

    Tried are, on a sample, widths for each point alone and with several least widths for all.

    Args:
        X: (n, d) points.
        local: whether to try widths of each point's own alone, without a least one. Default:
            ``True``.
        min_cluster_size: see :func:`choose_n_clusters`. Default: ``2``.
        seed: random seed of the sample and of the solver. Default: ``0``.
        reporter: receives progress and may cancel. Default: ``SILENT``.
    """
    points = np.asarray(X, dtype=np.float64)
    if len(points) > SAMPLE:
        rows = np.random.default_rng(seed).choice(len(points), SAMPLE, replace=False)
        points = points[np.sort(rows)]
    found = []
    for gamma in _gammas(points)[0 if local else 1 :] or [0.0]:
        affinity, _ = local_affinity(points, gamma, reporter=reporter)
        graph = DenseGraph(affinity, trusted=True)
        selection = choose_n_clusters(
            graph, min_cluster_size=min_cluster_size, seed=seed, reporter=reporter
        )
        found.append(dataclasses.replace(selection, gamma=gamma))
    together: dict[int, float] = {}
    for selection in found:
        for k, score in selection.scores.items():
            together[k] = max(together.get(k, 0.0), score)
    chosen = _finest(together)

    def quality(selection: Selection) -> float:
        scores = selection.scores
        return scores.get(chosen, 0.0) if chosen > 1 else max(scores.values(), default=0.0)

    best = max(found, key=quality)
    return dataclasses.replace(best, n_clusters=chosen, clear=chosen > 1 or best.clear)


def _gammas(points: NDArray[np.float64]) -> list[float]:
    """Kernel coefficients to try: 0, and those of the distances to some neighbours."""
    from eigenlab.graphs.neighbors import nearest_neighbors

    near = nearest_neighbors(points, max(NEIGHBORS)).distances
    ranks = [rank for rank in NEIGHBORS if rank <= near.shape[1]]
    widths = [float(np.median(near[:, rank - 1])) for rank in ranks]
    return [0.0, *(width**-2.0 for width in widths if width > 0)]
