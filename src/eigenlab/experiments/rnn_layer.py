"""Questions 1a to 1c: a recurrent layer, a regressor on it and its loss, against known numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

import plotly.graph_objects as go
import torch
from torch import Tensor, nn

from eigenlab.experiments._intervals import worst
from eigenlab.experiments._networks import gaussian_rnn, layers_of
from eigenlab.lab import (
    Check,
    Claim,
    Config,
    Context,
    Experiment,
    Figure,
    Stage,
    Table,
    at_most,
    close,
    setting,
    theme,
)
from eigenlab.lab.claim import Record
from eigenlab.recurrent import RecurrentRegressor, RNNLayer, regression_loss
from eigenlab.recurrent.nonlinearity import Nonlinearity
from eigenlab.training import derive_seed, generator

#: The published values are printed with four decimals; half a unit of the last one is 5e-5.
PUBLISHED_TOLERANCE = 1e-4
#: In float64 both sides round differently, some 1e-16 per operation over at most a few thousand
#: operations that these networks hardly amplify. 1e-6 leaves room for longer sequences and is
#: still far below any mistake in a formula.
REFERENCE_TOLERANCE = 1e-6

ONE_UNIT = 0.1973753273
STATES = (-0.1250, -0.1075, -0.1328, -0.1452)
INPUTS = ((0.1, 0.15), (0.2, 0.25), (0.3, 0.35), (0.4, 0.45))
LAYER_PARAMETERS, REGRESSOR_PARAMETERS = 18, 34
PREDICTION = ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
TARGET = ((-1.1, -1.2, -1.3), (-1.4, -1.5, -1.6))
LOSS_EVERY_STEP, LOSS_LAST_STEP = 3.0067, 3.7


class RNNLayerConfig(Config):
    """Size of the random networks that are compared with a second implementation."""

    hidden_size: int = setting(32, "Units of the recurrent layer.", unit="units", ge=1, le=512)
    input_size: int = setting(3, "Numbers that the layer reads per step.", ge=1, le=64)
    length: int = setting(40, "Steps of each sequence.", unit="steps", ge=1, le=1000)
    batch_size: int = setting(8, "Sequences run at once.", unit="sequences", ge=1, le=512)
    n_networks: int = setting(5, "Random networks per nonlinearity.", ge=1, le=100)

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"n_networks": 2},
        "course": {},
        "full": {"hidden_size": 128, "length": 200, "n_networks": 20},
    }


M = TypeVar("M", bound=nn.Module)


def fill(model: M, value: float) -> M:
    """Set every parameter to ``value``."""
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)
    return model


def measure_published(config: RNNLayerConfig, context: Context) -> Record:
    """The small networks of the course's own tests, in float32 as there."""
    one = fill(RNNLayer(1, 1), 0.1)
    layer = fill(RNNLayer(2, 3, nonlinearity="identity"), -0.1)
    regressor = RecurrentRegressor(layer, output_size=4)
    prediction, target = torch.tensor(PREDICTION), torch.tensor(TARGET)
    with torch.no_grad():
        states = layer(torch.tensor([INPUTS]))[0][0]
        one_unit = one(torch.ones(1, 1, 1))[1]
    return {
        "one_unit": one_unit.item(),
        "states": states.tolist(),
        "layer_parameters": count(layer),
        "regressor_parameters": count(regressor),
        "loss_every_step": regression_loss(prediction, target).item(),
        "loss_last_step": regression_loss(prediction, target, last_step_only=True).item(),
    }


def count(model: nn.Module) -> int:
    """Number of trainable numbers."""
    return sum(parameter.numel() for parameter in model.parameters())


def measure_reference(config: RNNLayerConfig, context: Context) -> Record:
    """Largest differences from a textbook loop and from ``torch.nn.RNN``, in float64.

    Compared are all hidden states, the loss at every step, and the gradient of every parameter.
    """
    seeds = [derive_seed(config.seed, "reference", k) for k in range(config.n_networks)]
    rows = []
    for done, seed in enumerate(seeds):
        context.reporter.raise_if_cancelled()
        rows += [{"seed": seed, **row} for row in _compare(config, seed)]
        context.reporter.progress(done + 1, len(seeds), "networks")
    return {"seeds": seeds, "rows": rows}


