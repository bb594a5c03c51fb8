"""Hidden states that a module of the owner returns, found in autograd's graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from eigenlab.errors import InputError
from eigenlab.recurrent.runs import Sweep

_STACKING = ("StackBackward0", "CatBackward0")
_RESHAPING = (
    "TransposeBackward0",
    "PermuteBackward0",
    "UnsqueezeBackward0",
    "SqueezeBackward1",
    "ViewBackward0",
    "UnsafeViewBackward0",
    "CloneBackward0",
    "AliasBackward0",
    "TBackward0",
)


class NamedStates:
    """The states h_1 .. h_T that the owner's own recurrence computes one from the other.

    Args:
        name: of the module.
        states: a list of T tensors (B, H), those that the next step reads, or one tensor in which
            they are stacked along time.

    Attributes:
        hidden: (T, B, H), by time.

    Raises:
        InputError: the states are not computed from one another.
    """

    lengths: Tensor | None = None

    def __init__(self, name: str, states: Any) -> None:
        self.name = name
        unstacked = _unstacked(states) if isinstance(states, Tensor) else _listed(states)
        self._edges, values = unstacked
        self.hidden = torch.stack([value.detach() for value in values])
        self._check_recurrence(values)

    @property
    def edges(self) -> list[GradientEdge]:
        """Of each state."""
        return self._edges

    @property
    def call_steps(self) -> list[int]:
        """Time steps: one call."""
        return [len(self.hidden)]

    def _check_recurrence(self, values: list[Tensor]) -> None:
        """Refuse copies of the states, whose gradients miss the paths through time."""
        later = {1, len(values) // 2, len(values) - 1} - {0}
        if later and not any(_reads(values[t], self._edges[t - 1]) for t in later):
            raise InputError(
                "the states are not computed from the returned ones before them; return the very "
                "tensors that the next step reads, as a list or stacked, and not copies of them"
            )

    def sweep(self, gradients: Mapping[GradientEdge, Tensor]) -> Sweep:
        """dL/dh_t: autograd follows every path itself."""
        totals = torch.zeros_like(self.hidden)
        for t, edge in enumerate(self._edges):
            if edge in gradients:
                totals[t] = gradients[edge].reshape(self.hidden[t].shape)
        return Sweep(totals, [])


def _reads(state: Tensor, earlier: GradientEdge) -> bool:
    (found,) = torch.autograd.grad(state.sum(), [earlier], retain_graph=True, allow_unused=True)
    return found is not None and bool(found.any())


def _listed(states: Any) -> tuple[list[GradientEdge], list[Tensor]]:
    tensors = list(states) if isinstance(states, list | tuple) else []
    if not tensors or not all(isinstance(s, Tensor) and s.ndim == 2 for s in tensors):
        raise InputError(
            f"states are a {type(states).__name__}, expected a list of T tensors (batch, "
            "hidden_size) or one tensor in which they are stacked along time"
        )
    for state in tensors:
        _check_gradient(state)
    return [_below_reshaping(get_gradient_edge(state)) for state in tensors], tensors


def _unstacked(stacked: Tensor) -> tuple[list[GradientEdge], list[Tensor]]:
    """The states in the graph below a stacked tensor."""
    _check_gradient(stacked)
    node = _below_reshaping(get_gradient_edge(stacked)).node
    if stacked.ndim != 3 or node.name() not in _STACKING:
        raise InputError(
            f"the states of shape {tuple(stacked.shape)} come from {node.name()}, not from "
            "stacking one state a step along time; return the list of states instead"
        )
    below = [(parent, number) for parent, number in node.next_functions if parent is not None]
    edges = [_below_reshaping(GradientEdge(parent, number)) for parent, number in below]
    for axis in (0, 1):
        if stacked.shape[axis] == len(edges) and _is_time(stacked, axis, edges):
            return edges, list(stacked.unbind(axis))
    raise InputError(
        f"which axis of the states of shape {tuple(stacked.shape)} is time cannot be told; return "
        "the list of states instead"
    )


def _check_gradient(states: Tensor) -> None:
    if states.grad_fn is None:
        raise InputError("the states do not require gradients; was autograd off while they ran?")


def _below_reshaping(edge: GradientEdge) -> GradientEdge:
    """The edge of the tensor that was reshaped, transposed or copied."""
    while edge.node.name() in _RESHAPING:
        below, number = edge.node.next_functions[0]
        if below is None:
            break
        edge = GradientEdge(below, number)
    return edge


def _is_time(stacked: Tensor, axis: int, edges: list[GradientEdge]) -> bool:
    """Whether the first slice along an axis is the first state: it reads no later one."""
    first = stacked.select(axis, 0).sum()
    found = torch.autograd.grad(first, edges, retain_graph=True, allow_unused=True)
    return found[0] is not None and all(g is None or not g.any() for g in found[1:])
