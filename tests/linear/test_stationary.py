"""Stationary points: loss, gradient and Hessian, computed independently of the theory."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.linear import critical_points, gradients, loss

SPECTRUM = np.array([9.0, 5.0, 3.0, 1.0])


def with_spectrum(values, seed=0, n=6):
    """X (d, n) with the given eigenvalues of X X^T."""
    rng = np.random.default_rng(seed)
    d = len(values)
    U = np.linalg.qr(rng.standard_normal((d, d)))[0]
    V = np.linalg.qr(rng.standard_normal((n, d)))[0]
    return torch.as_tensor(U * np.sqrt(values) @ V.T)


def hessian_signs(W1, W2, X, tolerance=1e-8):
    """Numbers of negative and of zero eigenvalues of the Hessian in (W1, W2), by autograd."""
    k, d = W1.shape

    def flat(weights):
        return loss(weights[: k * d].reshape(k, d), weights[k * d :].reshape(d, k), X)

    at = torch.cat([W1.flatten(), W2.flatten()])
    curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(flat, at))
    return int((curvatures < -tolerance).sum()), int((curvatures.abs() <= tolerance).sum())


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_every_point_is_stationary_and_its_hessian_is_as_counted(k):
    X = with_spectrum(SPECTRUM)
    points = critical_points(X, k)
    assert len(points) == sum(math.comb(4, r) for r in range(k + 1))
    for point in points:
        for slope in gradients(point.W1, point.W2, X):
            assert slope.abs().max() < 1e-13 * 18
        kept_out = SPECTRUM.sum() - SPECTRUM[list(point.subset)].sum()
        assert point.loss == pytest.approx(kept_out, abs=1e-12)
        assert loss(point.W1, point.W2, X).item() == pytest.approx(kept_out, abs=1e-12)
        assert (point.index, point.nullity) == hessian_signs(point.W1, point.W2, X), point


@pytest.mark.parametrize(
    "values", [[4.0, 2.0, 2.0, 1.0], [4.0, 2.0, 0.0, 0.0], [3.0, 3.0, 3.0], [1.0, 0.0, 0.0]]
)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_ties_and_zero_eigenvalues_are_counted_as_flat(values, k):
    X = with_spectrum(np.array(values))
    for point in critical_points(X, k):
        assert (point.index, point.nullity) == hessian_signs(point.W1, point.W2, X), point


@settings(max_examples=15)
@given(st.integers(0, 10_000))
def test_the_index_does_not_depend_on_the_basis_of_the_code(seed):
    X = with_spectrum(SPECTRUM, seed)
    rng = np.random.default_rng(seed)
    C = torch.as_tensor(np.linalg.qr(rng.standard_normal((2, 2)))[0] * rng.uniform(0.5, 2, 2))
    points = critical_points(X, 2)
    point = points[seed % len(points)]
    W1, W2 = torch.linalg.inv(C) @ point.W1, point.W2 @ C
    assert hessian_signs(W1, W2, X)[0] == point.index


def test_only_the_top_subset_is_a_minimum():
    points = critical_points(with_spectrum(SPECTRUM), 2)
    assert [p.subset for p in points if p.kind == "minimum"] == [(0, 1)]
    assert points[0].subset == (0, 1)
    # By hand: swapping in either better axis for {1, 2} gives index 2, for {2, 3} it gives 2 x 2.
    assert {p.subset: p.index for p in points if len(p.subset) == 2} == {
        (0, 1): 0, (0, 2): 1, (0, 3): 2, (1, 2): 2, (1, 3): 3, (2, 3): 4,
    }  # fmt: skip


def test_data_that_is_zero_has_one_point():
    (point,) = critical_points(np.zeros((3, 5)), 2)
    assert (point.subset, point.loss, point.index, point.nullity) == ((), 0.0, 0, 12)


@pytest.mark.parametrize("k", [0, 4, -1, 1.5, True])
def test_a_width_out_of_range_is_refused(k):
    with pytest.raises(InputError, match=r"k=.*from 1 to the 3 features"):
        critical_points(np.ones((3, 2)), k)


def test_too_many_points_are_refused_before_they_are_computed():
    with pytest.raises(InputError, match="stationary points, more than 20000"):
        critical_points(np.random.default_rng(0).standard_normal((60, 80)), 10)
