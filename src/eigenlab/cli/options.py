"""Kinds of options that several commands share."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

Json = Annotated[
    bool, Parameter(negative=(), show_default=False, help="Print JSON and nothing else.")
]

#: Options of the commands that check students' files.
Execute = Annotated[
    bool,
    Parameter(
        negative=(),
        show_default=False,
        help="Run every statement, not only imports, definitions and simple constants.",
    ),
]
Aliases = Annotated[
    Path | None,
    Parameter(help='JSON file with names such as {"RNNLayer": ["MyLayer", "RNN_Layer"]}.'),
]
Points = Annotated[
    Path | None,
    Parameter(
        help='JSON file with points such as {"1a": 3, "1d": 0}; a part of 0 points is left out '
        "[default: 1 each]."
    ),
]


def whole_numbers(kind: Any, tokens: Sequence[Token]) -> Any:
    """Refuse fractions, which the parser would round; ``kind`` is a number or a tuple of them."""
    numbers = []
    for token in tokens:
        try:
            numbers.append(int(token.value))
        except ValueError:
            raise ValueError(f'"{token.value}" is not a whole number') from None
    return tuple(numbers) if is_sequence(kind) else numbers[0]


#: An option that takes a whole number.
Whole = Annotated[int, Parameter(converter=whole_numbers)]


def is_sequence(annotation: Any) -> bool:
    """Whether a field holds several values."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return any(is_sequence(part) for part in typing.get_args(annotation))
    return typing.get_origin(annotation) in (tuple, list)
