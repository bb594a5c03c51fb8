"""Records of a text file: delimiter, quotes and comments.

The dialect is found by CleverCSV (van den Burg, Nazábal and Sutton, "Wrangling messy CSV files by
detecting row and type patterns", Data Mining and Knowledge Discovery 33, 2019), the records are
parsed by Python's :mod:`csv`. What is added here is what neither does: the ``sep=`` line of Excel,
comments, runs of blanks as one delimiter, and the characters of each record, so that they can be
written back unchanged.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from eigenlab.data.tables.cells import holds_several_numbers, is_missing, is_number
from eigenlab.data.tables.header import has_header
from eigenlab.errors import InputError

SAMPLE_LINES, SAMPLE_CHARACTERS = 100, 20_000
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "blanks"}
COMMENTS = "#%"
_EXCEL_ERROR = re.compile(r"#(?:N/A|DIV/0!|VALUE!|REF!|NUM!|NAME\?|NULL!)")
_SEP = re.compile(r"\s*\"?sep=(.)\"?\s*", re.I)


@dataclass(frozen=True)
class Dialect:
    """How cells are separated and quoted."""

    delimiter: str
    """A space stands for any run of blanks and tabs."""
    quote: str = '"'
    escape: str | None = None


@dataclass
class Records:
    """Rows of cells, with the characters that they were read from."""

    dialect: Dialect
    rows: list[list[str]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    """The characters of each row, with its line end."""
    lines: list[int] = field(default_factory=list)
    """The number of the last line of each row, from 1."""
    before: dict[int, str] = field(default_factory=dict)
    """Row -> empty lines and comments that precede it; those of ``len(rows)`` are at the end."""
    commented_header: bool = False
    """Whether the first row was found in a comment."""

    @property
    def widths(self) -> set[int]:
        """The different numbers of cells of the rows below the first."""
        return {len(row) for row in self.rows[1:] or self.rows}


def read_records(
    text: str, name: str, *, delimiter: str | None = None, comment: str | None = None
) -> Records:
    """Split text into records.

    Args:
        text: the text of the file.
        name: its name in messages.
        delimiter: of the cells; None finds it.
        comment: the sign that begins a line of comment, or ``"none"``; None finds it.

    Raises:
        InputError: quotes do not match, or it is not clear which lines are comments.
    """
    lines = list(io.StringIO(text, newline=""))
    kept = 0
    if lines and (found := _SEP.fullmatch(lines[0])):
        kept, delimiter = 1, delimiter or found.group(1)
    body = lines[kept:]
    sign = _comment_sign(body, comment)
    plain = [line for line in body if line.strip() and not _begins(line, sign)]
    dialect = _dialect(plain, delimiter)
    records = _parse(lines, kept, dialect, sign, name)
    if dialect.delimiter == "\t" and delimiter is None and _is_not_split(records):
        try:  # aligned by several tabs, or by tabs and blanks
            blanks = _parse(lines, kept, Dialect(" ", dialect.quote, dialect.escape), sign, name)
        except InputError:
            blanks = records
        if len(blanks.widths) == 1 and max(blanks.widths) > 1:
            records = blanks
    if sign and comment is None:
        _check_comments(records, sign, name)
    return _with_commented_header(records, sign, name)


def _is_not_split(records: Records) -> bool:
    """Whether rows differ in length, or a cell holds several numbers."""
    several = (holds_several_numbers(cell) for row in records.rows[:SAMPLE_LINES] for cell in row)
    return len(records.widths) > 1 or any(several)


def _begins(line: str, sign: str | None) -> bool:
    text = line.lstrip()
    return sign is not None and text.startswith(sign) and not _EXCEL_ERROR.match(text)


def _comment_sign(lines: Sequence[str], given: str | None) -> str | None:
    if given is not None:
        if given != "none" and len(given) != 1:
            raise InputError(f"comment={given!r}: expected one character, or none")
        return None if given == "none" else given
    filled = [line for line in lines if line.strip()]
    for sign in COMMENTS:
        if not any(sign in line for line in filled):
            continue
        marked = [_begins(line, sign) for line in filled]
        if not any(marked) or all(marked):
            continue
        leading = marked.index(False)
        if 2 * sum(marked[leading:]) < len(marked) - leading:
            return sign
    return None


def _dialect(lines: Sequence[str], delimiter: str | None) -> Dialect:
    sample = "".join(lines[:SAMPLE_LINES])[:SAMPLE_CHARACTERS]
    if len(sample) == SAMPLE_CHARACTERS and "\n" in sample:
        sample = sample[: sample.rindex("\n") + 1]
    quote = "'" if "'" in sample and '"' not in sample and _quoted_by_apostrophes(sample) else '"'
    escape = "\\" if f"\\{quote}" in sample else None
    if delimiter is not None:
        if len(delimiter) != 1 or delimiter in "\r\n" or delimiter == quote:
            raise InputError(f"delimiter={delimiter!r}: expected one character, such as ; or |")
        return Dialect(delimiter, quote, escape)
    return Dialect(_sniffed(sample), quote, escape)


def _quoted_by_apostrophes(sample: str) -> bool:
    cells = [cell.strip() for cell in re.split(r"[,;\t|\r\n]", sample) if cell.strip()]
    return 2 * sum(cell[0] == "'" or cell[-1] == "'" for cell in cells) > len(cells)


def _sniffed(sample: str) -> str:
    """The delimiter that CleverCSV finds; a comma where there is one column."""
    import clevercsv

    candidates = [sign for sign in DELIMITERS if sign in sample]
    if not candidates:
        return ","
    try:
        found = clevercsv.Sniffer().sniff(sample.replace("\r\n", "\n"), delimiters=candidates)
    except clevercsv.Error:
        found = None
    return found.delimiter if found is not None and found.delimiter in candidates else ","


def _parse(
    lines: Sequence[str],
    kept: int,
    dialect: Dialect,
    sign: str | None,
    name: str,
    *,
    trimmed: bool = False,
) -> Records:
    records = Records(dialect)
    state = _Feed(lines, kept, dialect, sign, trimmed)
    reader = csv.reader(
        state,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        skipinitialspace=True,
        strict=True,
    )
    nothing = f" \t\r\n{dialect.delimiter}{dialect.quote}"
    try:
        for cells in reader:
            raw, before = state.taken()
            if not raw.strip(nothing):
                state.skipped = before + raw
                continue
            if before:
                records.before[len(records.rows)] = before
            records.rows.append(cells)
            records.raw.append(raw)
            records.lines.append(state.position)
    except csv.Error as error:
        if not trimmed and dialect.delimiter != " ":  # as in "a" , "b"
            return _parse(lines, kept, dialect, sign, name, trimmed=True)
        raise InputError(
            f"{name}, line {state.position}: the quotes {dialect.quote} do not match ({error}); "
            "close or double them, or choose another --delimiter"
        ) from error
    rest = state.taken()[1]
    if rest:
        records.before[len(records.rows)] = rest
    return records


class _Feed:
    """Feeds lines to a parser; between two records, it skips empty lines and comments."""

    def __init__(
        self,
        lines: Sequence[str],
        kept: int,
        dialect: Dialect,
        sign: str | None,
        trimmed: bool,
    ) -> None:
        self.lines, self.position, self.sign = lines, kept, sign
        self.blanks = dialect.delimiter == " "
        quote, delimiter = re.escape(dialect.quote), re.escape(dialect.delimiter)
        self.trim = re.compile(rf"(?<={quote}) +(?={delimiter}|[\r\n]*$)") if trimmed else None
        self.skipped = "".join(lines[:kept])
        self.current: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        while not self.current and self.position < len(self.lines):
            line = self.lines[self.position]
            if line.strip() and (self.sign is None or not _begins(line, self.sign)):
                break
            self.skipped += line
            self.position += 1
        if self.position >= len(self.lines):
            raise StopIteration
        line = self.lines[self.position]
        self.position += 1
        self.current.append(line)
        if self.blanks:
            return line.replace("\t", " ").strip(" \r\n") + "\n"
        return line if self.trim is None else self.trim.sub("", line)

    def taken(self) -> tuple[str, str]:
        """The characters of the record just parsed, and what was skipped before it."""
        raw, before = "".join(self.current), self.skipped
        self.current, self.skipped = [], ""
        return raw, before


def _check_comments(records: Records, sign: str, name: str) -> None:
    """Stop where a comment may be a row whose text begins with the sign, such as #ff0000."""
    (width,) = records.widths if len(records.widths) == 1 else (0,)
    firsts = [row[0] for row in records.rows[1:]]
    if width < 2 or all(is_number(cell) or is_missing(cell) for cell in firsts):
        return
    for place, text in records.before.items():
        for line in text.splitlines():
            if place and _begins(line, sign) and len(_cells(line, records.dialect)) == width:
                raise InputError(
                    f"{name}: {line.strip()[:40]!r} may be a comment or a row; decide with "
                    f"--comment '{sign}' or --comment none"
                )


