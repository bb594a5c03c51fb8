"""What ``stacked-rnn`` measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, cast

import torch
from torch import Tensor

from eigenlab.experiments.averaged import Averaged
from eigenlab.experiments.stacked_rnn.config import StackedRNNConfig
from eigenlab.experiments.stacked_rnn.records import (
    RatesRecord,
    TrainedNetwork,
    TrainedNetworks,
    TrainingRecord,
    UntrainedNetwork,
)
from eigenlab.lab import Context, NotRun, stage
from eigenlab.recurrent import (
    LSTM,
    RNN,
    RecurrentRegressor,
    fit_regressors,
    forget_rate,
    running_average,
    trace_gradients,
)
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.training import derive_seed, generator, resolve_device

#: Name -> kind and number of layers.
MODELS = {"RNN, one layer": ("RNN", 1), "RNN, two layers": ("RNN", 2), "LSTM": ("LSTM", 1)}
#: Untrained cells: name -> kind and what is added to the forget gate's bias.
CELLS: dict[str, tuple[str, float]] = {
    "RNN": ("RNN", 0.0),
    "LSTM": ("LSTM", 0.0),
    "LSTM, forget bias +1": ("LSTM", 1.0),
    "LSTM, forget bias +3": ("LSTM", 3.0),
}
#: Sequences on which gradients are traced.
TRACE_BATCH_SIZE = 16


@stage
def rates(config: StackedRNNConfig, context: Context) -> RatesRecord:
    """Gradients of untrained cells, with the default initialisation times a factor."""
    seeds = [derive_seed(config.seed, "rates", k) for k in range(config.n_networks)]
    factors = sorted(config.factors)
    cases = [(seed, cell, factor) for seed in seeds for cell in CELLS for factor in factors]
    rows = []
    for seed, cell, factor in cases:
        context.reporter.raise_if_cancelled()
        kind, forget_bias = CELLS[cell]
        model = _untrained(kind, config.hidden_size, factor, forget_bias, seed)
        gradient = _relative_gradient(model, config.trace_length, seed)
        rows.append(
            UntrainedNetwork(
                seed=seed,
                cell=cell,
                factor=factor,
                gradient=gradient,
                rate=growth(gradient),
                far_rate=growth(gradient[: len(gradient) // 2 + 1]),
            )
        )
        context.reporter.progress(len(rows), len(cases), "networks")
    return RatesRecord(
        seeds=seeds,
        length=config.trace_length,
        factors=factors,
        forget_rates={
            cell: forget_rate(bias) for cell, (kind, bias) in CELLS.items() if kind == "LSTM"
        },
        rows=rows,
        initial={
            cell: Averaged.over([r.gradient for r in rows if (r.cell, r.factor) == (cell, 1.0)])
            for cell in CELLS
            if 1.0 in factors
        },
    )


def _untrained(
    kind: str, hidden_size: int, factor: float, forget_bias: float, seed: int
) -> RecurrentRegressor:
    """The default initialisation, uniform in +-1/sqrt(H), with the recurrent part scaled."""
    model = _build(kind, hidden_size, dtype=torch.float64)
    model.reset_parameters(generator(seed, "weights", kind))
    with torch.no_grad():
        for parameter in model.recurrent.parameters():
            parameter.mul_(factor)
        if forget_bias:
            (layer,) = model.layers
            layer.b[hidden_size : 2 * hidden_size] += forget_bias  # gates i, f, g, o
    return model


def _build(kind: str, hidden_size: int, num_layers: int = 1, **options: Any) -> RecurrentRegressor:
    """A regressor on one input."""
    network = {"RNN": RNN, "LSTM": LSTM}[kind]
    return RecurrentRegressor(cast(Any, network)(1, hidden_size, num_layers, **options))


def _relative_gradient(
    model: RecurrentRegressor,
    length: int,
    seed: int,
    inputs: Literal["normal", "uniform"] = "normal",
) -> list[float]:
    """|dL/dh_t| / |dL/dh_T| of the top layer for the loss at the last step, in float64."""
    x, y = running_average(
        TRACE_BATCH_SIZE,
        length,
        generator=generator(seed, "trace"),
        distribution=inputs,
        dtype=torch.float64,
    )
    trace = trace_gradients(model.cpu().double(), x, y, last_step_only=True)
    norms: Tensor = trace.gradient_norms[-1]
    return (norms / norms[-1]).tolist()


def growth(gradient: Sequence[float]) -> float:
    """Mean growth per step back from the last entry to the first, in nats per step.

    Over the far half of a sequence this excludes the step from h into an LSTM's cell, whose factor
    occurs once, not at every step.

    A gradient that underflows to zero gives minus infinity.

    >>> round(growth([0.125, 0.25, 0.5, 1.0]), 6), growth([0.0, 1e-300, 1.0])
    (-0.693147, -inf)
    """
    if gradient[0] == 0:
        return -math.inf
    return math.log(gradient[0] / gradient[-1]) / (len(gradient) - 1)


@stage
def training(config: StackedRNNConfig, context: Context) -> TrainingRecord:
    """Train each model on running averages: Adam, fresh batches, the loss at every step."""
    if config.n_seeds == 0:
        raise NotRun("n_seeds=0 asks for no training; the course preset trains three seeds")
    seeds = [derive_seed(config.seed, "training", k) for k in range(config.n_seeds)]
    runs: list[TrainedNetwork] = []
    for place, name in enumerate(MODELS):
        reporter = PartReporter(context.reporter, name, place, len(MODELS))
        part = context.part(
            name, TrainedNetworks, partial(_train_all, config, name, seeds, reporter)
        )
        runs += part.runs
    by_model = {name: [run for run in runs if run.model == name] for name in MODELS}
    return TrainingRecord(
        seeds=seeds,
        steps=config.training_steps,
        length=config.length,
        runs=runs,
        losses={name: Averaged.over([run.losses for run in rs]) for name, rs in by_model.items()},
        gradients={
            name: Averaged.over([run.gradient for run in rs]) for name, rs in by_model.items()
        },
    )


def _train_all(
    config: StackedRNNConfig, name: str, seeds: Sequence[int], reporter: Reporter
) -> TrainedNetworks:
    """One network per seed, all trained side by side."""
    kind, num_layers = MODELS[name]
    device = resolve_device(config.device)
    models = [_build(kind, config.hidden_size, num_layers).to(device) for _ in seeds]
    curves = fit_regressors(
        models,
        lambda random: running_average(
            config.batch_size, config.length, generator=random, distribution=config.inputs
        ),
        seeds=seeds,
        steps=config.training_steps,
        learning_rate=config.learning_rate,
        last_step_only=False,
        log_every=max(1, config.training_steps // 200),
        reporter=reporter,
    )
    runs = []
    for seed, model, (steps, losses) in zip(seeds, models, curves, strict=True):
        last = [x for at, x in zip(steps, losses, strict=True) if at > 0.9 * config.training_steps]
        gradient = _relative_gradient(model, config.length, seed, config.inputs)
        runs.append(
            TrainedNetwork(
                model=name,
                seed=seed,
                steps=steps,
                losses=losses,
                final_loss=math.fsum(last) / len(last),
                gradient=gradient,
                rate=growth(gradient),
            )
        )
    return TrainedNetworks(runs=runs)
