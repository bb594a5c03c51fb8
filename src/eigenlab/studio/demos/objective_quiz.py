"""Which training minimises the objective of question 8a? One real step tells."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import plotly.graph_objects as go
import torch
from torch import Tensor, nn
from torch.nn import functional

from eigenlab import plots
from eigenlab.experiments.regularized_autoencoder.comparison import (
    DROPOUT,
    HIDDEN_LAYERS,
    LOSSES,
    OPTIMIZERS,
    Problem,
    sine,
)
from eigenlab.experiments.regularized_autoencoder.config import RegularizedAutoencoderConfig
from eigenlab.lab import Config
from eigenlab.report import command_for
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, View, knob, option

RATE, STEPS = 1e-3, 60
BIAS = 0.3
EQUAL = 1e-6
Pair = tuple[Tensor, Tensor]


class ObjectiveQuizSettings(Config):
    """A network, a loss, a regulariser and an optimiser."""

    layers: Literal["linear", "with bias", "tanh"] = option(
        "linear", "Two linear layers; with a bias of 0.3 in the hidden units; or with tanh there."
    )
    loss: Literal["squared, summed", "squared, averaged", "absolute", "cross-entropy"] = option(
        "squared, averaged",
        "Error of a sample: summed over its features, or averaged as nn.MSELoss does.",
    )
    regularizer: Literal[
        "none", "weight decay", "penalty in the loss", "dropout", "batch norm", "layer norm"
    ] = option("weight decay", "What keeps the weights small, or is hoped to.", label="regulariser")
    decay: Literal["λ", "2 λ", "4 λ"] = option(
        "λ",
        "The optimiser's weight_decay.",
        label="weight decay",
        when=("regularizer", "weight decay"),
    )
    optimizer: Literal["SGD", "Adam", "AdamW"] = option(
        "Adam", "The optimiser of torch.", label="optimiser"
    )
    lam: float = knob(0.2, "λ of the objective.", low=0.01, high=2, step=0.02, log=True, label="λ")
    seed: int = knob(0, "Random seed of samples and weights.", low=0, high=99, step=1)


class _Bias(nn.Module):
    def forward(self, code: Tensor) -> Tensor:
        return code + BIAS


def draw(settings: ObjectiveQuizSettings) -> View:
    """Make one step, and compare it with minus the learning rate times the gradient."""
    problem = Problem(_config(settings))
    point = problem.points[0]
    update = _flat(_step(settings, problem, *_copy(point), RATE)) - _flat(point)
    wanted = -RATE * problem.gradient(*point)
    numbers = {
        "difference": ((update - wanted).norm() / wanted.norm()).item(),
        "length": (update.norm() / wanted.norm()).item(),
        "angle": math.degrees(math.asin(min(1.0, sine(update, wanted)))),
    }
    excess = _excess(settings, problem)
    return View(
        sentence=_sentence(settings, len(problem.X), numbers),
        panels=(
            Panel(
                "updates",
                "The update against the gradient",
                "Each weight's update in one step on all samples, against -learning rate times "
                "its entry of the gradient of L. On the line they are equal.",
                _scatter(update, wanted),
            ),
            Panel(
                "minimum",
                "Does it stay at the minimum?",
                f"L during {STEPS} updates that start at its minimum: it stays there only if this "
                "training has the same minimum.",
                _excess_chart(excess),
            ),
        ),
        numbers=numbers,
        goals=_goals(settings, numbers),
        python=_python(settings),
        command=command_for("regularized-autoencoder", _config(settings)),
    )


def _config(settings: ObjectiveQuizSettings) -> RegularizedAutoencoderConfig:
    return RegularizedAutoencoderConfig(objective_lam=settings.lam, seed=settings.seed)


def _loss(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    if name == "squared, averaged":
        return functional.mse_loss
    shared = {
        "squared, summed": "squared error",
        "absolute": "L1",
        "cross-entropy": "cross-entropy",
    }
    return LOSSES[shared[name]]


def _hidden(settings: ObjectiveQuizSettings, k: int) -> nn.Module:
    layer: nn.Module = {"linear": nn.Identity, "with bias": _Bias, "tanh": nn.Tanh}[
        settings.layers
    ]()
    regularizer = HIDDEN_LAYERS.get(settings.regularizer, HIDDEN_LAYERS["weight decay"])
    return nn.Sequential(layer, regularizer(k))


def _step(
    settings: ObjectiveQuizSettings,
    problem: Problem,
    W1: Tensor,
    W2: Tensor,
    rate: float,
    steps: int = 1,
) -> Pair:
    """The weights after some steps of torch's optimiser on all samples."""
    return _train(settings, problem, W1, W2, rate, steps)[-1]


