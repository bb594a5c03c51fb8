"""Bad input and hard cases: a defined result, or one clear error or warning."""

import re
import warnings

import numpy as np
import pytest
from scipy import sparse

from eigenlab.graphs import DisconnectedGraphWarning, FewerClustersWarning, SpectralClustering
from eigenlab.spectrum import EigenpairsWarning

OURS = (DisconnectedGraphWarning, FewerClustersWarning, EigenpairsWarning)
WAYS = {
    "dense": {"affinity_kind": "dense"},
    "fourier": {"affinity_kind": "fourier"},
    "tiled": {"affinity_kind": "tiled"},
    "neighbors": {"affinity": "nearest_neighbors", "n_neighbors": 5},
    "local": {"gamma": "local"},
}
way = pytest.mark.parametrize("way", WAYS)
normalization = pytest.mark.parametrize("normalization", ["stochastic", "symmetric", "rows"])


def points(n: int = 30) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 2))


def fit(X, k=3, **arguments):
    """The fitted model and the classes of its warnings, all of which are ours and come once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SpectralClustering(k, random_state=0, **arguments).fit(X)
    classes = [warning.category for warning in caught]
    assert set(classes) <= set(OURS), [str(warning.message) for warning in caught]
    assert len(classes) == len(set(classes))
    assert model.labels_.dtype == np.int64
    assert model.labels_.min() >= 0
    assert np.isfinite(model.embedding_).all()
    if len(np.unique(model.labels_)) < k:
        assert FewerClustersWarning in classes
    return model, classes


@way
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(way, bad):
    X = points()
    X[3, 1] = bad
    with pytest.raises(ValueError, match=r"NaN|infinity"):
        fit(X, **WAYS[way])


@way
@normalization
def test_a_constant_column_changes_nothing(way, normalization):
    X = points()
    wide = np.column_stack([X, np.full(30, 7.0)])
    with_it, _ = fit(wide, normalization=normalization, **WAYS[way])
    without, _ = fit(X, normalization=normalization, **WAYS[way])
    np.testing.assert_allclose(
        with_it.singular_values_, without.singular_values_, atol=1e-6, rtol=1e-6
    )


@way
@normalization
def test_points_all_equal_are_labelled(way, normalization):
    arguments = WAYS[way] | {"normalization": normalization}
    model, classes = fit(np.ones((20, 2)), **arguments)
    assert len(model.labels_) == 20
    if way != "neighbors":  # a choice of neighbours among equals makes a graph like any other
        assert FewerClustersWarning in classes


@way
def test_three_clusters_of_two_places_are_said_to_be_arbitrary(way):
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 20, axis=0)
    _, classes = fit(X, 3, **WAYS[way])
    if way != "neighbors":
        assert FewerClustersWarning in classes
    _, classes = fit(X, 2, **WAYS[way])
    assert FewerClustersWarning not in classes


@way
def test_fewer_points_than_clusters_are_refused(way):
    with pytest.raises(ValueError, match="n_clusters=5 is more than n_samples=4"):
        fit(points(4), 5, **WAYS[way])


@way
@normalization
def test_one_cluster_and_as_many_as_points(way, normalization):
    arguments = WAYS[way] | {"normalization": normalization}
    one, _ = fit(points(12), 1, **arguments)
    assert not one.labels_.any()
    fit(points(12), 12, **arguments)


@way
@normalization
@pytest.mark.parametrize("gamma", [1e-30, 1e30])
def test_gamma_from_all_alike_to_all_alone(way, normalization, gamma):
    if way in {"neighbors", "local"}:
        pytest.skip("gamma has no say here")
    if way == "fourier" and gamma > 1:
        with pytest.raises(ValueError, match="too many widths"):
            fit(points(), gamma=gamma, **WAYS[way])
        return
    fit(points(), gamma=gamma, normalization=normalization, **WAYS[way])


@way
@pytest.mark.parametrize("gamma", [1.0, "scale"])
def test_points_whose_squared_distances_overflow_are_refused(way, gamma):
    with pytest.raises(
        ValueError, match=r"X has columns that spread over up to .*e\+160, .*overflow"
    ):
        fit(1e160 * points(), **({"gamma": gamma} | WAYS[way]))


@way
@pytest.mark.parametrize("gamma", [1e-320, 1e308])
def test_gamma_that_overflows_is_refused(way, gamma):
    if way in {"neighbors", "local"}:
        pytest.skip("gamma has no say here")
    with pytest.raises(ValueError, match=re.escape(f"gamma={gamma:g} overflows")):
        fit(points(), gamma=gamma, **WAYS[way])


@normalization
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_components_are_the_clusters_where_there_are_as_many(normalization, form):
    truth = np.repeat([0, 1, 2], 6)
    A = (truth[:, None] == truth).astype(float)
    model, classes = fit(form(A), affinity="precomputed", normalization=normalization)
    assert classes == []
    assert model.connected_components_ == 3
    assert [len(set(model.labels_[truth == c])) for c in range(3)] == [1, 1, 1]
    assert len(set(model.labels_)) == 3


@normalization
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_more_components_than_clusters_are_named(normalization, form):
    truth = np.repeat(np.arange(5), 4)
    A = (truth[:, None] == truth).astype(float)
    model, classes = fit(form(A), 2, affinity="precomputed", normalization=normalization)
    assert DisconnectedGraphWarning in classes
    assert model.connected_components_ == 5


@normalization
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_isolated_points_are_components(normalization, form):
    A = np.zeros((8, 8))
    A[:4, :4] = A[4:7, 4:7] = 1
    model, classes = fit(form(A), 3, affinity="precomputed", normalization=normalization)
    assert classes == []
    assert model.connected_components_ == 3
    assert len(set(model.labels_)) == 3
    assert (model.labels_ == model.labels_[7]).sum() == 1


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(
    ("change", "words"),
    [((0, 1, 5.0), "symmetric"), ((2, 2, -1.0), "negative")],
)
def test_what_is_no_affinity_is_refused(form, change, words):
    A = np.ones((4, 4))
    A[change[0], change[1]] = change[2]
    with pytest.raises(ValueError, match=words):
        fit(form(A), 2, affinity="precomputed")


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("dtype", "rounding"), [(np.float32, 1e-5), (np.float64, 1e-11)])
def test_rounding_of_an_affinity_is_forgiven_and_no_more(form, dtype, rounding):
    A = 7 * np.exp(-((points(9)[:, None] - points(9)) ** 2).sum(-1))
    A[0, 1] = A[1, 0] = 0
    for change in ((0, 1, -rounding), (2, 3, A[2, 3] + rounding)):
        near, far = A.copy(), A.copy()
        near[change[:2]] = change[2]
        model, _ = fit(form(near.astype(dtype)), 2, affinity="precomputed")
        found = model.affinity_matrix_
        assert abs(found - found.T).max() == 0
        assert found.min() == 0
        far[change[:2]] += 100 * (change[2] - A[change[:2]])
        with pytest.raises(ValueError, match=r"negative|symmetric"):
            fit(form(far.astype(dtype)), 2, affinity="precomputed")


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_precomputed_affinity_must_be_square(form):
    with pytest.raises(ValueError, match="square"):
        fit(form(np.ones((4, 3))), 2, affinity="precomputed")


@normalization
def test_many_points_all_equal_or_useless_gamma_and_no_way_chosen(normalization):
    """Above 1500 points the graph is not simply stored."""
    fit(np.ones((1600, 2)), normalization=normalization, n_init=1)
    model, classes = fit(points(1600), gamma=1e30, normalization=normalization, n_init=1)
    assert model.affinity_kind_ == "dense"
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
def test_a_graph_without_edges_is_all_alone(normalization, method, form):
    arguments = {"affinity": "precomputed", "normalization": normalization, "assign_labels": method}
    model, classes = fit(form(np.zeros((6, 6))), 2, **arguments)
    assert model.connected_components_ == 6
    assert DisconnectedGraphWarning in classes


@pytest.mark.parametrize("method", ["cluster_qr", "discretize"])
@way
def test_points_all_equal_under_the_other_assignments(way, method):
    fit(np.ones((20, 2)), assign_labels=method, **WAYS[way])


@way
def test_auto_of_points_all_equal_is_one_cluster(way):
    model, _ = fit(np.ones((20, 2)), 1, **(WAYS[way] | {"n_init": 1}))
    assert set(model.labels_) == {0}
    auto = SpectralClustering("auto", random_state=0, **WAYS[way]).fit(np.ones((20, 2)))
    if way != "neighbors":  # copies of one point have arbitrary neighbours
        assert auto.n_clusters_ == 1
