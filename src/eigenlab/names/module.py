"""The network of question 2."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from eigenlab.errors import InputError, nearest

ModelType = Literal["rnn", "lstm"]


class RecurrentClassifier(nn.Module):
    """Embedding, recurrent layers, and a linear read-out at each sequence's last position.

    The parameters are created in the order embedding, recurrent, output and named as in
    ``torch.nn``: ``embedding.weight``, ``rnn.*`` or ``lstm.*`` (``weight_ih_l0``, ...),
    ``output.weight``, ``output.bias``; a fixed ``torch.manual_seed`` thus gives the weights of the
    obvious implementation. Source: question 2.

    Args:
        vocab_size: number of symbols, padding included.
        rnn_size: width of the embedding and of each hidden state.
        n_categories: number of classes.
        num_layers: stacked recurrent layers.
        dropout: probability of zeroing an element of the embedding, of the states between layers
            and of the state that is read out, in training mode.
        model_type: ``"rnn"`` (tanh) or ``"lstm"``.
        bidirectional: also read the name backwards; the read-out then sees both final states,
            [forward at the last position, backward at the first], 2 rnn_size features.

    >>> model = RecurrentClassifier(58, 8, 3)
    >>> model(torch.tensor([[0, 1, 57], [2, 3, 4]]), torch.tensor([1, 2])).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        vocab_size: int,
        rnn_size: int,
        n_categories: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        model_type: ModelType = "rnn",
        *,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        sizes = {"vocab_size": vocab_size, "rnn_size": rnn_size, "n_categories": n_categories}
        for name, size in {**sizes, "num_layers": num_layers}.items():
            if size < 1:
                raise InputError(f"{name}={size} must be at least 1")
        if not 0 <= dropout < 1:
            raise InputError(f"dropout={dropout} is a probability; give 0 <= dropout < 1")
        if model_type not in get_args(ModelType):
            hint = nearest(str(model_type), get_args(ModelType))
            raise InputError(f"model_type='{model_type}' is unknown{hint}; choose rnn or lstm")
        self.model_type = model_type
        self.embedding = nn.Embedding(vocab_size, rnn_size)
        recurrent = (nn.RNN if model_type == "rnn" else nn.LSTM)(
            rnn_size,
            rnn_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=bidirectional,
        )
        self.add_module(model_type, recurrent)
        self.output = nn.Linear(rnn_size * (2 if bidirectional else 1), n_categories)
        self.dropout = nn.Dropout(dropout)

    @property
    def recurrent(self) -> nn.RNN | nn.LSTM:
        """The recurrent layers, stored under ``rnn`` or ``lstm``."""
        layers = self.get_submodule(self.model_type)
        assert isinstance(layers, nn.RNN | nn.LSTM)
        return layers

    def embed(self, x: Tensor) -> Tensor:
        """Return what the recurrent layers read at each step, (B, T, rnn_size)."""
        inputs: Tensor = self.embedding(x)
        return inputs

    def forward(self, x: Tensor, last_pos: Tensor) -> Tensor:
        """Return logits (B, n_categories).

        Args:
            x: (B, T) int64 symbols; what follows ``last_pos`` in a row is never read.
            last_pos: (B,) int64, position of each row's last symbol, 0 <= last_pos < T.
        """
        inputs = self.dropout(self.embed(x))
        # Packing skips the padding: a batch costs the sum of its lengths, not B times the longest,
        # and the state that is left is the one at each row's own last position.
        packed = pack_padded_sequence(
            inputs, last_pos.cpu() + 1, batch_first=True, enforce_sorted=False
        )
        states = self.recurrent(packed)[1]
        final = states[0] if self.model_type == "lstm" else states
        if self.recurrent.bidirectional:
            read = torch.cat([final[-2], final[-1]], dim=1)
        else:
            read = final[-1]
        logits: Tensor = self.output(self.dropout(read))
        return logits