def _train(
    settings: ObjectiveQuizSettings,
    problem: Problem,
    W1: Tensor,
    W2: Tensor,
    rate: float,
    steps: int,
) -> list[Pair]:
    weights = nn.Parameter(W1), nn.Parameter(W2)
    kind: Any = OPTIMIZERS[settings.optimizer]
    stepper = kind(weights, lr=rate, weight_decay=_weight_decay(settings))
    hidden, loss, batch = _hidden(settings, len(W1)), _loss(settings.loss), problem.X.T
    found = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)  # dropout draws from the global generator
        for _ in range(steps):
            stepper.zero_grad()
            error = loss(hidden(batch @ weights[0].T) @ weights[1].T, batch)
            if settings.regularizer == "penalty in the loss":
                error = error + settings.lam * sum(W.square().sum() for W in weights)
            error.backward()
            stepper.step()
            found.append(_copy((weights[0].detach(), weights[1].detach())))
    return found


def _weight_decay(settings: ObjectiveQuizSettings) -> float:
    factor = {"λ": 1, "2 λ": 2, "4 λ": 4}[settings.decay]
    return factor * settings.lam if settings.regularizer == "weight decay" else 0.0


def _copy(pair: Pair) -> Pair:
    return pair[0].clone(), pair[1].clone()


def _flat(pair: Pair) -> Tensor:
    return torch.cat([matrix.flatten() for matrix in pair])


def _excess(settings: ObjectiveQuizSettings, problem: Problem) -> list[float]:
    """(L - its minimum) / its minimum, before and after each update from the minimum."""
    least = problem.objective(*problem.minimizer)
    rate = 0.05 / problem.largest_variance
    way = _train(settings, problem, *_copy(problem.minimizer), rate, STEPS)
    return [(problem.objective(*pair) - least) / least for pair in (problem.minimizer, *way)]


def _reasons(settings: ObjectiveQuizSettings, d: int) -> list[str]:
    found = []
    if settings.layers != "linear":
        found.append(f"the network is not W2 W1 x ({settings.layers})")
    if settings.loss == "squared, averaged":
        found.append(f"nn.MSELoss divides the error by the {d} features as well")
    elif settings.loss != "squared, summed":
        found.append(f"the loss is not the squared error ({settings.loss})")
    if settings.regularizer == "weight decay" and settings.decay != "2 λ":
        found.append("the gradient of λ‖W‖² is 2λW, so the weight decay should be 2λ")
    elif settings.regularizer == "none":
        found.append("nothing stands for the penalty")
    elif settings.regularizer not in ("weight decay", "penalty in the loss"):
        found.append(f"{settings.regularizer} is no λ‖W‖²")
    if settings.optimizer != "SGD":
        found.append(f"{settings.optimizer} divides each entry of the gradient by its size")
    return found


def _sentence(settings: ObjectiveQuizSettings, d: int, numbers: dict[str, float]) -> str:
    if numbers["difference"] < EQUAL:
        return (
            "Equal: the update is minus the learning rate times the gradient of L, up to "
            f"{numbers['difference']:.0e} of it."
        )
    return (
        f"The update differs from minus the learning rate times the gradient of L by "
        f"{100 * numbers['difference']:.3g} % of it (angle {numbers['angle']:.0f}°, length "
        f"{numbers['length']:.3g} times): {'; '.join(_reasons(settings, d))}."
    )


def _goals(settings: ObjectiveQuizSettings, numbers: dict[str, float]) -> tuple[Goal, ...]:
    equal, now = numbers["difference"] < EQUAL, f"now {100 * numbers['difference']:.3g} %"
    return (
        Goal(
            "Find a weight decay with which training steps along the gradient of L.",
            equal and settings.regularizer == "weight decay",
            now,
        ),
        Goal("Do it without weight decay.", equal and settings.regularizer != "weight decay", now),
    )


def _scatter(update: Tensor, wanted: Tensor) -> go.Figure:
    chart = plots.new_chart("−rate × gradient of L", "update", height=460)
    reach = 1.1 * max(float(wanted.abs().max()), 1e-12)
    plots.line(chart, [-reach, reach], [-reach, reach], "equal", index=6, markers=False, dash="dot")
    half = len(wanted) // 2
    for place, (name, part) in enumerate(
        {"W<sub>1</sub>": slice(half), "W<sub>2</sub>": slice(half, None)}.items()
    ):
        plots.points(chart, wanted[part].tolist(), update[part].tolist(), name, index=place)
    chart.update_layout(
        xaxis={"exponentformat": "power", "nticks": 5}, yaxis={"exponentformat": "power"}
    )
    return chart