def _compare(config: RNNLayerConfig, seed: int) -> Iterator[dict[str, Any]]:
    draw = generator(seed, "data")
    x, y = (
        torch.randn(config.batch_size, config.length, size, dtype=torch.float64, generator=draw)
        for size in (config.input_size, 1)
    )
    for nonlinearity in ACTIVATIONS:
        yield from _compare_with(nonlinearity, config, seed, x, y)


def _compare_with(
    nonlinearity: Nonlinearity, config: RNNLayerConfig, seed: int, x: Tensor, y: Tensor
) -> Iterator[dict[str, Any]]:
    model = gaussian_rnn(
        config.hidden_size,
        input_size=config.input_size,
        weight_scale=0.9,  # a linear network of a thousand steps stays near 1
        bias_scale=0.5,
        nonlinearity=nonlinearity,
        generator=generator(seed, "network"),
    )
    layer = layers_of(model)[0]
    weights = weights_of(layer)
    ours = _outcome(model(x)[1], model, weights, y)
    loop = _outcome(textbook_loop(x, *weights, nonlinearity), model, weights, y)
    yield _row(nonlinearity, "textbook loop", ours, loop)
    if nonlinearity != "identity":  # torch.nn.RNN has no linear network
        peer, its_weights = _torch_rnn(layer, nonlinearity)
        yield _row(nonlinearity, "torch.nn.RNN", ours, _outcome(peer(x)[0], model, its_weights, y))


def weights_of(layer: RNNLayer) -> tuple[Tensor, Tensor, Tensor]:
    """The parameters W_h, W_x and b."""
    return layer.W_h, layer.W_x, layer.b


ACTIVATIONS: dict[Nonlinearity, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "identity": lambda z: z,
}


def textbook_loop(x: Tensor, W_h: Tensor, W_x: Tensor, b: Tensor, nonlinearity: Any) -> Tensor:
    """h_t = sigma(W_h h_{t-1} + W_x x_t + b) as written, one step at a time; (B, T, H)."""
    h, states = x.new_zeros(len(x), len(W_h)), []
    for t in range(x.shape[1]):
        h = ACTIVATIONS[nonlinearity](h @ W_h.T + x[:, t] @ W_x.T + b)
        states.append(h)
    return torch.stack(states, dim=1)


def _torch_rnn(layer: RNNLayer, nonlinearity: Any) -> tuple[nn.RNN, list[Tensor]]:
    """The same weights in ``torch.nn.RNN``, whose second bias stays zero, and its parameters."""
    peer = nn.RNN(
        layer.input_size, layer.hidden_size, nonlinearity=nonlinearity, batch_first=True
    ).double()
    named = dict(peer.named_parameters())
    weights: list[Tensor] = [named[f"{key}_l0"] for key in ("weight_hh", "weight_ih", "bias_hh")]
    with torch.no_grad():
        for mine, theirs in zip(weights_of(layer), weights, strict=True):
            theirs.copy_(mine)
        named["bias_ih_l0"].zero_()
    return peer, weights


def _outcome(
    hidden: Tensor, model: RecurrentRegressor, weights: Sequence[Tensor], y: Tensor
) -> dict[str, Tensor]:
    loss = regression_loss(model.readout(hidden), y)
    gradients = torch.autograd.grad(loss, weights)
    return {
        "states": hidden.detach(),
        "loss": loss.detach(),
        "gradients": torch.cat([gradient.flatten() for gradient in gradients]),
    }


def _row(
    nonlinearity: Any, reference: str, ours: dict[str, Tensor], theirs: dict[str, Tensor]
) -> dict[str, Any]:
    return {
        "nonlinearity": nonlinearity,
        "reference": reference,
        **{key: (ours[key] - theirs[key]).abs().max().item() for key in ours},
    }


def judge_one_unit(record: Record) -> list[Check]:
    """One unit after one step."""
    return [close("hidden state", record["one_unit"], ONE_UNIT, tolerance=PUBLISHED_TOLERANCE)]


