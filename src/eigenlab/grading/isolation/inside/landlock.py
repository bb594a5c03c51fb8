"""Landlock: from now on this process and its children reach only the files that are listed.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import functools
import os
import stat
import struct
from collections.abc import Sequence

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on every architecture
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << n for n in range(6))
MAKE_DIR, MAKE_REG, TRUNCATE = 1 << 7, 1 << 8, 1 << 14
READ = READ_FILE | READ_DIR
#: What may be done in the temporary folder; devices, sockets, pipes and links are not made.
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
#: Number of rights over files that a version of the interface knows.
RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}


def abi() -> int:
    """Version of Landlock that the kernel offers; 0 where there is none."""
    if os.uname().sysname != "Linux":
        return 0
    return max(0, int(_libc().syscall(CREATE_RULESET, None, 0, 1)))


def restrict(readable: Sequence[str], writable: Sequence[str], listed: Sequence[str] = ()) -> str:
    """Restrict this process to files and folders, with all that is below them.

    Args:
        readable: what may be read.
        writable: what may be read and written.
        listed: folders whose entries may be listed, at any depth. Default: none.

    Returns:
        what is in force, or ``""`` where the kernel offers nothing.
    """
    if not (version := abi()):
        return ""
    handled = (1 << RIGHTS.get(version, 16)) - 1
    attributes = struct.pack("QQQ", handled, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    attributes = attributes[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked(_libc().syscall(CREATE_RULESET, attributes, len(attributes), 0))
    for paths, rights in ((readable, READ), (writable, WRITE), (listed, READ_DIR)):
        for path in paths:
            _allow(ruleset, path, rights & handled)
    _checked(_libc().syscall(RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)
    return f"Landlock (ABI {version})"


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # it does not exist, or cannot be reached anyway
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        rights &= ON_FILES
    _checked(_libc().syscall(ADD_RULE, ruleset, 1, struct.pack("=Qi", rights, place), 0))
    os.close(place)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
