"""One observed call of one recurrent layer: what it read, what it gave, where its gradients are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from eigenlab.recurrent.tape import Run, Tape, Weights

Gradients = Sequence[Tensor | None]


@dataclass(frozen=True)
class PackedBatch:
    """A packed batch: ``batch_sizes``, and where each of the owner's sequences stands in it."""

    sizes: Tensor
    order: Tensor | None

    def padded(self, data: Tensor) -> tuple[Tensor, Tensor]:
        """(T, B, n) in the owner's order, zero beyond the lengths, and the lengths (B,)."""
        return pad_packed_sequence(PackedSequence(data, self.sizes, None, self.order))

    def ordered(self, rows: Tensor) -> Tensor:
        """(B, n) in the owner's order."""
        return rows if self.order is None else rows.index_select(0, self.order)


class LayerCall:
    """One call of one layer, with both directions where it has two.

    Args:
        kind: the tape that follows its gradients.
        weights: of each direction.
        x: inputs (T, B, I), or the packed data.
        first: the first hidden states, (B, H) for each direction, and the first cell states.
        results: all hidden states, the last ones and the last cell states as the call returned
            them; the last ones are None or left out where they are no results of their own.
        packed: the packed batch, or None. Default: ``None``.
        owner: the module that made the call, by name, or what tells its weights apart.
        layer: index in a stack, or None for a single layer. Default: ``None``.
        sequences: how many sequences of the batch are kept, the first ones; None for all. Default:
            ``None``.

    Attributes:
        hidden: hidden states (T, B, D H) for D directions.
        lengths: (B,) valid steps of each sequence of a packed batch, or None.
        edges: where autograd finds the gradients of ``results``; None where it finds none.
        differentiable: whether autograd was on.
    """

    def __init__(
        self,
        kind: type[Tape],
        weights: list[Weights],
        x: Tensor,
        first: Sequence[Sequence[Tensor]],
        results: tuple[Tensor, *tuple[Tensor | None, ...]],
        *,
        packed: PackedBatch | None = None,
        owner: str | tuple[int, ...] = "",
        layer: int | None = None,
        sequences: int | None = None,
    ) -> None:
        self._kept = slice(sequences)
        self.kind, self.weights, self.packed = kind, weights, packed
        self.owner, self.layer = owner, layer
        self.differentiable = torch.is_grad_enabled()
        self.edges = [_edge(result) for result in results]
        self.lengths: Tensor | None = None
        with torch.no_grad():
            self.hidden, self.lengths = self._padded(results[0])
            self.x, _ = self._padded(x)
            self.first = [[self._rows(state) for state in states] for states in first]

    @property
    def directions(self) -> int:
        """1, or 2 for a bidirectional layer."""
        return len(self.weights)

    def tape(self, direction: int, copies: int = 0) -> Tape:
        """The tape of a direction, in the order in which its state runs.

        Args:
            direction: 0, or 1 for the reversed one.
            copies: how many of the first sequences are appended to the batch once more.
        """
        hidden = self.hidden.chunk(self.directions, dim=-1)[direction]
        h0, *c0 = (states[direction] for states in self.first)
        run = Run(
            self.in_run_order(self.x, direction), h0, self.in_run_order(hidden, direction), *c0
        )
        if copies:
            run = run.with_copies(copies)
        return self.kind(self.weights[direction], run)

    def last_hidden(self, direction: int) -> Tensor:
        """Hidden state after each sequence's last step, (B, H)."""
        states = self.in_run_order(self.hidden.chunk(self.directions, dim=-1)[direction], direction)
        if self.lengths is None:
            return states[-1]
        return states[self.lengths - 1, torch.arange(len(self.lengths))]

    def in_run_order(self, values: Tensor, direction: int) -> Tensor:
        """(T, B, n) in the order in which the state of a direction runs (its own inverse)."""
        if direction == 0:
            return values
        if self.lengths is None:
            return values.flip(0)
        steps = torch.arange(len(values), device=values.device).unsqueeze(1)
        lengths = self.lengths.to(values.device)
        index = torch.where(steps < lengths, lengths - 1 - steps, steps)
        return values.gather(0, index.unsqueeze(-1).expand_as(values))

    def direct(self, gradients: Gradients, direction: int) -> tuple[Tensor, Tensor | None]:
        """The direct parts of dL/dh_t and of dL/dc_t (None for zeros), in the order of the run.

        Args:
            gradients: of the results, as autograd gives them at :attr:`edges`.
            direction: 0, or 1 for the reversed one.
        """
        by_hidden, by_last, by_cell = [*gradients, None, None][:3]
        all_seeds = (
            torch.zeros_like(self.hidden) if by_hidden is None else self._padded(by_hidden)[0]
        )
        seed = self.in_run_order(all_seeds.chunk(self.directions, dim=-1)[direction], direction)
        if by_last is not None:
            seed = self._added_at_the_end(seed, by_last, direction)
        if by_cell is None or not by_cell.any():
            return seed, None
        cells = seed.new_zeros(*seed.shape[:2], by_cell.shape[-1])
        return seed, self._added_at_the_end(cells, by_cell, direction)

    def _added_at_the_end(self, seed: Tensor, gradient: Tensor, direction: int) -> Tensor:
        rows = self._rows(gradient[direction] if gradient.ndim == 3 else gradient)
        seed = seed.clone()
        if self.lengths is None:
            seed[-1] += rows
        else:
            seed[self.lengths - 1, torch.arange(len(self.lengths))] += rows
        return seed

    def _padded(self, data: Tensor) -> tuple[Tensor, Tensor | None]:
        """A (T, B, n) copy in the dtype of the weights."""
        lengths = None
        if self.packed is not None:
            data, lengths = self.packed.padded(data)
            lengths = lengths[self._kept]
        elif data.ndim == 2:  # one step of a cell
            data = data.unsqueeze(0)
        kept = data.detach()[:, self._kept]
        return kept.to(self.weights[0].w_x.dtype, copy=True), lengths

    def _rows(self, states: Tensor) -> Tensor:
        states = states if self.packed is None else self.packed.ordered(states)
        return states.detach()[self._kept].to(self.weights[0].w_x.dtype, copy=True)


def _edge(result: Tensor | None) -> GradientEdge | None:
    return get_gradient_edge(result) if result is not None and result.requires_grad else None