def judge_states(record: Record) -> list[Check]:
    """Three units over four steps, and the parameter count."""
    checks = [
        close(f"unit {unit + 1} at step {t + 1}", value, STATES[t], tolerance=PUBLISHED_TOLERANCE)
        for t, row in enumerate(record["states"])
        for unit, value in enumerate(row)
    ]
    return [*checks, _exactly("parameters", record["layer_parameters"], LAYER_PARAMETERS)]


def judge_regressor(record: Record) -> list[Check]:
    """The parameter count of the regressor."""
    return [_exactly("parameters", record["regressor_parameters"], REGRESSOR_PARAMETERS)]


def judge_loss(record: Record) -> list[Check]:
    """Both losses."""
    expected = (("every", LOSS_EVERY_STEP), ("last", LOSS_LAST_STEP))
    return [
        close(f"{which} step", record[f"loss_{which}_step"], value, tolerance=PUBLISHED_TOLERANCE)
        for which, value in expected
    ]


def _exactly(label: str, measured: int, expected: int) -> Check:
    return close(label, measured, expected, tolerance=0)


def judge_reference(quantity: str) -> Callable[[Record], list[Check]]:
    """Return a judge that bounds the largest difference in ``quantity`` per reference."""

    def judge(record: Record) -> list[Check]:
        return [
            at_most(
                f"{nonlinearity} against {reference}",
                _largest(record, quantity, nonlinearity, reference),
                REFERENCE_TOLERANCE,
            )
            for nonlinearity, reference in _pairs(record)
        ]

    return judge


def _largest(record: Record, quantity: str, nonlinearity: str, reference: str) -> float:
    return worst(
        row[quantity]
        for row in record["rows"]
        if (row["nonlinearity"], row["reference"]) == (nonlinearity, reference)
    )


def _pairs(record: Record) -> list[tuple[str, str]]:
    return list(dict.fromkeys((r["nonlinearity"], r["reference"]) for r in record["rows"]))


def draw_states(record: Record) -> go.Figure:
    """Measured states of the published example over the published ones."""
    steps = [1, 2, 3, 4]
    chart = theme.figure("time step t", "hidden state h_t (same in each unit)")
    theme.line(chart, steps, [row[0] for row in record["states"]], "this layer")
    theme.points(chart, steps, STATES, "published", size=13)
    chart.data[1].marker.symbol = "circle-open"
    chart.update_xaxes(dtick=1)
    return chart


def draw_differences(record: Record) -> go.Figure:
    """Largest difference from each reference, beside the tolerance."""
    chart = theme.figure("compared quantity", "largest absolute difference", log_y=True)
    quantities = ("states", "loss", "gradients")
    for nonlinearity, reference in _pairs(record):
        found = [_largest(record, quantity, nonlinearity, reference) for quantity in quantities]
        # A difference of exactly zero is drawn at half the spacing of float64 at 1.
        shown = [max(value, 2.0**-53) for value in found]
        theme.points(chart, quantities, shown, f"{nonlinearity}, {reference}", size=11)
    theme.reference(chart, y=REFERENCE_TOLERANCE, text="tolerance")
    chart.update_yaxes(range=[-17, -5])
    return chart


