"""Checks of arguments."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from eigenlab.errors import InputError


def check_count(name: str, value: Any, minimum: int) -> int:
    """Return an integer argument that is at least ``minimum``; refuse anything else.

    >>> check_count("min_count", 2, 1)
    2
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < minimum:
        raise InputError(f"{name}={value!r} must be an integer of at least {minimum}")
    return int(value)
