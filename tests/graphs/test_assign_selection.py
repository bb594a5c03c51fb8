"""Labels from an embedding, and the number of clusters from a spectrum."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from eigenlab.errors import InputError
from eigenlab.graphs import FewerClustersWarning, assign, assign_labels
from eigenlab.graphs.dense import DenseGraph
from eigenlab.graphs.selection import CONNECTED, _finest, choose_n_clusters, normalized_cut

METHODS = ("kmeans", "cluster_qr", "discretize")
TRUTH = np.random.default_rng(0).permutation(np.repeat(np.arange(3), [5, 9, 16]))


def indicators() -> np.ndarray:
    """Orthonormal columns that are constant on three groups of rows, rotated at random."""
    columns = np.eye(3)[TRUTH] / np.sqrt(np.bincount(TRUTH))
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    return columns @ rotation


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rotated_indicators_give_the_groups(method, dtype):
    labels = assign_labels(indicators().astype(dtype), 3, method)
    assert adjusted_rand_score(TRUTH, labels) == 1
    assert labels.dtype == np.int64
    assert set(labels) == {0, 1, 2}
    np.testing.assert_array_equal(labels, assign_labels(indicators().astype(dtype), 3, method))


@pytest.mark.parametrize("method", METHODS)
def test_one_cluster(method):
    assert assign_labels(np.ones((4, 1)), 1, method).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("method", ["kmeans", "cluster_qr"])
def test_coinciding_rows_warn_of_fewer_clusters(method):
    with pytest.warns(FewerClustersWarning, match="found 1 clusters, not n_clusters=2"):
        assign_labels(np.ones((4, 2)), 2, method)


def test_rows_of_zeros_are_labelled():
    labels = assign_labels(np.array([[0.0, 0], [1, 0], [0, 1], [1, 0]]), 2, "discretize")
    assert labels[1] == labels[3] != labels[2]


def test_kmeans_seeded_on_a_sample_finds_the_same_groups(monkeypatch):
    monkeypatch.setattr(assign, "SEEDING_ROWS", 20)
    assert adjusted_rand_score(TRUTH, assign_labels(indicators(), 3)) == 1


@pytest.mark.parametrize("method", ["cluster_qr", "discretize"])
@pytest.mark.parametrize("n_clusters", [2, 4])
def test_where_columns_are_clusters_there_must_be_as_many(method, n_clusters):
    with pytest.raises(InputError, match=f"3 columns and n_clusters={n_clusters}"):
        assign_labels(indicators(), n_clusters, method)


def test_an_unknown_method_is_named():
    with pytest.raises(InputError, match="method='dice'"):
        assign_labels(np.ones((4, 2)), 2, "dice")


def test_the_score_is_the_relative_gap_over_the_tightness():
    """Two cliques joined by a weak link: every number follows from the weights."""
    A = np.kron(np.eye(2), np.ones((5, 5)))
    A[4, 5] = A[5, 4] = 0.1
    found = choose_n_clusters(DenseGraph(A))
    degrees = A.sum(axis=1)
    values = np.linalg.eigvalsh(A / np.sqrt(np.outer(degrees, degrees)))[::-1]
    cut = 2 * 0.1 / 25.1
    assert found.n_clusters == 2
    assert found.relative_gaps[2] == pytest.approx((1 - values[2]) / (1 - values[1]), rel=1e-6)
    assert found.tightness[2] == pytest.approx(cut / (1 - values[1] + CONNECTED), rel=1e-6)
    assert found.scores[2] == found.relative_gaps[2] / found.tightness[2]


def test_the_normalized_cut_is_at_least_the_sum_of_the_eigenvalues():
    random = np.random.default_rng(0)
    A = random.uniform(size=(20, 20))
    graph = DenseGraph(A + A.T)
    degrees = graph.degrees
    values = np.linalg.eigvalsh(graph.affinity / np.sqrt(np.outer(degrees, degrees)))[::-1]
    for k in (2, 3, 5):
        labels = np.r_[np.arange(k), random.integers(0, k, size=20 - k)]
        assert normalized_cut(graph, labels) >= (1 - values[:k]).sum()


def test_the_largest_clear_number_is_taken_and_one_where_none_is_clear():
    assert _finest({2: 50.0, 3: 1.5, 4: 0.9}) == 3
    assert _finest({2: 1.1, 3: 1.0}) == 1
    assert _finest({}) == 1
