"""The sparse graph against closed forms and the dense product."""

import numpy as np
import pytest
from scipy import sparse

from eigenlab.errors import InputError
from eigenlab.graphs.graph import NormalizedOperator
from eigenlab.graphs.sparse import SparseGraph


def cycle(n: int) -> sparse.csr_array:
    step = np.roll(np.eye(n), 1, axis=0)
    return sparse.csr_array(step + step.T)


def test_cycle_has_its_known_spectrum():
    """A / 2 of a cycle has the eigenvalues cos(2 pi j / n)."""
    whole = NormalizedOperator(SparseGraph(cycle(12)), "symmetric")
    values = np.linalg.eigvalsh(whole.matmat(np.eye(12)))
    np.testing.assert_allclose(values, np.sort(np.cos(2 * np.pi * np.arange(12) / 12)), atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_product_is_the_dense_product(dtype, order):
    rng = np.random.default_rng(0)
    dense = rng.random((40, 40)) * (rng.random((40, 40)) < 0.2)
    dense = dense + dense.T
    graph = SparseGraph(sparse.coo_array(dense))
    vectors = np.asarray(rng.normal(size=(40, 5)), dtype=dtype, order=order)
    product = graph.matmat(vectors)
    assert product.dtype == dtype
    np.testing.assert_allclose(
        product,
        dense @ vectors,
        rtol=1e-5 if dtype == np.float32 else 1e-13,
        atol=1e-5 if dtype == np.float32 else 1e-13,
    )
    np.testing.assert_allclose(graph.degrees, dense.sum(axis=0), rtol=1e-14)


def test_node_without_edges_has_degree_zero_and_kind_is_kept():
    graph = SparseGraph(sparse.csr_array(np.diag([0.0, 2.0])), "precomputed")
    assert graph.degrees.tolist() == [0, 2]
    assert (graph.representation, graph.n_nodes, graph.entry_error) == ("precomputed", 2, 0)


def test_unsorted_and_repeated_entries_are_put_in_order_without_touching_the_argument():
    """Row 0 lists columns 2, 1, 1: the entries at (0, 1) add up."""
    columns, starts = np.array([2, 1, 1, 0, 0]), np.array([0, 3, 4, 5])
    given = sparse.csr_array((np.array([5.0, 1, 2, 3, 5]), columns, starts), shape=(3, 3))
    product = SparseGraph(given).matmat(np.eye(3))
    assert product.tolist() == [[0, 3, 5], [3, 0, 0], [5, 0, 0]]
    assert given.indices.tolist() == [2, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (np.eye(2), "sparse matrix, not ndarray"),
        (sparse.csr_array(np.ones((2, 3))), r"square .* not \(2, 3\)"),
        (sparse.csr_array([[0, 2.0], [1.5, 0]]), r"symmetric, .* differ by 0.5"),
        (sparse.csr_array([[0, -2.0], [-2.0, 0]]), "least entry is -2"),
        (sparse.csr_array([[np.nan]]), "NaN or infinite"),
    ],
)
def test_bad_affinity_is_named(matrix, words):
    with pytest.raises(InputError, match=words):
        SparseGraph(matrix)
