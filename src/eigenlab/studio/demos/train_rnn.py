"""Train a recurrent network, and see where its gradient goes before and after (1c, 1h)."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from typing import Literal, NamedTuple

import plotly.graph_objects as go
import torch
from torch import Tensor

from eigenlab import plots
from eigenlab.files import dump_json, load_json, write_atomic
from eigenlab.lab import Config
from eigenlab.recurrent import (
    LSTM,
    RNN,
    GradientTrace,
    RecurrentRegressor,
    delayed_copy,
    fit_regressor,
    regression_loss,
    running_average,
    trace_gradients,
)
from eigenlab.reporter import Reporter
from eigenlab.spectrum import eigenvalues
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, Preparation, View, knob, option
from eigenlab.studio.demos.shown_metrics import ShownMetrics
from eigenlab.training import generator
from eigenlab.training.storage import read_model, write_model

FORMAT = "eigenlab.studio.train-rnn/1"
BATCH = 32
#: Fresh sequences on which the trained network is tested.
FRESH = 128
#: How many of them the gradient is followed on.
TRACED = 32
CLIP = 1.0
LAYERS = 2
AVERAGE, COPY = "running average", "delayed copy"
TRAINED_ON = (
    "task",
    "length",
    "lag",
    "cell",
    "num_layers",
    "hidden_size",
    "updates",
    "learning_rate",
    "seed",
)
#: Of the goals: a lag that is far, and the losses, as shares of that of always answering 0.
FAR, COPIED, AVERAGED, FEW_UNITS = 15, 0.1, 0.02, 4
WHEN = ("before training", "after training")


class TrainRNNSettings(Config):
    """A task, a network, its training, and the sequence that is looked at."""

    task: Literal["running average", "delayed copy"] = option(
        AVERAGE,
        "What is asked at each step: the mean of all inputs so far, or the input some steps ago.",
    )
    length: int = knob(
        20,
        "Steps of each sequence.",
        low=3,
        high=60,
        step=1,
        unit="steps",
        when=("task", AVERAGE),
    )
    lag: int = knob(
        8,
        "Steps between an input and the answer that repeats it.",
        low=1,
        high=30,
        step=1,
        unit="steps",
        when=("task", COPY),
    )
    cell: Literal["RNN", "LSTM"] = option("RNN", "Plain recurrent layers (tanh), or LSTMs.")
    num_layers: int = knob(
        1, "Recurrent layers on top of each other.", low=1, high=LAYERS, step=1, label="layers"
    )
    hidden_size: int = knob(
        32, "Hidden units of each layer.", low=1, high=64, step=1, label="hidden size"
    )
    updates: int = knob(
        500, f"Steps of Adam, {BATCH} new sequences each.", low=50, high=2000, step=50
    )
    learning_rate: float = knob(
        0.01, "Adam's.", low=1e-4, high=0.1, step=0.05, label="learning rate", log=True
    )
    sequence: int = knob(
        0,
        "Which fresh sequences are shown; this needs no new training.",
        low=0,
        high=99,
        step=1,
        label="test sequence",
    )
    seed: int = knob(
        0, "Random seed of the first weights and of the training.", low=0, high=99, step=1
    )


class _Trained(NamedTuple):
    before: RecurrentRegressor
    after: RecurrentRegressor
    #: Updates and training losses.
    steps: list[int]
    losses: list[float]


def prepare(settings: TrainRNNSettings, folder: Path, reporter: Reporter) -> None:
    """Train the network on fresh random sequences and store it with its losses.

    Args:
        settings: those of the training.
        folder: receives ``network.safetensors`` and ``losses.json``.
        reporter: receives the loss.
    """
    model = _network(settings)
    reporter.stage(f"{sum(p.numel() for p in model.parameters()):,} weights")
    history = fit_regressor(
        model,
        lambda source: _sequences(settings, BATCH, source),
        seed=settings.seed,
        steps=settings.updates,
        learning_rate=settings.learning_rate,
        last_step_only=False,
        device=torch.device("cpu"),
        reporter=ShownMetrics(reporter, {"loss": "training loss"}),
        checkpoint=None,
        clip_norm=CLIP,
        log_every=5,
    )
    write_model(folder / "network.safetensors", model.state_dict(), format=FORMAT)
    write_atomic(folder / "losses.json", dump_json(history.losses))


def _network(settings: TrainRNNSettings) -> RecurrentRegressor:
    """The network before its training."""
    kind = RNN if settings.cell == "RNN" else LSTM
    layers = kind(1, settings.hidden_size, settings.num_layers, dtype=torch.float64)
    model = RecurrentRegressor(layers)
    model.reset_parameters(generator(settings.seed, "weights"))
    return model


def _sequences(
    settings: TrainRNNSettings, count: int, source: torch.Generator
) -> tuple[Tensor, Tensor]:
    if settings.task == AVERAGE:
        return running_average(count, settings.length, generator=source, dtype=torch.float64)
    return delayed_copy(count, settings.lag, generator=source, dtype=torch.float64)


@functools.lru_cache(maxsize=16)
def _trained(folder: Path, cell: str, num_layers: int, hidden_size: int, seed: int) -> _Trained:
    settings = TrainRNNSettings(
        cell=cell, num_layers=num_layers, hidden_size=hidden_size, seed=seed
    )
    before = _network(settings)
    after = copy.deepcopy(before)
    weights, _ = read_model(folder / "network.safetensors", format=FORMAT)
    after.load_state_dict(weights)
    steps, losses = zip(*load_json((folder / "losses.json").read_text("utf-8")), strict=True)
    return _Trained(before, after, list(steps), list(losses))


def draw(settings: TrainRNNSettings, folder: Path) -> View:
    """Test the trained network on fresh sequences and follow its gradient.

    Args:
        settings: those of the training, and the sequences that are looked at.
        folder: where :func:`prepare` has stored the network.
    """
    model = _trained(
        folder, settings.cell, settings.num_layers, settings.hidden_size, settings.seed
    )
    x, y = _sequences(settings, FRESH, generator(settings.sequence, "fresh sequences"))
    with torch.no_grad():
        prediction = model.after(x)[0]
    loss = float(regression_loss(prediction, y))
    silent = float(regression_loss(torch.zeros_like(y), y))
    traces = [
        trace_gradients(network, x[:TRACED], y[:TRACED], last_step_only=True)
        for network in (model.before, model.after)
    ]
    numbers = {"loss": loss, "loss_of_zero": silent}
    for name, trace in zip(("ratio_before", "ratio_after"), traces, strict=True):
        norms = trace.gradient_norms[0]
        numbers[name] = float(norms[_source(settings)] / norms[-1])
    return View(
        sentence=_sentence(settings, numbers),
        panels=_panels(settings, model, traces, y, prediction, numbers),
        numbers=numbers,
        goals=_goals(settings, numbers),
        python=_python(settings),
    )


def _source(settings: TrainRNNSettings) -> int:
    """Place of the earliest input that the last answer needs."""
    return 0 if settings.task == AVERAGE else _length(settings) - 1 - settings.lag


def _length(settings: TrainRNNSettings) -> int:
    return settings.length if settings.task == AVERAGE else settings.lag + 3


def _sentence(settings: TrainRNNSettings, numbers: dict[str, float]) -> str:
    loss, silent = numbers["loss"], numbers["loss_of_zero"]
    share = loss / silent
    outcome = (
        f"{share:.2g} of that of always answering 0 ({silent:.2g})"
        if share < 1
        else f"no better than that of always answering 0 ({silent:.2g})"
    )
    ratios = " and ".join(f"{numbers[f'ratio_{when}']:.2g} {when}" for when in ("before", "after"))
    return (
        f"After {settings.updates:,} updates the loss on fresh sequences is {loss:.2g}, {outcome}. "
        f"The last answer needs the input at step {_source(settings) + 1}. There its gradient is, "
        f"as a multiple of that at the last step, {ratios} the training."
    )


def _goals(settings: TrainRNNSettings, numbers: dict[str, float]) -> tuple[Goal, ...]:
    share = numbers["loss"] / numbers["loss_of_zero"]
    far = settings.task == COPY and settings.lag >= FAR
    few = settings.task == AVERAGE and settings.hidden_size <= FEW_UNITS
    return (
        Goal(
            f"Learn the delayed copy over {FAR} steps or more: a loss below {COPIED:.0%} of that "
            "of always answering 0.",
            far and share < COPIED,
            f"now {share:.2g}, with the {settings.task}"
            + (f" over {settings.lag} steps" if settings.task == COPY else ""),
        ),
        Goal(
            f"Learn the running average with {FEW_UNITS} hidden units or fewer: a loss below "
            f"{AVERAGED:.0%} of that of always answering 0.",
            few and share < AVERAGED,
            f"now {share:.2g}, with the {settings.task} and {settings.hidden_size} units",
        ),
    )


def _panels(
    settings: TrainRNNSettings,
    model: _Trained,
    traces: list[GradientTrace],
    y: Tensor,
    prediction: Tensor,
    numbers: dict[str, float],
) -> tuple[Panel, ...]:
    return (
        Panel(
            "predictions",
            "Answers on a fresh sequence",
            "What the trained network answers at each step, over what it should.",
            _answers(y, prediction),
        ),
        Panel(
            "loss",
            "Loss during the training",
            "Of each batch, whose sequences were never seen before. Dotted: that of always "
            "answering 0.",
            _losses(model, numbers),
        ),
        Panel(
            "norms",
            "Where the gradient of the last answer goes",
            "Norm of the gradient of the last step's loss at each earlier state. All of it is "
            "proportional to the error that is left, so compare the slopes, not the heights. "
            "Dotted: the earliest input that the last answer needs.",
            _norms(settings, traces),
        ),
        Panel(
            "eigenvalues",
            "Eigenvalues before and after",
            "Of W_h of each plain layer, or of an LSTM's Jacobian at the last step. What lies "
            "inside the unit circle decays from step to step.",
            _plane(traces),
        ),
    )


def _answers(y: Tensor, prediction: Tensor) -> go.Figure:
    chart = plots.new_chart(plots.STEP_AXIS, "answer")
    steps = list(range(1, y.shape[1] + 1))
    plots.line(chart, steps, y[0, :, 0].tolist(), "target", markers=True)
    plots.line(chart, steps, prediction[0, :, 0].tolist(), "network", markers=True)
    return chart


def _losses(model: _Trained, numbers: dict[str, float]) -> go.Figure:
    chart = plots.new_chart("update", "mean squared error", log_y=True)
    plots.line(chart, model.steps, model.losses, "training batch", markers=False)
    plots.reference(chart, y=numbers["loss_of_zero"], text="always 0")
    return chart


def _norms(settings: TrainRNNSettings, traces: list[GradientTrace]) -> go.Figure:
    chart = plots.norms_chart()
    steps = list(range(1, _length(settings) + 1))
    for place in range(LAYERS):
        for number, (when, trace) in enumerate(zip(WHEN, traces, strict=True)):
            norms = trace.gradient_norms
            # A trace is there for all settings, so that only numbers change when a knob moves.
            there = place < len(norms)
            plots.line(
                chart,
                steps,
                norms[place].tolist() if there else [None] * len(steps),
                f"{when}, layer {place + 1}",
                index=2 * place + number,
                markers=False,
                legend=there,
            )
    plots.reference(chart, x=_source(settings) + 1, text="needed")
    chart.update_yaxes(title_text=f"{plots.GRADIENT} (mean over the batch)")
    return chart


def _plane(traces: list[GradientTrace]) -> go.Figure:
    chart = plots.complex_plane()
    largest = 1.0
    for place in range(LAYERS):
        for number, (when, trace) in enumerate(zip(WHEN, traces, strict=True)):
            there = place < len(trace.gradient_norms)
            values = _spectrum(trace, place) if there else torch.zeros(0, dtype=torch.complex128)
            largest = max([largest, *values.abs().tolist()])
            plots.points(
                chart,
                values.real.tolist(),
                values.imag.tolist(),
                f"{when}, layer {place + 1}",
                index=2 * place + number,
                size=7,
            )
            chart.data[-1].showlegend = there
    reach = 1.15 * largest
    chart.update_xaxes(range=[-reach, reach])
    chart.update_yaxes(range=[-reach, reach])
    return chart


def _spectrum(trace: GradientTrace, layer: int) -> Tensor:
    """Eigenvalues of a layer's W_h, or of an LSTM's Jacobian at the last step."""
    if len(trace.block_names) == 1:
        return trace.eigenvalues[layer, 0]
    return eigenvalues(trace.jacobians(layer)[-1])


def _python(settings: TrainRNNSettings) -> str:
    average = settings.task == AVERAGE
    task = "running_average" if average else "delayed_copy"
    size = settings.length if average else settings.lag
    return (
        "import torch\n"
        "from eigenlab.recurrent import (\n"
        f"    {settings.cell}, RecurrentRegressor, {task}, fit_regressor, regression_loss,\n"
        "    trace_gradients,\n"
        ")\n"
        "from eigenlab.reporter import SILENT\n"
        "from eigenlab.training import generator\n\n\n"
        "def draw(source, count=32):\n"
        f"    return {task}(count, {size}, generator=source, dtype=torch.float64)\n\n\n"
        "def ratio(model):\n"
        f"    trace = trace_gradients(model, x[:{TRACED}], y[:{TRACED}], last_step_only=True)\n"
        "    norms = trace.gradient_norms[0]\n"
        f"    return float(norms[{_source(settings)}] / norms[-1])\n\n\n"
        f"layers = {settings.cell}(1, {settings.hidden_size}, {settings.num_layers}, "
        "dtype=torch.float64)\n"
        "model = RecurrentRegressor(layers)\n"
        f'model.reset_parameters(generator({settings.seed}, "weights"))\n'
        f'x, y = draw(generator({settings.sequence}, "fresh sequences"), {FRESH})\n'
        "ratio_before = ratio(model)\n"
        "fit_regressor(\n"
        "    model,\n"
        "    draw,\n"
        f"    seed={settings.seed},\n"
        f"    steps={settings.updates},\n"
        f"    learning_rate={settings.learning_rate!r},\n"
        "    last_step_only=False,\n"
        '    device=torch.device("cpu"),\n'
        "    reporter=SILENT,\n"
        "    checkpoint=None,\n"
        f"    clip_norm={CLIP},\n"
        ")\n"
        "ratio_after = ratio(model)\n"
        "with torch.no_grad():\n"
        "    loss = float(regression_loss(model(x)[0], y))\n"
        "loss_of_zero = float(regression_loss(torch.zeros_like(y), y))\n"
    )


DEMO = Demo(
    name="train-rnn",
    title="Train a recurrent network",
    questions=("1c", "1h"),
    summary="Train a small network while you watch its loss, then see how far back its gradient "
    "reaches, before and after.",
    settings=TrainRNNSettings,
    draw=draw,
    preparation=Preparation("Train the network", TRAINED_ON, minutes=0.1, make=prepare),
    examples=(
        Example(
            "1. The running average",
            {},
            "Each answer changes only a little from step to step, so the network can learn it "
            "although its gradient hardly reaches the first steps.",
        ),
        Example(
            "2. Copy, three steps later",
            {"task": COPY, "lag": 3},
            "Now one single input counts. Over three steps a plain layer learns to carry it.",
        ),
        Example(
            "3. Copy, twenty steps later",
            {"task": COPY, "lag": 20},
            "The same network, the same training: the gradient of the answer vanishes before it "
            "reaches the input that it needs, and nothing is learnt.",
        ),
        Example(
            "4. An LSTM",
            {"cell": "LSTM"},
            "The running average again, by a cell that adds instead of multiplying. Compare its "
            "loss, and the gradient at step 1 before the training, with those of the plain layer.",
        ),
        Example(
            "5. Two layers",
            {"num_layers": 2, "length": 40},
            "The gradient of the lower layer comes through the upper one: two curves and two sets "
            "of eigenvalues.",
        ),
    ),
)
