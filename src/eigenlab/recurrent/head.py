"""What stands above the recurrence: any head, read by autograd with the recurrence cut off.

The recurrent module's output is replaced by a leaf tensor while the model runs, so that one cheap
call of autograd tells how the loss reads each h_t *directly*. All paths through time are left to
the tapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.regressor import RecurrentRegressor, regression_loss

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Head:
    """The loss and how it reads the recurrent output; time-major.

    Args:
        inputs: what the recurrent module read, (T, B, I).
        loss: scalar.
        step_losses: (T,), or None for a custom loss.
        direct: the direct part of dL/dh_t, (T, B, H).
        direct_per_step: the direct part of dL_t/dh_t, (T, B, H), or None without step losses or
            where one step's loss reads another step's output.
        readout, residual: W_f's layer and y_hat - y (B, O) at the last step, for the closed form.
    """

    inputs: Tensor
    loss: Tensor
    step_losses: Tensor | None
    direct: Tensor
    direct_per_step: Tensor | None
    readout: nn.Linear | None = None
    residual: Tensor | None = None


def read_head(
    model: nn.Module,
    part: nn.Module,
    x: Tensor,
    y: Tensor,
    last_step_only: bool,
    loss: Loss | None,
) -> Head:
    """Run ``model`` with the output of ``part`` cut off and differentiate what stands above."""
    batch_first = part.batch_first if isinstance(part, nn.RNNBase) else True
    cut = _Cut(time_axis=1 if batch_first else 0)
    handle = part.register_forward_hook(cut)
    try:
        with torch.enable_grad():
            prediction = model(x)
    finally:
        handle.remove()
    if cut.inputs is None:
        raise InputError("model(x) never called its recurrent part; pass the right recurrent=")
    if isinstance(prediction, tuple):
        prediction = prediction[0]

    def time_major(tensor: Tensor) -> Tensor:
        return tensor.transpose(0, 1) if batch_first else tensor

    if model is part and not batch_first:
        prediction, y = prediction.transpose(0, 1), y.transpose(0, 1)
    with torch.enable_grad():
        total, step_losses = _losses(prediction, y, last_step_only, loss)
        direct = time_major(cut.gradient(total))
        direct_per_step = None
        if step_losses is not None and len(step_losses) == len(direct):
            # The last step's loss decides: a head that mixes steps reads earlier outputs there.
            mixed = time_major(cut.gradient(step_losses[-1]))[:-1].any()
            if not mixed:
                direct_per_step = time_major(cut.gradient(step_losses.sum()))
    readout = residual = None
    if isinstance(model, RecurrentRegressor) and last_step_only and loss is None:
        readout, residual = model.readout, (prediction - y)[:, -1].detach()
    return Head(
        inputs=time_major(cut.inputs),
        loss=total.detach(),
        step_losses=None if step_losses is None else step_losses.detach(),
        direct=direct,
        direct_per_step=direct_per_step,
        readout=readout,
        residual=residual,
    )


def _losses(
    prediction: Tensor, y: Tensor, last_step_only: bool, loss: Loss | None
) -> tuple[Tensor, Tensor | None]:
    """The traced loss and, for the default loss, the loss at each step (T,)."""
    if loss is not None:
        return loss(prediction, y), None
    total = regression_loss(prediction, y, last_step_only)
    return total, (prediction - y).square().transpose(0, 1).flatten(1).mean(dim=1)


class _Cut:
    """A forward hook that hands the model leaf tensors in place of the recurrent output."""

    def __init__(self, time_axis: int) -> None:
        self.time_axis = time_axis
        self.inputs: Tensor | None = None
        self.hidden = torch.empty(0)
        self.untraced: list[Tensor] = []

    def __call__(self, module: nn.Module, arguments: tuple[Any, ...], output: Any) -> Any:
        if self.inputs is not None:
            raise InputError("model(x) calls its recurrent part twice; trace one call at a time")
        if len(arguments) > 1 and arguments[1] is not None:
            raise InputError("the recurrent part is given a first state; the trace starts at zero")
        if not isinstance(arguments[0], Tensor) or arguments[0].ndim != 3:
            raise InputError(
                "the recurrent part reads a packed or unbatched sequence; "
                "trace padded batches of shape (batch, length, features)"
            )
        self.inputs = arguments[0].detach()
        self.hidden = output[0].detach().requires_grad_()
        last_h, *last_c = output[1] if isinstance(output[1], tuple) else (output[1],)
        # h_T of the top layer is the last output; whoever reads it reads the same leaf.
        top = self.hidden.select(self.time_axis, -1)
        if last_h.ndim == 3:
            lower = self._leaf(last_h[:-1])
            top = torch.cat([lower, top.unsqueeze(0)])
        if last_c:
            return self.hidden, (top, self._leaf(last_c[0]))
        return self.hidden, top

    def _leaf(self, tensor: Tensor) -> Tensor:
        leaf = tensor.detach().clone().requires_grad_()
        self.untraced.append(leaf)
        return leaf

    def gradient(self, value: Tensor) -> Tensor:
        """d value / d output; refuses a loss that reads states the trace does not follow."""
        leaves = [self.hidden, *self.untraced]
        if not value.requires_grad:
            return torch.zeros_like(self.hidden)
        found = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True)
        if any(gradient is not None and gradient.any() for gradient in found[1:]):
            raise InputError(
                "the loss reads the cell state or a lower layer's last state; "
                "the trace follows losses of the top layer's hidden states"
            )
        return torch.zeros_like(self.hidden) if found[0] is None else found[0]
