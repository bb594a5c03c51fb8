"""The figures, tables and metrics of ``gradient-flow``."""

from __future__ import annotations

import math

import plotly.graph_objects as go

from eigenlab import plots
from eigenlab.experiments.gradient_flow.config import GradientFlowConfig
from eigenlab.experiments.gradient_flow.records import (
    FiniteDifferencesRecord,
    FlowRecord,
    GrowthRecord,
    ScalePoint,
    ScalesRecord,
    TracedNetwork,
)
from eigenlab.lab import Control, Rows, explorer, figure, metrics, table
from eigenlab.statistics import worst


def _norms_caption(config: GradientFlowConfig) -> str:
    forward = {
        "tanh": "Forward, tanh keeps the hidden state bounded; ",
        "relu": "Forward, nothing bounds the hidden state under ReLU; ",
        "identity": "Without a nonlinearity, nothing bounds the hidden state; ",
    }[config.nonlinearity]
    if not config.last_step_only:
        return f"{forward}backward, every step adds the gradient of its own loss."
    text = (
        f"{forward}backward from the last step, the gradient shrinks or grows by a nearly constant "
        "factor per step: a straight line on this logarithmic axis."
    )
    if config.nonlinearity != "identity":
        text += " The same weights without the nonlinearity follow the closed form (circles)."
    return text


@figure("Hidden state and gradient over time", _norms_caption)
def norms(record: FlowRecord) -> go.Figure:
    chart = plots.norms_chart()
    for place, (name, network) in enumerate(record.networks.items()):
        label = "linear" if name == "identity" else name
        plots.add_norms(chart, network.hidden_norms, network.gradient_norms, label, index=place)
        if network.closed_form_norms is not None:
            steps = range(1, len(network.hidden_norms) + 1)
            plots.add_closed_form(chart, steps, network.closed_form_norms, index=2 * place + 1)
    return chart


@figure(
    "Eigenvalues of W_h",
    "Random entries of variance g^2/H fill a disc of radius about g (circular law). Components "
    "along eigenvectors with eigenvalues inside the unit circle decay, those with eigenvalues "
    "outside grow.",
)
def eigenvalues(record: FlowRecord) -> go.Figure:
    network = _chosen(record)
    chart = plots.complex_plane()
    label = f"eigenvalues, spectral radius {network.spectral_radius:.2f}"
    plots.add_eigenvalues(chart, network.eigenvalues, label)
    return chart


def _chosen(record: FlowRecord | ScalePoint) -> TracedNetwork:
    """The network with the chosen nonlinearity."""
    return record.networks[record.nonlinearity]


@figure(
    "Gradient of each step's loss with respect to each state",
    "Row k is the loss at step k, column t the hidden state at step t. The colour is logarithmic: "
    "away from the diagonal the gradient vanishes (or explodes). Blank cells: the loss does not "
    "depend on later states.",
)
def pairs(record: FlowRecord) -> go.Figure:
    return plots.pairwise_heatmap(record.pairs.norms, record.pairs.steps)


@figure(
    "Contribution of each step to the gradient of the weights",
    "Terms of dL/dW_h, dL/dW_x and dL/db by step; their sums are the gradients. When the gradient "
    "vanishes, only the last steps contribute.",
)
def terms(record: FlowRecord) -> go.Figure:
    chart = plots.new_chart(plots.STEP_AXIS, "Frobenius norm of the step's term", log_y=True)
    labels = {"W_h": "∂L/∂W<sub>h</sub>", "W_x": "∂L/∂W<sub>x</sub>", "b": "∂L/∂b"}
    for name, values in _chosen(record).term_norms.items():
        plots.line(chart, list(range(1, len(values) + 1)), values, labels[name], markers=False)
    return chart


@figure(
    "The gradient and its bound",
    "The product of the spectral norms of diag(sigma') W_h bounds the gradient from above. A "
    "small bound excludes an exploding gradient; a large bound does not imply one.",
)
def bound(record: FlowRecord) -> go.Figure:
    case = record.bounds[record.nonlinearity]
    steps = list(range(1, len(case.gradient_norms) + 1))
    chart = plots.new_chart(plots.STEP_AXIS, plots.NORM_AXIS, log_y=True)
    label = f"{plots.GRADIENT}, {record.nonlinearity}"
    plots.line(chart, steps, case.gradient_norms, label, markers=False)
    plots.line(chart, steps, case.bound, "bound ∏‖diag(σ′) W<sub>h</sub>‖", markers=False)
    return chart


