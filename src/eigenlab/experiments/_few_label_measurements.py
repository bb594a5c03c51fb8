"""How far a handful of labels goes on features that were learned without any."""

from __future__ import annotations

import functools
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
    ConvolutionalAutoencoder,
    Mask,
    Noise,
    Warp,
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

RAW, PCA = "raw pixels", "PCA"
LINEAR = ("vanilla", "denoising", "masked", "warped")  # layers are linear
CONVOLUTIONAL = ("masked, convolutional", "warped, convolutional")
TRAINED = (*LINEAR, *CONVOLUTIONAL)
RANDOM, RANDOM_CONVOLUTIONAL = "random", "random, convolutional"
ENCODERS = (RAW, PCA, RANDOM, *LINEAR, RANDOM_CONVOLUTIONAL, *CONVOLUTIONAL)
WARPED, WARPED_CONVOLUTIONAL = LINEAR[-1], CONVOLUTIONAL[-1]
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
    channels: tuple[int, ...]
    n_components: int
    judged: str
    """The encoder that claims are about; on MNIST chosen on validation images, before any test."""
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
        channels=(32, 64),
        n_components=32,
        judged=WARPED,  # eight pixels a side leave little to halve
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
        channels=(32, 64, 128),
        n_components=64,
        judged=WARPED_CONVOLUTIONAL,
        label_counts=(50, 100, FEW, 1000),
    )


def measure_digits(config: Any, context: Context) -> Record:
    """All encoders on the embedded digits."""
    return measure(digits(), config.digits_updates, config, context)


def measure_mnist(config: Any, context: Context) -> Record:
    """All encoders on MNIST; downloaded only if ``data`` is ``mnist``."""
    from eigenlab.data import path

    if config.data == "digits":
        raise NotRun("data=digits; choose --data auto or mnist to use MNIST")
    if config.data == "auto" and path("mnist") is None:
        raise NotRun("MNIST is not on this machine; run `eigenlab data fetch mnist`")
    return measure(mnist(), config.mnist_updates, config, context)


def measure(data: Images, updates: int, config: Any, context: Context) -> Record:
    """Train every encoder for every seed, then probe it with few labels; test once."""
    seeds = [derive_seed(config.seed, "few labels, signed parts", i) for i in range(config.n_seeds)]
    parts = []
    for index, seed in enumerate(seeds):
        context.reporter.stage(f"{len(data.train):,} images, seed {index + 1} of {len(seeds)}")
        one = functools.partial(_measure_seed, data, updates, config.n_draws, seed, context)
        parts.append(context.part(f"seed-{index}", one))
    return {
        "seeds": seeds,
        "rows": [
            {"seed": index, **row} for index, part in enumerate(parts) for row in part["rows"]
        ],
        "updates": updates,
        "judged": data.judged,
        "label_counts": data.label_counts,
        "training_seconds": {name: [part["seconds"][name] for part in parts] for name in TRAINED},
        "threads": torch.get_num_threads(),
        **parts[0]["pictures"],
    }


def _measure_seed(
    data: Images, updates: int, n_draws: int, seed: int, context: Context
) -> dict[str, Any]:
    models, seconds = _train(data, updates, seed, context.reporter)
    encoders = _encoders(data, models, seed)
    return {
        "rows": _probe_all(data, encoders, seed, n_draws),
        "seconds": seconds,
        "pictures": _pictures(data, encoders, models, seed),
    }


Encoder = Callable[[Tensor], Tensor]


def _train(
    data: Images, updates: int, seed: int, reporter: Reporter
) -> tuple[dict[str, Autoencoder], dict[str, float]]:
    """Every kind of autoencoder after its updates, and the seconds that took."""
    models = _untrained(data, seed)
    epochs = max(1, round(updates * BATCH / len(data.train)))
    decay = cosine(epochs * -(-len(data.train) // BATCH))
    seconds = {}
    for name, model in models.items():
        begin = time.perf_counter()
        fit(
            model,
            data.train,
            epochs=epochs,
            seed=seed,
            batch_size=BATCH,
            schedule=decay,
            reporter=reporter,
        )
        seconds[name] = time.perf_counter() - begin
    return models, seconds


def _untrained(data: Images, seed: int) -> dict[str, Autoencoder]:
    """One autoencoder of each kind; those of one architecture start from the same weights."""
    corruptions = {
        "vanilla": None,
        "denoising": Noise(),
        "masked": Mask(0.5),
        "warped": Warp(data.shape),
    }
    pixels, sizes = data.train.shape[1], data.hidden_sizes
    models: dict[str, Autoencoder] = {}
    for name in TRAINED:
        corruption = corruptions[name.partition(",")[0]]
        weights = generator(seed, "weights")
        models[name] = (
            ConvolutionalAutoencoder(
                data.shape,
                sizes[-1:],
                channels=data.channels,
                corruption=corruption,
                generator=weights,
            )
            if name in CONVOLUTIONAL
            else Autoencoder(pixels, sizes, corruption=corruption, generator=weights)
        )
    return models


def _encoders(data: Images, models: dict[str, Autoencoder], seed: int) -> dict[str, Encoder]:
    """Functions from images to features: what needs no training, and the trained models."""
    from sklearn.decomposition import PCA as SklearnPCA

    pca = SklearnPCA(data.n_components, random_state=seed % 2**32).fit(data.train.numpy())
    axes, mean = torch.tensor(pca.components_).float(), torch.tensor(pca.mean_).float()
    untrained = _untrained(data, seed)
    return {
        RAW: lambda x: x,
        PCA: lambda x: (x - mean) @ axes.T,
        RANDOM: untrained["vanilla"].encode,
        RANDOM_CONVOLUTIONAL: untrained[WARPED_CONVOLUTIONAL].encode,
        **{name: model.encode for name, model in models.items()},
    }


def readable(z: Tensor) -> Tensor:
    """What every probe reads, of every encoder: signed parts of the code, of unit length."""
    return unit_rows(signed_parts(z))


@torch.no_grad()
def _probe_all(
    data: Images, encoders: dict[str, Encoder], seed: int, n_draws: int
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
            row = {"encoder": name, "labels": count, "features": code.shape[1]}
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
    z = readable(encoders[data.judged](data.test[0][:MAPPED]))
    z = z - z.mean(0)
    plane = z @ torch.linalg.svd(z, full_matrices=False).Vh[:2].T
    return {
        "image_shape": data.shape,
        "strips": {name: np.round(strip.numpy(), 2) for name, strip in strips.items()},
        "map": np.round(plane.numpy(), 4),
        "map_labels": data.test[1][:MAPPED],
    }
