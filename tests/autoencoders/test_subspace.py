import math

import numpy as np
import pytest
import torch

from eigenlab.autoencoders import attainable_accuracy, subspace_data
from eigenlab.errors import InputError


def test_subspace_data_has_its_covariance_and_balanced_labels():
    data = subspace_data(20_000, seed=1)
    values = torch.linalg.eigvalsh(torch.cov(data.train.x.T)).flip(0)
    assert values[:20].mean().item() == pytest.approx(10, rel=0.02)
    assert values[20:].mean().item() == pytest.approx(1, rel=0.02)
    assert [len(part.x) for part in data[:3]] == [14_000, 4_000, 2_000]
    assert data.train.y.double().mean().item() == pytest.approx(0.5, abs=0.02)
    assert (data.discarded(5), data.discarded(20), data.discarded(100)) == (230, 80, 0)


def test_no_single_feature_determines_the_label():
    """Rotated: no single feature correlates with the label as the hidden sum does (0.8)."""
    data = subspace_data(20_000, seed=1).train
    both = torch.cat([data.x, data.y[:, None].float()], 1).T
    assert torch.corrcoef(both)[-1, :-1].abs().max() < 0.5


def test_attainable_accuracy_in_closed_form():
    """In the plane arccos(rho) is uniform on [0, pi/2]; in space rho is uniform on [0, 1].

    So the means are 1 - 1/4 and 1 - (integral of arccos over [0, 1]) / pi = 1 - 1/pi.
    """
    assert attainable_accuracy(1, 2) == pytest.approx(3 / 4)
    assert attainable_accuracy(1, 2, quantile=0.1) == pytest.approx(0.55)
    assert attainable_accuracy(1, 3) == pytest.approx(1 - 1 / math.pi)
    assert attainable_accuracy(20) == attainable_accuracy(100) == 1


def test_attainable_accuracy_is_that_of_random_subspaces():
    rng = np.random.default_rng(0)
    bases = np.linalg.qr(rng.standard_normal((4000, 20, 5)))[0]
    rho = np.linalg.norm(bases[:, 0], axis=1)
    drawn = (1 - np.arccos(rho) / np.pi).mean()
    assert attainable_accuracy(5) == pytest.approx(drawn, abs=0.003)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: subspace_data(100, 5, 6), "n_signal=6"),
        (lambda: attainable_accuracy(0), "k=0"),
        (lambda: attainable_accuracy(2, quantile=1), "quantile=1"),
    ],
)
def test_invalid_arguments_are_refused(make, match):
    with pytest.raises(InputError, match=match):
        make()
