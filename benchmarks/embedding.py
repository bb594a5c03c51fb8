"""Accuracy of a linear probe on ``AutoencoderEmbedding`` beside PCA of equal width.

    EIGENLAB_DATA=<folder with mnist/> python benchmarks/embedding.py

Each embedding is fitted without labels: on 897 of scikit-learn's digits (8 x 8, width 16) and on
the first 50,000 images of MNIST (width 64; left out where it is not found). A linear probe
(``linear_probe``, its penalty cross-validated on the labelled images alone) is fitted on the
embedding of few labelled images, drawn from others, and tested on 500 digits and on MNIST's 10,000
test images. Hidden layers, passes and learning rate are fixed in advance, those of
``few-label-probe``'s shortest trainings; nothing was chosen on the test images. Timed: ``fit``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from _side_by_side import store
from eigenlab.autoencoders import AutoencoderEmbedding, linear_probe
from eigenlab.data import load_mnist, path

KINDS = ("vanilla", "denoising", "masked", "warped", "convolutional")


class Task(NamedTuple):
    """Images in [0, 1] without labels, with labels to draw from, and to test on."""

    unlabelled: np.ndarray
    pool: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]
    width: int
    hidden_sizes: Sequence[int]
    channels: Sequence[int]
    n_epochs: int
    label_counts: Sequence[int]
    seeds: int


def digits() -> Task:
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype(np.float32), y[order]
    pool, test = (x[897:1297], y[897:1297]), (x[1297:], y[1297:])
    return Task(x[:897], pool, test, 16, (512,), (32, 64), 60, (50, 200), seeds=5)


def mnist() -> Task:
    (x, y), (x_test, y_test) = (load_mnist(part) for part in ("train", "test"))
    flat = [images.reshape(len(images), -1).astype(np.float32) / 255 for images in (x, x_test)]
    pool = (flat[0][50_000:], y[50_000:])
    test = (flat[1], y_test)
    return Task(
        flat[0][:50_000], pool, test, 64, (512,), (32, 64, 128), 3, (50, 200, 1000), seeds=2
    )


def encoder(name: str, task: Task, seed: int) -> TransformerMixin:
    if name == "PCA":
        return PCA(task.width, random_state=seed)
    return AutoencoderEmbedding(
        task.width,
        name,
        hidden_sizes=() if name == "convolutional" else task.hidden_sizes,
        channels=task.channels,
        n_epochs=task.n_epochs,
        batch_size=128,
        random_state=seed,
    )


def measure(name: str, task: Task) -> dict[str, Any]:
    seconds: list[float] = []
    accuracy: dict[int, list[float]] = {count: [] for count in task.label_counts}
    for seed in range(task.seeds):
        begin = time.perf_counter()
        model = encoder(name, task, seed).fit(task.unlabelled)
        seconds.append(time.perf_counter() - begin)
        pool, test = (torch.tensor(model.transform(part[0])) for part in (task.pool, task.test))
        labels, truth = torch.tensor(task.pool[1]).long(), torch.tensor(task.test[1]).long()
        for count in task.label_counts:
            drawn = torch.tensor(np.random.default_rng(seed).permutation(len(pool))[:count])
            probe = linear_probe(pool[drawn], labels[drawn], n_classes=10)
            accuracy[count].append(probe.accuracy(test, truth))
    return {"accuracy": accuracy, "seconds": seconds}


def main() -> None:
    tasks = {"digits": digits()}
    if path("mnist") is None:
        print("MNIST is left out: `eigenlab data fetch mnist`, or set EIGENLAB_DATA")
    else:
        tasks["mnist"] = mnist()
    content: dict[str, Any] = {}
    for title, task in tasks.items():
        counts = task.label_counts
        print(f"\n{title}, width {task.width}, accuracy in % (mean over {task.seeds} seeds)\n")
        print(f"| embedding | {' | '.join(f'{count} labels' for count in counts)} | fit |")
        print(f"|---|{'---:|' * (len(counts) + 1)}")
        content[title] = {"width": task.width, "embeddings": {}}
        for name in ("PCA", *KINDS):
            found = content[title]["embeddings"][name] = measure(name, task)
            cells = (f"{100 * np.mean(found['accuracy'][count]):.1f}" for count in counts)
            print(
                f"| {name} | {' | '.join(cells)} | {np.median(found['seconds']):.1f} s |",
                flush=True,
            )
    store("embedding", content)


if __name__ == "__main__":
    main()
