"""What a decoder is fed: the words of the target, or the words it has written itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.translation.indices import EOS, PAD, SOS, SPECIAL_TOKENS

Tokens = TypeVar("Tokens", list[Any], tuple[Any, ...], np.ndarray, Tensor)


def teacher_forcing_inputs(target: Tokens) -> Tokens:
    """Return the decoder's inputs under teacher forcing: x_1 = <sos>, x_t = y_{t-1} (question 7b).

    Step t is fed the right word before it, whatever the decoder wrote.

    Args:
        target: the target sentence y: a list of tokens (strings or indices) or an integer array or
            tensor of indices (T,) or (B, T). It may end in ``<eos>``, followed by padding: neither
            is an input, so they become padding.

    Returns:
        ``<sos>`` and the target, in the type of ``target``. A list ends with its last word. An
        array or tensor has T columns if every row holds ``<eos>``, so that column t is the input
        of the step that is to write column t of ``target``; else T + 1, the last one being the
        input of the step that is to write ``<eos>``.

    Raises:
        InputError: ``target`` is one string, not of integers, of another number of axes, or begins
            with ``<sos>``.

    >>> teacher_forcing_inputs("I see a dog".split())
    ['<sos>', 'I', 'see', 'a', 'dog']
    >>> teacher_forcing_inputs(torch.tensor([[7, 8, 2], [9, 2, 0]]))
    tensor([[1, 7, 8],
            [1, 9, 0]])
    """
    return _shifted(target, "target")


def free_running_inputs(emitted: Tokens) -> Tokens:
    """Return a free-running decoder's inputs: x_1 = <sos>, x_t = e_{t-1} (question 7c).

    Step t is fed the word e_{t-1} that the decoder emitted at the step before (by taking the most
    probable word or by sampling), right or wrong. The shift is that of
    :func:`teacher_forcing_inputs`; what is shifted differs.

    Args:
        emitted: the emitted words e, in the forms of ``target`` in :func:`teacher_forcing_inputs`.

    Returns:
        ``<sos>`` and the emitted words, as in :func:`teacher_forcing_inputs`.

    Raises:
        InputError: as in :func:`teacher_forcing_inputs`.

    >>> free_running_inputs("I saw a dog".split())
    ['<sos>', 'I', 'saw', 'a', 'dog']
    """
    return _shifted(emitted, "emitted")


def _shifted(tokens: Any, name: str) -> Any:
    if isinstance(tokens, Tensor):
        return _shifted_tensor(tokens, name)
    if isinstance(tokens, np.ndarray):
        if tokens.dtype.kind not in "iu":
            raise InputError(f"{name} has dtype {tokens.dtype}, expected integer indices")
        shifted = _shifted_tensor(torch.from_numpy(tokens.astype(np.int64)), name)
        return shifted.numpy().astype(tokens.dtype)
    if isinstance(tokens, str | bytes) or not isinstance(tokens, Sequence):
        raise InputError(f"{name} is {tokens!r}; give a list of tokens, such as 'I see'.split()")
    return _shifted_list(tokens, name)


def _shifted_list(tokens: Sequence[Any], name: str) -> Sequence[Any]:
    written = all(isinstance(token, str) for token in tokens)
    if not written and not all(type(token) is int for token in tokens):
        raise InputError(f"{name} must hold only strings or only integers, got {tokens!r}")
    pad, sos, eos = SPECIAL_TOKENS[:3] if written else (PAD, SOS, EOS)
    words = list(tokens)
    if eos in words:
        words = words[: words.index(eos)]
    if sos in words or pad in words:
        raise InputError(f"{name} holds {sos} or {pad} before the end: {tokens!r}; give words only")
    return (sos, *words) if isinstance(tokens, tuple) else [sos, *words]


def _shifted_tensor(tokens: Tensor, name: str) -> Tensor:
    if tokens.dtype.is_floating_point or tokens.dtype.is_complex or tokens.dtype == torch.bool:
        raise InputError(f"{name} has dtype {tokens.dtype}, expected integer indices")
    if tokens.dim() not in (1, 2):
        raise InputError(f"{name} has shape {tuple(tokens.shape)}, expected (T,) or (B, T)")
    ended = (tokens == EOS).cumsum(-1) > 0
    if bool(((tokens == SOS) & ~ended).any()):
        raise InputError(f"{name} holds <sos> (index {SOS}), which this function puts before it")
    padding = (tokens == PAD) & ~ended
    if bool((padding[..., :-1] & ~padding[..., 1:] & ~ended[..., 1:]).any()):
        raise InputError(f"{name} holds <pad> (index {PAD}) before a word; pad on the right")
    words = tokens.masked_fill(ended, PAD)
    shifted = torch.cat([torch.full_like(words[..., :1], SOS), words], dim=-1)
    if tokens.shape[-1] == 0:
        shifted = tokens.new_full((*tokens.shape[:-1], 1), SOS)
    every_row_ended = tokens.shape[-1] > 0 and bool(ended[..., -1].all())
    return shifted[..., :-1] if every_row_ended else shifted
