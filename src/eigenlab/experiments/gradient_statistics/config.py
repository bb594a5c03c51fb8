"""The settings of ``gradient-statistics``."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import PositiveInt

from eigenlab.lab import Config, setting


class GradientStatisticsConfig(Config):
    """Distribution of the random networks, and training on the long-range tasks."""

    n_networks: int = setting(
        400, "Random networks, each run with tanh and with ReLU.", ge=1, le=100_000
    )
    gain_factor: float = setting(
        4.0,
        "The weight scale is drawn log-uniformly from 1 / gain_factor to gain_factor; below 1 the "
        "gradient of a linear network vanishes, above 1 it explodes.",
        gt=1,
    )
    max_bias_scale: float = setting(
        1.0, "Largest bias scale; the bias scale is drawn uniformly from 0 to it.", ge=0
    )
    hidden_size: int = setting(32, "Hidden units.", unit="units", ge=1, le=1024)
    length: int = setting(50, "Steps of each sequence.", unit="steps", ge=2, le=1000)
    n_traces: int = setting(20, "Networks traced with a loss at every step.", ge=1, le=1000)
    n_seeds: int = setting(5, "Trainings per task and loss.", unit="seeds", ge=1, le=100)
    training_steps: int = setting(500, "Updates of each training.", unit="steps", ge=1, le=20_000)
    learning_rate: float = setting(3e-3, "Adam's learning rate.", gt=0)
    short_lag: int = setting(3, "Lag that is easily learned.", unit="steps", ge=1, le=1000)
    long_lag: int = setting(30, "Lag over which gradients vanish.", unit="steps", ge=1, le=1000)
    map_lags: tuple[PositiveInt, ...] = setting(
        (5, 15, 30), "Lags of the map of delayed copies, ascending.", unit="steps", min_length=2
    )
    map_answers: tuple[PositiveInt, ...] = setting(
        (3, 15, 30),
        "Numbers of targets per sequence of the map of delayed copies, ascending.",
        min_length=2,
    )
    map_steps: tuple[PositiveInt, ...] = setting(
        (250, 500), "Updates after which the map is measured, ascending.", min_length=1
    )
    map_seeds: int = setting(5, "Trainings per cell of the map.", unit="seeds", ge=2, le=100)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "n_networks": 150,
            "n_traces": 5,
            "n_seeds": 3,
            "training_steps": 200,
            "map_lags": (2, 4),
            "map_answers": (1, 5),
            "map_steps": (20, 40),
            "map_seeds": 2,
        },
        "course": {},
        "full": {
            "n_networks": 3000,
            "n_traces": 100,
            "n_seeds": 20,
            "training_steps": 1000,
            "map_lags": (5, 10, 15, 20, 30),
            "map_answers": (3, 15, 30, 60),
            "map_steps": (250, 500, 2000),
            "map_seeds": 5,
        },
    }
