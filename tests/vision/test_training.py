import functools
import itertools
import math
import shutil

import pytest
import torch

from eigenlab.errors import Cancelled, InputError
from eigenlab.reporter import Reporter
from eigenlab.training import train
from eigenlab.vision import (
    ImageClassifier,
    ImageDataset,
    Judgement,
    Recipe,
    ladder,
    normalize,
    predict_logits,
    shapes32,
    speed,
    summarize_runs,
    train_cifar10,
)
from eigenlab.vision import training as module
from eigenlab.vision.single_run import SingleRun
from eigenlab.vision.trainee import Trainee

pytestmark = pytest.mark.slow

SMALL = Recipe(width=8, epochs=3, batch_size=50, precision="float32")


@functools.cache
def data():
    return shapes32(400, seed=0), shapes32(100, seed=1)


def weights(found):
    return torch.cat([p.detach().flatten() for p in found.model.parameters()])


def test_it_learns():
    train_data, test_data = shapes32(2000, seed=0), shapes32(300, seed=1)
    recipe = SMALL.replaced(width=16, epochs=5, batch_size=100)
    found = train_cifar10(recipe, train_data, test_data)
    assert found.accuracy > 0.5
    assert found.n_seen == 10_000
    assert found.accuracy == Judgement(found.judgement.logits, test_data.labels).accuracy


TRICKS = [
    {},
    {"network": "resnet18", "optimizer": "sgd"},
    {"network": "resnet9", "optimizer": "sgd", "whitening": False, "pool": "last"},
    {"network": "resnet9", "activation": "celu", "ghost_size": 10, "frozen_scales": True},
    {"average": 0.9},
    {"low_resolution": 0.5, "low_size": 16},
    {"freeze": 0.5},
    {"hard_share": 0.5},
    {"micro_batch_size": 20},
    {"cutout": 5, "flip": "random", "translate": 0},
    {"precision": "bfloat16"},
    {"warmup": 0.3, "final_rate": 0.1, "constant": 0.2},
]


@pytest.mark.parametrize("tricks", TRICKS, ids=lambda tricks: "-".join(tricks) or "none")
def test_every_trick_lowers_the_loss_and_is_repeatable(tricks):
    rates = {"bias_learning_rate": None, "head_learning_rate": None, "learning_rate": 0.05}
    recipe = SMALL.replaced(**{**tricks, **(rates if tricks.get("optimizer") == "sgd" else {})})
    found, again = (train_cifar10(recipe, *data(), seed=3) for _ in range(2))
    assert torch.equal(weights(found), weights(again))
    losses = found.history.curve()[1]
    assert sum(losses[-5:]) < sum(losses[:5])


def test_another_seed_gives_another_network():
    found, other = (train_cifar10(SMALL, *data(), seed=seed) for seed in (3, 4))
    assert not torch.equal(weights(found), weights(other))


class CancelAfter(Reporter):
    def __init__(self, step):
        self.step = step

    def progress(self, done, total, message=""):
        if done >= self.step:
            self.cancel()


@pytest.mark.parametrize("tricks", [{}, {"average": 0.9, "freeze": 0.6, "low_resolution": 0.4}])
def test_a_resumed_training_is_the_same(tmp_path, tricks):
    recipe = SMALL.replaced(**tricks)
    whole = train_cifar10(recipe, *data())
    with pytest.raises(Cancelled):
        train_cifar10(recipe, *data(), reporter=CancelAfter(11), checkpoint=tmp_path / "training")
    resumed = train_cifar10(recipe, *data(), checkpoint=tmp_path / "training")
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.accuracy == whole.accuracy


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """Folder of a checkpoint of SMALL on data(), seed 0."""
    folder = tmp_path_factory.mktemp("interrupted")
    with pytest.raises(Cancelled):
        train_cifar10(SMALL, data()[0], reporter=CancelAfter(11), checkpoint=folder / "training")
    return folder


OTHER_SETTINGS = {
    "activation": "silu",
    "batch_size": 49,
    "bias_learning_rate": 50.0,
    "brightness": 0.1,
    "compile": True,
    "constant": 0.1,
    "contrast": 0.1,
    "cutout": 4,
    "epochs": 2.9,
    "final_rate": 0.1,
    "flip": "random",
    "freeze": 0.5,
    "frozen_scales": True,
    "ghost_size": 10,
    "hard_share": 0.5,
    "head_learning_rate": 500.0,
    "label_smoothing": 0.0,
    "learning_rate": 0.1,
    "low_resolution": 0.5,
    "low_size": 16,
    "micro_batch_size": 25,
    "momentum": 0.5,
    "network": "resnet9",
    "optimizer": "sgd",
    "pool": "last",
    "average": 0.9,
    "side_momentum": 0.5,
    "translate": 1,
    "warmup": 0.1,
    "weight_decay": 0.01,
    "whitening": False,
    "whitening_share": 0.9,
    "width": 4,
}


