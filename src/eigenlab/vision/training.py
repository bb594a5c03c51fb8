"""Training a network on images by a recipe, with the time it takes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import TrainingHistory, resolve_device
from eigenlab.vision.dataset import ImageDataset
from eigenlab.vision.evaluation import Judgement
from eigenlab.vision.recipe import Network, Recipe
from eigenlab.vision.single_run import SingleRun
from eigenlab.vision.speed import choose_precision, now
from eigenlab.vision.trainee import Trainee

#: Updates of the rehearsal, whose time is not counted.
REHEARSED = 3


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network, how good it is and how long it took.

    Args:
        model: the network, in evaluation mode.
        recipe: how it was trained.
        seed: random seed.
        accuracy: share of the test images that it classifies correctly, with the recipe's
            test-time augmentation; NaN without test images.
        plain_accuracy: the same without augmentation.
        training_seconds: time of the updates, with augmentation and whitening.
        total_seconds: the same and one pass over the test images with the recipe's test-time
            augmentation: the clock of airbench. Decoding, the copy to the device, compilation and
            the rehearsal are outside.
        n_seen: images that training has seen, counting repetitions.
        precision: in which the products were computed.
        device: where.
        history: losses and evaluations.
        judgement: logits of the test images, with augmentation, and their labels; or None.
        statistics: mean and standard deviation of each colour, by which images are normalised.
    """

    model: Network
    recipe: Recipe
    seed: int
    accuracy: float
    plain_accuracy: float
    training_seconds: float
    total_seconds: float
    n_seen: int
    precision: str
    device: str
    history: TrainingHistory = field(repr=False)
    judgement: Judgement | None = field(repr=False)
    statistics: tuple[Tensor, Tensor] = field(repr=False)


def train_cifar10(
    recipe: Recipe,
    train_data: ImageDataset,
    test_data: ImageDataset | None = None,
    *,
    seed: int = 0,
    device: torch.device | str = "cpu",
    rehearse: bool = False,
    evaluate_every: float | None = None,
    reporter: Reporter = SILENT,
    checkpoint: Path | None = None,
) -> TrainedNetwork:
    """Train a network on labelled images, CIFAR-10 or others, and judge it on test images.

    The test images are used after training only; nothing is chosen by them. The same seed gives
    the same network on the same machine and number of threads.

    Args:
        recipe: network, tricks and settings.
        train_data: labelled images, e.g. of :func:`load_cifar10`.
        test_data: images to judge by. Default: ``None``, no judgement.
        seed: random seed of weights, order and augmentation. Default: ``0``.
        device: as in :func:`eigenlab.training.resolve_device`. Default: ``"cpu"``.
        rehearse: whether some updates of another network come first, so that compilation and the
            choice of kernels are not in the time. Default: ``False``.
        evaluate_every: passes over the images between evaluations, whose accuracies are in the
            history; their time is not counted. Default: ``None``, none.
        reporter: receives progress and may cancel. Default: ``SILENT``.
        checkpoint: path prefix of a checkpoint; a training continues from it. Default: ``None``.

    Raises:
        InputError: the data do not fit, or there is not enough memory (the message says which
            ``micro_batch_size`` fits).
        TrainingDiverged: the loss is not finite.

    >>> from eigenlab.vision import shapes32
    >>> recipe = Recipe(width=4, epochs=1, batch_size=50, precision="float32")
    >>> found = train_cifar10(recipe, shapes32(100), shapes32(20, seed=1))
    >>> found.n_seen, 0 <= found.accuracy <= 1
    (100, True)
    """
    check_data(train_data, test_data)
    place = resolve_device(device)
    data = train_data.to(place)
    test_data = None if test_data is None else test_data.to(place)
    precision = choose_precision(recipe, data, reporter)
    if rehearse:
        short = recipe.replaced(epochs=REHEARSED * recipe.batch_size / len(data))
        SingleRun(short, data, seed + 1, precision).run(SILENT, None, None, None)
        if test_data is not None:
            SingleRun(short, data, seed, precision).judge(test_data, recipe)
    begin = now(place)
    run = SingleRun(recipe, data, seed, precision)
    started = now(place)
    evaluated = _Evaluation(run, test_data) if evaluate_every and test_data else None
    history = run.run(reporter, checkpoint, evaluated, evaluate_every)
    spent = (started - begin) + history.seconds - (evaluated.seconds if evaluated else 0.0)
    judged_from = now(place)
    judgement = run.judge(test_data, recipe) if test_data else None
    judged_in = now(place) - judged_from
    plain = run.judge(test_data, recipe.replaced(tta="none")) if test_data else None
    return TrainedNetwork(
        model=run.trainee.judged.eval(),
        recipe=recipe,
        seed=seed,
        accuracy=judgement.accuracy if judgement else math.nan,
        plain_accuracy=plain.accuracy if plain else math.nan,
        training_seconds=spent,
        total_seconds=spent + judged_in,
        n_seen=run.n_seen,
        precision=precision,
        device=str(place),
        history=history,
        judgement=judgement,
        statistics=run.loader.statistics,
    )


class _Evaluation:
    """Accuracy on the test images during training, and the time that it takes."""

    def __init__(self, run: SingleRun, data: ImageDataset) -> None:
        self.run, self.data, self.seconds = run, data, 0.0

    def __call__(self, trainee: Trainee) -> dict[str, float]:
        begin = now(self.run.device)
        found = self.run.judge(self.data, self.run.recipe.replaced(tta="none"))
        self.seconds += now(self.run.device) - begin
        return {"accuracy": found.accuracy}


def check_data(train_data: ImageDataset, test_data: ImageDataset | None) -> None:
    """Raise an error where test images are unlike those of the training.

    Args:
        train_data: labelled images.
        test_data: others, or None.

    Raises:
        InputError: sizes or classes differ.
    """
    if test_data is None:
        return
    if test_data.size != train_data.size or test_data.classes != train_data.classes:
        raise InputError(
            f"the test images have {test_data.size} pixels and the classes "
            f"{', '.join(test_data.classes)}; those of training {train_data.size} pixels and "
            f"{', '.join(train_data.classes)}; they must agree"
        )


def settings(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain data, for a file or a record.

    Args:
        recipe: the recipe.
    """
    return asdict(recipe)
