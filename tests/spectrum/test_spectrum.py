"""Matrices with a known spectrum, comparison with scipy, and invariances.

Tolerance: operators here have at most 12 rows and entries of order 1, so backward errors are of
order 12 eps = 3e-15. Normal matrices get 1e-12; where eigenvalues are conditioned worse the test
says so.
"""

import math

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.spectrum import (
    eigenvalues,
    lyapunov_exponents,
    principal_angles,
    singular_values,
    spectral_radius,
)

TIGHT = 1e-12
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 12)


def close(actual, expected, tolerance=TIGHT):
    expected = torch.as_tensor(expected, dtype=actual.dtype)
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)


def gaussian(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape)


def orthogonal(seed, n):
    return np.linalg.qr(gaussian(seed, n, n))[0]


def rotation(angle, scale=1.0):
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    return torch.tensor([[c, -s], [s, c]], dtype=torch.float64)


# ------------------------------------------------------------------ eigenvalues, closed forms


@pytest.mark.parametrize("angle", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("scale", [0.9, 1.0, 1.1])
def test_a_scaled_rotation_has_a_conjugate_pair(angle, scale):
    values = eigenvalues(rotation(angle, scale))
    pair = [complex(math.cos(angle), sign * math.sin(angle)) * scale for sign in (1, -1)]
    close(values, pair)
    close(spectral_radius(rotation(angle, scale)), scale)


def test_a_triangular_matrix_shows_its_eigenvalues():
    """Distinct diagonal: LAPACK's QR iteration deflates a triangular matrix exactly."""
    W = torch.tensor([[0.5, 9.0, -7.0], [0.0, -2.0, 3.0], [0.0, 0.0, 1.0]])
    close(eigenvalues(W), [-2.0, 1.0, 0.5])


def test_a_nilpotent_matrix_has_radius_zero_whatever_its_norm():
    W = torch.diag(torch.full((4,), 100.0), diagonal=1)
    assert spectral_radius(W) == 0
    close(singular_values(W), [100.0] * 4 + [0.0])


def test_a_companion_matrix_has_the_roots_of_its_polynomial():
    """Roots 3, -2, 1, 1/2; well separated, condition numbers below 100."""
    roots = [3.0, -2.0, 1.0, 0.5]
    close(eigenvalues(scipy.linalg.companion(np.poly(roots))), roots, 1e-11)


@given(seeds, sizes)
def test_a_circulant_matrix_has_the_fourier_transform_of_its_column(seed, n):
    column = gaussian(seed, n)
    values = eigenvalues(scipy.linalg.circulant(column)).numpy()
    expected = np.fft.fft(column)
    # compared as sets: magnitudes may coincide
    distance = np.abs(values[:, None] - expected[None, :])
    assert distance.min(axis=0).max() < 1e-12 * (1 + n)
    assert distance.min(axis=1).max() < 1e-12 * (1 + n)
    close(spectral_radius(scipy.linalg.circulant(column)), np.abs(expected).max(), 1e-11)


def test_complex_input_is_accepted():
    close(eigenvalues(torch.diag(torch.tensor([1j, -3.0, 2.0]))), [-3.0, 2.0, 1j])


def test_single_precision_is_computed_in_double():
    W = torch.tensor([[1.0, 1e-4], [1e-4, 1.0]], dtype=torch.float32)
    small = float(W[0, 1])
    close(eigenvalues(W), [1 + small, 1 - small], 1e-15)


# ------------------------------------------------------------------ eigenvalues, properties


@given(seeds, sizes)
def test_order_trace_and_determinant(seed, n):
    W = gaussian(seed, n, n)
    values = eigenvalues(W)
    assert bool((values.abs().diff() <= 1e-12).all())
    assert abs(complex(values.sum()) - np.trace(W)) < 1e-11
    assert abs(complex(values.prod()) - np.linalg.det(W)) < 1e-9 * (1 + abs(np.linalg.det(W)))


@given(seeds, sizes)
def test_orthogonal_similarity_and_transposition_keep_a_symmetric_spectrum(seed, n):
    """Symmetric, so eigenvalues are perfectly conditioned (Weyl)."""
    W = gaussian(seed, n, n)
    W, Q = W + W.T, orthogonal(seed + 1, n)
    expected = sorted(np.linalg.eigvalsh(W))
    for similar in (W, Q @ W @ Q.T, Q.T @ W.T @ Q):
        ours = eigenvalues(similar)
        assert ours.imag.abs().max() < 1e-11
        close(ours.real.sort().values, expected, 1e-11)


@given(seeds, sizes)
def test_radius_is_below_every_singular_norm_and_scales(seed, n):
    W = gaussian(seed, n, n)
    radius = spectral_radius(W)
    assert radius <= singular_values(W)[0] + 1e-11
    close(spectral_radius(-2.5 * W), 2.5 * radius, 1e-10)


def test_batches_are_loops():
    W = torch.from_numpy(gaussian(0, 3, 2, 5, 5))
    for function in (eigenvalues, spectral_radius, singular_values):
        expected = torch.stack(
            [torch.stack([function(W[i, j]) for j in range(2)]) for i in range(3)]
        )
        close(function(W), expected)


# ------------------------------------------------------------------ singular values


def test_known_singular_values():
    close(singular_values(np.diag([-1.0, 5.0, 2.0])), [5.0, 2.0, 1.0])
    close(singular_values(orthogonal(0, 6)), [1.0] * 6)
    u, v = gaussian(1, 7), gaussian(2, 4)
    close(
        singular_values(np.outer(u, v)),
        [np.linalg.norm(u) * np.linalg.norm(v), 0.0, 0.0, 0.0],
    )


@given(seeds, sizes, sizes)
def test_singular_values_ignore_rotations_and_equal_scipy(seed, m, n):
    W = gaussian(seed, m, n)
    values = singular_values(W)
    close(values, scipy.linalg.svdvals(W))
    close(singular_values(orthogonal(seed + 1, m) @ W @ orthogonal(seed + 2, n)), values, 1e-11)
    close(values.square().sum(), (W**2).sum(), 1e-11)
    close(singular_values(W.T), values)


# ------------------------------------------------------------------ principal angles


@pytest.mark.parametrize("angle", [0.0, 1e-300, 1e-12, 1e-8, 1e-4, 0.7, 0.8, 1.5, math.pi / 2])
def test_two_lines_at_a_known_angle(angle):
    """Relative accuracy for tiny angles, where a cosine alone returns 0 below 1e-8."""
    line = [[1.0], [0.0]]
    turned = [[math.cos(angle)], [math.sin(angle)]]
    assert principal_angles(line, turned).item() == pytest.approx(angle, rel=1e-12, abs=0)


def test_planes_turned_by_two_known_angles():
    """span(e1, e2) against span(cos a e1 + sin a e3, cos b e2 + sin b e4)."""
    a, b = 1e-9, 1.2
    U = np.eye(4)[:, :2]
    V = np.array([[math.cos(a), 0], [0, math.cos(b)], [math.sin(a), 0], [0, math.sin(b)]])
    angles = principal_angles(U @ gaussian(0, 2, 2), V @ gaussian(1, 2, 2))
    # a general basis has rounding of order eps, absolutely
    close(angles, [a, b], 1e-14)


def test_a_subspace_of_the_other_has_angle_zero():
    V = gaussian(0, 8, 5)
    close(principal_angles(V @ gaussian(1, 5, 2), V), [0.0, 0.0], 1e-13)


@given(seeds)
def test_a_common_direction_has_angle_zero_beside_large_ones(seed):
    """Dimensions 2 + 5 in six dimensions share at least one direction."""
    angles = principal_angles(gaussian(seed, 6, 2), gaussian(seed + 1, 6, 5))
    assert angles[0] < 1e-13
    assert angles[1] > 1e-6


def test_orthogonal_complements_are_at_right_angles():
    Q = orthogonal(0, 7)
    close(principal_angles(Q[:, :3], Q[:, 3:]), [math.pi / 2] * 3, 1e-14)


@given(seeds, st.integers(1, 5), st.integers(1, 5), st.integers(5, 12))
def test_angles_equal_scipy(seed, p, q, n):
    """To 1e-7 only: scipy takes some small angles from cosines (2.6e-8 for a common direction)."""
    U, V = gaussian(seed, n, p), gaussian(seed + 1, n, q)
    close(principal_angles(U, V), np.sort(scipy.linalg.subspace_angles(U, V)), 1e-7)


@given(seeds, st.integers(1, 4), st.integers(1, 4), st.integers(5, 10))
def test_angles_depend_only_on_the_spaces(seed, p, q, n):
    U, V = gaussian(seed, n, p), gaussian(seed + 1, n, q)
    angles = principal_angles(U, V)
    assert bool((angles.diff() >= -1e-12).all())
    assert 0 <= angles.min() <= angles.max() <= math.pi / 2
    close(principal_angles(V, U), angles, 1e-10)
    Q = orthogonal(seed + 2, n)
    close(principal_angles(Q @ U, Q @ V), angles, 1e-10)
    mixing = orthogonal(seed + 3, p) @ np.diag(np.arange(1.0, p + 1))
    close(principal_angles(U @ mixing, V), angles, 1e-10)


def test_angles_of_a_batch_are_a_loop():
    U, V = gaussian(0, 3, 6, 2), gaussian(1, 3, 6, 4)
    close(
        principal_angles(U, V),
        torch.stack([principal_angles(*pair) for pair in zip(U, V, strict=True)]),
    )


# ------------------------------------------------------------------ Lyapunov exponents


def test_a_constant_diagonal_has_the_logs_of_its_entries():
    J = torch.diag(torch.tensor([0.5, -3.0, 1.0], dtype=torch.float64)).expand(50, 3, 3)
    close(lyapunov_exponents(J), [math.log(3), 0.0, -math.log(2)])


@given(seeds, st.integers(1, 6), st.integers(1, 30))
def test_orthogonal_factors_neither_grow_nor_shrink(seed, size, steps):
    J = np.stack([orthogonal(seed + t, size) for t in range(steps)])
    close(lyapunov_exponents(J), [0.0] * size)


@given(seeds, st.integers(1, 6), st.integers(1, 30))
def test_the_sum_is_the_mean_log_determinant(seed, size, steps):
    J = gaussian(seed, steps, size, size)
    expected = np.linalg.slogdet(J).logabsdet.mean()
    close(lyapunov_exponents(J).sum(), expected, 1e-9)


@given(seeds, st.integers(2, 6), st.integers(1, 40))
def test_triangular_factors_average_their_diagonals(seed, size, steps):
    """The QR factors of an upper triangular matrix are itself and the identity, up to signs."""
    J = np.triu(gaussian(seed, steps, size, size))
    expected = np.sort(np.log(np.abs(np.diagonal(J, axis1=1, axis2=2))).mean(axis=0))[::-1]
    close(lyapunov_exponents(J), expected.copy(), 1e-9)


def test_the_cat_map():
    """Arnold's cat map [[2, 1], [1, 1]]: +-log((3 + sqrt 5) / 2), approached as 1/T."""
    J = torch.tensor([[2.0, 1.0], [1.0, 1.0]]).expand(4000, 2, 2)
    exponent = math.log((3 + math.sqrt(5)) / 2)
    close(lyapunov_exponents(J), [exponent, -exponent], 1 / 4000)


def test_many_steps_neither_overflow_nor_lose_the_small_direction():
    """1000 factors diag(1e3, 1e-3) in rotating bases: the product would be 1e3000."""
    Q = [orthogonal(t, 2) for t in range(1001)]
    J = np.stack([Q[t + 1] @ np.diag([1e3, 1e-3]) @ Q[t].T for t in range(1000)])
    close(lyapunov_exponents(J), [math.log(1e3), math.log(1e-3)], 0.02)


def test_factors_come_first_to_last():
    """|J_2 J_1 e_1|: with one singular factor the result depends on the order."""
    first = np.array([[1.0, 0.0], [0.0, 2.0]])
    second = np.array([[0.0, 3.0], [1.0, 0.0]])
    third = np.array([[5.0, 7.0], [0.0, 1.0]])
    Q, R1 = np.linalg.qr(first)
    Q, R2 = np.linalg.qr(second @ Q)
    Q, R3 = np.linalg.qr(third @ Q)
    growth = sum(np.log(np.abs(np.diag(R))) for R in (R1, R2, R3)) / 3
    ours = lyapunov_exponents(np.stack([first, second, third]))
    close(ours, np.sort(growth)[::-1].copy())
    reverse = lyapunov_exponents(np.stack([third, second, first]))
    assert not torch.allclose(ours, reverse, atol=1e-3)


def test_a_singular_factor_gives_minus_infinity():
    J = np.stack([np.eye(2), np.diag([1.0, 0.0]), np.eye(2)])
    assert lyapunov_exponents(J).tolist() == [0.0, -math.inf]


def test_exponents_of_a_batch_are_a_loop():
    J = gaussian(0, 3, 7, 4, 4)
    close(lyapunov_exponents(J), torch.stack([lyapunov_exponents(part) for part in J]))


# ------------------------------------------------------------------ faults


SQUARE = {"eigenvalues": eigenvalues, "spectral_radius": spectral_radius}
ALL = {
    **SQUARE,
    "singular_values": singular_values,
    "principal_angles": lambda W: principal_angles(W, np.eye(3)),
    "lyapunov_exponents": lambda W: lyapunov_exponents([W, W]),
}


@pytest.mark.parametrize("function", ALL.values(), ids=ALL)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_non_finite_entries_are_refused(function, bad):
    W = np.eye(3)
    W[1, 2] = bad
    with pytest.raises(InputError, match=r"^\w+ holds \d NaN or infinite entries"):
        function(W)


@pytest.mark.parametrize("function", [*SQUARE.values(), lambda W: lyapunov_exponents([W])])
def test_non_square_is_refused(function):
    with pytest.raises(InputError, match=r"has shape .*2, 3\); its last two axes must be equal"):
        function(np.ones((2, 3)))


@pytest.mark.parametrize("function", [*SQUARE.values(), singular_values, lyapunov_exponents])
@pytest.mark.parametrize("empty", [np.zeros((0, 0)), np.zeros((0, 2, 2)), np.ones(3), 5.0])
def test_empty_and_flat_input_is_refused(function, empty):
    with pytest.raises(InputError, match="with no empty axis"):
        function(empty)


def test_a_single_matrix_is_refused_as_a_sequence_of_jacobians():
    with pytest.raises(InputError, match=r"shape \(2, 2\), expected \(\.\.\., steps, size, size\)"):
        lyapunov_exponents(np.eye(2))


def test_input_that_is_not_numbers_is_refused():
    with pytest.raises(InputError, match="W is not an array of numbers: str"):
        eigenvalues("W")


def test_angles_need_a_common_space_and_independent_columns():
    with pytest.raises(InputError, match="vectors of 3 and 4 entries"):
        principal_angles(np.eye(3), np.eye(4))
    with pytest.raises(InputError, match=r"V has shape \(3, 2\) but rank 1"):
        principal_angles(np.eye(3), np.ones((3, 2)))
    with pytest.raises(InputError, match=r"U has shape \(2, 3\) but rank 2"):
        principal_angles(gaussian(0, 2, 3), np.eye(2))


def test_gradients_flow_through():
    """d|lambda| / dW of a symmetric matrix is +-v v^T for its top eigenvector v."""
    W = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64, requires_grad=True)
    spectral_radius(W).backward()
    close(W.grad, np.full((2, 2), 0.5))