def test_every_setting_of_the_training_is_tried():
    free = {"tta", "tta_below", "precision"}
    assert set(OTHER_SETTINGS) == set(module.settings(SMALL)) - free


@pytest.mark.parametrize("name", sorted(OTHER_SETTINGS))
def test_a_checkpoint_is_not_continued_with_other_settings(
    interrupted, tmp_path, name, monkeypatch
):
    monkeypatch.setattr(torch, "compile", lambda network: network)  # refused before it is used
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    recipe = SMALL.replaced(**{name: OTHER_SETTINGS[name]})
    with pytest.raises(InputError, match="checkpoint of another training"):
        train_cifar10(recipe, data()[0], checkpoint=tmp_path / "training")


def test_a_checkpoint_is_not_continued_with_other_data(interrupted, tmp_path):
    shutil.copytree(interrupted, tmp_path, dirs_exist_ok=True)
    train_data = data()[0]
    one_pixel = train_data.images.clone()
    one_pixel[399, 31, 31, 2] ^= 1
    one_label = train_data.labels.clone()
    one_label[7] = (one_label[7] + 1) % 10
    renamed = ("ball", *train_data.classes[1:])
    for images, labels, classes in (
        (shapes32(400, seed=2).images, train_data.labels, train_data.classes),
        (one_pixel, train_data.labels, train_data.classes),
        (train_data.images, one_label, train_data.classes),
        (train_data.images, train_data.labels, renamed),
    ):
        other = ImageDataset(images, labels, classes)
        with pytest.raises(
            InputError, match=r"batches\.data: [0-9a-f]{64} stored, [0-9a-f]{64} now"
        ):
            train_cifar10(SMALL, other, checkpoint=tmp_path / "training")
    with pytest.raises(InputError, match=r"batches\.seed: 0 stored, 1 now"):
        train_cifar10(SMALL, train_data, seed=1, checkpoint=tmp_path / "training")
    # What does not affect the training may differ.
    whole = train_cifar10(SMALL, train_data)
    other_test = SMALL.replaced(tta="mirror", tta_below=0.5)
    found = train_cifar10(other_test, train_data, checkpoint=tmp_path / "training")
    assert torch.equal(weights(found), weights(whole))


