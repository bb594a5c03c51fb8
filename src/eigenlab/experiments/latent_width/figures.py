"""The figures, the table and the metrics of ``latent-width``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.latent_width.records import SweepRecord, WidthsRecord
from eigenlab.lab import Control, Rows, explorer, figure, metrics, table


@figure(
    "Reconstruction per epoch",
    "Vanilla autoencoders: mean over seeds and range from the lowest to the highest. Dotted lines "
    "are the theoretical optimum.",
)
def loss(record: SweepRecord) -> go.Figure:
    chart = plots.new_chart("training epoch", "validation loss (squared units of the data)")
    for place, (width, optimum) in enumerate(
        zip(record.widths, record.discarded_variances, strict=True)
    ):
        found = [run.losses for run in record.runs("vanilla", width)]
        _curve(chart, record.epochs, found, width, place)
        if optimum > 0:
            plots.reference(chart, y=optimum, text=f"PCA, width {width}: {optimum:g}")
    return chart


@figure(
    "Accuracy of a probe per epoch",
    "Vanilla autoencoders: mean over seeds and range; epoch 0 is untrained.",
)
def probe(record: SweepRecord) -> go.Figure:
    chart = plots.new_chart("training epoch", "validation accuracy of the probe (%)")
    for place, width in enumerate(record.widths):
        runs = record.runs("vanilla", width)
        found = [[100 * accuracy for accuracy in run.long_probe] for run in runs]
        _curve(chart, runs[0].probed, found, width, place)
    plots.reference(chart, y=95, text="95 %")
    if record.attainable_accuracies[0] < 1:
        kept = 100 * record.attainable_accuracies[0]
        label = f"{record.widths[0]} random directions of the signal, on average: {kept:.0f} %"
        plots.reference(chart, y=kept, text=label)
    return chart


@figure("Accuracy of a short and of a long probe", "Trained autoencoders, mean over seeds.")
def probe_length(record: SweepRecord) -> go.Figure:
    chart = plots.new_chart("latent width (features)", "validation accuracy (%)", log_x=True)
    short, long = record.probe_epochs
    for place, kind in enumerate(_kinds(record)):
        runs = [record.runs(kind, width) for width in record.widths]
        curves = (
            (short, [fmean(run.short_probe[-1] for run in same) for same in runs], "dot"),
            (long, [fmean(run.long_probe[-1] for run in same) for same in runs], "solid"),
        )
        for n_epochs, means, dash in curves:
            label = f"{kind}, {n_epochs} probe epochs"
            values = [100 * mean for mean in means]
            plots.line(chart, record.widths, values, label, index=place, dash=dash)
    chart.update_xaxes(tickvals=list(record.widths), ticktext=[str(w) for w in record.widths])
    return chart


@explorer(
    "Move the latent width",
    "Left, the loss falls towards the sum of the variances that the width discards, until there "
    "is none at 100, the dimension of the data. Right, the probe: widths below 20 lose a part of "
    "the label for good, 20 needs training, and 500 needs none.",
    question="3a",
    controls=[Control("widths", "widths", "latent width")],
)
def width(record: WidthsRecord, place: int) -> list[go.Figure]:
    one = record.sweep.only(record.widths[place])
    left, right = loss(one), probe(one)
    left.update_yaxes(range=[-0.03 * one.variance, 1.25 * one.variance])
    right.update_yaxes(range=[48, 102])
    return [left, right]


def _curve(
    chart: go.Figure, x: Sequence[int], found: Sequence[plots.Values], width: int, place: int
) -> None:
    """Mean over seeds and range."""
    by_epoch = list(zip(*found, strict=True))
    plots.line(chart, x, [fmean(values) for values in by_epoch], f"width {width}", index=place)
    low, high = [min(v) for v in by_epoch], [max(v) for v in by_epoch]
    plots.band(chart, x, low, high, f"width {width}, range", index=place, legend=False)


def _kinds(record: SweepRecord) -> list[str]:
    return list(dict.fromkeys(curve.kind for curve in record.curves))


@table(
    "Validation loss, and accuracy (%) of probes trained with Adam, convex probes and neighbours"
)
def widths(record: SweepRecord) -> Rows:
    short, long = record.probe_epochs
    columns = [
        "autoencoder",
        "width",
        "loss",
        "PCA",
        "theory",
        "untrained",
        f"{short} epochs",
        f"{long} epochs",
        "untrained, convex",
        "convex",
        "5 neighbours",
    ]
    rows: list[list[Any]] = []
    for kind in _kinds(record):
        for place, width in enumerate(record.widths):
            runs = record.runs(kind, width)
            theory = record.discarded_variances[place]
            losses = [fmean(run.losses[-1] for run in runs), record.pca_losses[place]]
            rows.append([kind, width, *(f"{value:.2f}" for value in losses), f"{theory:.0f}"])
            rows[-1] += [
                _percent(run.long_probe[0] for run in runs),
                _percent(run.short_probe[-1] for run in runs),
                _percent(run.long_probe[-1] for run in runs),
                _percent(run.convex_probe[0] for run in runs if run.convex_probe),
                _percent(run.convex_probe[-1] for run in runs if run.convex_probe),
                _percent(run.neighbours for run in runs if run.neighbours is not None),
            ]
    return columns, rows


def _percent(accuracies: Iterable[float]) -> str:
    """Mean of one accuracy per seed; empty where it was not measured."""
    known = list(accuracies)
    return f"{100 * fmean(known):.1f}" if known else ""


@metrics
def headline(record: SweepRecord) -> dict[str, float]:
    found = {}
    for width in record.widths:
        runs = record.runs("vanilla", width)
        found[f"width {width}: validation loss"] = _mean(run.losses[-1] for run in runs)
        found[f"width {width}: probe accuracy"] = _mean(run.long_probe[-1] for run in runs)
    return found


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)
