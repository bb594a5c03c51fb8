"""How a network is trained: every trick of question 4 is a switch."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any, Literal, get_args

from eigenlab.errors import InputError
from eigenlab.training.precision import Precision
from eigenlab.vision.evaluation import TestTimeAugmentation
from eigenlab.vision.loader import Flip
from eigenlab.vision.networks import Activation, PoolPlace, ResNet9, ResNet18
from eigenlab.vision.speednet import SpeedNet

Network = ResNet18 | ResNet9 | SpeedNet
NETWORKS = ("resnet18", "resnet9", "speednet")
POSITIVE = ("epochs", "learning_rate", "bias_learning_rate", "head_learning_rate")
COUNTS = ("width", "batch_size", "micro_batch_size", "ghost_size", "low_size")
SHARES = (
    "warmup",
    "final_rate",
    "constant",
    "low_resolution",
    "whitening_share",
    "freeze",
    "hard_share",
    "tta_below",
)

NUMBERS = (
    "epochs",
    "learning_rate",
    "momentum",
    "label_smoothing",
    "brightness",
    "contrast",
    *SHARES,
)


@dataclass(frozen=True)
class Recipe:
    """A network and its training.

    Learning rates are those of the mean loss over a batch.

    Args:
        network: ``"resnet18"``, ``"resnet9"`` or ``"speednet"``. Default: ``"speednet"``.
        width: channels of its first layer, 64 as published. Default: ``64``.
        activation: see :class:`ResNet9` and :class:`SpeedNet`; ``"resnet18"`` has ReLU. Default:
            ``"gelu"``.
        pool: see :class:`ResNet9`. Default: ``"before-norm"``.
        ghost_size: see :class:`ResNet9`. Default: ``None``.
        frozen_scales: see :class:`ResNet9`. Default: ``False``.
        whitening: see :class:`ResNet9`; ``"speednet"`` always has it. Default: ``True``.
        epochs: passes over the training images; the last may be a part of one. Default: ``8.0``.
        batch_size: images per update. Default: ``2000``.
        micro_batch_size: images that pass through the network together; batch norm sees these, with
            running statistics that are as slow as those of the batch, and their gradients are
            averaged. Default: ``None``, the batch.
        optimizer: ``"muon"`` (:class:`Muon`) or ``"sgd"`` with Nesterov momentum. Default:
            ``"muon"``.
        learning_rate: highest, of the convolutions. Default: ``0.24``.
        bias_learning_rate: highest of biases and shifts. Default: ``106.0``; None is
            ``learning_rate``.
        head_learning_rate: highest of the last layer. Default: ``1340.0``; None is
            ``learning_rate``. This and the one before are for a width of 64 of ``"speednet"``, and
            are scaled with it.
        momentum: of the convolutions. Default: ``0.6``.
        side_momentum: of the others. Default: ``0.85``.
        weight_decay: an update shrinks a parameter by this times ``learning_rate``, also where its
            own learning rate is another one; under ``"muon"`` biases and the last layer only.
            Default: ``1 / 60``.
        warmup: share of the updates in which the learning rate rises from 0. Default: ``0.0``.
        final_rate: the learning rate falls linearly to this share of the highest. Default: ``0.0``.
        constant: share of the updates, at the end, in which it stays there. Default: ``0.0``.
        flip: see :class:`CifarLoader`. Default: ``"alternating"``.
        translate: see :class:`CifarLoader`. Default: ``2``.
        cutout: see :class:`CifarLoader`. Default: ``0``.
        brightness: see :class:`CifarLoader`. Default: ``0.0``.
        contrast: see :class:`CifarLoader`. Default: ``0.0``.
        label_smoothing: share of the probability that is spread over all classes. Default: ``0.2``.
        average: weight with which the average of the weights, by which the network is then
            judged, keeps its past at every fifth update. Default: ``None``, no average.
        low_resolution: share of the updates, at the beginning, on images of ``low_size`` pixels.
            Default: ``0.0``.
        low_size: see there. Default: ``24``.
        whitening_share: share of the updates, at the beginning, in which the bias of the whitening
            of ``"speednet"`` is trained, while its learning rate falls to 0. Default: ``3 / 8``,
            as in airbench.
        freeze: share of the updates after which the first group of ``"speednet"`` is no longer
            trained. Default: ``1.0``, never.
        hard_share: share of each batch, that of the largest losses, that is learned from. Default:
            ``1.0``, all.
        tta: test-time augmentation; see :func:`predict_logits`. Default: ``"translate"``.
        tta_below: see there. Default: ``1.0``, all images.
        precision: of the products in training: ``"float32"``, ``"bfloat16"`` or ``"auto"``; see
            :func:`eigenlab.training.resolve_precision`. Default: ``"auto"``.
        compile: whether the network is compiled by ``torch.compile``. Default: ``False``.

    Raises:
        InputError: a setting is out of range; all of them are listed.

    >>> Recipe(epochs=2).replaced(tta="none").tta
    'none'
    """

    network: Literal["resnet18", "resnet9", "speednet"] = "speednet"
    width: int = 64
    activation: Activation = "gelu"
    pool: PoolPlace = "before-norm"
    ghost_size: int | None = None
    frozen_scales: bool = False
    whitening: bool = True
    epochs: float = 8.0
    batch_size: int = 2000
    micro_batch_size: int | None = None
    optimizer: Literal["muon", "sgd"] = "muon"
    learning_rate: float = 0.24
    bias_learning_rate: float | None = 106.0
    head_learning_rate: float | None = 1340.0
    momentum: float = 0.6
    side_momentum: float = 0.85
    weight_decay: float = 1 / 60
    warmup: float = 0.0
    final_rate: float = 0.0
    constant: float = 0.0
    flip: Flip = "alternating"
    translate: int = 2
    cutout: int = 0
    brightness: float = 0.0
    contrast: float = 0.0
    label_smoothing: float = 0.2
    average: float | None = None
    low_resolution: float = 0.0
    low_size: int = 24
    whitening_share: float = 3 / 8
    freeze: float = 1.0
    hard_share: float = 1.0
    tta: TestTimeAugmentation = "translate"
    tta_below: float = 1.0
    precision: Precision = "auto"
    compile: bool = False

    def __post_init__(self) -> None:
        # Values of a wrong type cannot be compared.
        if invalid := _of_wrong_type(self) or _out_of_range(self):
            raise InputError("; ".join(invalid))

    def replaced(self, **changes: Any) -> Recipe:
        """The recipe with some settings changed.

        Args:
            **changes: settings by name.
        """
        return replace(self, **changes)

    def build(self, n_classes: int) -> Network:
        """A new network with weights from torch's global generator.

        Args:
            n_classes: number of classes.
        """
        if self.network == "resnet18":
            return ResNet18(n_classes, width=self.width)
        if self.network == "resnet9":
            return ResNet9(
                n_classes,
                width=self.width,
                pool=self.pool,
                activation=self.activation,
                ghost_size=self.ghost_size,
                frozen_scales=self.frozen_scales,
                whitening=self.whitening,
            )
        widths = (self.width, 4 * self.width, 4 * self.width)
        return SpeedNet(n_classes, widths=widths, activation=self.activation)

    def rate(self, share: float) -> float:
        """Factor of the learning rate when a share of the updates is done.

        Args:
            share: in [0, 1).
        """
        if share < self.warmup:
            return share / self.warmup
        falling = 1 - self.warmup - self.constant
        done = 1.0 if falling <= 0 else min((share - self.warmup) / falling, 1.0)
        return 1 + (self.final_rate - 1) * done

    def whitening_rate(self, share: float) -> float:
        """Factor of the learning rate of the whitening's bias in ``"speednet"``.

        Args:
            share: of the updates that is done, in [0, 1).
        """
        return 1 - share / self.whitening_share if share < self.whitening_share else 0.0


def _out_of_range(recipe: Recipe) -> list[str]:
    """What is wrong with settings of the right type."""
    choices = {
        "network": NETWORKS,
        "optimizer": ("muon", "sgd"),
        "activation": get_args(Activation),
        "pool": get_args(PoolPlace),
        "flip": get_args(Flip),
        "tta": get_args(TestTimeAugmentation),
    }
    invalid = [
        f"{name}={getattr(recipe, name)!r} must be one of {', '.join(known)}"
        for name, known in choices.items()
        if getattr(recipe, name) not in known
    ]
    return [*invalid, *_numbers_out_of_range(recipe)]


def _numbers_out_of_range(recipe: Recipe) -> list[str]:
    invalid = []
    for name in COUNTS:
        if getattr(recipe, name) is not None and getattr(recipe, name) < 1:
            invalid.append(f"{name}={getattr(recipe, name)} must be at least 1")
    for name in (*POSITIVE, "hard_share"):
        value = getattr(recipe, name)
        if value is not None and not 0 < value < math.inf:
            invalid.append(f"{name}={value} must be a positive number")
    if not 0 <= recipe.brightness < math.inf:
        invalid.append(f"brightness={recipe.brightness} must be at least 0 and finite")
    for name in SHARES:
        if not 0 <= getattr(recipe, name) <= 1:
            invalid.append(f"{name}={getattr(recipe, name)} must be in [0, 1]")
    for name in ("momentum", "side_momentum", "label_smoothing", "average", "contrast"):
        value = getattr(recipe, name)
        if value is not None and not 0 <= value < 1:
            invalid.append(f"{name}={value} must be in [0, 1)")
    if recipe.warmup + recipe.constant > 1:
        invalid.append(f"warmup + constant = {recipe.warmup + recipe.constant} is more than 1")
    if recipe.freeze < 1 and recipe.network != "speednet":
        invalid.append(f"freeze={recipe.freeze} is an option of speednet, not of {recipe.network}")
    return invalid


def _of_wrong_type(recipe: Recipe) -> list[str]:
    """What is wrong with settings that are no numbers, or fractions where whole ones are due."""
    wrong = []
    for names, kind, words in ((COUNTS, Integral, "an integer"), (NUMBERS, Real, "a number")):
        for name in names:
            value = getattr(recipe, name)
            if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
                wrong.append(f"{name}={value!r} must be {words}")
    return wrong
