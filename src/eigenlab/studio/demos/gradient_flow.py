"""Gradients through time, live (questions 1d, 1e, 1g)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go
import torch
from torch import Tensor

from eigenlab import plots
from eigenlab.experiments.gradient_flow.config import GradientFlowConfig
from eigenlab.experiments.gradient_flow.measure import flow_data, flow_network
from eigenlab.lab import Config
from eigenlab.recurrent import GradientTrace, RecurrentRegressor, gaussian_lstm, trace_gradients
from eigenlab.report import command_for
from eigenlab.spectrum import eigenvalues
from eigenlab.studio.demos.demo import Demo, Example, Goal, Panel, View, knob, option, power
from eigenlab.studio.demos.drawn_text import parse_numbers
from eigenlab.training import generator

BATCH = 2
LONGEST = 200
#: Rows and columns of the heat map, at most.
CELLS = 60
#: Ratios of the first to the last gradient beyond which it is said to vanish or to explode.
VANISHED, EXPLODED = 1e-3, 1e3
JACOBIAN = "∂(h, c)<sub>T</sub>/∂(h, c)<sub>T−1</sub>"
INPUTS = {
    "impulse": lambda n: [1.0] + [0.0] * (n - 1),
    "constant": lambda n: [1.0] * n,
    "sine": lambda n: [math.sin(2 * math.pi * k / 20) for k in range(n)],
}


class GradientFlowSettings(Config):
    """A random network, its inputs and its loss."""

    weight_scale: float = knob(
        1.0,
        "Entries of W_h have standard deviation weight_scale / sqrt(hidden_size): its spectral "
        "radius is about weight_scale.",
        low=0.05,
        high=3,
        step=0.01,
        label="weight scale",
    )
    bias_scale: float = knob(
        0.0, "Standard deviation of the biases.", low=0, high=3, step=0.05, label="bias scale"
    )
    cell: Literal["RNN", "LSTM"] = option("RNN", "A plain recurrent layer, or an LSTM.")
    activation: Literal["tanh", "relu", "identity"] = option(
        "tanh",
        "Nonlinearity of the plain layer; identity leaves it linear.",
        when=("cell", "RNN"),
    )
    hidden_size: int = knob(32, "Hidden units.", low=1, high=64, step=1, label="hidden size")
    length: int = knob(50, "Steps of each sequence.", low=2, high=LONGEST, step=1, unit="steps")
    last_step_only: bool = option(
        True, "Whether the loss counts the last step only, or every step."
    )
    inputs: Literal["random", "impulse", "constant", "sine", "own"] = option(
        "random", f"What the network reads: {BATCH} random sequences, or one of these."
    )
    sequence: str = option(
        "1, 0, 0, 0, 0, 0, 0, 0, 0, 0",
        "Your own inputs, numbers separated by commas; draw them, or type them.",
        widget="sequence",
        when=("inputs", "own"),
        max_length=4000,
    )
    seed: int = knob(0, "Random seed of weights and random inputs.", low=0, high=99, step=1)


def draw(settings: GradientFlowSettings) -> View:
    """Trace the network and draw where its gradients go."""
    model, x, y = _network(settings), *_data(settings)
    trace = trace_gradients(model, x, y, last_step_only=settings.last_step_only)
    numbers = _numbers(trace)
    return View(
        sentence=_sentence(settings, numbers, len(trace.gradient_norms[0])),
        panels=tuple(_panels(settings, trace, x)),
        numbers=numbers,
        goals=_goals(settings, numbers),
        python=_python(settings, x),
        command=_command(settings),
    )


def _config(settings: GradientFlowSettings) -> GradientFlowConfig:
    """The settings of the experiment that traces the same network."""
    return GradientFlowConfig(
        weight_scale=settings.weight_scale,
        bias_scale=settings.bias_scale,
        nonlinearity=settings.activation,
        hidden_size=settings.hidden_size,
        length=settings.length,
        batch_size=BATCH,
        last_step_only=settings.last_step_only,
        seed=settings.seed,
    )


def _network(settings: GradientFlowSettings) -> RecurrentRegressor:
    if settings.cell == "RNN":
        return flow_network(_config(settings), settings.activation)
    return gaussian_lstm(
        settings.hidden_size,
        weight_scale=settings.weight_scale,
        bias_scale=settings.bias_scale,
        generator=generator(settings.seed, "flow", "network"),
    )


def _data(settings: GradientFlowSettings) -> tuple[Tensor, Tensor]:
    """Inputs and their running averages, (B, T, 1)."""
    if settings.inputs == "random":
        return flow_data(_config(settings))
    values = (
        parse_numbers(settings.sequence, name="sequence", fewest=2, most=LONGEST)
        if settings.inputs == "own"
        else INPUTS[settings.inputs](settings.length)
    )
    x = torch.tensor(values, dtype=torch.float64)
    y = x.cumsum(0) / torch.arange(1, len(x) + 1)
    return x.view(1, -1, 1), y.view(1, -1, 1)


def _numbers(trace: GradientTrace) -> dict[str, float]:
    """The gradient of the last step's loss at the first state and at the last one."""
    norms = trace.pairwise_norms[0, -1]
    first, last = float(norms[0]), float(norms[-1])
    ratio = first / last if last > 0 else math.nan
    steps = len(norms) - 1
    return {
        "spectral_radius": float(_spectrum(trace)[0].abs().max()),
        "ratio": ratio,
        "factor_per_step": ratio ** (1 / steps) if ratio > 0 else 0.0,
        "last_gradient": last,
    }


