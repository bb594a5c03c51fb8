"""Invariance under permutations, motions and changes of units, and known spectra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from eigenlab.graphs import (
    SpectralClustering,
    nested_arcs,
    rbf_affinity,
    symmetric_normalize,
)

NORMALIZATIONS = ("stochastic", "symmetric", "rows")
X, _ = nested_arcs(120)
GAMMA = 6.0
some = settings(max_examples=12, deadline=None)


def clustered(X: np.ndarray, gamma: float, normalization: str, **arguments) -> SpectralClustering:
    model = SpectralClustering(
        3, gamma=gamma, normalization=normalization, random_state=0, **arguments
    )
    return model.fit(X)


@pytest.fixture(scope="module")
def reference() -> dict[str, SpectralClustering]:
    return {name: clustered(X, GAMMA, name) for name in NORMALIZATIONS}


def assert_same(found, expected, order=slice(None)) -> None:
    assert adjusted_rand_score(expected.labels_[order], found.labels_) == 1
    np.testing.assert_allclose(found.singular_values_, expected.singular_values_, atol=1e-8)


@given(seed=st.integers(0, 2**16), normalization=st.sampled_from(NORMALIZATIONS))
@some
def test_the_order_of_points_does_not_matter(reference, seed, normalization):
    order = np.random.default_rng(seed).permutation(len(X))
    assert_same(clustered(X[order], GAMMA, normalization), reference[normalization], order)


@given(
    shift=st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
    angle=st.floats(0, 6.28),
    mirror=st.sampled_from([-1.0, 1.0]),
    kind=st.sampled_from(["dense", "tiled", "fourier"]),
    normalization=st.sampled_from(NORMALIZATIONS),
)
@some
def test_rigid_motions_do_not_matter(reference, shift, angle, mirror, kind, normalization):
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = (X * np.array([1.0, mirror])) @ rotation + np.array(shift)
    model = clustered(moved, GAMMA, normalization, representation=kind)
    assert_same(model, reference[normalization])


@given(
    scale=st.floats(1e-4, 1e4),
    kind=st.sampled_from(["dense", "tiled", "fourier"]),
    normalization=st.sampled_from(NORMALIZATIONS),
)
@some
def test_units_do_not_matter_where_gamma_follows(reference, scale, kind, normalization):
    model = clustered(scale * X, GAMMA / scale**2, normalization, representation=kind)
    assert_same(model, reference[normalization])


@given(
    scale=st.floats(1e-4, 1e4),
    shift=st.tuples(st.floats(-100, 100), st.floats(-100, 100)),
    gamma=st.sampled_from(["scale", "local"]),
)
@some
def test_a_gamma_from_the_data_is_invariant_under_scaling_and_shifts(scale, shift, gamma):
    moved = scale * (X + np.array(shift))
    found, expected = (clustered(points, gamma, "symmetric") for points in (moved, X))
    np.testing.assert_allclose(found.singular_values_, expected.singular_values_, atol=1e-8)


@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5), seed=st.integers(0, 2**16))
@some
def test_eigenvalue_one_has_the_multiplicity_of_the_components(sizes, seed):
    """Each block has positive weights, so it is one component; its order is shuffled."""
    random = np.random.default_rng(seed)
    n = max(sum(sizes), 2)
    sizes = [*sizes, n - sum(sizes)] if n > sum(sizes) else sizes
    block = np.repeat(np.arange(len(sizes)), sizes)
    weights = random.uniform(0.5, 1.0, size=(n, n))
    A = np.where(block[:, None] == block, weights + weights.T, 0)
    order = random.permutation(n)
    A = A[order][:, order]
    ones = (np.linalg.eigvalsh(symmetric_normalize(A)) > 1 - 1e-9).sum()
    assert ones == len(sizes)
    model = SpectralClustering(
        len(sizes), affinity="precomputed", normalization="rows", random_state=0
    ).fit(A)
    assert model.n_connected_components_ == len(sizes)
    np.testing.assert_allclose(model.singular_values_, 1, atol=1e-9)
    assert adjusted_rand_score(block[order], model.labels_) == 1


def cycle(n: int) -> np.ndarray:
    step = np.roll(np.eye(n), 1, axis=0)
    return step + step.T


def path(n: int) -> np.ndarray:
    """With a loop at either end, so that every degree is two: eigenvalues cos(pi j / n)."""
    A = np.eye(n, k=1) + np.eye(n, k=-1)
    A[0, 0] = A[-1, -1] = 1
    return A


def sums(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.add.outer(first, second).ravel() / 2


def waves(n: int, turns: float) -> np.ndarray:
    return np.cos(turns * np.pi * np.arange(n) / n)


KNOWN = {
    "cycle": (cycle(30), waves(30, 2)),
    "bare path": (
        np.eye(20, k=1) + np.eye(20, k=-1),
        np.cos(np.pi * np.arange(20) / 19),
    ),
    "path with loops": (path(20), waves(20, 1)),
    "complete": (np.ones((9, 9)) - np.eye(9), np.array([1.0] + [-1 / 8] * 8)),
    "complete with loops": (np.ones((9, 9)), np.array([1.0] + [0.0] * 8)),
    "grid": (
        np.kron(path(6), np.eye(8)) + np.kron(np.eye(6), path(8)),
        sums(waves(6, 1), waves(8, 1)),
    ),
    "torus": (
        np.kron(cycle(6), np.eye(8)) + np.kron(np.eye(6), cycle(8)),
        sums(waves(6, 2), waves(8, 2)),
    ),
}


@pytest.mark.parametrize("k", [1, 2, 5, 8])
@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.filterwarnings("ignore::eigenlab.graphs.FewerClustersWarning")
def test_known_spectra(name, k):
    """The symmetric route takes the algebraically largest eigenvalues, repeated as they are."""
    A, values = KNOWN[name]
    model = SpectralClustering(
        k, affinity="precomputed", normalization="symmetric", n_init=1, random_state=0
    ).fit(A)
    np.testing.assert_allclose(model.singular_values_, np.sort(values)[::-1][:k], atol=1e-8)


def test_the_affinity_is_invariant_under_rigid_motions():
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))
    np.testing.assert_allclose(
        rbf_affinity(X @ rotation + 5, GAMMA), rbf_affinity(X, GAMMA), atol=1e-12
    )
