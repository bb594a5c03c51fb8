"""What ``stacked-rnn`` measures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple, cast

import torch
from torch import Tensor

from eigenlab.experiments.averaged import Averaged
from eigenlab.experiments.stacked_rnn.config import ModelName, StackedRNNConfig
from eigenlab.experiments.stacked_rnn.records import (
    CapacityRecord,
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
    RNNLayer,
    fit_regressors,
    forget_rate,
    running_average,
    trace_gradients,
)
from eigenlab.reporter import PartReporter, Reporter
from eigenlab.training import derive_seed, generator, resolve_device


class Model(NamedTuple):
    """One of the trained networks: its kind, number of layers, and initialisation."""

    kind: str
    num_layers: int
    initialize: Callable[[RecurrentRegressor, torch.Generator], None]


def uniform(model: RecurrentRegressor, random: torch.Generator) -> None:
    """Every parameter uniform in +-1/sqrt(H), as ``torch.nn.RNN`` has it."""
    model.reset_parameters(random)


def as_linear(model: RecurrentRegressor, random: torch.Generator) -> None:
    """The same with W_x of the first layer uniform in +-1/sqrt(I), as in ``torch.nn.Linear``."""
    model.reset_parameters(random)
    W_x = model.layers[0].W_x
    hidden_size, input_size = W_x.shape
    with torch.no_grad():
        W_x.mul_(math.sqrt(hidden_size / input_size))


MODELS: dict[ModelName, Model] = {
    "RNN, one layer": Model("RNN", 1, uniform),
    "RNN, one layer, W_x as in Linear": Model("RNN", 1, as_linear),
    "RNN, two layers": Model("RNN", 2, uniform),
    "RNN, two layers, W_x as in Linear": Model("RNN", 2, as_linear),
    "LSTM": Model("LSTM", 1, uniform),
    "LSTM, two layers": Model("LSTM", 2, uniform),
}
#: Untrained cells: name -> kind and what is added to the forget gate's bias.
CELLS: dict[str, tuple[str, float]] = {
    "RNN": ("RNN", 0.0),
    "LSTM": ("LSTM", 0.0),
    "LSTM, forget bias +1": ("LSTM", 1.0),
    "LSTM, forget bias +3": ("LSTM", 3.0),
}
#: Sequences on which gradients are traced.
TRACE_BATCH_SIZE = 16
#: New sequences on which a trained network is tested.
TEST_SIZE = 2048


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
        short = _relative_gradient(model, config.length, seed)
        rows.append(
            UntrainedNetwork(
                seed=seed,
                cell=cell,
                factor=factor,
                gradient=gradient,
                rate=growth(gradient),
                far_rate=far_growth(gradient),
                training_ratio=growth(short) * (len(short) - 1),
            )
        )
        context.reporter.progress(len(rows), len(cases), "networks")
    return RatesRecord(
        seeds=seeds,
        length=config.trace_length,
        training_length=config.length,
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

    A gradient that underflows to zero gives minus infinity.

    >>> round(growth([0.125, 0.25, 0.5, 1.0]), 6), growth([0.0, 1e-300, 1.0])
    (-0.693147, -inf)
    """
    if gradient[0] == 0:
        return -math.inf
    return math.log(gradient[0] / gradient[-1]) / (len(gradient) - 1)


