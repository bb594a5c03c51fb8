"""Trains JoeyNMT for a given time; the interpreter of an environment with JoeyNMT runs this file.

    python _joeynmt_training.py CONFIG PAIRS RATE SECONDS OUTPUT

CONFIG is JoeyNMT's own configuration, for a training on PAIRS pairs. The learning rate falls from
RATE to a twentieth of it by JoeyNMT's exponential scheduler, epoch by epoch; the number of updates
is set by the speed of the first ones. OUTPUT receives a JSON object with the greedy translations of
the test sentences as tokens.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from joeynmt.config import load_config, parse_global_args
from joeynmt.prediction import predict, prepare
from joeynmt.training import TrainManager

PROBE = 120
"""Updates by whose speed the number of updates is set."""


def fit(path: Path, pairs: int, rate: float, updates: int) -> tuple[TrainManager, Any, float]:
    """The trained model, the test sentences and the seconds of the updates."""
    config = load_config(path)
    epochs = updates * config["training"]["batch_size"] / pairs
    config["training"] |= {
        "updates": updates,
        "scheduling": "exponential",
        "learning_rate": rate,
        "learning_rate_min": rate / 100,  # below which JoeyNMT would stop
        "decrease_factor": 0.05 ** (1 / max(1, epochs)),
    }
    directory = Path(config["model_dir"])
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    args = parse_global_args(config, mode="train")
    model, train, dev, test = prepare(args, rank=0, mode="train")
    manager = TrainManager(
        rank=0,
        model=model,
        model_dir=args.model_dir,
        device=args.device,
        autocast=args.autocast,
        seed=args.seed,
        train_args=args.train,
        dev_args=args.test,
    )
    begin = time.perf_counter()
    manager.train_and_validate(train_data=train, valid_data=dev)
    seconds = time.perf_counter() - begin
    if manager.stats.steps != updates:
        raise RuntimeError(f"JoeyNMT made {manager.stats.steps} updates instead of {updates}")
    return manager, (test, args), seconds


def main() -> None:
    path, output = Path(sys.argv[1]), Path(sys.argv[5])
    pairs, rate, seconds = int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4])
    fit(path, pairs, rate, 20)  # the first updates are slower
    updates = int(PROBE * seconds / fit(path, pairs, rate, PROBE)[2])
    manager, (test, args), spent = fit(path, pairs, rate, updates)
    begin = time.perf_counter()
    _, _, _, tokens, _, _ = predict(
        model=manager.model,
        data=test,
        device=args.device,
        n_gpu=0,
        args=args.test,
        autocast=args.autocast,
    )
    found = {
        "version": version("joeynmt"),
        "torch": version("torch"),
        "parameters": sum(each.numel() for each in manager.model.parameters()),
        "updates": updates,
        "seconds": spent,
        "target_tokens": manager.stats.total_tokens,
        "decoding_seconds": time.perf_counter() - begin,
        "tokens": [[token for token in row if token != "</s>"] for row in tokens],
    }
    output.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