@pytest.mark.parametrize(
    "change",
    [
        {"image_size": 24},
        {"label_smoothing": 0.0},
        {"flip": "none"},
        {"translate": 1},
        {"cutout": 3},
        {"learning_rate": 0.1},
        {"width": 8},
        {"n_epochs": 4},
        {"batch_size": 20},
        {"random_state": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_classifier_is_not_continued_with_other_settings(tmp_path, change):
    settings = {"width": 4, "n_epochs": 5, "random_state": 0}
    train_data = shapes32(200)
    with pytest.raises(Cancelled):
        ImageClassifier(**settings).fit(
            train_data.images,
            train_data.labels,
            reporter=CancelAfter(10),
            checkpoint=tmp_path / "fit",
        )
    with pytest.raises(InputError, match="checkpoint of another training"):
        ImageClassifier(**{**settings, **change}).fit(
            train_data.images, train_data.labels, checkpoint=tmp_path / "fit"
        )


def test_data_are_only_digested_for_a_checkpoint(monkeypatch):
    """It reads all images, from the device at that, within the time of peers' clocks."""

    def refused(*_):
        raise AssertionError

    monkeypatch.setattr("eigenlab.vision.loader.digest_of_images", refused)
    train_cifar10(SMALL.replaced(epochs=0.2), data()[0])


def test_evaluations_do_not_change_the_training():
    plain = train_cifar10(SMALL, *data())
    watched = train_cifar10(SMALL, *data(), evaluate_every=1)
    assert torch.equal(weights(plain), weights(watched))
    steps, accuracies = watched.history.curve("accuracy")
    assert steps == [8, 16, 24]
    assert accuracies[-1] == watched.plain_accuracy


def test_the_average_follows_its_recursion():
    recipe = SMALL.replaced(average=0.8)
    trainee = Trainee(recipe, 10)
    name, parameter = next(iter(trainee.network.named_parameters()))
    expected = None
    for step in range(12):
        with torch.no_grad():
            parameter.fill_(float(step))
        trainee.update_average(step)
        if step % 5 == 0:
            expected = step if expected is None else 0.8 * expected + 0.2 * step
        value = dict(trainee.average.named_parameters())[name]
        assert value.flatten()[0].item() == pytest.approx(expected, rel=1e-6)


def test_running_statistics_are_as_slow_with_micro_batches():
    def momentum(**options):
        training = SingleRun(SMALL.replaced(**options), shapes32(100), 0, "float32")
        return training.trainee.network.blocks[0].norm1.momentum

    assert momentum() == 0.4
    slow = momentum(micro_batch_size=10)  # five of them are a batch
    assert (1 - slow) ** 5 == pytest.approx(0.6)
    assert momentum(micro_batch_size=80) == 0.4


def test_rates_follow_the_recipe():
    recipe = SMALL.replaced(warmup=0.2, final_rate=0.1, constant=0.3)
    assert recipe.rate(0.1) == pytest.approx(0.5)
    assert recipe.rate(0.2) == pytest.approx(1.0)
    assert recipe.rate(0.45) == pytest.approx(0.55)
    assert recipe.rate(0.7) == pytest.approx(0.1)
    assert recipe.rate(0.99) == pytest.approx(0.1)
    training = SingleRun(SMALL.replaced(width=64), shapes32(100), 0, "float32")
    kinds = [group["lr"] for group in training.optimizer.param_groups]
    assert kinds == [0.24, 106.0, 1340.0, 106.0]
    assert training.schedule(training.steps // 2) == pytest.approx([0.5, 0.5, 0.5, 0.0])
    decays = [group["lr"] * group["weight_decay"] for group in training.optimizer.param_groups]
    assert decays == pytest.approx([0.004] * 4)


def test_micro_batches_give_the_gradient_of_the_batch():
    torch.manual_seed(0)
    x, y = torch.randn(10, 3), torch.randn(10, 1)

    def fitted(size, schedule=None):
        torch.manual_seed(1)
        model = torch.nn.Linear(3, 1)
        history = train(
            model,
            lambda model, batch: (model(batch[0]) - batch[1]).square().mean(),
            lambda step: (x, y),
            optimizer=torch.optim.SGD(model.parameters(), lr=0.1),
            steps=5,
            micro_batch_size=size,
            schedule=schedule,
        )
        return model.weight.detach(), history.losses[0][1]

    whole, loss = fitted(None)
    for size in (1, 4, 10, 99):
        found, other = fitted(size)
        assert torch.allclose(found, whole, atol=1e-6)
        assert other == pytest.approx(loss, rel=1e-5)
    assert torch.equal(fitted(None, lambda step: [1.0])[0], whole)
    with pytest.raises(InputError, match="2 factors for 1 groups"):
        fitted(None, lambda step: [1.0, 1.0])
    with pytest.raises(InputError, match="micro_batch_size=0"):
        fitted(0)


def test_too_little_memory_says_what_fits(monkeypatch):
    original = SingleRun.loss

    def loss(self, trainee, batch):
        if len(batch[0]) > 13:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return original(self, trainee, batch)

    monkeypatch.setattr(SingleRun, "loss", loss)
    with pytest.raises(InputError, match=r"50 images .* micro_batch_size=12"):
        train_cifar10(SMALL, *data())

    def broken(self, trainee, batch):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(SingleRun, "loss", broken)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train_cifar10(SMALL, *data())


def test_bad_settings_are_listed_together():
    with pytest.raises(InputError) as raised:
        Recipe(network="resnet50", epochs=0, momentum=1.0, freeze=2.0, batch_size=0, tta="all")
    for name in ("network='resnet50'", "epochs=0", "momentum=1.0", "freeze=2", "batch_size=0"):
        assert name in str(raised.value)
    with pytest.raises(
        InputError, match=r"width=4\.5 must be an integer; epochs='3' must be a number"
    ):
        Recipe(width=4.5, epochs="3")
    with pytest.raises(InputError, match=r"contrast='0\.1' must be a number; tta_below='a'"):
        Recipe(contrast="0.1", tta_below="a")
    with pytest.raises(InputError, match=r"brightness=-1.*tta_below=2"):
        Recipe(brightness=-1.0, tta_below=2.0)
    with pytest.raises(InputError, match=r"warmup \+ constant"):
        Recipe(warmup=0.6, constant=0.6)
    with pytest.raises(InputError, match="freeze"):
        Recipe(network="resnet9", freeze=0.5)
    with pytest.raises(InputError, match="hard_share=0"):
        Recipe(hard_share=0.0)


def test_data_that_do_not_fit():
    train_data, _ = data()
    other = train_data.subset(slice(0, 10))
    smaller = type(other)(other.images[:, :16, :16], other.labels, other.classes)
    with pytest.raises(InputError, match=r"\(16, 16\)"):
        train_cifar10(SMALL, train_data, smaller)
    found = train_cifar10(SMALL.replaced(batch_size=4000, epochs=1), train_data)
    assert found.n_seen == 400
    assert math.isnan(found.accuracy)


def test_precision_that_the_device_lacks_is_said(monkeypatch):
    monkeypatch.setattr(speed, "multiplies_bfloat16", lambda device: False)

    class Said(Reporter):
        text = ""

        def message(self, text):
            self.text = text

    said = Said()
    recipe = SMALL.replaced(precision="bfloat16", epochs=0.1)
    assert train_cifar10(recipe, *data(), reporter=said).precision == "float32"
    assert "does not multiply bfloat16" in said.text


def test_judgements():
    logits = torch.tensor([[2.0, 0.0, 0.0], [0.0, 1.0, 5.0], [0.0, 3.0, 0.0], [4.0, 0.0, 0.0]])
    found = Judgement(logits, torch.tensor([0, 1, 1, 1]))
    assert found.accuracy == 0.5
    assert found.confusion().tolist() == [[1, 0, 0], [1, 1, 1], [0, 0, 0]]
    by_class = found.by_class()
    assert by_class[:2].tolist() == [1.0, pytest.approx(1 / 3)]
    assert math.isnan(by_class[2])
    # -log p of the label is 4.04 for image 1 and 4.04 for image 3; compared exactly.
    own = logits.softmax(1)[torch.arange(4), found.labels]
    assert found.most_confused(9).tolist() == sorted([1, 3], key=lambda i: float(own[i]))
    assert len(found.most_confused(1)) == 1


def test_the_ladder_changes_one_thing_at_a_time():
    rungs = ladder()
    published = [rung.published for rung in rungs if rung.published is not None]
    assert published == sorted(published, reverse=True)
    assert len({rung.name for rung in rungs}) == len(rungs)
    free = {"epochs", "warmup", "constant", "learning_rate", "bias_learning_rate", "batch_size"}
    allowed = {
        "batches of 512": set(),
        "cutout, 30 epochs": {"cutout"},
        "ResNet-9": {"network"},
        "pooling first": {"pool"},
        "label smoothing": {"label_smoothing"},
        "CELU": {"activation"},
        "ghost batches": {"ghost_size"},
        "fixed scales": {"frozen_scales"},
        "whitened patches": {"whitening", "cutout"},
        "averaged weights": {"average", "final_rate"},
        "mirrored test images": {"tta", "cutout"},
        "alternating flips": {"flip"},
    }
    for before, rung in itertools.pairwise(rungs[:-2]):
        one, other = module.settings(before.recipe), module.settings(rung.recipe)
        changed = {name for name in one if one[name] != other[name]} - free
        assert changed == allowed[rung.name], rung.name
    assert rungs[-2].recipe == Recipe()


def test_auto_takes_the_faster_precision_and_says_so(monkeypatch):
    said = []

    class Said(Reporter):
        def message(self, text):
            said.append(text)

    monkeypatch.setattr(speed, "resolve_precision", lambda precision, device: "bfloat16")
    recipe = SMALL.replaced(precision="auto", epochs=0.1)
    for rates, expected in (((100.0, 200.0), "bfloat16"), ((200.0, 100.0), "float32")):
        speeds = dict(zip(("float32", "bfloat16"), rates, strict=True))
        monkeypatch.setattr(speed, "images_per_second", lambda r, d, name, s=speeds: s[name])
        assert train_cifar10(recipe, *data(), reporter=Said()).precision == expected
        assert said[-1].endswith(f"training in {expected}")
        assert "200 images/s" in said[-1]
    monkeypatch.undo()
    assert speed.images_per_second(recipe, data()[0], "float32") > 0


def test_summaries_against_scipy():
    from scipy.stats import ttest_1samp

    values = [0.941, 0.938, 0.943, 0.9402, 0.9397]
    found = summarize_runs(values)
    assert found.n_runs == 5
    assert found.mean.estimate == pytest.approx(sum(values) / 5)
    assert found.rate.estimate == 0.6
    assert found.p_value == pytest.approx(ttest_1samp(values, 0.94).pvalue / 2)
    assert summarize_runs([0.95]).p_value == 1.0
    assert math.isnan(summarize_runs([0.95, 0.95]).p_value)
    with pytest.raises(InputError, match="empty"):
        summarize_runs([])


def test_only_uncertain_images_are_augmented():
    """Each image's logits are the plain ones or the augmented ones, by its own confidence."""
    found = train_cifar10(SMALL, *data())
    _, test_data = data()

    def logits(tta, below=1.0):
        return predict_logits(
            found.model,
            test_data.images,
            lambda images: normalize(images, found.statistics),
            tta=tta,
            tta_below=below,
        )

    plain, full = logits("none"), logits("translate")
    confidence = plain.softmax(1).amax(1)
    below = float(confidence.median())
    expected = torch.where((confidence < below)[:, None], full, plain)
    assert torch.allclose(logits("translate", below), expected, atol=1e-5)
    assert torch.equal(logits("translate", 0.0), plain)
    assert not torch.allclose(plain, full, atol=1e-3)
