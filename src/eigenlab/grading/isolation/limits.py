"""What a student's code may use, and the files that it may read."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError

MB = 1 << 20
#: Seconds of processor time for a file of which all statements are run.
EXECUTION = 600.0


@dataclass(frozen=True)
class Limits:
    """What a student's code may use for each part, and in all.

    Processor time tells a loop without end from a right solution on a busy machine. The limits by
    the clock are wide: they end what sleeps or waits.

    Args:
        cpu: seconds of processor time for a part. Default: ``30.0``.
        execution_cpu: seconds of processor time for executing the file. Default: ``None``, as for
            a part.
        wall: seconds by the clock for a part. Default: ``120.0``.
        execution: seconds by the clock for executing the file. Default: ``None``, as for a part.
        total: seconds by the clock for all parts of a file. Default: ``600.0``.
        memory: bytes beyond those of Python and torch. Default: 2 GiB.
        folder: bytes of the temporary folder. Default: 64 MiB.
        file_size: bytes of one file. Default: 16 MiB.
        files: number of open files. Default: ``64``.
        processes: number of threads; processes are not started at all where the system can
            forbid it. Default: ``128``.
        output: bytes of what is printed that are kept, the last ones. Default: 16 KiB.

    Raises:
        InputError: a limit is not positive.
    """

    cpu: float = 30.0
    execution_cpu: float | None = None
    wall: float = 120.0
    execution: float | None = None
    total: float = 600.0
    memory: int = 2048 * MB
    folder: int = 64 * MB
    file_size: int = 16 * MB
    files: int = 64
    processes: int = 128
    output: int = 16 << 10

    @classmethod
    def of_parts(cls, seconds: float = 30.0, *, execute: bool = False) -> Limits:
        """Limits for parts that take so many seconds of processor time at most.

        Args:
            seconds: seconds of processor time for a part. Default: ``30.0``.
            execute: whether all statements of the file are run, for ten minutes at most. Default:
                ``False``.
        """
        wall = max(4 * seconds, 30.0)
        if not execute:
            return cls(seconds, wall=wall, total=5 * wall)
        clock = 2 * EXECUTION
        return cls(seconds, EXECUTION, wall=wall, execution=clock, total=clock + 5 * wall)

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if not (value is None or value > 0):
                raise InputError(f"{field.name}={value!r}: a limit is a positive number")


#: Libraries that a student's code may import, with all that is installed beside them.
LIBRARIES = ("torch", "numpy", "scipy", "sklearn", "pandas", "matplotlib")


def python_folders() -> list[str]:
    """Folders of the standard library and of the installed packages, in the order of a search."""
    found = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
    found.append(sysconfig.get_config_var("DESTSHARED") or "")
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            found.append(str(Path(spec.origin).parent.parent))
    return list(dict.fromkeys(os.path.realpath(path) for path in found if path))


def hidden(folders: list[str]) -> list[str]:
    """What the folders hold of eigenlab: the grader's own code, and links to it."""
    own = [str(Path(__file__).resolve().parents[2])]
    found = [
        str(entry)
        for folder in folders
        for entry in Path(folder).iterdir()
        if "eigenlab" in entry.name.lower() or entry.suffix == ".pth"
    ]
    return found + [path for path in own if any(Path(path).is_relative_to(f) for f in folders)]


#: Subpackages of eigenlab that a student's code cannot import: the checks, the notebooks with
#: solutions, and what needs them.
WITHHELD = ("grading", "course", "cli", "studio")


def copy_library(folder: str) -> None:
    """Copy eigenlab without the grader and the course into a folder that everyone can read."""
    source = Path(__file__).resolve().parents[2]

    def left_out(path: str, names: list[str]) -> list[str]:
        top = WITHHELD if Path(path) == source else ()
        return [name for name in names if name in top or name == "__pycache__"]

    shutil.copytree(source, Path(folder) / source.name, ignore=left_out)
    os.chmod(folder, 0o755)  # copytree makes it as this user's umask says


def files(library: str) -> dict[str, Any]:
    """Where to search, what may be read and listed, and what is hidden.

    Args:
        library: folder with the copy of eigenlab.
    """
    folders = python_folders()
    secret = hidden(folders)
    libpython = map(str, Path(sysconfig.get_config_var("LIBDIR") or "/lib").glob("libpython*"))
    shared = [*libpython, "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/local/lib"]
    system = [*shared, "/etc/ld.so.cache", "/usr/share/zoneinfo", "/System/Library"]
    outside = [p for p in system if p and os.path.exists(p) and not _holds(p, secret)]
    library = os.path.realpath(library)
    readable = list(dict.fromkeys([*outside, library, *folders]))
    # A folder that hides nothing is one rule, rather than one for each of its hundreds of entries.
    entries = [path for folder in folders for path in _open_entries(folder, secret)]
    return {
        "search": [library, *folders],
        "mounted": readable,
        "readable": [*outside, library, *entries],
        "listed": folders,
        "hidden": secret,
    }


def _open_entries(folder: str, secret: list[str]) -> list[str]:
    """What may be read of a folder: all of it, or its entries that hold nothing secret."""
    if not _holds(folder, secret):
        return [folder]
    entries = map(str, Path(folder).iterdir())
    return [path for path in entries if not _holds(path, secret)]


def _holds(path: str, secret: list[str]) -> bool:
    return any(Path(inner).is_relative_to(path) for inner in secret)


def environment(folder: str) -> dict[str, str]:
    """All environment variables of a student's code."""
    one = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR")}
    own = {"HOME": folder, "TMPDIR": folder, "MPLCONFIGDIR": folder, "MPLBACKEND": "Agg"}
    # pyarrow, which pandas imports, would start a thread that is missing in copied processes.
    one["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    # No process can be started: joblib, and scikit-learn by it, works without any.
    one["JOBLIB_MULTIPROCESSING"] = "0"
    return {**one, **own, "PATH": "/nowhere", "LC_ALL": "C.UTF-8"}


def available() -> bool:
    """Whether processes can be copied on this system."""
    return hasattr(os, "fork") and sys.platform != "win32"
