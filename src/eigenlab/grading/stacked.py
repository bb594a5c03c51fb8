"""Checks of problem 1, part 1h: an LSTM layer, and stacks of layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.grading.comparison import Comparison
from eigenlab.grading.own_weights import first_states, first_states_of_a_layer, own_weights
from eigenlab.grading.parts import part
from eigenlab.grading.recurrent import (
    DATA,
    TANH_STATES,
    alike,
    count,
    fill,
    gradient,
    last_mistakes,
    returned,
)

#: Published hidden states of three equal units whose parameters are all -0.1, (2, 4), of the top
#: layer: an RNN of two layers, an LSTM of one and of three.
TWO_LAYERS = ((-0.0626, -0.0490, -0.0457, -0.0430), (-0.1174, -0.1096, -0.1354, -0.0342))
LSTM_STATES = ((-0.0273, -0.0420, -0.0514, -0.0583), (0.0159, 0.0568, 0.1142, 0.0369))
THREE_LAYERS = ((-0.0212, -0.0296, -0.0329, -0.0343), (-0.0211, -0.0291, -0.0320, -0.0332))
#: Published last hidden and cell states of every layer of those LSTMs, (L, 2).
LAST_H = ((-0.0583, 0.0369), (-0.0320, -0.0430), (-0.0343, -0.0332))
LAST_C = ((-0.1280, 0.0759), (-0.0666, -0.0907), (-0.0716, -0.0693))

Pair = tuple[Tensor, Tensor]


def constant_lstm(
    x: Tensor,
    value: float,
    *,
    bias: float = 1.0,
    candidate: Callable[[Tensor], Tensor] = torch.tanh,
    gate: Callable[[Tensor], Tensor] = torch.sigmoid,
    output: Callable[[Tensor], Tensor] = torch.sigmoid,
    squash: Callable[[Tensor], Tensor] = torch.tanh,
    keeps: bool = True,
    reads_h: bool = True,
) -> Pair:
    """All hidden and cell states (B, T, 3) of three units whose parameters are all ``value``.

    Every gate then has the same argument; the options are likely mistakes.
    """
    h = c = x.new_zeros(len(x), 3)
    states, cells = [], []
    for x_t in x.unbind(1):
        total = value * (x_t.sum(-1, True) + reads_h * h.sum(-1, True) + bias).expand(-1, 3)
        c = (gate(total) * c if keeps else c) + gate(total) * candidate(total)
        h = output(total) * squash(c)
        states.append(h)
        cells.append(c)
    return torch.stack(states, 1), torch.stack(cells, 1)


def lstm_mistakes(x: Tensor, value: float) -> dict[str, Pair]:
    """What a layer with a likely mistake returns for all hidden and all cell states."""

    def wrong(**options: Any) -> Pair:
        return constant_lstm(x, value, **options)

    h, c = wrong()
    swapped_h, swapped_c = constant_lstm(x.transpose(0, 1), value)
    return {
        "the cell states are returned for the hidden states.": (c, h),
        "h_t = o_t * tanh(c_t): the tanh is missing.": wrong(squash=lambda c: c),
        "the order of the gates is mixed up: the candidate g takes tanh, the output gate o the "
        "logistic function.": wrong(candidate=torch.sigmoid, output=torch.tanh),
        "the candidate g takes tanh, not the logistic function.": wrong(candidate=torch.sigmoid),
        "the output gate o takes the logistic function, not tanh.": wrong(output=torch.tanh),
        "the gates take the logistic function, not tanh.": wrong(
            gate=torch.tanh, output=torch.tanh
        ),
        "the cell is not multiplied by the forget gate.": wrong(keeps=False),
        "the gates do not read h_{t-1}.": wrong(reads_h=False),
        "the bias is added twice (each nn.Linear brings one).": wrong(bias=2.0),
        "the bias is missing.": wrong(bias=0.0),
        "h_0 is in the list, and h_T is not: the states are shifted by one step.": (
            torch.cat([torch.zeros_like(h[:, :1]), h[:, :-1]], dim=1),
            c,
        ),
        "batch and time are swapped: x is (B, seq_len, input_size).": (
            swapped_h.transpose(0, 1),
            swapped_c.transpose(0, 1),
        ),
        "batch and time are swapped in the result, its shape is (T, B, H): the layer is batch "
        "first, stack the states along dim=1.": (
            h.transpose(0, 1),
            c,
        ),
    }


FORMULA = "c_t = f_t * c_{t-1} + i_t * g_t and h_t = o_t * tanh(c_t)."


def _lstm_results(label: str, found: Any) -> Iterator[Comparison]:
    """Whether ``found`` is (all_h, (h, c))."""
    outer = returned(label, "the two values (all_h, (h_last, c_last))", found)
    yield outer
    if outer.passed:
        yield returned(f"{label}, second value,", "the pair (h_last, c_last)", found[1])


def _complete(comparisons: list[Comparison]) -> bool:
    return all(comparison.passed for comparison in comparisons)


@part("1h-lstm-layer", "LSTMLayer", "LSTMLayer")
def lstm_layer(LSTMLayer: Callable[..., Any]) -> Iterator[Comparison]:
    """The published layer, and larger weights, with which the gates matter more."""
    layer = LSTMLayer(2, 3)
    yield from (shape := list(_lstm_results("LSTMLayer.forward", layer(DATA))))
    if not _complete(shape):
        return
    passed: list[bool] = []
    yield from _noted(passed, _constant_layer(layer))
    if all(passed):
        peer = nn.LSTM(2, 3, batch_first=True)
        yield from _noted(passed, own_weights("LSTMLayer(2, 3)", layer, peer, "gate"))
        if all(passed):
            yield from first_states_of_a_layer(layer, peer)


def _noted(passed: list[bool], comparisons: Iterator[Comparison]) -> Iterator[Comparison]:
    """The comparisons, with a note of which have passed."""
    for comparison in comparisons:
        passed.append(comparison.passed)
        yield comparison


def _constant_layer(layer: Any) -> Iterator[Comparison]:
    """Equal weights, and whether a gradient reaches the first input."""
    yield _lstm_parameters("LSTMLayer(2, 3)", count(layer))
    for value, x in ((-0.1, DATA), (0.6, -2 * DATA)):
        fill(layer, value)
        all_h, (h, c) = layer(x)[:2]
        states, cells = _peer_states(x, value)
        if value == -0.1:
            states = alike(LSTM_STATES, 3)
        mistakes = lstm_mistakes(x, value)
        label = f"LSTMLayer(2, 3) with every parameter {value}"
        yield Comparison(
            f"all_h of {label}",
            all_h,
            states,
            mistakes={sentence: wrong for sentence, (wrong, _) in mistakes.items()},
            advice=FORMULA,
        )
        yield Comparison(
            f"h_last of {label}",
            h,
            states[:, -1],
            mistakes={"it is c_last; the order is (h, c).": cells, **last_mistakes(states)},
        )
        yield Comparison(
            f"c_last of {label}",
            c,
            cells,
            mistakes={"it is h_last; the order is (h, c).": states[:, -1]}
            | {sentence: wrong[:, -1] for sentence, (_, wrong) in mistakes.items()},
            advice=FORMULA,
        )
    yield _through_time("LSTMLayer", layer, lambda found: found[1][0])


def _peer_states(x: Tensor, value: float) -> Pair:
    """All hidden states and the last cell state of ``torch.nn.LSTM``."""
    with torch.no_grad():
        states, (_, c) = constant_peer(nn.LSTM, x.shape[-1], 1, value)(x)
    return states, c[0]


def constant_peer(
    kind: type[nn.RNN] | type[nn.LSTM], inputs: int, layers: int, value: float
) -> Any:
    """torch's own network of three units with one bias, all parameters ``value``."""
    peer = kind(inputs, 3, layers, batch_first=True)
    fill(peer, value)
    with torch.no_grad():
        for name, parameter in peer.named_parameters():
            if name.startswith("bias_hh"):
                parameter.zero_()
    return peer


