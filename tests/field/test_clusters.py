"""Promises about clusters: components are kept whole, equal points share a label."""

import contextlib
import itertools
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse
from sklearn import datasets
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_info, threadpool_limits

from eigenlab.errors import Cancelled
from eigenlab.graphs import (
    DisconnectedGraphWarning,
    FewerClustersWarning,
    SpectralClustering,
    UnclearClustersWarning,
    nearest_neighbors,
)
from eigenlab.reporter import Reporter
from eigenlab.spectrum import EigenpairsWarning

NORMALIZATIONS = ("stochastic", "symmetric", "rows")
METHODS = ("kmeans", "cluster_qr", "discretize")
EVERY_WAY = list(itertools.product(NORMALIZATIONS, METHODS))

# Groups far apart along one axis have columns of unequal spread, rightly warned about elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore::eigenlab.graphs.UnscaledColumnsWarning")


def stars(*leaves: int) -> tuple[np.ndarray, np.ndarray]:
    """The affinity of one hub and its leaves, for each number, and the star of each node."""
    truth = np.repeat(np.arange(len(leaves)), np.array(leaves) + 1)
    hub = np.r_[True, truth[1:] != truth[:-1]]
    same = truth[:, None] == truth
    return (same & (hub[:, None] ^ hub)).astype(float), truth


def same_parts(truth: np.ndarray, labels: np.ndarray) -> bool:
    return adjusted_rand_score(truth, labels) == 1


def is_finer(labels: np.ndarray, component: np.ndarray) -> bool:
    """Whether no cluster has nodes of two components."""
    pairs = set(zip(labels.tolist(), component.tolist(), strict=True))
    return len(pairs) == len(set(labels.tolist()))


# The rows of a star's leading vector are sqrt(d_i): its hub is sqrt(40) times as far from the
# origin as its leaves, so that k-means on the rows finds hubs and leaves. The right answer needs no
# vectors: as many components as clusters are the clusters, since no other partition cuts no edge.
@pytest.mark.parametrize(("normalization", "method"), EVERY_WAY)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("bridge", [0.0, 1e-12, 1e-9])
def test_as_many_components_as_clusters_are_the_clusters(normalization, method, form, bridge):
    """A bridge of 1e-9 changes the spectrum by less than the solver's tolerance of 1e-6."""
    A, truth = stars(40, 40, 15)
    A[5, 60] = A[60, 5] = A[70, 90] = A[90, 70] = bridge
    model = SpectralClustering(
        3,
        affinity="precomputed",
        normalization=normalization,
        assign_labels=method,
        random_state=0,
    ).fit(form(A))
    assert same_parts(truth, model.labels_)
    assert model.n_connected_components_ == 3
    np.testing.assert_array_equal(model.predict(form(A)), model.labels_)


@pytest.mark.parametrize(("normalization", "method"), EVERY_WAY)
@pytest.mark.parametrize("representation", ["dense", "tiled", "fourier"])
def test_groups_too_far_apart_for_float64_are_the_clusters(normalization, method, representation):
    """exp(-gamma r^2) between them is 1e-700: zero where stored, and no more elsewhere."""
    random = np.random.default_rng(0)
    widths = np.repeat([3.0, 0.1], [60, 60])[:, None]  # of very different degrees
    X = widths * random.normal(size=(120, 2)) / 3 + np.repeat([[0, 0], [40.0, 0]], 60, axis=0)
    model = SpectralClustering(
        2,
        gamma=1.0,
        normalization=normalization,
        assign_labels=method,
        representation=representation,
        min_cluster_size=5,
        random_state=0,
    ).fit(X)
    assert same_parts(np.repeat([0, 1], 60), model.labels_)
    np.testing.assert_array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize(("normalization", "method"), EVERY_WAY)
def test_with_fewer_components_than_clusters_none_is_mixed(normalization, method):
    """Two squares far apart, one of them two squares near each other: the near ones are divided."""
    square = np.random.default_rng(0).uniform(size=(30, 2))
    X = np.concatenate([square + np.array([shift, 0]) for shift in (0.0, 2.0, 60.0)])
    truth = np.repeat([0, 1, 2], 30)
    model = SpectralClustering(
        3, gamma=4.0, normalization=normalization, assign_labels=method, random_state=0
    ).fit(X)
    assert model.n_connected_components_ == 2
    assert is_finer(model.labels_, truth // 2)
    assert same_parts(truth, model.labels_)
    assert model.embedding_.shape == (90, 3)
    np.testing.assert_array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize(("normalization", "method"), EVERY_WAY)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 7])