def table_published(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Every published number beside ours."""
    rows: list[list[Any]] = [
        ["one unit, every parameter 0.1, x = 1", record["one_unit"], ONE_UNIT],
        *[
            [f"three units, every parameter -0.1, step {t + 1}", row[0], STATES[t]]
            for t, row in enumerate(record["states"])
        ],
        ["parameters of RNNLayer(2, 3)", record["layer_parameters"], LAYER_PARAMETERS],
        ["parameters with four outputs", record["regressor_parameters"], REGRESSOR_PARAMETERS],
        ["loss over every step", record["loss_every_step"], LOSS_EVERY_STEP],
        ["loss at the last step", record["loss_last_step"], LOSS_LAST_STEP],
    ]
    return ("quantity", "measured", "published"), rows


EXPERIMENT = Experiment(
    name="rnn-layer",
    title="A recurrent layer by hand",
    source=("1a", "1b", "1c"),
    summary=(
        "A recurrent layer keeps a memory h and updates it at every step from what it remembers "
        "and what it reads: h_t = sigma(W_h h_{t-1} + W_x x_t + b). A regressor reads a prediction "
        "off every h_t, and the loss is the mean squared error over all steps or at the last one. "
        "Here all three are held to numbers that can be worked out with a pencil, and then, with "
        "random weights and in double precision, to a loop written as in a textbook and to "
        "torch.nn.RNN."
    ),
    config=RNNLayerConfig,
    stages=(Stage("published", measure_published), Stage("reference", measure_reference)),
    claims=(
        Claim(
            id="1a.one-unit",
            statement="One unit with every parameter 0.1 that reads x = 1 is at 0.1973753273.",
            source="question 1a",
            record="published",
            judge=judge_one_unit,
            explanation="tanh(0.1 x 0 + 0.1 x 1 + 0.1) = tanh(0.2): h_0 is zero, and there is one "
            "bias, not two.",
        ),
        Claim(
            id="1a.states",
            statement="Without a nonlinearity and with every parameter -0.1, three units go "
            "through -0.1250, -0.1075, -0.1328, -0.1452; the layer has 18 parameters.",
            source="question 1a",
            record="published",
            judge=judge_states,
            explanation="W_h has 3 x 3 numbers, W_x 3 x 2 and b 3. All units are alike, so each "
            "step is h <- -0.3 h - 0.1 (x_1 + x_2) - 0.1. The published states have four decimals.",
        ),
        Claim(
            id="1a.reference",
            statement="With random weights all hidden states agree with a textbook loop and with "
            "torch.nn.RNN to 1e-6 in double precision.",
            source="question 1a",
            record="reference",
            judge=judge_reference("states"),
            explanation="torch.nn.RNN has two biases, of which only the sum acts; ours is that.",
        ),
        Claim(
            id="1b.parameters",
            statement="A regressor with four outputs on that layer has 34 parameters.",
            source="question 1b",
            record="published",
            judge=judge_regressor,
            explanation="18 of the layer, 4 x 3 of W_f and 4 of its bias.",
        ),
        Claim(
            id="1b.gradients",
            statement="The gradient of every recurrent parameter agrees with automatic "
            "differentiation of a textbook loop and of torch.nn.RNN to 1e-6 in double precision.",
            source="question 1b",
            record="reference",
            judge=judge_reference("gradients"),
            explanation="The layer carries its own backward pass through time, written by hand; "
            "this is the test that it is the derivative of its forward pass.",
        ),
        Claim(
            id="1c.loss",
            statement="The loss of the published example is 3.0067 over every step and 3.7 at the "
            "last step.",
            source="question 1c",
            record="published",
            judge=judge_loss,
            explanation="The squares are 1.44, 1.96, 2.56, 3.24, 4 and 4.84; the mean of all six "
            "is 18.04/6, that of the two last ones 3.7. A sum, or a factor 1/2, would show.",
        ),
        Claim(
            id="1c.reference",
            statement="With random weights the loss agrees with that of a textbook loop and of "
            "torch.nn.RNN to 1e-6 in double precision.",
            source="question 1c",
            record="reference",
            judge=judge_reference("loss"),
        ),
    ),
    figures=(
        Figure(
            "states",
            "The published example",
            "Hidden states of three identical linear units whose inputs grow: the memory swings, "
            "since W_h is negative. Circles: the published values.",
            "published",
            draw_states,
        ),
        Figure(
            "differences",
            "Two implementations, one answer",
            "Largest absolute difference from a textbook loop and from torch.nn.RNN over all "
            "networks, in double precision. Rounding alone gives 1e-16 to 1e-13; the line is the "
            "tolerance. A difference of exactly zero is drawn at 2^-53.",
            "reference",
            draw_differences,
        ),
    ),
    tables=(Table("published", "Published values", "published", table_published),),
    metrics=lambda records: {
        "largest_difference": worst(
            row[quantity]
            for row in records["reference"]["rows"]
            for quantity in ("states", "loss", "gradients")
        )
    },
)