def _lstm_parameters(label: str, found: float, layers: int = 1) -> Comparison:
    above = 84 * (layers - 1)
    return Comparison(
        f"the number of parameters of {label}",
        found,
        72 + above,
        mistakes={
            "no parameter is registered: hold weights in nn.Linear or nn.Parameter, and layers in "
            "nn.ModuleList, not in a list.": 0,
            "the gates have no bias.": 60 + 72 * (layers - 1),
            "each gate has two biases (give one nn.Linear of a gate bias=False).": (
                84 + 96 * (layers - 1)
            ),
            "the gates share their weights; each has W_x, W_h and b of its own.": 18,
        },
        advice="each of the four gates has W_h, W_x and b.",
    )


def _through_time(name: str, network: Any, last: Callable[[Any], Any]) -> Comparison:
    """Whether the gradient of the last state reaches the first input."""
    x = DATA.clone().requires_grad_()
    fill(network, 0.5)
    reached = gradient(last(network(x)), x)[:, 0].abs().min() > 0
    return Comparison(
        f"whether a gradient reaches the first input of {name}",
        float(reached),
        1.0,
        mistakes={"it does not: a state is detached from the graph.": 0.0},
    )


@part("1h-rnn", "RNN", "RNN")
def stacked_rnn(RNN: Callable[..., Any]) -> Iterator[Comparison]:
    """The published stacks, and one whose inputs are as many as its units."""
    square = DATA[..., [0, 1, 0]]
    stack = RNN(3, 3, 2)
    shape = returned("RNN.forward", "the two values (last_layer_h, last_step_h)", stack(square))
    yield shape
    if not shape.passed:
        return
    passed: list[bool] = []
    yield from _noted(passed, _equal_rnns(RNN, stack, square))
    if all(passed):
        network, peer = RNN(2, 3, 3), nn.RNN(2, 3, 3, batch_first=True)
        network(DATA)
        yield from own_weights("RNN(2, 3, 3)", network, peer, "layer")


