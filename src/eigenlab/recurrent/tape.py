"""What one recurrent layer did in a run, so that gradients can be followed back through it.

A tape is made from what was observed: the inputs, the first state and all hidden states. Since
every h_{t-1} is known, gates and derivatives of all steps follow at once. :meth:`Tape.backward`
sweeps over all steps; :meth:`Tape.step_back` takes one step for many gradients at a time (the rows
of its arguments), from which whole matrices of gradients and the Jacobians dh_t/dh_{t-1} are built.
Everything is time-major, (T, B, ...), and nothing is recorded by autograd.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.recurrent.nonlinearity import KNOWN, Nonlinearity, derivative_at
from eigenlab.recurrent.unroll import (
    lstm_backward,
    lstm_factors,
    project_input,
    rnn_backward,
    weight_gradients,
)


@dataclass(frozen=True)
class Weights:
    """One layer's parameters: W_x (R, I), W_h (R, H) and b (R,).

    The GRU has a second bias b_h (R,), and an LSTM with ``proj_size`` the projection w_hr (P, H);
    its W_h is (R, P).
    """

    w_x: Tensor
    w_h: Tensor
    b: Tensor
    b_h: Tensor | None = None
    w_hr: Tensor | None = None
    nonlinearity: Nonlinearity = "tanh"


@dataclass(frozen=True)
class Run:
    """Inputs x (T, B, I), first states h0 and c0 (B, H), and hidden states (T, B, H) of one run."""

    x: Tensor
    h0: Tensor
    hidden: Tensor
    c0: Tensor | None = None

    def of_sequences(self, pick: slice) -> Run:
        """The run of some sequences of the batch."""
        c0 = None if self.c0 is None else self.c0[pick]
        return Run(self.x[:, pick], self.h0[pick], self.hidden[:, pick], c0)

    def with_copies(self, count: int) -> Run:
        """The run with its first sequences appended once more."""
        first = self.of_sequences(slice(0, count))
        c0 = None if self.c0 is None or first.c0 is None else torch.cat([self.c0, first.c0])
        return Run(
            torch.cat([self.x, first.x], dim=1),
            torch.cat([self.h0, first.h0]),
            torch.cat([self.hidden, first.hidden], dim=1),
            c0,
        )


class Tape(ABC):
    """A run of one layer with its weights. ``hidden`` is (T, B, H), ``x`` (T, B, I)."""

    block_names: tuple[str, ...]

    def __init__(self, weights: Weights, run: Run) -> None:
        self.weights, self.run = weights, run
        self.x, self.hidden, self.h0 = run.x, run.hidden, run.h0
        self._recover()

    @abstractmethod
    def _recover(self) -> None:
        """Compute what the backward steps need, from the states."""

    @property
    def last_cell(self) -> Tensor | None:
        """c_T (B, H), or None without a cell."""
        return None

    @abstractmethod
    def step_back(
        self, t: int, grad_h: Tensor, grad_c: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Carry gradients of (h_t, c_t) over step t.

        Args:
            t: step.
            grad_h: dL/dh_t for K losses at once, (K, B, H).
            grad_c: dL/dc_t but for the path through h_t, (K, B, H), or None without a cell.

        Returns:
            delta (K, B, R) for the pre-activations (what the inputs see), dL/dh_{t-1} over this
            step (K, B, H), and dL/dc_{t-1} or None.
        """

    def backward(self, grad: Tensor, cell_grad: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """dL/dh_t (T, B, H) and delta (T, B, R).

        Args:
            grad: the direct part g_t of each dL/dh_t, (T, B, H).
            cell_grad: the direct part of each dL/dc_t, (T, B, H), or None for zeros.
        """
        grad_h = torch.zeros_like(grad[:1])
        cell = self.last_cell
        grad_c = None if cell is None else torch.zeros_like(cell).unsqueeze(0)
        totals, deltas = torch.empty_like(grad), []
        for t in range(len(grad) - 1, -1, -1):
            totals[t] = grad_h[0] + grad[t]
            if grad_c is not None and cell_grad is not None:
                grad_c = grad_c + cell_grad[t]
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
        if self.weights.w_hr is not None:
            raise InputError(
                "with proj_size the recurrent blocks are not square and have no eigenvalues; "
                "look at lyapunov_exponents() instead"
            )
        return self.weights.w_h.unflatten(0, (len(self.block_names), -1))

    def _preactivations(self) -> Tensor:
        """W_x x_t + W_h h_{t-1} + b for all t, (T, B, R)."""
        products = project_input(self.x, self.weights.w_x, self.weights.b)
        products.flatten(0, 1).addmm_(self.previous.flatten(0, 1), self.weights.w_h.T)
        return products


class RNNTape(Tape):
    """h_t = sigma(W_h h_{t-1} + W_x x_t + b)."""

    block_names = ("W_h",)

    def _recover(self) -> None:
        w = self.weights
        if isinstance(w.nonlinearity, str):
            self.derivative = KNOWN[w.nonlinearity].derivative(self.hidden)
        else:
            a = self._preactivations()
            self.derivative = derivative_at(w.nonlinearity, self.hidden, a)

    def backward(self, grad: Tensor, cell_grad: Tensor | None = None) -> tuple[Tensor, Tensor]:
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
    """Gates i, f, g, o; c_t = f c_{t-1} + i g; h_t = o tanh(c_t), or W_hr times that."""

    block_names = ("W_hi", "W_hf", "W_hg", "W_ho")

    def _recover(self) -> None:
        c0 = self.run.c0
        assert c0 is not None
        i, f, g, o = self._preactivations().chunk(4, dim=-1)
        self.gates = torch.cat([i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()], dim=-1)
        i, f, g, o = self.gates.chunk(4, dim=-1)
        cells, c = i * g, c0
        for kept, cell in zip(f.unbind(0), cells.unbind(0), strict=True):
            c = cell.addcmul_(kept, c)
        self._last_cell = cells[-1]
        squashed = cells.tanh()
        self.output = o * squashed  # h_t, before a projection
        self.factors = lstm_factors(self.gates, cells, squashed, c0)

    @property
    def last_cell(self) -> Tensor | None:
        """c_T (B, H)."""
        return self._last_cell

    def backward(self, grad: Tensor, cell_grad: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """As :meth:`Tape.backward`, in the fast sweep where cells are read only at the end."""
        inside = cell_grad is not None and bool(cell_grad[:-1].any())
        if self.weights.w_hr is not None or inside:
            return super().backward(grad, cell_grad)
        totals = torch.empty_like(grad, memory_format=torch.contiguous_format)
        last = torch.zeros_like(self._last_cell) if cell_grad is None else cell_grad[-1]
        delta, _ = lstm_backward(
            grad, last, self.gates, self.factors, self.weights.w_h, hidden_gradients=totals
        )
        return totals, delta

    def step_back(
        self, t: int, grad_h: Tensor, grad_c: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """The cell state carries its own gradient, damped only by the forget gate."""
        assert grad_c is not None
        from_c, from_h, h_by_c = (factor[t] for factor in self.factors)
        if self.weights.w_hr is not None:
            grad_h = grad_h @ self.weights.w_hr
        forget = self.gates[t].chunk(4, dim=-1)[1]
        cell = grad_c + grad_h * h_by_c
        delta = torch.cat([from_c * cell.repeat(1, 1, 3), from_h * grad_h], dim=-1)
        return delta, delta @ self.weights.w_h, cell * forget


class GRUTape(Tape):
    """The GRU of ``torch.nn.GRU``: gates r, z, n with n = tanh(a_n + r * (W_hn h + b_hn)).

    h_t = (1 - z) n + z h_{t-1} (Cho et al. 2014, reset gate after the product).
    """

    block_names = ("W_hr", "W_hz", "W_hn")

    def _recover(self) -> None:
        w, before = self.weights, self.previous
        assert w.b_h is not None
        a_r, a_z, a_n = project_input(self.x, w.w_x, w.b).chunk(3, dim=-1)
        u_r, u_z, u_n = project_input(before, w.w_h, w.b_h).chunk(3, dim=-1)
        r, z = (a_r + u_r).sigmoid(), (a_z + u_z).sigmoid()
        n = (a_n + r * u_n).tanh()
        by_n = (1 - z) * (1 - n * n)
        self.kept = (by_n * u_n * r * (1 - r), (before - n) * z * (1 - z), by_n, r, z)

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


Function = TypeVar("Function", bound=Callable[..., Any])


def full_precision(function: Function) -> Function:
    """Run a function of tapes in the dtype of the weights and without autograd.

    The model's own run follows autocast; what is computed from it does not round again.
    """

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        cpu, cuda = (torch.autocast(device, enabled=False) for device in ("cpu", "cuda"))
        with torch.no_grad(), cpu, cuda:
            return function(*args, **kwargs)

    return run  # type: ignore[return-value]


def norms_of(vectors: Tensor) -> Tensor:
    """Euclidean norms over the last axis.

    Accumulated in float64 (where the device has it): in float32 the squares of a gradient below
    1e-19 are already zero, and vanishing gradients are what we came to see. Where even the squares
    in float64 leave its range, the vectors are scaled by a power of two first.
    """
    wide = torch.float32 if vectors.device.type == "mps" else torch.float64
    norms = torch.linalg.vector_norm(vectors, dim=-1, dtype=wide)
    low, high = (1e-15, 1e18) if wide is torch.float32 else (1e-140, 1e150)
    if ((norms < low) | (norms > high)).any():
        values = vectors.to(wide)
        exponent = torch.frexp(values.abs().amax(dim=-1)).exponent.clamp(-1000, 1000)
        scaled = torch.linalg.vector_norm(
            values * torch.exp2(-exponent.to(wide)).unsqueeze(-1), dim=-1
        )
        norms = scaled * torch.exp2(exponent.to(wide))
    return norms.to(vectors.dtype)
