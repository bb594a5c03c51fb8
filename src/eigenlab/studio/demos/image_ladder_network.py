"""The networks of the page on image classifiers: how they are trained and kept."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal, NamedTuple

from torch import Tensor

from eigenlab.experiments.training_ladder.config import TrainingLadderConfig
from eigenlab.experiments.training_ladder.measure import operations, reduced
from eigenlab.experiments.training_ladder.records import LANDMARKS
from eigenlab.files import dump_json, load_json, write_atomic
from eigenlab.lab import Config
from eigenlab.reporter import Reporter
from eigenlab.studio.demos.demo import knob, option
from eigenlab.studio.demos.shown_metrics import ShownMetrics
from eigenlab.training import derive_seed
from eigenlab.training.storage import read_model, write_model
from eigenlab.vision import (
    ImageDataset,
    Judgement,
    Recipe,
    TrainedNetwork,
    filters_as_images,
    first_filters,
    ladder,
    normalize,
    predict_logits,
    shapes32,
    train_cifar10,
)

FORMAT = "eigenlab.studio.image-ladder/1"
LOGITS = "eigenlab.studio.image-ladder.logits/1"
TEST_IMAGES = 500
TRAINED_ON = ("rung", "epochs", "images", "seed")
AUGMENTATIONS = ("none", "mirror", "translate")
RUNGS = {rung.name: rung for rung in ladder()}


class ImageLadderSettings(Config):
    """A rung of the ladder, its training, and how the test images are classified."""

    rung: Literal[
        "ResNet-18",
        "batches of 512",
        "cutout, 30 epochs",
        "ResNet-9",
        "pooling first",
        "label smoothing",
        "CELU",
        "ghost batches",
        "fixed scales",
        "whitened patches",
        "averaged weights",
        "mirrored test images",
        "alternating flips",
        "SpeedNet and Muon",
        "under a second",
    ] = option(
        "ResNet-9",
        "Which recipe is trained, each named after what it adds to the one before; in narrow "
        "networks and with small batches, so that it takes seconds.",
    )
    epochs: int = knob(8, "Passes over the training images.", low=1, high=16, step=1)
    images: int = knob(
        2000,
        "Generated training images of ten shapes.",
        low=200,
        high=3000,
        step=100,
        label="training images",
    )
    tta: Literal["none", "mirror", "translate"] = option(
        "none",
        "Test-time augmentation: each image by itself; the mean with its mirror image; or also "
        "with copies that are moved by one pixel. This needs no new training.",
        label="test-time augmentation",
    )
    seed: int = knob(
        0,
        "Random seed of the images, the first weights and the training.",
        low=0,
        high=99,
        step=1,
    )


class Trained(NamedTuple):
    """A network that is kept."""

    #: Filters of the first layer, uint8 (F, h, w, 3).
    filters: Tensor
    #: Test-time augmentation -> logits of the test images.
    logits: dict[str, Tensor]
    #: What :func:`_result` returned.
    result: dict[str, Any]


def prepare(settings: ImageLadderSettings, folder: Path, reporter: Reporter) -> None:
    """Train the rung and store the network, its logits and its curves.

    Args:
        settings: those of the training.
        folder: receives ``network.safetensors``, ``logits.safetensors`` and ``result.json``.
        reporter: receives the loss, and the accuracy on the test images.
    """
    recipe, test = recipe_of(settings), images_of(settings.seed)
    reporter.stage(f"{settings.rung}: batches of {recipe.batch_size}")
    found = train_cifar10(
        recipe,
        shapes32(settings.images, seed=derive_seed(settings.seed, "train")),
        test,
        seed=derive_seed(settings.seed, "training", 0),
        evaluate_every=recipe.epochs / 10,
        reporter=ShownMetrics(reporter, {"loss": "training loss", "accuracy": "test accuracy"}),
    )
    mean, deviation = found.statistics
    write_model(
        folder / "network.safetensors",
        {**found.model.state_dict(), "mean": mean, "deviation": deviation},
        format=FORMAT,
    )
    logits = {
        tta: predict_logits(
            found.model,
            test.images,
            lambda block: normalize(block, found.statistics),
            tta=tta,  # type: ignore[arg-type]
        )
        for tta in AUGMENTATIONS
    }
    write_model(folder / "logits.safetensors", logits, format=LOGITS)
    accuracy = Judgement(logits["none"], test.labels).accuracy
    write_atomic(folder / "result.json", dump_json(_result(settings, found, accuracy)))


def experiment_config(settings: ImageLadderSettings) -> TrainingLadderConfig:
    """The settings of the experiment that trains the same networks."""
    return TrainingLadderConfig(
        n_train=settings.images,
        n_test=TEST_IMAGES,
        epochs=settings.epochs,
        seed=settings.seed,
        rungs="landmarks" if settings.rung in LANDMARKS else "all",
    )


def recipe_of(settings: ImageLadderSettings) -> Recipe:
    """The recipe of the rung, with narrow networks and small batches.

    Args:
        settings: of the network.
    """
    return reduced(RUNGS[settings.rung].recipe, experiment_config(settings))


@functools.lru_cache(maxsize=4)
def images_of(seed: int) -> ImageDataset:
    """The generated test images.

    Args:
        seed: random seed of the page.
    """
    return shapes32(TEST_IMAGES, seed=derive_seed(seed, "test"))


def _result(
    settings: ImageLadderSettings, found: TrainedNetwork, accuracy: float
) -> dict[str, Any]:
    """What is drawn of a training, and what other pages compare with."""
    losses, accuracies = found.history.curve("loss"), found.history.curve("accuracy")
    return {
        "format": FORMAT,
        **{name: getattr(settings, name) for name in TRAINED_ON},
        "losses": losses,
        "accuracies": accuracies,
        "accuracy": accuracy,
        "seconds": found.training_seconds,
        "gflop": operations(found.recipe) * found.n_seen / 1e9,
    }


@functools.lru_cache(maxsize=16)
def load_trained(folder: Path, rung: str) -> Trained:
    """Read what :func:`prepare` has stored.

    Args:
        folder: where it is.
        rung: of the network.
    """
    weights, _ = read_model(folder / "network.safetensors", format=FORMAT)
    del weights["mean"], weights["deviation"]
    model = recipe_of(ImageLadderSettings(rung=rung)).build(10)
    model.load_state_dict(weights)
    logits, _ = read_model(folder / "logits.safetensors", format=LOGITS)
    return Trained(
        filters_as_images(first_filters(model)),
        logits,
        load_json((folder / "result.json").read_text("utf-8")),
    )


def all_results(folder: Path) -> list[dict[str, Any]]:
    """Results of all trainings that are kept beside this one, itself included."""
    found = []
    for path in sorted(folder.parent.glob("*/result.json")):
        try:
            result = load_json(path.read_text("utf-8"))
        except (OSError, ValueError):  # another process removes it
            continue
        if path.parent.suffix != ".partial" and result.get("format") == FORMAT:
            found.append(result)
    return found
