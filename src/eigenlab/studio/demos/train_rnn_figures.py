"""The pictures of the page on training a recurrent network."""

from __future__ import annotations

from collections.abc import Iterator

import plotly.graph_objects as go
import torch
from torch import Tensor

from eigenlab import plots
from eigenlab.recurrent import GradientTrace
from eigenlab.spectrum import eigenvalues
from eigenlab.studio.demos.demo import Panel
from eigenlab.studio.demos.own_sequence import OwnSequence
from eigenlab.studio.demos.train_rnn_networks import (
    LAYERS,
    Result,
    TrainRNNSettings,
    needed_step,
    steps_of,
)

WHEN = ("before training", "after training")
#: Names of the networks' traces. A trace is there for all settings, so that only numbers change
#: when a knob moves.
NETWORKS = ("network", "second network")


def panels_of(
    settings: TrainRNNSettings,
    results: list[Result],
    y: Tensor,
    own: OwnSequence | None,
    numbers: dict[str, float],
) -> tuple[Panel, ...]:
    """The pictures, the same ones for all settings.

    Args:
        settings: what was asked for.
        results: of one network or two.
        y: (N, T, 1) targets of the fresh sequences.
        own: the reader's sequence, or None.
        numbers: name -> value, with ``loss_of_zero``.
    """
    return (
        Panel(
            "predictions",
            "Answers on a fresh sequence",
            "What each trained network answers at each step, over what it should.",
            _answers(results, y, own),
        ),
        Panel(
            "loss",
            "Loss during the training",
            "Of each batch; of your own sequence, in variances of the part that is trained on. "
            "Dotted: that of always answering 0, or the mean of your own sequence.",
            _losses(results, numbers),
        ),
        Panel(
            "norms",
            "Where the gradient of the last answer goes",
            "Norm of the gradient of the last step's loss at each earlier state. All of it is "
            "proportional to the error that is left, so compare the slopes, not the heights. "
            "Dotted: the earliest input that the last answer needs; of your own sequence, the "
            "first of the window.",
            _norms(settings, results),
        ),
        Panel(
            "eigenvalues",
            "Eigenvalues before and after",
            "Of W_h of each plain layer, or of an LSTM's Jacobian at the last step. What lies "
            "inside the unit circle decays from step to step.",
            _plane(results),
        ),
    )


def _answers(results: list[Result], y: Tensor, own: OwnSequence | None) -> go.Figure:
    chart = plots.new_chart(plots.STEP_AXIS, "answer")
    steps = list(range(1, y.shape[1] + 1))
    mean, scale = (own.mean, own.scale) if own else (0.0, 1.0)
    plots.line(chart, steps, (mean + scale * y[0, :, 0]).tolist(), "target", markers=True)
    for place, name in enumerate(NETWORKS):
        there = place < len(results)
        values = (mean + scale * results[place].prediction[0, :, 0]).tolist() if there else []
        plots.line(chart, steps, values or [None] * len(steps), name, markers=True, legend=there)
    return chart


def _losses(results: list[Result], numbers: dict[str, float]) -> go.Figure:
    chart = plots.new_chart("update", "mean squared error", log_y=True)
    for place, name in enumerate(NETWORKS):
        there = place < len(results)
        steps = results[place].trained.steps if there else []
        losses = results[place].trained.losses if there else []
        plots.line(chart, steps, losses, name, index=place + 1, markers=False, legend=there)
    if numbers["loss_of_zero"] > 0:  # the axis is logarithmic
        plots.reference(chart, y=numbers["loss_of_zero"], text="constant answer")
    return chart


def _curves(results: list[Result]) -> Iterator[tuple[int, str, int, GradientTrace | None]]:
    """Index, name, layer, and trace or None of each curve about a layer of a network."""
    for place in range(len(NETWORKS)):
        names = WHEN if place == 0 else [f"second, {when}" for when in ("before", "after")]
        for layer in range(LAYERS):
            for number, when in enumerate(names):
                there = place < len(results) and layer < results[place].plan.num_layers
                trace = results[place].traces[number] if there else None
                index = 2 * LAYERS * place + 2 * layer + number
                yield index, f"{when}, layer {layer + 1}", layer, trace


def _norms(settings: TrainRNNSettings, results: list[Result]) -> go.Figure:
    chart = plots.norms_chart()
    steps = list(range(1, steps_of(settings) + 1))
    for index, name, layer, trace in _curves(results):
        plots.line(
            chart,
            steps,
            [None] * len(steps) if trace is None else trace.gradient_norms[layer].tolist(),
            name,
            index=index,
            markers=False,
            legend=trace is not None,
        )
    plots.reference(chart, x=needed_step(settings) + 1, text="needed")
    chart.update_yaxes(title_text=f"{plots.GRADIENT} (mean over the batch)")
    return chart


def _plane(results: list[Result]) -> go.Figure:
    chart = plots.complex_plane()
    largest = 1.0
    for index, name, layer, trace in _curves(results):
        nothing = torch.zeros(0, dtype=torch.complex128)
        values = nothing if trace is None else _spectrum(trace, layer)
        largest = max([largest, *values.abs().tolist()])
        plots.points(chart, values.real.tolist(), values.imag.tolist(), name, index=index, size=7)
        chart.data[-1].showlegend = trace is not None
    reach = 1.15 * largest
    chart.update_xaxes(range=[-reach, reach])
    chart.update_yaxes(range=[-reach, reach])
    return chart


def _spectrum(trace: GradientTrace, layer: int) -> Tensor:
    """Eigenvalues of a layer's W_h, or of an LSTM's Jacobian at the last step."""
    if len(trace.block_names) == 1:
        return trace.eigenvalues[layer, 0]
    return eigenvalues(trace.jacobians(layer)[-1])
