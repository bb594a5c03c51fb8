"""The settings of ``regularized-autoencoder``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import PositiveFloat

from eigenlab.lab import Config, setting


class RegularizedAutoencoderConfig(Config):
    """Images, values of lambda, and the small problem on which updates are compared."""

    data: Literal["digits", "mnist"] = setting(
        "digits",
        "Images: digits is part of scikit-learn, mnist is downloaded or read from EIGENLAB_DATA.",
    )
    max_images: int = setting(
        50_000, "Maximum number of images; the first ones are used.", unit="images", ge=2
    )
    n_components: int = setting(6, "Hidden units k at the minima.", unit="units", ge=1, le=784)
    lams: tuple[PositiveFloat, ...] = setting(
        (0.03, 0.06, 0.12, 0.25, 0.5, 1.3),
        "Values of lambda at the minima, in units of the smallest kept variance sigma_k^2; "
        "lowered to the geometric mean of the largest and the smallest kept variance where they "
        "exceed it, so that some units stay active.",
        unit="sigma_k^2",
        min_length=1,
    )
    n_seeds: int = setting(3, "Number of random starts for each lambda.", ge=1, le=1000)
    steps: int = setting(8000, "Steps of full gradient descent.", unit="steps", ge=1, le=1_000_000)
    sgd_components: int = setting(
        3, "Hidden units when training on one sample at a time.", unit="units", ge=1, le=784
    )
    sgd_lam: float = setting(
        0.25,
        "Lambda when training on one sample at a time, in units of the smallest kept variance.",
        unit="sigma_k^2",
        ge=0,
    )
    sgd_samples: int = setting(
        2000,
        "Maximum number of samples when training on one at a time; the first images are used.",
        unit="samples",
        ge=2,
        le=60_000,
    )
    sgd_epochs: int = setting(
        100,
        "Passes over the samples when training on one at a time.",
        unit="epochs",
        ge=1,
        le=10_000,
    )
    sgd_learning_rate: float = setting(
        0.005, "Largest learning rate, in units of 1 / (total variance).", gt=0
    )
    objective_spectrum: tuple[PositiveFloat, ...] = setting(
        (4.0, 2.0, 1.0, 0.5, 0.25, 0.125),
        "Variances along the principal axes of the samples on which updates are compared.",
        min_length=1,
        max_length=256,
    )
    objective_components: int = setting(
        3, "Hidden units of the networks whose updates are compared.", unit="units", ge=1, le=64
    )
    objective_lam: float = setting(
        0.2, "Lambda at which updates are compared, in units of a variance.", gt=0
    )
    objective_batch_size: int = setting(
        8,
        "Batch size at which updates are compared; batch norm needs at least two.",
        unit="samples",
        ge=2,
        le=4096,
    )
    objective_batches: int = setting(
        6, "Number of batches over which updates are averaged.", unit="batches", ge=1, le=1000
    )
    objective_points: int = setting(
        3, "Number of random weights at which updates are compared.", ge=1, le=100
    )
    full_batch_steps: int = setting(
        1500, "Steps of each optimiser on all samples at once.", unit="steps", ge=1, le=100_000
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_components": 4, "n_seeds": 2, "steps": 4000},
        "course": {},
        "full": {"data": "mnist", "sgd_epochs": 200},
    }
