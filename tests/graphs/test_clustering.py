"""The estimator: scikit-learn's contract, the course's answers, new points, the number chosen."""

import pickle
import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import kneighbors_graph
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from eigenlab.graphs import (
    FewerClustersWarning,
    SpectralClustering,
    UnclearClustersWarning,
    rbf_affinity,
    row_normalize,
    stochastic_normalize,
    stretched_blobs,
    symmetric_normalize,
    top_singular_vectors,
    two_circles,
)
from eigenlab.graphs.affinity import local_affinities_to, local_affinity
from eigenlab.graphs.embedding import Embedding


def blobs(n: int = 90, k: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Blobs on a circle, each of spread 0.4 and 6 from the next."""
    radius = 3 / np.sin(np.pi / k)
    angle = 2 * np.pi * np.arange(k) / k
    centers = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return make_blobs(n, centers=centers, cluster_std=0.4, random_state=seed)


def assert_finds(truth: np.ndarray, labels: np.ndarray) -> None:
    assert adjusted_rand_score(truth, labels) == 1


@pytest.mark.parametrize(
    "model", [SpectralClustering(2), SpectralClustering("auto", gamma="scale")]
)
def test_scikit_learns_checks_pass(model):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # points of these checks often have no clusters
        results = check_estimator(model, on_fail=None, on_skip=None)
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not failed
    assert len(results) > 30


@pytest.mark.parametrize("method", ["kmeans", "cluster_qr", "discretize"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, sparse.coo_matrix])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precomputed_affinities_dense_and_sparse(method, form, dtype):
    X, truth = blobs()
    A = rbf_affinity(X, 1.0)
    A[A < 1e-8] = 0
    model = SpectralClustering(3, affinity="precomputed", assign_labels=method, random_state=0).fit(
        form(A.astype(dtype))
    )
    assert_finds(truth, model.labels_)
    assert model.labels_.dtype == np.int64
    assert model.representation_ == "precomputed"


@pytest.mark.parametrize("method", ["kmeans", "cluster_qr", "discretize"])
@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
@pytest.mark.parametrize(
    "affinity",
    ["rbf", "nearest_neighbors", "laplacian", lambda x, y: float(np.exp(-((x - y) ** 2).sum()))],
    ids=["rbf", "nearest_neighbors", "laplacian", "callable"],
)
def test_every_affinity_and_assignment_finds_separate_blobs(affinity, normalization, method):
    X, truth = blobs(60)
    model = SpectralClustering(
        3,
        affinity=affinity,
        normalization=normalization,
        n_neighbors=20,
        assign_labels=method,
        random_state=0,
    ).fit(X)
    assert_finds(truth, model.labels_)
    assert model.embedding_.shape == (60, 3)
    assert_finds(model.labels_, model.predict(X))


def test_precomputed_neighbors_of_distances():
    X, truth = blobs()
    distances = kneighbors_graph(X, 12, mode="distance")
    model = SpectralClustering(
        3, affinity="precomputed_nearest_neighbors", n_neighbors=10, random_state=0
    )
    assert_finds(truth, model.fit_predict(distances))


@pytest.mark.parametrize("representation", ["dense", "tiled", "fourier"])
def test_every_representation_gives_the_same_labels(representation):
    X, _ = stretched_blobs(400)
    expected = SpectralClustering(3, gamma=3.0, random_state=0, representation="dense").fit(X)
    found = SpectralClustering(3, gamma=3.0, random_state=0, representation=representation).fit(X)
    assert found.representation_ == representation
    assert_finds(expected.labels_, found.labels_)
    np.testing.assert_allclose(found.singular_values_, expected.singular_values_, atol=1e-6)


@pytest.mark.parametrize("representation", ["dense", "tiled", "fourier"])
def test_a_few_columns_of_sparse_points_are_treated_like_dense_ones(representation):
    X, _ = stretched_blobs(200)
    arguments = {"gamma": "scale", "representation": representation, "random_state": 0}
    expected = SpectralClustering(3, **arguments).fit(X)
    found = SpectralClustering(3, **arguments).fit(sparse.csr_array(X))
    assert (found.representation_, found.gamma_) == (representation, expected.gamma_)
    np.testing.assert_array_equal(found.labels_, expected.labels_)
    np.testing.assert_array_equal(found.predict(sparse.csr_array(X)), found.labels_)


def test_many_columns_of_sparse_points_are_not_filled_in():
    X = sparse.hstack([sparse.csr_array(blobs()[0]), sparse.csr_array((90, 10**9))], format="csr")
    model = SpectralClustering(3, gamma=0.5, random_state=0).fit(X)
    assert_finds(blobs()[1], model.labels_)
    np.testing.assert_array_equal(model.predict(X), model.labels_)


@pytest.mark.parametrize(
    ("normalization", "ari"), [("stochastic", 0.9925), ("symmetric", 0.5488), ("rows", 0.9895)]
)
def test_the_courses_blobs_get_the_documented_scores(normalization, ari):
    X, truth = stretched_blobs(2000)
    model = SpectralClustering(
        3, gamma=7.5, normalization=normalization, min_cluster_size=1, random_state=0
    ).fit(X)
    assert adjusted_rand_score(truth, model.labels_) == pytest.approx(ari, abs=2e-3)
    assert model.residuals_.max() <= 1e-6


@pytest.mark.parametrize("representation", ["dense", "tiled", "fourier"])
def test_eigen_tol_bounds_the_residuals_of_the_eigenproblem(representation):
    X, _ = stretched_blobs(400)
    model = SpectralClustering(
        10, gamma=0.3, eigen_tol=1e-4, representation=representation, random_state=0, n_init=1
    ).fit(X)
    values = model.singular_values_
    assert model.certified_
    assert values[-1] < 0.2
    assert (model.residuals_ * values).max() <= 1e-4 * values[0] ** 2


@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
def test_an_outlier_is_no_cluster_unless_asked_for(normalization):
    X, truth = stretched_blobs(500)
    arguments = {"gamma": 7.5, "normalization": normalization, "random_state": 0}
    model = SpectralClustering(3, **arguments).fit(X)
    assert adjusted_rand_score(truth, model.labels_) > 0.98
    assert model.n_skipped_vectors_ == 1
    plain = SpectralClustering(3, min_cluster_size=1, **arguments).fit(X)
    assert np.bincount(plain.labels_).min() == 1
    assert plain.n_skipped_vectors_ == 0
    assert plain.singular_values_[2] > model.singular_values_[2]


def test_eigen_tol_may_be_auto_as_in_scikit_learn():
    X, _ = stretched_blobs(400)
    automatic, given = (
        SpectralClustering(3, gamma=7.5, eigen_tol=tol, random_state=0).fit(X)
        for tol in ("auto", 1e-6)
    )
    np.testing.assert_array_equal(automatic.embedding_, given.embedding_)


@pytest.mark.parametrize("distance", [3.0, 12.6, 40.0])
@pytest.mark.parametrize("representation", ["dense", "tiled", "fourier"])
@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
def test_an_outlier_changes_no_clusters(normalization, representation, distance):
    """At 12.6 its affinities are beyond float64, at 3 they are below the solver's tolerance."""
    X, truth = stretched_blobs(1000)
    settings = {"gamma": 7.5, "normalization": normalization, "representation": representation}
    model = SpectralClustering(3, random_state=0, **settings)
    without = model.fit(X).labels_
    X = np.vstack([X, X.max(axis=0) + distance])
    model.fit(X)
    assert adjusted_rand_score(without, model.labels_[:-1]) == 1
    assert adjusted_rand_score(truth, model.labels_[:-1]) > 0.97
    nearest = np.linalg.norm(X[:-1] - X[-1], axis=1).argmin()
    assert model.labels_[-1] == model.labels_[nearest]
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert np.isfinite(model.embedding_).all()
    assert model.n_connected_components_ == 1


def test_an_outlier_does_not_prevent_fourier_modes_for_many_points():
    """At 1e6 its box would take 10^14 modes, and tiles n^2 kernel values a product."""
    X, truth = stretched_blobs(9000)
    X = np.vstack([X[:100], [1e6, 0], X[100:]])
    model = SpectralClustering(3, gamma=7.5, random_state=0).fit(X)
    assert model.representation_ == "fourier"
    assert adjusted_rand_score(truth, np.delete(model.labels_, 100)) > 0.98
    assert model.n_skipped_vectors_ >= 1
    np.testing.assert_array_equal(model.predict(X[90:110]), model.labels_[90:110])


def test_points_that_are_all_isolated_are_kept():
    X = 100.0 * np.arange(6.0)[:, None]
    model = SpectralClustering(6, random_state=0).fit(X)
    assert sorted(model.labels_) == list(range(6))
    assert model.n_skipped_vectors_ == 0


@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
def test_an_isolated_node_is_a_cluster(normalization):
    A = np.zeros((9, 9))
    A[:4, :4] = A[4:8, 4:8] = A[8, 8] = 1
    model = SpectralClustering(
        3, affinity="precomputed", normalization=normalization, random_state=0
    ).fit(A)
    assert sorted(np.bincount(model.labels_)) == [1, 4, 4]


def test_leading_vectors_by_participation_ratio():
    vectors = np.array([[1, 0, 0], [0, 0.6, 0.8], [0, 0.8, -0.6]])
    found = Embedding(vectors, np.array([1, 0.9, 0.8]), np.arange(3.0), 0.1, True, 0, None)
    np.testing.assert_allclose(found.participation, [1, 1 / 0.5392, 1 / 0.5392])
    two = found.leading(2, min_participation=2)
    assert two.singular_values.tolist() == [0.9, 0.8]
    assert two.skipped_values.tolist() == [1.0]
    assert two.next_singular_value == 0.1
    assert found.leading(1).next_singular_value == 0.9
    filled = found.leading(3, min_participation=2)
    assert filled.singular_values.tolist() == [1, 0.9, 0.8]
    assert not filled.skipped_values.size


@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
def test_labels_and_spectrum_are_those_of_the_dense_svd(normalization):
    X, _ = stretched_blobs(400)
    M = symmetric_normalize(rbf_affinity(X, 3.0))
    if normalization == "stochastic":
        M = stochastic_normalize(M)
    values, vectors = top_singular_vectors(M, 4)
    V = row_normalize(vectors[:, :3]) if normalization == "rows" else vectors[:, :3]
    expected = KMeans(3, n_init=10, random_state=0).fit_predict(V)
    model = SpectralClustering(3, gamma=3.0, normalization=normalization, random_state=0).fit(X)
    np.testing.assert_allclose(model.singular_values_, values[:3], atol=1e-9)
    assert adjusted_rand_score(expected, model.labels_) > 0.99


@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
def test_new_points_fall_into_the_clusters_of_a_joint_fit(normalization):
    X, _ = two_circles(500)
    arguments = {"gamma": 30.0, "normalization": normalization, "random_state": 0}
    joint = SpectralClustering(2, **arguments).fit(X)
    model = SpectralClustering(2, **arguments).fit(X[:400])
    assert_finds(model.labels_, model.predict(X[:400]))
    np.testing.assert_array_equal(model.labels_, model.predict(X[:400]))
    agreement = adjusted_rand_score(joint.labels_[400:], model.predict(X[400:]))
    assert agreement > 0.97
    blocks = [model.predict(X[first : first + 7]) for first in range(0, 500, 7)]
    np.testing.assert_array_equal(np.concatenate(blocks), model.predict(X))


def test_a_point_far_from_all_takes_the_cluster_of_the_nearest():
    X, _ = blobs()
    model = SpectralClustering(3, random_state=0).fit(X)
    far = 1e3 * X[:5]
    nearest = ((far[:, None] - X) ** 2).sum(-1).argmin(axis=1)
    np.testing.assert_array_equal(model.predict(far), model.labels_[nearest])


def test_a_row_of_a_precomputed_affinity_without_edges_is_refused():
    X, _ = blobs()
    A = rbf_affinity(X, 1.0)
    model = SpectralClustering(3, affinity="precomputed", random_state=0).fit(A)
    np.testing.assert_array_equal(model.predict(A), model.labels_)
    with pytest.raises(ValueError, match="row 1 of X has no affinity"):
        model.predict(np.stack([A[0], np.zeros(90)]))


@pytest.mark.parametrize("representation", ["dense", "tiled", "fourier"])
def test_pickles_and_seeds(representation):
    X, _ = stretched_blobs(200)
    model = SpectralClustering(3, random_state=1, representation=representation).fit(X)
    again = clone(model).fit(X)
    np.testing.assert_array_equal(model.labels_, again.labels_)
    np.testing.assert_array_equal(model.embedding_, again.embedding_)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))