def test_components_are_never_torn_nor_mixed_without_need(normalization, method, k):
    A, truth = stars(20, 12, 9, 5)
    A += 0.1 * (truth[:, None] == truth)  # so that a star has more than two vectors
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        labels = SpectralClustering(
            k,
            affinity="precomputed",
            normalization=normalization,
            assign_labels=method,
            random_state=0,
        ).fit_predict(A)
    classes = {warning.category for warning in caught}
    assert (DisconnectedGraphWarning in classes) == (k < 4)
    assert is_finer(truth, labels) if k < 4 else is_finer(labels, truth)
    assert len(set(labels)) == k or FewerClustersWarning in classes


def test_components_are_merged_with_the_nearest():
    X = np.concatenate([np.linspace(0, 1, 20) + start for start in (0, 30, 34, 90)])[:, None]
    with pytest.warns(DisconnectedGraphWarning, match="4 connected components of 20, 20, 20, 20"):
        labels = SpectralClustering(
            3, affinity="nearest_neighbors", n_neighbors=5, random_state=0
        ).fit_predict(X)
    assert same_parts(np.repeat([0, 1, 1, 2], 20), labels)


def test_a_graph_of_thousands_of_components_is_merged_in_seconds():
    X = np.repeat(np.random.default_rng(0).uniform(size=(2000, 2)), 5, axis=0)
    with pytest.warns(DisconnectedGraphWarning, match="2000 connected components"):
        labels = SpectralClustering(
            3, affinity="nearest_neighbors", n_neighbors=4, random_state=0, n_init=1
        ).fit_predict(X)
    assert all(len(set(labels[first : first + 5])) == 1 for first in range(0, 10_000, 5))


GRAPHS = {
    "rbf": {},
    "tiled": {"representation": "tiled"},
    "fourier": {"representation": "fourier"},
    "local": {"gamma": "local"},
    "neighbors": {"affinity": "nearest_neighbors"},
    "local neighbors": {"affinity": "nearest_neighbors", "gamma": "local"},
    "laplacian": {"affinity": "laplacian"},
}


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("copies", [[40, 40], [300, 300, 300, 300], [1, 5, 400]])
def test_as_many_places_as_clusters_are_the_clusters(graph, normalization, copies):
    """All affinities of equal points are equal, so no right answer tells them apart."""
    places = np.array([[0.0, 0], [5, 0], [0, 5], [5, 5]])[: len(copies)]
    place = np.random.default_rng(0).permutation(np.repeat(np.arange(len(copies)), copies))
    arguments = {"normalization": normalization, "random_state": 0, "min_cluster_size": 1}
    model = SpectralClustering(len(copies), **arguments, **GRAPHS[graph])
    with warnings.catch_warnings():
        # One place of one point has fewer neighbours than the others and joins the nearest.
        warnings.simplefilter("ignore" if 1 in copies else "error")
        labels = model.fit_predict(places[place])
    assert is_finer(place, labels)
    if 1 not in copies:
        assert same_parts(place, labels)
        np.testing.assert_array_equal(model.predict(places[place]), labels)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("k", [2, 3, 6, 9])
