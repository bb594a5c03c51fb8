"""The figures, tables and metrics of ``training-ladder``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, median

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.training_ladder.config import TrainingLadderConfig
from eigenlab.experiments.training_ladder.records import (
    ClimbRecord,
    InsideRecord,
    PartsRecord,
    Picture,
)
from eigenlab.lab import Rows, figure, metrics, table


def _climb_caption(config: TrainingLadderConfig) -> str:
    images = "generated shapes" if config.data == "shapes32" else "CIFAR-10"
    return (
        f"One point per rung, its number that of the table: mean and range over the seeds "
        f"({config.n_seeds}); {images}, {config.n_train} training images, networks of width "
        f"{config.width}, {_passes(config)}. Training alone, on this machine."
    )


def _passes(config: TrainingLadderConfig) -> str:
    return f"{config.epochs:g} passes" if config.epochs else "the published numbers of passes"


@figure("Accuracy and time of each rung", _climb_caption)
def climbed(record: ClimbRecord) -> go.Figure:
    chart = plots.new_chart("seconds of training", "share of correct test images", log_x=True)
    for index, kind in enumerate(("resnet18", "resnet9", "speednet")):
        chosen = [rung for rung in record.rungs if rung.network == kind]
        plots.points(
            chart,
            [median(rung.training_seconds) for rung in chosen],
            [fmean(rung.accuracy) for rung in chosen],
            {"resnet18": "ResNet-18", "resnet9": "ResNet-9", "speednet": "SpeedNet"}[kind],
            low=[min(rung.accuracy) for rung in chosen],
            high=[max(rung.accuracy) for rung in chosen],
            index=index,
            text=[rung.name for rung in chosen],
        )
    for number, rung in enumerate(record.rungs, start=1):
        chart.add_annotation(
            x=math.log10(median(rung.training_seconds)),  # annotations on a log axis take logs
            y=fmean(rung.accuracy),
            text=str(number),
            showarrow=False,
            xshift=12,
            yshift=9,
        )
    return chart


@table("The ladder, rung by rung (plain: without test-time augmentation)")
def rungs(record: ClimbRecord) -> Rows:
    rows = [
        [
            number,
            rung.name,
            rung.epochs,
            rung.updates,
            rung.operations / 1e12,
            fmean(rung.accuracy),
            fmean(rung.plain_accuracy),
            median(rung.training_seconds),
            median(rung.total_seconds),
        ]
        for number, rung in enumerate(record.rungs, start=1)
    ]
    return (
        "",
        "rung",
        "epochs",
        "updates",
        "TFLOP",
        "accuracy",
        "plain",
        "training (s)",
        "and test (s)",
    ), rows


@table("What each rung changes")
def changes(record: ClimbRecord) -> Rows:
    rows = [[number, rung.name, rung.change] for number, rung in enumerate(record.rungs, start=1)]
    return ("", "rung", "what is new"), rows


@figure(
    "The published ladder",
    "Published times of training to 94 % on CIFAR-10, and the operations of the rungs at the "
    "published size. The two fall together, except where a rung only runs the same operations "
    "faster; the last rung was measured on a faster GPU.",
)
def published(record: PartsRecord) -> go.Figure:
    chart = plots.new_chart(
        "operations of the training (FLOP)", "published seconds", log_x=True, log_y=True
    )
    for index, device in enumerate(sorted(set(record.published_device.values()), reverse=True)):
        names = [name for name, on in record.published_device.items() if on == device]
        plots.points(
            chart,
            [record.operations[name] for name in names],
            [record.published[name] for name in names],
            f"one {device}",
            index=index,
            text=names,
        )
    # A tick for each 1, 2 and 5: plotly's own minor labels collide over few decades.
    chart.update_xaxes(dtick="D2")
    chart.update_yaxes(dtick="D2")
    return chart


@figure(
    "Orthogonalisation",
    "Largest distance of a singular value from 1 after some iterations, of a matrix whose singular "
    "values cover the interval of the derivation, and the derived bound.",
)
def iterations(record: PartsRecord) -> go.Figure:
    chart = plots.new_chart("iterations", "largest |s - 1|", log_y=True)
    plots.line(chart, record.steps, record.bounds, "derived", markers=False)
    plots.points(chart, record.steps, record.errors, "measured")
    chart.update_xaxes(dtick=1)
    return chart


@figure(
    "Spectrum of the last features",
    "Standard deviations of the features that the last layer reads, along their principal axes, "
    "relative to the largest, for test images. A long training concentrates them in as many "
    "directions as there are classes, less one (dotted).",
)
def spectrum(record: InsideRecord) -> go.Figure:
    chart = plots.new_chart("principal axis", "relative standard deviation", log_y=True)
    axes = list(range(1, len(record.spectrum_trained) + 1))
    plots.line(chart, axes, record.spectrum_untrained, "initial network", markers=False)
    plots.line(chart, axes, record.spectrum_trained, "trained", markers=False)
    plots.reference(chart, x=len(record.classes) - 1, text="classes - 1")
    return chart


@figure(
    "Learning curve of the top rung",
    "Accuracy on the test images, without test-time augmentation; nothing is chosen by it.",
)
def curve(record: InsideRecord) -> go.Figure:
    chart = plots.new_chart("update", "share of correct test images")
    plots.line(chart, record.curve_updates, record.curve, "SpeedNet and Muon")
    chart.update_yaxes(range=(0.0, 1.0))
    return chart


@figure(
    "Confusion of the classes",
    "Test images by class and prediction, the network at the top of the ladder.",
)
def confusion(record: InsideRecord) -> go.Figure:
    return plots.heatmap(
        record.confusion,
        x=record.classes,
        y=record.classes,
        x_title="prediction",
        y_title="class",
        value_title="images",
        height=520,
    )


@figure(
    "Whitening filters",
    "The eigenvectors of 2 x 2 patches, that of the largest variance first, and behind them their "
    "negatives; each scaled to its largest weight, grey is 0. Evenly coloured patches vary most, "
    "fine patterns least.",
)
def filters(record: InsideRecord) -> go.Figure:
    return _pictures(record.filters, [str(k + 1) for k in range(len(record.filters))], columns=12)


@figure(
    "Test images that it is most sure to get wrong",
    "Class, prediction, and the probability of the class, the smallest first.",
)
def confused(record: InsideRecord) -> go.Figure:
    titles = [
        f"{each.label}<br>→ {each.predicted}<br>{each.probability:.1%}" for each in record.confused
    ]
    return _pictures([each.picture for each in record.confused], titles, columns=6)


def _pictures(pictures: Sequence[Picture], titles: Sequence[str], columns: int) -> go.Figure:
    """Pictures in a grid, each with a title above it."""
    from plotly.subplots import make_subplots

    rows = max(1, -(-len(pictures) // columns))
    chart = make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=list(titles),
        horizontal_spacing=0.01,
        vertical_spacing=0.42 / rows,
    )
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        chart.add_trace(go.Image(z=picture, hoverinfo="skip"), row=row + 1, col=column + 1)
    chart.update_xaxes(visible=False)
    chart.update_yaxes(visible=False)
    chart.update_layout(template=plots.NEUTRAL, height=70 + 190 * rows, margin_t=70)
    chart.update_annotations(font_size=11)
    return chart


@metrics
def accuracies(record: ClimbRecord) -> dict[str, float]:
    return {f"accuracy, {rung.name}": fmean(rung.accuracy) for rung in record.rungs}
