"""What ``gradient-flow`` measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.experiments.gradient_flow.config import GradientFlowConfig
from eigenlab.experiments.gradient_flow.records import (
    BoundedGradient,
    Differences,
    FiniteDifferencesRecord,
    FlowRecord,
    GrowthRecord,
    LinearNetwork,
    Pairs,
    ScalePoint,
    ScalesRecord,
    TracedNetwork,
)
from eigenlab.lab import Context, NotRun, stage
from eigenlab.recurrent import (
    LSTM,
    RNN,
    GradientTrace,
    RecurrentRegressor,
    gaussian_rnn,
    growth_rate_bounds,
    linear_gradients,
    regression_loss,
    running_average,
    trace_gradients,
    with_spectral_radius,
)
from eigenlab.recurrent.finite_differences import state_gradients, weight_terms
from eigenlab.statistics import worst
from eigenlab.training import derive_seed, generator


@stage
def flow(config: GradientFlowConfig, context: Context) -> FlowRecord:
    """Trace one network, and the same weights without the nonlinearity."""
    x, y = flow_data(config)
    networks, bounds, pairs = {}, {}, None
    for name in dict.fromkeys((config.nonlinearity, "identity")):
        model = flow_network(config, name)
        trace = trace_gradients(model, x, y, last_step_only=config.last_step_only)
        if not _is_finite(trace):
            if name != config.nonlinearity:
                continue  # the linear counterpart of a bounded network may overflow
            raise InputError(
                f"weight_scale={config.weight_scale:g} over length={config.length} steps exceeds "
                f"the range of float64 with nonlinearity='{name}'; lower one of them"
            )
        networks[name] = _traced(trace)
        pairs = pairs or _pairs(trace)
        last = trace_gradients(model, x, y, last_step_only=True)
        bounds[name] = BoundedGradient(
            gradient_norms=last.gradient_norms[0], bound=last.jacobian_bound
        )
        context.reporter.progress(len(networks), 2, "networks")
    return FlowRecord(
        nonlinearity=config.nonlinearity,
        networks=networks,
        bounds=bounds,
        orthogonal=_orthogonal(config, x, y),
        pairs=pairs,
    )


def flow_data(config: GradientFlowConfig) -> tuple[Tensor, Tensor]:
    """Inputs (B, T, 1) and their running averages (B, T, 1)."""
    return running_average(
        config.batch_size,
        config.length,
        generator=generator(config.seed, "flow", "data"),
        dtype=torch.float64,
    )


def flow_network(config: GradientFlowConfig, nonlinearity: str) -> RecurrentRegressor:
    """The traced network: the same random numbers for every scale and nonlinearity."""
    return gaussian_rnn(
        config.hidden_size,
        weight_scale=config.weight_scale,
        bias_scale=config.bias_scale,
        nonlinearity=nonlinearity,
        generator=generator(config.seed, "flow", "network"),
    )


def _is_finite(trace: GradientTrace) -> bool:
    return math.isfinite(trace.loss) and bool(trace.gradient_norms.isfinite().all())


#: Weight scales of the figure with sliders: three for every doubling, 1 among them.
SCALES = tuple(float(f"{2 ** (k / 3):.2g}") for k in range(-6, 7))
NONLINEARITIES = ("tanh", "relu", "identity")
#: Steps and hidden units up to which the grid is measured.
LONGEST, LARGEST = 100, 64


@stage
def scales(config: GradientFlowConfig, context: Context) -> ScalesRecord:
    """Trace the network at other weight scales, where that takes seconds."""
    if config.length > LONGEST or config.hidden_size > LARGEST:
        raise NotRun(
            f"the figure with sliders is measured for up to {LONGEST} steps and {LARGEST} units"
        )
    points = []
    x, y = flow_data(config)
    for scale in SCALES:
        context.reporter.raise_if_cancelled()
        for name in NONLINEARITIES:
            model = flow_network(config.replace(weight_scale=scale), name)
            trace = trace_gradients(model, x, y, last_step_only=config.last_step_only)
            if not _is_finite(trace):
                raise NotRun(f"weight_scale={scale:g} exceeds the range of float64 with '{name}'")
            points.append(ScalePoint(nonlinearity=name, networks={name: _traced(trace)}))
        context.reporter.progress(len(points), len(SCALES) * len(NONLINEARITIES), "networks")
    return ScalesRecord(weight_scales=SCALES, nonlinearities=NONLINEARITIES, points=points)


def _orthogonal(config: GradientFlowConfig, x: Tensor, y: Tensor) -> BoundedGradient:
    """A network whose Jacobians stretch every vector equally: the bound is the gradient."""
    model = gaussian_rnn(
        config.hidden_size,
        weight_scale=1.0,
        nonlinearity="identity",
        generator=generator(config.seed, "flow", "orthogonal"),
    )
    W_h = model.layers[0].W_h
    with torch.no_grad():
        W_h.copy_(0.9 * torch.linalg.qr(W_h).Q)
    trace = trace_gradients(model, x, y, last_step_only=True)
    return BoundedGradient(gradient_norms=trace.gradient_norms[0], bound=trace.jacobian_bound)


def _traced(trace: GradientTrace) -> TracedNetwork:
    terms = trace.weight_terms(0)
    return TracedNetwork(
        loss=trace.loss,
        hidden_norms=trace.hidden_norms[0],
        gradient_norms=trace.gradient_norms[0],
        closed_form_norms=trace.closed_form_norms,
        eigenvalues=_complex_pairs(trace.eigenvalues[0, 0]),
        spectral_radius=trace.spectral_radius[0, 0],
        lyapunov_exponents=trace.lyapunov_exponents(),
        term_norms={name: term.flatten(1).norm(dim=1) for name, term in terms.items()},
    )


def _complex_pairs(values: Tensor) -> Tensor:
    """[real, imaginary] of each number, (n, 2)."""
    return torch.view_as_real(values.to(torch.complex128))


def _pairs(trace: GradientTrace, max_steps: int = 100) -> Pairs:
    """|dL_k/dh_t| at up to ``max_steps`` evenly spaced steps, the last one among them."""
    norms = trace.pairwise_norms[0]
    kept = torch.arange(len(norms) - 1, -1, -math.ceil(len(norms) / max_steps)).flip(0)
    return Pairs(steps=kept + 1, norms=norms[kept][:, kept])


#: Name -> kind, layers, nonlinearity.
ARCHITECTURES = {
    "tanh": ("RNN", 1, "tanh"),
    "relu": ("RNN", 1, "relu"),
    "linear": ("RNN", 1, "identity"),
    "two layers, tanh": ("RNN", 2, "tanh"),
    "LSTM": ("LSTM", 1, None),
    "two layers, LSTM": ("LSTM", 2, None),
}


@stage
def finite_differences(config: GradientFlowConfig, context: Context) -> FiniteDifferencesRecord:
    """Compare traced gradients with finite differences, on small networks in float64."""
    # Every random number here follows from this word: another one would change them all.
    seeds = [derive_seed(config.seed, "nudge", k) for k in range(config.n_networks)]
    cases = [(s, n, last) for s in seeds for n in ARCHITECTURES for last in (True, False)]
    rows = []
    for seed, name, last_step_only in cases:
        context.reporter.raise_if_cancelled()
        rows.append(_differences(name, last_step_only, seed))
        context.reporter.progress(len(rows), len(cases), "networks")
    return FiniteDifferencesRecord(seeds=seeds, rows=rows)


def _differences(name: str, last_step_only: bool, seed: int) -> Differences:
    kind, num_layers, nonlinearity = ARCHITECTURES[name]
    recurrent = (
        RNN(1, 4, num_layers, cast(Any, nonlinearity), dtype=torch.float64)
        if kind == "RNN"
        else LSTM(1, 2, num_layers, dtype=torch.float64)
    )
    model = RecurrentRegressor(recurrent)
    model.reset_parameters(generator(seed, "network", name))
    x, y = running_average(2, 5, generator=generator(seed, "data"), dtype=torch.float64)
    trace = trace_gradients(model, x, y, last_step_only=last_step_only)
    regression_loss(model(x)[0], y, last_step_only=last_step_only).backward()
    terms, sums = [], []
    for layer, module in enumerate(model.layers):
        for parameter, traced in trace.weight_terms(layer).items():
            expected = weight_terms(model, x, y, last_step_only, layer=layer, name=parameter)
            terms.append(_relative(traced, expected))
            sums.append(_relative(traced.sum(0), getattr(module, parameter).grad))
    states = state_gradients(model, x, y, last_step_only)
    return Differences(
        seed=seed,
        network=name,
        last_step_only=last_step_only,
        states=_relative(trace.hidden_gradients, states),
        terms=worst(terms),
        sums=worst(sums),
    )


def _relative(measured: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest expected entry; absolute where all of those are zero.

    (All units of a small ReLU network may be inactive on every input.)
    """
    scale = expected.abs().max().item()
    return (measured - expected).abs().max().item() / (scale or 1.0)


