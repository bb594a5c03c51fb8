"""Judges, figures and tables of the few-label probe, each from one record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from eigenlab.experiments._few_label_measurements import (
    ENCODERS,
    FEW,
    RAW,
    TRAINED,
)
from eigenlab.experiments._intervals import mean_interval
from eigenlab.lab import Check, NotRun, above, at_least, theme
from eigenlab.lab.claim import Record

FEWEST_SEEDS = 5  # below, an interval over seeds is too wide to decide anything
COURSE_BAR = 0.79
GOAL = 0.90


def values(record: Record, encoder: str, labels: int = FEW, key: str = "accuracy") -> list[float]:
    """One number of one encoder for each seed."""
    return [
        row[key]
        for row in record["rows"]
        if (row["encoder"], row["labels"]) == (encoder, labels) and key in row
    ]


def _enough(record: Record) -> None:
    if (seeds := len(record["seeds"])) < FEWEST_SEEDS:
        raise NotRun(
            f"n_seeds={seeds}; it takes {FEWEST_SEEDS} to decide by an interval over seeds"
        )


def judge_bar(bar: float) -> Any:
    """Return a judge: the interval of the judged encoder's mean is above ``bar``."""

    def judge(record: Record) -> list[Check]:
        _enough(record)
        low = mean_interval(values(record, record["judged"])).low
        return [at_least(f"test accuracy with {FEW} labels, lower end of 95 % interval", low, bar)]

    return judge


def judge_gain(*others: str) -> Any:
    """Return a judge: seed by seed, with the same labelled images, the difference is positive."""

    def judge(record: Record) -> list[Check]:
        _enough(record)
        best = values(record, record["judged"])
        checks = []
        for other in others:
            gains = [a - b for a, b in zip(best, values(record, other), strict=True)]
            label = f"gain over {other}, lower end of 95 % interval"
            checks.append(above(label, mean_interval(gains).low, 0.0))
        return checks

    return judge


def draw_accuracy(record: Record) -> go.Figure:
    """Accuracy against the number of labels."""
    chart = theme.figure("labelled images", "test accuracy (%)", log_x=True, height=520)
    counts = record["label_counts"]
    for place, encoder in enumerate(ENCODERS):
        found = [mean_interval(values(record, encoder, count)) for count in counts]
        theme.line(chart, counts, [100 * item.estimate for item in found], encoder, index=place)
        if encoder in (RAW, record["judged"]):  # bands of all would hide each other
            seeds = [values(record, encoder, count) for count in counts]
            low, high = ([100 * end(found) for found in seeds] for end in (min, max))
            theme.band(chart, counts, low, high, f"{encoder}, range", index=place, legend=False)
    theme.reference(chart, y=100 * COURSE_BAR, text="79 %, the course's bar on MNIST")
    chart.update_xaxes(tickvals=list(counts), ticktext=[f"{count:,}" for count in counts])
    return chart


def draw_images(record: Record) -> go.Figure:
    """Rows of images: as they are, as the encoder sees them, as the decoder returns them."""
    height, width = record["image_shape"]
    strips = record["strips"]
    blocks = [
        np.asarray(strip, dtype=float).reshape(-1, height, width) for strip in strips.values()
    ]
    # An empty pixel after each image and each row keeps them apart.
    padded = np.pad(
        np.stack(blocks).clip(0, 1), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan
    )
    mosaic = padded.transpose(0, 2, 1, 3).reshape(len(blocks) * (height + 1), -1)
    count = len(blocks[0])
    chart = theme.heatmap(
        mosaic.tolist(),
        x_title="test image",
        y_title="",
        value_title="grey level (1 = ink)",
        numbers=False,
        height=90 + 62 * len(strips),
    )
    chart.update_xaxes(
        tickvals=[i * (width + 1) + (width - 1) / 2 for i in range(count)],
        ticktext=[str(i + 1) for i in range(count)],
    )
    chart.update_yaxes(
        title_text="what is shown",
        tickvals=[i * (height + 1) + (height - 1) / 2 for i in range(len(strips))],
        ticktext=list(strips),
    )
    chart.update_traces(colorscale="Greys", zmin=0, zmax=1)
    return chart


def draw_map(record: Record) -> go.Figure:
    """The plane of largest variance through the judged encoder's latent space."""
    chart = theme.figure(
        "first principal coordinate (unit-length features)",
        "second principal coordinate",
        height=520,
    )
    plane, labels = np.asarray(record["map"]), np.asarray(record["map_labels"])
    for digit in range(10):
        chosen = plane[labels == digit]
        theme.points(chart, chosen[:, 0], chosen[:, 1].tolist(), str(digit), index=digit, size=7)
    return chart


def table_accuracy(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Mean test accuracy in percent with its interval, per encoder and number of labels."""
    counts = record["label_counts"]
    columns = ["encoder", "features", *(f"{count} labels (%)" for count in counts)]
    columns += [f"Adam, {FEW} (%)", f"3 neighbours, {FEW} (%)", "training (s)"]
    rows = []
    for encoder in ENCODERS:
        first = next(row for row in record["rows"] if row["encoder"] == encoder)
        cells: list[Any] = [encoder, first["features"]]
        cells += [_percent(values(record, encoder, count)) for count in counts]
        cells += [_percent(values(record, encoder, key=key)) for key in ("adam", "neighbours")]
        seconds = record["training_seconds"].get(encoder)
        rows.append([*cells, f"{max(seconds):.0f}" if seconds else ""])
    return columns, rows


def _percent(numbers: Sequence[float]) -> str:
    found = mean_interval(numbers)
    arm = f" ± {100 * (found.high - found.estimate):.1f}" if len(numbers) > 1 else ""
    return f"{100 * found.estimate:.1f}{arm}"


def metrics(records: Any) -> dict[str, float]:
    """Accuracy of every trained encoder with 200 labels."""
    return {
        f"{stage}: {encoder}": mean_interval(values(record, encoder)).estimate
        for stage, record in records.items()
        for encoder in TRAINED
    }
