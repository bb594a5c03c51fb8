"""What `GradientMonitor(every=10)` costs: a training with it and the same without it.

Adam, batches of random numbers, mean squared error at every step; ten updates are one sample, of
which the monitor observes one. Spectral radii, computed at every tenth observed update, fall into
one sample in ten. The weights are compared at the end: they must be equal bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from _side_by_side import alternate, show, store, summarise
from eigenlab.recurrent import GradientMonitor

EVERY = 10
SETTINGS = {
    "nn.LSTM, H = 128, B = 32, T = 100": (nn.LSTM, 1, 128, 32, 100),
    "nn.LSTM x 2, H = 128, B = 32, T = 100": (nn.LSTM, 2, 128, 32, 100),
    "nn.LSTM, H = 256, B = 64, T = 100": (nn.LSTM, 1, 256, 64, 100),
    "nn.GRU, H = 128, B = 32, T = 100": (nn.GRU, 1, 128, 32, 100),
    "nn.RNN, H = 128, B = 32, T = 100": (nn.RNN, 1, 128, 32, 100),
    "nn.LSTM, H = 32, B = 16, T = 50": (nn.LSTM, 1, 32, 16, 50),
}
INPUTS = 8


class Tagger(nn.Module):
    def __init__(self, kind: type[nn.RNNBase], layers: int, hidden: int) -> None:
        super().__init__()
        self.recurrent = kind(INPUTS, hidden, layers, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.recurrent(x)[0])


def training(
    kind: type[nn.RNNBase], layers: int, hidden: int, batch: int, steps: int
) -> tuple[nn.Module, Callable[[], None]]:
    torch.manual_seed(0)
    model = Tagger(kind, layers, hidden)
    optimizer = torch.optim.Adam(model.parameters())
    x, y = torch.randn(batch, steps, INPUTS), torch.randn(batch, steps, 1)

    def updates() -> None:
        for _ in range(EVERY):
            loss = (model(x) - y).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return model, updates


def main() -> None:
    results = {}
    for title, setting in SETTINGS.items():
        (plain, without), (watched, with_monitor) = training(*setting), training(*setting)
        monitor = GradientMonitor(watched, every=EVERY)
        ways = {"without": without, "with GradientMonitor": with_monitor}
        results[title] = summarise(alternate(ways, rounds=20, inner_seconds=0), "without")
        monitor.close()
        for mine, theirs in zip(watched.parameters(), plain.parameters(), strict=True):
            assert torch.equal(mine, theirs), "the monitor has changed the training"
    for title, rows in results.items():
        show(title, rows, "without", None)
    store("gradient_monitor", {"tables": results})


if __name__ == "__main__":
    main()
