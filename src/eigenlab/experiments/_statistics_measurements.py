"""What ``gradient-statistics`` measures; see :mod:`eigenlab.experiments.gradient_statistics`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from eigenlab.experiments._networks import gaussian_rnn
from eigenlab.experiments._training import Draw, Part, fit
from eigenlab.lab import Context
from eigenlab.lab.claim import Record
from eigenlab.recurrent import RNN, RecurrentRegressor, running_average, trace_gradients
from eigenlab.training import derive_seed, generator, resolve_device

if TYPE_CHECKING:
    from eigenlab.experiments.gradient_statistics import GradientStatisticsConfig

BATCH_SIZE = 8
ACTIVATIONS = ("tanh", "relu")


def measure_networks(config: GradientStatisticsConfig, context: Context) -> Record:
    """Trace many random networks, each with both activations on the same weights and inputs."""
    seeds = [derive_seed(config.seed, "network", k) for k in range(config.n_networks)]
    networks = []
    for done, seed in enumerate(seeds):
        context.reporter.raise_if_cancelled()
        draw = generator(seed, "scales")
        low, high = -math.log(config.gain_factor), math.log(config.gain_factor)
        gain = math.exp(low + (high - low) * torch.rand(1, generator=draw).item())
        bias_scale = config.largest_bias_scale * torch.rand(1, generator=draw).item()
        fates = {
            activation: _fate(config, seed, gain, bias_scale, activation)
            for activation in ACTIVATIONS
        }
        networks.append({"weight_scale": gain, "bias_scale": bias_scale, **fates})
        context.reporter.progress(done + 1, len(seeds), "networks")
    return {"seeds": seeds, "length": config.length, "networks": networks}


def _fate(
    config: GradientStatisticsConfig, seed: int, gain: float, bias_scale: float, activation: Any
) -> dict[str, float]:
    model = gaussian_rnn(
        config.hidden_size,
        weight_scale=gain,
        bias_scale=bias_scale,
        nonlinearity=activation,
        generator=generator(seed, "weights"),
    )
    x, y = running_average(
        BATCH_SIZE, config.length, generator=generator(seed, "data"), dtype=torch.float64
    )
    trace = trace_gradients(model, x, y, last_step_only=True)
    gradient, hidden = trace.gradient_norms[0].tolist(), trace.hidden_norms[0].tolist()
    return {
        "gradient_decades": decades(gradient[0], gradient[-1]),
        "hidden_decades": decades(hidden[-1], hidden[0]),
        "largest_state": trace.hidden.abs().max().item(),
    }


def decades(a: float, b: float) -> float:
    """log10(a / b) of two norms; minus or plus infinity when one is zero, 0 when both are.

    >>> decades(10.0, 1000.0), decades(0.0, 1.0)
    (-2.0, -inf)
    """
    if a == b:
        return 0.0
    if a == 0:
        return -math.inf
    return math.log10(a / b) if b else math.inf


def measure_every_step(config: GradientStatisticsConfig, context: Context) -> Record:
    """tanh networks with gain 1: the whole gradient, and that of each step's loss alone."""
    seeds = [derive_seed(config.seed, "every step", k) for k in range(config.n_traces)]
    rows = []
    for done, seed in enumerate(seeds):
        context.reporter.raise_if_cancelled()
        model = gaussian_rnn(
            config.hidden_size, weight_scale=1.0, generator=generator(seed, "weights")
        )
        x, y = running_average(
            BATCH_SIZE, config.length, generator=generator(seed, "data"), dtype=torch.float64
        )
        every = trace_gradients(model, x, y, last_step_only=False)
        last = trace_gradients(model, x, y, last_step_only=True)
        rows.append(
            {
                "every_step": (every.gradient_norms[0] / every.gradient_norms[0, -1]).tolist(),
                "last_step": (last.gradient_norms[0] / last.gradient_norms[0, -1]).tolist(),
                "by_distance": by_distance(every.pairwise_norms[0]),
            }
        )
        context.reporter.progress(done + 1, len(seeds), "networks")
    return {"seeds": seeds, "length": config.length, "rows": rows}


def by_distance(pairs: Tensor) -> list[float]:
    """Geometric mean over k of |dL_k/dh_t| / |dL_k/dh_k| at each distance k - t, from 0 on.

    >>> by_distance(torch.tensor([[2.0, 0.0], [1.0, 4.0]]))
    [1.0, 0.25]
    """
    relative = pairs / pairs.diagonal().unsqueeze(1)
    return [relative.diagonal(-n).log().mean().exp().item() for n in range(len(pairs))]


def delayed_copy(batch_size: int, lag: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """y_t = x_{t - lag} (zero before): every scored step asks for something ``lag`` steps old.

    Shapes (B, lag + 3, 1); inputs are standard normal.
    """
    x = torch.randn(batch_size, lag + 3, 1, generator=random, device=random.device)
    y = torch.zeros_like(x)
    y[:, lag:] = x[:, :-lag]
    return x, y


def hold_first(batch_size: int, lag: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """y_t = x_1: every step asks for the first input, so early steps ask for a recent one.

    Shapes (B, lag + 1, 1); inputs are standard normal.
    """
    x = torch.randn(batch_size, lag + 1, 1, generator=random, device=random.device)
    return x, x[:, :1].expand_as(x).contiguous()


TASKS = {"delayed copy": delayed_copy, "hold the first input": hold_first}


def measure_long_range(config: GradientStatisticsConfig, context: Context) -> Record:
    """Train with the loss at the last step or at every step; test at the last step."""
    seeds = [derive_seed(config.seed, "long range", k) for k in range(config.n_seeds)]
    cases = [
        (task, lag, last_step_only, seed)
        for task, lag in (
            ("delayed copy", config.short_lag),
            ("delayed copy", config.long_lag),
            ("hold the first input", config.long_lag),
        )
        for last_step_only in (True, False)
        for seed in seeds
    ]
    runs = []
    for index, (task, lag, last_step_only, seed) in enumerate(cases):
        loss = "last" if last_step_only else "every"
        name = f"{task}, lag {lag}, loss at {loss} step, seed {seeds.index(seed)}"
        error = _train(
            config,
            TASKS[task],
            lag,
            last_step_only,
            seed,
            Part(context.reporter, name, index, len(cases)),
            context.checkpoint(f"run-{index}"),
        )
        runs.append({"task": task, "lag": lag, "loss": loss, "seed": seed, "error": error})
    return {"seeds": seeds, "steps": config.training_steps, "runs": runs}


def _train(
    config: GradientStatisticsConfig,
    task: Any,
    lag: int,
    last_step_only: bool,
    seed: int,
    reporter: Part,
    checkpoint: Any,
) -> float:
    """Error at the last step over the variance of the target: 1 for always guessing the mean."""
    model = RecurrentRegressor(RNN(1, config.hidden_size))
    device = resolve_device(config.device)
    draw: Draw = lambda random: task(32, lag, random)  # noqa: E731
    fit(
        model,
        draw,
        seed=seed,
        steps=config.training_steps,
        learning_rate=3e-3,
        last_step_only=last_step_only,
        device=device,
        reporter=reporter,
        checkpoint=checkpoint,
        clip_norm=1.0,
    )
    x, y = task(4096, lag, generator(seed, "test", device=device))
    with torch.no_grad():
        prediction = model(x)[0]
    residual, target = (prediction - y)[:, -1], y[:, -1]
    return (residual.square().mean() / target.var(correction=0)).item()