def _equal_rnns(RNN: Callable[..., Any], stack: Any, square: Tensor) -> Iterator[Comparison]:
    """Stacks whose weights are equal."""
    yield _stack_parameters("RNN(3, 3, 2)", count(stack), 42, 21)
    yield from _rnn_states(RNN, 2, square, 0.3)
    yield from _rnn_states(RNN, 1, DATA, -0.1, TANH_STATES)
    yield from _rnn_states(RNN, 2, DATA, -0.1, TWO_LAYERS)
    yield from _rnn_states(RNN, 3, DATA, 0.3)
    yield _through_time("RNN(2, 3, 2)", RNN(2, 3, 2), lambda found: found[0][:, -1])


def _stack_parameters(label: str, found: float, right: float, shared: float) -> Comparison:
    return Comparison(
        f"the number of parameters of {label}",
        found,
        right,
        mistakes={
            "no parameter is registered: hold the layers in nn.ModuleList, not in a list.": 0,
            "the layers share their weights; make a layer of its own for each.": shared,
        },
        advice="each layer has W_h, W_x and b of its own.",
    )


def _rnn_states(
    RNN: Callable[..., Any], layers: int, x: Tensor, value: float, published: Any = None
) -> Iterator[Comparison]:
    network = RNN(x.shape[-1], 3, layers)
    network(x)
    fill(network, value)
    top, last = network(x)[:2]
    with torch.no_grad():
        per_layer = [constant_peer(nn.RNN, x.shape[-1], n, value)(x)[0] for n in _up_to(layers)]
    right = per_layer[-1] if published is None else alike(published, 3)
    label = f"RNN({x.shape[-1]}, 3, {layers}) with every parameter {value}"
    yield Comparison(
        f"last_layer_h of {label}",
        top,
        right,
        mistakes=_stack_mistakes(per_layer),
        advice="layer l reads all_h of layer l - 1.",
    )
    yield _last_steps(f"last_step_h of {label}", last, torch.stack([h[:, -1] for h in per_layer]))


def _up_to(layers: int) -> range:
    """1 to ``layers``."""
    return range(1, layers + 1)


