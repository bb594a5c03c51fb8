"""Batches of sentence pairs of similar length, as a pure function of the step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.training.batches import shard_bounds
from eigenlab.training.seeding import generator
from eigenlab.translation.checks import check_count
from eigenlab.translation.indices import EOS, PAD, SOS


class PairBatch(NamedTuple):
    """A batch of B encoded sentence pairs, batch first as in :mod:`eigenlab.recurrent`.

    Every row ends in ``<eos>``, followed by padding.

    Args:
        source: indices of the sources, int64 (B, S).
        source_lengths: tokens of each source, its ``<eos>`` included, int64 (B,).
        target: indices of the targets, which the decoder is to write, int64 (B, T);
            :func:`~eigenlab.translation.teacher_forcing_inputs` turns them into its inputs.
        target_lengths: tokens of each target, its ``<eos>`` included, int64 (B,).
    """

    source: Tensor
    source_lengths: Tensor
    target: Tensor
    target_lengths: Tensor


def pad_sentences(
    encoded: Sequence[Sequence[int]], device: torch.device | str | None = None
) -> tuple[Tensor, Tensor]:
    """Make one batch of sentences, each ended by ``<eos>`` and then padded to the longest.

    Args:
        encoded: at least one sentence as indices, without ``<sos>`` and ``<eos>``, as
            ``Vocabulary.encode`` gives them.
        device: of the batch. Default: ``None``, the CPU.

    Returns:
        Indices (B, S) and the number of tokens of each, its ``<eos>`` included, (B,): what
        :func:`~eigenlab.translation.greedy_decode` takes.

    Raises:
        InputError: there is no sentence, or an index is not an integer from 3 upwards.

    >>> rows, lengths = pad_sentences([[5, 6], []])
    >>> rows.tolist(), lengths.tolist()
    ([[5, 6, 2], [2, 0, 0]], [3, 1])
    """
    if not len(encoded):
        raise InputError("encoded holds no sentence; give at least one")
    side = _Side(encoded, "encoded", device)
    return side.rows(torch.arange(len(side.lengths)))


class bucketed_batches:
    """Shuffled batches of pairs whose lengths are similar, so that there is little padding.

    In every epoch the pairs are shuffled, sorted by length within pools of ``pool`` batches and cut
    into batches, whose order is shuffled in turn. Everything is drawn by ``generator(seed,
    "epoch", e)``: the batch of a step depends on the step alone, so a training can be resumed at
    any step, and data-parallel processes agree. Every epoch visits every pair once; one of its
    batches is smaller when ``batch_size`` does not divide the number of pairs.

    Args:
        sources: the n encoded sources, without ``<sos>`` and ``<eos>``: lists of indices.
        targets: the n encoded targets, in the same form.
        batch_size: pairs per batch, at least 1.
        seed: random seed.
        pool: batches per pool: 1 shuffles without looking at the lengths, and a large number sorts
            all pairs (pairs of equal lengths still meet at random). Default: ``100``.
        device: device of the batches. Default: ``None``, the CPU.

    Attributes:
        n_samples: number of pairs.
        steps_per_epoch: batches per epoch.
        longest_target: tokens of the longest target, its ``<eos>`` included.

    Raises:
        InputError: the numbers of sources and targets differ or are 0, an index is not an
            integer from 3 (an unknown word) upwards, or a number is less than 1.

    >>> batches = bucketed_batches([[4], [4, 5]], [[6, 7], [6]], batch_size=2, seed=0)
    >>> batches(0).source.shape, sorted(batches(0).source_lengths.tolist())
    (torch.Size([2, 3]), [2, 3])
    """

    def __init__(
        self,
        sources: Sequence[Sequence[int]],
        targets: Sequence[Sequence[int]],
        *,
        batch_size: int,
        seed: int,
        pool: int = 100,
        device: torch.device | str | None = None,
    ) -> None:
        if len(sources) != len(targets) or not len(sources):
            raise InputError(
                f"there are {len(sources)} sources and {len(targets)} targets; give as many of "
                "both, at least one"
            )
        check_count("batch_size", batch_size, 1)
        check_count("pool", pool, 1)
        self._sides = [_Side(sources, "sources", device), _Side(targets, "targets", device)]
        self.n_samples = len(sources)
        self.batch_size = min(batch_size, self.n_samples)
        self.seed, self.pool = seed, pool
        self.steps_per_epoch = -(-self.n_samples // self.batch_size)
        self.longest_target = int(self._sides[1].lengths.max())
        self._cached: tuple[int, list[Tensor]] = (-1, [])

    def __call__(self, step: int) -> PairBatch:
        """Return the batch of the 0-based ``step``."""
        return self.shard(step, 0, 1)

    def shard(self, step: int, rank: int, size: int) -> PairBatch:
        """Return the part of a batch that one process works on; it may hold no pair.

        Args:
            step: the 0-based step.
            rank: number of the process, from 0.
            size: number of processes.
        """
        chosen = self.indices(step)
        low, high = shard_bounds(len(chosen), rank, size)
        source, target = (side.rows(chosen[low:high]) for side in self._sides)
        return PairBatch(*source, *target)

    def indices(self, step: int) -> Tensor:
        """Return which pairs are in the batch of ``step``: int64 (B,), on the CPU."""
        epoch, place = divmod(step, self.steps_per_epoch)
        number, order = self._cached
        if epoch != number:  # only a cache: the order depends on the epoch alone
            order = self._order(epoch)
            self._cached = (epoch, order)
        return order[place]

    def _order(self, epoch: int) -> list[Tensor]:
        drawn = generator(self.seed, "epoch", epoch)
        shuffled = torch.randperm(self.n_samples, generator=drawn)
        batches: list[Tensor] = []
        for pooled in shuffled.split(self.pool * self.batch_size):
            source, target = (side.lengths[pooled].numpy() for side in self._sides)
            # Stable, so that pairs of equal lengths stay in random order.
            by_length = torch.from_numpy(np.lexsort((source, target)))
            batches += pooled[by_length].split(self.batch_size)
        places = torch.randperm(len(batches), generator=drawn)
        return [batches[place] for place in places]

    def padding_share(self, epoch: int = 0) -> float:
        """Return the share of the places of source and target that are padding in an epoch.

        Args:
            epoch: the 0-based epoch. Default: ``0``.

        >>> batches = bucketed_batches([[4], [4, 5]], [[6], [6]], batch_size=2, seed=0)
        >>> round(batches.padding_share(), 6)  # 1 of 10 places
        0.1
        """
        places = tokens = 0
        for batch in self._order(epoch):
            for side in self._sides:
                lengths = side.lengths[batch]
                places += len(batch) * int(lengths.max())
                tokens += int(lengths.sum())
        return (places - tokens) / places

    @property
    def signature(self) -> dict[str, int]:
        """What must agree before a checkpoint is resumed."""
        return {
            "seed": self.seed,
            "batch_size": self.batch_size,
            "n_samples": self.n_samples,
            "pool": self.pool,
        }


class _Side:
    """The sentences of one side, end to end, each with its ``<eos>``."""

    def __init__(
        self, sentences: Sequence[Sequence[int]], name: str, device: torch.device | str | None
    ) -> None:
        flat: list[int] = []
        lengths = []
        for place, sentence in enumerate(sentences):
            row = sentence.tolist() if hasattr(sentence, "tolist") else list(sentence)
            if any(type(index) is not int or index <= max(PAD, SOS, EOS) for index in row):
                raise InputError(
                    f"{name}[{place}] is {row!r}, expected integer indices of words, as "
                    "Vocabulary.encode gives them"
                )
            flat += [*row, EOS]
            lengths.append(len(row) + 1)
        self.lengths = torch.tensor(lengths)
        self._begins = self.lengths.cumsum(0) - self.lengths
        self._flat = torch.tensor(flat, device=device)

    def rows(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """The chosen sentences, padded to the longest of them, and their lengths."""
        lengths = self.lengths[chosen]
        columns = torch.arange(int(lengths.max()) if len(lengths) else 0)
        inside = columns < lengths[:, None]
        places = (self._begins[chosen][:, None] + columns).masked_fill(~inside, 0)
        device = self._flat.device
        rows = self._flat[places.to(device)].masked_fill(~inside.to(device), PAD)
        return rows, lengths.to(device)
