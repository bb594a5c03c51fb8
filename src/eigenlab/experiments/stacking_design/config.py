"""The settings of ``stacking-design``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from eigenlab.lab import Config, setting


class StackingDesignConfig(Config):
    """The untrained networks, the sentences and the trainings."""

    n_networks: int = setting(
        2, "Untrained networks per cell, design and pair of lengths.", ge=1, le=100
    )
    max_tokens: int = setting(
        6, "Most tokens of a sentence on either side.", unit="tokens", ge=4, le=20
    )
    n_train: int = setting(11_000, "Training pairs.", unit="pairs", ge=100, le=100_000)
    n_test: int = setting(3000, "Held-out pairs.", unit="pairs", ge=50, le=20_000)
    cell: Literal["rnn", "lstm", "gru"] = setting("lstm", "Kind of cell of the trained models.")
    hidden_size: int = setting(
        128,
        "Hidden units of the sequential design; the stacked one gets the smallest number with "
        "which it has at least as many parameters.",
        unit="units",
        ge=8,
        le=1024,
    )
    batch_size: int = setting(64, "Pairs per update.", unit="pairs", ge=1, le=4096)
    learning_rate: float = setting(1e-2, "Highest learning rate of AdamW.", gt=0, le=1)
    training_steps: int = setting(
        800, "Updates of each training.", unit="updates", ge=1, le=1_000_000
    )
    n_seeds: int = setting(
        1, "Trainings per design; 0 skips the training stage.", unit="seeds", ge=0, le=100
    )
    n_resamples: int = setting(
        2000, "Resamples of the test sentences for an interval.", ge=100, le=100_000
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "n_networks": 1,
            "n_train": 600,
            "n_test": 200,
            "hidden_size": 16,
            "training_steps": 30,
            "n_resamples": 200,
        },
        "course": {},
        "full": {"n_seeds": 3, "n_train": 20_000, "n_test": 5000, "training_steps": 3000},
    }
