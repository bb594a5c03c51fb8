"""The settings of ``pca-optimality``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import PositiveFloat

from eigenlab.lab import Config, setting


class PCAOptimalityConfig(Config):
    """Images, synthetic problems, and the number of steps of gradient descent."""

    data: Literal["digits", "mnist"] = setting(
        "digits",
        "Images: digits is part of scikit-learn, mnist is downloaded or read from EIGENLAB_DATA.",
    )
    max_images: int = setting(
        50_000, "Maximum number of images; the first ones are used.", unit="images", ge=2
    )
    n_components: int = setting(8, "Hidden units of the autoencoder.", unit="units", ge=1, le=784)
    n_seeds: int = setting(5, "Number of random networks and starts.", ge=1, le=1000)
    steps: int = setting(15000, "Steps of gradient descent.", unit="steps", ge=1, le=1_000_000)
    spectrum: tuple[PositiveFloat, ...] = setting(
        (5.0, 3.0, 2.0, 1.0, 0.5),
        "Variances along the principal axes of the small problem whose stationary points are "
        "listed.",
        min_length=2,
        max_length=12,
    )
    spectrum_components: int = setting(
        2, "Hidden units in the small problem.", unit="units", ge=1, le=6
    )
    staircase_spectrum: tuple[PositiveFloat, ...] = setting(
        (1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125),
        "Variances along the principal axes of the problem in which descent starts close to zero.",
        min_length=2,
        max_length=256,
    )
    staircase_components: int = setting(
        4, "Hidden units in that problem.", unit="units", ge=1, le=64
    )
    staircase_start: float = setting(
        1e-8, "Standard deviation of the initial weights in that problem.", gt=0, le=1
    )
    staircase_steps: int = setting(
        2000, "Steps of gradient descent in that problem.", unit="steps", ge=1, le=100_000
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_seeds": 2, "n_components": 4, "steps": 2500},
        "course": {},
        "full": {"data": "mnist", "n_components": 16, "steps": 8000},
    }
