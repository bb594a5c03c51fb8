"""Unpack zip files that come from others.

Only notebooks, scripts and zip files are written, under the folder that is named, below a bound of
size. A file that tries to get elsewhere is refused as a whole.
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from eigenlab.errors import InputError

#: Files that grading reads; others, such as data, stay in the archive.
SUFFIXES = (".ipynb", ".py", ".zip", ".yml")
#: Names that some systems add, and that no student wrote.
IGNORED = re.compile(r"__MACOSX|__pycache__|\..*|Thumbs\.db|desktop\.ini", re.I)
MAX_ENTRIES = 50_000
LONGEST_PATH = 500
CHUNK = 1 << 20


def unpack(archive: Path, folder: Path, *, max_bytes: int) -> list[Path]:
    """Unpack the notebooks, scripts and zip files of a zip file.

    Args:
        archive: the zip file.
        folder: where to write; it is made if it is missing.
        max_bytes: bytes that all unpacked files may have together.

    Returns:
        what was written.

    Raises:
        InputError: it is no zip file, damaged, encrypted or too large, or an entry is a link or
            has a path outside the folder.
    """
    written: list[Path] = []
    left = max_bytes
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > MAX_ENTRIES:
                raise InputError(
                    f"{archive.name} has {len(entries)} entries; at most {MAX_ENTRIES}"
                )
            for entry in entries:
                path = _path(archive, entry)
                if not _is_wanted(entry, path):
                    continue
                target = folder.joinpath(*path.parts)
                if target.exists():
                    raise InputError(f"{archive.name} has two files {path}")
                left -= _write(opened, entry, target, left)
                written.append(target)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError) as error:
        raise InputError(f"{archive.name} cannot be unpacked: {error}") from error
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"{archive.name} cannot be unpacked: {error}") from error
    return written


def _path(archive: Path, entry: zipfile.ZipInfo) -> PurePosixPath:
    """The path of an entry, which stays below the folder on every system."""
    name = entry.filename.replace("\\", "/")
    path = PurePosixPath(name)
    is_link = stat.S_ISLNK(entry.external_attr >> 16)
    escapes = path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name)
    if is_link or escapes:
        what = "a link" if is_link else "a path outside its folder"
        raise InputError(f"{archive.name} is refused: {name[:100]!r} is {what}")
    if len(name) > LONGEST_PATH or not name.isprintable():
        raise InputError(f"{archive.name} is refused: the name {name[:60]!r} is no usual one")
    return path


def _is_wanted(entry: zipfile.ZipInfo, path: PurePosixPath) -> bool:
    if entry.is_dir() or not path.parts or any(IGNORED.fullmatch(part) for part in path.parts):
        return False
    return path.suffix.lower() in SUFFIXES


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Number of bytes written; they are counted, since an archive may lie about them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with opened.open(entry) as source, target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            count += len(chunk)
            if count > left:
                name = Path(opened.filename or "").name
                raise InputError(f"{name} is refused: unpacked, it is too large")
            sink.write(chunk)
    return count
