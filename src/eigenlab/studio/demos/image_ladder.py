"""Train rungs of the ladder of question 4 on generated shapes, and look into the networks."""

from __future__ import annotations

import base64
import functools
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from torch import Tensor

from eigenlab import plots
from eigenlab.experiments.training_ladder.config import TrainingLadderConfig
from eigenlab.experiments.training_ladder.measure import operations, reduced
from eigenlab.experiments.training_ladder.records import LANDMARKS
from eigenlab.files import dump_json, load_json, write_atomic
from eigenlab.lab import Config
from eigenlab.report import command_for
from eigenlab.reporter import Reporter
from eigenlab.statistics import Interval, newcombe_interval, wilson_interval
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, Preparation, View, knob, option
from eigenlab.studio.demos.shown_metrics import ShownMetrics
from eigenlab.training import derive_seed
from eigenlab.training.storage import read_model, write_model
from eigenlab.vision import (
    ImageDataset,
    Judgement,
    Recipe,
    Rung,
    TrainedNetwork,
    filters_as_images,
    first_filters,
    ladder,
    normalize,
    predict_logits,
    shapes32,
    train_cifar10,
)
from eigenlab.vision.shapes import SHAPES

FORMAT = "eigenlab.studio.image-ladder/1"
LOGITS = "eigenlab.studio.image-ladder.logits/1"
TEST_IMAGES = 500
TRAINED_ON = ("rung", "epochs", "images", "seed")
AUGMENTATIONS = ("none", "mirror", "translate")
RUNGS = {rung.name: rung for rung in ladder()}
FIRST, NINE, WHITE, TOP = LANDMARKS
LANDMARK_NUMBERS = [list(RUNGS).index(name) + 1 for name in LANDMARKS]
#: Of the goals: few images, the accuracy to reach with them, and the gain by augmentation.
FEW, ACCURATE, GAIN = 1000, 0.95, 0.06
#: Most confused images that are shown, and how many in a row.
SHOWN, ACROSS = 9, 3
#: Pixels of a test image with the gaps to the next ones; the lower gap holds two lines of text.
SIZE, GAP, BELOW = 32, 6, 17


class ImageLadderSettings(Config):
    """A rung of the ladder, its training, and how the test images are classified."""

    rung: Literal[
        "ResNet-18",
        "batches of 512",
        "cutout, 30 epochs",
        "ResNet-9",
        "pooling first",
        "label smoothing",
        "CELU",
        "ghost batches",
        "fixed scales",
        "whitened patches",
        "averaged weights",
        "mirrored test images",
        "alternating flips",
        "SpeedNet and Muon",
    ] = option(
        "ResNet-9",
        "Which recipe is trained, each named after what it adds to the one before; in narrow "
        "networks and with small batches, so that it takes seconds.",
    )
    epochs: int = knob(8, "Passes over the training images.", low=1, high=16, step=1)
    images: int = knob(
        2000,
        "Generated training images of ten shapes.",
        low=200,
        high=3000,
        step=100,
        label="training images",
    )
    tta: Literal["none", "mirror", "translate"] = option(
        "none",
        "Test-time augmentation: each image by itself; the mean with its mirror image; or also "
        "with copies that are moved by one pixel. This needs no new training.",
        label="test-time augmentation",
    )
    seed: int = knob(
        0,
        "Random seed of the images, the first weights and the training.",
        low=0,
        high=99,
        step=1,
    )


class _Trained(NamedTuple):
    #: Filters of the first layer, uint8 (F, h, w, 3).
    filters: Tensor
    #: Test-time augmentation -> logits of the test images.
    logits: dict[str, Tensor]
    #: What :func:`_result` returned.
    result: dict[str, Any]


def prepare(settings: ImageLadderSettings, folder: Path, reporter: Reporter) -> None:
    """Train the rung and store the network, its logits and its curves.

    Args:
        settings: those of the training.
        folder: receives ``network.safetensors``, ``logits.safetensors`` and ``result.json``.
        reporter: receives the loss, and the accuracy on the test images.
    """
    recipe, test = _recipe(settings), _test_images(settings.seed)
    reporter.stage(f"{settings.rung}: batches of {recipe.batch_size}")
    found = train_cifar10(
        recipe,
        shapes32(settings.images, seed=derive_seed(settings.seed, "train")),
        test,
        seed=derive_seed(settings.seed, "training", 0),
        evaluate_every=recipe.epochs / 10,
        reporter=ShownMetrics(reporter, {"loss": "training loss", "accuracy": "test accuracy"}),
    )
    mean, deviation = found.statistics
    write_model(
        folder / "network.safetensors",
        {**found.model.state_dict(), "mean": mean, "deviation": deviation},
        format=FORMAT,
    )
    logits = {
        tta: predict_logits(
            found.model,
            test.images,
            lambda block: normalize(block, found.statistics),
            tta=tta,  # type: ignore[arg-type]
        )
        for tta in AUGMENTATIONS
    }
    write_model(folder / "logits.safetensors", logits, format=LOGITS)
    accuracy = Judgement(logits["none"], test.labels).accuracy
    write_atomic(folder / "result.json", dump_json(_result(settings, found, accuracy)))


