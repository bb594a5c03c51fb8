"""The encoder-decoder that tutorials write: torch's layers over padded random batches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eigenlab.translation import EOS, PAD, SOS, teacher_forcing_inputs

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class PlainSeq2Seq(nn.Module):
    """The decoder begins with the encoder's state after the last place, padding included."""

    def __init__(self, source_size: int, target_size: int, hidden_size: int, cell: str) -> None:
        super().__init__()
        self.source_embedding = nn.Embedding(source_size, hidden_size, PAD)
        self.target_embedding = nn.Embedding(target_size, hidden_size, PAD)
        self.encoder = CELLS[cell](hidden_size, hidden_size, batch_first=True)
        self.decoder = CELLS[cell](hidden_size, hidden_size, batch_first=True)
        self.output = nn.Linear(hidden_size, target_size)

    def forward(self, source: Tensor, inputs: Tensor) -> Tensor:
        _, state = self.encoder(self.source_embedding(source))
        hidden, _ = self.decoder(self.target_embedding(inputs), state)
        return self.output(hidden)

    @torch.no_grad()
    def translate(self, source: Tensor, max_length: int) -> list[list[int]]:
        """Greedily, the whole batch until its last sentence has ended."""
        _, state = self.encoder(self.source_embedding(source))
        fed = torch.full((len(source), 1), SOS)
        columns, ended = [], torch.zeros(len(source), dtype=torch.bool)
        for _ in range(max_length):
            hidden, state = self.decoder(self.target_embedding(fed), state)
            fed = self.output(hidden).argmax(-1)
            columns.append(fed)
            ended |= fed[:, 0] == EOS
            if ended.all():
                break
        rows = torch.cat(columns, dim=1).tolist()
        return [row[: row.index(EOS)] if EOS in row else row for row in rows]


def plain_step(model: PlainSeq2Seq, optimizer: torch.optim.Optimizer, batch: tuple) -> float:
    """One update: loss at every place, of which padding does not count; clipping; Adam."""
    source, _, target, _ = batch
    logits = model(source, teacher_forcing_inputs(target))
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=PAD)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()