def test_equal_points_get_equal_labels(graph, method, k):
    random = np.random.default_rng(k)
    X = random.integers(0, 6, size=(300, 2)).astype(float)  # 36 places of about eight points
    _, place = np.unique(X, axis=0, return_inverse=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SpectralClustering(k, assign_labels=method, random_state=0, **GRAPHS[graph])
        labels = model.fit_predict(X)
    assert is_finer(place.ravel(), labels)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_multiplicity_is_weight(normalization):
    """A graph of places with m_i points is that of all points: the dense graph says so."""
    random = np.random.default_rng(0)
    X = np.repeat(random.normal(size=(12, 2)), random.integers(1, 9, size=12), axis=0)
    arguments = {"gamma": 0.5, "normalization": normalization, "random_state": 0}
    places = SpectralClustering(4, representation="tiled", **arguments).fit(X)
    points = SpectralClustering(4, representation="dense", **arguments).fit(X)
    np.testing.assert_allclose(places.singular_values_, points.singular_values_, atol=1e-8)
    np.testing.assert_allclose(places.embedding_, points.embedding_, atol=1e-4)


@pytest.mark.parametrize("graph", GRAPHS)
def test_fewer_distinct_points_than_clusters_are_warned_of(graph):
    X = np.repeat([[0.0, 0], [1, 0], [0, 1]], 50, axis=0)
    with pytest.warns(FewerClustersWarning):
        labels = SpectralClustering(5, random_state=0, **GRAPHS[graph]).fit_predict(X)
    assert same_parts(np.repeat([0, 1, 2], 50), labels)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_equal_rows_are_found_in_every_form(form):
    from eigenlab.graphs.duplicates import places_of

    X = np.array([[0.0, 1.0], [1.0, 0.0], [-0.0, 1.0], [1.0, 1e-300], [1.0, 0.0]])
    assert places_of(form(X)).tolist() == [0, 1, 0, 2, 1]
    assert places_of(form(X.astype(np.float32))).tolist() == [0, 1, 0, 1, 1]


def shapes(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Sets of points whose number of clusters a reader sees, as in scikit-learn's comparison
    (https://scikit-learn.org/stable/auto_examples/cluster/plot_cluster_comparison.html)."""
    random, none = np.random.default_rng(seed), np.zeros(300, dtype=int)
    angle = 2 * np.pi * np.arange(5) / 5
    centers = 5.1 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    wine, kinds = datasets.load_wine(return_X_y=True)
    return {
        "moons": datasets.make_moons(400, noise=0.05, random_state=seed),
        "circles": datasets.make_circles(400, noise=0.05, factor=0.5, random_state=seed),
        "blobs": datasets.make_blobs(400, centers=centers, random_state=seed),
        "wine": ((wine - wine.mean(axis=0)) / wine.std(axis=0), kinds),
        "square": (random.uniform(size=(300, 2)), none),
        "rod": (random.uniform(size=(300, 2)) * [10, 0.5], none),
        "Gaussian": (random.normal(size=(300, 2)), none),
    }


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", shapes(0))
def test_auto_finds_the_textbook_shapes_and_says_where_there_are_none(name, seed):
    X, truth = shapes(seed)[name]
    model = SpectralClustering("auto", random_state=seed)
    if len(set(truth)) == 1:
        with pytest.warns(UnclearClustersWarning):
            model.fit(X)
    else:
        model.fit(X)
    assert model.n_clusters_ == len(set(truth))
    assert model.selection_.clear == (len(set(truth)) > 1)
    assert adjusted_rand_score(truth, model.labels_) > 0.85


def test_auto_with_a_given_gamma_chooses_the_number_alone():
    X, _ = shapes(0)["blobs"]
    model = SpectralClustering("auto", gamma=0.7, random_state=0).fit(X)
    assert (model.n_clusters_, model.gamma_, model.selection_.gamma) == (5, 0.7, None)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_many_new_points_are_labelled_by_modes_as_by_the_kernel(normalization, monkeypatch):
    X, _ = datasets.make_blobs(500, centers=[[0, 0], [4, 0], [40, 0]], random_state=0)
    model = SpectralClustering(3, gamma=1.0, normalization=normalization, random_state=0).fit(X)
    random = np.random.default_rng(0)
    new = np.concatenate([X, 12 * random.normal(size=(500, 2)), [[1e4, 0], [47.0, 3.0]]])
    labels, rows = model._predictor.predict(new)
    monkeypatch.setattr("eigenlab.graphs.extension.MODES_FROM", 0)
    by_modes = model._predictor.predict(new)
    np.testing.assert_allclose(by_modes[1], rows, atol=1e-5)
    np.testing.assert_array_equal(by_modes[0], labels)


def slow(x: np.ndarray, y: np.ndarray) -> float:
    time.sleep(1e-4)
    return float(np.exp(-np.abs(x - y).sum()))


# Each takes several times as long as is allowed here before its first vector, or in one product.
# Processor time is counted, as others may use the machine.
@pytest.mark.parametrize(
    ("arguments", "n", "d"),
    [
        ({"gamma": 0.01}, 30_000, 20),
        ({"gamma": 0.01, "representation": "sharded"}, 30_000, 20),
        ({"gamma": 0.01, "representation": "dense"}, 12_000, 784),
        ({"gamma": "local"}, 5_000, 784),
        ({"n_clusters": "auto"}, 5_000, 784),
        ({"affinity": "laplacian", "gamma": 0.01}, 5_000, 500),
        ({"affinity": slow}, 1_000, 2),
        ({"affinity": "nearest_neighbors"}, 30_000, 100),
        ({"affinity": "nearest_neighbors"}, 200_000, 9),
    ],
)
def test_a_long_fit_stops_soon_after_it_is_asked_to(arguments, n, d):
    reporter = Reporter()
    X = np.random.default_rng(0).normal(size=(n, d))
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.process_time())
        reporter.cancel()

    timer = threading.Timer(0.5, ask)
    timer.start()
    with pytest.raises(Cancelled):
        SpectralClustering(**({"n_clusters": 3, "random_state": 0} | arguments)).fit(
            X, reporter=reporter
        )
    assert time.process_time() - asked[0] < 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers of signals")
@pytest.mark.parametrize("far", [0.0, 1e6])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"gamma": "local"}, {"affinity": "laplacian"}, {"affinity": "nearest_neighbors"}],
)
def test_ctrl_c_interrupts_a_long_prediction(arguments, far):
    """Python handles a signal between two calls of compiled code, so none may be long."""
    X = np.random.default_rng(0).normal(size=(2000, 300))
    new = np.tile(X, (40, 1)) + far
    model = SpectralClustering(3, random_state=0, **({"gamma": 1e-3} | arguments)).fit(X)
    asked: list[float] = []

    def interrupt(*_: object) -> None:
        asked.append(time.process_time())
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    sent = time.process_time()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            while not asked:
                model.predict(new)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert asked[0] - sent < 2.2


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


