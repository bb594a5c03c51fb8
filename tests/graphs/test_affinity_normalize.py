"""The course's affinity and normalisations against closed forms and references."""

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.metrics.pairwise import rbf_kernel

from eigenlab.errors import InputError
from eigenlab.graphs import (
    degree_matrix,
    is_undirected,
    leading_eigenvector,
    matched_accuracy,
    mixing_bound,
    random_walk,
    rbf_affinity,
    row_normalize,
    self_tuning_affinity,
    stationary_distribution,
    stochastic_normalize,
    symmetric_normalize,
    top_singular_vectors,
    total_variation,
    without_loops,
)


def points(n: int = 12, d: int = 3) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d))


def cycle(n: int) -> np.ndarray:
    step = np.roll(np.eye(n), 1, axis=0)
    return step + step.T


def path(n: int) -> np.ndarray:
    return np.eye(n, k=1) + np.eye(n, k=-1)


def test_two_nodes():
    """M of [[1, a], [a, 1]] has the eigenvalues 1 and (1 - a) / (1 + a), with a = exp(-gamma)."""
    M = symmetric_normalize(rbf_affinity(np.array([[0.0], [1.0]]), gamma=0.7))
    a = np.exp(-0.7)
    values, vectors = top_singular_vectors(M, 2)
    np.testing.assert_allclose(values, [1, (1 - a) / (1 + a)], rtol=1e-14)
    np.testing.assert_allclose(np.abs(vectors), np.full((2, 2), 0.5**0.5), rtol=1e-14)


def test_equidistant_points_make_a_complete_graph():
    """Of unit vectors A = (1 - a) I + a J with a = exp(-2 gamma): M has 1 once, else
    (1 - a) / (1 + (n - 1) a)."""
    n, a = 6, np.exp(-2 * 0.3)
    values, _ = top_singular_vectors(symmetric_normalize(rbf_affinity(np.eye(n), 0.3)), n)
    np.testing.assert_allclose(values, [1] + [(1 - a) / (1 + (n - 1) * a)] * (n - 1), rtol=1e-13)


def test_known_spectra():
    """Cycle: cos(2 pi j / n). Path: cos(pi j / (n - 1)). Torus: half the sums of two cycles'."""
    circle = np.cos(2 * np.pi * np.arange(7) / 7)
    torus = np.kron(cycle(7), np.eye(7)) + np.kron(np.eye(7), cycle(7))
    for A, expected in (
        (cycle(7), circle),
        (path(7), np.cos(np.pi * np.arange(7) / 6)),
        (torus, np.add.outer(circle, circle).ravel() / 2),
    ):
        M = symmetric_normalize(A)
        np.testing.assert_allclose(np.linalg.eigvalsh(M), np.sort(expected), atol=1e-13)
        values, _ = top_singular_vectors(M, 4)
        np.testing.assert_allclose(values, np.sort(np.abs(expected))[::-1][:4], atol=1e-13)


def test_affinity_is_that_of_scikit_learn_also_far_from_the_origin():
    X = points()
    expected = rbf_kernel(X, gamma=0.4)
    np.testing.assert_allclose(rbf_affinity(X, 0.4), expected, rtol=1e-13)
    np.testing.assert_allclose(rbf_affinity(X + 1e6, 0.4), expected, rtol=1e-8)


def test_symmetric_normalisation_is_one_minus_the_laplacian_of_scipy():
    A = rbf_affinity(points(), 0.4)
    np.fill_diagonal(A, 0)
    expected = np.eye(len(A)) - csgraph.laplacian(sparse.csr_array(A), normed=True).toarray()
    np.testing.assert_allclose(symmetric_normalize(A), expected, atol=1e-15)


def test_sums_symmetry_and_top_vector():
    A = rbf_affinity(points(), 0.4)
    M = symmetric_normalize(A)
    np.testing.assert_allclose(np.diag(degree_matrix(A)), A.sum(axis=0), rtol=1e-14)
    S = stochastic_normalize(M)
    np.testing.assert_allclose(S.sum(axis=0), 1, rtol=1e-14)
    assert is_undirected(A)
    assert is_undirected(M)
    assert not is_undirected(S)
    values, vectors = top_singular_vectors(M, 1)
    root = np.sqrt(A.sum(axis=1))
    np.testing.assert_allclose(vectors[:, 0], root / np.linalg.norm(root), rtol=1e-12)
    np.testing.assert_allclose(values, 1, rtol=1e-13)
    np.testing.assert_allclose(np.linalg.norm(row_normalize(S), axis=1), 1, rtol=1e-14)


def test_a_node_without_edges_is_its_own_component():
    A = np.zeros((3, 3))
    A[0, 1] = A[1, 0] = 2.0
    expected = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    np.testing.assert_allclose(symmetric_normalize(A), expected, rtol=1e-15)
    np.testing.assert_allclose(symmetric_normalize(torch.tensor(A)), expected, rtol=1e-15)


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_the_leading_eigenvector_is_that_of_m(kind):
    A = kind(rbf_affinity(points(), 0.4))
    v = leading_eigenvector(A)
    np.testing.assert_allclose(symmetric_normalize(A) @ v, v, rtol=1e-12)
    np.testing.assert_allclose(v @ v, 1, rtol=1e-14)
    assert type(v) is type(A)


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_loops_are_left_out_and_nothing_else(kind):
    A = kind(rbf_affinity(points(), 0.4))
    bare = without_loops(A)
    assert type(bare) is type(A)
    np.testing.assert_array_equal(bare + kind(np.eye(12)), A)
    assert not bare.diagonal().any()