def test_fewer_and_more_components_than_clusters():
    X, truth = blobs()
    for n_components in (2, 5):
        model = SpectralClustering(3, n_components=n_components, random_state=0).fit(X)
        assert model.embedding_.shape == (90, n_components)
    assert_finds(truth, model.labels_)


@pytest.mark.parametrize("k", [2, 3, 4, 5, 6])
def test_auto_finds_the_number_of_separate_blobs(k):
    X, truth = blobs(40 * k, k)
    model = SpectralClustering("auto", random_state=0, gamma=0.5).fit(X)
    assert model.n_clusters_ == k
    assert_finds(truth, model.labels_)
    assert model.selection_.n_clusters == k
    assert max(model.selection_.scores, key=model.selection_.scores.get) == k
    assert model.gamma_ == 0.5
    assert not hasattr(model.set_params(n_clusters=2).fit(X), "selection_")


@pytest.mark.parametrize("gamma", [100.0, 5.0, "auto", "local"])
def test_auto_is_one_cluster_and_warns_if_nothing_is_clear(gamma):
    X = np.random.default_rng(0).uniform(size=(200, 2))
    with pytest.warns(UnclearClustersWarning, match="no number of clusters is clear"):
        model = SpectralClustering("auto", gamma=gamma, random_state=0).fit(X)
    assert (model.n_clusters_, model.selection_.clear) == (1, False)
    assert not model.labels_.any()


