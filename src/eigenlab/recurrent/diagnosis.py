"""In words: do gradients vanish or explode, where, since when, and what usually helps?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FACTOR = 1000.0
"""A gradient that changes by this factor over the sequence has vanished or exploded (1e)."""

State = Literal["vanishing", "exploding", "neither"]

ORTHOGONAL = (
    "start from orthogonal recurrent matrices, torch.nn.init.orthogonal_ (claim "
    "1e.vanish-or-explode: at spectral radius 1 the gradient does neither)"
)
EVERY_STEP = (
    "if early targets depend on recent inputs, add a loss at every step (finding "
    "1g.easy-steps-first); where every target is distant it does not help (claim 1g.long-range)"
)
REMEDIES = {
    ("vanishing", "RNN"): (ORTHOGONAL, "use an LSTM (claim 1h.lstm-slower)", EVERY_STEP),
    ("vanishing", "LSTM"): (
        "raise the bias of the forget gate, e.g. to 3, or to ln of the distance to be bridged "
        "(claim 1h.forget-gate: the rate is ln sigmoid(b_f))",
        EVERY_STEP,
    ),
    ("vanishing", "GRU"): (
        "raise the bias of the update gate, which keeps the state as an LSTM's forget gate does "
        "(claim 1h.forget-gate)",
        EVERY_STEP,
    ),
    "exploding": (
        "clip the norm of the gradient, torch.nn.utils.clip_grad_norm_ (how often it explodes: "
        "claim 1f.relu-gradient-explodes)",
        ORTHOGONAL,
        "replace ReLU, if it is the nonlinearity, by tanh (claim 1f.tanh-bounded)",
    ),
}
"""What usually helps, with the claim that shows it."""


@dataclass(frozen=True)
class LayerFlow:
    """Where the gradient of one layer went in one training step."""

    hidden_norms: list[float]
    """|h_t| for t = 1 .. T."""
    gradient_norms: list[float]
    """|dL/dh_t| for t = 1 .. T."""
    lyapunov_exponent: float
    """Largest finite-time Lyapunov exponent of the state, nats per step: the mean over a few
    sequences; NaN where they have one step, or where the model changes the state between calls."""
    spectral_radius: dict[str, float]
    """Of each recurrent block by name, where it was computed."""
    kind: str
    """``"RNN"``, ``"LSTM"`` or ``"GRU"``."""

    @property
    def state(self) -> State:
        """Whether a perturbation changes by more than a factor of 1000 over the sequence."""
        change = self.lyapunov_exponent * len(self.gradient_norms)
        if change > math.log(FACTOR) or not all(map(math.isfinite, self.gradient_norms)):
            return "exploding"
        return "vanishing" if change < -math.log(FACTOR) else "neither"


@dataclass(frozen=True)
class FlowRecord:
    """What the monitor saw in one training step.

    Attributes:
        update: number of the training step, from 1.
        layers: by name, bottom first.
    """

    update: int
    layers: dict[str, LayerFlow]


def describe(records: Sequence[FlowRecord]) -> str:
    """A paragraph a layer: its state at the last record, since when, and remedies."""
    if not records:
        return "no training step was observed yet"
    return "\n".join(_describe_layer(name, records) for name in records[-1].layers)


def _describe_layer(name: str, records: Sequence[FlowRecord]) -> str:
    last = records[-1]
    flow, steps = last.layers[name], len(last.layers[name].gradient_norms)
    rate = flow.lyapunov_exponent
    where = (
        f"{name}, training step {last.update}: largest Lyapunov exponent {rate:+.3f} a time step"
    )
    if flow.state == "neither":
        return (
            f"{where}; over the {steps} steps of the sequence gradients change by a factor of "
            f"{_factor(rate * steps)}: they neither vanish nor explode"
        )
    since = _since(name, flow.state, records)
    verb = "vanish" if flow.state == "vanishing" else "explode"
    reach = math.log(FACTOR) / abs(rate) if rate else math.inf
    text = (
        f"{where}: gradients {verb}, by a factor of {FACTOR:g} every {reach:.0f} steps "
        f"(the sequence has {steps}), {since}"
    )
    silent = _silent_steps(flow.gradient_norms) if flow.state == "vanishing" else 0
    if silent:
        text += (
            f"; |dL/dh_t| is below a thousandth of its maximum at the first {silent} steps, which "
            "hardly learn"
        )
    remedies = "".join(f"\n  - {remedy}" for remedy in remedies_for(flow))
    return f"{text}. What usually helps:{remedies}"


def remedies_for(flow: LayerFlow) -> tuple[str, ...]:
    """What usually helps a layer of its kind in its state, with the claim that shows it."""
    if flow.state == "neither":
        return ()
    return REMEDIES["exploding" if flow.state == "exploding" else (flow.state, flow.kind)]


def _factor(log: float) -> str:
    return f"{math.exp(max(-700.0, min(700.0, log))):.2g}"


def _since(name: str, state: State, records: Sequence[FlowRecord]) -> str:
    first = len(records)
    for record in reversed(records):
        if name not in record.layers or record.layers[name].state != state:
            break
        first -= 1
    if first == 0:
        return "since the first observed step"
    return f"since training step {records[first].update}"


def _silent_steps(norms: Sequence[float]) -> int:
    """How many of the first steps have a gradient below a thousandth of the largest."""
    largest = max(norms)
    for index, value in enumerate(norms):
        if value * FACTOR >= largest:
            return index
    return 0
