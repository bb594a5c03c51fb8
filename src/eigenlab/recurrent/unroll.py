"""Unrolling through time, forward and backward, written out by hand.

Everything is time-major, (T, B, ...), so that one step is one contiguous block.

Forward: one matrix product computes W_x x_t + b for all t into a buffer; step t then adds
W_h h_{t-1} and applies sigma *in place*, so the buffer becomes the hidden states. Two small calls
per step, no autograd graph, no temporaries. (Where a step is so small that the call itself is what
costs, :mod:`eigenlab.recurrent.small` makes the same calls in numpy.)

Backward (back-propagation through time): with delta_t = dL/da_t for the pre-activation a_t,

    dL/dh_t = g_t + W_h^T delta_{t+1}          g_t: the part of L that reads h_t directly
    delta_t = sigma'(a_t) * dL/dh_t

and afterwards each weight gradient is one product over all steps, dL/dW_h = sum_t delta_t
h_{t-1}^T. dL/dh_t is computed on the way; asked for, it is kept.

Several networks of one shape may run at once: every tensor then has an axis S of networks before
its last two, x (T, S, B, I), h (T, S, B, H), W_h (S, R, H), W_x (S, R, I) and b (S, 1, R).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx
from torch.overrides import handle_torch_function, has_torch_function

from eigenlab.recurrent.nonlinearity import FUNCTIONS, KNOWN, Nonlinearity, function_of
from eigenlab.recurrent.reference import lstm_loop, rnn_loop
from eigenlab.recurrent.small import is_small, small_backward, small_forward


def project_input(x: Tensor, w_x: Tensor, b: Tensor) -> Tensor:
    """W_x x_t + b for every step at once: (T, B, I) -> (T, B, rows of W_x)."""
    if x.ndim == 4:
        return (x @ w_x.mT).add_(b)
    steps, batch, _ = x.shape
    return torch.addmm(b, x.reshape(steps * batch, -1), w_x.T).view(steps, batch, -1)


def _add_product_(target: Tensor, a: Tensor, b: Tensor) -> None:
    """target += a b, for one matrix or a stack of them."""
    if target.ndim == 2:
        target.addmm_(a, b)
    else:
        target.baddbmm_(a, b)


def _sum_with_product(summand: Tensor, a: Tensor, b: Tensor, out: Tensor) -> None:
    """out = summand + a b, for one matrix or a stack of them."""
    if summand.ndim == 2:
        torch.addmm(summand, a, b, out=out)
    else:
        torch.baddbmm(summand, a, b, out=out)


def rnn_forward(
    x: Tensor, h0: Tensor, w_x: Tensor, w_h: Tensor, b: Tensor, nonlinearity: str, fast: bool = True
) -> Tensor:
    """All hidden states (T, B, H) of a plain RNN with a named nonlinearity.

    Few sequences run in numpy, which rounds otherwise; without ``fast`` any number of them is run
    in the same way.
    """
    states = project_input(x, w_x, b)
    if fast and is_small(h0):
        small_forward(states, h0, w_h, nonlinearity)
        return states
    # BLAS multiplies by a transposed view about a fifth slower than by a contiguous matrix.
    w_h_t = w_h.mT.contiguous()
    apply_ = KNOWN[nonlinearity].apply_
    h = h0
    for state in states.unbind(0):
        _add_product_(state, h, w_h_t)
        apply_(state)
        h = state
    return states


def rnn_backward(
    grad: Tensor, derivative: Tensor, w_h: Tensor, *, hidden_gradients: Tensor | None = None
) -> Tensor:
    """Back-propagate through time; returns delta (T, B, H) in the memory of ``derivative``.

    Args:
        grad: g_t, the gradient that reaches each h_t directly, (T, B, H).
        derivative: sigma'(a_t), (T, B, H); overwritten.
        w_h: (H, H).
        hidden_gradients: if given, a (T, B, H) buffer that receives dL/dh_t.
    """
    if is_small(derivative[0]):
        small_backward(grad, derivative, w_h, hidden_gradients)
        return derivative
    deltas = derivative.unbind(0)
    if hidden_gradients is None:
        # One block, reused by every step, stays in the processor's cache.
        buffers: Any = (torch.empty_like(deltas[0]),) * len(deltas)
    else:
        buffers = hidden_gradients.unbind(0)
    later: Tensor | None = None
    for g, delta, total in zip(
        reversed(grad.unbind(0)), reversed(deltas), reversed(buffers), strict=True
    ):
        if later is None:
            total.copy_(g)
        else:
            _sum_with_product(g, later, w_h, out=total)
        later = delta.mul_(total)
    return derivative


def weight_gradients(
    delta: Tensor, x: Tensor, previous: Tensor, first: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """dL/dW_x, dL/dW_h, dL/db as sums over time, from delta (T, B, R).

    Args:
        delta: gradients of the pre-activations.
        x: inputs (T, B, I).
        previous: states (T, B, H); step t multiplies ``previous[t - 1]``.
        first: the state before the first step, (B, H).
    """
    if delta.ndim == 4:
        return _stacked_weight_gradients(delta, x, previous, first)
    flat = delta.flatten(0, 1)
    grad_w_x = flat.T @ x.flatten(0, 1)
    grad_w_h = delta[1:].flatten(0, 1).T @ previous[:-1].flatten(0, 1)
    grad_w_h.addmm_(delta[0].T, first)
    return grad_w_x, grad_w_h, flat.sum(0)


def _stacked_weight_gradients(
    delta: Tensor, x: Tensor, previous: Tensor, first: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same for several networks: (S, R, I), (S, R, H) and (S, 1, R)."""

    def samples(values: Tensor) -> Tensor:
        return values.transpose(0, 1).flatten(1, 2)  # (T, S, B, n) -> (S, T B, n)

    rows = samples(delta).mT
    grad_w_h = rows @ samples(torch.cat([first.unsqueeze(0), previous[:-1]]))
    return rows @ samples(x), grad_w_h, rows.sum(-1).unsqueeze(1)


