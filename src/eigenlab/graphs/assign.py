"""From an embedding to labels."""

from __future__ import annotations

import warnings
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError
from eigenlab.graphs.graph import Floats

AssignLabels = Literal["kmeans", "cluster_qr", "discretize"]

SEEDING_ROWS = 20_000
"""k-means is restarted on a random sample of this size; all rows then take part in one last run."""


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
    """A cluster for each row of an embedding, 0 .. n_clusters - 1.

    Args:
        embedding: (n, k) rows; for ``cluster_qr`` and ``discretize``, which make a cluster of each
            column, k = n_clusters and columns are orthonormal up to scale.
        n_clusters: how many.
        method: ``kmeans``; ``cluster_qr`` (A. Damle, V. Minden and L. Ying, 2019: a pivoted QR
            picks a representative row of each cluster; no randomness); ``discretize`` (S. Yu and J.
            Shi, 2003: rotates the embedding towards indicators).
        n_init: starts of k-means.
        random_state: seed of k-means and of the rotation.

    Raises:
        InputError: the method is unknown, or needs another number of columns.

    Warns:
        FewerClustersWarning: some cluster stayed empty, as when points coincide.

    >>> assign_labels(np.array([[0.0], [0.1], [5.0]]), 2, random_state=0)
    array([0, 0, 1])
    """
    if method not in get_args(AssignLabels):
        raise InputError(f"assign_labels={method!r}; choose one of {get_args(AssignLabels)}")
    if n_clusters == 1:
        return np.zeros(len(embedding), dtype=np.int64)
    columns = embedding.shape[1]
    if method != "kmeans" and columns != n_clusters:
        raise InputError(
            f"assign_labels={method!r} makes a cluster of each column, but n_components={columns} "
            f"and n_clusters={n_clusters}; leave n_components out, or take assign_labels='kmeans'"
        )
    if method == "kmeans":
        labels = _kmeans(embedding, n_clusters, n_init, random_state)
    else:
        from sklearn.cluster import _spectral

        if method == "cluster_qr":
            labels = _spectral.cluster_qr(embedding)
        else:
            # Rows of zeros, nodes that no vector reaches, have no direction: the first cluster.
            reached = embedding.any(axis=1)
            labels = np.zeros(len(embedding), dtype=np.int64)
            labels[reached] = _spectral.discretize(embedding[reached], random_state=random_state)
    found = len(np.unique(labels))
    if found < n_clusters:
        warnings.warn(
            f"found {found} clusters, not n_clusters={n_clusters}: the points fall into no more "
            "groups that can be told apart",
            FewerClustersWarning,
            stacklevel=3,
        )
    return labels.astype(np.int64)


def _kmeans(embedding: Floats, n_clusters: int, n_init: int, seed: int) -> NDArray[np.integer]:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Coinciding rows: said once, in our words, by the caller.
        warnings.filterwarnings("ignore", "Number of distinct", ConvergenceWarning)
        if len(embedding) <= SEEDING_ROWS:
            model = KMeans(n_clusters, n_init=n_init, random_state=seed)
            return model.fit(embedding).labels_
        rows = np.random.default_rng(seed).choice(len(embedding), SEEDING_ROWS, replace=False)
        sample = embedding[np.sort(rows)]
        seeds = KMeans(n_clusters, n_init=n_init, random_state=seed).fit(sample).cluster_centers_
        return KMeans(n_clusters, init=seeds, n_init=1).fit(embedding).labels_
