"""Sources of affinities: one rule for the training points and for new points."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.neighbors import kneighbors_graph

from eigenlab.errors import InputError
from eigenlab.graphs import SpectralClustering, rbf_affinity, stretched_blobs
from eigenlab.graphs.connectivity import connected_components
from eigenlab.graphs.gaussian_graph import gaussian_graph
from eigenlab.graphs.isolated import leave_out_isolated
from eigenlab.graphs.sources.choice import affinity_source
from eigenlab.graphs.sources.gaussian import GaussianAffinities

X = stretched_blobs(60)[0]
SOURCES = {
    "rbf": {},
    "local": {"gamma": "local"},
    "laplacian": {"affinity": "laplacian", "gamma": "scale"},
    "callable": {"affinity": lambda x, y: float(np.exp(-abs(x - y).sum()))},
}


def source(X=X, **parameters):
    return affinity_source(SpectralClustering(**parameters).get_params(deep=False), X)


def products(graph):
    return graph.matmat(np.eye(graph.n_nodes))


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_a_new_point_on_a_training_point_has_its_affinities(name, form):
    if name == "callable" and form is sparse.csr_array:
        pytest.skip("a callable takes two rows of an array")
    found = source(form(X), **SOURCES[name])
    A = products(found.graph(form(X)))
    np.testing.assert_allclose(found.to(form(X[:9])), A[:9], atol=1e-12)
    np.testing.assert_array_equal(found.nearest(form(X + 1e-6), np.array([3, 5])), [3, 5])


def test_neighbors_of_a_new_point_are_the_nearest_training_points():
    found = source(affinity="nearest_neighbors", n_neighbors=4)
    graph = found.graph(X)
    assert graph.representation == "nearest_neighbors"
    assert found.attributes == {"recall_": 1.0}
    links = found.to(X[:9]).toarray()
    distances = np.linalg.norm(X[:9, None] - X, axis=-1)
    nearest = np.argsort(distances, axis=1)[:, :4]
    assert (np.sort(nearest, axis=1) == np.nonzero(links)[1].reshape(9, 4)).all()
    assert set(links.ravel()) == {0.0, 1.0}


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_precomputed_affinities_are_taken_as_they_are(form):
    A = rbf_affinity(X, 1.0)
    A = (A + A.T) / 2
    found = source(form(A), affinity="precomputed")
    np.testing.assert_array_equal(products(found.graph(form(A))), A)
    np.testing.assert_array_equal(found.to(A[:3]), A[:3])
    with pytest.raises(InputError, match="row 4 of X has no affinity"):
        found.nearest(A, np.array([4, 5]))


def test_precomputed_neighbors_make_the_graph_of_the_points():
    distances = kneighbors_graph(X, 8, mode="distance", include_self=True)
    given = source(distances, affinity="precomputed_nearest_neighbors", n_neighbors=5)
    points = source(affinity="nearest_neighbors", n_neighbors=5)
    np.testing.assert_array_equal(products(given.graph(distances)), products(points.graph(X)))


def test_a_row_without_affinity_is_named_beyond_the_first_block(monkeypatch):
    monkeypatch.setattr("eigenlab.graphs.affinity.BLOCK_PAIRS", 2 * len(X))
    A = rbf_affinity(X, 1.0)
    model = SpectralClustering(2, affinity="precomputed", random_state=0).fit(A)
    new = A[:7].copy()
    new[5] = 0
    with pytest.raises(InputError, match="row 5 of X has no affinity"):
        model.predict(new)


@pytest.mark.parametrize("representation", ["dense", "tiled", "fourier", "sharded"])
def test_every_representation_offers_the_whole_interface(representation):
    if representation == "fourier":
        pytest.importorskip("finufft", reason="finufft is not installed: pip install finufft")
    graph = gaussian_graph(X, 1.0, representation)
    A = rbf_affinity(X, 1.0)
    assert graph.representation == representation
    assert graph.stored == (graph.affinity is not None) == (representation == "dense")
    assert graph.connected_components()[0] == 1
    assert graph.connected_components()[1].tolist() == [0] * len(X)
    np.testing.assert_allclose(graph.degrees, A.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(products(graph), A, atol=1e-12)


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_stored_graphs_count_their_components(form):
    A = np.kron(np.diag([1.0, 1.0, 0.0]), np.ones((2, 2)))
    graph = source(form(A), affinity="precomputed").graph(form(A))
    count, component = graph.connected_components()
    expected = connected_components(sparse.csr_array(A))
    assert count == expected[0] == 4
    np.testing.assert_array_equal(component, expected[1])


def test_isolated_points_are_left_out_unless_too_few_would_be_kept():
    points = np.vstack([X, X.max(axis=0) + 50, X.max(axis=0) + 90])
    found = GaussianAffinities(1.0)
    whole, graph, isolated = leave_out_isolated(found, points, 30)
    assert np.flatnonzero(isolated).tolist() == [60, 61]
    assert (whole.n_nodes, graph.n_nodes, len(found.points)) == (62, 60, 60)
    for min_kept in (61, 62):
        whole, graph, isolated = leave_out_isolated(found, points, min_kept)
        assert graph is whole
        assert not isolated.any()
        assert len(found.points) == 62
