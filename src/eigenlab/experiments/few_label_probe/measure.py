"""What ``few-label-probe`` measures: accuracy with few labels on frozen features."""

from __future__ import annotations

import functools
import math
import time
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor

from eigenlab.autoencoders import (
    Autoencoder,
    convex_probe,
    fit,
    knn_accuracy,
    linear_probes,
    signed_parts,
)
from eigenlab.data import find, path
from eigenlab.experiments.few_label_probe.config import FewLabelConfig
from eigenlab.experiments.few_label_probe.encoders import (
    BASELINES,
    ENCODERS,
    TRAINED,
    Images,
    build,
    build_untrained,
    load_large_digits,
    load_small_digits,
)
from eigenlab.experiments.few_label_probe.records import (
    DigitsRecord,
    EncoderPart,
    MnistRecord,
    Probe,
)
from eigenlab.lab import Context, NotRun, stage
from eigenlab.spectrum import row_normalize
from eigenlab.training import derive_seed, generator
from eigenlab.training.schedules import cosine

BATCH = 128
ADAM_EPOCHS = 200
#: Images of each row of the picture, and test images on the map.
SHOWN, MAPPED = 8, 500


@stage
def digits(config: FewLabelConfig, context: Context) -> DigitsRecord:
    """All encoders on the embedded digits."""
    if config.data == "mnist":
        find("mnist", download=False)  # fails before the digits are measured
    data = load_small_digits(config)
    return DigitsRecord(
        **_measure(Work(data, config.digits_seeds, config.digits_updates, config, context))
    )


@stage
def mnist(config: FewLabelConfig, context: Context) -> MnistRecord:
    """All encoders on MNIST."""
    if config.data == "digits":
        raise NotRun("data=digits; choose --data auto or mnist to use MNIST")
    if config.data == "auto" and path("mnist") is None:
        raise NotRun("MNIST is not on this machine; run `eigenlab data fetch mnist`")
    data = load_large_digits(config)
    return MnistRecord(
        **_measure(Work(data, config.mnist_seeds, config.mnist_updates, config, context))
    )


class Work(NamedTuple):
    """Arguments shared by all encoders of a stage."""

    data: Images
    n_seeds: int
    updates: int
    config: FewLabelConfig
    context: Context


def _measure(work: Work) -> dict[str, Any]:
    """Train every encoder for every seed, then probe it with few labels; test once."""
    data, n_seeds, updates, config, context = work
    seeds = [derive_seed(config.seed, "few labels, signed parts", i) for i in range(n_seeds)]
    parts: dict[str, list[EncoderPart]] = {name: [] for name in ENCODERS}
    for place, seed in enumerate(seeds):
        context.reporter.stage(f"{len(data.train):,} images, seed {place + 1} of {len(seeds)}")
        for name in _chosen(data, place, config):
            context.reporter.raise_if_cancelled()
            title = f"seed-{place}-{name.replace(', ', '-').replace(' ', '-')}"
            one = functools.partial(_measure_encoder, name, place, seed, work)
            parts[name].append(context.part(title, EncoderPart, one))
    first = {name: found[0] for name, found in parts.items()}
    rights = {
        name: torch.tensor([part.right for part in parts[name]]).sum(0)
        for name in (*data.claimed, *BASELINES)
    }
    trials = n_seeds * config.n_draws
    return {
        "seeds": seeds,
        "n_updates": updates,
        "judged": data.judged,
        "n_labels": config.n_labels,
        "label_counts": data.label_counts,
        "n_features": {name: part.n_features for name, part in first.items()},
        "probes": [probe for found in parts.values() for part in found for probe in part.probes],
        "right": {name: _histogram(rights[name], 0, trials) for name in data.claimed},
        "gains": {
            name: {
                other: _histogram(rights[name] - rights[other], -trials, trials)
                for other in BASELINES
            }
            for name in data.claimed
        },
        "training_seconds": {
            name: [part.training_seconds for part in parts[name]] for name in TRAINED
        },
        "n_threads": torch.get_num_threads(),
        "image_shape": data.shape,
        "strips": {"image": data.test[0][:SHOWN].double().round(decimals=2)}
        | {name: strip for part in first.values() for name, strip in part.strips.items()},
        "plane": first[data.judged].plane,
        "plane_labels": data.test[1][:MAPPED],
    }


def _histogram(numbers: Tensor, low: int, high: int) -> Tensor:
    """How often each of low...high occurs."""
    return torch.bincount(numbers - low, minlength=high - low + 1)


def _chosen(data: Images, place: int, config: FewLabelConfig) -> list[str]:
    """The encoders of one seed: all for the first seeds, else untrained and claimed ones."""
    every = place < config.n_compared_seeds
    return [name for name in ENCODERS if every or name not in TRAINED or name in data.claimed]


