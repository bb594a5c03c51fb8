"""CIFAR-10 on CPU cores: the speed of an update beside plain code, and full trainings.

    EIGENLAB_DATA=... python benchmarks/vision.py [speed] [train] [--seeds N] [--epochs E]

``speed`` takes some minutes: it alternates updates of the same network in plain float32, in plain
autocast and as eigenlab trains it, and measures the matrix rates of the machine beside them.
``train`` runs the recipe of the ladder's top to the end for each seed (a quarter of an hour or
more each); every run is stored when it ends, and an interrupted one continues.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from _side_by_side import PAUSE, RESULTS, alternate, store, summarise
from eigenlab.errors import DataError
from eigenlab.files import read_json
from eigenlab.reporter import Reporter
from eigenlab.vision import (
    Recipe,
    SpeedNet,
    load_cifar10,
    shapes32,
    summarize_runs,
    train_cifar10,
)
from eigenlab.vision.single_run import SingleRun

MICRO = 250
TARGET = 0.94
#: What an airbench-like script reached on two cores elsewhere: 94.41 % in 18.6 minutes.
RECIPE = Recipe(micro_batch_size=MICRO, epochs=9.0)


class PlainNet(nn.Module):
    """The same layers as plain code has them: contiguous images, no special memory format."""

    def __init__(self) -> None:
        super().__init__()
        self.network = SpeedNet()
        self.optimizer = torch.optim.SGD(
            [p for p in self.parameters() if p.requires_grad], lr=1e-4, momentum=0.9, nesterov=True
        )

    def update(self, images: torch.Tensor, labels: torch.Tensor, *, bfloat16: bool) -> None:
        self.optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            loss = nn.functional.cross_entropy(self.network(images), labels, label_smoothing=0.2)
        loss.backward()
        self.optimizer.step()


def speed() -> dict[str, Any]:
    """Images per second of forward, backward and update, micro-batches of 250."""
    data = shapes32(2000)
    ways: dict[str, Callable[[], object]] = {}
    plain = PlainNet()
    images = torch.randn(MICRO, 3, 32, 32)
    labels = torch.randint(10, (MICRO,))
    ways["plain, float32"] = lambda: plain.update(images, labels, bfloat16=False)
    ways["plain, autocast"] = lambda: plain.update(images, labels, bfloat16=True)
    for precision in ("float32", "bfloat16"):
        training = SingleRun(RECIPE.replaced(batch_size=MICRO), data, 0, precision)

        def update(training: SingleRun = training) -> None:
            batch = training.loader(0)
            training.optimizer.zero_grad()
            training.loss(training.trainee, batch).backward()
            training.optimizer.step()

        ways[f"eigenlab, {precision}"] = update
    rows = summarise(alternate(ways, rounds=9, pause=PAUSE), "plain, float32")
    with FlopCounterMode(display=False) as counter:
        plain.update(images, labels, bfloat16=False)
    flops = counter.get_total_flops() / MICRO
    rates = {name: matrix_rate(dtype) for name, dtype in MATRIX_TYPES.items()}
    print(f"{flops / 1e6:.0f} MFLOP an image; matrix products reach {rates} GFLOP/s")
    for name, row in rows.items():
        row["images_per_second"] = MICRO / row["median_ms"] * 1e3
        row["gflops"] = flops * row["images_per_second"] / 1e9
        row["share_of_matrix_rate"] = (
            row["gflops"] / rates["float32" if "float32" in name else "bfloat16"]
        )
        low, high = row["quartiles_ms"]
        print(
            f"  {name:24s} {row['images_per_second']:6.0f} images/s [{MICRO / high * 1e3:.0f}, "
            f"{MICRO / low * 1e3:.0f}]  {1 / row['ratio']:5.2f} x plain float32, "
            f"{row['share_of_matrix_rate']:.0%} of the matrix rate"
        )
    return {"rows": rows, "flops_per_image": flops, "matrix_gflops": rates}


MATRIX_TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def matrix_rate(dtype: torch.dtype, size: int = 2048) -> float:
    """GFLOP/s of one large matrix product: the rate that no convolution here exceeds."""
    a = torch.randn(size, size).to(dtype)
    samples = alternate({"product": lambda: a @ a}, rounds=9)["product"]
    return 2 * size**3 / (median(samples) * 1e6)


class Lines(Reporter):
    """Prints a line now and then."""

    def __init__(self) -> None:
        self.last = 0.0

    def progress(self, done: int, total: int, message: str = "") -> None:
        if time.monotonic() - self.last > 60 or done == total:
            self.last = time.monotonic()
            print(f"  update {done} of {total}, {message}", flush=True)


def train(seeds: int, recipe: Recipe, name: str) -> dict[str, Any]:
    """Full runs; what is stored for the same recipe is kept."""
    training, test = load_cifar10("train"), load_cifar10("test")
    runs = _stored(name, recipe)
    for seed in range(len(runs), seeds):
        found = train_cifar10(
            recipe,
            training,
            test,
            seed=seed,
            rehearse=True,
            evaluate_every=2,
            reporter=Lines(),
            checkpoint=RESULTS / f".{name}-{seed}",
        )
        runs.append(
            {
                "seed": seed,
                "accuracy": found.accuracy,
                "plain_accuracy": found.plain_accuracy,
                "training_seconds": found.training_seconds,
                "total_seconds": found.total_seconds,
                "images": found.n_seen,
                "precision": found.precision,
                "threads": torch.get_num_threads(),
                "losses": found.history.losses,
                "evaluations": found.history.evaluations,
            }
        )
        print(
            f"seed {seed}: {found.accuracy:.2%} with test-time augmentation, "
            f"{found.plain_accuracy:.2%} without, {found.training_seconds / 60:.1f} min, "
            f"{found.n_seen / found.training_seconds:.0f} images/s",
            flush=True,
        )
        store(name, summary(runs, recipe))
    return summary(runs, recipe)


def _stored(name: str, recipe: Recipe) -> list[dict[str, Any]]:
    path = RESULTS / f"{name}.json"
    if not path.exists():
        return []
    stored = read_json(path)
    return list(stored["runs"]) if Recipe(**stored["recipe"]) == recipe else []


def summary(runs: list[dict[str, Any]], recipe: Recipe) -> dict[str, Any]:
    accuracies = [run["accuracy"] for run in runs]
    return {
        "recipe": asdict(recipe),
        "runs": runs,
        "summary": asdict(summarize_runs(accuracies, TARGET)),
        "median_training_seconds": median(run["training_seconds"] for run in runs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", choices=["speed", "train"], default=["speed"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=RECIPE.epochs)
    parser.add_argument("--name", default="vision_train", help="of the stored results")
    chosen = parser.parse_args()
    if "speed" in chosen.parts:
        store("vision_speed", speed())
    if "train" in chosen.parts:
        try:
            train(chosen.seeds, RECIPE.replaced(epochs=chosen.epochs), chosen.name)
        except DataError as error:
            print(f"skipped: {error}")


if __name__ == "__main__":
    main()
