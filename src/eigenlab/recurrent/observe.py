"""Observing the recurrent calls of a model while it runs as its owner wrote it.

A :class:`~torch.overrides.TorchFunctionMode` receives torch's own calls of ``lstm``, ``gru``,
``rnn_tanh``, ``rnn_relu`` and their cells, and eigenlab's ``unroll_rnn`` and ``unroll_lstm``, with
the inputs, states, weights, layout and packed lengths that are actually passed. Torch's own kernel
computes the result; only a stack of layers is called layer by layer, which computes the same
numbers and shows the states in between. Nothing in the model is replaced.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode

from eigenlab.recurrent.calls import LayerCall, PackedBatch
from eigenlab.recurrent.layers import LSTMLayer, RNNLayer
from eigenlab.recurrent.tape import GRUTape, LSTMTape, RNNTape, Tape, Weights
from eigenlab.recurrent.unroll import unroll_lstm, unroll_rnn

FUSED: dict[Any, tuple[type[Tape], str]] = {
    torch.lstm: (LSTMTape, "tanh"),
    torch.gru: (GRUTape, "tanh"),
    torch.rnn_tanh: (RNNTape, "tanh"),
    torch.rnn_relu: (RNNTape, "relu"),
}
CELLS: dict[Any, tuple[type[Tape], str]] = {
    torch.lstm_cell: (LSTMTape, "tanh"),
    torch.gru_cell: (GRUTape, "tanh"),
    torch.rnn_tanh_cell: (RNNTape, "tanh"),
    torch.rnn_relu_cell: (RNNTape, "relu"),
}
RECURRENT = (nn.RNNBase, nn.RNNCellBase, RNNLayer, LSTMLayer)
"""Modules that make recurrent calls."""


class Observer(TorchFunctionMode):
    """Records the recurrent calls that a model makes while this mode is active.

    Args:
        model: the model, whose modules name the calls.
        inputs: what the model is given; packed sequences in it tell the order of the batch.
            Default: ``None``.
        anchored: whether a call becomes differentiable even if nothing that it reads is, so that
            gradients with respect to its states exist. Default: ``True``.
        sequences: how many sequences of a batch are recorded, the first ones; None for all.
            Default: ``None``.

    Attributes:
        calls: a :class:`LayerCall` for each layer of each call, in order.
    """

    def __init__(
        self,
        model: nn.Module,
        inputs: Any = None,
        *,
        anchored: bool = True,
        sequences: int | None = None,
    ) -> None:
        super().__init__()
        self._sequences = sequences
        self.calls: list[LayerCall] = []
        self._anchored = anchored
        self._modules = [pair for pair in model.named_modules() if isinstance(pair[1], RECURRENT)]
        self._copies: list[tuple[Tensor, int, Tensor]] = []
        self._packed = [PackedBatch(p.batch_sizes, p.unsorted_indices) for p in packed_in(inputs)]
        self._selected: tuple[Tensor, Tensor] | None = None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Make the call; record it if it is a recurrent one."""
        kwargs = kwargs or {}
        if func in FUSED:
            return self._fused(func, *args, **kwargs)
        if func in CELLS:
            return self._cell(func, *args, **kwargs)
        if func is unroll_rnn:
            return self._unrolled_rnn(*args, **kwargs)
        if func is unroll_lstm:
            return self._unrolled_lstm(*args, **kwargs)
        result = func(*args, **kwargs)
        if func is Tensor.index_select:
            self._selected = (result, args[-1])
        elif func is torch._pack_padded_sequence:
            self._packed.append(PackedBatch(result[1], self._inverse_order(args[0])))
        return result

    def _inverse_order(self, padded: Tensor) -> Tensor | None:
        """The inverse of the permutation that has just sorted a batch by length."""
        if self._selected is None or self._selected[0] is not padded:
            return None
        return torch.argsort(self._selected[1])

    def _fused(self, func: Any, data: Tensor, second: Any, third: Any, *rest: Any) -> Any:
        """A call of ``torch.lstm`` and its like: (input, states, ...) or (data, sizes, states)."""
        kind, nonlinearity = FUSED[func]
        packed, batch_first = None, False
        if isinstance(second if kind is LSTMTape else third, Tensor):
            packed = self._packed_batch(second)
            hx, (params, biases, layers, dropout, train, both) = third, rest
        else:
            hx, params, (biases, layers, dropout, train, both, batch_first) = second, third, rest
        states = list(hx) if kind is LSTMTape else [hx]
        width = 2 if both else 1
        step = len(params) // layers
        current = self._anchor(data.transpose(0, 1) if batch_first else data, [*states, *params])
        owner = self._owner(params)
        finals: list[Sequence[Tensor]] = []
        for layer in range(layers):
            first = [state[layer * width : (layer + 1) * width] for state in states]
            weights = params[layer * step : (layer + 1) * step]
            given = tuple(first) if kind is LSTMTape else first[0]
            before = (current, given) if packed is None else (current, second, given)
            # Without dropout training mode changes nothing, but that cuDNN keeps what its backward
            # pass needs; in evaluation mode that pass is refused.
            training = train or data.is_cuda
            after = (biases, 1, 0.0, training, both, *((False,) if packed is None else ()))
            with _quiet() if data.is_cuda and layers > 1 else contextlib.nullcontext():
                result = func(*before, weights, *after)
            hidden, *last = _results(result)
            each = step // width
            per_direction = [weights[d * each : (d + 1) * each] for d in range(width)]
            self.calls.append(
                LayerCall(
                    kind,
                    [self._weights(w, biases, kind, nonlinearity) for w in per_direction],
                    current,
                    [state.unbind(0) for state in first],
                    (hidden, *last),
                    packed=packed,
                    owner=owner,
                    layer=layer if layers > 1 else None,
                    sequences=self._sequences,
                )
            )
            finals.append(last)
            current = hidden
            if dropout and train and layer < layers - 1:
                current = torch.dropout(hidden, dropout, True)
        out = current.transpose(0, 1) if batch_first else current
        return (out, *(torch.cat(parts) for parts in zip(*finals, strict=True)))

    def _cell(
        self,
        func: Any,
        x: Tensor,
        hx: Any,
        w_x: Tensor,
        w_h: Tensor,
        b_x: Tensor | None = None,
        b_h: Tensor | None = None,
    ) -> Any:
        """A call of ``torch.lstm_cell`` and its like: one step."""
        kind, nonlinearity = CELLS[func]
        states = list(hx) if kind is LSTMTape else [hx]
        params = [w_x, w_h] if b_x is None or b_h is None else [w_x, w_h, b_x, b_h]
        x = self._anchor(x, [*states, *params])
        result = func(x, hx, w_x, w_h, b_x, b_h)
        results = _results(result if kind is LSTMTape else (result,))
        self.calls.append(
            LayerCall(
                kind,
                [self._weights(params, len(params) == 4, kind, nonlinearity)],
                x.unsqueeze(0),
                [(state,) for state in states],
                (results[0], None, *results[1:]),
                owner=self._owner(params),
                sequences=self._sequences,
            )
        )
        return results if kind is LSTMTape else results[0]

    def _unrolled_rnn(
        self,
        x: Tensor,
        h0: Tensor,
        w_x: Tensor,
        w_h: Tensor,
        b: Tensor,
        nonlinearity: Any,
        fast: bool = True,
    ) -> Tensor:
        x = self._anchor(x, [h0, w_x, w_h, b])
        hidden = unroll_rnn(x, h0, w_x, w_h, b, nonlinearity, fast)
        weights = Weights(
            self._copy(w_x), self._copy(w_h), self._copy(b), nonlinearity=nonlinearity
        )
        owner = self._owner([w_x, w_h, b])
        kept = self._sequences
        call = LayerCall(RNNTape, [weights], x, [(h0,)], (hidden,), owner=owner, sequences=kept)
        self.calls.append(call)
        return hidden

    def _unrolled_lstm(
        self, x: Tensor, h0: Tensor, c0: Tensor, w_x: Tensor, w_h: Tensor, b: Tensor
    ) -> tuple[Tensor, Tensor]:
        x = self._anchor(x, [h0, c0, w_x, w_h, b])
        hidden, cell = unroll_lstm(x, h0, c0, w_x, w_h, b)
        weights = Weights(self._copy(w_x), self._copy(w_h), self._copy(b))
        owner = self._owner([w_x, w_h, b])
        results = (hidden, None, cell)
        kept, first = self._sequences, [(h0,), (c0,)]
        call = LayerCall(LSTMTape, [weights], x, first, results, owner=owner, sequences=kept)
        self.calls.append(call)
        return hidden, cell

    def _anchor(self, x: Tensor, others: Sequence[Tensor]) -> Tensor:
        """``x``, made a leaf of autograd if nothing that the call reads requires a gradient."""
        if not self._anchored or not torch.is_grad_enabled():
            return x
        if any(tensor.requires_grad for tensor in (x, *others)):
            return x
        return x.detach().requires_grad_()

    def _packed_batch(self, sizes: Tensor) -> PackedBatch:
        known = (batch for batch in reversed(self._packed) if batch.sizes is sizes)
        return next(known, PackedBatch(sizes, None))

    def _owner(self, params: Sequence[Tensor]) -> str | tuple[int, ...]:
        """Name of the module that holds one of the weights, else what tells these weights apart."""
        for name, module in self._modules:
            held = [*module._parameters.values(), *getattr(module, "_flat_weights", ())]
            if any(mine is theirs for mine in held if mine is not None for theirs in params):
                return name
        return tuple(id(weight) for weight in params[:2])

    def _weights(
        self, params: Sequence[Tensor], biases: bool, kind: type[Tape], nonlinearity: str
    ) -> Weights:
        copies = [self._copy(weight) for weight in params]
        w_x, w_h, *rest = copies
        zero = w_x.new_zeros(w_x.shape[0])
        b_x, b_h = (rest.pop(0), rest.pop(0)) if biases else (zero, zero)
        w_hr = rest.pop() if rest else None
        if kind is GRUTape:
            return Weights(w_x, w_h, b_x, b_h)
        return Weights(w_x, w_h, b_x + b_h, w_hr=w_hr, nonlinearity=nonlinearity)

    def _copy(self, weight: Tensor) -> Tensor:
        """A copy, so that a trace read after the next training step still belongs to this one.

        Calls that share a weight share its copy.
        """
        for original, version, copy in self._copies:
            if original is weight and version == weight._version:
                return copy
        self._copies.append((weight, weight._version, weight.detach().clone()))
        return self._copies[-1][2]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence cuDNN about weights that are not in one piece, as those of one layer are not."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
        yield


def _results(results: Sequence[Tensor]) -> tuple[Tensor, *tuple[Tensor, ...]]:
    """Views of the results, whose gradients count what the model makes of them, but not what the
    kernel itself makes of one to compute another."""
    first, *others = (result.view_as(result) for result in results)
    return first, *others


def packed_in(value: Any) -> Iterator[PackedSequence]:
    """Every packed sequence in nested tuples, lists and dicts."""
    if isinstance(value, PackedSequence):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from packed_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from packed_in(item)
