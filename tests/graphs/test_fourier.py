"""The Fourier form of the Gaussian graph against its matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.graphs import fourier_eigenpairs, stretched_blobs
from eigenlab.graphs.compressed import CompressedProblem
from eigenlab.graphs.embedding import leading_vectors
from eigenlab.graphs.fourier import MAX_MODES, FourierGraph, check_fourier, is_suitable
from eigenlab.graphs.gauss_series import gauss_series
from eigenlab.graphs.graph import NormalizedOperator
from eigenlab.spectrum import EigenpairsWarning
from eigenlab.spectrum.eigenpairs import find_eigenpairs

pytest.importorskip("finufft", reason="finufft is not installed: pip install finufft")


def affinity(X: np.ndarray, gamma: float) -> np.ndarray:
    return np.exp(-gamma * ((X[:, None] - X) ** 2).sum(-1))


def points(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)) * np.array([1.0, 2.0, 0.5])[:d]


@given(
    extent=st.floats(0.0, 30.0),
    gamma=st.floats(1e-6, 20.0),
    digits=st.integers(2, 13),
)
@settings(max_examples=60, deadline=None)
def test_the_error_of_the_series_is_within_its_bound(extent, gamma, digits):
    series = gauss_series(np.array([extent]), gamma, 10.0**-digits)
    assert series.entry_error <= 10.0**-digits
    r = np.linspace(-extent, extent, 501)
    k = np.arange(series.n_modes[0]) - series.n_modes[0] // 2
    waves = np.exp(2j * np.pi / series.period[0] * np.outer(r, k))
    error = np.abs(waves @ series.axis_weights()[0] - np.exp(-gamma * r**2)).max()
    assert error <= series.entry_error + 1e-14


def test_a_coarse_series_is_not_far_below_its_bound():
    # A loose bound would cost more modes than needed.
    series = gauss_series(np.array([10.0]), 5.0, 1e-3)
    r = np.linspace(-10, 10, 2001)
    k = np.arange(series.n_modes[0]) - series.n_modes[0] // 2
    waves = np.exp(2j * np.pi / series.period[0] * np.outer(r, k))
    error = np.abs(waves @ series.axis_weights()[0] - np.exp(-5.0 * r**2)).max()
    assert error > series.entry_error / 20


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("gamma", [1e-6, 0.3, 4.0])
def test_products_and_degrees_are_those_of_the_dense_matrix(d, gamma):
    X = points(150, d)
    A, graph = affinity(X, gamma), FourierGraph(X, gamma)
    vectors = np.random.default_rng(1).normal(size=(150, 3))
    np.testing.assert_allclose(graph.matmat(vectors), A @ vectors, atol=1e-11)
    np.testing.assert_allclose(graph.degrees, A.sum(axis=1), rtol=1e-12)
    assert graph.entry_error < 1e-13


def test_duplicates_and_constant_columns():
    X = np.ones((40, 2))
    X[20:, 0] = 3.0
    np.testing.assert_allclose(
        FourierGraph(X, 1.0).matmat(np.eye(40)), affinity(X, 1.0), atol=1e-12
    )


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("normalization", ["symmetric", "stochastic"])
def test_the_compressed_problem_has_the_graphs_spectrum(d, normalization):
    error = 10.0 ** (-13 / d)  # fewer modes in space, which the matrices below are made of
    graph = FourierGraph(points(60, d), 0.05, entry_error=error)
    whole = NormalizedOperator(graph, normalization)
    problem = CompressedProblem(whole, graph)
    expected = np.linalg.eigvalsh(whole.matmat(np.eye(60)))[::-1]
    # Columns of B: the lift of the unit coordinates.
    B = problem.lift(np.eye(problem.inner.shape[0]))
    np.testing.assert_allclose(B.T @ B, problem.inner.matmat(np.eye(len(B.T))), atol=100 * error)
    image = B if problem.outer is None else B @ problem.outer.matmat(B.T)
    product = B @ B.T if problem.outer is None else image
    np.testing.assert_allclose(
        np.linalg.eigvalsh((product + product.T) / 2)[::-1][:8], expected[:8], atol=100 * error
    )


def test_restrict_is_the_adjoint_of_lift():
    graph = FourierGraph(points(50, 2), 1.0)
    problem = CompressedProblem(NormalizedOperator(graph, "symmetric"), graph)
    random = np.random.default_rng(0)
    h = random.normal(size=(problem.inner.shape[0], 2))
    u = random.normal(size=(50, 2))
    np.testing.assert_allclose(problem.lift(h).T @ u, h.T @ problem.restrict(u), atol=1e-10)


@pytest.mark.parametrize("normalization", ["symmetric", "stochastic", "rows"])
def test_leading_vectors_are_the_dense_singular_vectors(normalization):
    X = np.concatenate([points(300, 2), points(300, 2, seed=5) + np.array([6.0, 0.0])])
    A = affinity(X, 2.0)
    scale = 1 / np.sqrt(A.sum(axis=1))
    matrix = scale[:, None] * A * scale
    if normalization == "stochastic":
        matrix = matrix / matrix.sum(axis=0)
    left, values, _ = np.linalg.svd(matrix)
    found = leading_vectors(FourierGraph(X, 2.0), 3, normalization, tol=1e-9)
    np.testing.assert_allclose(found.singular_values, values[:3], atol=1e-10)
    np.testing.assert_allclose(found.next_singular_value, values[3], atol=1e-3)
    np.testing.assert_allclose(np.abs(np.sum(found.vectors * left[:, :3], axis=0)), 1, atol=1e-9)
    residuals = matrix @ (matrix.T @ found.vectors / found.singular_values)
    residuals -= found.vectors * found.singular_values
    assert np.linalg.norm(residuals, axis=0).max() <= 2e-9
    assert found.residual_norms.max() <= 1e-9
    assert found.certified


def test_same_seed_same_numbers():
    X = points(800, 2)
    first, second = (leading_vectors(FourierGraph(X, 3.0), 3, seed=4).vectors for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_start_saves_products():
    X = points(800, 2)
    graph = FourierGraph(X, 3.0)
    cold = leading_vectors(graph, 3, certify=False)
    warm = leading_vectors(graph, 3, start=cold.vectors, certify=False)
    assert warm.n_products < cold.n_products / 2
    np.testing.assert_allclose(warm.vectors, cold.vectors, atol=1e-3)


def test_unsuitable_points_are_refused_with_the_reason():
    wide = np.array([[0.0, 0.0], [1e4, 1e4]])
    for X, words in (
        (np.zeros((5, 4)), "at most 3 dimensions, not 4"),
        (wide, f"more than {MAX_MODES}"),
    ):
        assert not is_suitable(X, 1.0)
        for refusing in (check_fourier, FourierGraph):
            with pytest.raises(InputError, match=f"{words}; use the tiled graph"):
                refusing(X, 1.0)
    assert is_suitable(wide, 1e-8)


def test_all_stages_share_one_limit_of_products(monkeypatch):
    """What does not converge with few modes is not tried with all modes and over the points."""
    monkeypatch.setattr(fourier_eigenpairs, "MIN_PRODUCTS", 30)
    monkeypatch.setattr(fourier_eigenpairs, "default_max_products", lambda k: 30)
    solved = []

    def counting(operator, *args, **options):
        solved.append(find_eigenpairs(operator, *args, **options))
        return solved[-1]

    monkeypatch.setattr(fourier_eigenpairs, "find_eigenpairs", counting)
    graph = FourierGraph(stretched_blobs(300)[0], gamma=7.5)
    with pytest.warns(EigenpairsWarning, match="residual"):
        found = leading_vectors(graph, 3, "symmetric", tol=1e-12)
    assert len(solved) == 1
    assert found.n_products < 2 * 30
    assert not found.certified
