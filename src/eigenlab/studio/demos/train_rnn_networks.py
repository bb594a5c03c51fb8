"""The networks that the page on training trains, and the sequences that they are trained on."""

from __future__ import annotations

import copy
import functools
import math
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

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
from eigenlab.studio.demos.demo import knob, option
from eigenlab.studio.demos.drawn_text import parse_numbers
from eigenlab.studio.demos.own_sequence import (
    MOST,
    OwnSequence,
    column_values,
    draw_windows,
    last_windows,
    split_sequence,
)
from eigenlab.studio.demos.shown_metrics import ShownMetrics
from eigenlab.training import generator
from eigenlab.training.storage import read_model, write_model

FORMAT = "eigenlab.studio.train-rnn/2"
BATCH = 32
#: Fresh sequences on which the trained network is tested.
FRESH = 128
#: How many of them the gradient is followed on.
TRACED = 32
CLIP = 1.0
LAYERS = 2
AVERAGE, COPY, NUMBERS, TABLE = "running average", "delayed copy", "own numbers", "own table"
OWN = (NUMBERS, TABLE)
WAVE = ", ".join(f"{math.sin(t / 3) + 0.5 * math.sin(t / 1.3):.2f}" for t in range(160))
TRAINED_ON = (
    "task",
    "length",
    "lag",
    "numbers",
    "table",
    "column",
    "cell",
    "num_layers",
    "hidden_size",
    "learning_rate",
    "compare",
    "second_cell",
    "second_layers",
    "second_size",
    "second_rate",
    "updates",
    "seed",
)


