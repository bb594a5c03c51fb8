"""Read a table of numbers from a file, as people have them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eigenlab.data.tables.cells import Decimal, decimal_mark, is_number
from eigenlab.data.tables.dialect import Dialect, Records, read_records
from eigenlab.data.tables.header import has_header
from eigenlab.data.tables.roles import assign_roles, examine
from eigenlab.data.tables.source import Cells, Text, read_source, source_name
from eigenlab.data.tables.table import Shift, Table, separated
from eigenlab.errors import InputError


def read_table(
    file: Path | str,
    *,
    header: bool | None = None,
    delimiter: str | None = None,
    decimal: Decimal | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    sheet: str | None = None,
) -> Table:
    """Read a table of numbers, and find out how it is written.

    CSV and its relatives, .xlsx and Parquet are read, also compressed (gzip, bzip2, xz, zip,
    Zstandard). Delimiter, quotes, header, decimal mark, thousands, comments and encoding are
    detected from the whole file; row numbers, identifiers, labels and text are told from numbers to
    compute with. ``table.understood()`` says what was found. Where two readings are equally likely,
    an error names the argument that decides.

    Args:
        file: path of the file, or ``"-"`` for the standard input.
        header: whether the first row holds the names of the columns. Default: ``None``, detected.
        delimiter: character between cells; a blank stands for any run of blanks and tabs.
            Default: ``None``, detected.
        decimal: decimal mark, ``"."`` or ``","``; the other one may group thousands.
            Default: ``None``, detected.
        encoding: encoding of the text, such as ``"cp1251"``. Default: ``None``, detected.
        comment: character at the beginning of lines that are skipped, or ``"none"``.
            Default: ``None``, detected.
        sheet: name of the sheet of an .xlsx file. Default: ``None``, the only one.

    Returns:
        The table.

    Raises:
        InputError: the file cannot be read, is empty, its rows are not equally long, or two
            readings are equally likely.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "points.csv"
    ...     _ = file.write_text("name;x;y\\nA;1,5;2\\nB;3,25;4\\n")
    ...     table = read_table(file)
    >>> table.numbers().tolist()
    [[1.5, 2.0], [3.25, 4.0]]
    >>> table.understood()
    '2 rows of 3 columns, separated by semicolons, header in line 1, decimal comma, UTF-8;
    used: x, y; left out: name (text)'
    """
    if decimal not in (None, ".", ","):
        raise InputError(f"decimal={decimal!r}: expected '.' or ','")
    name = source_name(file)
    source = read_source(file, encoding=encoding, sheet=sheet)
    if isinstance(source, Text):
        records = read_records(source.text, name, delimiter=delimiter, comment=comment)
        return _table(records, source, header, decimal, name, separated(records.dialect.delimiter))
    if not source.rows:
        raise InputError(f"{name} is empty; expected rows of numbers")
    records = Records(Dialect(","), source.rows, lines=list(range(1, len(source.rows) + 1)))
    header = source.header if header is None else header
    return _table(records, source, header, decimal, name, source.kind)


def _table(
    records: Records,
    source: Text | Cells,
    header: bool | None,
    decimal: Decimal | None,
    name: str,
    kind: str,
) -> Table:
    rows, lines = list(records.rows), list(records.lines)
    if not rows:
        raise InputError(f"{name} is empty; expected rows of numbers")
    delimiter = records.dialect.delimiter
    names, shift = _short_or_long_header(rows, header, delimiter, name)
    if names is None:
        _check_widths(rows, lines, name)
        if header or records.commented_header or (header is None and has_header(rows, name)):
            names = rows[0]
    header_line = lines[0] if names is not None else None
    if names is not None:
        rows, lines = rows[1:], lines[1:]
    if not rows:
        raise InputError(f"{name} has a header but no rows; expected rows of numbers below it")
    cells = list(zip(*rows, strict=True))
    if decimal is None:
        if names is None or records.commented_header:
            _refuse_split_decimals(cells, delimiter, name)
        decimal = decimal_mark(cells, delimiter if len(cells) > 1 else None, name)
    stripped = None if names is None else tuple(" ".join(cell.split()) for cell in names)
    columns = assign_roles([examine(c, decimal) for c in cells], stripped, cells, decimal)
    is_text = isinstance(source, Text)
    return Table(
        name=name,
        names=stripped,
        rows=rows,
        lines=lines,
        columns=columns,
        decimal=decimal,
        header=header_line,
        records=records if is_text else None,
        text=source if isinstance(source, Text) else None,
        kind=kind,
        shift=shift,
    )


def _short_or_long_header(
    rows: list[list[str]], header: bool | None, delimiter: str, name: str
) -> tuple[list[str] | None, Shift]:
    """The names of a header with one cell more or less than the rows; cuts or pads ``rows``.

    R's ``write.table`` leaves out the name of the row names; other programs end every row, but not
    the header, with a delimiter, or the other way round.
    """
    widths = {len(row) for row in rows[1:]}
    first = rows[0]
    surplus = len(first) - max(widths, default=0)
    if header is False or len(widths) != 1 or any(map(is_number, first)):
        return None, 0
    if surplus == 1 and not first[-1].strip():
        return first[:-1], 1
    if surplus == -1 and not any(row[-1].strip() for row in rows[1:]):
        rows[1:] = [row[:-1] for row in rows[1:]]
        return first, -1
    if surplus == -1 and _are_row_names([row[0].strip() for row in rows[1:]], delimiter):
        return ["", *first], 0
    return None, 0


def _are_row_names(cells: Sequence[str], delimiter: str) -> bool:
    """Whether cells are row names: all different, and not the first half of decimal commas."""
    if len(set(cells)) < len(cells):
        return False
    numbers = [cell for cell in cells if is_number(cell)]
    return not numbers or (delimiter != "," and all(cell.isdecimal() for cell in numbers))


def _check_widths(rows: Sequence[Sequence[str]], lines: Sequence[int], name: str) -> None:
    width = len(rows[0])
    for row, line in zip(rows, lines, strict=True):
        if len(row) != width:
            raise InputError(
                f"{name}, line {line}: {len(row)} cells, but the first row has {width}; "
                "every row needs the same number (see --delimiter and --comment)"
            )


def _refuse_split_decimals(cells: Sequence[Sequence[str]], delimiter: str, name: str) -> None:
    """Stop where commas may be decimal marks: 1,05 is no pair of numbers."""
    if delimiter != "," or len(cells) % 2:
        return
    for before, after in zip(cells[::2], cells[1::2], strict=True):
        for left, right in zip(before, after, strict=True):
            if not (left.strip().lstrip("+-").isdecimal() and right.isdecimal()):
                return
    for left, right in zip(cells[0], cells[1], strict=True):
        if right[0] == "0" and len(right) > 1:
            raise InputError(
                f"{name}: {left},{right} may be one number with a decimal comma or two numbers; "
                "decide with --decimal . or, for one column, --delimiter ';'"
            )
