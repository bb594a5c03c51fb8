"""Which columns of a table are numbers to compute with, and what the others are."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from eigenlab.data.tables.cells import (
    BOOLEANS,
    Decimal,
    is_missing,
    looks_numeric,
    number,
)

_UNNAMED = re.compile(r"|#|Unnamed: \d+(?:\.\d+)?|__index_level_\d+__|level_\d+")
"""Names that programs give to row numbers and row names."""
_ROW_NUMBER = re.compile(
    r"index|idx|row[ ._]?(?:names?|num|number|no|nr|id)?|obs(?:ervation)?|(?:no|nr|num)\.?"
    r"|x1|\.\.\.1",
    re.I,
)
_IDENTIFIER = re.compile(r"(?:.*[ ._-])?(?:id|uuid|guid)", re.I)
_PERHAPS_IDENTIFIER = re.compile(r"\w*(?:ID|Id)")
_CODE = re.compile(r"\s*0\d+\s*")
"""A whole number that begins with zero, as a postal code."""
_LABEL = re.compile(r"labels?|class(?:es)?|target|species|category|y_true|ground[ ._]?truth", re.I)
MOST_LABELS = 100
"""Most values of a column of labels."""
COUNTED = 4
"""From so many rows on, a first column without a name that counts them may be their number."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Args:
        kind: ``"numbers"``, ``"text"``, ``"empty"``, ``"true or false"``, or ``"unclear"`` for
            numbers that cannot all be read.
        role: ``"used"``, or why the column is left out.
        fault: the first row whose cell is no number; None where there is none.
    """

    kind: str
    role: str
    fault: int | None = None


def examine(cells: Sequence[str], decimal: Decimal) -> Column:
    """The kind of a column, from all its cells."""
    faults: list[int] = []
    numbers = 0
    for row, cell in enumerate(cells):
        if not math.isnan(number(cell, decimal)):
            numbers += 1
        elif not is_missing(cell):
            faults.append(row)
    if not faults:
        return Column("numbers", "used") if numbers else Column("empty", "empty")
    texts = {cells[row].strip() for row in faults}
    if not numbers and {text.lower() for text in texts} <= BOOLEANS and len(texts) <= 2:
        return Column("true or false", "true or false", faults[0])
    strange = next((row for row in faults if looks_numeric(cells[row])), None)
    many = 2 * sum(looks_numeric(cells[row]) for row in faults) > len(faults)
    if 10 * numbers >= numbers + len(faults):
        return Column("unclear", "unclear", faults[0])
    if many:
        return Column("unclear", "unclear", strange)
    return Column("text", "text", faults[0])


def assign_roles(
    columns: Sequence[Column],
    names: Sequence[str] | None,
    cells: Sequence[Sequence[str]],
    decimal: Decimal,
) -> list[Column]:
    """Find the row numbers, identifiers and labels among the columns of numbers."""
    found = list(columns)
    for place, column in enumerate(columns):
        if column.kind != "numbers":
            continue
        if names is not None and len(names) == 1:
            continue
        name = None if names is None else names[place].strip()
        role = _role(place, name, names, cells[place], decimal)
        found[place] = Column(column.kind, role)
    return found


def _role(
    place: int,
    name: str | None,
    names: Sequence[str] | None,
    cells: Sequence[str],
    decimal: Decimal,
) -> str:
    values = [number(cell, decimal) for cell in cells]
    whole = all(abs(value) < 2**53 and value == int(value) for value in values)
    if not whole:
        return "unsure" if place == 0 and name is not None and _UNNAMED.fullmatch(name) else "used"
    if all(map(_is_date, values)):
        return "date"
    if any(map(_CODE.fullmatch, cells)):
        return "unsure"
    counts = values[0] in (0, 1) and values == [values[0] + i for i in range(len(values))]
    if name is None:
        return "unsure" if place == 0 and counts and len(values) >= COUNTED else "used"
    return _role_by_name(place, name, names or (), values, counts)


def _is_date(value: float) -> bool:
    """Whether a whole number is a date such as 20240131."""
    year, month, day = value // 10_000, value // 100 % 100, value % 100
    return 1800 <= year <= 2200 and 1 <= month <= 12 and 1 <= day <= 31


def _role_by_name(
    place: int, name: str, names: Sequence[str], values: Sequence[float], counts: bool
) -> str:
    """The role of a column of whole numbers."""
    distinct = len(set(values))
    unique = distinct == len(values)
    if _UNNAMED.fullmatch(name) and not unique:
        role = "unsure" if place == 0 else "used"
    elif _UNNAMED.fullmatch(name) or (_ROW_NUMBER.fullmatch(name) and counts):
        role = "row number"
    elif place == 0 and name == "X" and counts:
        role = "unsure" if "Y" in names or len(names) == 2 else "row number"
    elif _IDENTIFIER.fullmatch(name) or (_PERHAPS_IDENTIFIER.fullmatch(name) and unique):
        role = "identifier"
    elif _LABEL.fullmatch(name) and distinct <= min(MOST_LABELS, len(values) // 2):
        role = "label"
    else:
        role = "used"
    return role
