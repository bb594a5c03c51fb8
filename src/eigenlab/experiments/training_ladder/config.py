"""The settings of ``training-ladder``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from eigenlab.lab import Config, setting


class TrainingLadderConfig(Config):
    """The images, and how much of each rung's training is done."""

    data: Literal["shapes32", "cifar10"] = setting(
        "shapes32", "Images: generated shapes, or CIFAR-10."
    )
    n_train: int = setting(2000, "Training images, at most.", unit="images", ge=100, le=1_000_000)
    n_test: int = setting(1000, "Test images, at most.", unit="images", ge=50, le=1_000_000)
    width: int = setting(
        8, "Channels of the first layer of each network; 64 as published.", ge=2, le=256
    )
    rungs: Literal["landmarks", "all"] = setting(
        "landmarks",
        "Rungs that are trained: the foot, ResNet-9, whitened patches and the top, or all.",
    )
    epochs: float = setting(
        3.0, "Passes of every rung over the images; 0 is each rung's own number.", ge=0, le=1000
    )
    smaller_batches: float = setting(
        16.0,
        "Batches and the learning rates of SGD are divided by this, so that few images give as "
        "many updates.",
        ge=1,
        le=100,
    )
    micro_batch_size: int = setting(
        0,
        "Images that pass through a network together; 0 is the batch.",
        unit="images",
        ge=0,
        le=100_000,
    )
    precision: Literal["float32", "bfloat16", "auto"] = setting(
        "float32", "Precision of the products in training."
    )
    n_seeds: int = setting(1, "Trainings of each rung.", unit="seeds", ge=1, le=1000)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_train": 200, "n_test": 100, "width": 4, "epochs": 0.5},
        "course": {},
        "cpu": {
            "data": "cifar10",
            "n_train": 10_000,
            "n_test": 5_000,
            "width": 16,
            "rungs": "all",
            "epochs": 2.0,
            "smaller_batches": 4.0,
            "micro_batch_size": 250,
            "precision": "auto",
        },
        "full": {
            "data": "cifar10",
            "n_train": 50_000,
            "n_test": 10_000,
            "width": 64,
            "rungs": "all",
            "epochs": 0.0,
            "smaller_batches": 1.0,
            "precision": "auto",
            "n_seeds": 5,
        },
    }
