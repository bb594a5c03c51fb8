"""The settings of ``translation``."""

from __future__ import annotations

from typing import Any, ClassVar

from eigenlab.lab import Config, setting


class TranslationConfig(Config):
    """Sentence pairs, size and training of both models, and decoding."""

    n_pairs: int = setting(
        9000, "Generated sentence pairs, held-out ones included.", unit="pairs", ge=200, le=200_000
    )
    n_test: int = setting(500, "Held-out sentence pairs.", unit="pairs", ge=40, le=10_000)
    max_tokens: int = setting(
        6,
        "Most tokens of a source or target, punctuation included; 20 leaves no sentence out.",
        unit="tokens",
        ge=5,
        le=20,
    )
    hidden_size: int = setting(
        128, "Hidden units and width of the embeddings.", unit="units", ge=8, le=1024, multiple_of=8
    )
    batch_size: int = setting(128, "Sentence pairs per update.", unit="pairs", ge=1, le=4096)
    learning_rate: float = setting(
        8e-3, "Maximum learning rate of the one-cycle schedule of AdamW.", gt=0
    )
    training_steps: int = setting(500, "Updates of each model.", unit="updates", ge=1, le=1_000_000)
    beam_size: int = setting(5, "Prefixes kept by beam search.", ge=1, le=100)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {
            "n_pairs": 400,
            "n_test": 40,
            "hidden_size": 16,
            "training_steps": 20,
            "beam_size": 3,
        },
        "course": {},
        "full": {
            "n_pairs": 50_000,
            "n_test": 2000,
            "max_tokens": 20,
            "hidden_size": 256,
            "learning_rate": 2e-3,
            "training_steps": 8000,
        },
    }