def test_a_walk_ends_at_the_stationary_distribution_within_the_bound():
    A = rbf_affinity(points(), 0.1)
    pi, steps = stationary_distribution(A), [0, 1, 3, 10, 200]
    second = np.linalg.eigvalsh(symmetric_normalize(A))[-2]
    distances = total_variation(random_walk(A, 4, steps), pi)
    np.testing.assert_allclose(distances[0], 1 - pi[4], rtol=1e-14)
    np.testing.assert_allclose(distances[-1], 0, atol=1e-14)
    for step, distance in zip(steps, distances, strict=True):
        bound = mixing_bound(second, pi[4], step)
        assert distance <= bound + 1e-14


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_long_walk_is_many_short_ones(dtype):
    """Powers by squaring, against one step after another in float64; A is not changed."""
    A = rbf_affinity(points(), 0.4).astype(dtype)
    A.flags.writeable = False
    P = A.astype(np.float64) / A.sum(axis=1)
    steps = [0, 1, 5, 64, 1000]
    for step, row in zip(steps, random_walk(A, 4, steps), strict=True):
        expected = np.eye(len(A))[4]
        for _ in range(step):
            expected = P @ expected
        np.testing.assert_allclose(row, expected, atol=1e-12 if dtype == np.float64 else 1e-6)
        assert row.dtype == np.float64


def test_two_states_reach_the_mixing_bound():
    """From a node of weight 1/2 the distance is lambda^t / 2."""
    A = np.array([[3.0, 1.0], [1.0, 3.0]])
    for step, row in enumerate(random_walk(A, 0, list(range(5)))):
        found = total_variation(row, stationary_distribution(A))
        assert found == pytest.approx(mixing_bound(0.5, 0.5, step)) == 0.5 ** (step + 1)


def test_matched_accuracy_does_not_depend_on_the_names_of_clusters():
    table = np.array([[7, 1, 0], [2, 0, 5], [0, 9, 1]])
    assert matched_accuracy(table) == matched_accuracy(table[:, [2, 0, 1]]) == 21 / 25
    assert matched_accuracy([[3, 2]]) == 0.6


def test_numpy_and_torch_agree():
    X = points()

    def course(X):
        A = rbf_affinity(X, 0.4)
        values, vectors = top_singular_vectors(stochastic_normalize(symmetric_normalize(A)), 3)
        return degree_matrix(A), vectors, values, row_normalize(vectors)

    for ours, theirs in zip(course(X), course(torch.tensor(X)), strict=True):
        assert isinstance(ours, np.ndarray)
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-12)


def test_gradients_are_finite_differences():
    X = torch.tensor(points(6, 2), requires_grad=True)

    def course(X):
        S = stochastic_normalize(symmetric_normalize(rbf_affinity(X, 0.8)))
        values, vectors = top_singular_vectors(S, 2)
        return S, vectors, values, row_normalize(vectors)

    assert torch.autograd.gradcheck(course, (X,))


def test_self_tuning_is_scale_free_and_allows_coinciding_points():
    X = points(20, 2)
    A = self_tuning_affinity(X)
    np.testing.assert_allclose(self_tuning_affinity(100 * X), A, rtol=1e-10)
    assert is_undirected(A)
    np.testing.assert_array_equal(self_tuning_affinity(np.ones((5, 2))), np.ones((5, 5)))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: rbf_affinity(np.ones(3), 1.0), r"X has shape \(3,\)"),
        (lambda: rbf_affinity(np.ones((3, 1)), 0.0), "gamma=0.0"),
        (lambda: rbf_affinity(np.ones((3, 1)), float("nan")), "gamma=nan"),
        (lambda: rbf_affinity(np.ones((3, 1)), float("inf")), "gamma=inf"),
        (lambda: degree_matrix(np.ones((3, 2))), r"A has shape \(3, 2\)"),
        (lambda: symmetric_normalize(np.ones((3, 2))), r"A has shape \(3, 2\)"),
        (lambda: symmetric_normalize(np.array([[1.0, -2.0], [-2.0, 1.0]])), "negative sum"),
        (lambda: stochastic_normalize(np.diag([1.0, 0.0])), "column of zeros"),
        (lambda: random_walk(np.diag([1.0, 0.0]), 0, [1]), "no weight in row 1"),
        (lambda: without_loops(np.ones((3, 2))), r"A has shape \(3, 2\)"),
        (lambda: leading_eigenvector(np.ones((3, 2))), r"A has shape \(3, 2\)"),
        (lambda: mixing_bound(-0.1, 0.5, 1), "second_eigenvalue=-0.1"),
        (lambda: mixing_bound(0.1, 0.0, 1), "probability=0.0"),
        (lambda: mixing_bound(0.1, 0.5, -1), "steps=-1"),
        (lambda: top_singular_vectors(np.eye(3), 4), "k=4"),
        (lambda: top_singular_vectors(np.eye(3), 0), "k=0"),
    ],
)
def test_bad_arguments_are_named(call, words):
    with pytest.raises(InputError, match=words):
        call()
