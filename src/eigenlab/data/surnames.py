"""Lists of surnames: one UTF-8 file for each language, one name in each line."""

from __future__ import annotations

from pathlib import Path

from eigenlab.data.catalogue import dataset as known_dataset
from eigenlab.data.lookup import find
from eigenlab.errors import DataError
from eigenlab.reporter import SILENT, Reporter


def load_names(
    dataset: str = "names", root: Path | str | None = None, *, reporter: Reporter = SILENT
) -> list[tuple[str, str]]:
    """Load surnames and their languages, downloading them if necessary.

    All lines are kept, duplicates included, except blank ones. Names are returned as written,
    without surrounding white space: ten lines of ``names`` end in a space, which would reveal their
    language and hide that the same name is listed without it.

    Args:
        dataset: ``"names"`` (18 languages, 20,074 lines) or the embedded ``"names-mini"``.
            Default: ``'names'``.
        root: a folder with your own files ``<dataset>/<Language>.txt``, all of which are read.
            Default: ``None``, see :func:`~eigenlab.data.find`.
        reporter: receives progress of a download and may cancel it. Default: silent.

    Returns:
        Pairs (name, language), languages in alphabetical order, lines in the order of the file.

    Raises:
        InputError: the dataset is unknown.
        DataError: the dataset is missing and cannot be downloaded, or a line is not UTF-8.

    >>> pairs = load_names("names-mini")
    >>> len({language for _, language in pairs}) >= 12
    True
    """
    item = known_dataset(dataset)
    folder = find(dataset, root, reporter=reporter)
    if item.files and root is None:
        files = sorted(folder / file.name for file in item.files)
    else:
        files = sorted(folder.glob("*.txt"))
    pairs = [(name, file.stem) for file in files for name in _lines(file)]
    if not pairs:
        raise DataError(f"{folder} holds no names; put <Language>.txt files there, a name per line")
    return pairs


def _lines(file: Path) -> list[str]:
    names = []
    try:
        content = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            name = line.decode("utf-8").strip()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{file}, line {number}, is not UTF-8 (byte 0x{line[error.start]:02x} at "
                f"position {error.start + 1}); save the file as UTF-8"
            ) from None
        if name:
            names.append(name)
    return names
