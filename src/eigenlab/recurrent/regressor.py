"""A recurrent network that predicts numbers at every step, and its loss (questions 1b, 1c)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.layers import check_sizes, draw_uniform


class RecurrentRegressor(nn.Module):
    r"""Reads the hidden state of a recurrent network linearly at every step.

    .. math::

        \hat y_t = W_f h_t + b_f

    y_hat_t = W_f h_t + b_f (question 1b).

    Args:
        recurrent: an ``RNNLayer``, ``LSTMLayer``, ``RNN`` or ``LSTM``.
        output_size: O, numbers predicted per step. Default: ``1``.

    Raises:
        InputError: ``recurrent`` has no ``hidden_size``, or ``output_size`` is below 1.

    >>> import torch
    >>> from eigenlab.recurrent import RNNLayer
    >>> model = RecurrentRegressor(RNNLayer(2, 3), output_size=4)
    >>> sum(p.numel() for p in model.parameters())
    34
    >>> predictions, hidden = model(torch.zeros(5, 6, 2))
    >>> predictions.shape, hidden.shape
    (torch.Size([5, 6, 4]), torch.Size([5, 6, 3]))
    """

    def __init__(self, recurrent: nn.Module, output_size: int = 1) -> None:
        super().__init__()
        check_sizes(output_size=output_size)
        hidden_size = getattr(recurrent, "hidden_size", None)
        if not isinstance(hidden_size, int):
            raise InputError(
                f"recurrent is a {type(recurrent).__name__} without hidden_size; "
                "pass an RNNLayer, LSTMLayer, RNN or LSTM"
            )
        self.recurrent = recurrent
        like = next(recurrent.parameters())
        self.readout = nn.Linear(hidden_size, output_size, dtype=like.dtype, device=like.device)

    @property
    def layers(self) -> list[Any]:
        """The recurrent layers, bottom first."""
        return list(getattr(self.recurrent, "layers", [self.recurrent]))

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every parameter, the readout's included, uniform in +-1/sqrt(hidden_size).

        Args:
            generator: source of randomness, on any device. Default: ``None``, torch's global one.
        """
        draw_uniform(self.parameters(), 1 / math.sqrt(self.readout.in_features), generator)

    def forward(self, x: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        """Return the predictions and the hidden states they are read from.

        Args:
            x: inputs, (B, T, I).
            state: of the recurrent part before the first step. Default: zeros.

        Returns:
            Predictions (B, T, O) and hidden states (B, T, H).
        """
        hidden, _ = self.recurrent(x, state)
        return self.readout(hidden), hidden


def regression_loss(prediction: Tensor, target: Tensor, last_step_only: bool = False) -> Tensor:
    r"""Mean squared error over all steps, or at the last step only (question 1c).

    .. math::

        L = \frac{1}{T} \sum_{t=1}^{T} \frac{1}{m} \lVert \hat y_t - y_t \rVert^2

    .. math::

        L_T = \frac{1}{m} \lVert \hat y_T - y_T \rVert^2

    The mean is over every number that counts: (1/N) sum (y_hat - y)^2, without a factor 1/2.

    Args:
        prediction: (B, T, O), or (B, T) for one output; the time axis is the second.
        target: of the same shape; nothing is broadcast.
        last_step_only: count only t = T. Default: ``False``.

    Raises:
        InputError: shapes differ or have no time axis.

    >>> import torch
    >>> prediction = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    >>> target = torch.tensor([[-1.1, -1.2, -1.3], [-1.4, -1.5, -1.6]])
    >>> round(regression_loss(prediction, target).item(), 4)
    3.0067
    >>> round(regression_loss(prediction, target, last_step_only=True).item(), 4)
    3.7
    """
    if prediction.shape != target.shape or prediction.ndim not in (2, 3):
        raise InputError(
            f"prediction has shape {tuple(prediction.shape)} and target {tuple(target.shape)}; "
            "expected equal shapes (batch, length, outputs) or (batch, length)"
        )
    if prediction.numel() == 0:
        raise InputError(f"prediction has shape {tuple(prediction.shape)}, which holds no number")
    if last_step_only:
        prediction, target = prediction[:, -1], target[:, -1]
    return (prediction - target).square().mean()
