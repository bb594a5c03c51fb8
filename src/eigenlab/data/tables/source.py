"""The content of a table file: compression, encoding, spreadsheets and Parquet.

What a file is, its first bytes say; its name does not count.
"""

from __future__ import annotations

import bz2
import codecs
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eigenlab.data.gunzip import MAGIC, gunzip
from eigenlab.errors import InputError

STDIN = "-"
_REFUSED = (
    (b"\xd0\xcf\x11\xe0", "an old Excel file (.xls); save it as .xlsx or CSV"),
    (b"\x93NUMPY", "a NumPy file; read it with numpy.load, and save it with numpy.savetxt"),
    (b"\x89HDF", "an HDF5 file; export the table as CSV"),
    (b"%PDF", "a PDF; export the table as CSV"),
    (b"\x89PNG", "a picture; expected a table"),
    (b"ARROW1", "an Arrow file; save it as Parquet or CSV"),
    (b"SQLite format 3", "a database; export the table as CSV"),
)
_BOMS = (  # UTF-32 first: its mark begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class Text:
    """Decoded text, which encodes to the bytes it came from."""

    text: str
    encoding: str
    mark: bytes = b""
    """Byte-order mark."""
    assumed: bool = False
    """Whether the encoding is assumed, since the bytes are not UTF-8."""


@dataclass(frozen=True)
class Cells:
    """Rows of a file that has cells but no text: a spreadsheet or Parquet."""

    rows: list[list[str]]
    kind: str
    header: bool | None
    """True where the format itself stores the names of the columns."""
    frame: Any = None
    """The Arrow table of a Parquet file."""


def read_source(
    file: Path | str, *, encoding: str | None = None, sheet: str | None = None
) -> Text | Cells:
    """Read a file, or the standard input for ``"-"``.

    Raises:
        InputError: the file cannot be read, is damaged, or is no table.
    """
    name = source_name(file)
    content = unpack(_bytes(file), name)
    if content.startswith(b"PAR1"):
        return _parquet(content, name)
    if content.startswith(b"PK\x03\x04"):
        return _sheet(content, name, sheet)
    for start, what in _REFUSED:
        if content.startswith(start):
            raise InputError(f"{name} is {what}")
    return decode(content, name, encoding)


def source_name(file: Path | str) -> str:
    """The file's name in messages."""
    return "standard input" if str(file) == STDIN else str(file)


def _bytes(file: Path | str) -> bytes:
    if str(file) == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error


def unpack(content: bytes, name: str) -> bytes:
    """Undo gzip, bzip2, xz, Zstandard and zip compression.

    Raises:
        InputError: the compressed content is damaged, or a zip archive holds several files.
    """
    try:
        if content.startswith(MAGIC):
            return gunzip(content)
        if re.match(rb"BZh[1-9]1AY&SY", content):
            return bz2.decompress(content)
        if content.startswith(b"\xfd7zXZ"):
            return lzma.decompress(content)
        if content.startswith(b"\x28\xb5\x2f\xfd"):
            arrow = needed_module("pyarrow", "a Zstandard file", name)
            with arrow.CompressedInputStream(arrow.BufferReader(content), "zstd") as stream:
                return bytes(stream.read())
        if content.startswith(b"PK\x03\x04"):
            return _only_member(content, name)
    except InputError:
        raise
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        kind = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"PK": "zip"}.get(
            content[:2], "Zstandard"
        )
        raise InputError(
            f"{name} is damaged or cut short inside its {kind} compression ({error}); "
            "fetch or compress it again"
        ) from error
    return content