def _stack_mistakes(per_layer: list[Tensor]) -> Mapping[str, Tensor]:
    top, bottom = per_layer[-1], per_layer[0]
    mistakes = {
        "it is the last step only; return every step of the top layer.": top[:, -1],
        "it is the states of every layer; return those of the top layer.": torch.stack(per_layer),
        "batch and time are swapped in the result, its shape is (T, B, H).": top.transpose(0, 1),
    }
    if len(per_layer) > 1:
        mistakes = {
            "these are the states of a first layer: the layers above read x instead of the states "
            "of the layer below, or their states are not returned.": bottom,
            "the states of the layers are summed.": torch.stack(per_layer).sum(0),
            **mistakes,
        }
    return mistakes


def _last_steps(
    label: str, found: Any, right: Tensor, other: Mapping[str, Tensor] | None = None
) -> Comparison:
    return Comparison(
        label,
        found,
        right,
        mistakes={
            **(other or {}),
            "it is the top layer's only; stack the last step of every layer.": right[-1],
            "it is the first layer's only; stack the last step of every layer.": right[0],
            "the layers are in reversed order, the bottom layer comes first.": right.flip(0),
            "stack the layers along dim=0: (num_layers, B, hidden_size).": right.transpose(0, 1),
            "the layers are joined along an existing axis; use torch.stack.": right.flatten(0, 1),
        },
        advice="its shape is (num_layers, B, hidden_size).",
    )


@part("1h-lstm", "LSTM", "LSTM")
def stacked_lstm(LSTM: Callable[..., Any]) -> Iterator[Comparison]:
    """The published stacks, one whose inputs are as many as its units, and first states."""
    square = DATA[..., [0, 1, 0]]
    stack = LSTM(3, 3, 2)
    yield from (shape := list(_lstm_results("LSTM.forward", stack(square))))
    if not _complete(shape):
        return
    passed: list[bool] = []
    yield from _noted(passed, _equal_lstms(LSTM, stack, square))
    if all(passed):
        network, peer = LSTM(2, 3, 3), nn.LSTM(2, 3, 3, batch_first=True)
        network(DATA)
        label = "LSTM(2, 3, 3)"
        yield from _noted(passed, own_weights(label, network, peer, "gate of each layer"))
        if all(passed):
            yield first_states(network, label, peer)


def _equal_lstms(LSTM: Callable[..., Any], stack: Any, square: Tensor) -> Iterator[Comparison]:
    """Stacks whose weights are equal."""
    yield _stack_parameters("LSTM(3, 3, 2)", count(stack), 168, 84)
    yield from _lstm_states(LSTM, 2, square, 0.6)
    yield from _lstm_states(LSTM, 1, DATA, -0.1, LSTM_STATES)
    yield from _lstm_states(LSTM, 3, DATA, -0.1, THREE_LAYERS)
    yield _through_time("LSTM(2, 3, 2)", LSTM(2, 3, 2), lambda found: found[0][:, -1])


def _lstm_states(
    LSTM: Callable[..., Any], layers: int, x: Tensor, value: float, published: Any = None
) -> Iterator[Comparison]:
    network = LSTM(x.shape[-1], 3, layers)
    network(x)
    fill(network, value)
    top, (h, c) = network(x)[:2]
    with torch.no_grad():
        peers = [constant_peer(nn.LSTM, x.shape[-1], n, value)(x) for n in _up_to(layers)]
    per_layer = [states for states, _ in peers]
    right, (right_h, right_c) = peers[-1]
    if published is not None:
        right = alike(published, 3)
        right_h, right_c = (alike(rows[:layers], 3) for rows in (LAST_H, LAST_C))
    label = f"LSTM({x.shape[-1]}, 3, {layers}) with every parameter {value}"
    yield Comparison(
        f"last_layer_h of {label}",
        top,
        right,
        mistakes=_stack_mistakes(per_layer),
        advice="layer l reads all_h of layer l - 1.",
    )
    order = "the hidden and the cell states are swapped; the order is (h, c)."
    yield _last_steps(f"last_step_h of {label}", h, right_h, {order: right_c})
    yield _last_steps(f"last_step_c of {label}", c, right_c, {order: right_h})
