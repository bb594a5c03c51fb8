"""The settings of ``teacher-forcing``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from eigenlab.lab import Config, setting


class TeacherForcingConfig(Config):
    """The translators that are compared, and the sentences they learn from."""

    cell: Literal["rnn", "lstm", "gru"] = setting("gru", "Kind of recurrent cell.")
    hidden_size: int = setting(
        64, "Units of encoder, decoder and embeddings.", unit="units", ge=1, le=2048
    )
    n_pairs: int = setting(
        8000, "Sentence pairs, the held-out ones included.", unit="pairs", ge=200, le=100_000
    )
    n_test: int = setting(1000, "Held-out pairs.", unit="pairs", ge=50, le=20_000)
    max_tokens: int = setting(
        6, "Most tokens of a sentence, punctuation included.", unit="tokens", ge=4, le=20
    )
    epochs: int = setting(5, "Passes over the pairs.", ge=1, le=1000)
    batch_size: int = setting(64, "Pairs per update.", unit="pairs", ge=1, le=4096)
    learning_rate: float = setting(0.02, "Highest learning rate.", gt=0)
    last_forcing: float = setting(
        0.5,
        "Probability, at the end of scheduled sampling, of being fed the target; it falls from 1 "
        "along a cosine.",
        ge=0,
        le=1,
    )
    n_seeds: int = setting(
        3,
        "Trainings by teacher forcing and scheduled sampling; 0 skips them.",
        unit="seeds",
        ge=0,
        le=100,
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"hidden_size": 16, "n_pairs": 600, "n_test": 100, "epochs": 3},
        "course": {},
        "full": {
            "hidden_size": 128,
            "n_pairs": 50_000,
            "max_tokens": 12,
            "n_seeds": 5,
            "learning_rate": 0.01,
        },
    }
