"""What one recurrent layer remembers of a run, so that gradients can be followed back through it.

A tape is made by a forward run. :meth:`Tape.backward` sweeps once over all steps;
:meth:`Tape.step_back` takes one step for many gradients at a time (the rows of its arguments), from
which whole matrices of gradients and the Jacobians dh_t/dh_{t-1} are built. Everything is
time-major, (T, B, ...), and nothing is recorded by autograd.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from eigenlab.recurrent.nonlinearity import KNOWN, Nonlinearity, derivative_at, function_of
from eigenlab.recurrent.reference import rnn_loop
from eigenlab.recurrent.unroll import (
    lstm_backward,
    lstm_factors,
    lstm_forward,
    project_input,
    rnn_backward,
    rnn_forward,
    weight_gradients,
)


@dataclass(frozen=True)
class Weights:
    """One layer's parameters: W_x (R, I), W_h (R, H), b (R,), and the GRU's second bias (R,)."""

    w_x: Tensor
    w_h: Tensor
    b: Tensor
    b_h: Tensor | None = None
    nonlinearity: Nonlinearity = "tanh"


class Tape(ABC):
    """A recorded run of one layer. ``hidden`` is (T, B, H), ``x`` (T, B, I), ``h0`` (B, H)."""

    block_names: tuple[str, ...]
    has_cell = False
    last_cell: Tensor

    def __init__(self, weights: Weights, x: Tensor, h0: Tensor) -> None:
        self.weights, self.x, self.h0 = weights, x, h0
        self.hidden = self._run()

    @abstractmethod
    def _run(self) -> Tensor:
        """Run forward and return all hidden states (T, B, H)."""

    @abstractmethod
    def step_back(
        self, t: int, grad_h: Tensor, grad_c: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Carry gradients of (h_t, c_t) over step t.

        Args:
            t: step.
            grad_h: dL/dh_t for K losses at once, (K, B, H).
            grad_c: dL/dc_t that arrived over later steps, (K, B, H), or None without a cell.

        Returns:
            delta (K, B, R) for the pre-activations (what the inputs see), dL/dh_{t-1} over this
            step (K, B, H), and dL/dc_{t-1} or None.
        """

    def backward(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        """dL/dh_t (T, B, H) and delta (T, B, R), given the direct part g_t of each dL/dh_t."""
        grad_h = torch.zeros_like(grad[:1])
        grad_c = torch.zeros_like(grad_h) if self.has_cell else None
        totals, deltas = torch.empty_like(grad), []
        for t in range(len(grad) - 1, -1, -1):
            totals[t] = grad_h[0] + grad[t]
            delta, grad_h, grad_c = self.step_back(t, totals[t : t + 1], grad_c)
            deltas.append(delta[0])
        return totals, torch.stack(deltas[::-1])

    def recurrent_delta(self, delta: Tensor) -> Tensor:
        """The gradient that meets W_h h_{t-1}; equal to delta unless a gate stands between."""
        return delta

    def sums_over_time(self, delta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """dL/dW_x, dL/dW_h and dL/db."""
        w_x, w_h, b = weight_gradients(delta, self.x, self.hidden, self.h0)
        recurrent = self.recurrent_delta(delta)
        if recurrent is not delta:
            _, w_h, _ = weight_gradients(recurrent, self.x, self.hidden, self.h0)
        return w_x, w_h, b

    @property
    def previous(self) -> Tensor:
        """h_{t-1} for every step, (T, B, H)."""
        return torch.cat([self.h0.unsqueeze(0), self.hidden[:-1]])

    @property
    def blocks(self) -> Tensor:
        """The recurrent matrix of every gate, (G, H, H)."""
        return self.weights.w_h.unflatten(0, (len(self.block_names), -1))


class RNNTape(Tape):
    """h_t = sigma(W_h h_{t-1} + W_x x_t + b)."""

    block_names = ("W_h",)

    def _run(self) -> Tensor:
        w = self.weights
        if isinstance(w.nonlinearity, str):
            hidden = rnn_forward(self.x, self.h0, w.w_x, w.w_h, w.b, w.nonlinearity)
            self.derivative = KNOWN[w.nonlinearity].derivative(hidden)
            return hidden
        hidden = rnn_loop(self.x, self.h0, w.w_x, w.w_h, w.b, function_of(w.nonlinearity))
        previous = torch.cat([self.h0.unsqueeze(0), hidden[:-1]])
        preactivation = project_input(self.x, w.w_x, w.b) + previous @ w.w_h.T
        self.derivative = derivative_at(w.nonlinearity, hidden, preactivation)
        return hidden

    def backward(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`Tape.backward`, in the fast sweep."""
        totals = torch.empty_like(grad, memory_format=torch.contiguous_format)
        delta = self.derivative.clone()
        rnn_backward(grad, delta, self.weights.w_h, hidden_gradients=totals)
        return totals, delta

    def step_back(
        self, t: int, grad_h: Tensor, grad_c: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Two operations: times sigma', times W_h."""
        delta = grad_h * self.derivative[t]
        return delta, delta @ self.weights.w_h, None


class LSTMTape(Tape):
    """Gates i, f, g, o; c_t = f c_{t-1} + i g; h_t = o tanh(c_t)."""

    block_names = ("W_hi", "W_hf", "W_hg", "W_ho")
    has_cell = True

    def _run(self) -> Tensor:
        w = self.weights
        c0 = torch.zeros_like(self.h0)
        hidden, cells, squashed, self.gates = lstm_forward(self.x, self.h0, c0, w.w_x, w.w_h, w.b)
        self.last_cell = cells[-1]
        self.factors = lstm_factors(self.gates, cells, squashed, c0)
        return hidden

    def backward(self, grad: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`Tape.backward`, in the fast sweep."""
        totals = torch.empty_like(grad, memory_format=torch.contiguous_format)
        delta, _ = lstm_backward(
            grad,
            torch.zeros_like(self.h0),
            self.gates,
            self.factors,
            self.weights.w_h,
            hidden_gradients=totals,
        )
        return totals, delta

    def step_back(
        self, t: int, grad_h: Tensor, grad_c: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The cell state carries its own gradient, damped only by the forget gate."""
        assert grad_c is not None
        from_c, from_h, h_by_c = (factor[t] for factor in self.factors)
        forget = self.gates[t].chunk(4, dim=-1)[1]
        cell = grad_c + grad_h * h_by_c
        delta = torch.cat([from_c * cell.repeat(1, 1, 3), from_h * grad_h], dim=-1)
        return delta, delta @ self.weights.w_h, cell * forget


class GRUTape(Tape):
    """The GRU of ``torch.nn.GRU``: gates r, z, n with n = tanh(a_n + r * (W_hn h + b_hn)).

    h_t = (1 - z) n + z h_{t-1} (Cho et al. 2014, reset gate after the product).
    """

    block_names = ("W_hr", "W_hz", "W_hn")

    def _run(self) -> Tensor:
        w = self.weights
        assert w.b_h is not None
        h, states, kept = self.h0, [], []
        for a in project_input(self.x, w.w_x, w.b):
            a_r, a_z, a_n = a.chunk(3, dim=-1)
            u_r, u_z, u_n = torch.addmm(w.b_h, h, w.w_h.T).chunk(3, dim=-1)
            r, z = (a_r + u_r).sigmoid(), (a_z + u_z).sigmoid()
            n = (a_n + r * u_n).tanh()
            by_n = (1 - z) * (1 - n * n)
            kept.append((by_n * u_n * r * (1 - r), (h - n) * z * (1 - z), by_n, r, z))
            h = n + z * (h - n)
            states.append(h)
        self.kept = [torch.stack(parts) for parts in zip(*kept, strict=True)]
        return torch.stack(states)

    def step_back(
        self, t: int, grad_h: Tensor, grad_c: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The update gate z lets part of the gradient pass unchanged."""
        by_r, by_z, by_n, r, z = (part[t] for part in self.kept)
        delta = torch.cat([grad_h * by_r, grad_h * by_z, grad_h * by_n], dim=-1)
        recurrent = torch.cat([grad_h * by_r, grad_h * by_z, grad_h * by_n * r], dim=-1)
        return delta, recurrent @ self.weights.w_h + grad_h * z, None

    def recurrent_delta(self, delta: Tensor) -> Tensor:
        """W_hn h stands behind the reset gate, so its gradient is damped by r."""
        by_r, by_z, by_n = delta.chunk(3, dim=-1)
        return torch.cat([by_r, by_z, by_n * self.kept[3]], dim=-1)
