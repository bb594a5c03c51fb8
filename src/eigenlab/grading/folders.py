"""Temporary folders of the grader, also of runs that were killed before they could remove theirs.

A folder is locked while the process that made it lives. The system releases the lock when that
process ends in whatever way, so a folder that can be locked belongs to nobody any more.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "eigenlab-grading-"
#: Seconds after which a folder that is not locked is not one that is just being made.
AGE = 60.0


def make(parent: str | Path | None = None) -> str:
    """Make a temporary folder that is locked until this process ends or removes it.

    Args:
        parent: where it is made. Default: ``None``, the system's folder for temporary files.

    Returns:
        its path, without symbolic links. Other users may enter it, but not list it.
    """
    parent = os.path.realpath(parent or tempfile.gettempdir())
    _remove_stale_once(parent)
    folder = tempfile.mkdtemp(prefix=PREFIX, dir=parent)
    os.chmod(folder, 0o711)
    lock = _lock(folder)
    if lock is not None:
        _locks[folder] = lock
    return folder


def remove(folder: str) -> None:
    """Remove a folder that :func:`make` made, with all that is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    if (lock := _locks.pop(folder, None)) is not None:
        os.close(lock)


@contextlib.contextmanager
def temporary(parent: str | Path | None = None) -> Iterator[str]:
    """A folder of :func:`make` for a ``with`` statement."""
    folder = make(parent)
    try:
        yield folder
    finally:
        remove(folder)


def remove_stale(parent: str | Path) -> list[str]:
    """Remove the folders of this user whose processes have ended.

    Args:
        parent: where they are.

    Returns:
        the paths of those that were removed.
    """
    removed = []
    for path in sorted(Path(parent).glob(f"{PREFIX}*")):
        with contextlib.suppress(OSError):  # another process removes it, too
            found = path.lstat()
            young = time.time() - found.st_mtime < AGE
            if path.is_symlink() or not path.is_dir() or found.st_uid != os.geteuid() or young:
                continue
            lock = _lock(str(path))
            if lock is not None:
                shutil.rmtree(path, ignore_errors=True)
                os.close(lock)
                removed.append(str(path))
    return removed


#: Folder -> descriptor that holds its lock.
_locks: dict[str, int] = {}


def _lock(folder: str) -> int | None:
    """Lock a folder; None if another process has locked it, or the system has no such locks."""
    try:
        import fcntl  # missing on Windows
    except ImportError:
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@functools.cache
def _remove_stale_once(parent: str) -> None:
    remove_stale(parent)
