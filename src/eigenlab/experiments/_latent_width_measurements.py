"""Reconstruction and probe accuracy of autoencoders of several widths, epoch by epoch."""

from __future__ import annotations

from typing import Any

import torch

from eigenlab.autoencoders import (
    Autoencoder,
    LinearFeatures,
    LinearProbe,
    Member,
    SubspaceData,
    convex_probe,
    knn_accuracy,
    linear_probes,
    subspace_data,
    train_ensemble,
)
from eigenlab.lab import Context
from eigenlab.lab.claim import Record
from eigenlab.training import derive_seed

KINDS = ("vanilla", "denoising", "masked")
WIDTHS = (5, 20, 100, 500)
N_FEATURES, N_SIGNAL = 100, 20
SHORT = 10  # probe epochs of the shorter of two probes
STRENGTH = 1000.0  # C of the convex probe: with thousands of labels its penalty hardly matters
KNOWN, ASKED = 5000, 1000  # samples that vote, and that are voted on, by nearest neighbours


def measure(config: Any, context: Context) -> Record:
    """Train every kind, width and seed at once; probe them all after the epochs of ``probed``."""
    data = subspace_data(config.n_samples, N_FEATURES, N_SIGNAL, seed=config.seed)
    seeds = [derive_seed(config.seed, "latent width", i) for i in range(config.n_seeds)]
    members = [Member(kind, (width,), seed) for kind in KINDS for width in WIDTHS for seed in seeds]
    curves: list[dict[str, Any]] = [
        {"kind": m.kind, "width": m.hidden_sizes[0], "seed": seeds.index(m.seed), "loss": []}
        | {"short": [], "long": [], "convex": [], "neighbours": []}
        for m in members
    ]
    probed = [e for e in range(config.epochs + 1) if _is_probed(e, config)]

    def observe(epoch: int, models: list[Autoencoder]) -> None:
        for curve, model in zip(curves, models, strict=True):
            curve["loss"].append(_validation_loss(model, data))
        if epoch in probed:
            for curve, found in zip(curves, _probe(models, data, config), strict=True):
                curve["short"].append(found[0])
                curve["long"].append(found[1])
        if epoch in (0, config.epochs):
            for curve, model in zip(curves, models, strict=True):
                if curve["kind"] == "vanilla":
                    convex, neighbours = _probe_to_the_end(model, data)
                    curve["convex"].append(convex)
                    curve["neighbours"].append(neighbours)
        context.reporter.progress(epoch + 1, config.epochs + 1, f"epoch {epoch}")
        context.reporter.raise_if_cancelled()

    observe(0, train_ensemble(data.train.x, members, epochs=0))
    train_ensemble(data.train.x, members, epochs=config.epochs, on_epoch=observe)
    centred = data.validation.x - data.train.x.mean(0)
    axes = torch.linalg.eigh(torch.cov(data.train.x.T)).eigenvectors.flip(1)
    return {
        "seeds": seeds,
        "curves": curves,
        "epochs": list(range(config.epochs + 1)),
        "probed": probed,
        "probe_epochs": [min(SHORT, config.probe_epochs), config.probe_epochs],
        "variance": data.discarded(0),
        "theory": {str(k): data.discarded(k) for k in WIDTHS},
        "pca": {str(k): _pca_loss(centred, axes[:, :k]) for k in WIDTHS},
    }


def _is_probed(epoch: int, config: Any) -> bool:
    """Every epoch, or the first three and then a few: most happens early."""
    return config.probe_every_epoch or epoch in (0, 1, 2, config.epochs // 2, config.epochs)


def _pca_loss(centred: torch.Tensor, axes: torch.Tensor) -> float:
    residual = centred - centred @ axes @ axes.T
    return residual.square().sum(1).mean().item()


@torch.no_grad()
def _validation_loss(model: Autoencoder, data: SubspaceData) -> float:
    """Of clean samples, so that it compares between kinds and with PCA."""
    x = data.validation.x
    return model.loss(x, model(x)).item()


def _probe(models: list[Autoencoder], data: SubspaceData, config: Any) -> list[tuple[float, float]]:
    """Validation accuracy of each model's probe after ``SHORT`` and after all probe epochs."""
    states = [model.encoder.state_dict() for model in models]
    encoders = [(state["0.weight"], state["0.bias"]) for state in states]
    held = [LinearFeatures(data.validation.x, *encoder).values() for encoder in encoders]
    short: list[float] = []

    def accuracies(probes: list[LinearProbe]) -> list[float]:
        return [p.accuracy(z, data.validation.y) for p, z in zip(probes, held, strict=True)]

    def keep(epoch: int, probes: list[LinearProbe]) -> None:
        if epoch == min(SHORT, config.probe_epochs):
            short.extend(accuracies(probes))

    probes = linear_probes(
        [LinearFeatures(data.train.x, *encoder) for encoder in encoders],
        data.train.y,
        epochs=config.probe_epochs,
        seed=config.seed,
        on_epoch=keep,
    )
    return list(zip(short, accuracies(probes), strict=True))


@torch.no_grad()
def _probe_to_the_end(model: Autoencoder, data: SubspaceData) -> tuple[float, float]:
    """Validation accuracy of logistic regression to convergence and of five nearest neighbours."""
    known, held = model.encode(data.train.x), model.encode(data.validation.x)
    convex = convex_probe(known, data.train.y, strengths=[STRENGTH]).probe
    votes = known[:KNOWN], data.train.y[:KNOWN], held[:ASKED], data.validation.y[:ASKED]
    return convex.accuracy(held, data.validation.y), knn_accuracy(*votes)
