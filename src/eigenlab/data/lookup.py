"""Where a dataset is, and whether it is what the catalogue says.

Look-up order: explicit ``root``, ``$EIGENLAB_DATA``, the cache folder (``$EIGENLAB_CACHE``, or
the user's own), then a download into the cache.

What is checked: every look-up in ``$EIGENLAB_DATA`` or the cache compares the size and SHA-256 of
every file (about a second per gigabyte), because claims measured on a dataset are about exactly
these bytes. An explicit ``root`` is the way to bring data of one's own and is not compared;
:func:`verify` says how it differs.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from eigenlab.data.catalogue import Dataset, File, dataset, datasets
from eigenlab.errors import DataError
from eigenlab.reporter import SILENT, Reporter

Place = Literal["embedded", "root", "EIGENLAB_DATA", "cache"]


@dataclass(frozen=True)
class Finding:
    """One file that is not as the catalogue says; ``problem`` says how."""

    path: Path
    problem: str

    def __str__(self) -> str:
        return f"{self.path} {self.problem}"


@dataclass(frozen=True)
class Status:
    """Where a dataset was found; ``folder`` and ``place`` are None when it is not on this machine.

    ``findings`` lists missing files and wrong sizes; :func:`verify` also compares checksums.
    """

    name: str
    folder: Path | None
    place: Place | None
    findings: tuple[Finding, ...] = ()


def cache_folder() -> Path:
    """The folder for downloads: ``$EIGENLAB_CACHE``, or the user's cache as the system has it."""
    override = os.environ.get("EIGENLAB_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("eigenlab")


def find(
    name: str,
    root: Path | str | None = None,
    *,
    download: bool = True,
    reporter: Reporter = SILENT,
) -> Path:
    """Return the folder that holds the files of dataset ``name``.

    Args:
        root: a folder with ``<name>/`` in it; nothing else is then looked at or compared.
        download: fetch what no folder has, as the last resort.
        reporter: follows the download.

    Raises:
        InputError: the dataset is unknown.
        DataError: it is nowhere and cannot be fetched, or a file of it is missing or altered.
    """
    item = dataset(name)
    folder, place = _locate(item, root)
    if folder is None:
        if not download:
            raise DataError(f"dataset '{name}' is not on this machine; {how_to_get(item)}")
        from eigenlab.data.download import fetch

        return fetch(name, reporter=reporter)
    if place in ("EIGENLAB_DATA", "cache"):
        findings = compare(item, folder)
        if findings:
            more = f" (and {len(findings) - 1} more files)" if len(findings) > 1 else ""
            raise DataError(f"dataset '{name}': {findings[0]}{more}; {_remedy(item, place)}")
    return folder


def path(name: str, root: Path | str | None = None) -> Path | None:
    """The folder where :func:`find` would look first and find something, or None. Reads no file."""
    return _locate(dataset(name), root)[0]


def verify(name: str, root: Path | str | None = None) -> list[Finding]:
    """Compare every file with the catalogue; an empty list means that all is as it should be.

    Raises :class:`~eigenlab.errors.DataError` when the dataset is not on this machine.
    """
    item = dataset(name)
    folder, _ = _locate(item, root)
    if folder is None:
        raise DataError(f"dataset '{name}' is not on this machine; {how_to_get(item)}")
    return compare(item, folder)


def status() -> list[Status]:
    """Where each known dataset is, from names and sizes only (no file is read)."""
    states = []
    for item in datasets():
        folder, place = _locate(item, None)
        findings = compare(item, folder, checksums=False) if folder else []
        states.append(Status(item.name, folder, place, tuple(findings)))
    return states


def compare(item: Dataset, folder: Path, *, checksums: bool = True) -> list[Finding]:
    """List the files of ``item`` that are missing from ``folder`` or differ."""
    if item.embedded and not any(folder.glob("*.txt")):
        return [Finding(folder, "holds no data; install eigenlab again")]
    found = (
        (folder / file.name, fault(file, folder / file.name, checksums)) for file in item.files
    )
    return [Finding(place, problem) for place, problem in found if problem]


def fault(file: File, place: Path, checksums: bool = True) -> str | None:
    """Say how ``place`` differs from ``file``, or None."""
    try:
        size = place.stat().st_size
        if size != file.size:
            kind = "truncated" if size < file.size else "altered"
            return f"is {kind}: {size} bytes, expected {file.size}"
        if checksums:
            with place.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != file.sha256:
                return f"is altered: SHA-256 {digest[:12]}..., expected {file.sha256[:12]}..."
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None


def how_to_get(item: Dataset) -> str:
    """What a user can do to have the dataset, as the end of an error message."""
    example = item.files[0].path if item.files else f"{item.name}/"
    return (
        f"run `eigenlab data fetch {item.name}`, or set EIGENLAB_DATA to a folder that holds "
        f"{example} and its siblings (downloads go to {cache_folder() / item.name})"
    )


def _locate(item: Dataset, root: Path | str | None) -> tuple[Path | None, Place | None]:
    if root is not None:
        folder = Path(root) / item.name
        if not folder.is_dir():
            raise DataError(f"root='{root}' holds no folder '{item.name}'; {how_to_get(item)}")
        return folder, "root"
    if item.embedded:
        return Path(__file__).parent / item.embedded, "embedded"
    own = os.environ.get("EIGENLAB_DATA")
    if own:
        if not Path(own).is_dir():
            raise DataError(f"EIGENLAB_DATA='{own}' is not a folder; correct or unset it")
        if (Path(own) / item.name).is_dir():
            return Path(own) / item.name, "EIGENLAB_DATA"
    cached = cache_folder() / item.name
    return (cached, "cache") if cached.is_dir() else (None, None)


def _remedy(item: Dataset, place: Place) -> str:
    if place == "cache":
        return f"run `eigenlab data fetch {item.name}` to replace what is wrong"
    return "restore the file, or pass root= to use data of your own"
