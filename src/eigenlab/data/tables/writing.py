"""Content of an output file, compressed as its name says."""

from __future__ import annotations

import bz2
import gzip
import lzma
from pathlib import Path

from eigenlab.data.tables.source import needed_module
from eigenlab.errors import InputError

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
_REFUSED = (".xlsx", ".xls", ".ods", ".parquet", ".feather", ".json", ".zip", ".html")


def check_output(path: Path) -> None:
    """Refuse names of formats other than delimited text, before anything is computed.

    Raises:
        InputError: the suffix promises another format.
    """
    if path.suffix.lower() in _REFUSED:
        raise InputError(
            f"{path}: the rows are written as text with a delimiter; choose a name such as "
            f"{path.with_suffix('.csv').name} or {path.with_suffix('.csv.gz').name}"
        )
    if path.suffix.lower() == ".zst":
        needed_module("pyarrow", "a Zstandard file", str(path))


def compressed(path: Path, content: bytes) -> bytes:
    """``content`` as the suffix of ``path`` says: ``.gz``, ``.bz2``, ``.xz``, ``.zst`` or plain.

    >>> gzip.decompress(compressed(Path("a.csv.gz"), b"1,2"))
    b'1,2'
    """
    match path.suffix.lower():
        case ".gz":
            return gzip.compress(content, mtime=0)  # the same bytes each time
        case ".bz2":
            return bz2.compress(content)
        case ".xz":
            return lzma.compress(content)
        case ".zst":
            return bytes(needed_module("pyarrow", "", "").compress(content, "zstd", asbytes=True))
    return content