def _config(settings: ImageLadderSettings) -> TrainingLadderConfig:
    """The settings of the experiment that trains the same networks."""
    return TrainingLadderConfig(
        n_train=settings.images,
        n_test=TEST_IMAGES,
        epochs=settings.epochs,
        seed=settings.seed,
        rungs="landmarks" if settings.rung in LANDMARKS else "all",
    )


def _recipe(settings: ImageLadderSettings) -> Recipe:
    return reduced(RUNGS[settings.rung].recipe, _config(settings))


@functools.lru_cache(maxsize=4)
def _test_images(seed: int) -> ImageDataset:
    return shapes32(TEST_IMAGES, seed=derive_seed(seed, "test"))


def _result(
    settings: ImageLadderSettings, found: TrainedNetwork, accuracy: float
) -> dict[str, Any]:
    """What is drawn of a training, and what other pages compare with."""
    losses, accuracies = found.history.curve("loss"), found.history.curve("accuracy")
    return {
        "format": FORMAT,
        **{name: getattr(settings, name) for name in TRAINED_ON},
        "losses": losses,
        "accuracies": accuracies,
        "accuracy": accuracy,
        "seconds": found.training_seconds,
        "gflop": operations(found.recipe) * found.n_seen / 1e9,
    }


@functools.lru_cache(maxsize=16)
def _trained(folder: Path, rung: str) -> _Trained:
    weights, _ = read_model(folder / "network.safetensors", format=FORMAT)
    del weights["mean"], weights["deviation"]
    model = _recipe(ImageLadderSettings(rung=rung)).build(10)
    model.load_state_dict(weights)
    logits, _ = read_model(folder / "logits.safetensors", format=LOGITS)
    return _Trained(
        filters_as_images(first_filters(model)),
        logits,
        load_json((folder / "result.json").read_text("utf-8")),
    )


def _others(folder: Path) -> list[dict[str, Any]]:
    """Results of all trainings that are kept beside this one, itself included."""
    found = []
    for path in sorted(folder.parent.glob("*/result.json")):
        try:
            result = load_json(path.read_text("utf-8"))
        except (OSError, ValueError):  # another process removes it
            continue
        if path.parent.suffix != ".partial" and result.get("format") == FORMAT:
            found.append(result)
    return found


def draw(settings: ImageLadderSettings, folder: Path) -> View:
    """Show how the rung was trained, how well it classifies, and what it has learned.

    Args:
        settings: those of the training, and the test-time augmentation.
        folder: where :func:`prepare` has stored the network.
    """
    trained, test = _trained(folder, settings.rung), _test_images(settings.seed)
    judged = {tta: Judgement(trained.logits[tta], test.labels) for tta in AUGMENTATIONS}
    numbers = {
        "accuracy": judged[settings.tta].accuracy,
        "plain_accuracy": judged["none"].accuracy,
        "loss": trained.result["losses"][1][-1],
        "gflop": trained.result["gflop"],
    }
    return View(
        sentence=_sentence(settings, trained, judged, numbers),
        panels=_panels(settings, trained, _others(folder), judged[settings.tta], test),
        numbers=numbers,
        goals=_goals(settings, judged, numbers),
        python=_python(settings),
        command=command_for("training-ladder", _config(settings)),
    )


def _sentence(
    settings: ImageLadderSettings,
    trained: _Trained,
    judged: dict[str, Judgement],
    numbers: dict[str, float],
) -> str:
    found = judged[settings.tta]
    right = int((found.logits.argmax(1) == found.labels).sum())
    interval = wilson_interval(right, len(found.labels))
    seconds, updates = trained.result["seconds"], trained.result["losses"][0][-1]
    place = list(RUNGS).index(settings.rung) + 1
    guessing = "no better than guessing" if interval.low <= 0.1 else "guessing: 10%"
    text = (
        f"Rung {place} of {len(RUNGS)}, {settings.rung}: after {seconds:.2g} seconds, {updates:,} "
        f"update{'s' * (updates > 1)} and {numbers['gflop']:.3g} GFLOP of training it classifies "
        f"{found.accuracy:.1%} of {len(found.labels)} test images correctly (95% interval "
        f"{interval.low:.0%} to {interval.high:.0%}; {guessing}). "
    )
    if right < len(found.labels):
        text += f"{_worst(found)} "
    if settings.tta != "none":
        text += _augmented(judged["none"], found)
    return text.strip()


