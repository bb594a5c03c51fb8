"""Which record a function reads or returns, from its annotations."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from eigenlab.lab.record import Record


def argument_record(function: Callable[..., Any]) -> type[Record]:
    """The record class that annotates the first argument of ``function``."""
    names = list(inspect.signature(function).parameters)
    return _record(function, names[0] if names else "", "its first argument")


def returned_record(function: Callable[..., Any]) -> type[Record]:
    """The record class that annotates what ``function`` returns."""
    return _record(function, "return", "what it returns")


def _record(function: Callable[..., Any], name: str, what: str) -> type[Record]:
    kind = typing.get_type_hints(function).get(name)
    assert isinstance(kind, type), f"{function.__qualname__}: annotate {what} with a record class"
    assert issubclass(kind, Record), f"{function.__qualname__}: {what} is no Record"
    return kind
