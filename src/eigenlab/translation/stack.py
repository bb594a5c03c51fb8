"""Recurrent layers over padded batches, in which padding changes no state that is used."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from eigenlab.recurrent import RNNLayer
from eigenlab.recurrent.unroll import unroll_rnn

Cell = Literal["rnn", "lstm", "gru"]
State = tuple[Tensor, ...]
"""Hidden states (L, B, H) of all layers, and for an LSTM their cell states."""

CLOSED = 1e4
"""Argument of a gate that is exactly 0 or 1 in every floating type."""
ALIGNED = 8
"""Numbers in 64 bytes: rows of such a multiple are multiplied alike wherever they stand."""


class RecurrentStack(nn.Module):
    """Layers of one kind; layer l reads the states of layer l - 1.

    The states at real tokens do not depend on padding behind them, so a padded batch is run as it
    is, and the last states are picked at each row's own length. The cell state of an LSTM is only
    returned after the last step: there an additional input, 1 at padding, closes the input gate and
    opens the forget gate, which leaves the cell as it was to the last bit. Its weights are
    constant, since their gradient is zero.

    Args:
        cell: ``"rnn"``, ``"lstm"`` or ``"gru"``.
        input_size: I, width of the inputs.
        hidden_size: H, units of each layer.
        num_layers: L.
        dropout: probability by which inputs of upper layers are dropped in training.
        dtype: floating type of the parameters. Default: torch's default type.
        device: device of the parameters. Default: torch's default device.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        dropout: float = 0.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        self.cell = cell
        sizes = [input_size, *[hidden_size] * (num_layers - 1)]
        self.layers = nn.ModuleList(_layer(cell, n, hidden_size, dtype, device) for n in sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, inputs: Tensor, state: State | None = None, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Run over a batch.

        Args:
            inputs: (B, T, I).
            state: before the first step. Default: ``None``, zeros.
            lengths: real steps of each row, (B,). Default: ``None``, all.

        Returns:
            States of the top layer (B, T, H), and of every layer after each row's last real step.
        """
        padding = None
        if self.cell == "lstm":
            padding = _padding(inputs, lengths)
        finals: list[State] = []
        for index, layer in enumerate(self.layers):
            first = None if state is None else tuple(part[index] for part in state)
            given = inputs if padding is None else torch.cat([inputs, padding], dim=-1)
            inputs, cells = _run(self.cell, layer, given, first)
            last = inputs[:, -1] if lengths is None else rows_at(inputs, lengths - 1)
            finals.append((last, *cells))
            if index < len(self.layers) - 1:
                inputs = self.dropout(inputs)
        return inputs, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))


def rows_at(values: Tensor, steps: Tensor) -> Tensor:
    """The (B, n) entries of (B, T, n) at one step of each row."""
    return values[torch.arange(len(values), device=values.device), steps.long().to(values.device)]


def _layer(
    cell: Cell,
    input_size: int,
    hidden_size: int,
    dtype: torch.dtype | None,
    device: torch.device | str | None,
) -> nn.Module:
    if cell == "rnn":
        plain = RNNLayer(input_size, hidden_size, dtype=dtype, device=device)
        # Uniform in +-1/sqrt(H), W_h has the spectral radius 1/sqrt(3): after ten words a state
        # would keep 0.4 % of what it held.
        nn.init.orthogonal_(plain.W_h)
        return plain
    if cell == "gru":
        return nn.GRU(input_size, hidden_size, dtype=dtype, device=device)
    layer = nn.LSTM(input_size + ALIGNED, hidden_size, dtype=dtype, device=device)
    with torch.no_grad():
        weight = layer.get_parameter("weight_ih_l0")
        weight[:, input_size:] = 0.0
        i, f, _, _ = weight[:, input_size].chunk(4)
        i.fill_(-CLOSED)
        f.fill_(CLOSED)
    return layer


def _padding(inputs: Tensor, lengths: Tensor | None) -> Tensor:
    """1 at padding, 0 at real steps, and zeros up to an aligned width, (B, T, ALIGNED)."""
    padding = inputs.new_zeros(*inputs.shape[:2], ALIGNED)
    if lengths is not None:
        steps = torch.arange(inputs.shape[1], device=inputs.device)
        padding[..., 0] = steps >= lengths.to(inputs.device).unsqueeze(1)
    return padding


def _run(cell: Cell, layer: nn.Module, inputs: Tensor, first: State | None) -> tuple[Tensor, State]:
    """States (B, T, H), and the last cell state (B, H) of an LSTM."""
    if isinstance(layer, RNNLayer):
        h0 = inputs.new_zeros(len(inputs), layer.hidden_size) if first is None else first[0]
        # A sentence in company is run as it is alone.
        states = unroll_rnn(
            inputs.transpose(0, 1), h0, layer.W_x, layer.W_h, layer.b, layer.nonlinearity, False
        )
        return states.transpose(0, 1), ()
    given = None if first is None else tuple(part.unsqueeze(0).contiguous() for part in first)
    # Time-major and contiguous: products of other layouts are rounded differently.
    inputs = inputs.transpose(0, 1).contiguous()
    if cell == "gru":
        return layer(inputs, None if given is None else given[0])[0].transpose(0, 1), ()
    states, (_, cells) = layer(inputs, given)
    return states.transpose(0, 1), (cells[0],)
