"""Neighbours and their affinities against known point sets and scikit-learn, and properties."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors, kneighbors_graph

from eigenlab.errors import InputError
from eigenlab.graphs import neighbors as neighbors_module
from eigenlab.graphs.connectivity import (
    DisconnectedGraphWarning,
    connected_components,
    joining_edges,
)
from eigenlab.graphs.neighbor_affinity import knn_affinity
from eigenlab.graphs.neighbors import nearest_neighbors

needs_faiss = pytest.mark.skipif(
    importlib.util.find_spec("faiss") is None, reason="faiss is not installed"
)
METHODS = ["tree", "exact", pytest.param("approximate", marks=needs_faiss)]


def points(n=600, d=20, seed=0):
    """Points near a low-dimensional subspace, as data in many dimensions usually are."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 4)) @ rng.normal(size=(4, d)) + 0.1 * rng.normal(size=(n, d))


@pytest.mark.parametrize("method", METHODS)
def test_neighbours_on_a_line_are_adjacent(method):
    """At x = 0, 1, 4, 9, ... the nearest other point of i^2 is (i - 1)^2, at 2 i - 1."""
    line = np.arange(12.0)[:, None] ** 2
    near = nearest_neighbors(line, 1, method=method)
    assert near.indices[:, 0].tolist() == [1, *range(11)]
    np.testing.assert_allclose(near.distances[:, 0], [1, *(2 * np.arange(1, 12) - 1)], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_inner_nodes_of_a_grid_have_four_neighbours_at_one(method):
    grid = np.stack(np.meshgrid(np.arange(7.0), np.arange(7.0)), axis=-1).reshape(-1, 2)
    near = nearest_neighbors(grid, 4, method=method)
    inner = ((grid > 0) & (grid < 6)).all(axis=1)
    assert (near.distances[inner] == 1).all()
    assert near.distances[0].tolist() == [1, 1, pytest.approx(2**0.5), 2]


@pytest.mark.parametrize("method", ["auto", "tree", "exact"])
def test_exact_search_agrees_with_scikit_learn(method):
    X = points()
    distances, indices = NearestNeighbors(n_neighbors=7, algorithm="ball_tree").fit(X).kneighbors()
    near = nearest_neighbors(X, 7, method=method)
    np.testing.assert_array_equal(near.indices, indices)
    np.testing.assert_allclose(near.distances, distances, rtol=1e-12)
    assert near.recall == 1


@needs_faiss
def test_measured_recall_is_the_recall():
    """The reported recall of a deliberately rough search is near that over all points."""
    X = np.random.default_rng(0).normal(size=(4000, 100))
    near = nearest_neighbors(X, 10, method="approximate", min_recall=0.5)
    true = NearestNeighbors(n_neighbors=10).fit(X).kneighbors(return_distance=False)
    found = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near.indices, true, strict=True)])
    assert near.method == "approximate"
    assert found < 0.98
    # 256 points of ten neighbours: standard error about 0.01, taken four times.
    assert near.recall == pytest.approx(found, abs=0.04)


@needs_faiss
def test_a_search_that_never_reaches_the_recall_becomes_exact(monkeypatch):
    monkeypatch.setattr(neighbors_module, "EFFORTS", ((1, 1),))
    X = np.random.default_rng(0).normal(size=(1500, 100))
    near = nearest_neighbors(X, 5, method="approximate", min_recall=1.0)
    assert (near.method, near.recall) == ("exact", 1.0)


@needs_faiss
def test_rows_that_the_cells_cannot_fill_are_found_exactly(monkeypatch):
    """Thirty outliers have cells of their own, with fewer points than neighbours wanted."""
    monkeypatch.setattr(neighbors_module, "EFFORTS", ((1, 1),))
    X = points(n=900)
    X[:30] = 1e3 * np.eye(30, 20) + 1e4 * np.arange(30)[:, None]
    near = nearest_neighbors(X, 40, method="approximate", min_recall=0.01)
    assert near.method == "approximate"
    assert near.indices.min() >= 0
    assert (np.sort(near.indices, axis=1)[:, 1:] > np.sort(near.indices, axis=1)[:, :-1]).all()


@needs_faiss
def test_same_seed_gives_the_same_neighbours():
    """Noise without structure and a rough search, so that other samples or cells would differ."""
    X = np.random.default_rng(0).normal(size=(3000, 100))
    search = {"method": "approximate", "min_recall": 0.5, "seed": 3}
    first, second = (nearest_neighbors(X, 5, **search) for _ in range(2))
    assert first.recall < 1
    np.testing.assert_array_equal(first.indices, second.indices)
    assert first.recall == second.recall


