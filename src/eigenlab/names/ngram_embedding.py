"""Recurrent classifiers with embeddings of the n-grams that end at each letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.names.encoding import encode_names
from eigenlab.names.module import ModelType, RecurrentClassifier

_START = "^"  # not in the alphabet: marks what lies before the first letter
_END = " "  # in the alphabet, but never the end of a name: a last step that sees the ending
UNKNOWN = 0


class NGramVocabulary:
    """Numbers of the n-grams, n = 2...max_length, that end at each letter of a name.

    A step is added after the last letter, so that "ends in -ov" is an n-gram too. Number 0 stands
    for every n-gram that is not in the vocabulary.

    Args:
        ngrams: the known n-grams, in the order of their numbers from 1.
        max_length: largest n. With 1 there are no n-grams, and :meth:`encode` returns the letters
            alone, the first as a capital, which marks the beginning.

    >>> vocabulary = NGramVocabulary(["^a", "ab", "a "], max_length=2)
    >>> vocabulary.encode(["aba"])[0][0, :, 1].tolist()
    [1, 2, 0, 3]
    """

    def __init__(self, ngrams: Sequence[str], max_length: int) -> None:
        self.ngrams, self.max_length = list(ngrams), max_length
        self._index = {ngram: number for number, ngram in enumerate(self.ngrams, start=1)}

    @classmethod
    def learn(cls, names: Sequence[str], max_length: int, min_count: int = 3) -> NGramVocabulary:
        """Return the vocabulary of the n-grams that occur at least ``min_count`` times.

        They are in alphabetical order. Default of ``min_count``: ``3``.
        """
        counts = Counter(
            ngram for name in names for row in _ending(name, max_length) for ngram in row
        )
        return cls(sorted(n for n, count in counts.items() if count >= min_count), max_length)

    def encode(self, names: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return symbols (B, T), or with n-grams (B, T, longest), and last positions (B,).

        ``[..., 0]`` are the letters of :func:`encode_names`, ``[..., k]`` the (k + 1)-grams.
        """
        if self.max_length == 1:
            return encode_names([name.capitalize() for name in names])
        letters, last_pos = encode_names([name + _END for name in names])
        x = torch.full((*letters.shape, self.max_length), UNKNOWN)
        x[..., 0] = letters
        for place, name in enumerate(names):
            numbers = [
                [self._index.get(ngram, UNKNOWN) for ngram in row]
                for row in _ending(name, self.max_length)
            ]
            x[place, : len(numbers), 1:] = torch.tensor(numbers)
        return x, last_pos


def _ending(name: str, max_length: int) -> Iterator[list[str]]:
    """For each letter, and the end, the n-grams of 2 to max_length symbols that end with it."""
    padded = _START * (max_length - 1) + name + _END
    for end in range(max_length, len(padded) + 1):
        yield [padded[end - size : end] for size in range(2, max_length + 1)]


class NGramRecurrentClassifier(RecurrentClassifier):
    """A :class:`RecurrentClassifier` with n-gram embeddings added to the input.

    The input of step t is the sum of the embeddings of letter t and of the n-grams that end there.
    In training, whole n-grams are dropped at random, so that the network does not rely on the rare
    ones.

    Args:
        n_ngrams: number of known n-grams; number 0, all others, has an embedding too.
        vocab_size, rnn_size, n_categories, num_layers, dropout, model_type, bidirectional: as in
            :class:`RecurrentClassifier`.
        ngram_dropout: probability of dropping an n-gram in training. Default: ``0.5``.
    """

    def __init__(
        self,
        n_ngrams: int,
        vocab_size: int,
        rnn_size: int,
        n_categories: int,
        num_layers: int = 1,
        dropout: float = 0.0,
        model_type: ModelType = "rnn",
        *,
        bidirectional: bool = False,
        ngram_dropout: float = 0.5,
    ) -> None:
        super().__init__(
            vocab_size,
            rnn_size,
            n_categories,
            num_layers,
            dropout,
            model_type,
            bidirectional=bidirectional,
        )
        if not 0 <= ngram_dropout < 1:
            raise InputError(
                f"ngram_dropout={ngram_dropout} is a probability; give 0 <= ngram_dropout < 1"
            )
        self.ngram_embedding = nn.Embedding(n_ngrams + 1, rnn_size)
        # Several are summed; their sum is not larger than the letter's embedding of unit variance.
        nn.init.normal_(self.ngram_embedding.weight, std=0.3)
        self.ngram_dropout = ngram_dropout

    def embed(self, x: Tensor) -> Tensor:
        """Return the inputs (B, T, rnn_size) for ``x`` (B, T, max_length) of a vocabulary."""
        batch, steps, _ = x.shape
        ngrams = x[..., 1:].flatten(0, 1)
        table = self.ngram_embedding.weight
        weights = torch.ones(ngrams.shape, device=x.device, dtype=table.dtype)
        weights = nn.functional.dropout(weights, self.ngram_dropout, self.training)
        added = nn.functional.embedding_bag(ngrams, table, mode="sum", per_sample_weights=weights)
        return self.embedding(x[..., 0]) + added.view(batch, steps, -1)
