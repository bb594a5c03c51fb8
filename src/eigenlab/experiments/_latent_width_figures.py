"""Judges, figures and the table of the latent widths, each from one record."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import numpy as np
import plotly.graph_objects as go
import scipy.stats

from eigenlab.experiments._latent_width_measurements import KINDS, N_SIGNAL, WIDTHS
from eigenlab.lab import Check, above, at_least, at_most, below, close, theme
from eigenlab.lab.claim import Record

GOOD = 0.95
NEAR_ALL = 0.97  # "near 100 %"
TOLERANCE = 0.03  # sampling error of 4,000 validation samples, and what ten epochs leave to learn
LITTLE = 0.01  # share of all variance that counts as little


def runs(record: Record, kind: str, width: int, key: str) -> list[list[float]]:
    """One curve for each seed."""
    return [
        curve[key] for curve in record["curves"] if (curve["kind"], curve["width"]) == (kind, width)
    ]


def final(record: Record, width: int, key: str, kind: str = "vanilla", at: int = -1) -> list[float]:
    """The last value (or the first, ``at=0``) of each seed's curve."""
    return [curve[at] for curve in runs(record, kind, width, key)]


def partial_accuracy(k: int, n: int = N_SIGNAL, share: float | None = None) -> float:
    """Best accuracy for the sign of one of n equal normal directions when k of them are kept.

    What is kept of the direction correlates with it by rho, and two normal variables agree in sign
    with probability 1 - arccos(rho) / pi (Sheppard 1899, doi:10.1098/rsta.1899.0003). Equal
    variances leave open which k directions an autoencoder keeps; for a random k-dimensional
    subspace rho^2 is Beta(k/2, (n-k)/2). Returns the mean, or the quantile at ``share``.

    >>> [round(partial_accuracy(5, share=share), 2) for share in (None, 0.025, 0.975)]
    [0.66, 0.57, 0.76]
    """
    if k >= n:
        return 1.0
    squared = scipy.stats.beta(k / 2, (n - k) / 2)
    if share is None:
        return float(squared.expect(lambda rho2: 1 - np.arccos(np.sqrt(rho2)) / np.pi))
    return float(1 - np.arccos(np.sqrt(squared.ppf(share))) / np.pi)


def judge_falls(record: Record) -> list[Check]:
    """The mean loss falls to width 100; past it, it falls by little if at all."""
    five, twenty, hundred, wide = (fmean(final(record, width, "loss")) for width in WIDTHS)
    return [
        below("validation loss at width 20, against width 5", twenty, five),
        below("validation loss at width 100, against width 20", hundred, twenty),
        at_most("gain from width 100 to 500", hundred - wide, LITTLE * record["variance"]),
    ]


def judge_floor(record: Record) -> list[Check]:
    """The vanilla autoencoder comes near the sum of the discarded eigenvalues."""
    return [
        close(
            f"validation loss at width {width}",
            fmean(final(record, width, "loss")),
            record["theory"][str(width)],
            tolerance=max(TOLERANCE * record["theory"][str(width)], 1.0),
        )
        for width in WIDTHS
    ]


def judge_small(record: Record) -> list[Check]:
    """Even the best seed of width 5 stays below, before and after training."""
    return [
        below(f"best {when} probe accuracy, width 5", max(final(record, 5, "long", at=at)), GOOD)
        for when, at in (("untrained", 0), ("trained", -1))
    ]


def judge_training(record: Record) -> list[Check]:
    """Every seed of width 20 is below before training and above after it."""
    return [
        below("best accuracy at width 20, untrained", max(final(record, 20, "long", at=0)), GOOD),
        at_least("worst accuracy at width 20, trained", min(final(record, 20, "long")), GOOD),
    ]


def judge_wide(record: Record) -> list[Check]:
    """Random projections to 100 and more dimensions lose nothing to a probe that is done."""
    return [
        at_least(
            f"worst accuracy of the convex probe at width {width}, untrained",
            min(final(record, width, "convex", at=0)),
            NEAR_ALL,
        )
        for width in WIDTHS
        if width >= 100
    ]


def judge_patience(record: Record) -> list[Check]:
    """The same features look worse to a probe that trains for less long."""
    return [
        above(
            f"accuracy lost to a short probe at width {width}",
            fmean(final(record, width, "long")) - fmean(final(record, width, "short")),
            0.0,
        )
        for width in (20, 100)
    ]


def draw_loss(record: Record) -> go.Figure:
    """Validation loss of the vanilla autoencoders per epoch, beside the discarded variance."""
    chart = theme.figure("training epoch", "validation loss (squared units of the data)")
    for place, width in enumerate(WIDTHS):
        _curve(chart, record["epochs"], runs(record, "vanilla", width, "loss"), width, place)
        floor = record["theory"][str(width)]
        if floor > 0:
            theme.reference(chart, y=floor, text=f"PCA, width {width}: {floor:g}")
    return chart


def draw_probe(record: Record) -> go.Figure:
    """Probe accuracy of the vanilla autoencoders after each probed epoch."""
    chart = theme.figure("training epoch", "validation accuracy of the probe (%)")
    for place, width in enumerate(WIDTHS):
        found = [[100 * a for a in run] for run in runs(record, "vanilla", width, "long")]
        _curve(chart, record["probed"], found, width, place)
    theme.reference(chart, y=100 * GOOD, text="95 %")
    kept = 100 * partial_accuracy(WIDTHS[0])
    theme.reference(chart, y=kept, text=f"5 of the 20 directions, on average: {kept:.0f} %")
    return chart


def draw_patience(record: Record) -> go.Figure:
    """Final accuracy against width: each kind, short and long probe."""
    chart = theme.figure("latent width (features)", "validation accuracy (%)", log_x=True)
    names = [f"{n} probe epochs" for n in record["probe_epochs"]]
    for place, kind in enumerate(KINDS):
        for key, name, dash in zip(("short", "long"), names, ("dot", "solid"), strict=True):
            means = [100 * fmean(final(record, width, key, kind)) for width in WIDTHS]
            theme.line(chart, WIDTHS, means, f"{kind}, {name}", index=place, dash=dash)
    chart.update_xaxes(tickvals=list(WIDTHS), ticktext=[str(width) for width in WIDTHS])
    return chart


def table(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Means over seeds after training; the accuracy before it, too.

    Probes that are solved to the end, and nearest neighbours, of the vanilla kind only.
    """
    short, long = record["probe_epochs"]
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
    rows = []
    for kind in KINDS:
        for width in WIDTHS:
            accuracies = [("long", 0), ("short", -1), ("long", -1)]
            accuracies += [("convex", 0), ("convex", -1), ("neighbours", -1)]
            rows.append(
                [
                    kind,
                    width,
                    f"{fmean(final(record, width, 'loss', kind)):.2f}",
                    f"{record['pca'][str(width)]:.2f}",
                    f"{record['theory'][str(width)]:.0f}",
                    *(
                        f"{100 * fmean(final(record, width, key, kind, at)):.1f}"
                        if all(runs(record, kind, width, key))
                        else ""
                        for key, at in accuracies
                    ),
                ]
            )
    return columns, rows


def _curve(
    chart: go.Figure, x: Sequence[int], found: Sequence[Sequence[float]], width: int, place: int
) -> None:
    by_epoch = list(zip(*found, strict=True))
    theme.line(chart, x, [fmean(values) for values in by_epoch], f"width {width}", index=place)
    low, high = [min(v) for v in by_epoch], [max(v) for v in by_epoch]
    theme.band(chart, x, low, high, f"width {width}, range", index=place, legend=False)
