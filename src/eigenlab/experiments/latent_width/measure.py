"""What ``latent-width`` measures: loss and probe accuracy of several widths, epoch by epoch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from eigenlab.autoencoders import (
    Autoencoder,
    LinearFeatures,
    LinearProbe,
    Member,
    SubspaceData,
    attainable_accuracy,
    convex_probe,
    knn_accuracy,
    linear_probes,
    subspace_data,
    train_ensemble,
)
from eigenlab.experiments.latent_width.config import LatentWidthConfig
from eigenlab.experiments.latent_width.records import Curve, SweepRecord, WidthsRecord
from eigenlab.lab import Context, stage
from eigenlab.training import derive_seed

KINDS = ("vanilla", "denoising", "masked")
#: C of the convex probe: with thousands of labels its penalty hardly matters.
STRENGTH = 1000.0
#: Labelled and classified samples of the nearest-neighbours classifier.
N_LABELLED, N_CLASSIFIED = 5000, 1000


@stage
def sweep(config: LatentWidthConfig, context: Context) -> SweepRecord:
    """Train every kind, width and seed at once; probe them all after some of the epochs."""
    return _sweep(config, context, KINDS)


#: Latent widths of the figure with a slider.
WIDTHS = (1, 5, 10, 15, 20, 30, 50, 100, 500)


@stage
def widths(config: LatentWidthConfig, context: Context) -> WidthsRecord:
    """Train vanilla autoencoders of more widths, with one seed."""
    found = _sweep(config.replace(widths=WIDTHS, n_seeds=1), context, KINDS[:1])
    return WidthsRecord(widths=WIDTHS, sweep=found)


def _sweep(config: LatentWidthConfig, context: Context, kinds: tuple[str, ...]) -> SweepRecord:
    data = subspace_data(
        config.n_samples,
        config.n_features,
        config.n_signal,
        variance_ratio=config.variance_ratio,
        seed=config.seed,
    )
    seeds = [derive_seed(config.seed, "latent width", i) for i in range(config.n_seeds)]
    members = [
        Member(k, (width,), seed) for k in kinds for width in config.widths for seed in seeds
    ]
    curves = [_Measured() for _ in members]

    def observe(epoch: int, models: list[Autoencoder]) -> None:
        for curve, model in zip(curves, models, strict=True):
            curve.losses.append(_validation_loss(model, data))
        # Untrained, the kinds do not differ; on the way, only vanilla curves are shown.
        probed = members if epoch == config.epochs else members[: len(members) // len(kinds)]
        if _is_probed(epoch, config):
            found = _probe(models[: len(probed)], data, config)
            for place, curve in enumerate(curves if epoch == 0 else curves[: len(probed)]):
                curve.probed.append(epoch)
                curve.accuracies.append(found[place % len(found)])
        if epoch in (0, config.epochs):
            for member, curve, model in zip(members, curves, models, strict=True):
                if member.kind == "vanilla":
                    curve.converged.append(_convex_accuracy(model, data))
                    if epoch:
                        curve.neighbours = _neighbours_accuracy(model, data)
        context.reporter.progress(epoch + 1, config.epochs + 1, f"epoch {epoch}")
        context.reporter.raise_if_cancelled()

    settings: dict[str, Any] = {"noise_std": config.noise_std, "mask_prob": config.mask_prob}
    observe(0, train_ensemble(data.train.x, members, n_epochs=0, **settings))
    train_ensemble(data.train.x, members, n_epochs=config.epochs, on_epoch=observe, **settings)
    return SweepRecord(
        seeds=seeds,
        n_features=config.n_features,
        widths=config.widths,
        epochs=range(config.epochs + 1),
        probe_epochs=[min(config.short_probe_epochs, config.probe_epochs), config.probe_epochs],
        variance=data.discarded(0),
        discarded_variances=[data.discarded(k) for k in config.widths],
        pca_losses=_pca_losses(data, config.widths),
        attainable_accuracies=[attainable_accuracy(k, config.n_signal) for k in config.widths],
        curves=[
            curve.record(member, seeds.index(member.seed))
            for member, curve in zip(members, curves, strict=True)
        ],
    )


@dataclass
class _Measured:
    """What has been measured of one autoencoder so far."""

    losses: list[float] = field(default_factory=list)
    probed: list[int] = field(default_factory=list)
    accuracies: list[tuple[float, float]] = field(default_factory=list)
    converged: list[float] = field(default_factory=list)
    neighbours: float | None = None

    def record(self, member: Member, seed: int) -> Curve:
        return Curve(
            kind=member.kind,
            width=member.hidden_sizes[0],
            seed=seed,
            losses=self.losses,
            probed=self.probed,
            short_probe=[short for short, _ in self.accuracies],
            long_probe=[long for _, long in self.accuracies],
            convex_probe=self.converged or None,
            neighbours=self.neighbours,
        )


def _is_probed(epoch: int, config: LatentWidthConfig) -> bool:
    """Every epoch, or the first three and then a few, since most changes occur early."""
    return config.probe_every_epoch or epoch in (0, 1, 2, config.epochs // 2, config.epochs)


def _pca_losses(data: SubspaceData, widths: tuple[int, ...]) -> list[float]:
    centred = data.validation.x - data.train.x.mean(0)
    axes = torch.linalg.eigh(torch.atleast_2d(torch.cov(data.train.x.T))).eigenvectors.flip(1)
    return [_pca_loss(centred, axes[:, :k]) for k in widths]


def _pca_loss(centred: Tensor, axes: Tensor) -> float:
    residual = centred - centred @ axes @ axes.T
    return residual.square().sum(1).mean().item()


@torch.no_grad()
def _validation_loss(model: Autoencoder, data: SubspaceData) -> float:
    """Loss of clean samples, which can be compared between kinds and with PCA."""
    x = data.validation.x
    return model.loss(x, model(x)).item()


def _probe(
    models: list[Autoencoder], data: SubspaceData, config: LatentWidthConfig
) -> list[tuple[float, float]]:
    """Validation accuracy of each model's probe after its short and after its long training."""
    states = [model.encoder.state_dict() for model in models]
    encoders = [(state["0.weight"], state["0.bias"]) for state in states]
    held = [LinearFeatures(data.validation.x, *encoder).values() for encoder in encoders]
    short: list[float] = []

    def accuracies(probes: list[LinearProbe]) -> list[float]:
        return [p.accuracy(z, data.validation.y) for p, z in zip(probes, held, strict=True)]

    def keep(epoch: int, probes: list[LinearProbe]) -> None:
        if epoch == min(config.short_probe_epochs, config.probe_epochs):
            short.extend(accuracies(probes))

    probes = linear_probes(
        [LinearFeatures(data.train.x, *encoder) for encoder in encoders],
        data.train.y,
        n_epochs=config.probe_epochs,
        seed=config.seed,
        on_epoch=keep,
    )
    return list(zip(short, accuracies(probes), strict=True))


@torch.no_grad()
def _convex_accuracy(model: Autoencoder, data: SubspaceData) -> float:
    """Validation accuracy of logistic regression, solved to convergence."""
    probe = convex_probe(model.encode(data.train.x), data.train.y, Cs=[STRENGTH]).probe
    return probe.accuracy(model.encode(data.validation.x), data.validation.y)


@torch.no_grad()
def _neighbours_accuracy(model: Autoencoder, data: SubspaceData) -> float:
    """Accuracy of a classifier by five nearest neighbours on some of the validation samples."""
    return knn_accuracy(
        model.encode(data.train.x[:N_LABELLED]),
        data.train.y[:N_LABELLED],
        model.encode(data.validation.x[:N_CLASSIFIED]),
        data.validation.y[:N_CLASSIFIED],
    )
