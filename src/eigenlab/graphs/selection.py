"""How many clusters: where the spectrum has a gap that survives another draw of the points."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CANDIDATES = 4
"""Numbers of clusters with the widest gaps, of which the stability is tried."""
STABLE = 0.8
"""Adjusted Rand index, over random halves, from which a clustering counts as stable."""
HALVES = 4
HALF_AT_MOST = 1000
"""Points in a random half."""


class UnstableClustersWarning(UserWarning):
    """No number of clusters that was tried survives another draw of the points."""


@dataclass(frozen=True)
class Selection:
    """The number of clusters chosen, and why."""

    n_clusters: int
    gaps: NDArray[np.float64]
    """gaps[k - 1] = s_k - s_(k+1): what separates k clusters from the rest of the spectrum."""
    stability: dict[int, float]
    """Mean adjusted Rand index of clustering random halves anew, by number of clusters tried."""

    def warn_if_unstable(self) -> None:
        """Say so if the number chosen is only the best of bad ones."""
        found = self.stability[self.n_clusters]
        if found < STABLE:
            tried = ", ".join(f"{k}: {value:.2f}" for k, value in sorted(self.stability.items()))
            warnings.warn(
                f"no number of clusters is stable; of those tried ({tried}; stable from {STABLE}) "
                f"n_clusters={self.n_clusters} comes nearest. Try another gamma or normalization, "
                "or give n_clusters",
                UnstableClustersWarning,
                stacklevel=4,
            )


def choose_n_clusters(
    singular_values: Sequence[float] | NDArray[np.floating], stability: Callable[[int], float]
) -> Selection:
    """The widest eigengap whose clusters are stable; if none of four is stable, the most stable.

    A graph of k well separated parts has k singular values near one and then a gap (U. von Luxburg,
    A tutorial on spectral clustering, 2007, section 8.3). A few outliers open gaps, too, but which
    they are changes when points are left out, and then so do the clusters.

    Args:
        singular_values: descending, one more than the largest number of clusters to consider.
        stability: of a number of clusters, in [-1, 1]; one cluster is always stable.

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
    """Mean adjusted Rand index of the clusters of random halves, two at a time, where they overlap.

    Args:
        labels_of: clusters the nodes of the given rows, ascending, and returns their labels.
        n_nodes: of all.
        k: clusters; a half has at least as many nodes.
        seed: of the halves.

    >>> half_agreement(lambda rows: rows % 2, n_nodes=40, k=2, seed=0)
    1.0
    """
    from sklearn.metrics import adjusted_rand_score

    size = min(max(n_nodes // 2, k), HALF_AT_MOST)
    random = np.random.default_rng(seed)
    # Pairs of halves share points: their labels there are compared.
    pool = random.choice(n_nodes, min(n_nodes, 2 * size), replace=False)
    halves = [np.sort(random.choice(pool, size, replace=False)) for _ in range(HALVES)]
    found = [labels_of(rows) for rows in halves]
    scores = []
    for i in range(HALVES):
        for j in range(i):
            _, ours, theirs = np.intersect1d(halves[i], halves[j], return_indices=True)
            scores.append(adjusted_rand_score(found[i][ours], found[j][theirs]))
    return float(np.mean(scores))