def far_growth(gradient: Sequence[float]) -> float:
    """Growth over the half of the steps far from the loss.

    This excludes the step from h into an LSTM's cell, whose factor occurs once, not at every step.

    >>> round(far_growth([0.125, 0.25, 0.5, 0.0625]), 6)
    -0.693147
    """
    return growth(gradient[: len(gradient) // 2 + 1])


@stage
def training(config: StackedRNNConfig, context: Context) -> TrainingRecord:
    """Train each model on running averages: Adam, fresh batches, the loss at every step."""
    if config.n_seeds == 0:
        raise NotRun("n_seeds=0 asks for no training; the course preset has n_seeds=24")
    counts = {name: _n_seeds(config, name) for name in config.models}
    seeds = [derive_seed(config.seed, "training", k) for k in range(max(counts.values()))]
    runs: list[TrainedNetwork] = []
    for place, name in enumerate(counts):
        reporter = PartReporter(context.reporter, name, place, len(counts))
        part = context.part(
            name,
            TrainedNetworks,
            partial(_train_all, config, name, seeds[: counts[name]], reporter),
        )
        runs += part.runs
    by_model = {name: [run for run in runs if run.model == name] for name in counts}
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


def _n_seeds(config: StackedRNNConfig, name: ModelName) -> int:
    model = MODELS[name]
    if model.kind == "LSTM":
        return config.n_lstm_seeds
    return config.n_seeds if model.num_layers == 1 else config.n_deep_seeds


def _train_all(
    config: StackedRNNConfig, name: ModelName, seeds: Sequence[int], reporter: Reporter
) -> TrainedNetworks:
    """One network per seed, all trained side by side."""
    kind, num_layers, initialize = MODELS[name]
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
        initialize=initialize,
        log_every=max(1, config.training_steps // 200),
        reporter=reporter,
    )
    runs = []
    for seed, model, (steps, losses) in zip(seeds, models, curves, strict=True):
        last = [x for at, x in zip(steps, losses, strict=True) if at > 0.9 * config.training_steps]
        gradient = _relative_gradient(model, config.length, seed, config.inputs)
        test_loss, sum_r2, time_r2 = _test(config, model, seed)
        runs.append(
            TrainedNetwork(
                model=name,
                seed=seed,
                steps=steps,
                losses=losses,
                final_loss=math.fsum(last) / len(last),
                test_loss=test_loss,
                sum_r2=sum_r2,
                time_r2=time_r2,
                gradient=gradient,
                rate=growth(gradient),
            )
        )
    return TrainedNetworks(runs=runs)


@torch.no_grad()
def _test(
    config: StackedRNNConfig, model: RecurrentRegressor, seed: int
) -> tuple[float, float, float]:
    """Test loss, and what a linear map of the first layer's states says of the sum and the time.

    The targets are computed here, step by step, and not by the task that the network was trained
    on. The linear map is fitted to one half of the sequences and tested on the other.
    """
    random = generator(seed, "test")
    draw = torch.randn if config.inputs == "normal" else torch.rand
    x = draw(TEST_SIZE, config.length, 1, generator=random, dtype=torch.float64)
    sums = torch.stack([x[:, : t + 1].sum(dim=1) for t in range(config.length)], dim=1)
    time = torch.arange(1.0, config.length + 1, dtype=torch.float64).view(1, -1, 1).expand_as(x)
    model = model.cpu().double()
    loss = (model(x)[0] - sums / time).square().mean().item()
    states: Tensor = model.layers[0](x)[0]
    features = torch.cat([states, torch.ones_like(states[..., :1])], dim=-1)
    wanted = torch.cat([sums, time], dim=-1)
    half = TEST_SIZE // 2
    fitted = features[:half].flatten(0, 1), wanted[:half].flatten(0, 1)
    # By singular values: units that never move leave the states without full rank.
    weights = torch.linalg.lstsq(*fitted, driver="gelsd").solution
    rest = wanted[half:].flatten(0, 1)
    error = (features[half:].flatten(0, 1) @ weights - rest).square().mean(dim=0)
    sum_r2, time_r2 = (1 - error / rest.var(dim=0, correction=0)).tolist()
    return loss, sum_r2, time_r2


@stage
def capacity(config: StackedRNNConfig, context: Context) -> CapacityRecord:
    """A tanh layer of two units that adds its inputs and counts: W_h = 1, small W_x and b."""
    weight = 1e-4
    layer = RNNLayer(1, 2, dtype=torch.float64)
    with torch.no_grad():
        layer.W_h.copy_(torch.eye(2))
        layer.W_x.copy_(torch.tensor([[weight], [0.0]]))
        layer.b.copy_(torch.tensor([0.0, weight]))
        x = torch.randn(
            TEST_SIZE,
            config.length,
            1,
            generator=generator(config.seed, "capacity"),
            dtype=torch.float64,
        )
        states, _ = layer(x)
    sums = torch.stack([x[:, : t + 1, 0].sum(dim=1) for t in range(config.length)], dim=1)
    time = torch.arange(1.0, config.length + 1, dtype=torch.float64)
    return CapacityRecord(
        weight=weight,
        length=config.length,
        largest_sum=sums.abs().max(),
        sum_error=(states[..., 0] / weight - sums).abs().max(),
        time_error=(states[..., 1] / weight - time).abs().max(),
        average_error=(states[..., 0] / states[..., 1] - sums / time).abs().max(),
    )
