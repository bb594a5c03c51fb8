"""In words: do gradients vanish or explode, where, since when, and what usually helps?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

FACTOR = 1000.0
"""A gradient that changes by this factor over the sequence has vanished or exploded (1e)."""

State = Literal["vanishing", "exploding", "neither"]

REMEDIES = {
    "vanishing": (
        "start from orthogonal recurrent matrices, spectral radius 1 (claim 1e.vanish-or-explode: "
        "at 1 the gradient does neither)",
        "use a gated layer such as an LSTM (claim 1h.lstm-slower)",
        "give an LSTM's forget gate a bias of 1 or more (claim 1h.forget-gate: the rate is "
        "ln sigmoid(b_f))",
        "if the targets allow it, add a loss at every step (claim 1g.easy-steps-first; it does not "
        "help where every target is distant, 1g.long-range)",
    ),
    "exploding": (
        "clip the norm of the gradient, torch.nn.utils.clip_grad_norm_ (claim "
        "1f.relu-gradient-explodes shows what it bounds)",
        "start from orthogonal recurrent matrices or scale them down (claim 1e.vanish-or-explode)",
        "replace ReLU by tanh (claim 1f.tanh-bounded)",
    ),
}


@dataclass(frozen=True)
class LayerFlow:
    """Where the gradient of one layer went in one training step.

    Attributes:
        hidden_norms: |h_t| for t = 1 .. T.
        gradient_norms: |dL/dh_t| for t = 1 .. T.
        lyapunov_exponent: largest finite-time Lyapunov exponent of the state, nats per step; the
            mean over a few sequences.
        spectral_radius: of each recurrent block by name, where it was computed.
    """

    hidden_norms: list[float]
    gradient_norms: list[float]
    lyapunov_exponent: float
    spectral_radius: dict[str, float]

    @property
    def state(self) -> State:
        """Whether a perturbation changes by more than a factor of 1000 over the sequence."""
        change = self.lyapunov_exponent * len(self.gradient_norms)
        if math.isnan(change) or change > math.log(FACTOR):
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
    remedies = "".join(f"\n  - {remedy}" for remedy in REMEDIES[flow.state])
    return f"{text}. What usually helps:{remedies}"


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
