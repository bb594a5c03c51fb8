"""A reader's own numbers as a sequence: a part to train on, and the rest to test on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.studio.demos.own_table import as_text, read_columns

MOST = 5000
TESTED = 0.2
#: A deviation below this share of the numbers' size is rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class OwnSequence:
    """A sequence whose end is kept for the test, in standard deviations of its beginning.

    Args:
        train: (n,) the beginning, standardised to mean 0 and variance 1.
        test: (m,) the rest, by the same mean and deviation.
        mean: of the beginning, in the unit of the numbers.
        scale: standard deviation of the beginning, in the same unit.
    """

    train: Tensor
    test: Tensor
    mean: float
    scale: float


def column_values(content: str, column: str) -> list[float]:
    """The numbers of one column of a table, from the first row to the last.

    Args:
        content: the text of the table, CSV or a relative.
        column: its name or its number from 1; ``""`` chooses the only column of numbers.

    Raises:
        InputError: it is not clear which column, a value is missing (its neighbours would become
            neighbours in time), or the table cannot be read.

    >>> column_values("day,sales\\n3,5\\n7,6\\n4,8\\n", "sales")
    [5.0, 6.0, 8.0]
    """
    values, names = read_columns(content, column, setting="column")
    if len(names) != 1:
        shown = ", ".join(as_text(name) for name in names[:8])
        raise InputError(
            f"the table has {len(names)} columns of numbers: {shown}; name one of them in 'column'"
        )
    missing = np.isnan(values[:, 0]).nonzero()[0]
    if len(missing):
        raise InputError(
            f"row {int(missing[0]) + 1} of the table has no value in column {as_text(names[0])}; "
            "a sequence has no gaps: fill the value in, or cut the table there"
        )
    found: list[float] = values[:, 0].tolist()
    return found


def split_sequence(values: Sequence[float], length: int) -> OwnSequence:
    """Keep the last fifth for the test, at least one window, and standardise.

    Args:
        values: the numbers, in their order.
        length: steps of a window.

    Raises:
        InputError: there are too few or too many numbers, or those of the beginning are all equal.

    >>> own = split_sequence([0.0, 2.0] * 10, length=3)
    >>> len(own.train), len(own.test), own.mean, own.scale
    (16, 4, 1.0, 1.0)
    """
    fewest = 3 * (length + 1)
    if not fewest <= len(values) <= MOST:
        hint = "a smaller length, or more numbers" if len(values) < fewest else "a part of them"
        raise InputError(
            f"the sequence has {len(values)} numbers, expected {fewest} to {MOST:,} for windows of "
            f"{length} steps; give {hint}"
        )
    numbers = torch.tensor(values, dtype=torch.float64)
    tested = max(int(TESTED * len(numbers)), length + 1)
    train, test = numbers[:-tested], numbers[-tested:]
    mean, scale = train.mean(), train.std(correction=0)
    if scale <= ROUNDING * train.abs().max():
        raise InputError(
            f"the first {len(train)} numbers of the sequence, the part to train on, are all equal: "
            "there is nothing to learn"
        )
    return OwnSequence((train - mean) / scale, (test - mean) / scale, float(mean), float(scale))


def draw_windows(
    values: Tensor, count: int, length: int, source: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Windows of a sequence at random places, and at each step the number that follows.

    Args:
        values: (n,) the sequence, n > length.
        count: windows, drawn with replacement.
        length: steps of each.
        source: of random numbers.

    Returns:
        x and y, (count, length, 1) each.
    """
    return _at(values, torch.randint(len(values) - length, (count,), generator=source), length)


def last_windows(values: Tensor, length: int, most: int, first: int) -> tuple[Tensor, Tensor]:
    """All windows of a sequence, or evenly spaced ones of them.

    Args:
        values: (n,) the sequence, n > length.
        length: steps of each.
        most: largest number of windows.
        first: which of them comes first, modulo their number; the others follow in a circle.

    Returns:
        x and y, as of :func:`draw_windows`.

    >>> x, y = last_windows(torch.arange(5.0), length=2, most=10, first=1)
    >>> x[..., 0].tolist(), y[0, :, 0].tolist()
    ([[1.0, 2.0], [2.0, 3.0], [0.0, 1.0]], [2.0, 3.0])
    """
    last = len(values) - length - 1
    starts = torch.linspace(0, last, min(most, last + 1), dtype=torch.float64).round().long()
    return _at(values, starts.roll(-(first % len(starts))), length)


def _at(values: Tensor, starts: Tensor, length: int) -> tuple[Tensor, Tensor]:
    places = starts.unsqueeze(1) + torch.arange(length)
    return values[places].unsqueeze(-1), values[places + 1].unsqueeze(-1)
