"""Tables of names and languages, and lists of names, as users keep them."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from eigenlab.errors import InputError

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "vertical bar"}
#: Titles of a column of names, and of one of languages.
NAME_TITLES = {"name", "names", "surname", "surnames", "last name", "lastname", "last_name"} | {
    "family name", "family_name", "familyname", "nom", "nachname", "apellido", "cognome",
}  # fmt: skip
LABEL_TITLES = {"label", "labels", "language", "languages", "class", "origin", "country"} | {
    "nationality", "category", "lang", "target", "y", "sprache", "langue", "idioma", "lingua",
}  # fmt: skip


class NameTable(NamedTuple):
    """Names, their labels, and one line that says how the file was understood."""

    names: list[str]
    labels: list[str]
    understood: str


def read_lines(path: Path) -> list[str]:
    """Return the lines of a file, of standard input if ``path`` is ``-``; blank ones are kept.

    Raises :class:`~eigenlab.errors.InputError` if it cannot be read or is not UTF-8 (or UTF-16 with
    a byte order mark).
    """
    lines = _text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def read_table(path: Path, *, header: bool | None = None, columns: str | None = None) -> NameTable:
    """Read a table with a name and a label in each row, delimited by commas, tabs, ``;`` or ``|``.

    Args:
        path: the file.
        header: whether the first row holds titles. Default: ``None``, found by known titles, or by
            whether the first row's label occurs again.
        columns: the columns of names and labels, such as ``surname,country`` or ``2,1``.
            Default: ``None``, by their titles, or the only two columns.

    Raises:
        InputError: the file cannot be read, a row has no label, or two readings are equally likely.
    """
    rows, delimiter = _split(_text(path), path)
    if header is None:
        header = _has_header(rows, path, columns)
    titles = rows[0] if header else None
    body = rows[1:] if header else rows
    name, label = _columns(titles, body, columns, path)
    for number, row in enumerate(body, start=1 + bool(header)):
        if not row[label].strip():
            raise InputError(f"{path}, row {number}: {row[name]!r} has no label; add or remove it")
    shown = "header " + ", ".join(map(repr, titles)) if titles else "no header"
    understood = (
        f"{path}: {len(body)} rows, {shown}, delimiter {DELIMITERS[delimiter]}, names from column "
        f"{_called(titles, name)}, labels from column {_called(titles, label)}"
    )
    return NameTable([row[name] for row in body], [row[label].strip() for row in body], understood)


def _text(path: Path) -> str:
    try:
        content = _standard_input() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{path}, line {line}, is not UTF-8 (byte 0x{content[error.start]:02x}); save the file "
            "as UTF-8"
        ) from None


def _standard_input() -> bytes:
    binary = getattr(sys.stdin, "buffer", None)  # a stream of text that replaces it has none
    return binary.read() if binary is not None else sys.stdin.read().encode()


def _split(text: str, path: Path) -> tuple[list[list[str]], str]:
    """Return the rows that are not empty and the delimiter that gives all of them one length."""
    lengths, even = {}, {}
    for delimiter in DELIMITERS:
        try:
            rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
        except csv.Error:
            continue
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        lengths[delimiter] = sorted({len(row) for row in rows})
        if lengths[delimiter] and lengths[delimiter][0] > 1 and len(lengths[delimiter]) == 1:
            even[delimiter] = rows
    if "\t" in even and path.suffix.lower() in (".tsv", ".tab"):
        return even["\t"], "\t"
    if len(even) > 1:
        found = " and ".join(DELIMITERS[delimiter] for delimiter in even)
        raise InputError(
            f"{path}: {found} both divide the rows evenly; quote names that hold a delimiter, or "
            "save the table with tabs as .tsv"
        )
    for delimiter, rows in even.items():
        return rows, delimiter
    if not text.strip():
        raise InputError(f"{path} is empty; give a row with a name and a label for each name")
    uneven = [f"{DELIMITERS[d]}: {found}" for d, found in lengths.items() if found[-1:] > [1]]
    raise InputError(
        f"{path} is not a table of at least two columns: no delimiter (comma, tab, semicolon, "
        "vertical bar) gives all rows the same number of cells"
        + (f" ({'; '.join(uneven)}); quote names that hold the delimiter" if uneven else "")
    )


def _has_header(rows: Sequence[Sequence[str]], path: Path, columns: str | None) -> bool:
    first = [cell.strip().lower() for cell in rows[0]]
    asked = {part.strip().lower() for part in (columns or "").split(",") if part.strip()}
    named, labelled = not NAME_TITLES.isdisjoint(first), not LABEL_TITLES.isdisjoint(first)
    if (named and labelled) or (asked and asked <= set(first)):
        return True
    # A language that occurs again is a language, not a title: "Lang, German" is a name.
    if any(row[place] == rows[0][place] for place in range(len(first)) for row in rows[1:]):
        return False
    if named or labelled:
        return True
    raise InputError(
        f"{path}: the first row, {', '.join(map(repr, rows[0]))}, may be titles or a name; give "
        "--header or --no-header"
    )


def _columns(
    titles: Sequence[str] | None, body: Sequence[Sequence[str]], columns: str | None, path: Path
) -> tuple[int, int]:
    """Return the positions of the names and of the labels."""
    if not body:
        raise InputError(f"{path} holds no row below its header")
    width = len(body[0])
    if columns is not None:
        parts = [part.strip() for part in columns.split(",")]
        places = [_place(part, titles, width) for part in parts]
        if len(places) != 2 or None in places or places[0] == places[1]:
            raise InputError(
                f"columns='{columns}' must be two of {_choices(titles, width)}: the column of the "
                "names and that of the labels"
            )
        return places[0], places[1]  # type: ignore[return-value]
    plain = [title.strip().lower() for title in titles or ()]
    names = [place for place, title in enumerate(plain) if title in NAME_TITLES]
    labels = [place for place, title in enumerate(plain) if title in LABEL_TITLES]
    if len(names) == 1 and len(labels) == 1:
        return names[0], labels[0]
    if width == 2 and len(names) + len(labels) == 1:
        name = names[0] if names else 1 - labels[0]
        return name, 1 - name
    distinct = [len({row[place] for row in body}) for place in range(width)]
    if width == 2 and distinct[1] < distinct[0]:
        return 0, 1
    raise InputError(
        f"{path}: which column holds the names and which the labels? give --columns NAMES,LABELS, "
        f"two of {_choices(titles, width)}"
    )


def _place(asked: str, titles: Sequence[str] | None, width: int) -> int | None:
    if titles and [title.strip() for title in titles].count(asked) == 1:
        return [title.strip() for title in titles].index(asked)
    return int(asked) - 1 if asked.isdecimal() and 1 <= int(asked) <= width else None


def _choices(titles: Sequence[str] | None, width: int) -> str:
    return ", ".join(repr(title.strip()) for title in titles) if titles else f"1 to {width}"


def _called(titles: Sequence[str] | None, place: int) -> str:
    return repr(titles[place].strip()) if titles else str(place + 1)
