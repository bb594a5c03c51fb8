"""Texts of settings that are drawn: sequences of numbers, points, pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from eigenlab.errors import InputError

#: Rows and columns of a painted picture, as in MNIST.
SIDE = 28
LEVELS = 15


def parse_numbers(text: str, *, name: str, fewest: int, most: int) -> list[float]:
    """Numbers separated by commas, semicolons or blanks.

    Args:
        text: the numbers.
        name: of the setting, for messages.
        fewest: smallest count.
        most: largest count.

    Raises:
        InputError: a word is no finite number up to a million, there are too few or too many, or
            a comma may be a decimal mark, as in ``"1,5; 2,5"``.

    >>> parse_numbers("1, -0.5; 2", name="sequence", fewest=2, most=10)
    [1.0, -0.5, 2.0]
    """
    _refuse_decimal_commas(text, name)
    values = []
    for word in text.replace(",", " ").replace(";", " ").split():
        try:
            value = float(word)
        except ValueError:
            raise InputError(
                f"{name}: {word[:20]!r} is no number; expected numbers such as 1, 0.5, -2"
            ) from None
        if not (math.isfinite(value) and abs(value) <= 1e6):
            raise InputError(f"{name}: {word[:20]} is beyond +-1e6; give smaller numbers")
        values.append(value)
    if not fewest <= len(values) <= most:
        raise InputError(f"{name} has {len(values)} numbers, expected {fewest} to {most}")
    return values


def _refuse_decimal_commas(text: str, name: str) -> None:
    words = text.replace(";", " ").split()
    unclear = [word for word in words if re.fullmatch(r"[+-]?\d+,\d+", word)]
    if unclear and len(words) > 1 and not any(word.endswith(",") for word in words):
        raise InputError(
            f"{name}: {unclear[0][:20]!r} may be one number or two; write decimals with a point, "
            "and a blank after a comma that separates numbers"
        )


def parse_points(text: str, *, name: str = "points", most: int = 2000) -> list[tuple[float, float]]:
    """Points of the plane, separated by semicolons or lines: ``"0 1; 2.5 -3"``.

    Args:
        text: two numbers for each point.
        name: of the setting, for messages. Default: ``"points"``.
        most: largest number of points. Default: ``2000``.

    Raises:
        InputError: a point does not have two numbers, or there are too many points.

    >>> parse_points("0 1; 2.5, -3")
    [(0.0, 1.0), (2.5, -3.0)]
    """
    parts = [part for part in text.replace("\n", ";").split(";") if part.strip()]
    if len(parts) > most:
        raise InputError(f"{name}: {len(parts)} points, expected at most {most}")
    found = [parse_numbers(part, name=name, fewest=2, most=2) for part in parts]
    return [(x, y) for x, y in found]


def parse_pixels(text: str) -> list[list[float]]:
    """A picture of 28 x 28 brightnesses from 0 to 1, from one hexadecimal digit for each pixel.

    Args:
        text: 784 digits row by row, or ``""`` for an empty picture.

    Raises:
        InputError: it has another length or another character.

    >>> parse_pixels("f" + "0" * 783)[0][:2], sum(map(sum, parse_pixels("")))
    ([1.0, 0.0], 0.0)
    """
    if not text:
        return [[0.0] * SIDE for _ in range(SIDE)]
    try:
        levels = [int(digit, 16) for digit in text]
    except ValueError:
        levels = []
    if len(levels) != SIDE * SIDE:
        raise InputError(
            f"the picture is a text of {len(text)} characters, expected {SIDE * SIDE} hexadecimal "
            "digits; paint it"
        )
    return [[level / LEVELS for level in levels[k : k + SIDE]] for k in range(0, SIDE * SIDE, SIDE)]


def format_pixels(rows: Sequence[Sequence[float]]) -> str:
    """The text of a picture, as :func:`parse_pixels` reads it.

    Args:
        rows: 28 rows of 28 brightnesses from 0 to 1.
    """
    levels = [round(min(1.0, max(0.0, value)) * LEVELS) for row in rows for value in row]
    return "".join(f"{level:x}" for level in levels) if any(levels) else ""
