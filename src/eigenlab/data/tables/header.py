"""Whether the first row of a table is its header.

Text above numbers is a header. Numbers may be one, too: pandas writes 0, 1, 2 above columns without
names, and years stand above the columns of a time series. They are taken for a header where the
rows below cannot be of their kind, for data where they can, and in between nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from eigenlab.data.tables.cells import is_missing, is_number, looks_numeric, number
from eigenlab.errors import InputError

Row = Sequence[str]
YEARS = range(1500, 2101)
LIKE_YEARS = range(1000, 3001)
"""Values that a first row of years may belong to."""
SAMPLE = 5000
"""Rows that the first one is compared with."""
MANY = 4
"""From so many numbers on, an ascending first row of whole numbers is no coincidence."""


_WHOLE = re.compile(r"[+\u2212-]?(?:\d+|\d{1,3}(?:[,\s'\u2019]\d{3})+)")


def has_header(rows: Sequence[Row], name: str) -> bool:
    """Whether the first of the rows, all equally long, is a header.

    Raises:
        InputError: it may be a header or data.
    """
    first, below = [cell.strip() for cell in rows[0]], rows[1 : SAMPLE + 1]
    columns = list(zip(*below, strict=True))
    numeric = [place for place, column in enumerate(columns) if _is_numeric(column)]
    texts = [first[p] for p in numeric if not is_number(first[p]) and not is_missing(first[p])]
    if texts:
        if all(map(looks_numeric, texts)):
            raise _open(first, name)
        return True
    places = [place for place, cell in enumerate(first) if is_number(cell)]
    if not places:  # text above text
        return not _repeats_text(first, columns) and not all(map(is_missing, first))
    if (
        not below
        or any([cell.strip() for cell in row] == first for row in below)
        or any(place not in numeric for place in places)
        or _repeats_text(first, columns)
    ):
        return False
    answer = _numbers_are_names(
        [first[place] for place in places],
        [columns[place] for place in places],
        beside_text=first[0] == "" or 0 not in numeric,
    )
    if answer is None:
        raise _open(first, name)
    return answer


def _open(first: Row, name: str) -> InputError:
    return InputError(
        f"{name}: the first row ({', '.join(first)[:60]}) may be a header or data; decide with "
        "--header or --no-header"
    )


def _is_numeric(column: Row) -> bool:
    filled = [cell for cell in column if not is_missing(cell)]
    return bool(filled) and 10 * sum(map(is_number, filled)) >= 9 * len(filled)


def _repeats_text(first: Row, columns: Sequence[Row]) -> bool:
    """Whether a text of the first row is a value of its column, such as a label."""
    return any(
        cell and not is_number(cell) and any(other.strip() == cell for other in column)
        for cell, column in zip(first, columns, strict=False)
    )


def _numbers_are_names(cells: Row, columns: Sequence[Row], *, beside_text: bool) -> bool | None:
    """Whether numbers are the names of the columns below; None where it is open.

    Args:
        cells: the numbers in the first row.
        columns: the cells below each of them.
        beside_text: whether the first column has text, or no name, as a column of row names has.
    """
    values = [number(cell.replace(",", ".")) for cell in cells]
    steps = [after - before for before, after in pairwise(values)]
    whole = all(cell.isdecimal() for cell in cells)
    monotone = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    if whole and monotone and all(value in YEARS for value in values):
        return _years_are_names(steps, columns, beside_text)
    if whole and values[0] in (0, 1) and all(step == 1 for step in steps):
        return _counts_are_names(values, columns, beside_text)
    if len(values) >= MANY and steps[0] > 0 and _even(steps):  # a scale, as of a spectrum
        return False if _continues(values, columns) else None
    if whole and len(columns[0]) >= MANY and all(_kind(c) == "decimals" for c in columns):
        return None
    return False


def _years_are_names(
    steps: Sequence[float], columns: Sequence[Row], beside_text: bool
) -> bool | None:
    near = any(number(cell) in LIKE_YEARS for column in columns for cell in column)
    if beside_text:
        return None if near else True
    if not steps:  # one column
        return False if all(number(cell) in YEARS for cell in columns[0]) else None
    return True if not near and (len(steps) > 1 or abs(steps[0]) == 1) else None


def _counts_are_names(
    values: Sequence[float], columns: Sequence[Row], beside_text: bool
) -> bool | None:
    kinds = {_kind(column) for column in columns}
    several, many = len(values) > 1, len(values) >= MANY
    if kinds == {"decimals"}:
        return True if values[0] == 0 or (several and len(columns[0]) >= MANY) else None
    if several and beside_text:
        return True
    if several and _continues(values, columns):
        return False
    if many and "mixed" not in kinds:
        return True
    return False if list(values) in ([1], [1, 2]) else None


def _kind(column: Row) -> str:
    """Whether all numbers of a column are written whole, all with decimals, or both."""
    marks = {not _WHOLE.fullmatch(cell.strip()) for cell in column if is_number(cell)}
    return "mixed" if len(marks) == 2 else "decimals" if True in marks else "whole"


def _even(steps: Sequence[float]) -> bool:
    return all(abs(step - steps[0]) <= 1e-6 * abs(steps[0]) for step in steps)


def _continues(values: Sequence[float], columns: Sequence[Row]) -> bool:
    """Whether the next rows, at least two of them, also ascend or descend by even steps."""
    rows = list(zip(*columns, strict=True))[:3]
    if len(values) < MANY - 1 or len(rows) < 2:
        return False
    numbers = [[number(cell.replace(",", ".")) for cell in row] for row in rows]
    steps = [[after - before for before, after in pairwise(row)] for row in numbers]
    return all(row[0] != 0 and _even(row) for row in steps)