def _only_member(content: bytes, name: str) -> bytes:
    """The file in a zip archive; the archive itself if it is a spreadsheet."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [info.filename for info in archive.infolist() if not info.is_dir()]
        if "[Content_Types].xml" in members or "mimetype" in members:
            return content
        members = [member for member in members if not member.startswith("__MACOSX/")]
        if len(members) != 1:
            raise InputError(
                f"{name} is a zip archive of {len(members)} files; unpack it and name one of them"
            )
        try:
            return archive.read(members[0])
        except RuntimeError as error:  # encrypted
            raise InputError(f"{name} cannot be unpacked: {error}") from error


def decode(content: bytes, name: str, encoding: str | None = None) -> Text:
    """Decode text; without an ``encoding``, UTF-8, UTF-16 and UTF-32 are recognised.

    Bytes that are none of them are read as Windows-1252 (a superset of Latin-1); every other
    single-byte encoding differs in names and text only, since digits are the same in all of them.
    """
    for mark, unicode in _BOMS:
        if content.startswith(mark) and (encoding is None or _same(encoding, unicode)):
            return Text(_strict(content[len(mark) :], unicode, name), unicode, mark)
    if encoding is not None:
        return Text(_strict(content, encoding, name), encoding)
    for unicode, zeros in (("utf-16-le", content[1:400:2]), ("utf-16-be", content[0:400:2])):
        other = content[0:400:2] if unicode == "utf-16-le" else content[1:400:2]
        if len(zeros) > 1 and zeros.count(0) > 0.8 * len(zeros) and not other.count(0):
            return Text(_strict(content, unicode, name), unicode)
    try:
        return Text(_readable(content.decode("utf-8"), name), "utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return Text(_readable(content.decode("cp1252"), name), "cp1252", assumed=True)
    except UnicodeDecodeError:
        return Text(_readable(content.decode("latin-1"), name), "latin-1", assumed=True)


def _same(encoding: str, unicode: str) -> bool:
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        return False
    return unicode.startswith(name.removesuffix("-sig"))


def _strict(content: bytes, encoding: str, name: str) -> str:
    try:
        return _readable(content.decode(encoding), name)
    except LookupError:
        raise InputError(
            f"encoding {encoding!r} is unknown; expected for example utf-8, utf-16 or cp1252"
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name} is not {encoding} (byte {error.start + 1}): {error.reason}"
        ) from (error)


def _readable(text: str, name: str) -> str:
    if found := _CONTROL.search(text[: 2**20]):
        raise InputError(
            f"{name} is not text: it holds the control character U+{ord(found.group()):04X}; "
            "expected a table as text, .xlsx or .parquet, or any of these compressed"
        )
    start = text[:200].lstrip().lower()
    if start.startswith(("<!doctype html", "<html", "<?xml")):
        raise InputError(f"{name} is HTML or XML; expected a table, such as CSV")
    if re.match(r"\[\s*[\[{]|\{\s*\"", start):
        raise InputError(f"{name} is JSON; expected a table, such as CSV")
    return text


def needed_module(module: str, what: str, name: str) -> Any:
    """Import a module of the extra ``tables``, or say how to install it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        raise InputError(
            f"{name} is {what}, which needs {module.partition('.')[0]}; "
            "install it with: pip install 'eigenlab[tables]'"
        ) from None


def _parquet(content: bytes, name: str) -> Cells:
    parquet = needed_module("pyarrow.parquet", "a Parquet file", name)
    arrow = needed_module("pyarrow", "a Parquet file", name)
    try:
        frame = parquet.read_table(arrow.BufferReader(content))
    except (OSError, ValueError) as error:
        raise InputError(f"{name} cannot be read as Parquet: {error}") from error
    columns = [[_cell(value) for value in column.to_pylist()] for column in frame.columns]
    rows = [list(frame.column_names), *map(list, zip(*columns, strict=True))]
    return Cells(rows, "Parquet", True, frame)


def _sheet(content: bytes, name: str, wanted: str | None) -> Cells:
    excel = needed_module("openpyxl", "an Excel file", name)
    try:
        book = excel.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        sheets = {sheet.title: rows for sheet in book.worksheets if (rows := _filled(sheet.values))}
    except (KeyError, ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{name} cannot be read as .xlsx: {error}") from error
    if wanted is not None and wanted not in sheets:
        raise InputError(f"sheet {wanted!r} is empty or not in {name}; it has {', '.join(sheets)}")
    if wanted is None and len(sheets) > 1:
        raise InputError(
            f"{name} has {len(sheets)} sheets ({', '.join(sheets)}); choose one with --sheet NAME"
        )
    title = wanted if wanted is not None else next(iter(sheets), None)
    return Cells(sheets[title] if title is not None else [], f"sheet {title!r}", None)


def _filled(values: Any) -> list[list[str]]:
    """Cells of a sheet without the empty rows and columns around and between them."""
    rows: list[Sequence[str]] = [
        row for row in ([_cell(v) for v in row] for row in values) if any(row)
    ]
    if not rows:
        return []
    width = max(len(row) for row in rows)
    rows = [[*row, *[""] * (width - len(row))] for row in rows]
    kept = [place for place in range(width) if any(row[place] for row in rows)]
    return [[row[place] for place in kept] for row in rows]


def _cell(value: Any) -> str:
    return "" if value is None else repr(value) if type(value) is float else str(value)