def _excess_chart(excess: list[float]) -> go.Figure:
    chart = plots.new_chart("update", "(L − minimum) / minimum", log_y=True, height=460)
    steps = list(range(len(excess)))
    plots.line(chart, steps, [max(value, 1e-16) for value in excess], "L", markers=False)
    chart.update_layout(showlegend=False)
    chart.update_yaxes(range=[-16.5, 1.5])
    return chart


def _python(settings: ObjectiveQuizSettings) -> str:
    layer = {"linear": "nn.Identity()", "with bias": "nn.Identity()", "tanh": "nn.Tanh()"}
    regularizer = {
        "dropout": f"nn.Dropout({DROPOUT})",
        "batch norm": "nn.BatchNorm1d(k, dtype=torch.float64)",
        "layer norm": "nn.LayerNorm(k, dtype=torch.float64)",
    }.get(settings.regularizer, "nn.Identity()")
    bias = f" + {BIAS}" if settings.layers == "with bias" else ""
    loss = {
        "squared, summed": "functional.mse_loss(output, batch, reduction='sum') / len(batch)",
        "squared, averaged": "functional.mse_loss(output, batch)",
        "absolute": "functional.l1_loss(output, batch, reduction='sum') / len(batch)",
        "cross-entropy": "functional.cross_entropy(output, batch.softmax(dim=1))",
    }[settings.loss]
    penalty = (
        f"error = error + {settings.lam} * (W1.square().sum() + W2.square().sum())\n"
        if settings.regularizer == "penalty in the loss"
        else ""
    )
    return (
        "import math\n\nimport torch\nfrom torch import nn\nfrom torch.nn import functional\n\n"
        "from eigenlab.experiments.regularized_autoencoder.comparison import Problem, sine\n"
        "from eigenlab.experiments.regularized_autoencoder.config import (\n"
        "    RegularizedAutoencoderConfig,\n)\n\n"
        "problem = Problem(\n"
        f"    RegularizedAutoencoderConfig(objective_lam={settings.lam}, seed={settings.seed})\n)\n"
        "point, batch = problem.points[0], problem.X.T\n"
        "k = len(point[0])\n"
        "W1, W2 = (nn.Parameter(W.clone()) for W in point)\n"
        f"hidden = nn.Sequential({layer[settings.layers]}, {regularizer})\n"
        f"optimizer = torch.optim.{settings.optimizer}(\n"
        f"    [W1, W2], lr={RATE}, weight_decay={_weight_decay(settings)}\n)\n"
        f"torch.manual_seed({settings.seed})\n"
        f"output = hidden(batch @ W1.T{bias}) @ W2.T\n"
        f"error = {loss}\n"
        f"{penalty}"
        "error.backward()\n"
        "optimizer.step()\n"
        "moves = [(new - old).flatten() for new, old in zip((W1, W2), point)]\n"
        "update = torch.cat(moves).detach()\n"
        f"wanted = -{RATE} * problem.gradient(*point)\n"
        "difference = float((update - wanted).norm() / wanted.norm())\n"
        "length = float(update.norm() / wanted.norm())\n"
        "angle = math.degrees(math.asin(min(1.0, sine(update, wanted))))\n"
    )


DEMO = Demo(
    name="objective-quiz",
    title="Which training minimises L?",
    questions=("8a",),
    summary=(
        "L = mean squared error (summed over the features) + λ‖W1‖² + λ‖W2‖². Choose layers, loss, "
        "regulariser and optimiser so that each update follows its gradient."
    ),
    settings=ObjectiveQuizSettings,
    draw=draw,
    grid={
        "layers": ("linear", "with bias", "tanh"),
        "loss": ("squared, summed", "squared, averaged", "absolute", "cross-entropy"),
        "regularizer": (
            "none",
            "weight decay",
            "penalty in the loss",
            "dropout",
            "batch norm",
            "layer norm",
        ),
        "optimizer": ("SGD", "Adam", "AdamW"),
    },
    examples=(
        Example(
            "1. As people train",
            {},
            "Adam, nn.MSELoss and some weight decay: every entry of the update has the same size, "
            "whatever the gradient.",
        ),
        Example(
            "2. Without Adam",
            {"optimizer": "SGD"},
            "Now the update follows a gradient, but not that of L: error and penalty have other "
            "weights.",
        ),
        Example(
            "3. The sum over features",
            {"optimizer": "SGD", "loss": "squared, summed"},
            "The error is right. What is left is the factor of the weight decay.",
        ),
        Example(
            "4. Dropout",
            {"optimizer": "SGD", "loss": "squared, summed", "regularizer": "dropout"},
            "Dropout is a regulariser, too, but of another objective, and random at every step.",
        ),
    ),
)
