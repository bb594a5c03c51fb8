"""The settings of ``rnn-layer``."""

from __future__ import annotations

from typing import Any, ClassVar

from eigenlab.lab import Config, setting


class RNNLayerConfig(Config):
    """Size of the random networks that are compared with a second implementation."""

    hidden_size: int = setting(32, "Units of the recurrent layer.", unit="units", ge=1, le=4096)
    input_size: int = setting(3, "Input features per step.", ge=1, le=4096)
    length: int = setting(40, "Steps of each sequence.", unit="steps", ge=1, le=10_000)
    batch_size: int = setting(8, "Sequences per batch.", unit="sequences", ge=1, le=4096)
    n_networks: int = setting(5, "Number of random networks per nonlinearity.", ge=1, le=1000)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_networks": 2},
        "course": {},
        "full": {"hidden_size": 128, "length": 200, "n_networks": 20},
    }
