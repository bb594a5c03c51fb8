"""The four tokens that every vocabulary begins with, and lists of indices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eigenlab.errors import InputError

#: Index of ``<pad>``, which fills the rows of a batch after the end of a sentence.
PAD = 0
#: Index of ``<sos>``, the first input of a decoder.
SOS = 1
#: Index of ``<eos>``, the last token of every sentence of a batch.
EOS = 2
#: Index of ``<unk>``, any word that is not in the vocabulary.
UNK = 3
#: The tokens of these indices.
SPECIAL_TOKENS = ("<pad>", "<sos>", "<eos>", "<unk>")


def sentence_indices(indices: Iterable[Any], size: int) -> list[int]:
    """Return the indices of a sentence, up to the first ``<eos>``, without ``<pad>`` and ``<sos>``.

    Args:
        indices: a list, an array or a tensor of one axis.
        size: size of the vocabulary; every index must be below it.

    Raises:
        InputError: there is more than one axis, or an index is no integer in [0, size).
    """
    values = indices.tolist() if hasattr(indices, "tolist") else list(indices)
    if not isinstance(values, list) or any(isinstance(value, list) for value in values):
        raise InputError("indices must have one axis, the tokens; decode sentences one at a time")
    kept = []
    for value in values:
        if type(value) is not int and not hasattr(value, "__index__"):
            raise InputError(f"index {value!r} is not an integer; give indices of the vocabulary")
        index = int(value)
        if not 0 <= index < size:
            raise InputError(
                f"index {index} is not in this vocabulary of {size} tokens, 0 to {size - 1}"
            )
        if index == EOS:
            break
        if index not in (PAD, SOS):
            kept.append(index)
    return kept
