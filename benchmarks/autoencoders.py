"""The course sweep: 36 autoencoders and their probes, all at once against one after another.

Three kinds (vanilla, denoising, masked) x widths 5, 20, 100, 500 x three seeds on 14,000 samples
of 100 features; ten epochs in batches of 64; after each epoch a linear probe of every encoder,
trained for 50 epochs in batches of 256 and scored on 4,000 samples.

- loop: a plain PyTorch loop, one model and one probe after another (``nn.Linear``, autograd,
  ``torch.optim.Adam``), from the same weights, orders and noise.
- ensemble: ``train_ensemble`` and ``linear_probes`` with ``LinearFeatures``.

Timed: training, probing and scoring; not: drawing the data. Both give the same numbers
up to rounding; the largest differences are stored. ``--epochs`` and ``--probe-epochs`` shrink the
sweep; what is stored says its size. Goal: a ratio of at least 10.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from torch import nn

from _side_by_side import store
from eigenlab.autoencoders import (
    LinearFeatures,
    Member,
    SubspaceData,
    fit,
    linear_probes,
    subspace_data,
    train_ensemble,
)
from eigenlab.training import generator

MEMBERS = [
    Member(kind, (width,), seed)
    for kind in ("vanilla", "denoising", "masked")
    for width in (5, 20, 100, 500)
    for seed in range(3)
]


def loop(data: SubspaceData, epochs: int, probe_epochs: int) -> list[Any]:
    found = []
    for member in MEMBERS:
        model = member.build(data.train.x.shape[1])
        curve: list[Any] = []

        def observe(_: int, model: Any = model, curve: list[Any] = curve) -> None:
            with torch.no_grad():
                z, held = model.encode(data.train.x), model.encode(data.validation.x)
                loss = model.loss(data.validation.x, model(data.validation.x)).item()
            layer = plain_probe(z, data.train.y, probe_epochs)
            with torch.no_grad():
                right = (layer(held).argmax(1) == data.validation.y).double().mean().item()
            curve.append((loss, right))

        fit(model, data.train.x, n_epochs=epochs, seed=member.seed, on_epoch=observe)
        found.append(curve)
    return found


def plain_probe(z: torch.Tensor, labels: torch.Tensor, epochs: int) -> nn.Linear:
    """What anyone would write, from the weights and in the order of ``linear_probes``."""
    rng, bound = generator(0, "probe weights"), z.shape[1] ** -0.5
    layer = nn.Linear(z.shape[1], 2)
    with torch.no_grad():
        layer.weight.copy_(torch.empty(z.shape[1], 2).uniform_(-bound, bound, generator=rng).T)
        layer.bias.copy_(torch.empty(2).uniform_(-bound, bound, generator=rng))
    optimizer = torch.optim.Adam(layer.parameters(), 1e-3)
    order = torch.randperm(len(z), generator=generator(0, "probe order"))
    z, labels = z[order], labels[order]
    for _ in range(epochs):
        for x, y in zip(z.split(256), labels.split(256), strict=True):
            optimizer.zero_grad()
            nn.functional.cross_entropy(layer(x), y).backward()
            optimizer.step()
    return layer


def ensemble(data: SubspaceData, epochs: int, probe_epochs: int) -> list[Any]:
    found: list[Any] = [[] for _ in MEMBERS]

    def observe(_: int, models: list[Any]) -> None:
        states = [model.encoder.state_dict() for model in models]
        encoders = [(state["0.weight"], state["0.bias"]) for state in states]
        probes = linear_probes(
            [LinearFeatures(data.train.x, *encoder) for encoder in encoders],
            data.train.y,
            n_epochs=probe_epochs,
        )
        with torch.no_grad():
            for curve, model, probe in zip(found, models, probes, strict=True):
                x, y = data.validation
                accuracy = probe.accuracy(model.encode(x), y)
                curve.append((model.loss(x, model(x)).item(), accuracy))

    train_ensemble(data.train.x, MEMBERS, n_epochs=epochs, on_epoch=observe)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--probe-epochs", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dry", action="store_true", help="do not store the result")
    chosen = parser.parse_args()
    data = subspace_data()
    results: dict[str, Any] = {}
    sizes = data, chosen.epochs, chosen.probe_epochs

    samples: dict[str, list[float]] = {"loop": [], "ensemble": []}
    ensemble(data, 1, 1)  # warm-up
    for _ in range(chosen.rounds):
        for name, way in (("loop", loop), ("ensemble", ensemble)):
            begin = time.perf_counter()
            results[name] = way(*sizes)
            samples[name].append(1e3 * (time.perf_counter() - begin))
            print(f"{name:10s} {samples[name][-1] / 1e3:8.1f} s")
    a, b = (torch.tensor(results[name], dtype=torch.float64) for name in ("loop", "ensemble"))
    differences = (a - b).abs().flatten(0, 1).max(0).values.tolist()
    ratios = [x / y for x, y in zip(samples["loop"], samples["ensemble"], strict=True)]
    print(f"loop / ensemble: {[round(ratio, 1) for ratio in ratios]} (goal: 10)")
    print(f"largest difference: loss {differences[0]:.2g}, accuracy {differences[1]:.2g}")
    if not chosen.dry:
        store(
            "autoencoders",
            {
                "epochs": chosen.epochs,
                "probe_epochs": chosen.probe_epochs,
                "threads": torch.get_num_threads(),
                "samples_ms": samples,
                "ratios": ratios,
                "largest_difference": dict(zip(("loss", "accuracy"), differences, strict=True)),
            },
        )


if __name__ == "__main__":
    main()
