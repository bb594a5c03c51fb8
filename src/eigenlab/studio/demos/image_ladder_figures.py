"""The pictures of the page on image classifiers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import Any

import plotly.graph_objects as go
from torch import Tensor

from eigenlab import plots
from eigenlab.experiments.training_ladder.records import LANDMARKS
from eigenlab.studio.demos.demo import Panel
from eigenlab.studio.demos.image_ladder_mosaic import mosaic, picture_chart
from eigenlab.studio.demos.image_ladder_network import (
    RUNGS,
    ImageLadderSettings,
    Trained,
    recipe_of,
)
from eigenlab.vision import (
    ImageDataset,
    Judgement,
    Rung,
)
from eigenlab.vision.shapes import SHAPES

LANDMARK_NUMBERS = [list(RUNGS).index(name) + 1 for name in LANDMARKS]
#: Most confused images that are shown, and how many in a row.
SHOWN, ACROSS = 9, 3
#: Pixels of a test image with the gaps to the next ones; the lower gap holds two lines of text.
SIZE, GAP, BELOW = 32, 6, 17


def panels_of(
    settings: ImageLadderSettings,
    trained: Trained,
    others: list[dict[str, Any]],
    judged: Judgement,
    test: ImageDataset,
) -> tuple[Panel, ...]:
    """The panels of the page.

    Args:
        settings: of the network.
        trained: the network.
        others: results of all networks trained so far.
        judged: its predictions for the test images.
        test: the test images.
    """
    result = trained.result
    return (
        Panel(
            "loss",
            "Loss during the training",
            "Cross-entropy of each batch. Dotted: the least possible value, which is the entropy "
            "of the labels, 0 without label smoothing.",
            _loss(result, recipe_of(settings).label_smoothing),
            link="update",
        ),
        Panel(
            "accuracy",
            "Accuracy during the training",
            "Share of the test images that are classified correctly, without augmentation; nothing "
            "is chosen by it.",
            _accuracy(result),
            link="update",
        ),
        Panel(
            "compared",
            "Rungs trained so far",
            "Accuracy without augmentation against the seconds of training on this machine. Train "
            "other rungs, and they appear here; the star is the present one.",
            _compared(settings, result, others),
        ),
        Panel(
            "seconds",
            "Seconds of each rung",
            "Published: until 94 % on CIFAR-10, one GPU, networks of full width, and each rung's "
            "own number of epochs. Here: the median of the trainings with as many images and "
            "epochs as the present one.",
            _seconds(settings, others),
        ),
        Panel(
            "filters",
            "Filters of the first layer",
            "Grey is 0. From the rung of whitened patches on they are computed, not trained: the "
            "principal components of small patches, that of the largest variance first, and their "
            "negatives.",
            _filters(trained.filters),
        ),
        Panel(
            "confused",
            "Most certain errors",
            "Test images whose class it thinks least probable: class with its probability, and "
            "prediction.",
            _confused(judged, test),
        ),
        Panel(
            "confusion",
            "Confusion of the classes",
            "Test images by class (row) and prediction (column).",
            _confusion(judged, test.classes),
        ),
    )


def _loss(result: dict[str, Any], smoothing: float) -> go.Figure:
    chart = plots.new_chart("update", "cross-entropy (nats)")
    updates, values = result["losses"]
    plots.line(chart, updates, values, "training batch", markers=False)
    plots.reference(chart, y=_label_entropy(smoothing), text="least possible")
    chart.update_yaxes(rangemode="tozero")
    return chart


def _label_entropy(smoothing: float) -> float:
    """Entropy in nats of a label of which a share is spread evenly over all classes."""
    other = smoothing / len(SHAPES)
    own = 1 - smoothing + other
    spread = (len(SHAPES) - 1) * other * math.log(other) if other else 0.0
    return -own * math.log(own) - spread


def _accuracy(result: dict[str, Any]) -> go.Figure:
    chart = plots.new_chart("update", "accuracy (share)")
    updates, values = result["accuracies"]
    plots.line(chart, updates, values, "test images", markers=True)
    plots.reference(chart, y=0.1, text="guessing")
    chart.update_yaxes(range=[0, 1.03])
    return chart


def _alike(settings: ImageLadderSettings, result: dict[str, Any]) -> bool:
    """Whether a training had as many images and epochs."""
    return all(result[name] == getattr(settings, name) for name in ("epochs", "images"))


def _compared(
    settings: ImageLadderSettings, result: dict[str, Any], others: list[dict[str, Any]]
) -> go.Figure:
    chart = plots.new_chart("seconds of training", "accuracy (share)")
    alike = [other for other in others if _alike(settings, other)]
    rest = [other for other in others if not _alike(settings, other)]
    for index, (name, rows) in enumerate(
        {"as many images and epochs": alike, "other": rest}.items()
    ):
        plots.points(
            chart,
            [row["seconds"] for row in rows],
            [row["accuracy"] for row in rows],
            name,
            index=6 * index,
            text=[_described(row) for row in rows],
        )
        # One star only. Without "showlegend" a trace that was empty gets no entry in the legend.
        chart.data[-1].update(showlegend=True, marker_symbol="circle")
    plots.points(
        chart,
        [result["seconds"]],
        [result["accuracy"]],
        "this one",
        text=[_described(result)],
        size=17,
    )
    _star(chart)
    chart.update_yaxes(range=[0, 1.03])
    chart.update_xaxes(rangemode="tozero")
    return chart


def _described(result: dict[str, Any]) -> str:
    return (
        f"{list(RUNGS).index(result['rung']) + 1}. {result['rung']}<br>{result['images']:,} "
        f"images, {result['epochs']} epochs, seed {result['seed']}<br>"
        f"{result['accuracy']:.1%} in {result['seconds']:.2g} s"
    )


def _star(chart: go.Figure) -> None:
    chart.data[-1].marker.update(
        symbol="star", color="#d62728", line={"width": 1.5, "color": "white"}
    )


def _seconds(settings: ImageLadderSettings, others: list[dict[str, Any]]) -> go.Figure:
    chart = plots.new_chart("rung", "seconds of training", log_y=True)
    rungs: Sequence[Rung] = list(RUNGS.values())
    devices = dict.fromkeys(rung.device for rung in rungs if rung.published)
    for index, device in enumerate(devices):
        chosen = [rung for rung in rungs if rung.published and rung.device == device]
        plots.points(
            chart,
            [rungs.index(rung) + 1 for rung in chosen],
            [rung.published for rung in chosen],
            f"published, {device}",
            index=index,
            text=[f"{rung.name}: {rung.published:g} s" for rung in chosen],
        )
    here = {
        name: [row["seconds"] for row in others if row["rung"] == name and _alike(settings, row)]
        for name in RUNGS
    }
    trained = {name: median(seconds) for name, seconds in here.items() if seconds}
    plots.points(
        chart,
        [list(RUNGS).index(name) + 1 for name in trained],
        list(trained.values()),
        "here",
        index=len(devices),
        text=[f"{name}: {seconds:.2g} s" for name, seconds in trained.items()],
    )
    plots.reference(chart, x=list(RUNGS).index(settings.rung) + 1, text="")
    chart.update_xaxes(range=[0.4, len(rungs) + 0.6], tickvals=LANDMARK_NUMBERS)
    chart.update_yaxes(dtick="D2")
    return chart


def _filters(filters: Tensor) -> go.Figure:
    across = math.ceil(math.sqrt(1.5 * len(filters)))
    rows = -(-len(filters) // across)
    return picture_chart(mosaic(filters, across, (1, 1), rows), height=340)


def _confused(judged: Judgement, test: ImageDataset) -> go.Figure:
    worst = judged.most_confused(SHOWN)
    rows = SHOWN // ACROSS
    chart = picture_chart(mosaic(test.images[worst], ACROSS, (BELOW, GAP), rows), height=500)
    chosen = judged.logits[worst]
    probabilities = chosen.double().softmax(1)
    for place in range(SHOWN):
        text = ""
        if place < len(worst):
            label, predicted = int(judged.labels[worst[place]]), int(chosen[place].argmax())
            text = (
                f"{test.classes[label]} ({probabilities[place, label]:.1%})<br>"
                f"→ {test.classes[predicted]}"
            )
        chart.add_annotation(
            x=(SIZE + GAP) * (place % ACROSS) + SIZE / 2 - 0.5,
            y=(SIZE + BELOW) * (place // ACROSS) + SIZE,
            text=text,
            showarrow=False,
            yanchor="top",
            font_size=11,
        )
    return chart


def _confusion(judged: Judgement, classes: Sequence[str]) -> go.Figure:
    chart = plots.heatmap(
        judged.confusion().tolist(),
        x=list(classes),
        y=list(classes),
        x_title="prediction",
        y_title="class",
        value_title="images",
        height=480,
    )
    chart.update_traces(showscale=False)
    return chart