def _spectrum(trace: GradientTrace) -> tuple[Tensor, str]:
    """Eigenvalues of W_h, or of an LSTM's Jacobian at the last step, with the matrix's name."""
    if len(trace.block_names) == 1:
        return trace.eigenvalues[0, 0], "W<sub>h</sub>"
    return eigenvalues(trace.jacobians(0)[-1]), JACOBIAN


def _sentence(settings: GradientFlowSettings, numbers: dict[str, float], length: int) -> str:
    ratio, factor = numbers["ratio"], numbers["factor_per_step"]
    of = "Spectral radius" if settings.cell == "RNN" else "Spectral radius of the last Jacobian"
    start = f"{of} {numbers['spectral_radius']:.2f}: "
    if numbers["last_gradient"] == 0:
        return start + "there is no gradient, since the last prediction equals its target."
    if not math.isfinite(ratio):
        return start + "the gradient exceeds the range of float64; lower the weight scale."
    if ratio == 0:
        return start + f"no gradient at all arrives at step 1 from the loss at step {length}."
    verb = "grows" if factor > 1 else "shrinks"
    outcome = (
        "It vanishes"
        if ratio < VANISHED
        else "It explodes"
        if ratio > EXPLODED
        else "It neither vanishes nor explodes"
    )
    return (
        f"{start}going back from step {length} to step 1, the gradient of the last loss {verb} "
        f"by a factor of {power(factor, 3)} per step. {outcome}: at step 1 it is {power(ratio)} "
        f"times that at step {length}."
    )


def _goals(settings: GradientFlowSettings, numbers: dict[str, float]) -> tuple[Goal, ...]:
    ratio = numbers["ratio"]
    alive = settings.cell == "RNN" and settings.activation == "tanh"
    alive = alive and settings.length >= LONGEST and settings.inputs != "own"
    return (
        Goal(
            "Let the first step hear a millionth of the last loss (0.5 to 2 millionths).",
            0.5e-6 <= ratio <= 2e-6,
            f"now {power(ratio)}",
        ),
        Goal(
            f"Keep the gradient alive over {LONGEST} steps with tanh: between 0.01 and 100 times "
            "its last value.",
            alive and 1e-2 <= ratio <= 1e2,
            f"now {power(ratio)} over {settings.length} steps with "
            f"{'an LSTM' if settings.cell == 'LSTM' else settings.activation}",
        ),
    )


