"""How far a handful of labels goes on features that were learned without any."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from eigenlab.autoencoders import (
    Autoencoder,
    DenoisingAutoencoder,
    MaskedAutoencoder,
    WarpedAutoencoder,
    convex_probe,
    fit,
    knn_accuracy,
    linear_probes,
    signed_parts,
    unit_rows,
)
from eigenlab.lab import Context, NotRun
from eigenlab.lab.claim import Record
from eigenlab.reporter import Reporter
from eigenlab.training import derive_seed, generator
from eigenlab.training.schedules import cosine

RAW, PCA, RANDOM = "raw pixels", "PCA", "random encoder"
TRAINED = ("vanilla", "denoising", "masked", "warped")
ENCODERS = (RAW, PCA, RANDOM, *TRAINED)
FEW = 200
BATCH = 128
COURSE_PROBE_EPOCHS = 200
SHOWN = 8  # images of each row of the picture
MAPPED = 500  # test images on the map


class Images(NamedTuple):
    """Flattened images in [0, 1], three parts, and what is fitting for their number and size."""

    shape: tuple[int, int]
    train: Tensor
    pool: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]
    hidden_sizes: tuple[int, ...]
    n_components: int
    label_counts: tuple[int, ...]


def digits() -> Images:
    """The 1,797 8 x 8 digits that come with scikit-learn: 897 train, 400 to label, 500 test."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=generator(0, "digits"))
    images, labels = torch.tensor(x / 16, dtype=torch.float32)[order], torch.tensor(y)[order]
    return Images(
        (8, 8),
        images[:897],
        (images[897:1297], labels[897:1297]),
        (images[1297:], labels[1297:]),
        hidden_sizes=(512, 512),
        n_components=16,
        label_counts=(50, 100, FEW),
    )


def mnist() -> Images:
    """MNIST: 50,000 train, the 10,000 after them to label, and its own 10,000 test images."""
    from eigenlab.data import load_mnist

    parts = []
    for split in ("train", "test"):
        images, labels = load_mnist(split)
        parts.append((torch.tensor(images).flatten(1) / 255, torch.tensor(labels)))
    (x, y), test = parts
    return Images(
        (28, 28),
        x[:50_000],
        (x[50_000:], y[50_000:]),
        test,
        hidden_sizes=(1024, 512, 512),
        n_components=64,
        label_counts=(50, 100, FEW, 1000),
    )


def measure_digits(config: Any, context: Context) -> Record:
    """All encoders on the embedded digits."""
    return measure(digits(), config.digits_updates, config, context.reporter)


def measure_mnist(config: Any, context: Context) -> Record:
    """All encoders on MNIST, where it is found; nothing is downloaded."""
    from eigenlab.data import path

    if config.data == "digits":
        raise NotRun("data=digits; choose --data auto or mnist to use MNIST")
    if config.data == "auto" and path("mnist") is None:
        raise NotRun("MNIST is not on this machine; run `eigenlab data fetch mnist`")
    return measure(mnist(), config.mnist_updates, config, context.reporter)


def measure(data: Images, updates: int, config: Any, reporter: Reporter) -> Record:
    """Train every encoder for every seed, then probe it with few labels; test once."""
    seeds = [derive_seed(config.seed, "few labels, signed parts", i) for i in range(config.n_seeds)]
    rows: list[dict[str, Any]] = []
    seconds: dict[str, list[float]] = {}
    pictures: dict[str, Any] = {}
    for index, seed in enumerate(seeds):
        encoders, models = _encoders(data, updates, seed, seconds)
        rows += _probe_all(data, encoders, index, seed, config.n_draws)
        if index == 0:
            pictures = _pictures(data, encoders, models, seed)
        reporter.progress(index + 1, len(seeds), f"seed {index + 1}")
        reporter.raise_if_cancelled()
    return {
        "seeds": seeds,
        "rows": rows,
        "updates": updates,
        "label_counts": data.label_counts,
        "training_seconds": seconds,
        "threads": torch.get_num_threads(),
        **pictures,
    }


Encoder = Callable[[Tensor], Tensor]


