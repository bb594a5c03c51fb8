"""Connected components as clusters: found up to the solver's accuracy, merged whole or divided.

The vectors of a disconnected graph are arbitrary combinations of those of its components. On them
k-means may divide a component by the length of its rows, or mix two. But what the clusters are is
then known without any vector: components are found first, and vectors only divide within them.
"""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.graphs.assign import AssignLabels, FewerClustersWarning, assign_labels
from eigenlab.graphs.connectivity import MAX_BRIDGED, by_size
from eigenlab.graphs.embedding import Embedding, spread_vectors
from eigenlab.graphs.graph import Floats, Graph, Normalization, NormalizedOperator
from eigenlab.reporter import Reporter

LEAST_EDGE = 1e-15
"""Edges below this, relative to the degrees, are rounding errors, whatever the accuracy."""
SAMPLE, LEAST_SAMPLE = 20_000, 100
"""Points between which distances of components are measured: in all, and at least of each."""

Ints = NDArray[np.int64]


def resolved_components(graph: Graph, tol: float, min_size: int) -> Ints:
    """The components that a solver of relative accuracy ``tol`` can tell from connected ones.

    An edge counts if M_ij > tol / n: all others together change the spectrum by at most ``tol``.
    Groups of fewer than ``min_size`` nodes that are separate only in this sense are outliers: they
    belong to the component that they are linked to most strongly.

    Args:
        graph: graph in any representation.
        tol: relative accuracy of the vectors.
        min_size: least number of nodes, at least two, of a component that has any link to others.

    Returns:
        (n,) component of each node, numbered by descending size.
    """
    min_size = max(min_size, 2)  # one outlier is a cluster only if the vectors make it one
    _, component = graph.connected_components(max(tol / graph.n_nodes, LEAST_EDGE))
    sizes = np.bincount(component)
    large = np.flatnonzero(sizes >= min_size)
    if len(large) == len(sizes) or not len(large):
        return component
    rest = np.isin(component, large)
    merged = component.copy()
    for small in np.flatnonzero(sizes < min_size):
        nearest = graph.strongest_link(np.flatnonzero(component == small), np.flatnonzero(rest))
        if nearest is not None:
            merged[component == small] = component[nearest]
    return by_size(merged)


def merge_components(graph: Graph, component: Ints, k: int, points: Any = None) -> Ints:
    """Merge whole components into ``k`` groups, two at a time.

    With points these are the two for which r^2 / (1 / n + 1 / m) is least: near each other, or
    small (J. Ward, 1963, whose r is the distance of means; here it is that of the nearest points).
    Without points these are the two that are linked most strongly, or else the smallest.

    Args:
        graph: graph in any representation.
        component: (n,) component of each node, numbered by descending size.
        k: number of groups, at most that of the components.
        points: (n, d) points, or None. Default: ``None``.

    Returns:
        (n,) group of each node, numbered by descending size.

    >>> from eigenlab.graphs.gaussian_graph import gaussian_graph
    >>> X = np.array([[0.0], [1.0], [5.0], [6.0]])
    >>> merge_components(gaussian_graph(X, 1.0), np.array([0, 0, 1, 2]), 2, X)
    array([0, 0, 1, 1])
    """
    group, most = component.copy(), max(k, MAX_BRIDGED)
    if int(group.max()) >= most:  # the smallest at once, as two at a time takes too long
        small, large = np.flatnonzero(group >= most), np.flatnonzero(group < most)
        if points is None:
            group[small] = most - 1
        else:
            distances, found = _nearest_in(points, small, large)
            order = np.lexsort((distances, group[small]))
            _, first = np.unique(group[small][order], return_index=True)
            group[small] = group[found[order[first]]][group[small] - most]
        group = by_size(group)
    distance = _link_distances(graph, group) if points is None else _distances(points, group)
    weight = np.bincount(group).astype(np.float64)
    alive = list(range(len(weight)))
    while len(alive) > k:
        cost = distance[np.ix_(alive, alive)] ** 2
        cost /= 1 / weight[alive][:, None] + 1 / weight[alive]
        np.fill_diagonal(cost, np.inf)
        pair = sorted(divmod(int(cost.argmin()), len(alive)))
        kept, lost = alive[pair[0]], alive.pop(pair[1])
        distance[kept] = distance[:, kept] = np.minimum(distance[kept], distance[lost])
        weight[kept] += weight[lost]
        group[group == lost] = kept
    return by_size(group)


