"""Checks of arguments."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.translation.indices import EOS


def check_count(name: str, value: Any, minimum: int) -> int:
    """Return an integer argument that is at least ``minimum``; refuse anything else.

    >>> check_count("min_count", 2, 1)
    2
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise InputError(f"{name}={value!r} must be an integer of at least {minimum}")
    return int(value)


def check_targets(target: Tensor) -> Tensor:
    """Return a batch of targets (B, T) as int64; refuse other types and rows without ``<eos>``.

    Without it the decoder has one more input than there are columns to be written.
    """
    if target.dim() != 2 or target.dtype.is_floating_point or target.dtype.is_complex:
        raise InputError(
            f"target has shape {tuple(target.shape)} and dtype {target.dtype}; expected integer "
            "indices (B, T)"
        )
    ended = (target == EOS).any(dim=1)
    if not bool(ended.all()):
        row = int((~ended).int().argmax())
        raise InputError(f"target[{row}] holds no <eos> (index {EOS}); end each row by one")
    return target.long()
