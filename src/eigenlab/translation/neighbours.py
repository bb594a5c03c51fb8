"""Which words have similar embeddings."""

from __future__ import annotations

from typing import Any

import torch

from eigenlab.errors import InputError
from eigenlab.translation.checks import check_count
from eigenlab.translation.indices import SPECIAL_TOKENS
from eigenlab.translation.subwords import SubwordVocabulary
from eigenlab.translation.vocabulary import Vocabulary


def nearest_words(
    embedding: Any, vocabulary: Vocabulary | SubwordVocabulary, word: str, *, n_neighbors: int = 5
) -> list[tuple[str, float]]:
    """The words whose embeddings have the largest cosine with that of a word (question 7).

    Args:
        embedding: weights of the embedding, (V, H) tensor or array, such as
            ``model.source_embedding.weight``.
        vocabulary: of the same side.
        word: one token of the vocabulary, as ``vocabulary.tokenize`` gives it.
        n_neighbors: most words returned, at least 1. Default: ``5``.

    Returns:
        Words and cosines, the most similar first; equal ones in the order of the vocabulary. The
        word itself, the special tokens and embeddings of zeros, which have no direction, are left
        out.

    Raises:
        InputError: the word is not in the vocabulary, its embedding is zero, a weight is not
            finite, or the numbers of rows and tokens differ.

    >>> vocabulary = Vocabulary(["dog", "cat", "runs"])
    >>> weights = torch.zeros(7, 2)
    >>> weights[4:] = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    >>> nearest_words(weights, vocabulary, "dog")
    [('cat', 1.0), ('runs', 0.0)]
    """
    check_count("n_neighbors", n_neighbors, 1)
    weights = torch.as_tensor(embedding).detach().double().cpu()
    if weights.ndim != 2 or len(weights) != len(vocabulary):
        raise InputError(
            f"embedding of shape {tuple(weights.shape)} does not fit the vocabulary of "
            f"{len(vocabulary)} tokens; expected one row for each"
        )
    if not weights.isfinite().all():
        raise InputError("embedding holds NaN or infinite weights, which have no direction")
    if word not in vocabulary.tokens[len(SPECIAL_TOKENS) :]:
        raise InputError(f"{word!r} is not a token of the vocabulary; see vocabulary.tokens")
    place = vocabulary.tokens.index(word)
    # Scaled first, so that squares neither underflow nor overflow.
    weights = weights / weights.abs().amax(dim=1, keepdim=True).clamp(
        min=torch.finfo(torch.float64).tiny
    )
    norms = weights.norm(dim=1)
    if norms[place] == 0:
        raise InputError(f"the embedding of {word!r} is zero, so that it has no direction")
    cosines = (weights @ weights[place]) / (norms * norms[place])
    cosines = cosines.clamp(-1, 1)
    left_out = norms == 0
    left_out[: len(SPECIAL_TOKENS)] = True
    left_out[place] = True
    order = cosines.masked_fill(left_out, -torch.inf).argsort(descending=True, stable=True)
    kept = [row for row in order.tolist() if not left_out[row]][:n_neighbors]
    return [(vocabulary.tokens[row], float(cosines[row])) for row in kept]
