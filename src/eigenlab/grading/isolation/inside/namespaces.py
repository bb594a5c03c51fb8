"""Namespaces of Linux: no network, no other processes, and a file system of the allowed files only.

https://man7.org/linux/man-pages/man7/namespaces.7.html
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Sequence

MOUNT, UTS, IPC, USER, PID, NET = (
    0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000,
)  # fmt: skip
NAMES = {PID: "process", NET: "network", IPC: "IPC", UTS: "host name", MOUNT: "mount"}
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC, REMOUNT, BIND, RECURSIVE, PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
DETACH = 2
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


def fork_alone() -> int:
    """Fork a process that is alone in a new namespace of processes; what ``os.fork`` returns.

    The namespace of those that are started later is the present one again.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    try:
        if libc.unshare(PID):
            raise OSError(ctypes.get_errno(), "unshare")
        pid = -1
        try:
            pid = os.fork()
        finally:
            if pid != 0 and libc.setns(own, PID):
                raise OSError(ctypes.get_errno(), "setns")
        return pid
    finally:
        os.close(own)


def can_fork_alone() -> bool:
    """Whether :func:`fork_alone` works, which takes the rights of the superuser."""
    if os.uname().sysname != "Linux" or os.geteuid() != 0:
        return False
    if (pid := os.fork()) == 0:
        works = False
        try:
            for _ in range(2):  # the second one shows that the first has left nothing behind
                if (inner := fork_alone()) == 0:
                    works = os.getpid() == 1
                    break
                works = os.waitpid(inner, 0)[1] == 0
        finally:
            os._exit(0 if works else 1)
    return os.waitpid(pid, 0)[1] == 0


def separate(*, inner: bool = False) -> list[str]:
    """Enter new namespaces; processes started from now on are alone in theirs.

    Args:
        inner: whether this process is alone among processes already. Default: ``False``.

    Returns:
        names of the namespaces; none where the system offers none.
    """
    if os.uname().sysname != "Linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    found = []
    if os.geteuid() != 0:
        user, group = os.geteuid(), os.getegid()
        if libc.unshare(USER):
            return []
        try:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{user} {user} 1")
            _write("/proc/self/gid_map", f"{group} {group} 1")
        except OSError:  # no rights come with it, as under Ubuntu 24.04
            return []
        found.append("user")
    flags = (flag for flag in NAMES if not (inner and flag == PID))
    return found + [NAMES[flag] for flag in flags if not libc.unshare(flag)]


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def private_root(readable: Sequence[str], hidden: Sequence[str], folder: str, size: int) -> bool:
    """Replace this process's file system, in a new mount namespace.

    Args:
        readable: files and folders that are there, at the same paths, and cannot be written.
        hidden: files and folders below those that are empty.
        folder: an empty temporary folder, which becomes a file system in memory.
        size: bytes that this file system holds at most.

    Returns:
        whether it was done; if not, nothing has changed that matters.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _mount("none", "/", None, RECURSIVE | PRIVATE)
        _mount("tmpfs", folder, "tmpfs", NO_SUID | NO_DEV, f"size={size},mode=700")
        root = os.path.join(folder, "root")
        os.mkdir(root)
        _mount("tmpfs", root, "tmpfs", NO_SUID | NO_DEV, "size=1m,mode=755")
        for path in (*readable, *DEVICES):
            if os.path.exists(path):
                _bind(path, root + os.path.abspath(path))
        for path in hidden:
            _hide(root + path)
        os.mkdir(root + "/proc")
        with contextlib.suppress(OSError):  # some containers forbid it
            _mount("proc", root + "/proc", "proc", NO_SUID | NO_DEV | NO_EXEC)
        os.makedirs(root + folder)
        _mount("tmpfs", root + folder, "tmpfs", NO_SUID | NO_DEV, f"size={size},mode=1777")
        old = os.path.join(root, "old")
        os.mkdir(old)
        if libc.syscall(_pivot_root(), root.encode(), old.encode()):
            raise OSError("pivot_root")
        os.chdir("/")
        if libc.umount2(b"/old", DETACH):
            raise SystemExit("the old root could not be left")  # neither here nor there: give up
        os.rmdir("/old")
        _mount("none", "/", None, REMOUNT | READ_ONLY | NO_SUID | NO_DEV, "size=1m,mode=755")
        os.chdir(folder)
    except OSError:
        libc.umount2(folder.encode(), DETACH)
        return False
    return True


def _bind(path: str, target: str) -> None:
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "a"):
            pass
    _mount(path, target, None, BIND | RECURSIVE)
    if path not in DEVICES and os.geteuid() == 0:
        with contextlib.suppress(OSError):  # then their owner protects them
            _mount("none", target, None, REMOUNT | BIND | READ_ONLY | NO_SUID | NO_DEV)


def _hide(target: str) -> None:
    if os.path.isdir(target):
        _mount("tmpfs", target, "tmpfs", READ_ONLY | NO_SUID | NO_DEV, "size=4k,mode=755")
    elif os.path.exists(target):
        _mount("/dev/null", target, None, BIND)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.mount(
        source.encode(),
        target.encode(),
        None if kind is None else kind.encode(),
        ctypes.c_ulong(flags),
        options.encode() or None,
    )
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), target)


def _pivot_root() -> int:
    return {"x86_64": 155, "aarch64": 41}.get(os.uname().machine, -1)
