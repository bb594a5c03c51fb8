"""The states of one layer over time, from the calls that continue one another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge

from eigenlab.errors import InputError
from eigenlab.recurrent.calls import LayerCall
from eigenlab.recurrent.layers import LSTM, RNN
from eigenlab.recurrent.tape import Tape, full_precision

SUPPORTED = (
    "torch.nn.RNN, LSTM, GRU and their cells, or eigenlab's RNNLayer, LSTMLayer, RNN and LSTM"
)


EdgeGradients = Mapping[GradientEdge, Tensor]


@dataclass(frozen=True)
class Sweep:
    """Gradients of one layer: dL/dh_t (T, B, H) by time, and delta of each call in run order."""

    totals: Tensor
    deltas: list[Tensor]


class States(Protocol):
    """Hidden states over time, whatever computed them."""

    name: str
    hidden: Tensor
    lengths: Tensor | None

    @property
    def edges(self) -> list[GradientEdge]:
        """Where autograd finds the gradients that :meth:`sweep` needs."""

    @property
    def call_steps(self) -> list[int]:
        """Time steps of each call."""

    def sweep(self, gradients: EdgeGradients) -> Sweep:
        """dL/dh_t over every path, from the gradients at :attr:`edges`."""


class LayerRun:
    """One direction of one layer, over its calls.

    Args:
        name: for messages and figures.
        calls: of one layer; each starts from the last state of the one before.
        direction: 0, or 1 for the reversed one.

    Attributes:
        hidden: (T, B, H), by time.
    """

    def __init__(self, name: str, calls: Sequence[LayerCall], direction: int) -> None:
        self.name, self.calls, self.direction = name, list(calls), direction
        self.lengths = calls[0].lengths
        parts = [call.hidden.chunk(call.directions, dim=-1)[direction] for call in calls]
        self.hidden = parts[0] if len(parts) == 1 else torch.cat(parts)

    @property
    def kind(self) -> str:
        """RNN, LSTM or GRU."""
        return _kind(self.calls[0])

    @property
    def carries_its_state(self) -> bool:
        """Whether each call starts from the very state that the one before ended in."""
        pairs = zip(self.calls[:-1], self.calls[1:], strict=True)
        return all(torch.equal(later.first[0][0], call.last_hidden(0)) for call, later in pairs)

    @cached_property
    @full_precision
    def tapes(self) -> list[Tape]:
        """The tape of each call."""
        return [call.tape(self.direction) for call in self.calls]

    @property
    def edges(self) -> list[GradientEdge]:
        """Of the results of every call."""
        return [edge for call in self.calls for edge in call.edges if edge is not None]

    @full_precision
    def direct(self, gradients: EdgeGradients) -> list[tuple[Tensor, Tensor | None]]:
        """The direct parts of dL/dh_t and dL/dc_t in each call, in the order of the run."""
        return [
            call.direct([gradients.get(e) if e else None for e in call.edges], self.direction)
            for call in self.calls
        ]

    @property
    def call_steps(self) -> list[int]:
        """Time steps of each call."""
        return [len(call.hidden) for call in self.calls]

    @property
    def has_square_blocks(self) -> bool:
        """Whether the layer has recurrent blocks with eigenvalues, the same in all calls."""
        first = self.tapes[0].weights
        same = all(tape.weights.w_h is first.w_h for tape in self.tapes)
        return same and first.w_hr is None

    def mean_over_batch(self, values: Tensor) -> Tensor:
        """Mean of (T, B) over the sequences that have a step, (T,)."""
        return mean_over_valid(values.T, self.lengths)

    @full_precision
    def sweep(self, gradients: EdgeGradients) -> Sweep:
        """dL/dh_t over every path, and delta."""
        pairs = [
            tape.backward(*seeds)
            for tape, seeds in zip(self.tapes, self.direct(gradients), strict=True)
        ]
        return Sweep(self.by_time([total for total, _ in pairs]), [delta for _, delta in pairs])

    def by_time(self, parts: Sequence[Tensor]) -> Tensor:
        """One (T, B, n) tensor by time, from one in run order for each call."""
        ordered = [
            call.in_run_order(part, self.direction)
            for call, part in zip(self.calls, parts, strict=True)
        ]
        return ordered[0] if len(ordered) == 1 else torch.cat(ordered)

    @cached_property
    def tape(self) -> Tape:
        """The tape of the first call, whose weights all calls share."""
        first = self.tapes[0]
        if any(tape.weights.w_h is not first.weights.w_h for tape in self.tapes):
            raise InputError(
                f"{self.name} is called with other weights at each step; they have no spectrum "
                "in common"
            )
        return first

    @full_precision
    def jacobians(self, sequence: int) -> Tensor:
        """ds_t/ds_{t-1} in the order of the run, (T, S, S)."""
        if not self.carries_its_state:
            raise InputError(
                f"the model changes the state of {self.name} between its calls, so the Jacobians "
                "of the calls are not those of the run"
            )
        pick = slice(sequence, sequence + 1)
        parts = [_jacobians(type(t)(t.weights, t.run.of_sequences(pick))) for t in self.tapes]
        length = None if self.lengths is None else int(self.lengths[sequence])
        return torch.cat(parts)[:length]


def _jacobians(single: Tape) -> Tensor:
    hidden = single.hidden.shape[-1]
    cell = single.last_cell
    size = hidden + (cell.shape[-1] if cell is not None else 0)
    seeds = torch.eye(size, dtype=single.hidden.dtype, device=single.hidden.device)
    grad_h = seeds[:, :hidden].unsqueeze(1)
    grad_c = seeds[:, hidden:].unsqueeze(1) if cell is not None else None
    rows = []
    for t in range(len(single.hidden)):
        _, by_h, by_c = single.step_back(t, grad_h, grad_c)
        rows.append(by_h if by_c is None else torch.cat([by_h, by_c], dim=-1))
    return torch.stack(rows).squeeze(2)


def mean_over_valid(values: Tensor, lengths: Tensor | None) -> Tensor:
    """Mean of (..., B, T) over the sequences that have a step, (..., T)."""
    if lengths is None:
        return values.mean(dim=-2)
    steps = torch.arange(values.shape[-1], device=values.device)
    valid = steps < lengths.to(values.device).unsqueeze(1)
    return torch.where(valid, values, 0.0).sum(dim=-2) / valid.sum(dim=0)


def layer_runs(calls: Sequence[LayerCall]) -> list[LayerRun]:
    """Join the calls that continue one another; a row for each layer, direction and sequence.

    A call continues the one before it of the same layer if it starts from that one's last state, or
    from another one that is neither zero nor the first of the run: what the model has made of it,
    e.g. by a mask or dropout.
    """
    chains: list[list[LayerCall]] = []
    for call in calls:
        for chain in chains:
            if _continues(call, chain):
                chain.append(call)
                break
        else:
            chains.append([call])
    counts: dict[object, int] = {}
    runs = []
    for chain in chains:
        key = (chain[0].owner, chain[0].layer)
        counts[key] = counts.get(key, 0) + 1
        for direction in range(chain[0].directions):
            runs.append(LayerRun(_name(chain[0], direction, counts[key]), chain, direction))
    return runs


def _continues(call: LayerCall, chain: Sequence[LayerCall]) -> bool:
    first, last = chain[0], chain[-1]
    if (call.owner, call.layer, call.kind) != (last.owner, last.layer, last.kind):
        return False
    if call.lengths is not None or last.lengths is not None or call.directions > 1:
        return False
    given, before = call.first[0][0], first.first[0][0]
    if given.shape != before.shape:
        return False
    if torch.equal(given, last.last_hidden(0)):
        return True
    return bool(given.any()) and not torch.equal(given, before)


def _kind(call: LayerCall) -> str:
    return call.kind.__name__.removesuffix("Tape")


def _name(call: LayerCall, direction: int, count: int) -> str:
    parts = [call.owner if isinstance(call.owner, str) and call.owner else _kind(call)]
    parts[0] = parts[0].removeprefix("_orig_mod.")  # of a compiled model
    parts += [f"layer {call.layer}"] if call.layer is not None else []
    parts += ["reversed"] if direction else []
    parts += [f"run {count}"] if count > 1 else []
    return " ".join(parts)


def choose_calls(
    model: nn.Module, calls: Sequence[LayerCall], recurrent: nn.Module | str | None
) -> list[LayerCall]:
    """The calls of one recurrent part of the model, or those made inside a module.

    Raises:
        InputError: there is none, there are several to choose from, or ``recurrent`` is no part of
            the model.
    """
    if recurrent is not None:
        return calls_within(calls, part_name(model, recurrent))
    parts: dict[object, list[LayerCall]] = {}
    for call in calls:
        parts.setdefault(_outermost(model, call.owner), []).append(call)
    if len(parts) > 1:
        names = ", ".join(
            repr(p) if isinstance(p, str) else "weights without a module" for p in parts
        )
        raise InputError(
            f"model runs {len(parts)} recurrent modules: {names}; name the one to trace with "
            "recurrent=, or a module that holds several of equal size"
        )
    return next(iter(parts.values()), [])


def calls_within(calls: Sequence[LayerCall], name: str) -> list[LayerCall]:
    """The calls made by a module or inside it."""
    return [call for call in calls if _within(call.owner, name)]


def part_name(model: nn.Module, recurrent: nn.Module | str) -> str:
    """The dotted name of a part of the model."""
    if isinstance(recurrent, nn.Module):
        for name, module in model.named_modules():
            if module is recurrent:
                return name
        raise InputError(f"recurrent is a {type(recurrent).__name__} that is no part of the model")
    if recurrent not in dict(model.named_modules()):
        raise InputError(f"recurrent={recurrent!r} names no module of the model")
    return recurrent


def _within(owner: str | tuple[int, ...], name: str) -> bool:
    if not name:
        return True
    return isinstance(owner, str) and (owner == name or owner.startswith(f"{name}."))


def _outermost(model: nn.Module, owner: str | tuple[int, ...]) -> object:
    """The outermost recurrent module around a call: an eigenlab stack for one of its layers."""
    if not isinstance(owner, str):
        return owner
    names = owner.split(".")
    for count in range(len(names)):
        outer = ".".join(names[:count])
        if isinstance(model.get_submodule(outer), RNN | LSTM):
            return outer
    return owner
