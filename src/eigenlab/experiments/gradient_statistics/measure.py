"""What ``gradient-statistics`` measures."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from eigenlab.experiments.averaged import Averaged
from eigenlab.experiments.gradient_statistics.config import GradientStatisticsConfig
from eigenlab.experiments.gradient_statistics.records import (
    BinnedShares,
    EveryStepRecord,
    LongRangeRecord,
    MapCell,
    MapRecord,
    NetworksRecord,
    RandomNetwork,
    Run,
    TracedLosses,
    TrainedCells,
    Training,
    Trainings,
)
from eigenlab.lab import Context, stage
from eigenlab.recurrent import (
    RNN,
    RecurrentRegressor,
    decay_by_distance,
    delayed_copy,
    fit_regressors,
    gaussian_rnn,
    hold_first,
    running_average,
    trace_gradients,
)
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.statistics import wilson_interval
from eigenlab.training import derive_seed, generator, resolve_device

BATCH_SIZE, TRAIN_BATCH_SIZE, TEST_SIZE = 8, 32, 4096
ACTIVATIONS = ("tanh", "relu", "identity")
LOSSES = ("last", "every")
EVENTS = ("vanishes", "explodes", "state_explodes")
N_BINS = 8


@stage
def networks(config: GradientStatisticsConfig, context: Context) -> NetworksRecord:
    """Trace many random networks, with each activation and without one on the same weights."""
    seeds = [derive_seed(config.seed, "network", k) for k in range(config.n_networks)]
    found = []
    for done, seed in enumerate(seeds):
        context.reporter.raise_if_cancelled()
        draw = generator(seed, "scales")
        low, high = -math.log(config.gain_factor), math.log(config.gain_factor)
        gain = math.exp(low + (high - low) * torch.rand(1, generator=draw).item())
        bias_scale = config.max_bias_scale * torch.rand(1, generator=draw).item()
        runs = {name: _run(config, seed, gain, bias_scale, name) for name in ACTIVATIONS}
        found.append(RandomNetwork(weight_scale=gain, bias_scale=bias_scale, **runs))
        context.reporter.progress(done + 1, len(seeds), "networks")
    shares = [_shares(found, event, name) for event in EVENTS for name in ACTIVATIONS]
    return NetworksRecord(seeds=seeds, length=config.length, networks=found, shares=shares)


def _run(
    config: GradientStatisticsConfig, seed: int, gain: float, bias_scale: float, activation: Any
) -> Run:
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
    return Run(
        gradient_decades=decades(gradient[0], gradient[-1]),
        hidden_decades=decades(hidden[-1], hidden[0]),
        largest_state=trace.hidden.abs().max(),
        rms_state=trace.hidden.square().mean().sqrt(),
    )


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


def _shares(found: Sequence[RandomNetwork], event: str, activation: str) -> BinnedShares:
    """Shares in bins of equal width on the logarithmic axis of weight scales."""
    gains = [network.weight_scale for network in found]
    low, high = math.log(min(gains)), math.log(max(gains))
    edges = [math.exp(low + (high - low) * k / N_BINS) for k in range(N_BINS + 1)]
    scales, intervals = [], []
    for a, b in itertools.pairwise(edges):
        inside = [
            getattr(getattr(network, activation), event)
            for network in found
            if a <= network.weight_scale <= b
        ]
        if inside:
            scales.append(math.sqrt(a * b))
            intervals.append(wilson_interval(sum(inside), len(inside)))
    return BinnedShares(
        event=event,
        activation=activation,
        scales=scales,
        shares=[interval.estimate for interval in intervals],
        low=[interval.low for interval in intervals],
        high=[interval.high for interval in intervals],
    )


@stage
def every_step(config: GradientStatisticsConfig, context: Context) -> EveryStepRecord:
    """tanh networks with gain 1: the total gradient, and the gradient of each step's loss."""
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
        pairs = every.pairwise_norms[0]
        rows.append(
            TracedLosses(
                every_step=every.gradient_norms[0] / every.gradient_norms[0, -1],
                last_step=last.gradient_norms[0] / last.gradient_norms[0, -1],
                by_distance=decay_by_distance(pairs),
                own=pairs.diagonal(),
                own_error=_own_error(model, x, y, pairs.diagonal()),
            )
        )
        context.reporter.progress(done + 1, len(seeds), "networks")
    return EveryStepRecord(
        seeds=seeds,
        length=config.length,
        rows=rows,
        every_step=Averaged.over([row.every_step for row in rows]),
        last_step=Averaged.over([row.last_step for row in rows]),
        by_distance=Averaged.over([row.by_distance for row in rows]),
    )


def _own_error(model: RecurrentRegressor, x: Tensor, y: Tensor, own: Tensor) -> float:
    """Compare |dL_k/dh_k| with 2 |y_hat_k - y_k| |W_f| / B, both as means over the B sequences."""
    with torch.no_grad():
        residual = (model(x)[0] - y)[..., 0]
        expected = 2 * residual.abs().mean(dim=0) * model.readout.weight.norm() / len(x)
    return ((own - expected).abs() / expected).max().item()


