"""The settings of ``stacked-rnn``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, get_args

from pydantic import PositiveFloat

from eigenlab.lab import Config, setting

ModelName = Literal[
    "RNN, one layer",
    "RNN, one layer, W_x as in Linear",
    "RNN, two layers",
    "RNN, two layers, W_x as in Linear",
    "LSTM",
    "LSTM, two layers",
]


class StackedRNNConfig(Config):
    """The course's training, and the untrained networks that are compared."""

    hidden_size: int = setting(32, "Hidden units per layer.", unit="units", ge=1, le=1024)
    length: int = setting(10, "Steps of each training sequence.", unit="steps", ge=2, le=1000)
    batch_size: int = setting(32, "Sequences per update.", unit="sequences", ge=1, le=4096)
    learning_rate: float = setting(1e-4, "Adam's learning rate.", gt=0)
    training_steps: int = setting(
        5000, "Updates of each training.", unit="updates", ge=1, le=1_000_000
    )
    inputs: Literal["normal", "uniform"] = setting(
        "normal", "Distribution of the inputs: standard normal, or uniform on [0, 1)."
    )
    n_seeds: int = setting(
        24,
        "Trainings of an RNN of one layer, from each of its two usual initialisations; 0 skips the "
        "training stage.",
        unit="seeds",
        ge=0,
        le=1000,
    )
    n_deep_seeds: int = setting(
        16,
        "Trainings of an RNN of two layers, from each of its two usual initialisations.",
        unit="seeds",
        ge=1,
        le=1000,
    )
    n_lstm_seeds: int = setting(
        3, "Trainings of an LSTM of one layer, and of one of two.", unit="seeds", ge=1, le=1000
    )
    models: tuple[ModelName, ...] = setting(
        get_args(ModelName), "Networks that are trained.", min_length=1
    )
    n_networks: int = setting(
        40, "Number of untrained networks per cell and factor.", ge=1, le=10_000
    )
    factors: tuple[PositiveFloat, ...] = setting(
        (0.01, 0.25, 0.5, 1.0, 2.0, 4.0),
        "Factors on the default initial weights; with the smallest W_h is close to zero, where "
        "the LSTM's rate is known in closed form.",
        min_length=1,
    )
    trace_length: int = setting(
        50, "Steps over which untrained gradients are traced.", unit="steps", ge=4, le=1000
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_seeds": 0, "n_networks": 30},
        "course": {},
        "full": {"n_seeds": 64, "n_deep_seeds": 48, "n_lstm_seeds": 10, "n_networks": 200},
    }
