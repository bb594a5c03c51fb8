"""Tables of numbers in text files: CSV, TSV or separated by white space."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError, nearest

SNIFFED = 50
"""Rows from which the delimiter is detected."""
DELIMITERS = ("\t", ";", ",")  # in this order, so that 1,5;2,5 is two cells with decimal commas
MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}


@dataclass(frozen=True)
class Table:
    """The cells of a text file."""

    path: Path
    delimiter: str
    """Delimiter of the cells; a space stands for any white space."""
    names: tuple[str, ...] | None
    """Names of the columns, or None without a header."""
    rows: list[list[str]]
    lines: list[int]
    """Line number of the end of each row, from 1."""

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    def column_name(self, column: int) -> str:
        """Name of a column in messages: ``'age'``, or its number from 1 without a header."""
        return str(column + 1) if self.names is None else repr(self.names[column])

    def select(self, wanted: str | None) -> list[int]:
        """Indices of the columns in ``wanted``, names or numbers from 1 separated by commas.

        None selects all columns.
        """
        if wanted is None:
            return list(range(self.width))
        chosen = [self._find(part.strip()) for part in wanted.split(",") if part.strip()]
        if not chosen:
            raise InputError(
                "--columns is empty; expected names or numbers, such as 1,2 or age,height"
            )
        repeated = [column for column, count in Counter(chosen).items() if count > 1]
        if repeated:
            raise InputError(
                f"--columns {wanted}: column {self.column_name(repeated[0])} is given twice"
            )
        return chosen

    def _find(self, part: str) -> int:
        places = [i for i, name in enumerate(self.names or ()) if name == part]
        if len(places) == 1:
            return places[0]
        if len(places) > 1:
            numbers = ", ".join(str(place + 1) for place in places)
            raise InputError(
                f"--columns {part}: columns {numbers} have this name; give the number instead"
            )
        if part.isdecimal() and 1 <= int(part) <= self.width:
            return int(part) - 1
        if self.names is None or part.isdecimal():
            raise InputError(
                f"--columns {part}: {self.path} has columns 1 to {self.width}"
                + ("" if self.names else " and no header")
            )
        raise InputError(
            f"--columns {part}: no such column{nearest(part, self.names)}; "
            f"{self.path} has {', '.join(self.names)}"
        )

    def numbers(self, columns: Sequence[int]) -> NDArray[np.float64]:
        """The (n, len(columns)) finite numbers of some columns.

        Raises:
            InputError: a cell is not a number (reported first), is missing or is not finite.
        """
        values = np.empty((len(self.rows), len(columns)))
        for place, column in enumerate(columns):
            values[:, place] = [_number(row[column]) for row in self.rows]
        faults = np.argwhere(~np.isfinite(values)).tolist()
        cells = [(row, columns[place]) for row, place in faults]
        for row, column in cells:
            if not _is_number(self.rows[row][column]) and not self._is_missing(row, column):
                raise InputError(self._not_a_number(row, column))
        if cells:
            row, column = cells[0]
            fault = "is missing" if self._is_missing(row, column) else "is not finite"
            more = f"; {len(cells) - 1} more cells are missing or not finite" if cells[1:] else ""
            raise InputError(
                f"{self._where(row, column)}: the value {self.rows[row][column]!r} {fault}{more}. "
                "Fill in the values or remove the rows, or choose other columns with --columns"
            )
        return values

    def _is_missing(self, row: int, column: int) -> bool:
        return self.rows[row][column].strip().lower() in MISSING

    def _not_a_number(self, row: int, column: int) -> str:
        text = self.rows[row][column]
        if _is_number(text.replace(",", ".")):
            return (
                f"{self._where(row, column)}: {text!r} is not a number; write it with a decimal "
                "point, not a comma"
            )
        return (
            f"{self._where(row, column)}: {text!r} is not a number; choose the numeric columns "
            "with --columns (names, or numbers from 1, such as --columns 1,2)"
        )

    def _where(self, row: int, column: int) -> str:
        return (
            f"{self.path}, row {row + 1} (line {self.lines[row]}), "
            f"column {self.column_name(column)}"
        )

    def with_column(self, name: str, values: Sequence[object]) -> str:
        """The table as text, with one more column and the delimiter of the file."""
        text = io.StringIO()
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\n")
        if self.names is not None:
            writer.writerow([*self.names, name])
        writer.writerows([*row, value] for row, value in zip(self.rows, values, strict=True))
        return text.getvalue()


def read_table(path: Path, *, header: bool | None = None) -> Table:
    """Read a UTF-8 file of rows of cells.

    The delimiter (comma, semicolon, tab or white space) is detected; empty lines are skipped.

    Args:
        path: path of the file.
        header: whether the first row is a header; None detects one by the lack of numbers. Default:
            ``None``.

    Returns:
        The table.

    Raises:
        InputError: the file cannot be read, is empty, or a row has more or fewer cells than the
            first.
    """
    text = _read_text(path)
    delimiter = _delimiter(text)
    try:
        found = [(line, row) for line, row in _split(text, delimiter) if len(row) > 1 or any(row)]
    except csv.Error as error:
        raise InputError(f"{path} cannot be parsed as CSV: {error}") from error
    if not found:
        raise InputError(f"{path} is empty; expected rows of numbers")
    names = None
    if header or (header is None and _is_header(found[0][1])):
        names = tuple(cell.strip() for cell in found.pop(0)[1])
        if not found:
            raise InputError(f"{path} has a header but no rows; expected rows of numbers below it")
    width = len(found[0][1] if names is None else names)
    for line, row in found:
        if len(row) != width:
            raise InputError(
                f"{path}, line {line}: {len(row)} cells, but the first row has {width}; "
                "every row needs the same number"
            )
    return Table(path, delimiter, names, [row for _, row in found], [line for line, _ in found])


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text (byte {error.start + 1}); save it as CSV in UTF-8"
        ) from error


def _delimiter(text: str) -> str:
    """The delimiter that splits most of the first rows into the same number (> 1) of cells."""
    lines = [line for line in text[: 2**20].splitlines() if line.strip()][:SNIFFED]

    def agreement(delimiter: str) -> int:
        try:
            counts = Counter(len(row) for _, row in _split("\n".join(lines), delimiter) if row)
        except csv.Error:
            return 0
        return max((times for cells, times in counts.items() if cells > 1), default=0)

    best = max((*DELIMITERS, " "), key=agreement)
    return best if agreement(best) else ","  # one column


def _is_header(row: list[str]) -> bool:
    return not any(map(_is_number, row)) and any(
        cell.strip().lower() not in MISSING for cell in row
    )


def _split(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Rows of ``text``, each with its last line number."""
    if delimiter == " ":
        return [(number, line.split()) for number, line in enumerate(text.splitlines(), 1)]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    return [(reader.line_num, row) for row in reader]


def _number(text: str) -> float:
    """``text`` as a number, NaN if it is none."""
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan


def _is_number(text: str) -> bool:
    """Whether ``text`` is a number, possibly infinite; NaN counts as missing."""
    return not math.isnan(_number(text))
