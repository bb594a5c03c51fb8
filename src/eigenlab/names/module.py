"""The recurrent classifier of question 2."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from eigenlab.errors import InputError, nearest

ModelType = Literal["rnn", "lstm"]


class RecurrentClassifier(nn.Module):
    """Recurrent classifier of sequences of symbols (question 2).

    An embedding, recurrent layers, and a linear layer on the state at the last position of each
    sequence: ``logits = W_out h_last + b_out``. The arguments have the names of question 2. The
    parameters are created in the order embedding, recurrent layers, output, and are named as in
    ``torch.nn``: ``embedding.weight``, ``rnn.*`` or ``lstm.*`` (``weight_ih_l0``, ...),
    ``output.weight``, ``output.bias``. After the same ``torch.manual_seed`` they therefore equal
    those of the same layers written with ``torch.nn`` alone.

    Args:
        vocab_size: number of symbols, padding included.
        rnn_size: size of the embedding and of each hidden state.
        n_categories: number of classes.
        num_layers: number of stacked recurrent layers. Default: ``1``.
        dropout: probability of zeroing an element of the embedding, of the states between layers
            and of the last state, in training mode. Default: ``0.0``.
        model_type: ``"rnn"`` (tanh) or ``"lstm"``. Default: ``'rnn'``.
        bidirectional: whether to read the sequence backwards too; the output layer then gets both
            final states, [forward at the last position, backward at the first], 2 rnn_size
            features. Default: ``False``.
        dtype: dtype of the parameters. Default: ``None``, torch's default dtype.
        device: device of the parameters. Default: ``None``, torch's default device.

    Raises:
        InputError: a size is below 1, ``dropout`` is not in [0, 1), or ``model_type`` is unknown.

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
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
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
        self.embedding = nn.Embedding(vocab_size, rnn_size, dtype=dtype, device=device)
        recurrent = (nn.RNN if model_type == "rnn" else nn.LSTM)(
            rnn_size,
            rnn_size,
            num_layers,
            batch_first=True,
            dropout=dropout if num_layers > 1 else 0.0,
            bidirectional=bidirectional,
            dtype=dtype,
            device=device,
        )
        self.add_module(model_type, recurrent)
        width = rnn_size * (2 if bidirectional else 1)
        self.output = nn.Linear(width, n_categories, dtype=dtype, device=device)
        self.dropout = nn.Dropout(dropout)

    @property
    def recurrent(self) -> nn.RNN | nn.LSTM:
        """The recurrent layers, stored under ``rnn`` or ``lstm``."""
        layers = self.get_submodule(self.model_type)
        assert isinstance(layers, nn.RNN | nn.LSTM)
        return layers

    def embed(self, x: Tensor) -> Tensor:
        """Return the inputs of the recurrent layers, (B, T, rnn_size)."""
        inputs: Tensor = self.embedding(x)
        return inputs

    def forward(self, x: Tensor, last_pos: Tensor) -> Tensor:
        """Return the logits of each sequence (question 2).

        Args:
            x: symbols, (B, T) int64; entries after ``last_pos`` are not read.
            last_pos: position of the last symbol of each sequence, (B,) int64 in 0...T - 1.

        Returns:
            Logits, (B, n_categories).
        """
        inputs = self.dropout(self.embed(x))
        # With packing a batch costs the sum of its lengths instead of B times the longest, and the
        # final state is that at each sequence's own last position.
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
