"""Whether the files in a folder are those of the catalogue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from eigenlab.data.catalogue import Dataset, File


@dataclass(frozen=True)
class Finding:
    """A file that differs from the catalogue.

    Args:
        path: the file.
        problem: how it differs, such as ``"is missing"``.

    >>> print(Finding(Path("names/Greek.txt"), "is missing"))
    names/Greek.txt is missing
    """

    path: Path
    problem: str

    def __str__(self) -> str:
        return f"{self.path} {self.problem}"


def compare(item: Dataset, folder: Path, *, checksums: bool = True) -> list[Finding]:
    """List the files of ``item`` that are missing from ``folder`` or differ.

    Of a dataset with variants, the one that is there in part is compared.

    Without ``checksums`` only names and sizes are compared, and no file is read.
    """
    if item.embedded and not any(folder.glob("*.txt")):
        return [Finding(folder, "holds no data; install eigenlab again")]
    paths = [(file, file.located(folder)) for file in item.files_in(folder)]
    found = ((path, fault(file, path, checksums)) for file, path in paths)
    return [Finding(path, problem) for path, problem in found if problem]


def fault(file: File, path: Path, checksums: bool = True) -> str | None:
    """Say how the file at ``path`` differs from ``file``, or return None.

    A name without ``.gz`` stands for the decompressed file where ``file`` may be one.
    """
    compressed = file.plain is None or path.suffix == ".gz"
    wanted_size, wanted = (file.size, file.sha256) if compressed else file.plain or (0, "")
    try:
        size = path.stat().st_size
        if size != wanted_size:
            kind = "truncated" if size < wanted_size else "altered"
            return f"is {kind}: {size} bytes, expected {wanted_size}"
        if checksums:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != wanted:
                return f"is altered: SHA-256 {digest[:12]}..., expected {wanted[:12]}..."
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None
