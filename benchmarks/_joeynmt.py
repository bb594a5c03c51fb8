"""JoeyNMT's recurrent encoder-decoder on given pairs, trained in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from eigenlab.translation import SentencePair, tokenize

SCRIPT = Path(__file__).with_name("_joeynmt_training.py")
LANGUAGES = ("es", "en")


def train_joeynmt(
    python: Path,
    train: list[SentencePair],
    test: list[SentencePair],
    *,
    size: int,
    batch_size: int,
    max_length: int,
    learning_rate: float,
    seconds: float,
) -> dict[str, Any]:
    """Train for some seconds and translate the test pairs greedily.

    Returns the record of ``_joeynmt_training.py``; ``tokens`` are the translations.
    """
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for part, pairs in {"train": train, "dev": train[:100], "test": test}.items():
            for language, side in zip(LANGUAGES, ("source", "target"), strict=True):
                lines = [" ".join(tokenize(getattr(pair, side))) + "\n" for pair in pairs]
                (directory / f"{part}.{language}").write_text("".join(lines), encoding="utf-8")
        config = directory / "config.yaml"
        # JSON is YAML, too.
        config.write_text(json.dumps(configuration(directory, size, batch_size, max_length)))
        output = directory / "found.json"
        given = (SCRIPT, config, len(train), learning_rate, seconds, output)
        # PYTHONPATH would put packages of this environment into the other one.
        variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        done = subprocess.run(
            [str(python), *map(str, given)],
            check=False,
            cwd=directory,
            env=variables,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"JoeyNMT failed:\n{done.stderr[-4000:]}")
        return json.loads(output.read_text(encoding="utf-8"))


def configuration(directory: Path, size: int, batch_size: int, max_length: int) -> dict[str, Any]:
    """The configuration; what is not named here is JoeyNMT's default.

    Dropout, label smoothing, clipping and batches are those of our model. Input feeding and the
    attention from the decoder's new state are JoeyNMT's design.
    """

    def part(**options: Any) -> dict[str, Any]:
        return {
            "type": "recurrent",
            "rnn_type": "gru",
            "embeddings": {"embedding_dim": size, "dropout": 0.2},
            "hidden_size": size,
            "num_layers": 1,
            **options,
        }

    sides = {
        side: {"lang": language, "level": "word", "lowercase": False, "normalize": False}
        for side, language in zip(("src", "trg"), LANGUAGES, strict=True)
    }
    return {
        "name": "benchmark",
        "joeynmt_version": "2.3.0",
        "model_dir": str(directory / "model"),
        "use_cuda": False,
        "random_seed": 0,
        "data": {
            **{name: str(directory / name) for name in ("train", "dev", "test")},
            "dataset_type": "plain",
            **sides,
        },
        "model": {
            "initializer": "xavier_uniform",
            "encoder": part(bidirectional=True),
            "decoder": part(
                attention="bahdanau", init_hidden="bridge", input_feeding=True, hidden_dropout=0.2
            ),
        },
        "training": {
            "optimizer": "adam",
            "normalization": "tokens",
            "label_smoothing": 0.1,
            "clip_grad_norm": 1.0,
            "batch_type": "sentence",
            "batch_size": batch_size,
            "epochs": 10_000,
            "logging_freq": 100,
            "validation_freq": 1_000_000_000,
            "shuffle": True,
        },
        "testing": {
            "batch_type": "sentence",
            "batch_size": batch_size,
            "beam_size": 1,
            "max_output_length": max_length,
            "eval_metrics": [],
        },
    }
