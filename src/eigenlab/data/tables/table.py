"""A table that was read: its columns, its numbers, and its rows with one more column."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from eigenlab.data.tables.cells import Decimal, is_missing, looks_numeric, number
from eigenlab.data.tables.dialect import DELIMITERS, Records
from eigenlab.data.tables.roles import Column
from eigenlab.data.tables.source import Text
from eigenlab.errors import InputError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SENTINELS = (-9, -99, -999, -9999, -99999, 99, 999, 9999, 99999)
"""Values that often stand for missing ones."""
Shift = Literal[-1, 0, 1]


@dataclass(frozen=True)
class Table:
    """Rows of cells, with the columns that are numbers to compute with; see :func:`read_table`.

    Args:
        name: name of the file, for messages.
        names: names of the columns, or None without a header.
        rows: the cells of each row, below the header.
        lines: number of the last line of each row in its file, from 1.
        columns: kind and role of each column.
        decimal: decimal mark of the numbers, ``"."`` or ``","``.
        header: the header as it was read; None without one.
        records: the rows as they were read, for a text file.
        text: the text of the file; None for a spreadsheet or Parquet.
        kind: what the file is, such as ``"comma-separated"``.
        shift: cells that the header has more than the rows. Default: ``0``.
    """

    name: str
    names: tuple[str, ...] | None
    rows: list[list[str]]
    lines: list[int]
    columns: list[Column]
    decimal: Decimal
    header: int | None
    records: Records | None
    text: Text | None
    kind: str
    shift: Shift = 0

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.columns)

    @property
    def used_columns(self) -> list[int]:
        """Indices of the columns of numbers, without row numbers, identifiers and labels.

        Raises:
            InputError: it is not clear which they are.
        """
        used = [place for place, column in enumerate(self.columns) if column.role == "used"]
        for place, column in enumerate(self.columns):
            if column.role == "unsure":
                raise InputError(
                    f"{self.name}: column {self.column_name(place)} may hold row numbers, codes "
                    f"or data; choose the columns with --columns{self._example(used)}"
                )
            if column.role == "unclear" and column.fault is not None:
                raise InputError(self._not_a_number(column.fault, place))
        if not used:
            raise InputError(
                f"{self.name} has no column of numbers to use; choose columns with --columns "
                "(names, or numbers from 1, such as --columns 1,2)"
            )
        return used

    @property
    def left_out(self) -> dict[str, str]:
        """The columns that are not used by default: name -> reason."""
        return {
            self._plain_name(place): column.role
            for place, column in enumerate(self.columns)
            if column.role != "used" and not (column.kind == "empty" and not self._named(place))
        }

    def understood(self, columns: Sequence[int] | None = None) -> str:
        """How the file was read, in one line.

        Args:
            columns: indices of the columns that are used. Default: ``None``, ``used_columns``.
        """
        used = self.used_columns if columns is None else list(columns)
        out = [
            f"{self._plain_name(place)} ({column.role if column.role != 'used' else 'not chosen'})"
            for place, column in enumerate(self.columns)
            if place not in used and (column.kind != "empty" or self._named(place))
        ]
        header = f"header in line {self._header_line()}" if self.names else "no header"
        parts = [
            f"{self.n_rows} row{'s' * (self.n_rows != 1)} of {self.n_columns} "
            f"column{'s' * (self.n_columns != 1)}",
            self.kind,
            header,
            f"decimal {'comma' if self.decimal == ',' else 'point'}",
        ]
        if self.text is not None:
            assumed = " (assumed)" if self.text.assumed else ""
            parts.append(self.text.encoding.upper() + assumed)
        uses = f"used: {_few([self._plain_name(c) for c in used])}"
        return f"{', '.join(parts)}; {uses}" + (f"; left out: {_few(out)}" if out else "")

    def column_name(self, column: int) -> str:
        """Name of a column in messages: ``'age'``, or its number from 1 without a name."""
        return repr(self.names[column]) if self.names and self._named(column) else str(column + 1)

    def select(self, wanted: str | Sequence[int | str] | None) -> list[int]:
        """Indices of columns.

        Args:
            wanted: names or numbers from 1, as a list or separated by commas; None selects the
                columns of numbers, ``used_columns``.

        Raises:
            InputError: there is no such column, a column is chosen twice, or none.
        """
        if wanted is None:
            return self.used_columns
        parts = wanted.split(",") if isinstance(wanted, str) else [str(part) for part in wanted]
        chosen = [self._find(part.strip()) for part in parts if part.strip()]
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
        numbered = part.isdecimal() and 1 <= int(part) <= self.n_columns
        if len(places) == 1:
            if numbered and int(part) - 1 != places[0]:
                raise InputError(
                    f"--columns {part}: column {places[0] + 1} has this name, but it is also the "
                    "number of another; choose by other names, or rename the columns"
                )
            return places[0]
        if len(places) > 1:
            numbers = ", ".join(str(place + 1) for place in places)
            raise InputError(
                f"--columns {part}: columns {numbers} have this name; give the number instead"
            )
        if numbered:
            return int(part) - 1
        if self.names is None or part.isdecimal():
            raise InputError(
                f"--columns {part}: {self.name} has columns 1 to {self.n_columns}"
                + ("" if self.names else " and no header")
            )
        raise InputError(
            f"--columns {part}: no such column{nearest(part, self.names)}; "
            f"{self.name} has {', '.join(self.names)}"
        )

    def numbers(
        self, columns: Sequence[int] | None = None, *, missing: Literal["error", "nan"] = "error"
    ) -> NDArray[np.float64]:
        """The numbers of some columns.

        Args:
            columns: indices from 0. Default: ``None``, ``used_columns``.
            missing: ``"error"`` refuses missing values, ``"nan"`` returns them as NaN.
                Default: ``'error'``.

        Returns:
            (n_rows, len(columns)) array.

        Raises:
            InputError: a cell is not a number, not finite, or missing.
        """
        import numpy as np

        places = self.used_columns if columns is None else list(columns)
        values = np.empty((self.n_rows, len(places)))
        for place, column in enumerate(places):
            values[:, place] = [number(row[column], self.decimal) for row in self.rows]
        faults = [(row, places[place]) for row, place in np.argwhere(~np.isfinite(values)).tolist()]
        absent = [cell for cell in faults if is_missing(self.rows[cell[0]][cell[1]])]
        gone = set(absent)
        for row, column in faults:
            if (row, column) not in gone:
                text = self.rows[row][column]
                if not np.isnan(number(text, self.decimal)):
                    raise InputError(
                        f"{self._where(row, column)}: the value {text!r} is not finite"
                    )
                raise InputError(self._not_a_number(row, column))
        if absent and missing == "error":
            row, column = absent[0]
            more = f"; {len(absent) - 1} more cells are missing" if absent[1:] else ""
            raise InputError(
                f"{self._where(row, column)}: the value {self.rows[row][column]!r} is missing"
                f"{more}. Leave out such rows with --missing drop, fill in the values, or choose "
                "other columns with --columns"
            )
        return values

    def sentinels(self, columns: Sequence[int]) -> list[str]:
        """Describe values that may stand for missing ones, such as -999 far from all others.

        Args:
            columns: indices of columns of numbers.

        Returns:
            A clause for each such column.
        """
        import numpy as np

        values = self.numbers(columns, missing="nan")
        found = []
        for column, cells in zip(columns, values.T, strict=True):
            for value in SENTINELS:
                marked = cells == value
                rest = cells[~marked & ~np.isnan(cells)]
                if not marked.any() or len(np.unique(rest)) < 2:
                    continue
                if np.abs(rest - value).min() > np.ptp(rest):
                    found.append(
                        f"column {self.column_name(column)} holds {value} {marked.sum()} times, "
                        "far from its other values; if it stands for missing ones, write NA instead"
                    )
        return found

    def with_column(self, name: str, values: Sequence[object], *, absent: str = "") -> bytes:
        """The content of the file with one more column, its own characters unchanged.

        A spreadsheet or Parquet is written as comma-separated text.

        Args:
            name: name of the new column, written if the table has a header.
            values: its value in each row; None where there is none.
            absent: written for None. Default: ``''``; ``NA`` in a table delimited by blanks.

        Returns:
            The encoded content.
        """
        if self.records is None or self.text is None:
            return self._as_csv(name, values, absent)
        records, delimiter = self.records, self.records.dialect.delimiter
        if delimiter == " ":
            absent = absent or "NA"
            delimiter = "\t" if any("\t" in raw.strip() for raw in records.raw[:100]) else " "
        start = len(records.rows) - self.n_rows
        pieces = []
        for place, raw in enumerate(records.raw):
            body = raw.rstrip("\r\n")
            added = name if place < start else values[place - start]
            if place < start and body.rstrip().endswith(records.dialect.quote):
                added = f"{records.dialect.quote}{name}{records.dialect.quote}"
            closed = self.shift == (1 if place < start else -1)  # ends with a delimiter already
            text = absent if added is None else str(added)
            pieces += [records.before.get(place, ""), body, "" if closed else delimiter, text]
            pieces.append(raw[len(body) :])
        pieces.append(records.before.get(len(records.raw), ""))
        return self.text.mark + "".join(pieces).encode(self.text.encoding)

    def _as_csv(self, name: str, values: Sequence[object], absent: str) -> bytes:
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        if self.names is not None:
            writer.writerow([*self.names, name])
        for row, value in zip(self.rows, values, strict=True):
            writer.writerow([*row, absent if value is None else value])
        return stream.getvalue().encode()

    def _named(self, column: int) -> bool:
        return bool(self.names and self.names[column].strip())

    def _plain_name(self, column: int) -> str:
        return self.names[column] if self.names and self._named(column) else str(column + 1)

    def _header_line(self) -> int:
        return self.header or 1

    def _not_a_number(self, row: int, column: int) -> str:
        text = self.rows[row][column]
        where = self._where(row, column)
        other: Decimal = "." if self.decimal == "," else ","
        if number(text, other) == number(text, other):
            mark = "comma" if self.decimal == "," else "point"
            return f"{where}: {text!r} is not a number with a decimal {mark}; see --decimal"
        hint = ""
        if looks_numeric(text):
            hint = " (without unit, percent or currency sign, and with - in front)"
        used = [place for place, c in enumerate(self.columns) if c.role == "used"]
        return (
            f"{where}: {text!r} is not a number{hint}; choose the numeric columns with "
            f"--columns{self._example(used)}"
        )

    def _example(self, used: Sequence[int]) -> str:
        if not used:
            return " (names, or numbers from 1, such as --columns 1,2)"
        numbers = ",".join(str(place + 1) for place in used[:8])
        return f", such as --columns {numbers}{',...' if used[8:] else ''}"

    def _where(self, row: int, column: int) -> str:
        line = f" (line {self.lines[row]})" if self.text is not None else ""
        return f"{self.name}, row {row + 1}{line}, column {self.column_name(column)}"


def separated(delimiter: str) -> str:
    """``"comma-separated"`` and the like."""
    return f"separated by {DELIMITERS.get(delimiter, repr(delimiter))}{'s' * (delimiter in ',;')}"


def _few(items: Sequence[str], most: int = 8) -> str:
    more = f", ... ({len(items) - most} more)" if len(items) > most else ""
    return ", ".join(items[:most]) + more