@pytest.mark.parametrize("affinity", ["rbf", "nearest_neighbors"])
def test_many_threads_leave_blas_with_the_threads_it_had(affinity):
    """The number belongs to the process, and what sets and restores it in turns loses it
    (https://github.com/joblib/threadpoolctl)."""
    X = np.random.default_rng(0).normal(size=(300, 12)) + np.repeat(np.eye(3, 12) * 30, 100, axis=0)
    model = SpectralClustering(3, affinity=affinity, gamma="scale", random_state=0).fit(X)

    def use(number: int) -> None:
        for _ in range(4):
            model.predict(X[number:])
            clone(model).fit(X)
            nearest_neighbors(X, 3)

    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        with ThreadPoolExecutor(8) as pool, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            list(pool.map(use, range(8)))
        assert blas_threads() == before


# Any partition into whole components cuts no edge, so it needs no vectors; and k-means is a local
# search, so of its labels nothing is known (D. Aloise et al., NP-hardness of Euclidean
# sum-of-squares clustering, Machine Learning 75, 2009).
@pytest.mark.parametrize(
    ("k", "certificate"), [(1, "components"), (2, "components"), (3, "components"), (5, "vectors")]
)
def test_the_certificate_says_what_is_verified(k, certificate):
    A, _ = stars(20, 12, 9)
    model = SpectralClustering(k, affinity="precomputed", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", (DisconnectedGraphWarning, FewerClustersWarning))
        model.fit(A)
    assert (model.certificate_, model.certified_) == (certificate, True)
    cut = A[model.labels_[:, None] != model.labels_].sum()
    assert (cut == 0) == (certificate == "components")


def test_components_are_certified_where_vectors_are_not(monkeypatch):
    monkeypatch.setattr("eigenlab.spectrum.eigenpairs.PRODUCTS_PER_VECTOR", 0)
    monkeypatch.setattr("eigenlab.spectrum.eigenpairs.MIN_PRODUCTS", 10)
    random = np.random.default_rng(0)
    X = random.normal(size=(600, 2)) + np.repeat([[0.0, 0.0], [90.0, 0.0]], 300, axis=0)
    model = SpectralClustering(2, gamma=1.0, random_state=0, eigen_tol=1e-12)
    with pytest.warns(EigenpairsWarning):
        assert model.fit(X).certificate_ == "components"
    with pytest.warns(EigenpairsWarning):
        assert model.set_params(n_clusters=1).fit(X[:300]).certificate_ == "components"
    with pytest.warns(EigenpairsWarning):
        model.set_params(n_clusters=2).fit(X[:300])
    assert (model.certificate_, model.certified_) == ("none", False)


# Exchanging two such nodes leaves the graph as it is, so no right answer tells them apart.
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("loops", [True, False])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("k", [2, 3, 6, 9])
def test_nodes_of_a_given_graph_that_are_alike_share_a_label(form, loops, method, k):
    random = np.random.default_rng(k)
    X = random.integers(0, 6, size=(200, 2)).astype(float)
    _, place = np.unique(X, axis=0, return_inverse=True)
    A = np.exp(-((X[:, None] - X) ** 2).sum(axis=2))
    if not loops:
        np.fill_diagonal(A, 0)
    model = SpectralClustering(k, affinity="precomputed", assign_labels=method, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = model.fit_predict(form(A))
    assert is_finer(place.ravel(), labels)


def test_leaves_of_one_hub_are_alike_and_nodes_without_edges_are_not():
    from eigenlab.graphs.duplicates import twins

    A, _ = stars(4, 3)
    expected = [0, 1, 1, 1, 1, 2, 3, 3, 3]
    assert twins(A).tolist() == twins(sparse.csr_array(A)).tolist() == expected
    assert twins(np.zeros((3, 3))).tolist() == [0, 1, 2]
    assert twins(np.ones((3, 3)) - np.eye(3)).tolist() == [0, 0, 0]
    assert twins(np.diag([1.0, 1.0, 2.0])).tolist() == [0, 1, 2]
    assert twins(np.array([[1.0, 2.0], [2.0, 0.5]])).tolist() == [0, 1]
