"""Running anyone's model with its recurrence taken over by tapes.

While the model runs once, its recurrent module is stood in for: the tapes compute the hidden
states, and the model receives them as a leaf tensor. One cheap call of autograd then tells how the
loss reads each h_t *directly*; all paths through time are left to the tapes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.adapters import layer_tapes
from eigenlab.recurrent.layers import LSTMLayer, RNNLayer, check_input
from eigenlab.recurrent.regressor import RecurrentRegressor, regression_loss
from eigenlab.recurrent.tape import Tape

Loss = Callable[[Tensor, Tensor], Tensor]


class StandIn:
    """Takes the place of a recurrent module's ``forward`` for one call."""

    def __init__(self, part: nn.Module) -> None:
        self.layers = layer_tapes(part)
        self.batch_first = part.batch_first if isinstance(part, nn.RNNBase) else True
        self.stacked = not isinstance(part, RNNLayer | LSTMLayer)
        self.tapes: list[Tape] = []
        self.untraced: list[Tensor] = []

    @contextlib.contextmanager
    def installed(self, part: nn.Module) -> Iterator[None]:
        """Stand in for ``part.forward``, and leave without a trace."""
        part.forward = self
        try:
            yield
        finally:
            del part.forward

    def __call__(self, x: Any, state: Any = None) -> Any:
        """What the module would return, cut off from autograd below the hidden states."""
        if self.tapes:
            raise InputError("model(x) calls its recurrent part twice; trace one call at a time")
        if state is not None:
            raise InputError("the recurrent part is given a first state; the trace starts at zero")
        if not isinstance(x, Tensor) or x.ndim != 3:
            raise InputError(
                "the recurrent part reads a packed or unbatched sequence; "
                "trace padded batches of shape (batch, length, features)"
            )
        bottom = self.layers[0][1].w_x
        check_input(x, bottom.shape[1], bottom.dtype)
        with torch.no_grad():
            inputs = self.time_major(x.detach())
            for kind, weights in self.layers:
                h0 = inputs.new_zeros(inputs.shape[1], weights.w_h.shape[1])
                self.tapes.append(kind(weights, inputs, h0))
                inputs = self.tapes[-1].hidden
        self.hidden = self.time_major(inputs).detach().requires_grad_()
        return self.hidden, self._final()

    def _final(self) -> Any:
        """The last states. Those of the top layer are the traced leaf's own last step."""
        top = self.time_major(self.hidden)[-1]
        if self.stacked:
            lower = [self._leaf(tape.hidden[-1]) for tape in self.tapes[:-1]]
            top = torch.stack([*lower, top])
        if not self.tapes[0].has_cell:
            return top
        cells = [self._leaf(tape.last_cell) for tape in self.tapes]
        return top, torch.stack(cells) if self.stacked else cells[0]

    def _leaf(self, tensor: Tensor) -> Tensor:
        self.untraced.append(tensor.detach().requires_grad_())
        return self.untraced[-1]

    def time_major(self, tensor: Tensor) -> Tensor:
        """Swap batch and time where the module is batch first (its own inverse)."""
        return tensor.transpose(0, 1) if self.batch_first else tensor

    def gradient(self, value: Tensor) -> Tensor:
        """d value / dh_t over direct paths, (T, B, H); refuses states that are not traced."""
        if not value.requires_grad:
            return torch.zeros_like(self.time_major(self.hidden))
        leaves = [self.hidden, *self.untraced]
        found = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True)
        if any(gradient is not None and gradient.any() for gradient in found[1:]):
            raise InputError(
                "the loss reads the cell state or a lower layer's last state; "
                "the trace follows losses of the top layer's hidden states"
            )
        gradient = torch.zeros_like(self.hidden) if found[0] is None else found[0]
        return self.time_major(gradient)


class Head:
    """The loss, and how it reads the hidden states of the top layer.

    Attributes:
        tapes: one per layer, bottom first.
        loss: scalar.
        step_losses: (T,), or None for a custom loss.
        direct: the direct part of dL/dh_t, (T, B, H).
        direct_per_step: the direct part of dL_t/dh_t, (T, B, H); None for a custom loss, and where
            one step's loss reads another step's state.
        readout, residual: W_f's layer and y_hat - y (B, O) at the last step, where there is a
            closed form; else None.
    """

    def __init__(
        self,
        model: nn.Module,
        part: nn.Module,
        x: Tensor,
        y: Tensor,
        *,
        last_step_only: bool,
        loss: Loss | None,
    ) -> None:
        self._stand_in = StandIn(part)
        with torch.enable_grad(), self._stand_in.installed(part):
            prediction = model(x)
        self.tapes = self._stand_in.tapes
        if not self.tapes:
            raise InputError("model(x) never called its recurrent part; pass the right recurrent=")
        if isinstance(prediction, tuple):
            prediction = prediction[0]
        if model is part:
            prediction, y = self._batch_first(prediction), self._batch_first(y)
        with torch.enable_grad():
            total = loss(prediction, y) if loss else regression_loss(prediction, y, last_step_only)
            self.direct = self._stand_in.gradient(total)
        self.loss = total.detach()
        self.step_losses: Tensor | None = None
        self.direct_per_step: Tensor | None = None
        if loss is None:
            with torch.enable_grad():
                self._read_steps((prediction - y).square(), last_step_only)
        self.readout = self.residual = None
        if isinstance(model, RecurrentRegressor) and last_step_only and loss is None:
            self.readout, self.residual = model.readout, (prediction - y)[:, -1].detach()

    def _batch_first(self, tensor: Tensor) -> Tensor:
        return tensor if self._stand_in.batch_first else tensor.transpose(0, 1)

    def _read_steps(self, squared: Tensor, last_step_only: bool) -> None:
        """Fill ``step_losses`` and ``direct_per_step`` from squared errors (B, T, ...)."""
        losses = squared.transpose(0, 1).flatten(1).mean(dim=1)
        self.step_losses = losses.detach()
        if len(losses) != len(self.direct):
            return
        # One of the two gradients is known: the loss is the last of these, or their mean.
        gradient = self._stand_in.gradient
        last = self.direct if last_step_only else gradient(losses[-1])
        every = gradient(losses.sum()) if last_step_only else self.direct * len(losses)
        # The last step decides: a head that mixes steps reads earlier states there.
        if not last[:-1].any():
            self.direct_per_step = every