def _panels(settings: GradientFlowSettings, trace: GradientTrace, x: Tensor) -> list[Panel]:
    return [
        Panel(
            "norms",
            "Forward and backward",
            "The hidden state forward and the gradient backward, on a logarithmic axis: a straight "
            "line is a constant factor per step.",
            _norms(settings, trace),
            link="step",
        ),
        Panel(
            "eigenvalues",
            "Eigenvalues",
            "What lies inside the unit circle decays from step to step; what lies outside grows.",
            _plane(trace),
        ),
        Panel(
            "pairs",
            "Which state does each loss reach?",
            "Row k is the loss at step k, column t the state at step t; the colour is logarithmic.",
            _pairs(trace),
        ),
        Panel(
            "terms",
            "What each step adds to the gradient of the weights",
            "The gradient of each weight is the sum of these terms over the steps.",
            _terms(trace),
            link="step",
        ),
        Panel("inputs", "Inputs", "What the network reads.", _inputs(x), link="step"),
    ]


def _norms(settings: GradientFlowSettings, trace: GradientTrace) -> go.Figure:
    chart = plots.norms_chart()
    label = "LSTM" if settings.cell == "LSTM" else settings.activation
    states, gradients = trace.hidden_norms[0].tolist(), trace.gradient_norms[0].tolist()
    plots.add_norms(chart, states, gradients, label, index=0)
    steps = list(range(1, len(trace.gradient_norms[0]) + 1))
    closed, bound = trace.closed_form_norms, trace.jacobian_bound
    # A trace is there for all settings, so that only numbers change when a slider moves.
    plots.add_closed_form(chart, steps, _values(closed, len(steps)), index=4)
    name = "bound ∏‖diag(σ′) W<sub>h</sub>‖"
    plots.line(chart, steps, _values(bound, len(steps)), name, index=2, markers=False)
    return chart


def _values(tensor: Tensor | None, length: int) -> list[Any]:
    return [None] * length if tensor is None else tensor.tolist()


def _plane(trace: GradientTrace) -> go.Figure:
    values, matrix = _spectrum(trace)
    chart = plots.complex_plane()
    pairs = torch.view_as_real(values.to(torch.complex128)).tolist()
    plots.add_eigenvalues(chart, pairs, f"eigenvalues of {matrix}")
    reach = 1.25 * max(1.0, float(values.abs().max()))
    chart.update_xaxes(range=[-reach, reach])
    chart.update_yaxes(range=[-reach, reach])
    return chart


def _pairs(trace: GradientTrace) -> go.Figure:
    norms = trace.pairwise_norms[0]
    kept = torch.arange(len(norms) - 1, -1, -math.ceil(len(norms) / CELLS)).flip(0)
    chosen: Sequence[Sequence[float]] = norms[kept][:, kept].tolist()
    return plots.pairwise_heatmap(chosen, (kept + 1).tolist())


def _terms(trace: GradientTrace) -> go.Figure:
    chart = plots.new_chart(plots.STEP_AXIS, "Frobenius norm of the step's term", log_y=True)
    labels = {"W_h": "∂L/∂W<sub>h</sub>", "W_x": "∂L/∂W<sub>x</sub>", "b": "∂L/∂b"}
    for name, values in trace.weight_terms(0).items():
        norms = values.flatten(1).norm(dim=1).tolist()
        plots.line(chart, list(range(1, len(norms) + 1)), norms, labels[name], markers=False)
    return chart


def _inputs(x: Tensor) -> go.Figure:
    chart = plots.new_chart(plots.STEP_AXIS, "input x<sub>t</sub>", height=280)
    steps = list(range(1, x.shape[1] + 1))
    plots.line(chart, steps, x[0, :, 0].tolist(), "first sequence", legend=False)
    return chart


