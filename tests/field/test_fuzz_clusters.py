"""Random graphs of known components and multiplicities: never mixed, never told apart.

The right answers need no vectors: with at least as many clusters as components no cluster has
nodes of two components; nodes that an exchange leaves alike have one label; and where the labels
are whole components as numerous as clusters, the order of the nodes does not matter.
``EIGENLAB_FUZZ=10000`` sets how many are tried.
"""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from eigenlab.graphs import SpectralClustering
from fuzz import fuzzed

NORMALIZATIONS = st.sampled_from(["stochastic", "symmetric", "rows"])
METHODS = st.sampled_from(["kmeans", "cluster_qr", "discretize"])
REPRESENTATIONS = st.sampled_from(["dense", "tiled", "fourier", "sharded"])


@st.composite
def graphs(draw):
    """A precomputed affinity, the component of each node, and its place: clones of a node."""
    seed, sizes = (
        draw(st.integers(0, 2**31)),
        draw(st.lists(st.integers(2, 7), min_size=1, max_size=4)),
    )
    loops = draw(st.booleans())
    random = np.random.default_rng(seed)
    count = sum(sizes)
    component = np.repeat(np.arange(len(sizes)), sizes)
    W = np.zeros((count, count))
    for number in range(len(sizes)):
        own = np.flatnonzero(component == number)
        for i, node in enumerate(own[1:], start=1):  # a random tree, and some edges more
            other = own[random.integers(i)]
            W[node, other] = W[other, node] = random.uniform(0.2, 1)
        extra = np.triu(
            random.uniform(0.2, 1, (len(own),) * 2) * (random.random((len(own),) * 2) < 0.3), 1
        )
        W[np.ix_(own, own)] += extra + extra.T
    if loops:
        W[np.diag_indices(count)] = W.max(axis=1)
    place = random.permutation(np.repeat(np.arange(count), random.integers(1, 5, count)))
    return W[np.ix_(place, place)], component[place], place


@st.composite
def points(draw):
    """Points of groups too far apart for float64, some of them several times."""
    seed, groups = draw(st.integers(0, 2**31)), draw(st.integers(1, 4))
    d = draw(st.integers(1, 3))
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 9, groups)
    component = np.repeat(np.arange(groups), sizes)
    places = random.uniform(0, 0.3, size=(len(component), d))
    places[:, 0] += 60.0 * component
    place = random.permutation(
        np.repeat(np.arange(len(places)), random.integers(1, 5, len(places)))
    )
    return places[place], component[place], place


def is_finer(labels, truth):
    pairs = set(zip(labels.tolist(), truth.tolist(), strict=True))
    return len(pairs) == len(set(labels.tolist()))


def check(model, X, component, place, order):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = model.fit_predict(X)
        assert is_finer(place, labels), "equal points have different labels"
        count = len(set(component.tolist()))
        if model.n_clusters >= count:
            assert is_finer(labels, component), "components are mixed"
        else:
            assert is_finer(component, labels), "a component is torn"
        if model.n_clusters == count:
            assert adjusted_rand_score(component, labels) == 1
        if model.n_clusters == count and model.certificate_ == "components":
            moved = X[np.ix_(order, order)] if model.affinity == "precomputed" else X[order]
            again = model.fit_predict(moved)
            assert adjusted_rand_score(labels[order], again) == 1


@fuzzed(60)
@given(graphs(), st.integers(1, 6), NORMALIZATIONS, METHODS, st.booleans(), st.integers(0, 99))
def test_precomputed_graphs(graph, k, normalization, method, stored_sparse, seed):
    A, component, place = graph
    model = SpectralClustering(
        min(k, len(A)),
        affinity="precomputed",
        normalization=normalization,
        assign_labels=method,
        random_state=seed,
    )
    order = np.random.default_rng(seed).permutation(len(A))
    check(model, sparse.csr_array(A) if stored_sparse else A, component, place, order)


@fuzzed(60)
@given(points(), st.integers(1, 6), NORMALIZATIONS, METHODS, REPRESENTATIONS, st.integers(0, 99))
def test_points(drawn, k, normalization, method, representation, seed):
    X, component, place = drawn
    model = SpectralClustering(
        min(k, len(X)),
        gamma=1.0,
        normalization=normalization,
        assign_labels=method,
        representation=representation,
        random_state=seed,
        min_cluster_size=1,
    )
    check(model, X, component, place, np.random.default_rng(seed).permutation(len(X)))