TASKS = {"delayed copy": delayed_copy, "hold the first input": hold_first}


@stage
def long_range(config: GradientStatisticsConfig, context: Context) -> LongRangeRecord:
    """Train with the loss at the last step or at every step; test at the last step."""
    seeds = [derive_seed(config.seed, "long range", k) for k in range(config.n_seeds)]
    cases = [
        (task, lag, loss)
        for task, lag in (
            ("delayed copy", config.short_lag),
            ("delayed copy", config.long_lag),
            ("hold the first input", config.long_lag),
        )
        for loss in ("last", "every")
    ]
    runs: list[Training] = []
    for index, case in enumerate(cases):
        task, lag, loss = case
        name = f"{task}, lag {lag}, loss at {loss} step"
        reporter = PartReporter(context.reporter, name, index, len(cases))
        part = context.part(
            f"case-{index}", Trainings, partial(_train_all, config, *case, seeds, reporter)
        )
        runs += part.runs
    return LongRangeRecord(seeds=seeds, steps=config.training_steps, runs=runs)


def _train_all(
    config: GradientStatisticsConfig,
    task: str,
    lag: int,
    loss: str,
    seeds: Sequence[int],
    reporter: Reporter,
) -> Trainings:
    """One network per seed, all trained side by side."""
    device = resolve_device(config.device)
    draw = TASKS[task]
    models = [RecurrentRegressor(RNN(1, config.hidden_size)).to(device) for _ in seeds]
    fit_regressors(
        models,
        lambda random: draw(TRAIN_BATCH_SIZE, lag, generator=random),
        seeds=seeds,
        steps=config.training_steps,
        learning_rate=config.learning_rate,
        last_step_only=loss == "last",
        clip_norm=1.0,
        reporter=reporter,
    )
    runs = []
    for seed, model in zip(seeds, models, strict=True):
        x, y = draw(TEST_SIZE, lag, generator=generator(seed, "test", device=device))
        error = _relative_error(model, x, y)
        runs.append(Training(task=task, lag=lag, loss=loss, seed=seed, error=error))
    return Trainings(runs=runs)


@torch.no_grad()
def _relative_error(model: RecurrentRegressor, x: Tensor, y: Tensor) -> float:
    """Error at the last step over the variance of the target: 1 for always guessing the mean."""
    residual, target = (model(x)[0] - y)[:, -1], y[:, -1]
    return (residual.square().mean() / target.var(correction=0)).item()


@stage
def long_range_map(config: GradientStatisticsConfig, context: Context) -> MapRecord:
    """Delayed copies of several lags and numbers of targets, with either loss."""
    seeds = [derive_seed(config.seed, "map", k) for k in range(config.map_seeds)]
    lags, answers, updates = map(sorted, (config.map_lags, config.map_answers, config.map_steps))
    plain = [(lag, n, loss, TRAIN_BATCH_SIZE) for lag in lags for n in answers for loss in LOSSES]
    # As many targets per update at the last step as the loss at every step has in all.
    lag, n = lags[len(lags) // 2], answers[len(answers) // 2]
    cases = [*plain, (lag, n, "last", n * TRAIN_BATCH_SIZE)]
    cells: list[MapCell] = []
    for index, case in enumerate(cases):
        reporter = PartReporter(context.reporter, "map", index, len(cases))
        part = context.part(
            f"map-{index}",
            TrainedCells,
            partial(_train_cell, config, *case, updates, seeds, reporter),
        )
        cells += part.cells
    return MapRecord(
        seeds=seeds,
        lags=lags,
        answers=answers,
        updates=updates,
        batch_size=TRAIN_BATCH_SIZE,
        cells=cells[: len(plain) * len(updates)],
        large_batches=cells[len(plain) * len(updates) :],
    )


def _train_cell(
    config: GradientStatisticsConfig,
    lag: int,
    answers: int,
    loss: str,
    batch_size: int,
    updates: Sequence[int],
    seeds: Sequence[int],
    reporter: Reporter,
) -> TrainedCells:
    device = resolve_device(config.device)
    models = [RecurrentRegressor(RNN(1, config.hidden_size)).to(device) for _ in seeds]
    cells = []

    def measure(step: int) -> None:
        errors = []
        for seed, model in zip(seeds, models, strict=True):
            random = generator(seed, "test", device=device)
            x, y = delayed_copy(TEST_SIZE, lag, generator=random, answers=answers)
            errors.append(_relative_error(model, x, y))
        cells.append(
            MapCell(
                lag=lag,
                answers=answers,
                loss=loss,
                batch_size=batch_size,
                updates=step,
                errors=errors,
            )
        )

    fit_regressors(
        models,
        lambda random: delayed_copy(batch_size, lag, generator=random, answers=answers),
        seeds=seeds,
        steps=updates[-1],
        learning_rate=config.learning_rate,
        last_step_only=loss == "last",
        clip_norm=1.0,
        observe=measure,
        observe_at=updates,
        reporter=reporter,
    )
    return TrainedCells(cells=cells)
