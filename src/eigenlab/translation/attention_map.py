"""Where a translator attends, and whether these are the words that are translated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.translation.inspection import one_pair
from eigenlab.translation.seq2seq import Seq2Seq


@torch.no_grad()
def attention_map(model: Seq2Seq, source: Sequence[int], target: Sequence[int]) -> Tensor:
    """Attention weights of one sentence pair under teacher forcing (question 7).

    Args:
        model: with attention, in evaluation mode.
        source: indices of the S source tokens, as ``Vocabulary.encode`` gives them.
        target: indices of the T target tokens: a reference, or a translation of the model (its
            weights are then those with which it was written).

    Returns:
        (T + 1, S + 1): row t holds the weights with which target token t is written, the last row
        those of its ``<eos>``; the last column is the ``<eos>`` of the source. Rows sum to 1.

    Raises:
        InputError: the model has no attention or is in training mode, or an index is not a token
            of its vocabularies.

    >>> model = Seq2Seq(20, 30, 8, attention=True).eval()
    >>> attention_map(model, [5, 6], [7, 8, 9]).shape
    torch.Size([4, 3])
    """
    if model.attention is None:
        raise InputError("the model has no attention; build it with attention=True")
    pair = one_pair(model, source, target)
    encoded = model.encode(pair.source, pair.lengths)
    _, _, weights = model.decode(encoded, pair.inputs)
    assert weights is not None
    return weights[0]


class AlignmentAgreement(NamedTuple):
    """How often the heaviest source word is a translation of the target word.

    Args:
        n_words: target words with a known translation.
        attention: share of them whose heaviest source token is one of its translations.
        uniform: the share that weights without information would reach: the mean of the number of
            translations over the number of source tokens.
        diagonal: the share reached by reading both sentences at the same pace: row t of T points
            at column floor((t + 1/2) S / T) of S.
    """

    n_words: int
    attention: float
    uniform: float
    diagonal: float


def alignment_agreement(
    weights: Iterable[Any], alignments: Iterable[Iterable[tuple[int, int]]]
) -> AlignmentAgreement:
    """Compare attention weights with alignments that are known, such as the phrasebook's.

    Where several source tokens are equally heavy, each counts with an equal share, so that uniform
    weights have the agreement of the uniform baseline.

    Args:
        weights: of each sentence pair a (T, S) matrix, as :func:`attention_map` gives it; its rows
            and columns of ``<eos>`` are in no alignment, so the row is ignored and the column
            never agrees.
        alignments: of each pair its links (i, j): source token i and target token j translate each
            other, as in ``PhrasebookPair.alignment``.

    Returns:
        The agreement over the target words of all pairs that are linked.

    Raises:
        InputError: the numbers of matrices and alignments differ, a weight is not finite, a link
            lies outside its matrix, or nothing is linked.

    >>> alignment_agreement([torch.tensor([[0.9, 0.1], [0.8, 0.2]])], [[(0, 0), (1, 1)]])
    AlignmentAgreement(n_words=2, attention=0.5, uniform=0.5, diagonal=1.0)
    """
    rows: list[tuple[float, float, float]] = []
    matrices, links = list(weights), [list(alignment) for alignment in alignments]
    if len(matrices) != len(links):
        raise InputError(
            f"there are {len(matrices)} matrices of weights and {len(links)} alignments; give one "
            "of both for each pair"
        )
    for place, (matrix, alignment) in enumerate(zip(matrices, links, strict=True)):
        rows += _agreements(torch.as_tensor(matrix), alignment, place)
    if not rows:
        raise InputError("no target word is linked to a source word; give alignments with links")
    attention, uniform, diagonal = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    return AlignmentAgreement(len(rows), attention, uniform, diagonal)


def _agreements(
    weights: Tensor, alignment: list[tuple[int, int]], place: int
) -> list[tuple[float, float, float]]:
    """Agreement of attention, uniform and diagonal weights for each linked target token."""
    if weights.ndim != 2 or not weights.isfinite().all():
        raise InputError(
            f"weights[{place}] of shape {tuple(weights.shape)} must be a finite (T, S) matrix"
        )
    height, width = weights.shape
    linked: dict[int, set[int]] = {}
    for i, j in alignment:
        if not (0 <= i < width and 0 <= j < height):
            raise InputError(
                f"alignments[{place}] links source token {i} and target token {j}, outside the "
                f"weights of {width} source and {height} target tokens"
            )
        linked.setdefault(int(j), set()).add(int(i))
    found = []
    for row, translations in linked.items():
        heaviest = (weights[row] == weights[row].max()).nonzero().flatten().tolist()
        share = sum(column in translations for column in heaviest) / len(heaviest)
        diagonal = (2 * row + 1) * width // (2 * height)
        found.append((share, len(translations) / width, float(diagonal in translations)))
    return found
