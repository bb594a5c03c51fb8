"""Recurrent networks that also see the n-gram that ends at each letter."""

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
    """Numbers for the 2- to n-grams that end at each letter of a name; 0 is any other n-gram.

    Args:
        ngrams: the known ones, in the order of their numbers from 1.
        longest: n; with 1 there are none, and :meth:`encode` gives the letters alone, the first
            as a capital, which marks the beginning.

    A step is added behind the last letter, so that "ends in -ov" is an n-gram too.

    >>> vocabulary = NGramVocabulary(["^a", "ab", "a "], longest=2)
    >>> vocabulary.encode(["aba"])[0][0, :, 1].tolist()
    [1, 2, 0, 3]
    """

    def __init__(self, ngrams: Sequence[str], longest: int) -> None:
        self.ngrams, self.longest = list(ngrams), longest
        self._index = {ngram: number for number, ngram in enumerate(self.ngrams, start=1)}

    @classmethod
    def learn(cls, names: Sequence[str], longest: int, min_count: int = 3) -> NGramVocabulary:
        """Keep the n-grams that occur at least ``min_count`` times, in alphabetical order."""
        counts = Counter(ngram for name in names for row in _ending(name, longest) for ngram in row)
        return cls(sorted(n for n, count in counts.items() if count >= min_count), longest)

    def encode(self, names: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return symbols (B, T), or with n-grams (B, T, longest), and last positions (B,).

        ``[..., 0]`` are the letters of :func:`encode_names`, ``[..., k]`` the (k + 1)-grams.
        """
        if self.longest == 1:
            return encode_names([name.capitalize() for name in names])
        letters, last_pos = encode_names([name + _END for name in names])
        x = torch.full((*letters.shape, self.longest), UNKNOWN)
        x[..., 0] = letters
        for place, name in enumerate(names):
            numbers = [
                [self._index.get(ngram, UNKNOWN) for ngram in row]
                for row in _ending(name, self.longest)
            ]
            x[place, : len(numbers), 1:] = torch.tensor(numbers)
        return x, last_pos


def _ending(name: str, longest: int) -> Iterator[list[str]]:
    """For each letter, and the end, the 2-, ..., longest-gram that ends with it."""
    padded = _START * (longest - 1) + name + _END
    for end in range(longest, len(padded) + 1):
        yield [padded[end - size : end] for size in range(2, longest + 1)]


class NGramRecurrentClassifier(RecurrentClassifier):
    """A :class:`RecurrentClassifier` whose input at each letter also holds n-gram embeddings.

    The input of step t is the sum of the embeddings of letter t and of the n-grams that end
    there. The table grows with the vocabulary, so whole n-grams are dropped in training: the
    network has to know a name by its parts.

    Args:
        n_ngrams: known n-grams; number 0, any other, has an embedding too.
        ngram_dropout: probability of leaving out an n-gram in training.
        vocab_size, rnn_size, n_categories, num_layers, dropout, model_type, bidirectional: see
            :class:`RecurrentClassifier`.
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
            raise InputError(f"ngram_dropout={ngram_dropout} is a probability; give 0 <= p < 1")
        self.ngram_embedding = nn.Embedding(n_ngrams + 1, rnn_size)
        # A sum of several: together no larger than the letter's own, of unit variance.
        nn.init.normal_(self.ngram_embedding.weight, std=0.3)
        self.ngram_dropout = ngram_dropout

    def embed(self, x: Tensor) -> Tensor:
        """Return inputs (B, T, rnn_size) for ``x`` (B, T, longest) of a vocabulary."""
        batch, steps, _ = x.shape
        ngrams = x[..., 1:].flatten(0, 1)
        table = self.ngram_embedding.weight
        weights = torch.ones(ngrams.shape, device=x.device, dtype=table.dtype)
        weights = nn.functional.dropout(weights, self.ngram_dropout, self.training)
        added = nn.functional.embedding_bag(ngrams, table, mode="sum", per_sample_weights=weights)
        return self.embedding(x[..., 0]) + added.view(batch, steps, -1)