class TrainRNNSettings(Config):
    """A task, one network or two, their training, and the sequence that is looked at."""

    task: Literal["running average", "delayed copy", "own numbers", "own table"] = option(
        AVERAGE,
        "What is asked at each step: the mean of all inputs so far, the input some steps ago, or "
        "the next number of your own sequence.",
    )
    length: int = knob(
        20,
        "Steps of each sequence; of your own, steps of each window that is cut from it.",
        low=3,
        high=60,
        step=1,
        unit="steps",
        when=("task", (AVERAGE, *OWN)),
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
    numbers: str = option(
        WAVE,
        "Your own sequence: type or paste numbers, separated by commas, blanks or lines. The last "
        "fifth is kept for the test. Upload longer ones as a table.",
        widget="lines",
        when=("task", NUMBERS),
        max_length=20_000,
    )
    table: str = option(
        "value\n" + WAVE.replace(", ", "\n") + "\n",
        "A table of your own, such as a CSV file, with one column of numbers in their order.",
        widget="table",
        when=("task", TABLE),
        max_length=2_000_000,
    )
    column: str = option(
        "",
        "Name of the column, or its number from 1; empty: the only column of numbers.",
        when=("task", TABLE),
        max_length=100,
    )
    cell: Literal["RNN", "LSTM"] = option("RNN", "Plain recurrent layers (tanh), or LSTMs.")
    num_layers: int = knob(
        1, "Recurrent layers on top of each other.", low=1, high=LAYERS, step=1, label="layers"
    )
    hidden_size: int = knob(
        32, "Hidden units of each layer.", low=1, high=64, step=1, label="hidden size"
    )
    learning_rate: float = knob(
        0.01, "Adam's.", low=1e-4, high=0.1, step=0.05, label="learning rate", log=True
    )
    compare: bool = option(
        False,
        "Train a second network on the same sequences, from the same random seed.",
        label="compare with a second network",
    )
    second_cell: Literal["RNN", "LSTM"] = option(
        "LSTM", "Cell of the second network.", label="second cell", when=("compare", True)
    )
    second_layers: int = knob(
        1,
        "Layers of the second network.",
        low=1,
        high=LAYERS,
        step=1,
        label="second layers",
        when=("compare", True),
    )
    second_size: int = knob(
        32,
        "Hidden units of each layer of the second network.",
        low=1,
        high=64,
        step=1,
        label="second hidden size",
        when=("compare", True),
    )
    second_rate: float = knob(
        0.01,
        "Adam's, for the second network.",
        low=1e-4,
        high=0.1,
        step=0.05,
        label="second learning rate",
        log=True,
        when=("compare", True),
    )
    updates: int = knob(
        500, f"Steps of Adam, {BATCH} new sequences each.", low=50, high=2000, step=50
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


class Plan(NamedTuple):
    """What is to be trained."""

    cell: str
    num_layers: int
    hidden_size: int
    learning_rate: float

    def __str__(self) -> str:
        layers = f"{self.num_layers} layer{'s' * (self.num_layers != 1)}"
        return f"{self.cell}, {layers} of {self.hidden_size}, rate {self.learning_rate:g}"


class Trained(NamedTuple):
    """A network before and after its training."""

    before: RecurrentRegressor
    after: RecurrentRegressor
    #: Updates and training losses.
    steps: list[int]
    losses: list[float]


class Result(NamedTuple):
    """A trained network on fresh sequences."""

    plan: Plan
    trained: Trained
    prediction: Tensor
    loss: float
    #: Of the gradient, before and after the training.
    traces: list[GradientTrace]
    ratios: list[float]


def plans(settings: TrainRNNSettings) -> list[Plan]:
    """The network, and the second one where it is compared."""
    first = Plan(settings.cell, settings.num_layers, settings.hidden_size, settings.learning_rate)
    second = Plan(
        settings.second_cell, settings.second_layers, settings.second_size, settings.second_rate
    )
    return [first, second] if settings.compare else [first]


def prepare(settings: TrainRNNSettings, folder: Path, reporter: Reporter) -> None:
    """Train each network on fresh random sequences and store it with its losses.

    Args:
        settings: those of the training.
        folder: receives ``network-1.safetensors`` and ``losses-1.json``, and those of a second
            network.
        reporter: receives the losses.
    """
    own = own_sequence(settings)
    for number, plan in enumerate(plans(settings), start=1):
        model = _network(plan, settings.seed)
        reporter.stage(f"{plan}: {sum(p.numel() for p in model.parameters()):,} weights")
        label = "training loss" if number == 1 else "training loss, second network"
        history = fit_regressor(
            model,
            lambda source: _sequences(settings, BATCH, source, own),
            seed=settings.seed,
            steps=settings.updates,
            learning_rate=plan.learning_rate,
            last_step_only=False,
            device=torch.device("cpu"),
            reporter=ShownMetrics(reporter, {"loss": label}),
            checkpoint=None,
            clip_norm=CLIP,
            log_every=5,
        )
        write_model(folder / f"network-{number}.safetensors", model.state_dict(), format=FORMAT)
        write_atomic(folder / f"losses-{number}.json", dump_json(history.losses))


def check(settings: TrainRNNSettings) -> None:
    """Refuse numbers of a reader that are no sequence.

    Args:
        settings: with the numbers.

    Raises:
        InputError: they cannot be read, or are too few.
    """
    own_sequence(settings)


def _network(plan: Plan, seed: int) -> RecurrentRegressor:
    """A network before its training."""
    kind = RNN if plan.cell == "RNN" else LSTM
    layers = kind(1, plan.hidden_size, plan.num_layers, dtype=torch.float64)
    model = RecurrentRegressor(layers)
    model.reset_parameters(generator(seed, "weights"))
    return model


def own_sequence(settings: TrainRNNSettings) -> OwnSequence | None:
    """The reader's own sequence, where it is asked for."""
    if settings.task not in OWN:
        return None
    return split_sequence(own_values(settings), settings.length)


def own_values(settings: TrainRNNSettings) -> list[float]:
    """The reader's own numbers as they were given.

    Raises:
        InputError: they cannot be read.
    """
    if settings.task == TABLE:
        return column_values(settings.table, settings.column)
    return parse_numbers(settings.numbers, name="numbers", fewest=2, most=MOST)


def _sequences(
    settings: TrainRNNSettings, count: int, source: torch.Generator, own: OwnSequence | None
) -> tuple[Tensor, Tensor]:
    """Random sequences to train on."""
    if own is not None:
        return draw_windows(own.train, count, settings.length, source)
    if settings.task == AVERAGE:
        return running_average(count, settings.length, generator=source, dtype=torch.float64)
    return delayed_copy(count, settings.lag, generator=source, dtype=torch.float64)


def fresh(settings: TrainRNNSettings, own: OwnSequence | None) -> tuple[Tensor, Tensor]:
    """Sequences that no training has seen."""
    if own is not None:
        return last_windows(own.test, settings.length, FRESH, settings.sequence)
    return _sequences(settings, FRESH, generator(settings.sequence, "fresh sequences"), None)


@functools.lru_cache(maxsize=16)
def trained_network(folder: Path, number: int, plan: Plan, seed: int) -> Trained:
    """A network that :func:`prepare` has stored.

    Args:
        folder: where.
        number: 1, or 2 for the second one.
        plan: what it is.
        seed: of its first weights.
    """
    before = _network(plan, seed)
    after = copy.deepcopy(before)
    weights, _ = read_model(folder / f"network-{number}.safetensors", format=FORMAT)
    after.load_state_dict(weights)
    losses = load_json((folder / f"losses-{number}.json").read_text("utf-8"))
    steps, values = zip(*losses, strict=True)
    return Trained(before, after, list(steps), list(values))


def tested(trained: Trained, plan: Plan, x: Tensor, y: Tensor, source: int) -> Result:
    """Answer fresh sequences and follow the gradient of the last answer.

    Args:
        trained: the network.
        plan: what it is.
        x: (N, T, 1) inputs.
        y: (N, T, 1) targets.
        source: step, from 0, whose gradient is compared with that of the last.
    """
    with torch.no_grad():
        prediction = trained.after(x)[0]
    traces = [
        trace_gradients(network, x[:TRACED], y[:TRACED], last_step_only=True)
        for network in (trained.before, trained.after)
    ]
    norms = [trace.gradient_norms[0] for trace in traces]
    ratios = [float(each[source] / each[-1]) for each in norms]
    loss = float(regression_loss(prediction, y))
    return Result(plan, trained, prediction, loss, traces, ratios)


def needed_step(settings: TrainRNNSettings) -> int:
    """Place of the earliest input that the last answer needs, or of the first there is."""
    return steps_of(settings) - 1 - settings.lag if settings.task == COPY else 0


def steps_of(settings: TrainRNNSettings) -> int:
    """Steps of a sequence."""
    return settings.lag + 3 if settings.task == COPY else settings.length