@figure(
    "Gradients of linear networks, by spectral radius",
    "Gradient of the last step's loss in linear networks with a given spectral radius, relative to "
    "its value at the last step: traced (lines) and by the closed form (circles). Each step back "
    "multiplies it by about the spectral radius.",
)
def growth(record: GrowthRecord, n_steps: int = 100) -> go.Figure:
    chart = plots.new_chart(
        plots.STEP_AXIS, f"{plots.GRADIENT} / |∂L/∂h<sub>T</sub>|", log_y=True, height=480
    )
    for place, network in enumerate(record.networks[shown] for shown in record.shown):
        length = len(network.gradient_ratios)
        steps = list(range(max(1, length - n_steps + 1), length + 1))
        name = f"spectral radius {network.radius:g}"
        traced = network.gradient_ratios[-n_steps:]
        plots.line(chart, steps, traced, name, index=place, markers=False)
        expected = network.closed_form_ratios[-n_steps:]
        plots.add_closed_form(chart, steps, expected, index=place, legend=place == 0)
    return chart


@figure(
    "Eigenvalues of the linear networks",
    "One eigenvalue outside the unit circle is enough for the gradient to explode.",
)
def spectra(record: GrowthRecord) -> go.Figure:
    chart = plots.complex_plane()
    for place, network in enumerate(record.networks[shown] for shown in record.shown):
        label = f"spectral radius {network.radius:g}"
        plots.add_eigenvalues(chart, network.eigenvalues, label, index=place)
    return chart


@figure(
    "The growth rate tends to ln of the spectral radius",
    "Difference between the growth rate measured over n steps and ln of the spectral radius. The "
    "grey line is the proven bound, computed from W_f and the eigenvectors; like the measured "
    "difference it decreases as 1/n.",
)
def rates(record: GrowthRecord) -> go.Figure:
    chart = plots.new_chart(
        "distance n = T − t (steps)",
        "|growth rate − ln ρ| (nats per step)",
        log_x=True,
        log_y=True,
        height=480,
    )
    for place, network in enumerate(record.networks[shown] for shown in record.shown):
        label = f"spectral radius {network.radius:g}"
        errors = network.rate_errors
        plots.line(chart, record.distances, errors, label, index=place, markers=False)
    label = "proven bound ∝ 1/n"
    plots.line(chart, record.distances, record.rate_bound, label, index=6, markers=False)
    return chart


@explorer(
    "Watch the gradient vanish and explode",
    "Move the weight scale through 1: the eigenvalues of W_h leave the unit circle, and the "
    "gradient explodes on its way back instead of vanishing. With tanh the hidden state stays "
    "bounded; with ReLU or without an activation it explodes, too.",
    question="1e",
    controls=[
        Control("weight_scale", "weight_scales", "weight scale"),
        Control("nonlinearity", "nonlinearities", "activation"),
    ],
)
def scales(record: ScalesRecord, place: int) -> list[go.Figure]:
    over_time, plane = norms(record.points[place]), eigenvalues(record.points[place])
    over_time.update_yaxes(range=[-30, 30])  # as powers of ten
    plane.update_xaxes(range=[-4.6, 4.6])
    plane.update_yaxes(range=[-4.6, 4.6])
    return [over_time, plane]


@table("Largest relative difference from finite differences")
def finite_differences(record: FiniteDifferencesRecord) -> Rows:
    names = list(dict.fromkeys(row.network for row in record.rows))
    columns = ("states", "terms", "sums")
    return ("network", "dL/dh_t", "terms of dL/dW", "sum of the terms"), [
        [n, *(worst(getattr(r, key) for r in record.rows if r.network == n) for key in columns)]
        for n in names
    ]


@metrics
def headline(record: FlowRecord) -> dict[str, float]:
    network = _chosen(record)
    first, last = network.gradient_norms[0], network.gradient_norms[-1]
    return {
        "spectral_radius": network.spectral_radius,
        "log10_gradient_first_over_last": math.log10(first / last) if first > 0 else -math.inf,
        "largest_lyapunov_exponent": network.lyapunov_exponents[0],
    }
