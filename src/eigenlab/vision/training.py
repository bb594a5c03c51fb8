"""Training a network on images by a recipe, with the time it takes."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import (
    Batch,
    TrainingHistory,
    autocast,
    resolve_device,
    resolve_precision,
    seeded,
    train,
)
from eigenlab.training.precision import multiplies_bfloat16
from eigenlab.vision.dataset import ImageDataset
from eigenlab.vision.evaluation import Judgement, channels_last, predict_logits
from eigenlab.vision.loader import CifarLoader
from eigenlab.vision.memory import fitting_size, is_out_of_memory
from eigenlab.vision.muon import Muon
from eigenlab.vision.recipe import Network, Recipe

#: Share of the updates in which the bias of the whitening is trained, as in airbench.
WHITENING_SHARE = 3 / 8
#: Added to the variances of patches, as published for each network.
WHITENING_EPS = {"resnet9": 1e-2, "speednet": 5e-4}
#: Updates between two updates of the average of the weights.
AVERAGE_EVERY = 5
#: Updates of the rehearsal, whose time is not counted.
REHEARSED = 3


class Trainee(nn.Module):
    """A network, and the average of its weights where the recipe has one.

    Args:
        recipe: how it is trained.
        n_classes: number of classes.
    """

    def __init__(self, recipe: Recipe, n_classes: int) -> None:
        super().__init__()
        self.recipe = recipe
        self.network: Network = recipe.build(n_classes)
        self.average: Network | None = None
        if recipe.average is not None:
            self.average = copy.deepcopy(self.network).requires_grad_(False)

    @property
    def judged(self) -> Network:
        """The network that predicts."""
        return self.network if self.average is None else self.average

    @torch.no_grad()
    def update_average(self, step: int) -> None:
        """Move the average towards the weights, before the 0-based update ``step``.

        Args:
            step: number of updates that are done.
        """
        if self.average is None or step % AVERAGE_EVERY:
            return
        keep = 0.0 if step == 0 else float(self.recipe.average or 0.0)
        pairs = zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        )
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)


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
    _check_data(train_data, test_data)
    place = resolve_device(device)
    data = train_data.to(place)
    test_data = None if test_data is None else test_data.to(place)
    precision = _precision(recipe, data, reporter)
    if rehearse:
        short = recipe.replaced(epochs=REHEARSED * recipe.batch_size / len(data))
        _Training(short, data, seed + 1, precision).run(SILENT, None, None, None)
        if test_data is not None:
            _Training(short, data, seed, precision).judge(test_data, recipe)
    begin = _now(place)
    training = _Training(recipe, data, seed, precision)
    started = _now(place)
    evaluated = _Evaluation(training, test_data, place) if evaluate_every and test_data else None
    history = training.run(reporter, checkpoint, evaluated, evaluate_every)
    spent = (started - begin) + history.seconds - (evaluated.seconds if evaluated else 0.0)
    judged_from = _now(place)
    judgement = training.judge(test_data, recipe) if test_data else None
    judged_in = _now(place) - judged_from
    plain = training.judge(test_data, recipe.replaced(tta="none")) if test_data else None
    return TrainedNetwork(
        model=training.trainee.judged.eval(),
        recipe=recipe,
        seed=seed,
        accuracy=judgement.accuracy if judgement else math.nan,
        plain_accuracy=plain.accuracy if plain else math.nan,
        training_seconds=spent,
        total_seconds=spent + judged_in,
        n_seen=training.n_seen,
        precision=precision,
        device=str(place),
        history=history,
        judgement=judgement,
        statistics=training.loader.statistics,
    )


class _Training:
    """One training: data, network, optimizer, schedule and loss."""

    def __init__(self, recipe: Recipe, data: ImageDataset, seed: int, precision: Any) -> None:
        self.recipe, self.data, self.seed, self.precision = recipe, data, seed, precision
        self.device = data.images.device
        self.loader = CifarLoader(
            data,
            recipe.batch_size,
            seed=seed,
            flip=recipe.flip,
            translate=recipe.translate,
            cutout=recipe.cutout,
            drop_last=len(data) > recipe.batch_size,
        )
        self.steps = max(1, math.ceil(recipe.epochs * self.loader.steps_per_epoch))
        with seeded(seed, "weights"):
            trainee = Trainee(recipe, len(data.classes))
        self.trainee = channels_last(trainee.to(self.device))
        if recipe.micro_batch_size is not None:
            _slow_down_statistics(trainee.network, recipe.micro_batch_size / self.loader.batch_size)
        whiten = self.trainee.network.whiten
        if whiten is not None:
            first = data.images[:2000].permute(0, 3, 1, 2)
            whiten.fit(self.loader.normalize(first), WHITENING_EPS[recipe.network])
        self.forward: Callable[[Tensor], Tensor] = self.trainee.network
        if recipe.compile:
            self.forward = torch.compile(self.trainee.network)
        self.optimizer, self._schedules = _optimizer(self.trainee.network, recipe)

    @property
    def n_seen(self) -> int:
        """Images that pass in all updates."""
        epochs, rest = divmod(self.steps, self.loader.steps_per_epoch)
        size = self.loader.batch_size
        in_epoch = min(self.loader.n_samples, self.loader.steps_per_epoch * size)
        return epochs * in_epoch + rest * size

    def run(
        self,
        reporter: Reporter,
        checkpoint: Path | None,
        evaluate: Callable[[Trainee], dict[str, float]] | None,
        every: float | None,
    ) -> TrainingHistory:
        per_epoch = self.loader.steps_per_epoch
        try:
            history = train(
                self.trainee,
                self.loss,
                self.batches(),
                optimizer=self.optimizer,
                steps=self.steps,
                schedule=self.schedule,
                micro_batch_size=self.recipe.micro_batch_size,
                before_update=self.before_update,
                evaluate=evaluate,
                evaluate_every=max(1, round(every * per_epoch)) if evaluate and every else None,
                reporter=reporter,
                checkpoint=checkpoint,
            )
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            history = None
        if history is None:  # outside the handler, which keeps the tensors of the failed update
            raise self._out_of_memory()
        if self.trainee.average is not None:
            self.trainee.update_average(-(-self.steps // AVERAGE_EVERY) * AVERAGE_EVERY)
        return history

    def _out_of_memory(self) -> InputError:
        failed = min(self.recipe.micro_batch_size or self.loader.batch_size, self.loader.batch_size)
        fits = fitting_size(lambda batch: self.loss(self.trainee, batch), self.loader(0), failed)
        return InputError(
            f"{failed} images at a time do not fit into the memory of {self.device}; use "
            f"micro_batch_size={fits}, with which batch norm sees fewer images"
        )

    def schedule(self, step: int) -> Sequence[float]:
        return [factor(step / self.steps) for factor in self._schedules]

    def before_update(self, step: int) -> None:
        self.trainee.update_average(step)
        if self.recipe.freeze < 1 and hasattr(self.trainee.network, "frozen_groups"):
            self.trainee.network.frozen_groups = int(step >= self.recipe.freeze * self.steps)

    def batches(self) -> _Batches:
        until = int(self.recipe.low_resolution * self.steps)
        return _Batches(self.loader, until, self.recipe.low_size, self.precision)

    def loss(self, trainee: Trainee, batch: Batch) -> Tensor:
        """Mean cross-entropy, of the hardest images where the recipe selects them."""
        images, labels = batch
        if self.recipe.hard_share < 1:
            images, labels = self._hardest(images, labels)
        with autocast(self.precision, self.device):
            logits = self.forward(images)
        return nn.functional.cross_entropy(
            logits.float(), labels, label_smoothing=self.recipe.label_smoothing
        )

    @torch.no_grad()
    def _hardest(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The images of the largest losses, as in A. Jiang et al., arXiv:1910.00762."""
        self.trainee.network.eval()  # statistics and running averages are those of training
        with autocast(self.precision, self.device):
            logits = self.forward(images)
        self.trainee.network.train()
        losses = nn.functional.cross_entropy(logits.float(), labels, reduction="none")
        count = max(2, round(self.recipe.hard_share * len(images)))
        chosen = losses.topk(min(count, len(images))).indices
        return images[chosen], labels[chosen]

    def judge(self, data: ImageDataset, recipe: Recipe) -> Judgement:
        data = data.to(self.device)
        logits = predict_logits(
            self.trainee.judged,
            data.images,
            self.loader.normalize,
            tta=recipe.tta,
            precision=self.precision,
        )
        return Judgement(logits.cpu(), data.labels.cpu())