def lstm_forward(
    x: Tensor, h0: Tensor, c0: Tensor, w_x: Tensor, w_h: Tensor, b: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All h, c, tanh(c) of shape (T, B, H) and the activated gates i, f, g, o (T, B, 4H)."""
    hidden_size = w_h.shape[-1]
    gates = project_input(x, w_x, b)
    w_h_t = w_h.mT.contiguous()
    states, cells, squashed = (gates.new_empty(*gates.shape[:-1], hidden_size) for _ in range(3))
    h, c = h0, c0
    for gate, state, cell, tanh_c in zip(
        gates.unbind(0), states.unbind(0), cells.unbind(0), squashed.unbind(0), strict=True
    ):
        _add_product_(gate, h, w_h_t)
        gate[..., : 2 * hidden_size].sigmoid_()
        i, f, g, o = gate.chunk(4, dim=-1)
        g.tanh_()
        o.sigmoid_()
        torch.mul(f, c, out=cell)
        cell.addcmul_(i, g)
        torch.tanh(cell, out=tanh_c)
        torch.mul(o, tanh_c, out=state)
        h, c = state, cell
    return states, cells, squashed, gates


def lstm_factors(
    gates: Tensor, cells: Tensor, squashed: Tensor, c0: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The parts of the LSTM's backward step that need no recurrence, for all t at once.

    Returns ``from_c`` (T, B, 3H), the derivatives of c_t by the pre-activations of i, f, g;
    ``from_h`` (T, B, H), of h_t by that of o; and ``h_by_c`` (T, B, H), of h_t by c_t.
    """
    i, f, g, o = gates.chunk(4, dim=-1)
    before = torch.cat([c0.unsqueeze(0), cells[:-1]])
    from_c = torch.cat([g * i * (1 - i), before * f * (1 - f), i * (1 - g * g)], dim=-1)
    return from_c, squashed * o * (1 - o), o * (1 - squashed * squashed)


def lstm_backward(
    grad: Tensor,
    grad_c: Tensor,
    gates: Tensor,
    factors: tuple[Tensor, Tensor, Tensor],
    w_h: Tensor,
    *,
    hidden_gradients: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Back-propagate through time; returns delta (T, B, 4H) and dL/dc_0 (B, H).

    ``grad_c`` (B, H) is the gradient that reaches the last cell state from outside.
    """
    steps, hidden_size = len(grad), grad.shape[-1]
    from_c, from_h, h_by_c = factors
    delta = torch.empty_like(gates)
    total = torch.empty_like(grad[0])
    carry = grad_c.clone()
    for t in range(steps - 1, -1, -1):
        if hidden_gradients is not None:
            total = hidden_gradients[t]
        if t == steps - 1:
            total.copy_(grad[t])
        else:
            _sum_with_product(grad[t], delta[t + 1], w_h, out=total)
        carry.addcmul_(total, h_by_c[t])
        torch.mul(
            from_c[t].unflatten(-1, (3, hidden_size)),
            carry.unsqueeze(-2),
            out=delta[t, ..., : 3 * hidden_size].unflatten(-1, (3, hidden_size)),
        )
        torch.mul(from_h[t], total, out=delta[t, ..., 3 * hidden_size :])
        carry.mul_(gates[t, ..., hidden_size : 2 * hidden_size])
    return delta, carry


def unroll_rnn(
    x: Tensor,
    h0: Tensor,
    w_x: Tensor,
    w_h: Tensor,
    b: Tensor,
    nonlinearity: Nonlinearity,
    fast: bool = True,
) -> Tensor:
    """Hidden states (T, B, H) of a plain RNN, differentiable; an own nonlinearity runs as a loop.

    Like a function of torch, it can be overridden by a ``TorchFunctionMode`` and follows autocast.
    """
    inputs: tuple[Tensor, ...] = (x, h0, w_x, w_h, b)
    if has_torch_function(inputs):
        return handle_torch_function(unroll_rnn, inputs, x, h0, w_x, w_h, b, nonlinearity, fast)
    unrolled: Callable[..., Tensor] = UnrollRNN.apply
    last: tuple[object, ...] = (nonlinearity, fast)
    if not isinstance(nonlinearity, str):
        unrolled, last = rnn_loop, (function_of(nonlinearity),)
    if torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            return unrolled(*_autocast(inputs), *last)
    return unrolled(*inputs, *last)


def unroll_lstm(
    x: Tensor, h0: Tensor, c0: Tensor, w_x: Tensor, w_h: Tensor, b: Tensor
) -> tuple[Tensor, Tensor]:
    """Hidden states (T, B, H) and the last cell state (B, H) of an LSTM, differentiable.

    Like a function of torch, it can be overridden by a ``TorchFunctionMode`` and follows autocast.
    """
    inputs = (x, h0, c0, w_x, w_h, b)
    if has_torch_function(inputs):
        return handle_torch_function(unroll_lstm, inputs, *inputs)
    if torch.is_autocast_enabled(x.device.type):
        with torch.autocast(x.device.type, enabled=False):
            return UnrollLSTM.apply(*_autocast(inputs))
    return UnrollLSTM.apply(*inputs)


def _autocast(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The inputs as autocast hands them to ``torch.nn.RNN``: in its dtype, but for float64."""
    if any(tensor.dtype == torch.float64 for tensor in inputs):
        return inputs
    dtype = torch.get_autocast_dtype(inputs[0].device.type)
    return tuple(tensor.to(dtype) for tensor in inputs)


class UnrollRNN(torch.autograd.Function):
    """:func:`rnn_forward` with :func:`rnn_backward` as its derivative."""

    @staticmethod
    def forward(ctx: Any, x, h0, w_x, w_h, b, nonlinearity, fast=True):  # type: ignore[no-untyped-def]
        """Hidden states (T, B, H)."""
        states = rnn_forward(x, h0, w_x, w_h, b, nonlinearity, fast)
        ctx.save_for_backward(x, h0, w_x, w_h, b, states)
        ctx.nonlinearity = nonlinearity
        return states

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Any:
        """Gradients of every input; under ``create_graph`` through the plain loop."""
        *inputs, states = ctx.saved_tensors
        if torch.is_grad_enabled():
            sigma = FUNCTIONS[ctx.nonlinearity]
            loop = partial(rnn_loop, sigma=sigma)
            return (*_through_loop(ctx, loop, inputs, (grad,)), None, None)
        x, h0, w_x, w_h, _ = inputs
        derivative = KNOWN[ctx.nonlinearity].derivative(states)
        delta = rnn_backward(grad, derivative, w_h)
        grad_w_x, grad_w_h, grad_b = weight_gradients(delta, x, states, h0)
        grad_x = delta @ w_x if ctx.needs_input_grad[0] else None
        grad_h0 = delta[0] @ w_h if ctx.needs_input_grad[1] else None
        return grad_x, grad_h0, grad_w_x, grad_w_h, grad_b, None, None


class UnrollLSTM(torch.autograd.Function):
    """:func:`lstm_forward` with :func:`lstm_backward` as its derivative."""

    @staticmethod
    def forward(ctx: Any, x, h0, c0, w_x, w_h, b):  # type: ignore[no-untyped-def]
        """Hidden states (T, B, H) and the last cell state (B, H)."""
        states, cells, squashed, gates = lstm_forward(x, h0, c0, w_x, w_h, b)
        ctx.save_for_backward(x, h0, c0, w_x, w_h, b, states, cells, squashed, gates)
        return states, cells[-1].clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor, grad_c: Tensor) -> Any:
        """Gradients of every input; under ``create_graph`` through the plain loop."""
        *inputs, states, cells, squashed, gates = ctx.saved_tensors
        x, h0, c0, w_x, w_h, _ = inputs
        if torch.is_grad_enabled():
            return _through_loop(ctx, _lstm_outputs, inputs, (grad, grad_c))
        factors = lstm_factors(gates, cells, squashed, c0)
        delta, grad_c0 = lstm_backward(grad, grad_c, gates, factors, w_h)
        grad_w_x, grad_w_h, grad_b = weight_gradients(delta, x, states, h0)
        grad_x = delta @ w_x if ctx.needs_input_grad[0] else None
        grad_h0 = delta[0] @ w_h if ctx.needs_input_grad[1] else None
        return grad_x, grad_h0, grad_c0, grad_w_x, grad_w_h, grad_b


def _lstm_outputs(*inputs: Tensor) -> tuple[Tensor, Tensor]:
    states, cells = lstm_loop(*inputs)
    return states, cells[-1]


def _through_loop(
    ctx: FunctionCtx, loop: Any, inputs: list[Tensor], grads: tuple[Tensor, ...]
) -> tuple[Tensor | None, ...]:
    """Differentiable gradients: run the reference loop again and let autograd take over."""
    wanted = [index for index, needed in enumerate(ctx.needs_input_grad[: len(inputs)]) if needed]  # type: ignore[attr-defined]
    outputs = loop(*inputs)
    found = torch.autograd.grad(
        outputs, [inputs[index] for index in wanted], grads, create_graph=True, allow_unused=True
    )
    result: list[Tensor | None] = [None] * len(inputs)
    for index, gradient in zip(wanted, found, strict=True):
        result[index] = gradient
    return tuple(result)
