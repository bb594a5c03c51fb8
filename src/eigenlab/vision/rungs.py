"""The ladder of question 4: one trick at a time, from the ResNet-18 of 2018 to the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eigenlab.vision.recipe import Recipe


@dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Args:
        name: short name.
        change: what is changed against the rung before, and why.
        recipe: all settings.
        published: seconds until 94 % (or at the end of training) that its author measured; None
            where nobody has published this rung by itself.
        device: on what.
        source: where that is published.
    """

    name: str
    change: str
    recipe: Recipe
    published: float | None = None
    device: str = "V100"
    source: str = "D. Page, cifar10-fast at f79e8b8"


_SGD: dict[str, Any] = {
    "optimizer": "sgd",
    "momentum": 0.9,
    "side_momentum": 0.9,
    "bias_learning_rate": None,
    "head_learning_rate": None,
    "weight_decay": 5e-4,
}


def ladder() -> tuple[Rung, ...]:
    """The rungs, each with the settings of the one before and one change (question 4).

    Epochs, batches and learning rates are those of the authors, who shortened the training where a
    trick had made it better, and so do the rungs here.

    >>> [rung.name for rung in ladder()][:3]
    ['ResNet-18', 'batches of 512', 'cutout, 30 epochs']
    """
    baseline = Recipe(
        network="resnet18",
        activation="relu",
        pool="last",
        whitening=False,
        epochs=35,
        batch_size=128,
        learning_rate=0.1,
        warmup=15 / 35,
        flip="random",
        translate=4,
        label_smoothing=0.0,
        tta="none",
        **_SGD,
    )
    bigger = baseline.replaced(batch_size=512, learning_rate=0.44)
    painted = bigger.replaced(cutout=8, epochs=30, warmup=1 / 3)
    nine = painted.replaced(
        network="resnet9", epochs=24, learning_rate=0.4, warmup=5 / 24, batch_size=512
    )
    pooled = nine.replaced(pool="before-norm", epochs=25, warmup=1 / 5)
    smoothed = pooled.replaced(label_smoothing=0.2, epochs=23)
    celu = smoothed.replaced(activation="celu", epochs=20)
    ghost = celu.replaced(ghost_size=32, epochs=18, learning_rate=0.6)
    # Shifts learn 64 times as fast, as published, where the scales before them stay 1.
    frozen = ghost.replaced(frozen_scales=True, epochs=17, bias_learning_rate=0.6 * 64)
    white = frozen.replaced(
        whitening=True, epochs=14, cutout=5, learning_rate=1.0, bias_learning_rate=64.0
    )
    averaged = white.replaced(average=0.99**5, epochs=13, final_rate=0.1, constant=2 / 13)
    mirrored = averaged.replaced(tta="mirror", cutout=0, epochs=10, constant=2 / 10)
    alternating = mirrored.replaced(flip="alternating")
    top = Recipe()
    second = top.replaced(
        activation="silu",
        epochs=8.8,
        batch_size=1536,
        learning_rate=0.205,
        bias_learning_rate=88.0,
        head_learning_rate=832.0,
        momentum=0.655,
        side_momentum=0.825,
        weight_decay=0.0078,
        brightness=0.14,
        contrast=0.13,
        label_smoothing=0.09,
        whitening_share=0.03,
        freeze=0.75,
        tta_below=0.78,
    )
    return (
        Rung(
            "ResNet-18", "The fastest single-GPU entry of DAWNBench in 2018: 341 s.", baseline, 297
        ),
        Rung("batches of 512", "Larger batches keep the device busy.", bigger, 256),
        Rung(
            "cutout, 30 epochs",
            "A square of each image is painted over, so that the network overfits less, and a "
            "shorter training suffices.",
            painted,
            161,
        ),
        Rung(
            "ResNet-9",
            "Half as many layers, pooling for strides, and residual blocks where they help.",
            nine,
            75,
        ),
        Rung(
            "pooling first",
            "Pooling before batch norm: the layers behind it have a quarter of the pixels.",
            pooled,
            64,
        ),
        Rung(
            "label smoothing",
            "A fifth of the probability is spread over all classes.",
            smoothed,
            59,
        ),
        Rung("CELU", "A smooth activation instead of ReLU.", celu, 52),
        Rung(
            "ghost batches",
            "Batch norm over 32 images: its noise regularises.",
            ghost,
            46,
        ),
        Rung(
            "fixed scales",
            "The scales of batch norm stay 1, and its shifts learn 64 times as fast.",
            frozen,
            43,
        ),
        Rung(
            "whitened patches",
            "The first layer is the eigenbasis of 3 x 3 patches, scaled to variance 1.",
            white,
            36,
        ),
        Rung(
            "averaged weights",
            "An average of the weights predicts; the learning rate need not fall to 0.",
            averaged,
            33.5,
        ),
        Rung(
            "mirrored test images",
            "The mean over each test image and its mirror image; without cutout.",
            mirrored,
            26,
        ),
        Rung(
            "alternating flips",
            "Each image is seen both ways in any two epochs.",
            alternating,
            None,
            source="K. Jordan, arXiv:2404.00498",
        ),
        Rung(
            "SpeedNet and Muon",
            "Six convolutions that begin as the identity, with orthogonalised momentum.",
            top,
            2.59,
            device="A100",
            source="K. Jordan, airbench94_muon.py",
        ),
        Rung(
            "under a second",
            "Smaller batches, jittered colours, SiLU, and no training of the first layers once "
            "they change little; only uncertain test images are augmented, each by itself.",
            second,
            0.95,
            device="H200",
            source="eigenlab, benchmarks/vision_gpu.py; settings after Hiverge, cifar10-speedrun",
        ),
    )
