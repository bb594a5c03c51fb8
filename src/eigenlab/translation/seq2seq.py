"""A recurrent encoder that reads a sentence and a recurrent decoder that writes another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.layers import check_sizes
from eigenlab.translation.attention import AdditiveAttention
from eigenlab.translation.indices import PAD
from eigenlab.translation.stack import Cell, RecurrentStack, State, rows_at

Design = Literal["sequential", "stacked"]


@dataclass(frozen=True)
class Encoded:
    """What the decoder knows of a batch of sources.

    Attributes:
        state: first state of the decoder.
        states: encoder states of the top layer, (B, S, H).
        valid: which positions are real, bool (B, S).
        keys: of the attention, (B, S, H), or None.
    """

    state: State
    states: Tensor
    valid: Tensor
    keys: Tensor | None

    def rows(self, chosen: Tensor) -> Encoded:
        """The sources of some rows, in this order."""
        keys = None if self.keys is None else self.keys[chosen]
        state = tuple(part[:, chosen] for part in self.state)
        return Encoded(state, self.states[chosen], self.valid[chosen], keys)


class Seq2Seq(nn.Module):
    r"""Encoder and decoder of question 7, with attention and a bidirectional encoder as options.

    .. math::

        s_0 = h_S, \qquad p(y_t \mid y_{<t}, x) = \mathrm{softmax}(W_o s_t + b_o)

    In the ``"sequential"`` design the encoder reads the whole source, and its last state is the
    first of the decoder, which then writes the target word by word. In the ``"stacked"`` design
    (question 7a) the encoder is a layer below the decoder: its state at step t is an input of the
    decoder's step t (after the end of the source, its last one). That decoder has to write word t
    before it has seen what follows in the source.

    Args:
        source_size: number of source tokens.
        target_size: number of target tokens.
        hidden_size: H, units of each layer and size of the embeddings.
        cell: ``"rnn"`` (tanh, eigenlab's fused unrolling; W_h begins as an orthogonal matrix),
            ``"lstm"`` or ``"gru"`` (torch's). Default: ``"gru"``.
        num_layers: layers of encoder and decoder. Default: ``1``.
        attention: whether the decoder attends to the encoder's states. Default: ``False``.
        bidirectional: whether the encoder also reads from the end; the states of both directions
            are then mapped to H numbers. Default: ``False``.
        design: ``"sequential"`` or ``"stacked"``. Default: ``"sequential"``.
        dropout: probability by which units of embeddings and outputs are dropped in training.
            Default: ``0.0``.
        dtype: floating type of the parameters. Default: torch's default type.
        device: device of the parameters. Default: torch's default device.

    Raises:
        InputError: a size is below 1, an option is unknown, or ``"stacked"`` is asked for with
            attention or a bidirectional encoder, which would show the decoder what follows.

    >>> model = Seq2Seq(20, 30, 8)
    >>> logits = model(torch.tensor([[5, 6, 2]]), torch.tensor([3]), torch.tensor([[1, 7]]))
    >>> logits.shape
    torch.Size([1, 2, 30])
    """

    def __init__(
        self,
        source_size: int,
        target_size: int,
        hidden_size: int,
        *,
        cell: Cell = "gru",
        num_layers: int = 1,
        attention: bool = False,
        bidirectional: bool = False,
        design: Design = "sequential",
        dropout: float = 0.0,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        check_sizes(
            source_size=source_size,
            target_size=target_size,
            hidden_size=hidden_size,
            num_layers=num_layers,
        )
        _check_options(cell, design, dropout, attention=attention, bidirectional=bidirectional)
        self.hidden_size, self.num_layers = hidden_size, num_layers
        self.cell, self.design = cell, design
        self.source_embedding = nn.Embedding(
            source_size, hidden_size, PAD, dtype=dtype, device=device
        )
        self.target_embedding = nn.Embedding(
            target_size, hidden_size, PAD, dtype=dtype, device=device
        )
        options = (num_layers, dropout, dtype, device)
        self.encoder = RecurrentStack(cell, hidden_size, hidden_size, *options)
        self.reversed_encoder = (
            RecurrentStack(cell, hidden_size, hidden_size, *options) if bidirectional else None
        )
        parts = (2 if cell == "lstm" else 1) if bidirectional else 0
        self.state_bridges = nn.ModuleList(
            nn.Linear(2 * hidden_size, hidden_size, dtype=dtype, device=device)
            for _ in range(parts)
        )
        self.output_bridge = (
            nn.Linear(2 * hidden_size, hidden_size, dtype=dtype, device=device)
            if bidirectional and attention
            else None
        )
        width = 2 * hidden_size if design == "stacked" else hidden_size
        self.decoder = RecurrentStack(cell, width, hidden_size, *options)
        self.attention = AdditiveAttention(hidden_size, dtype, device) if attention else None
        self.combine = (
            nn.Linear(2 * hidden_size, hidden_size, dtype=dtype, device=device)
            if attention
            else None
        )
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden_size, target_size, dtype=dtype, device=device)

    def forward(self, source: Tensor, source_lengths: Tensor, inputs: Tensor) -> Tensor:
        """Logits of every target token at every step, the decoder being fed ``inputs``.

        Args:
            source: indices of the sources, (B, S).
            source_lengths: real tokens of each, (B,), at least 1.
            inputs: what the decoder is fed, (B, T), e.g.
                :func:`~eigenlab.translation.teacher_forcing_inputs` of the targets (question 7b).

        Returns:
            (B, T, target_size).
        """
        return self.output(self.features(source, source_lengths, inputs))

    def features(self, source: Tensor, source_lengths: Tensor, inputs: Tensor) -> Tensor:
        """What the output layer reads, (B, T, H).

        Args:
            source: indices of the sources, (B, S).
            source_lengths: real tokens of each, (B,).
            inputs: what the decoder is fed, (B, T).
        """
        encoded = self.encode(source, source_lengths)
        return self.decode(encoded, inputs)[0]

    def encode(self, source: Tensor, source_lengths: Tensor) -> Encoded:
        """Read a batch of sources; padding enters neither states nor attention.

        Args:
            source: indices, (B, S).
            source_lengths: real tokens of each, (B,).

        Raises:
            InputError: the lengths do not fit the sources.
        """
        valid = valid_positions(source, source_lengths)
        embedded = self.dropout(self.source_embedding(source))
        states, last = self.encoder(embedded, lengths=source_lengths)
        if self.reversed_encoder is not None:
            backwards, first = self.reversed_encoder(
                _reversed(embedded, source_lengths), lengths=source_lengths
            )
            if self.output_bridge is not None:
                both = torch.cat([states, _reversed(backwards, source_lengths)], dim=-1)
                states = torch.tanh(self.output_bridge(both))
            last = tuple(
                bridge(torch.cat([a, b], dim=-1))
                for bridge, a, b in zip(self.state_bridges, last, first, strict=True)
            )
        if self.design == "stacked":
            last = tuple(torch.zeros_like(part) for part in last)
            ends = rows_at(states, source_lengths - 1).unsqueeze(1)
            states = torch.where(valid.unsqueeze(-1), states, ends)
        keys = None if self.attention is None else self.attention.keys(states)
        return Encoded(last, states, valid, keys)

    def decode(
        self, encoded: Encoded, inputs: Tensor, state: State | None = None, start: int = 0
    ) -> tuple[Tensor, State, Tensor | None]:
        r"""Run the decoder over some steps: in the stacked design (question 7a) as a layer above.

        .. math::

            s_t = \mathrm{cell}([E y_{t-1}, h_{\min(t, S)}], s_{t-1})

        Args:
            encoded: the sources.
            inputs: indices fed at these steps, (B, T).
            state: of the decoder before them. Default: ``None``, the first.
            start: index of the first of these steps, from 0; the stacked design reads the
                encoder's states from there. Default: ``0``.

        Returns:
            Features (B, T, H) for the output layer, the state after the last step, and the
            attention weights (B, T, S) or None.
        """
        embedded = self.dropout(self.target_embedding(inputs))
        if self.design == "stacked":
            embedded = torch.cat([embedded, self._below(encoded, inputs.shape[1], start)], dim=-1)
        hidden, after = self.decoder(embedded, encoded.state if state is None else state)
        weights = None
        if self.attention is not None and self.combine is not None and encoded.keys is not None:
            context, weights = self.attention(hidden, encoded.keys, encoded.states, encoded.valid)
            hidden = torch.tanh(self.combine(torch.cat([hidden, context], dim=-1)))
        return self.dropout(hidden), after, weights

    def _below(self, encoded: Encoded, steps: int, start: int) -> Tensor:
        """The encoder's states under these decoder steps, (B, T, H)."""
        last = encoded.states.shape[1] - 1
        index = torch.arange(start, start + steps, device=encoded.states.device).clamp(max=last)
        return encoded.states[:, index]


def valid_positions(tokens: Tensor, lengths: Tensor) -> Tensor:
    """Which positions of a padded batch are real, bool (B, S).

    Raises:
        InputError: lengths are not integers, one for each row, from 1 to S.
    """
    batch, width = tokens.shape
    if lengths.dtype.is_floating_point:
        raise InputError(f"lengths have dtype {lengths.dtype}; expected integers")
    if lengths.shape != (batch,) or int(lengths.min()) < 1 or int(lengths.max()) > width:
        raise InputError(
            f"lengths of shape {tuple(lengths.shape)} from {int(lengths.min())} to "
            f"{int(lengths.max())} do not fit sources of shape {tuple(tokens.shape)}; expected one "
            "for each row, from 1 to its width"
        )
    return torch.arange(width, device=tokens.device) < lengths.to(tokens.device).unsqueeze(1)


def _reversed(values: Tensor, lengths: Tensor) -> Tensor:
    """(B, S, n) with the real steps of each row in reverse order (its own inverse)."""
    steps = torch.arange(values.shape[1], device=values.device)
    ends = lengths.to(values.device).unsqueeze(1)
    index = torch.where(steps < ends, ends - 1 - steps, steps)
    return values.gather(1, index.unsqueeze(-1).expand_as(values))


def _check_options(
    cell: str, design: str, dropout: float, *, attention: bool, bidirectional: bool
) -> None:
    for name, value, known in (("cell", cell, Cell), ("design", design, Design)):
        if value not in get_args(known):
            raise InputError(f"{name}={value!r}; expected one of {', '.join(get_args(known))}")
    if not 0 <= dropout < 1:
        raise InputError(f"dropout={dropout!r} must be in [0, 1)")
    if design == "stacked" and (attention or bidirectional):
        raise InputError(
            "design='stacked' shows the decoder the source word by word; attention and a "
            "bidirectional encoder would show it what follows. Leave them out"
        )