@stage
def growth(config: GradientFlowConfig, context: Context) -> GrowthRecord:
    """Linear networks with a given spectral radius and the loss at the last step."""
    seeds = [derive_seed(config.seed, "growth", k) for k in range(config.n_networks)]
    n = config.growth_length - 1
    steps = {round(n * (k / 40) ** 2) for k in range(1, 41)} | {n // 8}
    distances = sorted({max(1, step) for step in steps})
    cases = [(seed, radius) for seed in seeds for radius in config.radii]
    networks = []
    for seed, radius in cases:
        context.reporter.raise_if_cancelled()
        networks.append(_linear_network(config, seed, radius, distances))
        context.reporter.progress(len(networks), len(cases), "networks")
    shown = range(len(config.radii))
    widest = max(max(-networks[place].log_low, networks[place].log_high) for place in shown)
    return GrowthRecord(
        seeds=seeds,
        distances=distances,
        networks=networks,
        shown=shown,
        rate_bound=[widest / distance for distance in distances],
    )


def _linear_network(
    config: GradientFlowConfig, seed: int, radius: float, distances: Sequence[int]
) -> LinearNetwork:
    model = gaussian_rnn(
        config.hidden_size,
        weight_scale=1.0,
        nonlinearity="identity",
        generator=generator(seed, "network", str(radius)),
    )
    W_h, W_f = model.layers[0].W_h, model.readout.weight
    with torch.no_grad():
        W_h.copy_(with_spectral_radius(W_h, radius))
    x, y = running_average(
        config.batch_size,
        config.growth_length,
        generator=generator(seed, "data"),
        dtype=torch.float64,
    )
    trace = trace_gradients(model, x, y, last_step_only=True)
    norms = trace.gradient_norms[0]
    if not norms.isfinite().all() or not norms.all():
        raise InputError(
            f"radii={radius:g} over growth_length={config.growth_length} steps leaves the range "
            "of float64; lower growth_length, or choose a radius nearer to 1"
        )
    with torch.no_grad():
        residual = (model(x)[0] - y)[:, -1]
    expected = linear_gradients(W_h.detach(), W_f.detach(), residual, config.growth_length)
    expected_norms = expected.norm(dim=-1)
    error = (trace.hidden_gradients[0] - expected).norm(dim=-1).amax(dim=0)
    low, high = growth_rate_bounds(W_h.detach().numpy(), W_f.detach().numpy()[0])
    ratios = (norms / norms[-1]).tolist()
    rates = [math.log(ratios[-1 - distance]) / distance for distance in distances]
    return LinearNetwork(
        seed=seed,
        radius=radius,
        closed_form_error=(error / expected_norms.amax(dim=0)).max(),
        gradient_ratios=ratios,
        closed_form_ratios=expected_norms.mean(dim=0) / expected_norms.mean(dim=0)[-1],
        rates=rates,
        rate_errors=[abs(rate - math.log(radius)) for rate in rates],
        log_low=low,
        log_high=high,
        eigenvalues=_complex_pairs(trace.eigenvalues[0, 0]),
    )