def _command(settings: GradientFlowSettings) -> str:
    if settings.cell != "RNN" or settings.inputs != "random":
        return ""
    return command_for("gradient-flow", _config(settings))


def _python(settings: GradientFlowSettings, x: Tensor) -> str:
    plain = settings.cell == "RNN"
    network = "gaussian_rnn" if plain else "gaussian_lstm"
    nonlinearity = f"    nonlinearity={settings.activation!r},\n" if plain else ""
    if settings.inputs == "random":
        data = (
            f"x, y = running_average({BATCH}, {settings.length}, "
            f'generator=generator({settings.seed}, "flow", "data"), dtype=torch.float64)\n'
        )
    else:
        data = (
            f"values = torch.tensor({x[0, :, 0].tolist()}, dtype=torch.float64)\n"
            "x = values.view(1, -1, 1)\n"
            "y = x.cumsum(1) / torch.arange(1, len(values) + 1).view(1, -1, 1)\n"
        )
    matrix = "trace.eigenvalues[0, 0]" if plain else "torch.linalg.eigvals(trace.jacobians(0)[-1])"
    names = f"{network}, running_average" if settings.inputs == "random" else network
    return (
        "import torch\n"
        f"from eigenlab.recurrent import {names}, trace_gradients\n"
        "from eigenlab.training import generator\n\n"
        f"model = {network}(\n"
        f"    {settings.hidden_size},\n"
        f"    weight_scale={settings.weight_scale},\n"
        f"    bias_scale={settings.bias_scale},\n"
        f"{nonlinearity}"
        f'    generator=generator({settings.seed}, "flow", "network"),\n'
        ")\n"
        f"{data}"
        f"trace = trace_gradients(model, x, y, last_step_only={settings.last_step_only})\n"
        f"spectral_radius = float({matrix}.abs().max())\n"
        "norms = trace.pairwise_norms[0, -1]  # of the last loss\n"
        "last_gradient = float(norms[-1])\n"
        "ratio = float(norms[0] / norms[-1])\n"
        "factor_per_step = ratio ** (1 / (len(norms) - 1))\n"
    )


DEMO = Demo(
    name="gradient-flow",
    title="Gradients through time",
    questions=("1d", "1e", "1g"),
    summary=(
        "A recurrent network reads a sequence step by step. To learn from its last error, the "
        "gradient of that error has to travel back to the first steps, and every step multiplies "
        "it by nearly the same matrix. Move the weight scale, and watch it vanish or explode."
    ),
    settings=GradientFlowSettings,
    draw=draw,
    grid={
        "weight_scale": (0.3, 0.5, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0),
        "activation": ("tanh", "relu", "identity"),
    },
    examples=(
        Example(
            "1. It vanishes",
            {"weight_scale": 0.5},
            "All eigenvalues are inside the unit circle: going back, the gradient is halved at "
            "every step, and the first words of a sentence teach the network nothing.",
        ),
        Example(
            "2. It explodes",
            {"weight_scale": 1.5, "activation": "identity"},
            "Some eigenvalues are outside: the gradient grows at every step back, and one update "
            "would destroy the weights.",
        ),
        Example(
            "3. tanh hides it",
            {"weight_scale": 1.5},
            "The hidden state stays bounded, whatever the weights. Look at the gradient: it is not "
            "the state that tells.",
        ),
        Example(
            "4. A loss at every step",
            {"weight_scale": 0.5, "last_step_only": False},
            "The curve of the gradient no longer falls, but in the map each loss reaches only the "
            "few states before it: the first state still does not hear the last loss.",
        ),
        Example(
            "5. An LSTM",
            {"cell": "LSTM", "weight_scale": 0.5},
            "Its cell adds instead of multiplying; compare the factor per step with that of the "
            "plain layer at the same scale.",
        ),
    ),
)
