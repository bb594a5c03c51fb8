import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.linear import gaussian_factors, samples_with_spectrum
from eigenlab.training import generator


def test_the_samples_have_the_spectrum_that_was_given():
    wanted = torch.tensor([4.0, 2.0, 0.5], dtype=torch.float64)
    X = samples_with_spectrum(wanted, 10, generator=generator(0))
    found = torch.linalg.eigvalsh(X @ X.T / 10).flip(0)
    torch.testing.assert_close(found, wanted)


def test_fewer_samples_than_eigenvalues_are_refused():
    with pytest.raises(InputError, match="n_samples=2 is less than the number of eigenvalues, 3"):
        samples_with_spectrum(torch.ones(3, dtype=torch.float64), 2, generator=generator(0))


def test_gaussian_factors_have_the_standard_deviation():
    W1, W2 = gaussian_factors(40, 50, std=0.1, generator=generator(0))
    assert (W1.std().item(), W2.std().item()) == pytest.approx((0.1, 0.1), rel=0.1)
    assert not torch.equal(W1, W2.T)
