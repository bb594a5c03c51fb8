"""What ``gradient-flow`` measures; see :mod:`eigenlab.experiments.gradient_flow`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.experiments import _finite_differences as nudging
from eigenlab.experiments._intervals import worst
from eigenlab.experiments._networks import gaussian_rnn, layers_of, redraw, with_spectral_radius
from eigenlab.lab import Context
from eigenlab.lab.claim import Record
from eigenlab.recurrent import (
    LSTM,
    RNN,
    GradientTrace,
    RecurrentRegressor,
    regression_loss,
    running_average,
    trace_gradients,
)
from eigenlab.training import derive_seed, generator

if TYPE_CHECKING:
    from eigenlab.experiments.gradient_flow import GradientFlowConfig

RADII = (0.5, 0.9, 1.0, 1.1, 1.5)


def measure_flow(config: GradientFlowConfig, context: Context) -> Record:
    """Trace one network, and the same weights without the nonlinearity."""
    x, y = running_average(
        config.batch_size,
        config.length,
        generator=generator(config.seed, "flow", "data"),
        dtype=torch.float64,
    )
    networks, bounds, pairs = {}, {}, None
    for name in dict.fromkeys((config.nonlinearity, "identity")):
        model = gaussian_rnn(
            config.hidden_size,
            weight_scale=config.weight_scale,
            bias_scale=config.bias_scale,
            nonlinearity=name,
            generator=generator(config.seed, "flow", "network"),
        )
        trace = trace_gradients(model, x, y, last_step_only=config.last_step_only)
        if not (math.isfinite(trace.loss) and trace.gradient_norms.isfinite().all()):
            if name != config.nonlinearity:
                continue  # the linear counterpart of a bounded network may well overflow
            raise InputError(
                f"weight_scale={config.weight_scale:g} over length={config.length} steps exceeds "
                f"the range of float64 with nonlinearity='{name}'; lower one of them"
            )
        networks[name] = _summary(trace)
        pairs = pairs or _pairs(trace)
        last = trace_gradients(model, x, y, last_step_only=True)
        bounds[name] = {"gradient_norms": last.gradient_norms[0], "bound": last.jacobian_bound}
        context.reporter.progress(len(networks), 2, "networks")
    return {"networks": networks, "bounds": bounds, "pairs": pairs}


def _summary(trace: GradientTrace) -> dict[str, Any]:
    terms = trace.weight_terms(0)
    return {
        "loss": trace.loss,
        "hidden_norms": trace.hidden_norms[0],
        "gradient_norms": trace.gradient_norms[0],
        "closed_form_norms": trace.closed_form_norms,
        "eigenvalues": complex_pairs(trace.eigenvalues[0, 0]),
        "spectral_radius": trace.spectral_radius[0, 0].item(),
        "lyapunov_exponents": trace.lyapunov_exponents(),
        "term_norms": {name: term.flatten(1).norm(dim=1) for name, term in terms.items()},
    }


def complex_pairs(values: Tensor) -> list[list[float]]:
    """[real, imaginary] of each number, for a record."""
    return torch.view_as_real(values.to(torch.complex128)).tolist()


def _pairs(trace: GradientTrace, most: int = 100) -> dict[str, Any]:
    """The matrix |dL_k/dh_t| at up to ``most`` evenly spaced steps, the last one among them."""
    norms = trace.pairwise_norms[0]
    kept = torch.arange(len(norms) - 1, -1, -math.ceil(len(norms) / most)).flip(0)
    return {"steps": (kept + 1).tolist(), "norms": norms[kept][:, kept].tolist()}


ARCHITECTURES = {
    "tanh": ("RNN", 1, "tanh"),
    "relu": ("RNN", 1, "relu"),
    "linear": ("RNN", 1, "identity"),
    "two layers, tanh": ("RNN", 2, "tanh"),
    "LSTM": ("LSTM", 1, None),
    "two layers, LSTM": ("LSTM", 2, None),
}


def measure_nudges(config: GradientFlowConfig, context: Context) -> Record:
    """Traced gradients beside those found by nudging, on small networks in float64."""
    seeds = [derive_seed(config.seed, "nudge", k) for k in range(config.n_networks)]
    rows = []
    for seed in seeds:
        for name in ARCHITECTURES:
            for last_step_only in (True, False):
                context.reporter.raise_if_cancelled()
                rows.append({"seed": seed, "network": name, "last_step_only": last_step_only})
                rows[-1] |= _nudge(name, last_step_only, seed)
                context.reporter.progress(
                    len(rows), len(seeds) * len(ARCHITECTURES) * 2, "networks"
                )
    return {"seeds": seeds, "rows": rows}


def _nudge(name: str, last_step_only: bool, seed: int) -> dict[str, float]:
    kind, num_layers, nonlinearity = ARCHITECTURES[name]
    recurrent = (
        RNN(1, 4, num_layers, cast(Any, nonlinearity), dtype=torch.float64)
        if kind == "RNN"
        else LSTM(1, 2, num_layers, dtype=torch.float64)
    )
    model = RecurrentRegressor(recurrent)
    redraw(model, generator(seed, "network", name))
    x, y = running_average(2, 5, generator=generator(seed, "data"), dtype=torch.float64)
    trace = trace_gradients(model, x, y, last_step_only=last_step_only)
    nudged = nudging.state_gradients(model, x, y, last_step_only)
    errors = {"states": _relative(trace.hidden_gradients, nudged), "terms": 0.0, "sums": 0.0}
    regression_loss(model(x)[0], y, last_step_only=last_step_only).backward()
    for layer, module in enumerate(cast(Any, model.recurrent).layers):
        for parameter, traced in trace.weight_terms(layer).items():
            terms = nudging.weight_terms(model, x, y, last_step_only, layer, parameter)
            whole = getattr(module, parameter).grad
            errors["terms"] = worst([errors["terms"], _relative(traced, terms)])
            errors["sums"] = worst([errors["sums"], _relative(traced.sum(0), whole)])
    return errors


def _relative(measured: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest expected entry; absolute where all of those are zero.

    (A small ReLU network may be silent on every input.)
    """
    scale = expected.abs().max().item()
    return (measured - expected).abs().max().item() / (scale or 1.0)


