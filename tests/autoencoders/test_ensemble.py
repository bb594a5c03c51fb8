import pytest
import torch
from torch import nn

from eigenlab.autoencoders import AutoencoderEmbedding, Mask, Member, fit, train_ensemble
from eigenlab.errors import InputError
from eigenlab.training import TrainingDiverged, generator

X = torch.randn(150, 8, generator=generator(0, "test"), dtype=torch.float64)
MEMBERS = [
    Member(kind, sizes, seed)
    for kind in ("vanilla", "denoising", "masked")
    for sizes in ((3,), (12,), (6, 2))
    for seed in (0, 7)
]


@pytest.mark.parametrize("activation_cls", [nn.ReLU, nn.Tanh])
def test_every_member_gets_the_result_of_training_alone(activation_cls):
    """Only the order of additions differs: 1e-10 after 3 epochs with a short last batch."""
    models = train_ensemble(X, MEMBERS, n_epochs=3, batch_size=32, activation_cls=activation_cls)
    for member, model in zip(MEMBERS, models, strict=True):
        alone = member.build(8, activation_cls=activation_cls).double()
        start = {name: value.clone() for name, value in alone.state_dict().items()}
        fit(alone, X, n_epochs=3, batch_size=32, seed=member.seed)
        for name, value in model.state_dict().items():
            torch.testing.assert_close(value, alone.state_dict()[name], atol=1e-10, rtol=0)
            assert not torch.equal(value, start[name])


def test_models_hold_the_current_weights_after_each_epoch():
    seen = []
    models = train_ensemble(
        X,
        MEMBERS[:2],
        n_epochs=2,
        on_epoch=lambda epoch, models: seen.append((epoch, models[0](X).sum().item())),
    )
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert seen[0][1] != seen[1][1] == models[0](X).sum().item()


def test_without_epochs_the_models_are_as_built():
    model = train_ensemble(X, MEMBERS[:1], n_epochs=0)[0]
    assert torch.equal(model.encoder[0].weight, MEMBERS[0].build(8).double().encoder[0].weight)


def test_a_model_keeps_its_own_weights_only():
    models = train_ensemble(X, MEMBERS, n_epochs=1)
    for weight in models[0].parameters():
        assert weight.untyped_storage().nbytes() == weight.numel() * weight.element_size()


def test_each_kind_uses_its_own_setting():
    built = Member("masked", (2,)).build(8, noise_std=0.1, mask_prob=0.9)
    assert built.corruption == Mask(0.9)


def test_invalid_arguments_are_refused():
    with pytest.raises(InputError, match=r"'maskd' is unknown \(did you mean 'masked'"):
        train_ensemble(X, [Member("maskd", (2,))], n_epochs=1)
    with pytest.raises(InputError, match="members is empty"):
        train_ensemble(X, [], n_epochs=1)
    with pytest.raises(InputError, match="NaN"):
        train_ensemble(X * torch.nan, MEMBERS, n_epochs=1)
    with pytest.raises(InputError, match="x is a ndarray, expected a tensor"):
        train_ensemble(X.numpy(), MEMBERS, n_epochs=1)
    with pytest.raises(
        InputError, match=r"x has shape \(\); expected \(n_samples >= 1, features\)"
    ):
        train_ensemble(X.sum(), MEMBERS, n_epochs=1)
    with pytest.raises(InputError, match="n_epochs=-3"):
        train_ensemble(X, MEMBERS, n_epochs=-3)
    with pytest.raises(InputError, match=r"n_epochs=1\.5 must be a whole"):
        train_ensemble(X, MEMBERS, n_epochs=1.5)
    with pytest.raises(InputError, match=r"torch\.int64; give floating-point"):
        train_ensemble(X.long(), MEMBERS, n_epochs=1)
    with pytest.raises(
        InputError, match=r"x is torch\.float64, the model's weights are torch\.float32"
    ):
        fit(MEMBERS[0].build(8), X, n_epochs=1)


def test_divergence_is_reported():
    """Float32, three hidden layers: weights near 1e6 overflow when multiplied."""
    x, member, how = X.float(), Member("vanilla", (8, 8, 2), 3), {"n_epochs": 30}
    with pytest.raises(TrainingDiverged, match="training diverged: the loss"):
        fit(member.build(8), x, learning_rate=1e6, **how)
    with pytest.raises(TrainingDiverged, match=r"seed=3\) diverged"):
        train_ensemble(x, [Member("vanilla", (2,)), member], learning_rate=1e6, **how)
    embedding = AutoencoderEmbedding(
        2, hidden_sizes=(8, 8), learning_rate=1e6, random_state=3, **how
    )
    with pytest.raises(TrainingDiverged, match="training diverged: the loss"):
        embedding.fit(x.numpy())