@pytest.mark.parametrize("n", [3000, 9000])
def test_auto_of_many_points_uses_the_gaussian_of_the_chosen_width(n):
    X, truth = stretched_blobs(n, noise_scale=0.5)
    model = SpectralClustering("auto", random_state=0).fit(X)
    assert (model.n_clusters_, model.gamma_) == (3, model.selection_.gamma)
    assert adjusted_rand_score(truth, model.labels_) > 0.97
    assert model.representation_ == ("dense" if n == 3000 else "fourier")


@pytest.mark.parametrize("n_components", [2, 20])
def test_auto_gives_as_many_components_as_asked_for(n_components):
    X, _ = blobs(90)
    model = SpectralClustering("auto", n_components=n_components, gamma=0.5, random_state=0).fit(X)
    assert (model.n_clusters_, len(model.selection_.scores)) == (3, 11)
    assert model.embedding_.shape == (90, n_components)


@pytest.mark.parametrize("affinity", ["precomputed", "precomputed_nearest_neighbors"])
def test_auto_of_a_precomputed_graph(affinity):
    X, truth = blobs()
    distances = kneighbors_graph(X, 12, mode="distance")
    given = rbf_affinity(X, 0.5) if affinity == "precomputed" else distances
    model = SpectralClustering("auto", affinity=affinity, n_neighbors=10, random_state=0).fit(given)
    assert_finds(truth, model.labels_)


