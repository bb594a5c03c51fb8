import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.training import TrainingDiverged
from eigenlab.training.replay import Replay
from eigenlab.vision import PreparedTraining, Recipe, shapes32, train_cifar10

SMALL = Recipe(width=8, epochs=2, batch_size=50, precision="float32")


@pytest.fixture(scope="module")
def data():
    return shapes32(400, seed=0), shapes32(60, seed=1)


def weights(found):
    return torch.cat([p.detach().flatten() for p in found.model.parameters()])


@pytest.mark.parametrize(
    "tricks",
    [
        {},
        {"low_resolution": 0.4, "low_size": 16, "freeze": 0.6},
        {"brightness": 0.1, "contrast": 0.1, "whitening_share": 0.1, "activation": "silu"},
        {"hard_share": 0.5, "cutout": 4, "flip": "random"},
        {"network": "resnet9", "ghost_size": 25, "head_learning_rate": 0.1},
        {"tta": "none"},
        {"tta_below": 0.5},
    ],
    ids=lambda tricks: "-".join(tricks) or "none",
)
def test_a_prepared_training_is_the_plain_one(data, tricks):
    # After a few updates the two still differ by rounding alone.
    rates = {"bias_learning_rate": 1.0, "head_learning_rate": 2.0, "learning_rate": 0.1}
    recipe = SMALL.replaced(epochs=0.5, **{**rates, **tricks})
    prepared = PreparedTraining(recipe, *data, device="cpu")
    plain = {seed: train_cifar10(recipe, *data, seed=seed) for seed in (0, 5)}
    for seed in (0, 5, 0):
        found, expected = prepared(seed), plain[seed]
        assert torch.allclose(weights(found), weights(expected), rtol=1e-3, atol=5e-4)
        assert found.n_seen == expected.n_seen
        assert torch.allclose(
            found.judgement.logits, expected.judgement.logits, rtol=1e-3, atol=1e-3
        )
        assert found.plain_accuracy == pytest.approx(expected.plain_accuracy, abs=0.01)


def test_the_same_seed_gives_the_same_network(data):
    prepared = PreparedTraining(SMALL, *data, device="cpu")
    first, _, again = prepared(1), prepared(2), prepared(1)
    assert torch.equal(weights(first), weights(again))
    assert first.accuracy == again.accuracy


def test_what_cannot_be_prepared(data):
    with pytest.raises(InputError, match=r"optimizer='sgd'.*micro_batch_size=5.*average=0\.9"):
        PreparedTraining(
            SMALL.replaced(optimizer="sgd", micro_batch_size=5, average=0.9), *data, device="cpu"
        )
    train = data[0]
    small = type(train)(train.images[:, :16, :16], train.labels, train.classes)
    with pytest.raises(InputError, match=r"\(16, 16\)"):
        PreparedTraining(SMALL, train, small, device="cpu")


def test_a_loss_that_is_not_finite_is_said(data):
    prepared = PreparedTraining(SMALL.replaced(head_learning_rate=1e38), *data, device="cpu")
    with pytest.raises(TrainingDiverged, match="lower the learning rates"):
        prepared()


def test_a_replay_on_a_cpu_calls_the_function_once_a_call():
    calls = []
    replay = Replay(lambda: calls.append(0), torch.device("cpu"))
    replay()
    replay()
    assert len(calls) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_replay_on_a_gpu_reads_its_inputs_anew():
    x = torch.zeros(3, device="cuda")
    replay = Replay(lambda: x.square() + 1, x.device)
    for value in (2.0, 3.0):
        x.fill_(value)
        assert replay().tolist() == [value**2 + 1] * 3