def _worst(found: Judgement) -> str:
    """The confusion that is most frequent."""
    table = found.confusion().fill_diagonal_(0)
    row, column = divmod(int(table.argmax()), len(table))
    names, verb = tuple(SHAPES), "is" if table[row, column] == 1 else "are"
    return (
        f"Its most frequent error: {int(table[row, column])} of "
        f"{int((found.labels == row).sum())} images of class {names[row]} {verb} taken for "
        f"{names[column]}."
    )


def _augmented(plain: Judgement, found: Judgement) -> str:
    """What test-time augmentation changes, on the same images."""
    gained, lost, interval = _gain(plain, found)
    known = "" if interval.low > 0 or interval.high < 0 else ", which may be chance"
    return (
        f"The augmentation corrects {gained} image{'s' * (gained != 1)} and spoils {lost}: "
        f"{100 * interval.estimate:+.1f} percentage points{known}."
    )


def _gain(plain: Judgement, found: Judgement) -> tuple[int, int, Interval]:
    """Images that the second classifies correctly and the first does not, the reverse, and the
    difference of the two accuracies."""
    before, after = (each.logits.argmax(1) == each.labels for each in (plain, found))
    both, gained, lost = (
        int(chosen.sum()) for chosen in (before & after, after & ~before, before & ~after)
    )
    neither = len(before) - both - gained - lost
    return gained, lost, newcombe_interval(both, gained, lost, neither)


def _goals(
    settings: ImageLadderSettings, judged: dict[str, Judgement], numbers: dict[str, float]
) -> tuple[Goal, ...]:
    gain = _gain(judged["none"], judged[settings.tta])[2]
    return (
        Goal(
            f"Classify {ACCURATE:.0%} of the test images after training on {FEW:,} images or "
            "fewer.",
            settings.images <= FEW and numbers["accuracy"] >= ACCURATE,
            f"now {numbers['accuracy']:.0%}, with {settings.images:,} images",
        ),
        Goal(
            f"Find a network that test-time augmentation improves by {100 * GAIN:g} percentage "
            "points or more, by more than chance (a 95% interval above 0).",
            gain.estimate >= GAIN and gain.low > 0,
            f"now {100 * gain.estimate:+.1f} points"
            if settings.tta != "none"
            else "now without it",
        ),
    )


def _panels(
    settings: ImageLadderSettings,
    trained: _Trained,
    others: list[dict[str, Any]],
    judged: Judgement,
    test: ImageDataset,
) -> tuple[Panel, ...]:
    result = trained.result
    return (
        Panel(
            "loss",
            "Loss during the training",
            "Cross-entropy of each batch. Dotted: the least possible value, which is the entropy "
            "of the labels, 0 without label smoothing.",
            _loss(result, _recipe(settings).label_smoothing),
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
    for index, device in enumerate(("V100", "A100")):
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
        index=2,
        text=[f"{name}: {seconds:.2g} s" for name, seconds in trained.items()],
    )
    plots.reference(chart, x=list(RUNGS).index(settings.rung) + 1, text="")
    chart.update_xaxes(range=[0.4, len(rungs) + 0.6], tickvals=LANDMARK_NUMBERS)
    chart.update_yaxes(dtick="D2")
    return chart


def _mosaic(
    pictures: Tensor, across: int, gap: tuple[int, int], rows: int
) -> npt.NDArray[np.uint8]:
    """Pictures in a grid, with a transparent gap below and to the right of each: (H, W, 4).

    Args:
        pictures: uint8 (N, h, w, 3).
        across: pictures in a row.
        gap: pixels below and to the right.
        rows: rows of the grid; what is not filled is transparent.
    """
    height, width = pictures.shape[1] + gap[0], pictures.shape[2] + gap[1]
    grid = np.zeros((rows * height, across * width, 4), dtype=np.uint8)
    for place, picture in enumerate(pictures.numpy()):
        top, left = height * (place // across), width * (place % across)
        part = grid[top : top + picture.shape[0], left : left + picture.shape[1]]
        part[..., :3], part[..., 3] = picture, 255
    return grid


def _picture_chart(grid: npt.NDArray[np.uint8], height: int) -> go.Figure:
    chart = plots.new_chart("", "", height=height)
    # As a file: plotly would check a list of pixels number by number, for half a second.
    chart.add_trace(go.Image(source=_data_address(grid), hoverinfo="skip"))
    chart.update_layout(
        xaxis={"visible": False},
        yaxis={"visible": False},
        margin={"l": 4, "r": 4, "t": 8, "b": 8},
    )
    return chart


def _data_address(grid: npt.NDArray[np.uint8]) -> str:
    """A picture (H, W, 4) as the address of a PNG file (ISO/IEC 15948) that it contains."""
    height, width, _ = grid.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), grid.reshape(height, -1)])  # filter type 0
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0),  # 8 bits, RGB and alpha
        b"IDAT": zlib.compress(rows.tobytes()),
        b"IEND": b"",
    }
    file = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks.items()
    )
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"