def test_a_pipeline_and_a_gamma_from_the_data():
    X, truth = blobs()
    model = make_pipeline(StandardScaler(), SpectralClustering(3, gamma="scale", random_state=0))
    assert model.fit(X)[-1].gamma_ == pytest.approx(0.5)  # 1 / (2 columns of unit variance)
    assert model.fit_predict(X).shape == truth.shape


@pytest.mark.parametrize("shift", [[0.0, 0.0], [0.0, 1e3], [1e8, -1e8]])
def test_gamma_scale_is_one_over_the_total_variance_wherever_the_points_lie(shift):
    X = np.random.default_rng(0).integers(-9, 9, size=(40, 2)) + np.array(shift)
    assert SpectralClustering(2, gamma="scale").fit(X).gamma_ == pytest.approx(
        1 / X.var(axis=0).sum(), rel=1e-12
    )


def test_gamma_scale_of_float32_and_of_sparse_points():
    X = np.random.default_rng(0).integers(0, 9, size=(40, 2)) + 30_000.0
    expected = 1 / X.var(axis=0).sum()
    single = SpectralClustering(2, gamma="scale").fit(X.astype(np.float32))
    assert single.gamma_ == pytest.approx(expected, rel=1e-12)
    wide = sparse.hstack([sparse.csr_array(X), sparse.csr_array((40, 100))], format="csr")
    found = SpectralClustering(2, gamma="scale").fit(wide).affinity_matrix_
    np.testing.assert_allclose(found, rbf_affinity(X, expected), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_clusters": 0}, "n_clusters=0"),
        ({"n_clusters": 2.5}, "n_clusters=2.5"),
        ({"n_clusters": "some"}, "n_clusters='some'"),
        ({"normalization": "none"}, "normalization='none'"),
        ({"n_components": 0}, "n_components=0"),
        ({"n_components": 2.5}, "n_components=2.5"),
        ({"n_components": "2"}, "n_components='2'"),
        ({"n_components": True}, "n_components=True"),
        ({"eigen_tol": "none"}, "eigen_tol='none'; expected a number"),
        ({"eigen_tol": np.nan}, "eigen_tol=nan"),
        ({"gamma": None}, "gamma=None"),
        ({"gamma": [1.0]}, r"gamma=\[1.0\]"),
        ({"gamma": "local", "affinity": "laplacian"}, "gamma='local' has no meaning"),
        ({"affinity": ["rbf"]}, r"affinity=\['rbf'\]"),
        ({"min_cluster_size": 0}, "min_cluster_size=0"),
        ({"min_cluster_size": 2.5}, "min_cluster_size=2.5"),
        ({"affinity": "nearest_neighbors", "n_neighbors": 0}, "n_neighbors=0"),
        ({"affinity": "nearest_neighbors", "n_neighbors": True}, "n_neighbors=True"),
        ({"representation": "tiled", "device": "toaster"}, "device='toaster'"),
        ({"representation": "tiled", "device": "cuda:99"}, "device='cuda:99' is not present"),
        ({"gamma": -1.0}, "gamma=-1"),
        ({"gamma": "wide"}, "gamma='wide'"),
        ({"affinity": "near"}, "affinity='near'"),
        ({"representation": "thin"}, "representation='thin'"),
        ({"assign_labels": "dice"}, "assign_labels='dice'"),
        ({"affinity": "precomputed"}, "square"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        SpectralClustering(**({"n_clusters": 2} | arguments)).fit(blobs()[0])


@pytest.mark.parametrize("shift", [0.0, 1e8])
@pytest.mark.parametrize("gamma", [2.0, "local"])
@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
def test_the_extension_gives_back_the_rows_of_the_nodes(normalization, gamma, shift):
    """For an eigenvector u = O u / lambda holds at each node."""
    X, _ = stretched_blobs(150)
    X = np.concatenate([X, X[:20]]) + shift
    model = SpectralClustering(
        3, gamma=gamma, normalization=normalization, eigen_tol=1e-10, random_state=0
    ).fit(X)
    rows, isolated = model._predictor.extension.embed(model._predictor.source.to(X))
    assert not isolated.any()
    np.testing.assert_allclose(rows, model.embedding_, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_a_new_point_has_the_width_of_its_seventh_neighbor():
    nodes, new = np.arange(10.0)[:, None], np.array([[2.25], [4.0]])
    _, widths = local_affinity(nodes)
    found = local_affinities_to(nodes, widths, new)
    assert widths.tolist() == [7, 6, 5, 4, 4, 4, 4, 5, 6, 7]
    expected = np.exp(-((nodes.T - new) ** 2) / np.outer([3.75, 4.0], widths))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])
def test_vectors_of_vanishing_singular_values_are_not_extended(normalization):
    X = np.ones((24, 2))
    model = SpectralClustering(24, normalization=normalization, random_state=0)
    with pytest.warns(FewerClustersWarning):
        model.fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows, _ = model._predictor.extension.embed(model._predictor.source.to(X))
        assert len(set(model.predict(X))) == 1
    assert (rows[:, 0] > 0).all()
    assert not rows[:, 1:].any()


def test_many_clusters_of_new_points_need_little_memory():
    X = np.arange(300.0)[:, None]
    model = SpectralClustering(300, random_state=0, n_init=1).fit(X)
    tracemalloc.start()
    model.predict(np.tile(X, (10, 1)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10 * 3000 * 300 * 8  # a few arrays of new points by nodes