def _encoders(
    data: Images, updates: int, seed: int, seconds: dict[str, list[float]]
) -> tuple[dict[str, Encoder], dict[str, Autoencoder]]:
    """Functions from images to features, and the trained models among them."""
    from sklearn.decomposition import PCA as SklearnPCA

    pixels = data.train.shape[1]
    pca = SklearnPCA(data.n_components, random_state=seed % 2**32).fit(data.train.numpy())
    axes, mean = torch.tensor(pca.components_).float(), torch.tensor(pca.mean_).float()
    makers: dict[str, Callable[[], Autoencoder]] = {
        "vanilla": lambda: Autoencoder(pixels, data.hidden_sizes, generator=weights()),
        "denoising": lambda: DenoisingAutoencoder(pixels, data.hidden_sizes, generator=weights()),
        "masked": lambda: MaskedAutoencoder(
            pixels, data.hidden_sizes, mask_prob=0.5, generator=weights()
        ),
        "warped": lambda: WarpedAutoencoder(data.shape, data.hidden_sizes, generator=weights()),
    }

    def weights() -> torch.Generator:
        return generator(seed, "weights")

    models = {name: make() for name, make in makers.items()}
    epochs = max(1, round(updates * BATCH / len(data.train)))
    steps = epochs * -(-len(data.train) // BATCH)
    for name, model in models.items():
        begin = time.perf_counter()
        fit(model, data.train, epochs=epochs, seed=seed, batch_size=BATCH, schedule=cosine(steps))
        seconds.setdefault(name, []).append(time.perf_counter() - begin)
    untrained = makers["vanilla"]()
    encoders: dict[str, Encoder] = {
        RAW: lambda x: x,
        PCA: lambda x: (x - mean) @ axes.T,
        RANDOM: untrained.encode,
        **{name: model.encode for name, model in models.items()},
    }
    return encoders, models


def readable(z: Tensor) -> Tensor:
    """What every probe reads, of every encoder: signed parts of the code, of unit length."""
    return unit_rows(signed_parts(z))


@torch.no_grad()
def _probe_all(
    data: Images, encoders: dict[str, Encoder], index: int, seed: int, n_draws: int
) -> list[dict[str, Any]]:
    """The same labelled images and probes for every encoder; accuracies are means over draws."""
    (pool, labels), (test, test_labels) = data.pool, data.test
    orders = [
        torch.randperm(len(pool), generator=generator(seed, "labelled", draw))
        for draw in range(n_draws)
    ]
    rows = []
    for name, encode in encoders.items():
        code = encode(pool)
        known, unseen = readable(code), readable(encode(test))
        for count in data.label_counts:
            found: dict[str, list[float]] = {}
            for order in orders:
                x, y = known[order[:count]], labels[order[:count]]
                probe, strength = convex_probe(x, y, n_classes=10, seed=seed)
                scores = {
                    "accuracy": probe.accuracy(unseen, test_labels),
                    "neighbours": knn_accuracy(x, y, unseen, test_labels, k=3),
                    "log10_C": math.log10(strength),
                }
                if count == FEW:
                    scores["adam"] = _course_probe(x, y, seed).accuracy(unseen, test_labels)
                for key, score in scores.items():
                    found.setdefault(key, []).append(score)
            row = {"encoder": name, "seed": index, "labels": count, "features": code.shape[1]}
            row |= {key: statistics.fmean(scores) for key, scores in found.items()}
            rows.append(row | {"draws": found["accuracy"]})
    return rows


def _course_probe(x: Tensor, y: Tensor, seed: int) -> Any:
    return linear_probes(
        [x], y, n_classes=10, epochs=COURSE_PROBE_EPOCHS, batch_size=FEW, seed=seed
    )[0]


@torch.no_grad()
def _pictures(
    data: Images, encoders: dict[str, Encoder], models: dict[str, Autoencoder], seed: int
) -> dict[str, Any]:
    """What went in and what came out of each model, and a plane through its latent space."""
    x = data.test[0][:SHOWN]
    strips = {"image": x}
    for name, model in models.items():
        seen = model.corrupt(x, generator(seed, "shown"))
        if name != "vanilla":
            strips[f"{name}: input"] = seen
        strips[f"{name}: output"] = model(seen)
    z = readable(encoders["warped"](data.test[0][:MAPPED]))
    z = z - z.mean(0)
    plane = z @ torch.linalg.svd(z, full_matrices=False).Vh[:2].T
    return {
        "image_shape": data.shape,
        "strips": {name: np.round(strip.numpy(), 2) for name, strip in strips.items()},
        "map": np.round(plane.numpy(), 4),
        "map_labels": data.test[1][:MAPPED],
    }
