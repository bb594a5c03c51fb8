import math
from functools import partial

import pytest
import torch
from torch import nn

from eigenlab.autoencoders import (
    Autoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    MaskedAutoencoder,
    fit,
    subspace_data,
)
from eigenlab.errors import Cancelled, InputError
from eigenlab.reporter import Reporter
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


@pytest.mark.parametrize(
    "make",
    [
        partial(Autoencoder, 4, [3, 2]),
        partial(DenoisingAutoencoder, 4, [3, 2]),
        partial(MaskedAutoencoder, 4, [3, 2]),
        partial(ConvolutionalAutoencoder, (2, 2), [2], channels=(3,)),
    ],
)
def test_dtype_and_device_are_those_asked_for(make):
    x = torch.rand(2, 4, dtype=torch.float64)
    assert make(dtype=torch.float64)(x).dtype == torch.float64
    assert {weight.dtype for weight in make().parameters()} == {torch.float32}
    assert {weight.device.type for weight in make(device="meta").parameters()} == {"meta"}


def test_the_loss_sums_over_features_and_averages_over_samples():
    x, x_hat = torch.zeros(2, 3), torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    assert Autoencoder(3, [1]).loss(x, x_hat).item() == (5 + 9) / 2


@pytest.mark.parametrize("cls", [DenoisingAutoencoder, MaskedAutoencoder])
def test_only_the_input_of_the_encoder_is_corrupted(cls):
    """The objective compares with the clean x, and forward() corrupts nothing."""
    model, x = cls(4, [3], generator=generator(1)), torch.rand(9, 4, generator=generator(2))
    seen = model.corrupt(x, generator(3))
    assert not torch.equal(seen, x)
    expected = (x - model.decoder(model.encoder(seen))).square().sum(1).mean()
    torch.testing.assert_close(model.get_loss(x, generator(3)), expected)
    torch.testing.assert_close(model(x), model.decoder(model.encoder(x)))


def test_results_depend_on_the_generators_only():
    x = torch.randn(70, 6, generator=generator(5))

    def trained(seed):
        model = DenoisingAutoencoder(6, [4, 2], generator=generator(seed))
        return fit(model, x, n_epochs=2, seed=seed), model.state_dict()

    torch.manual_seed(1)
    first = trained(0)
    torch.manual_seed(2)
    again, other = trained(0), trained(1)
    assert first[0] == again[0] != other[0]
    assert all(torch.equal(first[1][name], again[1][name]) for name in first[1])


@pytest.mark.parametrize("cls", [Autoencoder, DenoisingAutoencoder])
def test_fit_is_a_loop_of_single_steps(cls):
    """Bit for bit: orders and corruption are drawn by the documented generators."""
    x = torch.randn(70, 6, generator=generator(5))
    model, alone = (cls(6, [4, 2], generator=generator(1)) for _ in range(2))
    losses = fit(model, x, n_epochs=3, batch_size=32, seed=2)
    optimizer = torch.optim.Adam(alone.parameters(), 1e-3, fused=True)
    for epoch in range(3):
        noise, total = generator(2, "corruption", epoch), torch.zeros(())
        for batch in torch.randperm(70, generator=generator(2, "order", epoch)).split(32):
            total += len(batch) * alone.train_step(x[batch], optimizer, noise)
        assert losses[epoch] == total.item() / 70
    for value, expected in zip(model.parameters(), alone.parameters(), strict=True):
        assert torch.equal(value, expected)


def test_an_overridden_objective_is_minimised():
    class Constant(Autoencoder):
        def get_loss(self, x, generator=None):
            return 0 * super().get_loss(x, generator) + 3

    assert fit(Constant(6, [2]), torch.ones(5, 6), n_epochs=2) == [3, 3]


def test_cancelling_stops_between_two_updates():
    class Canceller(Reporter):
        def progress(self, done, total, message=""):
            seen.append((done, total))
            self.cancel()

    seen = []
    with pytest.raises(Cancelled, match="after step 2 of 6"):
        fit(Autoencoder(6, [2]), torch.ones(5, 6), n_epochs=3, batch_size=3, reporter=Canceller())
    assert seen == [(1, 3)]


def test_a_probe_can_be_trained_after_an_epoch():
    seen = []

    def probe(epoch):
        weight = torch.ones(1, requires_grad=True)
        (2 * weight).sum().backward()
        seen.append((epoch, weight.grad.item()))

    fit(Autoencoder(6, [2]), torch.ones(5, 6), n_epochs=2, on_epoch=probe)
    assert seen == [(1, 2), (2, 2)]


def test_a_linear_autoencoder_approaches_the_loss_of_pca():
    """Baldi and Hornik: the best loss is the discarded variance of the sample (uncentred here
    up to the decoder's bias, hence the centred eigenvalues)."""
    x = subspace_data(2000, 10, 2, seed=3).train.x
    pca_loss = torch.linalg.eigvalsh(torch.cov(x.T, correction=0))[:-2].sum().item()
    model = Autoencoder(10, [2], generator=generator(0))
    fit(model, x, n_epochs=30, learning_rate=5e-3)
    fit(model, x, n_epochs=5, learning_rate=2e-4)
    loss = model.loss(x, model(x)).item()
    assert pca_loss <= loss < 1.01 * pca_loss


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Autoencoder(0, [2]), "input_size=0"),
        (lambda: Autoencoder(3, []), "at least one hidden size"),
        (lambda: Autoencoder(3, [2.0]), "positive integers"),
        (lambda: DenoisingAutoencoder(3, [2], noise_std=-1), "noise_std=-1"),
        (lambda: MaskedAutoencoder(3, [2], mask_prob=1.5), "mask_prob=1.5"),
        (lambda: Autoencoder(3, [2]).encode(torch.zeros(1, 4)), "x has 4 features"),
        (lambda: fit(Autoencoder(3, [2]), torch.zeros(0, 3), n_epochs=1), "n_samples >= 1"),
        (lambda: fit(Autoencoder(3, [2]), torch.full((2, 3), math.nan), n_epochs=1), "NaN"),
        (lambda: fit(Autoencoder(3, [2]), torch.zeros(2, 3), n_epochs=0), "n_epochs=0"),
    ],
)
def test_invalid_arguments_are_refused(make, match):
    with pytest.raises(InputError, match=match):
        make()
