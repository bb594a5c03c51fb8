"""Comparisons of recurrent networks with random weights, and from given first states."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.grading.comparison import Comparison
from eigenlab.grading.matching import match


def own_weights(label: str, network: Any, peer: nn.RNNBase, owner: str) -> Iterator[Comparison]:
    """Whether each number is a weight of its own, and acts as that of torch's network.

    Args:
        label: the network, in words.
        network: a layer or a stack; gets random weights.
        peer: torch's network of the same sizes; gets the same weights.
        owner: what has weights of its own; a layer's gates are ``"gate"``.
    """
    draw = torch.Generator().manual_seed(0)
    unused = match(network, peer, draw)
    yield Comparison(
        f"how many of the numbers in the parameters of {label} have no effect on what it returns",
        unused,
        0,
        mistakes={f"{unused} have none: each {owner} uses weights of its own.": unused or None},
    )
    if unused:
        return
    x = torch.randn(4, 5, peer.input_size, generator=draw)
    given = _each(network(x), peer)
    with torch.no_grad():
        right, mixed = (_each(run(x), peer) for run in (peer, _of_mean_states(peer)))
    if owner == "gate":  # of one layer, whose last states have no axis of layers
        right, mixed = ([values[0], *(v[0] for v in values[1:])] for values in (right, mixed))
    names = ("all hidden states", "the last hidden states", "the last cell states")
    for name, found, expected, mistake in zip(names, given, right, mixed, strict=False):
        yield Comparison(
            f"{name} of {label} with random weights",
            found,
            expected,
            mistakes={
                "the units read the mean of h_{t-1}, or its sum; each reads every unit with a "
                "weight of its own.": mistake
            },
            advice="They are right if all weights are equal, so one of them stands in the place "
            "of another.",
        )


def _each(found: Any, peer: nn.RNNBase) -> list[Any]:
    """All hidden states, and the last ones of each kind."""
    states, last = found[:2]
    return [states, *(last[:2] if isinstance(peer, nn.LSTM) else [last])]


def _of_mean_states(peer: nn.RNNBase) -> nn.RNNBase:
    """A copy whose units read the mean of the states, with the sum of their weights."""
    changed = copy.deepcopy(peer)
    for name, parameter in changed.named_parameters():
        if name.startswith("weight_hh"):
            parameter.copy_(parameter.mean(dim=1, keepdim=True).expand_as(parameter))
    return changed


def first_states_of_a_layer(layer: Any, peer: nn.RNNBase) -> Iterator[Comparison]:
    """Some editions have a layer without ``hc0``; the stack needs it in any case."""
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(4, 5, peer.input_size, generator=draw)
    h0, c0 = torch.randn(2, 4, 3, generator=draw).unbind()
    try:
        found = layer(x, (h0, c0))
    except Exception as error:
        words = getattr(error, "explanation", f"{type(error).__name__}: {error}")
        if re.search(r"\b(takes|expected at most) .*argument", words):
            return
        raise
    none = torch.zeros_like(h0)
    yield _from_first_states("LSTMLayer(2, 3)", found[0], x, (h0, c0, none), peer)


def first_states(network: Any, label: str, peer: nn.RNNBase) -> Comparison:
    """Whether a stack starts from hc0, with the weights of ``peer``."""
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(4, 5, peer.input_size, generator=draw)
    h0, c0 = torch.randn(2, peer.num_layers, 4, 3, generator=draw).unbind()
    found = network(x, (h0, c0))[0]
    return _from_first_states(label, found, x, (h0, c0, torch.zeros_like(h0)), peer)


def _from_first_states(
    label: str, given: Any, x: Tensor, states: tuple[Tensor, Tensor, Tensor], peer: nn.RNNBase
) -> Comparison:
    """All hidden states with a network's first states h0 and c0; zeros of their shape are third."""
    h0, c0, none = (s if s.ndim == 3 else s[None] for s in states)
    wrong = {
        "hc0 is ignored: the states start from zero.": (none, none),
        "c0 is ignored.": (h0, none),
        "h0 is ignored.": (none, c0),
        "h0 and c0 are swapped; hc0 is (h0, c0).": (c0, h0),
    }
    if len(h0) > 1:
        text = "the layers of hc0 are in reversed order, the bottom layer comes first."
        wrong[text] = (h0.flip(0), c0.flip(0))
    with torch.no_grad():
        right = peer(x, (h0, c0))[0]
        mistakes = {sentence: peer(x, first)[0] for sentence, first in wrong.items()}
    return Comparison(
        f"all hidden states of {label} that starts from hc0=(h0, c0)",
        given,
        right,
        mistakes=mistakes,
        advice="layer l starts from (h0[l], c0[l]), each (B, hidden_size)."
        if len(h0) > 1
        else "it starts from h0 and c0, each (B, hidden_size).",
    )