def _measure_encoder(name: str, place: int, seed: int, work: Work) -> EncoderPart:
    """Train one encoder, unless it needs no training, and probe it."""
    data, config = work.data, work.config
    if name not in TRAINED:
        encode, seconds, strips = build_untrained(name, data, seed, config), None, {}
    else:
        model = build(name, data, seed, config)
        begin = time.perf_counter()
        _train(model, data, work.updates, seed, work.context)
        seconds = time.perf_counter() - begin
        encode, strips = model.encode, _strips(name, model, data, seed)
    with torch.no_grad():
        code = encode(data.pool[0])
        pool, test = readable(code), readable(encode(data.test[0]))
        probes, right = _probes(name, place, seed, pool, test, work)
        return EncoderPart(
            n_features=code.shape[1],
            probes=probes,
            right=right,
            training_seconds=seconds,
            strips=strips,
            plane=_plane(test[:MAPPED]) if name == data.judged else None,
        )


def _train(model: Autoencoder, data: Images, updates: int, seed: int, context: Context) -> None:
    epochs = max(1, round(updates * BATCH / len(data.train)))
    fit(
        model,
        data.train,
        n_epochs=epochs,
        seed=seed,
        batch_size=BATCH,
        schedule=cosine(epochs * -(-len(data.train) // BATCH)),
        reporter=context.reporter,
    )


def readable(z: Tensor) -> Tensor:
    """Features that every probe receives: signed parts of the code, scaled to unit length."""
    return row_normalize(signed_parts(z))


def _probes(
    name: str, place: int, seed: int, pool: Tensor, test: Tensor, work: Work
) -> tuple[list[Probe], Tensor]:
    """The same labelled images and probes for every encoder; accuracies are means over draws.

    Also returns how many draws classify each test image correctly.
    """
    config, labels, test_labels = work.config, work.data.pool[1], work.data.test[1]
    orders = [
        torch.randperm(len(pool), generator=generator(seed, "labelled", draw))
        for draw in range(config.n_draws)
    ]
    found = []
    right = torch.zeros(len(test), dtype=torch.int64)
    for count in work.data.label_counts:
        known = [(pool[order[:count]], labels[order[:count]]) for order in orders]
        scores = [_scores(x, y, test, test_labels, seed) for x, y in known]
        adam = None
        if count == config.n_labels:
            adam = fmean(_adam_accuracy(x, y, test, test_labels, seed) for x, y in known)
            right += sum(score.right for score in scores)
        found.append(
            Probe(
                encoder=name,
                seed=place,
                n_labels=count,
                accuracy=fmean(score.accuracy for score in scores),
                draws=[score.accuracy for score in scores],
                neighbours=fmean(score.neighbours for score in scores),
                log10_C=fmean(score.log10_C for score in scores),
                adam=adam,
            )
        )
    return found, right


class _Scores(NamedTuple):
    accuracy: float
    right: Tensor
    neighbours: float
    log10_C: float


def _scores(x: Tensor, y: Tensor, test: Tensor, test_labels: Tensor, seed: int) -> _Scores:
    """Test accuracies of the converged probe and of neighbours, and log10 of the C chosen."""
    probe, strength = convex_probe(x, y, n_classes=10, seed=seed)
    neighbours = knn_accuracy(x, y, test, test_labels, n_neighbors=3)
    right = probe.logits(test).argmax(1) == test_labels
    return _Scores(right.double().mean().item(), right, neighbours, math.log10(strength))


def _adam_accuracy(x: Tensor, y: Tensor, test: Tensor, test_labels: Tensor, seed: int) -> float:
    """Test accuracy of the course's probe, trained on whole batches."""
    (probe,) = linear_probes(
        [x], y, n_classes=10, n_epochs=ADAM_EPOCHS, batch_size=len(y), seed=seed
    )
    return probe.accuracy(test, test_labels)


@torch.no_grad()
def _strips(name: str, model: Autoencoder, data: Images, seed: int) -> dict[str, Tensor]:
    """Inputs and outputs of a model, rounded to two decimals."""
    x = data.test[0][:SHOWN]
    seen = model.corrupt(x, generator(seed, "shown"))
    strips = {} if name == "vanilla" else {f"{name}: input": seen}
    strips[f"{name}: output"] = model(seen)
    return {key: strip.double().round(decimals=2) for key, strip in strips.items()}


def _plane(z: Tensor) -> Tensor:
    """Coordinates in the plane of largest variance, rounded to four decimals."""
    z = z - z.mean(0)
    plane = z @ torch.linalg.svd(z, full_matrices=False).Vh[:2].T
    return plane.double().round(decimals=4)
