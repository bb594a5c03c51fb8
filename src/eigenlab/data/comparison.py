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

    Without ``checksums`` only names and sizes are compared, and no file is read.
    """
    if item.embedded and not any(folder.glob("*.txt")):
        return [Finding(folder, "holds no data; install eigenlab again")]
    found = (
        (folder / file.name, fault(file, folder / file.name, checksums)) for file in item.files
    )
    return [Finding(path, problem) for path, problem in found if problem]


def fault(file: File, path: Path, checksums: bool = True) -> str | None:
    """Say how the file at ``path`` differs from ``file``, or return None."""
    try:
        size = path.stat().st_size
        if size != file.size:
            kind = "truncated" if size < file.size else "altered"
            return f"is {kind}: {size} bytes, expected {file.size}"
        if checksums:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            if digest != file.sha256:
                return f"is altered: SHA-256 {digest[:12]}..., expected {file.sha256[:12]}..."
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None
