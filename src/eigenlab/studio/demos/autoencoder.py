"""Digits through a bottleneck: reconstruction, noise, masks and the latent map (question 3a)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal, NamedTuple

import plotly.graph_objects as go
import torch
from pydantic import model_validator
from sklearn.decomposition import PCA
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, pad

from eigenlab import plots
from eigenlab.autoencoders import (
    Autoencoder,
    DenoisingAutoencoder,
    LinearProbe,
    Mask,
    MaskedAutoencoder,
    Noise,
    convex_probe,
    fit,
)
from eigenlab.experiments.few_label_probe.config import FewLabelConfig
from eigenlab.experiments.few_label_probe.encoders import Images, load_small_digits
from eigenlab.files import dump_json, load_json, write_atomic
from eigenlab.lab import Config
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, Preparation, View, knob, option
from eigenlab.studio.demos.drawn_text import parse_pixels
from eigenlab.training import generator
from eigenlab.training.storage import read_model, write_model

FORMAT = "eigenlab.studio.autoencoder/1"
#: The sweep; the slider has one position for each.
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
DOUBLING = 0.3010299957  # decades
HIDDEN = 128
SHOWN = 8
#: C of the probe, which hardly matters with hundreds of labels.
STRENGTH = 10.0
TRAINED_ON = ("kind", "epochs", "seed")
KINDS = {"plain": Autoencoder, "denoising": DenoisingAutoencoder, "masked": MaskedAutoencoder}
READABLE = 0.9
#: Of the goal of the noise: its strength, and what is left of the squared error.
NOISY, LEFT = 0.5, 0.15
INK = "grey level (1 = ink)"


class AutoencoderSettings(Config):
    """An autoencoder of handwritten digits, and what it is shown."""

    width: int = knob(
        8,
        "Numbers that are left of each picture of 64 pixels: 1, 2, 4, ..., 64.",
        low=WIDTHS[0],
        high=WIDTHS[-1],
        step=DOUBLING,
        label="latent width",
        log=True,
    )
    kind: Literal["plain", "denoising", "masked"] = option(
        "plain",
        "What it was trained to reconstruct pictures from: themselves, noisy pictures (standard "
        "deviation 0.5), or pictures with a quarter of their pixels set to 0.",
        label="trained on",
    )
    corruption: Literal["none", "noise", "mask"] = option(
        "none", "What is done to the pictures that it is shown here.", label="shown with"
    )
    noise_std: float = knob(
        0.3,
        "Standard deviation of the noise; the pixels are between 0 and 1.",
        low=0,
        high=1,
        step=0.05,
        label="noise",
        when=("corruption", "noise"),
    )
    mask_prob: float = knob(
        0.3,
        "Probability with which each pixel is set to 0.",
        low=0,
        high=1,
        step=0.05,
        label="masked share",
        when=("corruption", "mask"),
    )
    picture: str = option(
        "",
        "A digit of your own; while nothing is painted, a test picture takes its place.",
        label="paint a digit",
        widget="pixels",
        max_length=784,
    )
    example: int = knob(
        0,
        "First of the test pictures that are shown.",
        low=0,
        high=99,
        step=1,
        label="test picture",
    )
    epochs: int = knob(60, "Passes over the 897 training pictures.", low=5, high=150, step=5)
    seed: int = knob(
        0,
        "Random seed of the weights, of the training, and of noise and masks.",
        low=0,
        high=99,
        step=1,
    )

    @model_validator(mode="after")
    def _check(self) -> AutoencoderSettings:
        if self.width not in WIDTHS:
            raise ValueError(
                f"width={self.width} is not trained; choose from {', '.join(map(str, WIDTHS))}"
            )
        parse_pixels(self.picture)
        return self


class _Trained(NamedTuple):
    model: Autoencoder
    probe: LinearProbe
    #: Of the latent code of the test pictures; a plane, or a line for one latent feature.
    axes: PCA
    #: (n, 2) or (n, 1).
    places: Tensor


def prepare(settings: AutoencoderSettings, folder: Path, reporter: Reporter) -> None:
    """Train an autoencoder of each width, and a probe on its frozen code.

    Args:
        settings: kind, epochs and seed.
        folder: receives ``width-<k>.safetensors`` and ``sweep.json``.
        reporter: receives progress, and the loss on clean test pictures of each width.
    """
    data, rows = _digits(), []
    reporter.stage(f"{len(WIDTHS)} widths")
    for place, width in enumerate(WIDTHS):
        part = PartReporter(reporter, f"width {width}", place, len(WIDTHS))
        model = _network(settings, width)

        def measure(epoch: int, model: Autoencoder = model, part: Reporter = part) -> None:
            part.metrics({"test error": _error(model, data.test[0])}, step=epoch)

        fit(
            model,
            data.train,
            n_epochs=settings.epochs,
            seed=settings.seed,
            on_epoch=measure,
            reporter=part,
        )
        probe = _probe(model, data)
        write_model(
            folder / f"width-{width}.safetensors",
            {**model.state_dict(), "probe.weight": probe.weight, "probe.bias": probe.bias},
            format=FORMAT,
        )
        rows.append(
            {
                "width": width,
                "error": _error(model, data.test[0]),
                "accuracy": _accuracy(model, probe, data.test),
                "pca_error": _pca_error(width, data),
            }
        )
    write_atomic(folder / "sweep.json", dump_json(rows))


def _network(settings: AutoencoderSettings, width: int) -> Autoencoder:
    """The untrained autoencoder."""
    return KINDS[settings.kind](64, [HIDDEN, width], generator=generator(settings.seed, "weights"))


@functools.cache
def _digits() -> Images:
    return load_small_digits(FewLabelConfig())


@torch.no_grad()
def _error(model: Autoencoder, x: Tensor) -> float:
    return float(model.loss(x, model(x)))


@torch.no_grad()
def _probe(model: Autoencoder, data: Images) -> LinearProbe:
    code = model.encode(data.pool[0])
    return convex_probe(code, data.pool[1], n_classes=10, Cs=[STRENGTH]).probe


@torch.no_grad()
def _accuracy(model: Autoencoder, probe: LinearProbe, test: tuple[Tensor, Tensor]) -> float:
    return probe.accuracy(model.encode(test[0]), test[1])


def _pca_error(width: int, data: Images) -> float:
    """Error of the best linear reconstruction from ``width`` numbers."""
    pca = PCA(width, svd_solver="full").fit(data.train.numpy())
    x = data.test[0]
    rebuilt = torch.tensor(pca.inverse_transform(pca.transform(x.numpy())))
    return float((x - rebuilt).square().sum(1).mean())


@functools.lru_cache(maxsize=32)
def _trained(folder: Path, width: int) -> _Trained:
    weights, _ = read_model(folder / f"width-{width}.safetensors", format=FORMAT)
    probe = LinearProbe(weights.pop("probe.weight"), weights.pop("probe.bias"))
    model = Autoencoder(64, [HIDDEN, width])
    model.load_state_dict(weights)
    with torch.no_grad():
        code = model.encode(_digits().test[0]).numpy()
    axes = PCA(min(2, width), svd_solver="full").fit(code)
    return _Trained(model.eval(), probe, axes, torch.tensor(axes.transform(code)))


@functools.lru_cache(maxsize=16)
def _sweep(folder: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = load_json((folder / "sweep.json").read_text("utf-8"))
    return rows


def draw(settings: AutoencoderSettings, folder: Path) -> View:
    """Send pictures through the bottleneck of the chosen width.

    Args:
        settings: the width, and what is shown to it.
        folder: where :func:`prepare` has stored the sweep.
    """
    trained, rows = _trained(folder, settings.width), _sweep(folder)
    row = next(row for row in rows if row["width"] == settings.width)
    x, labels = _pictures(settings)
    seen = _corrupt(settings, x)
    with torch.no_grad():
        rebuilt = trained.model(seen)
        code = trained.model.encode(seen)
        digits = trained.probe.logits(code).argmax(1).tolist()
    errors = [(image[:1] - x[:1]).square().sum().item() for image in (seen, rebuilt)]
    numbers = {
        "error": row["error"],
        "accuracy": row["accuracy"],
        "shown_error": errors[0],
        "picture_error": errors[1],
    }
    return View(
        sentence=_sentence(settings, numbers, row, digits[0], labels[0]),
        panels=_panels(settings, trained, rows, (x, seen, rebuilt), code[:1], digits),
        numbers=numbers,
        goals=_goals(settings, rows, numbers),
        python=_python(settings, x[0].tolist() if labels[0] is None else None),
    )


def _pictures(settings: AutoencoderSettings) -> tuple[Tensor, list[int | None]]:
    """The painted picture, if any, before test pictures: (8, 64), and their digits if known."""
    images, labels = _digits().test
    places = [(settings.example + k) % len(images) for k in range(SHOWN)]
    x, known = images[places], labels[places].tolist()
    painted = _small(torch.tensor(parse_pixels(settings.picture)))
    if painted is not None:
        x, known = torch.cat([painted, x[:-1]]), [None, *known[:-1]]
    return x, known


def _small(painted: Tensor) -> Tensor | None:
    """A painted picture as the training pictures are: cut out, 8 x 8 pixels; None if it is blank.

    The training pictures fill their frame (each pixel is the mean of 4 x 4 of a scan of the digit).
    """
    rows, columns = (painted.sum(axis).nonzero().flatten() for axis in (1, 0))
    if not len(rows):
        return None
    digit = painted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = digit.shape
    side = max(height, width)
    left, top = (side - width) // 2, (side - height) // 2
    square = pad(digit, (left, side - width - left, top, side - height - top))
    return adaptive_avg_pool2d(square[None], 8).reshape(1, -1).float()


def _corrupt(settings: AutoencoderSettings, x: Tensor) -> Tensor:
    """What the encoder is shown instead of ``x``."""
    source = generator(settings.seed, "shown")
    if settings.corruption == "noise":
        return Noise(settings.noise_std)(x, source)
    if settings.corruption == "mask":
        return Mask(settings.mask_prob)(x, source)
    return x


def _sentence(
    settings: AutoencoderSettings,
    numbers: dict[str, float],
    row: dict[str, float],
    digit: int,
    label: int | None,
) -> str:
    width = settings.width
    text = (
        f"{width} number{'s' * (width > 1)} instead of 64 pixels: the test pictures come back with "
        f"a squared error of {row['error']:.2f} (PCA of the same width: {row['pca_error']:.2f}), "
        f"and a linear probe reads {row['accuracy']:.0%} of them from the code. "
    )
    what = "Your picture" if label is None else f"The first picture, a {label},"
    text += f"{what} is read as a {digit}"
    if settings.corruption == "none":
        return f"{text}; its error is {numbers['picture_error']:.2f}."
    return (
        f"{text}; what is shown differs from it by {numbers['shown_error']:.2f}, the "
        f"reconstruction by {numbers['picture_error']:.2f}."
    )


def _goals(
    settings: AutoencoderSettings, rows: list[dict[str, float]], numbers: dict[str, float]
) -> tuple[Goal, ...]:
    enough = [row["width"] for row in rows if row["accuracy"] >= READABLE]
    noisy = settings.corruption == "noise" and settings.noise_std >= NOISY
    shown = numbers["shown_error"]
    left = numbers["picture_error"] / shown if shown > 0 else 1.0
    return (
        Goal(
            f"Find the smallest width from which the probe reads {READABLE:.0%} of the digits.",
            bool(enough) and settings.width == min(enough),
            f"now {numbers['accuracy']:.0%}",
        ),
        Goal(
            f"Remove noise of {NOISY} or more: leave less than {LEFT:.0%} of the squared error of "
            "the first picture.",
            noisy and left < LEFT,
            f"now {left:.0%} is left" if shown > 0 else "now nothing is added",
        ),
    )


def _panels(
    settings: AutoencoderSettings,
    trained: _Trained,
    rows: list[dict[str, float]],
    images: tuple[Tensor, Tensor, Tensor],
    code: Tensor,
    digits: list[int],
) -> tuple[Panel, ...]:
    return (
        Panel(
            "pictures",
            "Original, shown, reconstructed",
            "A painted picture comes first. Below each reconstruction: the digit that the probe "
            "reads from its code.",
            _mosaic(images, digits),
        ),
        Panel(
            "map",
            "Map of the codes",
            "The two directions in which the codes of 500 test pictures vary most. The digits "
            "decide the colours only; the star is the first picture.",
            _map(trained, code),
        ),
        Panel(
            "error",
            "What the width costs",
            "Squared error of clean test pictures, beside that of PCA; the star is the present "
            "width.",
            _against_width(
                rows,
                settings.width,
                {"error": "autoencoder", "pca_error": "PCA"},
                "squared error per picture",
                range_=None,
            ),
        ),
        Panel(
            "accuracy",
            "What the probe reads",
            "Share of the test digits that logistic regression reads from the code, after 400 "
            "labelled pictures.",
            _against_width(
                rows, settings.width, {"accuracy": "probe"}, "accuracy (share)", range_=[0, 1.03]
            ),
        ),
    )


def _mosaic(images: tuple[Tensor, Tensor, Tensor], digits: list[int]) -> go.Figure:
    """Three rows of pictures, with an empty line of pixels between any two."""
    strips = [
        pad(image.reshape(-1, 8, 8), (0, 1, 0, 1), value=torch.nan).transpose(0, 1).flatten(1)
        for image in images
    ]
    chart = plots.heatmap(
        torch.cat(strips).clamp(0, 1).tolist(),
        x_title="digit that the probe reads",
        y_title="",
        value_title=INK,
        numbers=False,
        height=300,
    )
    chart.update_traces(colorscale="Greys", zmin=0, zmax=1, showscale=False)
    middles = [9 * k + 3.5 for k in range(len(images[0]))]
    chart.update_xaxes(showline=False, tickvals=middles, ticktext=[str(digit) for digit in digits])
    chart.update_yaxes(
        tickvals=middles[:3],
        ticktext=["original", "shown", "rebuilt"],
        scaleanchor="x",
        constrain="domain",
        showline=False,
    )
    return chart


def _map(trained: _Trained, code: Tensor) -> go.Figure:
    chart = plots.new_chart("first direction", "second direction", height=480)
    labels = _digits().test[1]
    for digit in range(10):
        x, y = _plane(trained.places[labels == digit])
        plots.points(chart, x, y, str(digit), index=digit, size=6)
    x, y = _plane(torch.tensor(trained.axes.transform(code.numpy())))
    plots.points(chart, x, y, "first picture", index=10, size=17)
    _star(chart)
    return chart


def _plane(places: Tensor) -> tuple[list[float], list[float]]:
    """Coordinates; of a single latent feature, all on one line."""
    second = places[:, 1] if places.shape[1] > 1 else torch.zeros(len(places))
    return places[:, 0].tolist(), second.tolist()


def _star(chart: go.Figure) -> None:
    chart.data[-1].marker.update(
        symbol="star", color="#d62728", line={"width": 1.5, "color": "white"}
    )


def _against_width(
    rows: list[dict[str, float]],
    width: int,
    curves: dict[str, str],
    y_title: str,
    range_: list[float] | None,
) -> go.Figure:
    chart = plots.new_chart("latent width", y_title, log_x=True)
    for key, name in curves.items():
        plots.line(chart, WIDTHS, [row[key] for row in rows], name, markers=True)
    row, key = rows[WIDTHS.index(width)], next(iter(curves))
    plots.points(chart, [width], [row[key]], "present width", size=17)
    _star(chart)
    chart.update_xaxes(tickvals=list(WIDTHS), ticktext=[str(width) for width in WIDTHS])
    chart.update_yaxes(range=range_, rangemode="tozero")
    return chart


def _python(settings: AutoencoderSettings, painted: list[float] | None) -> str:
    kind = KINDS[settings.kind].__name__
    shown = {
        "none": "seen = x",
        "noise": f'seen = Noise({settings.noise_std!r})(x, generator({settings.seed}, "shown"))',
        "mask": f'seen = Mask({settings.mask_prob!r})(x, generator({settings.seed}, "shown"))',
    }[settings.corruption]
    picture = f"x = torch.cat([torch.tensor([{painted}]), x[:-1]])\n" if painted else ""
    corruption = {"none": "", "noise": "Noise, ", "mask": "Mask, "}[settings.corruption]
    return (
        "import torch\n"
        f"from eigenlab.autoencoders import {kind}, {corruption}convex_probe, fit\n"
        "from eigenlab.experiments.few_label_probe.config import FewLabelConfig\n"
        "from eigenlab.experiments.few_label_probe.encoders import load_small_digits\n"
        "from eigenlab.training import generator\n\n"
        "data = load_small_digits(FewLabelConfig())\n"
        f"model = {kind}(64, [{HIDDEN}, {settings.width}], generator=generator({settings.seed}, "
        '"weights"))\n'
        f"fit(model, data.train, n_epochs={settings.epochs}, seed={settings.seed})\n"
        "with torch.no_grad():\n"
        "    x, y = data.test\n"
        "    error = float(model.loss(x, model(x)))\n"
        "    code = model.encode(data.pool[0])\n"
        f"    probe = convex_probe(code, data.pool[1], n_classes=10, Cs=[{STRENGTH}]).probe\n"
        "    accuracy = probe.accuracy(model.encode(x), y)\n\n"
        f"x = x[[({settings.example} + k) % len(x) for k in range({SHOWN})]]\n"
        f"{picture}"
        f"{shown}\n"
        "shown_error = float((seen[0] - x[0]).square().sum())\n"
        "with torch.no_grad():\n"
        "    picture_error = float((model(seen)[0] - x[0]).square().sum())\n"
    )


DEMO = Demo(
    name="autoencoder",
    title="Digits through a bottleneck",
    questions=("3a",),
    summary="Squeeze handwritten digits into a few numbers, paint your own, add noise or cover "
    "pixels, and see what comes back.",
    settings=AutoencoderSettings,
    draw=draw,
    preparation=Preparation("Train seven widths", TRAINED_ON, minutes=0.15, make=prepare),
    examples=(
        Example(
            "1. Two numbers",
            {"width": 2},
            "All that is left of a picture is its place on the map. Different digits that lie "
            "close to each other come back as the same blur.",
        ),
        Example(
            "2. Wider",
            {"width": 16},
            "Now move the latent width step by step: the pictures sharpen, and the probe reads "
            "most of the digits long before all details are back.",
        ),
        Example(
            "3. Noise",
            {"width": 64, "corruption": "noise", "noise_std": 0.5},
            "Trained on clean pictures only, it passes on a good part of the noise. Look at the "
            "two errors in the sentence.",
        ),
        Example(
            "4. Trained to remove it",
            {"width": 64, "kind": "denoising", "corruption": "noise", "noise_std": 0.5},
            "The same noise, given to an autoencoder that was trained on noisy pictures.",
        ),
        Example(
            "5. Fill in what is hidden",
            {"width": 32, "kind": "masked", "corruption": "mask", "mask_prob": 0.3},
            "Pixels are covered at random, and it fills them in from the others.",
        ),
    ),
)
