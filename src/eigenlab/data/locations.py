"""Where the files of a dataset are stored on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs

from eigenlab.data.catalogue import Dataset
from eigenlab.errors import DataError

Place = Literal["embedded", "root", "EIGENLAB_DATA", "cache"]


def cache_folder() -> Path:
    """Return the folder for downloads: ``$EIGENLAB_CACHE`` if set, else the user's cache folder.

    >>> isinstance(cache_folder(), Path)
    True
    """
    override = os.environ.get("EIGENLAB_CACHE")
    return Path(override) if override else platformdirs.user_cache_path("eigenlab")


def embedded_folder(item: Dataset) -> Path:
    """Return the folder inside this package that holds an embedded dataset."""
    assert item.embedded
    return Path(__file__).parent / item.embedded


def locate(item: Dataset, root: Path | str | None) -> tuple[Path | None, Place | None]:
    """Return the first folder in the look-up order that exists, and which place it is.

    Returns (None, None) when the dataset is not on this machine. Raises
    :class:`~eigenlab.errors.DataError` when ``root`` or ``$EIGENLAB_DATA`` is no such folder.
    """
    if root is not None:
        found = _below(item, Path(root), itself=True)
        if found is None:
            raise DataError(f"root='{root}' holds no folder '{item.name}'; {how_to_get(item)}")
        return found, "root"
    if item.embedded:
        return embedded_folder(item), "embedded"
    own = os.environ.get("EIGENLAB_DATA")
    if own:
        if not Path(own).is_dir():
            raise DataError(f"EIGENLAB_DATA='{own}' is not a folder; correct or unset it")
        found = _below(item, Path(own), itself=True)
        if found is not None:
            return found, "EIGENLAB_DATA"
    cached = cache_folder() / item.name
    return (cached, "cache") if cached.is_dir() else (None, None)


def _below(item: Dataset, folder: Path, *, itself: bool = False) -> Path | None:
    """The folder of the dataset in a data folder, or this one if it holds its files."""
    if (folder / item.name).is_dir() and not _is_other_case(item, folder):
        return folder / item.name
    places = [folder / layout for layout in item.layouts] + ([folder] if itself else [])
    return next((place for place in places if _holds(item, place)), None)


def _holds(item: Dataset, folder: Path) -> bool:
    return any(True for pattern in item.patterns for _ in folder.glob(pattern))


def _is_other_case(item: Dataset, folder: Path) -> bool:
    """Whether ``mnist`` is there only as torchvision's ``MNIST``: some disks ignore the case."""
    return not _holds(item, folder / item.name) and any(
        _holds(item, folder / layout) for layout in item.layouts
    )


def how_to_get(item: Dataset) -> str:
    """Say how to obtain the dataset, as the end of an error message."""
    example = item.files[0].path if item.files else f"{item.name}/"
    return (
        f"run `eigenlab data fetch {item.name}`, or set EIGENLAB_DATA to a folder that holds "
        f"{example} and its siblings (downloads go to {cache_folder() / item.name})"
    )
