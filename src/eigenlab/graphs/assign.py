"""Labels from an embedding, by k-means, pivoted QR or rotation."""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.graph import Floats

AssignLabels = Literal["kmeans", "cluster_qr", "discretize"]

SEEDING_ROWS = 20_000
"""Size of the sample on which k-means is restarted; its best centres start one run on all rows."""


class FewerClustersWarning(UserWarning):
    """Fewer clusters were found than asked for."""


def assign_labels(
    embedding: Floats,
    n_clusters: int,
    method: AssignLabels = "kmeans",
    *,
    n_init: int = 10,
    random_state: int = 0,
) -> NDArray[np.int64]:
    """Assign a cluster to each row of an embedding (questions 5a, 5f and 5g).

    Applied to the points themselves, k-means fails on clusters that are longer than they are far
    apart, because it compares distances to centres (question 5a).

    Args:
        embedding: (n, k) rows; for ``"cluster_qr"`` and ``"discretize"``, which make a cluster of
            each column, k = n_clusters and columns are orthonormal up to scale.
        n_clusters: number of clusters, >= 1.
        method: ``"kmeans"``; ``"cluster_qr"`` (A. Damle, V. Minden and L. Ying, 2019: a pivoted QR
            picks a representative row of each cluster; no randomness); or ``"discretize"`` (S. Yu
            and J. Shi, 2003: rotates the embedding towards indicators). Default: ``"kmeans"``.
        n_init: number of random starts of k-means. Default: ``10``.
        random_state: random seed of k-means and of the rotation. Default: ``0``.

    Returns:
        (n,) int64 labels in 0 .. n_clusters - 1.

    Raises:
        InputError: the method is unknown, or it needs another number of columns.

    Warns:
        FewerClustersWarning: some cluster is empty, as happens when points coincide.

    >>> assign_labels(np.array([[0.0], [0.1], [5.0]]), 2, random_state=0)
    array([0, 0, 1])
    """
    if method not in get_args(AssignLabels):
        raise InputError(f"method={method!r}; choose one of {get_args(AssignLabels)}")
    if n_clusters == 1:
        return np.zeros(len(embedding), dtype=np.int64)
    columns = embedding.shape[1]
    if method != "kmeans" and columns != n_clusters:
        raise InputError(
            f"method={method!r} makes a cluster of each column, but embedding has {columns} "
            f"columns and n_clusters={n_clusters}; give as many, or take method='kmeans'"
        )
    if method == "kmeans":
        labels = _kmeans(embedding, n_clusters, n_init, random_state)
    else:
        from sklearn.cluster import _spectral

        if method == "cluster_qr":
            labels = _spectral.cluster_qr(embedding)
        else:
            # Rows of zeros, where all vectors vanish, have no direction: the first cluster. Vectors
            # that vanish everywhere, as where they only tell equal points apart, make none.
            nonzero, columns_left = embedding.any(axis=1), embedding.any(axis=0)
            labels = np.zeros(len(embedding), dtype=np.int64)
            if columns_left.any():
                labels[nonzero] = _spectral.discretize(
                    embedding[np.ix_(nonzero, columns_left)], random_state=random_state
                )
    found = len(np.unique(labels))
    if found < n_clusters:
        warn_of_fewer(found, n_clusters)
    return labels.astype(np.int64)


def warn_of_fewer(found: int, n_clusters: int) -> None:
    """Warn, with a :class:`FewerClustersWarning`, that some clusters are empty."""
    warnings.warn(
        f"found {found} clusters, not n_clusters={n_clusters}: the points fall into no more "
        "groups that can be told apart",
        FewerClustersWarning,
        stacklevel=4,
    )


def _kmeans(embedding: Floats, n_clusters: int, n_init: int, seed: int) -> NDArray[np.integer]:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # The caller warns of coinciding rows.
        warnings.filterwarnings("ignore", "Number of distinct", ConvergenceWarning)
        if len(embedding) <= SEEDING_ROWS:
            model = KMeans(n_clusters, n_init=n_init, random_state=seed)
            return model.fit(embedding).labels_
        rows = np.random.default_rng(seed).choice(len(embedding), SEEDING_ROWS, replace=False)
        sample = embedding[np.sort(rows)]
        seeds = KMeans(n_clusters, n_init=n_init, random_state=seed).fit(sample).cluster_centers_
        return KMeans(n_clusters, init=seeds, n_init=1).fit(embedding).labels_
