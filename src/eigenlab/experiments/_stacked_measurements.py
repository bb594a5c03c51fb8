"""What ``stacked-rnn`` measures; see :mod:`eigenlab.experiments.stacked_rnn`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor

from eigenlab.experiments._networks import redraw
from eigenlab.experiments._training import Part, fit
from eigenlab.lab import Context, NotRun
from eigenlab.lab.claim import Record
from eigenlab.recurrent import LSTM, RNN, RecurrentRegressor, running_average, trace_gradients
from eigenlab.training import derive_seed, generator, resolve_device

if TYPE_CHECKING:
    from eigenlab.experiments.stacked_rnn import StackedRNNConfig

MODELS = {"RNN, one layer": ("RNN", 1), "RNN, two layers": ("RNN", 2), "LSTM": ("LSTM", 1)}
#: Untrained cells: kind and what is added to the forget gate's bias.
CELLS: dict[str, tuple[str, float]] = {
    "RNN": ("RNN", 0.0),
    "LSTM": ("LSTM", 0.0),
    "LSTM, forget bias +1": ("LSTM", 1.0),
    "LSTM, forget bias +3": ("LSTM", 3.0),
}
#: Factors on every recurrent parameter of the usual initialisation; the smallest all but switches
#: W_h off, where the LSTM's rate is known in closed form.
SCALES = (0.01, 0.25, 0.5, 1.0, 2.0, 4.0)


def build(kind: str, hidden_size: int, num_layers: int = 1, **options: Any) -> RecurrentRegressor:
    """A regressor on one input."""
    network = {"RNN": RNN, "LSTM": LSTM}[kind]
    return RecurrentRegressor(cast(Any, network)(1, hidden_size, num_layers, **options))


def measure_training(config: StackedRNNConfig, context: Context) -> Record:
    """Train each model on running averages: Adam, fresh batches, the loss at every step."""
    if config.n_seeds == 0:
        raise NotRun("n_seeds=0 asks for no training; the course preset trains three seeds")
    seeds = [derive_seed(config.seed, "training", k) for k in range(config.n_seeds)]
    runs = []
    for place, (name, (kind, num_layers)) in enumerate(MODELS.items()):
        for k, seed in enumerate(seeds):
            index, count = place * len(seeds) + k, len(MODELS) * len(seeds)
            part = Part(context.reporter, f"{name}, seed {k}", index, count)
            checkpoint = context.checkpoint(f"{kind}-{num_layers}-{k}")
            run = _train(config, kind, num_layers, seed, part, checkpoint)
            runs.append({"model": name, "seed": seed, **run})
    return {"seeds": seeds, "steps": config.training_steps, "length": config.length, "runs": runs}


def _train(
    config: StackedRNNConfig, kind: str, num_layers: int, seed: int, part: Part, checkpoint: Any
) -> dict[str, Any]:
    model = build(kind, config.hidden_size, num_layers)
    history = fit(
        model,
        lambda random: running_average(
            config.batch_size, config.length, generator=random, distribution=config.inputs
        ),
        seed=seed,
        steps=config.training_steps,
        learning_rate=config.learning_rate,
        last_step_only=False,
        device=resolve_device(config.device),
        reporter=part,
        checkpoint=checkpoint,
        log_every=max(1, config.training_steps // 200),
    )
    steps, losses = history.curve()
    tail = [x for step, x in zip(steps, losses, strict=True) if step > 0.9 * config.training_steps]
    return {
        "steps": steps,
        "losses": losses,
        "final_loss": math.fsum(tail) / len(tail),
        "gradient": relative_gradient(model, config.length, seed, config.inputs),
    }


def relative_gradient(
    model: RecurrentRegressor, length: int, seed: int, inputs: Any = "normal"
) -> list[float]:
    """|dL/dh_t| / |dL/dh_T| of the top layer for the loss at the last step, in float64."""
    x, y = running_average(
        16, length, generator=generator(seed, "trace"), distribution=inputs, dtype=torch.float64
    )
    trace = trace_gradients(model.cpu().double(), x, y, last_step_only=True)
    norms: Tensor = trace.gradient_norms[-1]
    return (norms / norms[-1]).tolist()


def measure_rates(config: StackedRNNConfig, context: Context) -> Record:
    """Gradients of untrained cells, from the usual initialisation times a factor."""
    seeds = [derive_seed(config.seed, "rates", k) for k in range(config.n_networks)]
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        for cell, (kind, forget_bias) in CELLS.items():
            for scale in SCALES:
                context.reporter.raise_if_cancelled()
                model = untrained(kind, config.hidden_size, scale, forget_bias, seed)
                gradient = relative_gradient(model, config.trace_length, seed)
                rows.append({"seed": seed, "cell": cell, "scale": scale} | rates(gradient))
                if scale == 1.0:
                    rows[-1]["gradient"] = gradient
                context.reporter.progress(
                    len(rows), len(seeds) * len(CELLS) * len(SCALES), "networks"
                )
    return {"seeds": seeds, "length": config.trace_length, "rows": rows}


def untrained(
    kind: str, hidden_size: int, scale: float, forget_bias: float, seed: int
) -> RecurrentRegressor:
    """The usual initialisation, uniform in +-1/sqrt(H), with the recurrent part scaled."""
    model = build(kind, hidden_size, dtype=torch.float64)
    redraw(model, generator(seed, "weights", kind))
    with torch.no_grad():
        for parameter in model.recurrent.parameters():
            parameter.mul_(scale)
        if forget_bias:
            (layer,) = cast(Any, model.recurrent).layers
            layer.b[hidden_size : 2 * hidden_size] += forget_bias  # gates i, f, g, o
    return model


def rates(gradient: Sequence[float]) -> dict[str, float]:
    """Mean growth per step back from the loss, in nats: over all steps, and over the far half.

    The far half leaves out the way from h into an LSTM's cell, which is paid once, not per step.

    >>> found = rates([0.125, 0.25, 0.5, 1.0])
    >>> round(found["rate"], 6), round(found["far_rate"], 6)
    (-0.693147, -0.693147)
    """
    middle = len(gradient) // 2
    return {
        "rate": math.log(gradient[0] / gradient[-1]) / (len(gradient) - 1),
        "far_rate": math.log(gradient[0] / gradient[middle]) / middle,
    }