def _cells(line: str, dialect: Dialect) -> list[str]:
    if dialect.delimiter == " ":
        return line.split()
    try:
        return next(csv.reader([line], delimiter=dialect.delimiter, quotechar=dialect.quote), [])
    except csv.Error:
        return []


def _with_commented_header(records: Records, sign: str | None, name: str) -> Records:
    """Take the last comment above the table as its header if it has as many cells, of text."""
    above = records.before.get(0, "").splitlines(keepends=True)
    if not sign or not records.rows or not above or not _begins(above[-1], sign):
        return records
    width = len(records.rows[0])
    if not any(map(is_number, records.rows[0])):
        return records  # the table has a header of its own
    if len({len(row) for row in records.rows}) == 1 and has_header(records.rows, name):
        return records
    for line in (above[-1].strip().lstrip(sign), above[-1].strip()):
        cells = [cell.strip() for cell in _cells(line.strip(" "), records.dialect)]
        is_sentence = width == 1 and " " in cells[0]
        if len(cells) == width and not is_sentence and not any(map(is_number, cells)):
            records.rows.insert(0, cells)
            records.raw.insert(0, above[-1])
            records.lines.insert(0, len("".join(above).splitlines()))
            records.before = {place + (place > 0): text for place, text in records.before.items()}
            records.before[0] = "".join(above[:-1])
            records.commented_header = True
            break
    return records
