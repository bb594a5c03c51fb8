"""Unpack zip files that come from others.

Only notebooks, scripts and zip files are written, under the folder that is named, below a bound of
size. A student's file that tries to get elsewhere is refused as a whole; in the zip file of a
class such an entry costs only the student it belongs to.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from eigenlab.errors import InputError

#: Files that grading reads; others, such as data, stay in the archive.
SUFFIXES = (".ipynb", ".py", ".zip", ".yml")
#: Names that some systems add, and that no student wrote. ``..name`` is an odd name of a student's.
IGNORED = re.compile(r"__MACOSX|__pycache__|\.(?!\.).*|Thumbs\.db|desktop\.ini", re.I)
MAX_ENTRIES = 50_000
LONGEST_PATH = 500
CHUNK = 1 << 20


#: What reading an entry of an archive may raise.
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    EOFError,
    RuntimeError,
    OSError,
    ValueError,
)


class TooLarge(InputError):
    """An archive unpacks to more than was allowed."""


@dataclass
class _Budget:
    """Bytes that may still be written."""

    left: int


def unpack(archive: Path, folder: Path, *, max_bytes: int) -> list[Path]:
    """Unpack the notebooks, scripts and zip files of a student's zip file.

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
    budget = _Budget(max_bytes)
    with _opened(archive) as opened:
        for entry in opened.infolist():
            if fault := _fault(entry):
                raise InputError(f"{archive.name} is refused: {fault}")
            path = _path(entry)
            if not _is_wanted(entry, path):
                continue
            target = folder.joinpath(*path.parts)
            if target.exists():
                raise InputError(f"{archive.name} has two files {path}")
            _write(opened, entry, target, budget)
            written.append(target)
    return written


def unpack_class(archive: Path, folder: Path, *, max_bytes: int) -> dict[Path, str]:
    """Unpack the zip file of a class, in which a bad entry costs only whoever handed it in.

    Files that grading does not read are written without their content, so that it is seen who
    handed them in.

    Args:
        archive: the zip file.
        folder: where to write; it is made if it is missing.
        max_bytes: bytes that all unpacked files may have together.

    Returns:
        for each entry that was refused, an empty file below the folder that stands in its place,
        and the reason.

    Raises:
        InputError: it is no zip file, or is too large.
    """
    folder.mkdir(parents=True, exist_ok=True)
    refused: list[tuple[zipfile.ZipInfo, str]] = []
    budget = _Budget(max_bytes)
    with _opened(archive) as opened:
        for entry in opened.infolist():
            if _is_ignored(_path(entry)):
                continue
            fault = _fault(entry) or _unpack_entry(opened, entry, folder, budget)
            if fault:
                refused.append((entry, fault))
    return {_stand_in(entry, folder): f"{archive.name}: {fault}" for entry, fault in refused}


def _unpack_entry(
    opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, budget: _Budget
) -> str:
    """Write an entry; why that failed, or ``""``."""
    path = _path(entry)
    target = folder.joinpath(*path.parts)
    try:
        if entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif target.exists():
            return f"there are two files {path}"
        elif _is_wanted(entry, path):
            _write(opened, entry, target, budget)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.touch()
    except TooLarge:
        raise
    except UNREADABLE as error:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)  # a part of it
        return f"{path} cannot be unpacked: {error}"
    return ""


def _stand_in(entry: zipfile.ZipInfo, folder: Path) -> Path:
    """Make an empty file where an entry would be, if its path were a usual one."""
    parts = list(itertools.takewhile(lambda part: part != "..", _path(entry).parts))
    plain = [re.sub(r"[^\w @.+()-]", "_", part)[:100] for part in parts if part.strip("/")]
    last = re.sub(r"[^\w @.+()-]", "_", _path(entry).name)[-100:]
    if len(plain) < len(_path(entry).parts) or not plain:
        plain = [*plain, last if last.strip(".") else "_"]
    target = folder.joinpath(*plain)
    if tuple(plain) != _path(entry).parts and target.exists():  # it is somebody else's
        code = hashlib.sha256(entry.filename.encode(errors="replace")).hexdigest()[:6]
        target = target.with_name(f"{target.stem}-{code}{target.suffix}")
    with contextlib.suppress(OSError):  # a file stands where its folder would be
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    return target


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """An archive whose errors are reported with its name."""
    try:
        with zipfile.ZipFile(archive) as opened:
            count = len(opened.infolist())
            if count > MAX_ENTRIES:
                raise InputError(f"{archive.name} has {count} entries; at most {MAX_ENTRIES}")
            yield opened
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError(f"{archive.name} cannot be unpacked: {error}") from error


def _path(entry: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(entry.filename.replace("\\", "/"))


def _fault(entry: zipfile.ZipInfo) -> str:
    """Why the path of an entry is refused; ``""`` if it stays below the folder on every system."""
    path = _path(entry)
    name = str(path)
    if stat.S_ISLNK(entry.external_attr >> 16):
        return f"{name[:100]!r} is a link"
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:", name):
        return f"{name[:100]!r} is a path outside its folder"
    if len(name) > LONGEST_PATH or not name.isprintable():
        return f"the name {name[:60]!r} is no usual one"
    return ""


def _is_ignored(path: PurePosixPath) -> bool:
    return not path.parts or any(IGNORED.fullmatch(part) for part in path.parts)


def _is_wanted(entry: zipfile.ZipInfo, path: PurePosixPath) -> bool:
    if entry.is_dir() or _is_ignored(path):
        return False
    return path.suffix.lower() in SUFFIXES


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, budget: _Budget) -> None:
    """Write an entry and count its bytes, since an archive may lie about them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(entry) as source, target.open("wb") as sink:
        while chunk := source.read(CHUNK):
            budget.left -= len(chunk)
            if budget.left < 0:
                name = Path(opened.filename or "").name
                raise TooLarge(f"{name} is refused: unpacked, it is too large")
            sink.write(chunk)
