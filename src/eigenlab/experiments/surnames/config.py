"""The settings of ``surnames``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from eigenlab.lab import Config, setting


class SurnamesConfig(Config):
    """Data, training of the tanh RNN, and repetitions."""

    data: Literal["auto", "names", "names-mini"] = setting(
        "auto",
        "Surnames: the course's 18 languages (names), the embedded list (names-mini), or the "
        "first if it is found, else the second (auto).",
    )
    epochs: int = setting(
        20, "Passes over the training names; the course allows 20.", unit="epochs", ge=1, le=1000
    )
    rnn_size: int = setting(
        256, "Hidden units and embedding width of the tanh RNN.", unit="units", ge=1, le=4096
    )
    dropout: float = setting(0.25, "Dropout probability of the tanh RNN.", ge=0, lt=1)
    batch_size: int = setting(64, "Names per update of the tanh RNN.", unit="names", ge=1)
    learning_rate: float = setting(
        2e-3, "Maximum learning rate of the tanh RNN's one-cycle schedule.", gt=0
    )
    calibration_names: int = setting(
        400,
        "Training names held out to fit the tanh RNN's temperature, at most a tenth of them.",
        unit="names",
        ge=1,
    )
    n_seeds: int = setting(
        1, "Repetitions with another split and other weights.", unit="seeds", ge=1, le=100
    )
    best: bool = setting(False, "Whether to train the best recurrent model, too.")

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"data": "names-mini", "epochs": 12, "rnn_size": 64},
        "course": {},
        "full": {"n_seeds": 5, "best": True},
    }