def _filters(filters: Tensor) -> go.Figure:
    across = math.ceil(math.sqrt(1.5 * len(filters)))
    rows = -(-len(filters) // across)
    return _picture_chart(_mosaic(filters, across, (1, 1), rows), height=340)


def _confused(judged: Judgement, test: ImageDataset) -> go.Figure:
    worst = judged.most_confused(SHOWN)
    rows = SHOWN // ACROSS
    chart = _picture_chart(_mosaic(test.images[worst], ACROSS, (BELOW, GAP), rows), height=500)
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


def _python(settings: ImageLadderSettings) -> str:
    return (
        "from eigenlab.experiments.training_ladder.config import TrainingLadderConfig\n"
        "from eigenlab.experiments.training_ladder.measure import operations, reduced\n"
        "from eigenlab.training import derive_seed\n"
        "from eigenlab.vision import ladder, shapes32, train_cifar10\n\n"
        "# Narrow networks and small batches, as in the experiment.\n"
        f"config = TrainingLadderConfig(n_train={settings.images}, epochs={settings.epochs})\n"
        f'rung = next(rung for rung in ladder() if rung.name == "{settings.rung}")\n'
        f'recipe = reduced(rung.recipe, config).replaced(tta="{settings.tta}")\n'
        "found = train_cifar10(\n"
        "    recipe,\n"
        f'    shapes32({settings.images}, seed=derive_seed({settings.seed}, "train")),\n'
        f'    shapes32({TEST_IMAGES}, seed=derive_seed({settings.seed}, "test")),\n'
        f'    seed=derive_seed({settings.seed}, "training", 0),\n'
        ")\n"
        "accuracy, plain_accuracy = found.accuracy, found.plain_accuracy\n"
        "loss = found.history.losses[-1][1]\n"
        "gflop = operations(recipe) * found.n_seen / 1e9\n"
        'print(f"{accuracy:.1%} in {found.training_seconds:.2g} s")\n'
    )


DEMO = Demo(
    name="image-ladder",
    title="The ladder of fast image classifiers",
    questions=("4",),
    summary="Train any rung of the ladder from ResNet-18 to SpeedNet on generated shapes, and see "
    "how fast it learns, what its first layer looks for, and which images it confuses.",
    settings=ImageLadderSettings,
    draw=draw,
    preparation=Preparation("Train the network", TRAINED_ON, minutes=0.3, make=prepare),
    examples=(
        Example(
            "1. Nine layers",
            {},
            "The network of D. Page's ladder, narrow enough for a CPU. A few passes over 2,000 "
            "images are too few for it. The first filters hardly show a pattern.",
        ),
        Example(
            "2. Whitened patches",
            {"rung": WHITE},
            "Six rungs up, nearly the same network: its first layer is computed from the images "
            "before the training. Compare the two accuracies below.",
        ),
        Example(
            "3. The top of the ladder",
            {"rung": TOP},
            "A smaller network, whose convolutions begin as the identity and are trained with "
            "orthogonalised momentum: more accurate after fewer updates.",
        ),
        Example(
            "4. Several looks at each image",
            {"rung": TOP, "images": 1000, "tta": "translate"},
            "With half the images the network is less sure. The mean over mirrored and moved "
            "copies of each test image costs no training; switch it off and on.",
        ),
        Example(
            "5. Where it began",
            {"rung": FIRST, "images": 1000},
            "ResNet-18, with the smallest batches. On half the images it takes about as long as "
            "the ResNet-9 on all of them, and hardly does better than guessing.",
        ),
    ),
)
