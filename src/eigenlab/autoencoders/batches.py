"""Shuffled batches of samples, and the random numbers that corrupt them, epoch by epoch."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.training import Batch, generator


class EpochBatches:
    """Batches for ``training.train``, with a generator of corruption beside them.

    The order of the samples in epoch e is drawn at the address ``(seed, "order", e)``. The
    corruption of epoch e is drawn at ``(seed, "corruption", e)``, one batch after the other, so
    batches must be asked for in order, from the first one of an epoch on.

    Args:
        x: (n, features) samples.
        batch_size: samples per batch; the last batch of an epoch may be smaller.
        seed: random seed.
        first_epoch: number of the epoch that step 0 begins. Default: ``0``.

    Attributes:
        steps_per_epoch: batches per epoch.
        corruption: generator that draws the corruption of the current batch.
        losses: ``(samples, loss)`` of the batches since the epoch began, kept by the caller.
    """

    def __init__(self, x: Tensor, *, batch_size: int, seed: int, first_epoch: int = 0) -> None:
        self.x, self.batch_size, self.seed, self.first_epoch = x, batch_size, seed, first_epoch
        self.steps_per_epoch = -(-len(x) // batch_size)
        self.corruption = torch.Generator(x.device)
        self.losses: list[tuple[int, Tensor]] = []
        self._places: tuple[Tensor, ...] = ()

    def __call__(self, step: int) -> Batch:
        """Return the batch of the 0-based ``step``."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if place == 0:
            epoch += self.first_epoch
            self.losses = []
            self.corruption = corruption_generator(self.seed, epoch, self.x.device)
            self._places = (
                epoch_order(len(self.x), self.seed, epoch).to(self.x.device).split(self.batch_size)
            )
        return (self.x[self._places[place]],)

    def mean_loss(self, dtype: torch.dtype) -> float:
        """Mean loss over the samples since the epoch began, summed in ``dtype``."""
        total = torch.zeros((), dtype=dtype, device=self.x.device)
        for count, loss in self.losses:
            total += count * loss.to(dtype)
        return total.item() / sum(count for count, _ in self.losses)


def epoch_order(n_samples: int, seed: int, epoch: int) -> Tensor:
    """Permutation of ``n_samples`` for one epoch; the same for every model of one seed."""
    return torch.randperm(n_samples, generator=generator(seed, "order", epoch))


def corruption_generator(seed: int, epoch: int, device: torch.device) -> torch.Generator:
    """Generator on ``device`` that draws the corruption of one epoch."""
    return generator(seed, "corruption", epoch, device=device)
