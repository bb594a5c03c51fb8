"""Give up rights, layer by layer; each layer that the system offers is named."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from . import landlock, namespaces, seccomp

#: Number of the user that has no rights, on Linux and the BSDs.
NOBODY = 65534
#: What libraries read to know the machine.
SYSTEM = tuple(f"/proc/{name}" for name in ("cpuinfo", "meminfo", "stat", "sys/vm"))


def give_up(config: dict[str, Any], private: bool) -> list[str]:
    """Confine this process for good.

    Args:
        config: the limits ``cpu`` (s), ``memory``, ``file_size`` (bytes), ``processes``, ``files``;
            the paths ``readable``, ``listed``, ``folder``; ``used`` and ``addresses``, the bytes
            that the process has already.
        private: whether the file system holds the allowed files only.

    Returns:
        what is in force.
    """
    layers = []
    if os.geteuid() == 0 and (private or all(map(open_to_all, config["listed"]))):
        with contextlib.suppress(OSError):  # the root of a container may be no real one
            os.setgroups([])
            os.setregid(NOBODY, NOBODY)
            os.setreuid(NOBODY, NOBODY)
            layers.append(f"another user ({NOBODY})")
    layers.append(limit(config))
    if seccomp.no_new_privileges():
        layers.append("no new privileges")
    readable = [*config["readable"], *namespaces.DEVICES, "/proc/self", *SYSTEM]
    layers.append(landlock.restrict(readable, [config["folder"]], config["listed"]))
    layers.append(seccomp.restrict())
    return [layer for layer in layers if layer]


def open_to_all(path: str) -> bool:
    """Whether every user can reach a folder."""
    while path != "/":
        if not os.path.exists(path) or not os.stat(path).st_mode & 0o001:
            return False
        path = os.path.dirname(path)
    return True


def limit(config: dict[str, Any]) -> str:
    """Set the limits of resources; memory counts from what the process has now."""
    import resource  # the grader can be imported on Windows, where it is missing

    used, size = config["used"], config["addresses"]
    bounds = {
        "RLIMIT_CPU": config["cpu"],
        "RLIMIT_FSIZE": config["file_size"],
        "RLIMIT_NOFILE": config["files"],
        "RLIMIT_NPROC": config["processes"],
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 1 << 16,
        "RLIMIT_MSGQUEUE": 0,
        "RLIMIT_DATA": used + config["memory"] if used else None,
        # Torch reserves several GB of addresses: this is a far bound, RLIMIT_DATA the near one.
        "RLIMIT_AS": size + 4 * config["memory"] if size else None,
    }
    for name, bound in bounds.items():
        which = getattr(resource, name, None)
        if bound is None or which is None:
            continue
        _, hard = resource.getrlimit(which)
        value = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(which, (value, value))
    return "limits of resources" + ("" if used else " (not of memory)")


def memory() -> tuple[int, int]:
    """Bytes of private data and of addresses of this process; zeros where /proc is missing."""
    try:
        with open("/proc/self/status") as file:
            lines = dict(line.split(":", 1) for line in file if ":" in line)
        return tuple(1024 * int(lines[name].split()[0]) for name in ("VmData", "VmSize"))  # type: ignore[return-value]
    except (OSError, KeyError):
        return 0, 0