class _Batches:
    """The batches of a training, of smaller images at its beginning where the recipe says so."""

    def __init__(self, loader: CifarLoader, until: int, size: int, precision: str) -> None:
        self.loader, self.until, self.size, self.precision = loader, until, size, precision
        self.steps_per_epoch = loader.steps_per_epoch

    def __call__(self, step: int) -> Batch:
        return self.shard(step, 0, 1)

    def shard(self, step: int, rank: int, size: int) -> Batch:
        images, labels = self.loader.shard(step, rank, size)
        if step < self.until and len(images):
            images = nn.functional.interpolate(
                images, size=(self.size, self.size), mode="bilinear", antialias=True
            ).contiguous(memory_format=torch.channels_last)
        return images, labels

    @property
    def signature(self) -> dict[str, Any]:
        low = {"low_size": self.size, "until": self.until} if self.until else {}
        return {**self.loader.signature, **low, "precision": self.precision}


class _Evaluation:
    """Accuracy on the test images during training, and the time that it takes."""

    def __init__(self, training: _Training, data: ImageDataset, device: torch.device) -> None:
        self.training, self.data, self.device, self.seconds = training, data, device, 0.0

    def __call__(self, trainee: Trainee) -> dict[str, float]:
        begin = _now(self.device)
        found = self.training.judge(self.data, self.training.recipe.replaced(tta="none"))
        self.seconds += _now(self.device) - begin
        return {"accuracy": found.accuracy}


