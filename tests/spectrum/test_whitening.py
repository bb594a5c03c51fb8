import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.spectrum import (
    orthogonalization_coefficients,
    orthogonalization_error,
    orthogonalize,
    whitening,
)


def correlated(n: int = 4000) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    mixing = torch.randn(5, 5, generator=random, dtype=torch.float64)
    return torch.randn(n, 5, generator=random, dtype=torch.float64) @ mixing + 3.0


def test_whitened_samples_have_unit_covariance():
    x = correlated()
    white = whitening(x)(x)
    assert white.mean(0).abs().max() < 1e-12
    assert torch.allclose(white.T @ white / len(x), torch.eye(5, dtype=torch.float64), atol=1e-10)


def test_eigenpairs_agree_with_numpy_and_are_descending():
    x = correlated()
    found = whitening(x.numpy())
    covariance = np.cov(x.numpy(), rowvar=False, bias=True)
    assert np.allclose(found.values, np.linalg.eigvalsh(covariance)[::-1], rtol=1e-10)
    rebuilt = found.vectors @ torch.diag(found.values) @ found.vectors.T
    assert np.allclose(rebuilt, covariance, rtol=0, atol=1e-10)
    assert bool((found.vectors.gather(0, found.vectors.abs().argmax(0, keepdim=True)) > 0).all())


def test_zca_is_the_inverse_square_root():
    x = correlated()
    found = whitening(x)
    covariance = torch.cov(x.T, correction=0)
    assert torch.allclose(
        found.zca @ found.zca @ covariance, torch.eye(5, dtype=torch.float64), atol=1e-9
    )
    assert torch.allclose(found.zca, found.zca.T, atol=1e-12)


def test_eps_and_center():
    x = correlated()
    found = whitening(x, eps=0.5, center=False)
    second_moment = x.T @ x / len(x)
    values, vectors = torch.linalg.eigh(second_moment)
    expected = vectors.flip(1) / (values.flip(0) + 0.5).sqrt()
    assert torch.allclose(found.matrix.T.abs(), expected.abs(), atol=1e-9)
    assert bool((found.mean == 0).all())


def test_blocks_of_rows_do_not_matter(monkeypatch):
    x = correlated()
    whole = whitening(x)
    monkeypatch.setattr("eigenlab.spectrum.covariance.ROWS", 7)
    assert torch.allclose(whitening(x).matrix, whole.matrix, rtol=1e-10)


@pytest.mark.parametrize(
    ("samples", "options", "said"),
    [
        (torch.zeros(3), {}, "shape"),
        ([["a", "b"]], {}, "not an array of numbers"),
        (torch.zeros(0, 3), {}, "shape"),
        (torch.tensor([[1.0, float("nan")], [0.0, 1.0]]), {}, "NaN"),
        (torch.randn(10, 2).repeat(1, 2), {}, "2 of 4 directions"),
        (torch.randn(10, 2), {"eps": -1.0}, "eps"),
        (torch.randn(10, 2), {"eps": float("nan")}, "eps"),
    ],
)
def test_whitening_refuses(samples, options, said):
    with pytest.raises(InputError, match=said):
        whitening(samples, **options)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 7, 2)])
def test_without_steps_it_is_the_polar_factor(shape):
    matrix = torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = orthogonalize(matrix)
    # The polar factor Q makes Q^T M symmetric and positive semidefinite: M = Q (M^T M)^(1/2).
    gram = found.mT @ found if shape[-2] >= shape[-1] else found @ found.mT
    assert torch.allclose(gram, torch.eye(gram.shape[-1], dtype=torch.float64), atol=1e-12)
    other = found.mT @ matrix if shape[-2] >= shape[-1] else matrix @ found.mT
    assert torch.allclose(other, other.mT, atol=1e-12)
    assert bool((torch.linalg.eigvalsh(other) > -1e-12).all())


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8])
def test_iterations_keep_their_bound_for_every_singular_value(steps):
    lower = 1e-3
    values = torch.logspace(-3, 0, 40, dtype=torch.float64)
    values = values / values.norm()
    values = values[values > lower]
    random = torch.Generator().manual_seed(2)
    left = torch.linalg.qr(torch.randn(60, len(values), generator=random, dtype=torch.float64))[0]
    right = torch.linalg.qr(torch.randn(50, len(values), generator=random, dtype=torch.float64))[0]
    matrix = left @ torch.diag(values) @ right.T
    found = orthogonalize(matrix, steps=steps, lower=lower)
    coordinates = left.T @ found @ right  # singular vectors are kept
    off_diagonal = coordinates - torch.diag(coordinates.diagonal())
    assert off_diagonal.abs().max() < 1e-10
    error = orthogonalization_error(steps, lower)
    assert (coordinates.diagonal() - 1).abs().max() <= error + 1e-12
    exact = orthogonalize(matrix)
    assert torch.linalg.matrix_norm(found - exact, 2) <= error + 1e-10


def test_the_polynomials_alternate_four_times():
    # Chebyshev: an odd quintic, three coefficients, is the best one if its error alternates at
    # four points.
    (a, b, c), *_ = orthogonalization_coefficients(1, 0.01)
    x = np.linspace(0.01, 1, 200_001)
    error = 1 - (a * x + b * x**3 + c * x**5)
    worst = orthogonalization_error(1, 0.01)
    touched = np.flatnonzero(np.abs(np.abs(error) - worst) < 1e-7)
    signs = np.sign(error[touched])
    assert np.abs(error).max() == pytest.approx(worst, rel=1e-9)
    assert 1 + np.count_nonzero(np.diff(signs)) == 4


def test_more_steps_converge_and_beat_fixed_coefficients():
    errors = [orthogonalization_error(steps) for steps in range(1, 9)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-12

    def fixed(x: np.ndarray) -> np.ndarray:  # the coefficients of Muon's first publication
        for _ in range(5):
            x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
        return x

    assert errors[4] < np.abs(fixed(np.linspace(1e-3, 1, 10_001)) - 1).max() / 2


def test_zero_small_and_low_precision_matrices():
    assert bool((orthogonalize(torch.zeros(3, 2), steps=3) == 0).all())
    assert bool((orthogonalize(torch.zeros(3, 2)) == 0).all())
    tiny = torch.eye(3) * 1e-30
    assert torch.allclose(orthogonalize(tiny, steps=8), torch.eye(3), atol=1e-5)
    matrix = torch.randn(64, 128, generator=torch.Generator().manual_seed(3))
    low = orthogonalize(matrix.bfloat16(), steps=6)
    assert low.dtype == torch.bfloat16
    assert (torch.linalg.svdvals(low.float()) - 1).abs().max() < 0.15
    rank_one = torch.ones(3, 3)
    assert torch.allclose(orthogonalize(rank_one), rank_one / 3, atol=1e-6)


@pytest.mark.parametrize(
    ("matrix", "options", "said"),
    [
        (torch.zeros(3), {}, "shape"),
        (torch.zeros(3, 3, dtype=torch.long), {}, "floating"),
        ([[1.0]], {}, "list"),
        (torch.eye(2), {"steps": 0}, "steps"),
        (torch.eye(2), {"steps": 1, "lower": 1.0}, "lower"),
    ],
)
def test_orthogonalize_refuses(matrix, options, said):
    with pytest.raises(InputError, match=said):
        orthogonalize(matrix, **options)
