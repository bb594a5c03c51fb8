"""One sentence pair in the form in which a model reads it, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.translation.indices import EOS, PAD, SOS
from eigenlab.translation.seq2seq import Seq2Seq


class OnePair(NamedTuple):
    """A batch of one pair.

    Args:
        source: indices and ``<eos>``, (1, S + 1).
        lengths: S + 1, (1,).
        inputs: ``<sos>`` and the indices of the target, (1, T + 1).
        target: the indices of the target and ``<eos>``, (1, T + 1).
    """

    source: Tensor
    lengths: Tensor
    inputs: Tensor
    target: Tensor


def one_pair(model: Seq2Seq, source: Sequence[int], target: Sequence[int]) -> OnePair:
    """Make a batch of one pair, on the model's device.

    Args:
        model: in evaluation mode.
        source: indices of the source, without ``<sos>`` and ``<eos>``.
        target: indices of the target, in the same form.

    Raises:
        InputError: the model is in training mode, or an index is not a token of its vocabularies.
    """
    if model.training:
        raise InputError("the model is in training mode, in which dropout is random; call .eval()")
    ours = _indices("source", source, model.source_embedding.num_embeddings)
    theirs = _indices("target", target, model.target_embedding.num_embeddings)
    device = model.source_embedding.weight.device
    return OnePair(
        torch.tensor([[*ours, EOS]], device=device),
        torch.tensor([len(ours) + 1], device=device),
        torch.tensor([[SOS, *theirs]], device=device),
        torch.tensor([[*theirs, EOS]], device=device),
    )


def _indices(name: str, values: Sequence[int], size: int) -> list[int]:
    """A list of indices of words; negative ones and special tokens would be read as others."""
    if isinstance(values, str):
        raise InputError(f"{name} is a string, {values[:40]!r}; encode it: vocabulary.encode(...)")
    row = values.tolist() if hasattr(values, "tolist") else list(values)
    for index in row:
        if type(index) is not int or not max(PAD, SOS, EOS) < index < size:
            raise InputError(
                f"{name} holds {index!r}, expected indices of words from {max(PAD, SOS, EOS) + 1} "
                f"to {size - 1}, as Vocabulary.encode gives them, without <sos> and <eos>"
            )
    return row