def _slow_down_statistics(network: Network, share: float) -> None:
    """Let running statistics forget in an update what they would without micro-batches.

    Otherwise those of the last micro-batches alone, which are noisy, would be used for predicting.
    """
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.momentum is not None and share < 1:
            module.momentum = 1 - (1 - module.momentum) ** share


Factor = Callable[[float], float]


def _optimizer(network: Network, recipe: Recipe) -> tuple[torch.optim.Optimizer, list[Factor]]:
    """The optimizer, and for each of its groups the factor of the learning rate by the share of
    the updates that is done."""
    whiten = network.whiten
    first = [] if whiten is None or whiten.bias is None else [whiten.bias]
    trained = [p for p in network.parameters() if p.requires_grad]
    # Logits of speednet are divided by its width, and so are their gradients.
    scale = recipe.width / 64 if recipe.network == "speednet" else 1.0
    bias_rate = scale * (recipe.bias_learning_rate or recipe.learning_rate)
    head_rate = scale * (recipe.head_learning_rate or recipe.learning_rate)
    kinds = {
        "convolutions": ([p for p in trained if p.ndim == 4], recipe.learning_rate),
        "biases": (
            [p for p in trained if p.ndim == 1 and not any(p is other for other in first)],
            bias_rate,
        ),
        "head": ([network.head.weight], head_rate),
        "whitening": (first, bias_rate),
    }
    groups: list[dict[str, Any]] = []
    factors: list[Factor] = []
    for kind, (parameters, rate) in kinds.items():
        if not parameters:
            continue
        group = {"params": parameters, "lr": rate}
        group["weight_decay"] = recipe.weight_decay * recipe.learning_rate / rate
        group["momentum"] = recipe.momentum if kind == "convolutions" else recipe.side_momentum
        if recipe.optimizer == "muon":
            group["orthogonalize"] = kind == "convolutions"
        groups.append(group)
        ends = kind == "whitening" and recipe.network == "speednet"
        factors.append((lambda x: max(0.0, 1 - x / WHITENING_SHARE)) if ends else recipe.rate)
    if recipe.optimizer == "muon":
        return Muon(groups), factors
    nesterov = recipe.momentum > 0 and recipe.side_momentum > 0
    return torch.optim.SGD(groups, momentum=recipe.momentum, nesterov=nesterov), factors


def _precision(recipe: Recipe, data: ImageDataset, reporter: Reporter) -> Any:
    """The precision of a training; ``"auto"`` is the faster one, measured on a CPU."""
    device = data.images.device
    if recipe.precision == "bfloat16" and not multiplies_bfloat16(device):
        reporter.message(f"{device} does not multiply bfloat16; training in float32")
        return "float32"
    chosen = resolve_precision(recipe.precision, device)
    if recipe.precision != "auto" or device.type != "cpu" or chosen == "float32":
        return chosen
    rates = {name: images_per_second(recipe, data, name) for name in ("float32", "bfloat16")}
    fastest = max(rates, key=lambda name: rates[name])
    measured = ", ".join(f"{rate:.0f} images/s in {name}" for name, rate in rates.items())
    reporter.message(f"{measured}; training in {fastest}")
    return fastest


def images_per_second(recipe: Recipe, data: ImageDataset, precision: str) -> float:
    """Speed of forward and backward passes, the fastest of three.

    Args:
        recipe: network, and the images that pass through it together.
        data: images; those that are there are used.
        precision: ``"float32"`` or ``"bfloat16"``.
    """
    size = min(recipe.micro_batch_size or recipe.batch_size, 250, len(data))
    part = data.subset(slice(0, size))
    training = _Training(recipe.replaced(batch_size=size, compile=False), part, 0, precision)
    batch = training.loader(0)
    seconds = []
    for _ in range(4):
        begin = _now(data.images.device)
        training.loss(training.trainee, batch).backward()
        seconds.append(_now(data.images.device) - begin)
    return size / min(seconds[1:])


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _check_data(train_data: ImageDataset, test_data: ImageDataset | None) -> None:
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
