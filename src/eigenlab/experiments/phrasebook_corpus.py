"""The phrasebook as the experiments of question 7 use it: split, encoded, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from eigenlab.training import derive_seed
from eigenlab.translation import (
    PhrasebookPair,
    Vocabulary,
    bucketed_batches,
    pad_sentences,
    phrasebook,
    split_pairs,
)


@dataclass(frozen=True)
class PhrasebookCorpus:
    """Sentence pairs whose parts share no sentence, and the vocabularies of the training part.

    Args:
        train: training pairs.
        test: held-out pairs.
        source_vocabulary: of the Spanish training sentences.
        target_vocabulary: of the English training sentences.
        random_leaks: held-out pairs that a random split would have leaked.
    """

    train: list[PhrasebookPair]
    test: list[PhrasebookPair]
    source_vocabulary: Vocabulary
    target_vocabulary: Vocabulary
    random_leaks: int

    @classmethod
    def generate(
        cls, n_pairs: int, n_test: int, *, seed: int, max_tokens: int | None = None
    ) -> PhrasebookCorpus:
        """Generate and split pairs.

        Args:
            n_pairs: pairs, those that are held out included.
            n_test: held-out pairs.
            seed: random seed of the sentences and of the split.
            max_tokens: most tokens of a source or a target. Default: ``None``, no limit.

        >>> corpus = PhrasebookCorpus.generate(1000, 100, seed=0, max_tokens=6)
        >>> len(corpus.train) + len(corpus.test), len(corpus.test)
        (1000, 100)
        """
        pairs = phrasebook(n_pairs, seed=seed, max_tokens=max_tokens)
        split = split_pairs(pairs, test=n_test, seed=derive_seed(seed, "split"))
        train, test = ([pairs[i] for i in part] for part in (split.train, split.test))
        return cls(
            train,
            test,
            Vocabulary.build([pair.source for pair in train]),
            Vocabulary.build([pair.target for pair in train]),
            split.random_leaks.either,
        )

    def batches(
        self, batch_size: int, *, seed: int, device: torch.device | None = None
    ) -> bucketed_batches:
        """Shuffled batches of the training pairs.

        Args:
            batch_size: pairs per batch.
            seed: random seed of the order.
            device: device of the batches. Default: ``None``, the CPU.
        """
        return bucketed_batches(
            *self._encoded(self.train), batch_size=batch_size, seed=seed, device=device
        )

    def padded(self, pairs: Sequence[PhrasebookPair]) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs as one batch, in their order, every row ended by ``<eos>`` and then padded.

        Args:
            pairs: of either part.

        Returns:
            Sources (B, S), their lengths (B,), and targets (B, T).
        """
        sources, targets = self._encoded(pairs)
        return *pad_sentences(sources), pad_sentences(targets)[0]

    def _encoded(self, pairs: Sequence[PhrasebookPair]) -> tuple[list[list[int]], list[list[int]]]:
        return (
            [self.source_vocabulary.encode(pair.source) for pair in pairs],
            [self.target_vocabulary.encode(pair.target) for pair in pairs],
        )
