"""Batches as a pure function of the step.

``batches(step)`` returns the batch of the 0-based global ``step``: a tuple of tensors that share
their first axis, the samples. A training that resumes at step k just asks for step k, and
data-parallel processes agree on every batch without communication.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.training.seeding import generator

Batch = tuple[Tensor, ...]
Batches = Callable[[int], Batch]


class minibatches:
    """Shuffled minibatches of tensors that share their first axis.

    Epoch e visits every sample once, in a permutation drawn by ``generator(seed, "epoch", e)``;
    the last batch of an epoch is smaller when ``batch_size`` does not divide the number of samples.

    Args:
        tensors: (n_samples, ...) each, on one device; batches stay on that device.
        batch_size: samples per batch; more than n_samples gives one batch per epoch.
        seed: random seed of the permutations.

    Attributes:
        n_samples: length of the first axis of the tensors.
        steps_per_epoch: batches per epoch.

    Raises:
        InputError: there is no tensor, the tensors differ in length or are empty, or
            ``batch_size`` is less than 1.

    >>> batches = minibatches(torch.arange(5), batch_size=2, seed=0)
    >>> batches.steps_per_epoch
    3
    >>> sorted(int(x) for step in range(3) for x in batches(step)[0])
    [0, 1, 2, 3, 4]
    """

    def __init__(self, *tensors: Tensor, batch_size: int, seed: int) -> None:
        sizes = [len(tensor) for tensor in tensors]
        if not sizes or min(sizes) < 1 or len(set(sizes)) > 1:
            raise InputError(
                f"tensors have {sizes} samples; give at least one tensor, all with the same "
                "non-zero first axis"
            )
        if batch_size < 1:
            raise InputError(f"batch_size={batch_size} must be at least 1")
        self.tensors = tensors
        self.batch_size = min(batch_size, sizes[0])
        self.seed = seed
        self.n_samples = sizes[0]
        self.steps_per_epoch = -(-self.n_samples // self.batch_size)
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.long)

    def __call__(self, step: int) -> Batch:
        """Return the batch of the 0-based ``step``."""
        return self.shard(step, 0, 1)

    def shard(self, step: int, rank: int, size: int) -> Batch:
        """Return the part of a batch that one process works on; it may hold no sample.

        Args:
            step: the 0-based step.
            rank: number of the process, from 0.
            size: number of processes.
        """
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:  # only a cache: the order depends on the epoch alone
            order = torch.randperm(self.n_samples, generator=generator(self.seed, "epoch", epoch))
            self._order, self._epoch = order.to(self.tensors[0].device), epoch
        begin = place * self.batch_size
        count = min(self.batch_size, self.n_samples - begin)
        low, high = shard_bounds(count, rank, size)
        chosen = self._order[begin + low : begin + high]
        return tuple(tensor.index_select(0, chosen) for tensor in self.tensors)

    @property
    def signature(self) -> dict[str, int]:
        """What must agree before a checkpoint is resumed."""
        return {"seed": self.seed, "batch_size": self.batch_size, "n_samples": self.n_samples}


class generated:
    """New random batches at every step.

    Args:
        draw: ``draw(generator)`` returns a tuple of tensors that share their first axis. At step
            k it is given ``generator(seed, "step", k)``.
        seed: random seed.
        device: device of the generator. Default: ``None``, the CPU.

    >>> batches = generated(lambda g: (torch.rand(4, 10, generator=g),), seed=0)
    >>> torch.equal(batches(3)[0], batches(3)[0])
    True
    """

    def __init__(
        self,
        draw: Callable[[torch.Generator], Sequence[Tensor]],
        seed: int,
        *,
        device: torch.device | str | None = None,
    ) -> None:
        self.draw, self.seed, self.device = draw, seed, device

    def __call__(self, step: int) -> Batch:
        """Return the batch of the 0-based ``step``."""
        return tuple(self.draw(generator(self.seed, "step", step, device=self.device)))

    @property
    def signature(self) -> dict[str, int]:
        """What must agree before a checkpoint is resumed."""
        return {"seed": self.seed}


def shard_bounds(count: int, rank: int, size: int) -> tuple[int, int]:
    """Split ``count`` samples into ``size`` consecutive parts that differ by at most one.

    >>> [shard_bounds(5, rank, 2) for rank in range(2)]
    [(0, 2), (2, 5)]
    """
    return rank * count // size, (rank + 1) * count // size


def local_batch(batches: Batches, step: int, rank: int, size: int) -> Batch:
    """Return this process's part of the batch of ``step``; it may hold no sample."""
    if size == 1:
        return batches(step)
    shard: Callable[[int, int, int], Batch] | None = getattr(batches, "shard", None)
    if shard is not None:
        return shard(step, rank, size)
    whole = batches(step)
    lengths = {len(tensor) for tensor in whole}
    if len(lengths) != 1:
        raise InputError(
            f"the tensors of a batch have {sorted(lengths)} samples; to split it over "
            "processes they must share their first axis"
        )
    low, high = shard_bounds(lengths.pop(), rank, size)
    return tuple(tensor[low:high] for tensor in whole)
