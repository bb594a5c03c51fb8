"""The number of clusters: a gap of the spectrum that is stable under resampling of the points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CANDIDATES = 4
"""How many numbers of clusters, those with the widest gaps, have their stability measured."""
STABLE = 0.8
"""Least adjusted Rand index, over random halves, of a stable clustering."""
HALVES = 4
"""Random halves that are compared."""
MAX_HALF = 1000
"""Most points in a random half."""


class UnstableClustersWarning(UserWarning):
    """No number of clusters that was tried is stable under resampling of the points."""


@dataclass(frozen=True)
class Selection:
    """The number of clusters chosen, and the gaps and stabilities it was chosen by."""

    n_clusters: int
    gaps: NDArray[np.float64]
    """gaps[k - 1] = s_k - s_(k+1), the gap between k clusters and the rest of the spectrum."""
    stability: dict[int, float]
    """Mean adjusted Rand index of clusterings of random halves, by number of clusters tried."""

    def warn_if_unstable(self) -> None:
        """Warn if no number of clusters that was tried is stable."""
        found = self.stability[self.n_clusters]
        if found < STABLE:
            tried = ", ".join(f"{k}: {value:.2f}" for k, value in sorted(self.stability.items()))
            warnings.warn(
                f"no number of clusters is stable; of those tried ({tried}; stable from {STABLE}) "
                f"n_clusters={self.n_clusters} is the most stable. Try another gamma or "
                "normalization, or give n_clusters",
                UnstableClustersWarning,
                stacklevel=4,
            )


def choose_n_clusters(
    singular_values: Sequence[float] | NDArray[np.floating], stability: Callable[[int], float]
) -> Selection:
    """The widest of four eigengaps whose clusters are stable, or the most stable of them.

    A graph of k well separated parts has k singular values near one and then a gap (U. von Luxburg,
    A tutorial on spectral clustering, 2007, section 8.3). A few outliers open gaps, too, but their
    clusters change when points are left out.

    Args:
        singular_values: descending, one more than the largest number of clusters to consider.
        stability: function of a number of clusters >= 2 that returns its stability in [-1, 1]; one
            cluster is always stable.

    Returns:
        The number chosen, with gaps and stabilities.

    >>> choose_n_clusters([1.0, 0.99, 0.98, 0.5, 0.4], lambda k: 1.0).n_clusters
    3
    """
    values = np.asarray(singular_values, dtype=np.float64)
    gaps = values[:-1] - values[1:]
    tried: dict[int, float] = {}
    for index in np.argsort(-gaps, kind="stable")[:CANDIDATES]:
        k = int(index) + 1
        tried[k] = 1.0 if k == 1 else stability(k)
        if tried[k] >= STABLE:
            return Selection(k, gaps, tried)
    return Selection(max(tried, key=lambda k: tried[k]), gaps, tried)


def half_agreement(
    labels_of: Callable[[NDArray[np.int64]], NDArray[np.int64]], n_nodes: int, k: int, seed: int
) -> float:
    """Mean adjusted Rand index of the clusters of pairs of random halves, on their common nodes.

    Args:
        labels_of: function that clusters the nodes of the given rows, ascending, and returns their
            labels.
        n_nodes: number of all nodes.
        k: number of clusters; a half has at least as many nodes.
        seed: random seed of the halves.

    Returns:
        Index in [-1, 1], 1 where all halves agree.

    >>> half_agreement(lambda rows: rows % 2, n_nodes=40, k=2, seed=0)
    1.0
    """
    from sklearn.metrics import adjusted_rand_score

    size = min(max(n_nodes // 2, k), MAX_HALF)
    random = np.random.default_rng(seed)
    # Pairs of halves have points in common, on which their labels are compared.
    pool = random.choice(n_nodes, min(n_nodes, 2 * size), replace=False)
    halves = [np.sort(random.choice(pool, size, replace=False)) for _ in range(HALVES)]
    found = [labels_of(rows) for rows in halves]
    scores = []
    for i in range(HALVES):
        for j in range(i):
            _, ours, theirs = np.intersect1d(halves[i], halves[j], return_indices=True)
            scores.append(adjusted_rand_score(found[i][ours], found[j][theirs]))
    return float(np.mean(scores))
