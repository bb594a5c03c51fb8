"""Find a dataset on this machine, or download it.

Look-up order: explicit ``root``, ``$EIGENLAB_DATA``, the cache folder (``$EIGENLAB_CACHE``, or
the user's own), then a download into the cache.

Every look-up in ``$EIGENLAB_DATA`` or the cache compares the size and SHA-256 of every file with
the catalogue (about a second per gigabyte), because claims measured on a dataset are about exactly
these bytes. Data of your own go in an explicit ``root``, which is not compared; :func:`verify`
lists how it differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eigenlab.data.catalogue import Dataset, dataset, datasets
from eigenlab.data.comparison import Finding, compare
from eigenlab.data.download import fetch
from eigenlab.data.locations import Place, how_to_get, locate
from eigenlab.errors import DataError
from eigenlab.reporter import SILENT, Reporter


@dataclass(frozen=True)
class Status:
    """Where a dataset was found on this machine.

    Args:
        name: name of the dataset.
        folder: its folder; None when it is not on this machine.
        place: ``"embedded"``, ``"root"``, ``"EIGENLAB_DATA"`` or ``"cache"``; None like ``folder``.
        findings: missing files and wrong sizes; :func:`verify` also compares checksums.
            Default: ``()``.
    """

    name: str
    folder: Path | None
    place: Place | None
    findings: tuple[Finding, ...] = ()


def find(
    name: str,
    root: Path | str | None = None,
    *,
    download: bool = True,
    reporter: Reporter = SILENT,
) -> Path:
    """Return the folder that holds the files of dataset ``name``.

    Args:
        name: name of a dataset of the catalogue.
        root: a folder that contains a folder ``<name>``; no other place is then searched, and no
            file is compared. Default: ``None``, the look-up order of this module.
        download: whether to download a dataset that is not on this machine. Default: ``True``.
        reporter: receives progress of a download and may cancel it. Default: silent.

    Raises:
        InputError: the dataset is unknown.
        DataError: it is not on this machine and cannot be downloaded, or one of its files is
            missing or altered.

    >>> find("names-mini").name
    'names_mini'
    """
    item = dataset(name)
    folder, place = locate(item, root)
    if folder is None:
        if not download:
            raise DataError(f"dataset '{name}' is not on this machine; {how_to_get(item)}")
        return fetch(name, reporter=reporter)
    if place in ("EIGENLAB_DATA", "cache"):
        findings = compare(item, folder)
        if findings:
            more = f" (and {len(findings) - 1} more files)" if len(findings) > 1 else ""
            raise DataError(f"dataset '{name}': {findings[0]}{more}; {_remedy(item, place)}")
    return folder


def path(name: str, root: Path | str | None = None) -> Path | None:
    """Return the folder in which :func:`find` would find dataset ``name``, without reading a file.

    Args:
        name: name of a dataset of the catalogue.
        root: as in :func:`find`. Default: ``None``.

    Returns:
        The folder, or None when the dataset is not on this machine.

    Raises:
        InputError: the dataset is unknown.
        DataError: ``root`` or ``$EIGENLAB_DATA`` is not a folder, or ``root`` lacks the dataset.

    >>> path("names-mini").name
    'names_mini'
    """
    return locate(dataset(name), root)[0]


def verify(name: str, root: Path | str | None = None) -> list[Finding]:
    """Compare every file of dataset ``name`` with the catalogue.

    Args:
        name: name of a dataset of the catalogue.
        root: as in :func:`find`. Default: ``None``.

    Returns:
        The files that are missing or differ; empty when there are none.

    Raises:
        InputError: the dataset is unknown.
        DataError: it is not on this machine.

    >>> verify("names-mini")
    []
    """
    item = dataset(name)
    folder, _ = locate(item, root)
    if folder is None:
        raise DataError(f"dataset '{name}' is not on this machine; {how_to_get(item)}")
    return compare(item, folder)


def status() -> list[Status]:
    """Return where each dataset of the catalogue is, from names and sizes only.

    >>> status()[0].place
    'embedded'
    """
    states = []
    for item in datasets():
        folder, place = locate(item, None)
        findings = compare(item, folder, checksums=False) if folder else []
        states.append(Status(item.name, folder, place, tuple(findings)))
    return states


def _remedy(item: Dataset, place: Place | None) -> str:
    if place == "cache":
        return f"run `eigenlab data fetch {item.name}` to replace what is wrong"
    return "restore the file, or pass root= to use files of your own, which are not compared"