@pytest.mark.parametrize("method", METHODS)
def test_coinciding_points_are_neighbours_at_distance_zero(method):
    X = np.repeat(points(n=40), 25, axis=0) + 1e3
    near = nearest_neighbors(X, 6, method=method)
    assert not (near.indices == np.arange(1000)[:, None]).any()
    assert (near.indices // 25 == np.arange(1000)[:, None] // 25).all()
    assert (near.distances == 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_more_neighbours_than_points_gives_all_others(method):
    near = nearest_neighbors(points(n=5), 99, method=method)
    assert [sorted(row) for row in near.indices.tolist()] == [
        [j for j in range(5) if j != i] for i in range(5)
    ]


def test_a_single_point_has_no_neighbours():
    assert nearest_neighbors(np.ones((1, 3)), 4).indices.shape == (1, 0)
    assert knn_affinity(np.ones((1, 3)), 4).toarray().tolist() == [[1]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_neighbors": 0}, "n_neighbors .* not 0"),
        ({"min_recall": 0.0}, "min_recall .* not 0.0"),
        ({"method": "magic"}, "not 'magic'"),
        ({"n_jobs": 0}, "n_jobs .* not 0"),
        ({"X": np.array([[0.0], [np.nan]])}, "row 1 is not"),
        ({"X": np.zeros(3)}, r"table of numbers \(n, d\)"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        nearest_neighbors(**{"X": points(n=20), "n_neighbors": 3, **arguments})


@pytest.mark.parametrize("include_self", [True, False])
def test_connectivity_is_scikit_learns_graph(include_self):
    X = points(n=300)
    theirs = kneighbors_graph(X, 8, include_self=include_self)
    ours = knn_affinity(X, 8, include_self=include_self)
    np.testing.assert_array_equal(ours.toarray(), (0.5 * (theirs + theirs.T)).toarray())


def test_gaussian_and_local_weights_are_their_formulas():
    """0, 1, 3 with all neighbours: widths 3, 2, 3 are the distances to the farther one."""
    X = np.array([[0.0], [1.0], [3.0]])
    square = (X - X.T) ** 2
    gaussian = knn_affinity(X, 3, weights="gaussian", gamma=0.3)
    np.testing.assert_allclose(gaussian.toarray(), np.exp(-0.3 * square), rtol=1e-14)
    width = np.array([3.0, 2.0, 3.0])
    local = knn_affinity(X, 3, weights="local")
    np.testing.assert_allclose(
        local.toarray(), np.exp(-square / np.outer(width, width)), rtol=1e-14
    )


def test_local_weights_are_scale_free_and_allow_coinciding_points():
    X = np.concatenate([np.zeros((8, 2)), points(n=40, d=2)])
    weights = knn_affinity(X, 4, weights="local", connectivity="bridge")
    assert np.isfinite(weights.data).all()
    scaled = knn_affinity(1e6 * X, 4, weights="local", connectivity="bridge")
    np.testing.assert_allclose(weights.toarray(), scaled.toarray(), rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    weights=st.sampled_from(["connectivity", "gaussian", "local"]),
)
def test_affinity_is_symmetric_in_range_and_invariant_under_motions(seed, weights):
    X = points(n=50, d=3, seed=seed)
    affinity = knn_affinity(X, 5, weights=weights, connectivity="ignore").toarray()
    assert (affinity == affinity.T).all()
    assert affinity.min() >= 0
    assert affinity.max() == 1
    order = np.random.default_rng(seed).permutation(50)
    moved = knn_affinity(X[order] + 2, 5, weights=weights, connectivity="ignore").toarray()
    np.testing.assert_allclose(moved, affinity[np.ix_(order, order)], rtol=1e-9, atol=1e-12)


def groups():
    """Groups of 30, 20 and 10 points around 0, 100 and 250: gaps of about 98 and 148."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [centre + rng.uniform(-1, 1, (n, 2)) for centre, n in [(0, 30), (100, 20), (250, 10)]]
    )


def test_the_warning_lists_the_sizes_of_components():
    with pytest.warns(DisconnectedGraphWarning, match="3 connected components of 30, 20, 10 nodes"):
        affinity = knn_affinity(groups(), 9)
    count, component = connected_components(affinity)
    assert count == 3
    assert component.tolist() == [0] * 30 + [1] * 20 + [2] * 10


@pytest.mark.parametrize("weights", ["connectivity", "gaussian", "local"])
def test_joining_edges_are_the_shortest_edges_that_join(weights):
    X = groups()
    apart = knn_affinity(X, 9, weights=weights, connectivity="ignore")
    joined = knn_affinity(X, 9, weights=weights, connectivity="bridge")
    assert connected_components(joined)[0] == 1
    added = (joined - apart).tocoo()
    added.eliminate_zeros()
    between = np.linalg.norm(X[:, None] - X, axis=-1)
    expected = set()
    for first, second in [(slice(0, 30), slice(30, 50)), (slice(30, 50), slice(50, 60))]:
        block = between[first, second]
        i, j = np.unravel_index(block.argmin(), block.shape)
        expected |= {(first.start + i, second.start + j), (second.start + j, first.start + i)}
    assert set(zip(added.row.tolist(), added.col.tolist(), strict=True)) == expected
    assert (added.data > 0).all()


def test_components_nearest_to_each_other_get_one_bridge():
    X = np.array([[0.0], [100.0], [101.5], [300.0], [301.0]])
    pairs, lengths = joining_edges(X, np.zeros((5, 5)))
    assert {frozenset(pair) for pair in pairs.tolist()} == {
        frozenset(pair) for pair in [(0, 1), (1, 2), (2, 3), (3, 4)]
    }
    assert sorted(lengths) == [1, 1.5, 100, 198.5]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"weights": "cosine"}, "'cosine'"),
        ({"connectivity": "repair"}, "'repair'"),
        ({"gamma": -1.0}, "gamma .* not -1"),
        ({"n_neighbors": 1}, "at least 2 with include_self=True"),
        ({"neighbors": nearest_neighbors(points(n=20), 2)}, "must hold 4 neighbours of 20 points"),
    ],
)
def test_bad_affinity_arguments_are_named(arguments, words):
    with pytest.raises(InputError, match=words):
        knn_affinity(points(n=20), **{"n_neighbors": 5, **arguments})