def measure_growth(config: GradientFlowConfig, context: Context) -> Record:
    """Linear networks with a given spectral radius and the loss at the last step."""
    seeds = [derive_seed(config.seed, "growth", k) for k in range(config.n_networks)]
    n = config.growth_length - 1
    distances = sorted({max(1, round(n * (k / 40) ** 2)) for k in range(1, 41)} | {n // 8})
    networks = []
    for seed in seeds:
        for radius in RADII:
            context.reporter.raise_if_cancelled()
            networks.append({"seed": seed, "radius": radius})
            networks[-1] |= _grow(config, seed, radius, distances)
            context.reporter.progress(len(networks), len(seeds) * len(RADII), "networks")
    return {"seeds": seeds, "distances": distances, "networks": networks}


def _grow(
    config: GradientFlowConfig, seed: int, radius: float, distances: Sequence[int]
) -> dict[str, Any]:
    model = gaussian_rnn(
        config.hidden_size,
        weight_scale=1.0,
        nonlinearity="identity",
        generator=generator(seed, "network", str(radius)),
    )
    W_h, W_f = layers_of(model)[0].W_h, model.readout.weight
    with torch.no_grad():
        W_h.copy_(with_spectral_radius(W_h, radius))
    x, y = running_average(
        config.batch_size,
        config.growth_length,
        generator=generator(seed, "data"),
        dtype=torch.float64,
    )
    trace = trace_gradients(model, x, y, last_step_only=True)
    with torch.no_grad():
        residual = (model(x)[0] - y)[:, -1]
    expected = closed_form(W_h.detach(), W_f.detach(), residual, config.growth_length)
    measured = trace.hidden_gradients[0]
    size = expected.norm(dim=-1).amax(dim=0)
    norms = trace.gradient_norms[0].tolist()
    low, high = rate_envelope(W_h.detach().numpy(), W_f.detach().numpy()[0])
    return {
        "closed_form_error": ((measured - expected).norm(dim=-1).amax(dim=0) / size).max().item(),
        "gradient_norms": norms,
        "closed_form_norms": trace.closed_form_norms,
        "rates": [math.log(norms[-1 - d] / norms[-1]) / d for d in distances],
        "log_low": low,
        "log_high": high,
        "eigenvalues": complex_pairs(trace.eigenvalues[0, 0]),
    }


def closed_form(W_h: Tensor, W_f: Tensor, residual: Tensor, length: int) -> Tensor:
    """2 (y_hat - y) W_f W_h^(T-t) for every t: dL/dh_t of a linear network, by hand.

    Each power is computed on its own by repeated squaring, unlike in back-propagation.

    Args:
        W_h: (H, H).
        W_f: (1, H), one output.
        residual: y_hat - y at the last step, (B, 1). The loss is the mean over the B samples,
            hence a factor 1/B.
        length: T.

    Returns:
        (B, T, H).

    >>> one = torch.ones(1, 1)
    >>> closed_form(0.5 * one, one, 3 * one, 3).flatten().tolist()
    [1.5, 3.0, 6.0]
    """
    start = 2 * residual / len(residual) * W_f
    powers = [torch.linalg.matrix_power(W_h, length - t) for t in range(1, length + 1)]
    return torch.stack([start @ power for power in powers], dim=1)


def rate_envelope(W_h: np.ndarray, W_f: np.ndarray) -> tuple[float, float]:
    """Bounds (low, high) on n (rate - ln rho) that hold at every distance n.

    With W_h = V diag(lambda) V^-1 and the right eigenvector r of the largest |lambda| = rho,

        rho^n |W_f r| / |r|  <=  |W_f W_h^n|  <=  |W_f| cond(V) rho^n:

    on the left since W_f W_h^n r = lambda^n W_f r, on the right by the norms of the factors.
    """
    values, vectors = np.linalg.eig(W_h)
    top = vectors[:, np.argmax(np.abs(values))]
    overlap = np.abs(W_f @ top) / (np.linalg.norm(W_f) * np.linalg.norm(top))
    return float(np.log(overlap)), float(np.log(np.linalg.cond(vectors)))
