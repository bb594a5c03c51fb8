"""Which pictures of a folder belong to which class, and what of it is not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from eigenlab.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
#: Names by which parts of a data set, and hardly ever classes, are called.
PARTS = ("train", "training", "val", "valid", "validation", "test", "testing")
#: Names that a message lists.
LISTED = 20


def class_folders(folder: Path) -> list[Path]:
    """The folders in a folder that are not hidden, in alphabetical order.

    Args:
        folder: of the data.
    """
    return [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")]


def pictures_in(folder: Path) -> list[Path]:
    """Pictures in a folder and the folders in it, by their suffixes; hidden ones are left out.

    Args:
        folder: of the pictures.
    """
    return [file for file in _files(folder) if file.suffix.lower() in SUFFIXES]


def check_layout(folder: Path) -> None:
    """Refuse a folder of parts, such as ``train`` and ``test``, with the classes in each part.

    Otherwise ``train`` and ``test`` would be learned as two classes.

    Args:
        folder: of the data.

    Raises:
        InputError: the folders in it look like parts; the message names one to give instead.
    """
    places = class_folders(folder)
    inner = {place: {each.name for each in class_folders(place)} for place in places}
    divided = [place for place in places if inner[place] and not _has_pictures(place)]
    if not divided:
        return
    parts = all(place.name.lower() in PARTS for place in places)
    # One folder in each, as in <class>/images/, divides nothing.
    same = len(places) > 1 and divided == places and len(set.union(*inner.values())) > 1
    same = same and all(inner[place] == inner[places[0]] for place in places)
    if parts or same:
        given = next((place for place in divided if place.name.lower().startswith("train")), None)
        given = given or divided[0]
        raise InputError(
            f"{folder} has the folders {listed(place.name for place in places)}, and {given} the "
            f"folders {listed(sorted(inner[given]))}: these look like parts of the data with "
            f"classes in each; give one whose folders are the classes, such as {given}"
        )


def skipped(folder: Path) -> str:
    """What is not read, in words; empty if nothing is left out but hidden files.

    Args:
        folder: of the data.
    """
    places = class_folders(folder)
    loose = [file for file in folder.iterdir() if file.is_file() and _is_picture(file)]
    empty = [place.name for place in places if not pictures_in(place)]
    others = Counter(
        file.suffix.lower() or "no suffix"
        for place in places
        for file in _files(place)
        if file.suffix.lower() not in SUFFIXES
    )
    parts = []
    if loose:
        parts.append(f"{_count(len(loose), 'picture')} beside the class folders")
    if empty:
        parts.append(f"{_count(len(empty), 'folder')} without pictures ({listed(empty)})")
    if others:
        kinds = listed(sorted(others))
        parts.append(f"{_count(others.total(), 'file')} of other kinds ({kinds})")
    return ", ".join(parts)


def listed(names: Iterable[str]) -> str:
    """Names with commas between them, at most :data:`LISTED`.

    Args:
        names: to list.

    >>> listed("abc")
    'a, b, c'
    """
    every = list(names)
    more = f" and {len(every) - LISTED} more" if len(every) > LISTED else ""
    return ", ".join(every[:LISTED]) + more


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' if number > 1 else ''}"


def _has_pictures(folder: Path) -> bool:
    return any(file.is_file() and _is_picture(file) for file in folder.iterdir())


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".")


def _files(folder: Path) -> list[Path]:
    """Files in a folder and the folders in it, without hidden ones and those in hidden folders."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
