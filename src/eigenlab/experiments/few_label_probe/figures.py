"""The figures, tables and metrics of ``few-label-probe``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.few_label_probe.records import DigitsRecord, FewLabelRecord, MnistRecord
from eigenlab.lab import Rows, figure, metrics, table
from eigenlab.statistics import mean_interval

ACCURACY = (
    "Logistic regression on the positive and negative parts of frozen features, scaled to unit "
    "length, its penalty chosen by cross-validation on the labelled images. Mean over seeds; the "
    "shaded bands are the ranges over seeds for raw pixels and for the encoder that claims refer "
    "to."
)
IMAGES = "Test images, the corrupted input of each autoencoder and its output."
MAP = (
    "First two principal components of the features of 500 test images; the labels determine only "
    "the colours."
)


@figure("Few labels, digits", ACCURACY)
def digits(record: DigitsRecord) -> go.Figure:
    return _draw_accuracy(record)


@figure("Few labels, MNIST", ACCURACY)
def mnist(record: MnistRecord) -> go.Figure:
    return _draw_accuracy(record)


@figure("Input and output of each autoencoder, digits", IMAGES)
def digits_images(record: DigitsRecord) -> go.Figure:
    return _draw_images(record)


@figure("Input and output of each autoencoder, MNIST", IMAGES)
def mnist_images(record: MnistRecord) -> go.Figure:
    return _draw_images(record)


@figure("Latent space of the warped autoencoder, digits", MAP)
def digits_map(record: DigitsRecord) -> go.Figure:
    return _draw_map(record)


@figure("Latent space of the convolutional warped autoencoder, MNIST", MAP)
def mnist_map(record: MnistRecord) -> go.Figure:
    return _draw_map(record)


def _draw_accuracy(record: FewLabelRecord) -> go.Figure:
    """Accuracy against the number of labels."""
    chart = plots.new_chart("labelled images", "test accuracy (%)", log_x=True, height=520)
    counts = record.label_counts
    for place, encoder in enumerate(record.n_features):
        seeds = [record.accuracies(encoder, count) for count in counts]
        means = [100 * mean_interval(found).estimate for found in seeds]
        plots.line(chart, counts, means, encoder, index=place)
        if encoder in ("raw pixels", record.judged):  # bands of all encoders would overlap
            low, high = ([100 * end(found) for found in seeds] for end in (min, max))
            plots.band(chart, counts, low, high, f"{encoder}, range", index=place, legend=False)
    plots.reference(chart, y=79, text="79 %, required by the course on MNIST")
    chart.update_xaxes(tickvals=list(counts), ticktext=[f"{count:,}" for count in counts])
    return chart


def _draw_images(record: FewLabelRecord) -> go.Figure:
    """Rows of images: originals, inputs of the encoders and outputs of the decoders."""
    height, width = record.image_shape
    shown = len(record.strips["image"])
    mosaic: list[list[float | None]] = []
    for strip in record.strips.values():
        for top in range(0, height * width, width):
            line: list[float | None] = []
            for image in strip:  # an empty pixel after each image and each row keeps them apart
                line += [*(min(max(ink, 0.0), 1.0) for ink in image[top : top + width]), None]
            mosaic.append(line)
        mosaic.append([None] * (shown * (width + 1)))
    chart = plots.heatmap(
        mosaic,
        x_title="test image",
        y_title="",
        value_title="grey level (1 = ink)",
        numbers=False,
        height=90 + 62 * len(record.strips),
    )
    chart.update_xaxes(
        tickvals=[i * (width + 1) + (width - 1) / 2 for i in range(shown)],
        ticktext=[str(i + 1) for i in range(shown)],
    )
    chart.update_yaxes(
        title_text="input or output",
        tickvals=[i * (height + 1) + (height - 1) / 2 for i in range(len(record.strips))],
        ticktext=list(record.strips),
    )
    chart.update_traces(colorscale="Greys", zmin=0, zmax=1)
    return chart


def _draw_map(record: FewLabelRecord) -> go.Figure:
    """The plane of largest variance through the judged encoder's latent space."""
    chart = plots.new_chart(
        "first principal coordinate (unit-length features)",
        "second principal coordinate",
        height=520,
    )
    for digit in range(10):
        chosen = [
            point
            for point, label in zip(record.plane, record.plane_labels, strict=True)
            if label == digit
        ]
        x, y = [point[0] for point in chosen], [point[1] for point in chosen]
        plots.points(chart, x, y, str(digit), index=digit, size=7)
    return chart


@table("Test accuracy, digits")
def digits_accuracy(record: DigitsRecord) -> Rows:
    return _accuracy_rows(record)


@table("Test accuracy, MNIST")
def mnist_accuracy(record: MnistRecord) -> Rows:
    return _accuracy_rows(record)


def _accuracy_rows(record: FewLabelRecord) -> Rows:
    """Mean test accuracy in percent with its interval, per encoder and number of labels."""
    counts, n_labels = record.label_counts, record.n_labels
    columns = ["encoder", "features", *(f"{count} labels (%)" for count in counts)]
    columns += [f"Adam, {n_labels} (%)", f"3 neighbours, {n_labels} (%)", "training (s)"]
    rows = []
    for encoder, n_features in record.n_features.items():
        compared = record.of(encoder, n_labels)
        cells: list[Any] = [encoder, n_features]
        cells += [_percent(record.accuracies(encoder, count)) for count in counts]
        cells.append(_percent([probe.adam for probe in compared if probe.adam is not None]))
        cells.append(_percent([probe.neighbours for probe in compared]))
        seconds = record.training_seconds.get(encoder)
        rows.append([*cells, f"{max(seconds):.0f}" if seconds else ""])
    return columns, rows


def _percent(numbers: Sequence[float]) -> str:
    found = mean_interval(numbers)
    arm = f" ± {100 * (found.high - found.estimate):.1f}" if len(numbers) > 1 else ""
    return f"{100 * found.estimate:.1f}{arm}"


@metrics
def digits_headline(record: DigitsRecord) -> dict[str, float]:
    return _headline("digits", record)


@metrics
def mnist_headline(record: MnistRecord) -> dict[str, float]:
    return _headline("mnist", record)


def _headline(stage: str, record: FewLabelRecord) -> dict[str, float]:
    """Mean accuracy of every trained encoder with the compared number of labels."""
    return {
        f"{stage}: {encoder}": mean_interval(record.accuracies(encoder)).estimate
        for encoder in record.training_seconds
    }
