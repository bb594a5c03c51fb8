import math

import pytest
import torch
from torch import nn

from eigenlab.autoencoders import (
    Autoencoder,
    DenoisingAutoencoder,
    MaskedAutoencoder,
    fit,
    subspace_data,
)
from eigenlab.errors import InputError
from eigenlab.training import generator


def test_layers_mirror_each_other_and_end_without_activation():
    model = Autoencoder(7, [5, 3], nn.Tanh)
    assert [type(layer) for layer in model.encoder] == [nn.Linear, nn.Tanh, nn.Linear]
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert shapes == {
        "encoder.0.weight": (5, 7), "encoder.0.bias": (5,),
        "encoder.2.weight": (3, 5), "encoder.2.bias": (3,),
        "decoder.0.weight": (5, 3), "decoder.0.bias": (5,),
        "decoder.2.weight": (7, 5), "decoder.2.bias": (7,),
    }  # fmt: skip


def test_the_loss_sums_over_features_and_averages_over_samples():
    x, x_hat = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    assert Autoencoder(3, [1]).loss(x, x_hat).item() == (5 + 9) / 2


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, MaskedAutoencoder])
def test_only_the_encoder_sees_the_corruption(cls):
    """The objective compares with the clean x, and forward() corrupts nothing."""
    model, x = cls(4, [3], generator=generator(1)), torch.rand(9, 4, generator=generator(2))
    seen = model.corrupt(x, generator(3))
    assert not torch.equal(seen, x)
    expected = (x - model.decoder(model.encoder(seen))).square().sum(1).mean()
    torch.testing.assert_close(model.get_loss(x, generator(3)), expected)
    torch.testing.assert_close(model(x), model.decoder(model.encoder(x)))


def test_generators_decide_every_number():
    x = torch.randn(70, 6, generator=generator(5))

    def trained(seed):
        model = DenoisingAutoencoder(6, [4, 2], generator=generator(seed))
        return fit(model, x, epochs=2, seed=seed), model.state_dict()

    torch.manual_seed(1)
    first = trained(0)
    torch.manual_seed(2)
    again, other = trained(0), trained(1)
    assert first[0] == again[0] != other[0]
    assert all(torch.equal(first[1][name], again[1][name]) for name in first[1])


def test_a_linear_autoencoder_approaches_the_pca_floor():
    """Baldi and Hornik: the best loss is the discarded variance of the sample (uncentred here
    up to the decoder's bias, hence the centred eigenvalues)."""
    x = subspace_data(2000, 10, 2, seed=3).train.x
    floor = torch.linalg.eigvalsh(torch.cov(x.T, correction=0))[:-2].sum().item()
    model = Autoencoder(10, [2], generator=generator(0))
    fit(model, x, epochs=30, learning_rate=5e-3)
    fit(model, x, epochs=5, learning_rate=2e-4)
    loss = model.loss(x, model(x)).item()
    assert floor <= loss < 1.01 * floor


def test_subspace_data_has_its_covariance_and_balanced_labels():
    data = subspace_data(20_000, seed=1)
    values = torch.linalg.eigvalsh(torch.cov(data.train.x.T)).flip(0)
    assert values[:20].mean().item() == pytest.approx(10, rel=0.02)
    assert values[20:].mean().item() == pytest.approx(1, rel=0.02)
    assert [len(part.x) for part in data[:3]] == [14_000, 4_000, 2_000]
    assert data.train.y.double().mean().item() == pytest.approx(0.5, abs=0.02)
    assert (data.discarded(5), data.discarded(20), data.discarded(100)) == (230, 80, 0)


def test_every_sample_has_another_label_direction_than_any_feature():
    """Rotated: no single feature correlates with the label as the hidden sum does (0.8)."""
    data = subspace_data(20_000, seed=1).train
    both = torch.cat([data.x, data.y[:, None].float()], 1).T
    assert torch.corrcoef(both)[-1, :-1].abs().max() < 0.5


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Autoencoder(0, [2]), "input_size=0"),
        (lambda: Autoencoder(3, []), "at least one hidden size"),
        (lambda: Autoencoder(3, [2.0]), "positive integers"),
        (lambda: DenoisingAutoencoder(3, [2], noise_std=-1), "noise_std=-1"),
        (lambda: MaskedAutoencoder(3, [2], mask_prob=1.5), "mask_prob=1.5"),
        (lambda: Autoencoder(3, [2]).encode(torch.zeros(1, 4)), "x has 4 features"),
        (lambda: fit(Autoencoder(3, [2]), torch.zeros(0, 3), epochs=1), "n_samples >= 1"),
        (lambda: fit(Autoencoder(3, [2]), torch.full((2, 3), math.nan), epochs=1), "NaN"),
        (lambda: fit(Autoencoder(3, [2]), torch.zeros(2, 3), epochs=0), "epochs=0"),
        (lambda: subspace_data(100, 5, 6), "n_signal=6"),
    ],
)
def test_mistakes_are_named(make, match):
    with pytest.raises(InputError, match=match):
        make()
