"""Labels from an embedding, and the number of clusters from a spectrum."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from eigenlab.errors import InputError
from eigenlab.graphs import FewerClustersWarning, assign, assign_labels
from eigenlab.graphs.selection import CANDIDATES, UnstableClustersWarning, choose_n_clusters

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
    with pytest.raises(InputError, match=f"n_components=3 and n_clusters={n_clusters}"):
        assign_labels(indicators(), n_clusters, method)


def test_an_unknown_method_is_named():
    with pytest.raises(InputError, match="assign_labels='dice'"):
        assign_labels(np.ones((4, 2)), 2, "dice")


def test_the_widest_stable_gap_is_chosen():
    values = [1.0, 0.9, 0.85, 0.4, 0.3]  # gaps 0.1, 0.05, 0.45, 0.1
    found = choose_n_clusters(values, lambda k: 0.9)
    assert (found.n_clusters, found.stability) == (3, {3: 0.9})
    np.testing.assert_allclose(found.gaps, [0.1, 0.05, 0.45, 0.1])
    found = choose_n_clusters([1.0, 0.95, 0.4, 0.1], {2: 0.1, 3: 0.85}.__getitem__)
    assert (found.n_clusters, found.stability) == (3, {2: 0.1, 3: 0.85})


def test_one_cluster_is_always_stable_and_the_best_of_the_unstable_is_taken():
    assert choose_n_clusters([1.0, 0.1, 0.0], lambda k: 0.0).n_clusters == 1
    values = 1 - np.cumsum([0, 0.01, 0.1, 0.11, 0.12, 0.13])
    found = choose_n_clusters(values, lambda k: 0.1 * k)
    assert len(found.stability) == CANDIDATES
    assert found.n_clusters == 5
    with pytest.warns(UnstableClustersWarning, match=r"5: 0\.50; stable from 0\.8\) n_clusters=5"):
        found.warn_if_unstable()
