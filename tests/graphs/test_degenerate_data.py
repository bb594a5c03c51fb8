"""Bad input and degenerate data: a defined result, or one clear error or warning."""

import re
import warnings

import numpy as np
import pytest
from scipy import sparse

from eigenlab.graphs import DisconnectedGraphWarning, FewerClustersWarning, SpectralClustering
from eigenlab.spectrum import EigenpairsWarning

WARNINGS = (DisconnectedGraphWarning, FewerClustersWarning, EigenpairsWarning)
GRAPHS = {
    "dense": {"representation": "dense"},
    "fourier": {"representation": "fourier"},
    "tiled": {"representation": "tiled"},
    "neighbors": {"affinity": "nearest_neighbors", "n_neighbors": 5},
    "local": {"gamma": "local"},
}
each_graph = pytest.mark.parametrize("graph", GRAPHS)
normalization = pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])


def points(n: int = 30) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 2))


def fit(X, k=3, **arguments):
    """The fitted model and the classes of its warnings, each of which occurs once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SpectralClustering(k, random_state=0, **arguments).fit(X)
    classes = [warning.category for warning in caught]
    assert set(classes) <= set(WARNINGS), [str(warning.message) for warning in caught]
    assert len(classes) == len(set(classes))
    assert model.labels_.dtype == np.int64
    assert model.labels_.min() >= 0
    assert np.isfinite(model.embedding_).all()
    if len(np.unique(model.labels_)) < k:
        assert FewerClustersWarning in classes
    return model, classes


@each_graph
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_data_that_is_not_finite_is_refused(graph, bad):
    X = points()
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fit(X, **GRAPHS[graph])


@each_graph
@normalization
def test_a_constant_column_changes_nothing(graph, normalization):
    X = points()
    wide = np.column_stack([X, np.full(30, 7.0)])
    with_it, _ = fit(wide, normalization=normalization, **GRAPHS[graph])
    without, _ = fit(X, normalization=normalization, **GRAPHS[graph])
    np.testing.assert_allclose(
        with_it.singular_values_, without.singular_values_, atol=1e-6, rtol=1e-6
    )


@each_graph
@normalization
def test_points_all_equal_are_labelled(graph, normalization):
    arguments = GRAPHS[graph] | {"normalization": normalization}
    model, classes = fit(np.ones((20, 2)), **arguments)
    assert len(model.labels_) == 20
    if graph != "neighbors":  # which of equal points are neighbours is arbitrary
        assert FewerClustersWarning in classes


@each_graph
def test_three_clusters_of_two_distinct_points_are_warned_of(graph):
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 20, axis=0)
    _, classes = fit(X, 3, **GRAPHS[graph])
    if graph != "neighbors":
        assert FewerClustersWarning in classes
    _, classes = fit(X, 2, **GRAPHS[graph])
    assert FewerClustersWarning not in classes


@each_graph
def test_fewer_points_than_clusters_are_refused(graph):
    with pytest.raises(ValueError, match="n_clusters=5 is more than n_samples=4"):
        fit(points(4), 5, **GRAPHS[graph])


@each_graph
@normalization
def test_one_cluster_and_as_many_as_points(graph, normalization):
    arguments = GRAPHS[graph] | {"normalization": normalization}
    one, _ = fit(points(12), 1, **arguments)
    assert not one.labels_.any()
    fit(points(12), 12, **arguments)


@each_graph
@normalization
@pytest.mark.parametrize("gamma", [1e-30, 1e30])
def test_gamma_from_all_alike_to_all_isolated(graph, normalization, gamma):
    if graph in {"neighbors", "local"}:
        pytest.skip("gamma is ignored here")
    if graph == "fourier" and gamma > 1:
        with pytest.raises(ValueError, match="too many widths"):
            fit(points(), gamma=gamma, **GRAPHS[graph])
        return
    fit(points(), gamma=gamma, normalization=normalization, **GRAPHS[graph])


@each_graph
@pytest.mark.parametrize("gamma", [1.0, "scale"])
def test_points_whose_squared_distances_overflow_are_refused(graph, gamma):
    with pytest.raises(
        ValueError, match=r"X has columns that spread over up to .*e\+160, .*overflow"
    ):
        fit(1e160 * points(), **({"gamma": gamma} | GRAPHS[graph]))


@each_graph
@pytest.mark.parametrize("gamma", [1e-320, 1e308])
def test_gamma_that_overflows_is_refused(graph, gamma):
    if graph in {"neighbors", "local"}:
        pytest.skip("gamma is ignored here")
    with pytest.raises(ValueError, match=re.escape(f"gamma={gamma:g} overflows")):
        fit(points(), gamma=gamma, **GRAPHS[graph])


@normalization
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_components_are_the_clusters_where_there_are_as_many(normalization, form):
    truth = np.repeat([0, 1, 2], 6)
    A = (truth[:, None] == truth).astype(float)
    model, classes = fit(form(A), affinity="precomputed", normalization=normalization)
    assert classes == []
    assert model.n_connected_components_ == 3
    assert [len(set(model.labels_[truth == c])) for c in range(3)] == [1, 1, 1]
    assert len(set(model.labels_)) == 3


@normalization
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_more_components_than_clusters_are_warned_of(normalization, form):
    truth = np.repeat(np.arange(5), 4)
    A = (truth[:, None] == truth).astype(float)
    model, classes = fit(form(A), 2, affinity="precomputed", normalization=normalization)
    assert DisconnectedGraphWarning in classes
    assert model.n_connected_components_ == 5


@normalization
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_isolated_points_are_components(normalization, form):
    A = np.zeros((8, 8))
    A[:4, :4] = A[4:7, 4:7] = 1
    model, classes = fit(form(A), 3, affinity="precomputed", normalization=normalization)
    assert classes == []
    assert model.n_connected_components_ == 3
    assert len(set(model.labels_)) == 3
    assert (model.labels_ == model.labels_[7]).sum() == 1


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    ("change", "words"),
    [((0, 1, 5.0), "symmetric"), ((2, 2, -1.0), "negative")],
)
def test_an_invalid_affinity_is_refused(form, change, words):
    A = np.ones((4, 4))
    A[change[0], change[1]] = change[2]
    with pytest.raises(ValueError, match=words):
        fit(form(A), 2, affinity="precomputed")


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float32, 1e-5), (np.float64, 1e-9)])
def test_an_affinity_may_be_inexact_by_rounding_and_no_more(form, dtype, rounding):
    A = 7 * np.exp(-((points(9)[:, None] - points(9)) ** 2).sum(-1))
    A[0, 1] = A[1, 0] = 0
    for change in ((0, 1, -rounding), (2, 3, A[2, 3] + rounding)):
        inexact, wrong = A.copy(), A.copy()
        inexact[change[:2]] = change[2]
        model, _ = fit(form(inexact.astype(dtype)), 2, affinity="precomputed")
        found = model.affinity_matrix_
        assert abs(found - found.T).max() == 0
        assert found.min() == 0
        wrong[change[:2]] += 100 * (change[2] - A[change[:2]])
        with pytest.raises(ValueError, match=r"negative|symmetric"):
            fit(form(wrong.astype(dtype)), 2, affinity="precomputed")


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_precomputed_affinity_must_be_square(form):
    with pytest.raises(ValueError, match="square"):
        fit(form(np.ones((4, 3))), 2, affinity="precomputed")


@normalization
def test_many_points_all_equal_or_all_isolated_without_a_given_representation(normalization):
    """The representation is chosen."""
    fit(np.ones((1600, 2)), normalization=normalization, n_init=1)
    model, classes = fit(points(1600), gamma=1e30, normalization=normalization, n_init=1)
    assert model.representation_ == "dense"
    assert DisconnectedGraphWarning in classes


@normalization
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("k", [1, 6])
def test_one_and_all_clusters_of_a_precomputed_affinity(normalization, form, k):
    A = np.exp(-((points(6)[:, None] - points(6)) ** 2).sum(-1))
    model, _ = fit(form(A), k, affinity="precomputed", normalization=normalization)
    assert len(set(model.labels_)) == k


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_precomputed_affinity_must_be_finite(form, bad):
    A = np.ones((5, 5))
    A[1, 2] = A[2, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fit(form(A), 2, affinity="precomputed")


@normalization
@pytest.mark.parametrize("method", ["kmeans", "cluster_qr", "discretize"])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_graph_without_edges_has_as_many_components_as_nodes(normalization, method, form):
    arguments = {"affinity": "precomputed", "normalization": normalization, "assign_labels": method}
    model, classes = fit(form(np.zeros((6, 6))), 2, **arguments)
    assert model.n_connected_components_ == 6
    assert DisconnectedGraphWarning in classes


@pytest.mark.parametrize("method", ["cluster_qr", "discretize"])
@each_graph
def test_points_all_equal_under_the_other_assignments(graph, method):
    fit(np.ones((20, 2)), assign_labels=method, **GRAPHS[graph])


@each_graph
def test_auto_of_points_all_equal_is_one_cluster(graph):
    model, _ = fit(np.ones((20, 2)), 1, **(GRAPHS[graph] | {"n_init": 1}))
    assert set(model.labels_) == {0}
    auto = SpectralClustering("auto", random_state=0, **GRAPHS[graph]).fit(np.ones((20, 2)))
    if graph != "neighbors":  # which of equal points are neighbours is arbitrary
        assert auto.n_clusters_ == 1