def _distances(points: Any, group: Ints) -> NDArray[np.float64]:
    """(c, c) least distances of points of two groups, of which some are looked at."""
    from sklearn.neighbors import NearestNeighbors

    count = int(group.max()) + 1
    share = max(LEAST_SAMPLE, SAMPLE // count)
    random = np.random.default_rng(0)
    own = [np.flatnonzero(group == number) for number in range(count)]
    own = [rows if len(rows) <= share else random.choice(rows, share, False) for rows in own]
    rows, edges = np.concatenate(own), np.cumsum([0, *map(len, own)])[:-1]
    distance = np.empty((count, count))
    for number, part in enumerate(own):
        search = NearestNeighbors(n_neighbors=1).fit(points[part])
        found = search.kneighbors(points[rows])[0][:, 0]
        distance[number] = np.minimum.reduceat(found, edges)
    return np.minimum(distance, distance.T)


def _link_distances(graph: Graph, group: Ints) -> NDArray[np.float64]:
    """(c, c) numbers that are smaller the more strongly two groups are linked for their sizes."""
    members = np.eye(int(group.max()) + 1)[group]
    sizes = members.sum(axis=0)
    links = members.T @ graph.matmat(members) / np.multiply.outer(sizes, sizes)
    np.fill_diagonal(links, 0)
    distance: NDArray[np.float64] = 1 - links / (2 * max(links.max(), np.finfo(float).tiny))
    return distance


def _nearest_in(points: Any, rows: Ints, others: Ints) -> tuple[NDArray[np.float64], Ints]:
    """For each of ``rows`` the distance to the nearest of ``others``, and its index."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=1).fit(points[others])
    distances, found = search.kneighbors(points[rows])
    return distances[:, 0], others[found[:, 0]]


@dataclasses.dataclass(frozen=True)
class Parts:
    """An embedding of a graph of several components, each with columns of its own."""

    embedding: Embedding
    """Vectors of the whole graph; each is zero outside one component."""
    component: Ints
    """(n,) component of each node."""
    columns: list[Ints]
    """Columns of the embedding that belong to each component."""
    n_clusters: Ints
    """Clusters of each component."""

    def labels(
        self,
        rows: Floats,
        method: AssignLabels,
        *,
        n_init: int,
        random_state: int,
    ) -> Ints:
        """Clusters within each component, from the scaled ``rows`` of the embedding."""
        labels = np.zeros(len(rows), dtype=np.int64)
        first = 0
        for number, (columns, k) in enumerate(zip(self.columns, self.n_clusters, strict=True)):
            own = np.flatnonzero(self.component == number)
            if k == 1:
                labels[own] = first
            else:
                labels[own] = first + quiet_labels(
                    rows[np.ix_(own, columns)], int(k), method, n_init, random_state
                )
            first += int(k)
        return labels


def quiet_labels(
    rows: Floats, k: int, method: AssignLabels, n_init: int, random_state: int
) -> Ints:
    """:func:`~eigenlab.graphs.assign_labels` without its warning of empty clusters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FewerClustersWarning)
        return assign_labels(rows, k, method, n_init=n_init, random_state=random_state)


def embed_parts(
    graph: Graph,
    component: Ints,
    n_clusters: int,
    n_components: int | None,
    normalization: Normalization,
    *,
    min_participation: int,
    tol: float,
    seed: int,
    reporter: Reporter,
) -> Parts:
    """Vectors of each component by itself, and how many clusters it is divided into.

    Each component is one cluster, and the others go where the singular values after the first are
    largest: these are the leading singular values of the whole graph.

    Args:
        graph: graph in any representation.
        component: (n,) component of each node, numbered from 0.
        n_clusters: number of clusters, more than there are components.
        n_components: number of vectors, at least as many as clusters are computed.
        normalization: see :func:`~eigenlab.graphs.embedding.leading_vectors`.
        min_participation: see :func:`~eigenlab.graphs.embedding.spread_vectors`.
        tol: see :func:`~eigenlab.graphs.embedding.leading_vectors`.
        seed: random seed of the solver.
        reporter: receives progress and may cancel.
    """
    count = int(component.max()) + 1
    # Divided one by one, components need as many vectors as clusters, whatever is asked for.
    wanted = max(n_components or 1, n_clusters)
    found = []
    for number in range(count):
        own = np.flatnonzero(component == number)
        k = min(len(own), wanted - count + 1)
        part = graph.subgraph(own)
        part.reporter = reporter
        found.append(
            spread_vectors(
                part,
                k,
                normalization,
                min_participation=min_participation,
                tol=tol,
                seed=seed,
                reporter=reporter,
            )
        )
    values = [part.singular_values for part in found]
    shares = _shares(values, n_clusters)
    widths = _shares(values, wanted)
    embedding, columns = _joined(graph, component, found, widths, normalization)
    return Parts(embedding, component, columns, shares)


def _shares(values: list[NDArray[np.float64]], total: int) -> Ints:
    """How many of ``total`` each list gets: one each, then by descending value."""
    shares = np.ones(len(values), dtype=np.int64)
    owner = np.repeat(np.arange(len(values)), [len(own) - 1 for own in values])
    rest = np.concatenate([own[1:] for own in values])
    chosen = np.argsort(-rest, kind="stable")[: total - len(values)]
    np.add.at(shares, owner[chosen], 1)
    return shares


def _joined(
    graph: Graph,
    component: Ints,
    found: list[Embedding],
    widths: Ints,
    normalization: Normalization,
) -> tuple[Embedding, list[Ints]]:
    parts = [part.leading(int(width)) for part, width in zip(found, widths, strict=True)]
    values = np.concatenate([part.singular_values for part in parts])
    order = np.argsort(-values, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    columns = np.split(place, np.cumsum(widths)[:-1])
    vectors = np.zeros((graph.n_nodes, len(values)))
    for number, (part, own) in enumerate(zip(parts, columns, strict=True)):
        vectors[np.ix_(np.flatnonzero(component == number), own)] = part.vectors
    following = np.array([part.next_singular_value for part in parts])
    following = following[np.isfinite(following)]
    return (
        Embedding(
            vectors,
            values[order],
            np.concatenate([part.residual_norms for part in parts])[order],
            float(following.max()) if len(following) else float("nan"),
            all(part.certified for part in parts),
            sum(part.n_products for part in parts),
            NormalizedOperator(graph, normalization),
            np.concatenate([part.skipped_values for part in parts]),
        ),
        columns,
    )
