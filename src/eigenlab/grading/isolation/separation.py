"""What separates students' code from the system's processes, network and files on Linux.

It is decided once, before the process starts that is copied for each part: each copy in namespaces
of its own; else all copies together in those of bubblewrap; else none.
https://github.com/containers/bubblewrap
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files as resources
from typing import Any

from eigenlab.grading.isolation.inside.namespaces import DEVICES

#: Seconds in which a trial has ended.
TRIAL = 30
#: Run after the text of ``namespaces.py``: enter namespaces and replace the file system.
ENTER = """
import sys
found = separate()
if "mount" in found and private_root([], [], sys.argv[1], 1 << 20):
    print("all")
elif found:
    print("some")
"""


@dataclass(frozen=True)
class Separation:
    """How students' code is separated.

    Args:
        own: whether each copy enters namespaces of its own.
        command: what the command of the process that is copied begins with. Default: ``()``.
        layers: what holds for all copies. Default: ``()``.
    """

    own: bool
    command: Sequence[str] = ()
    layers: tuple[str, ...] = ()


def separation(paths: dict[str, Any], scratch: str) -> Separation:
    """Choose what this system offers.

    Args:
        paths: the files that may be read; see :func:`eigenlab.grading.isolation.limits.files`.
        scratch: folder in which each copy gets a temporary folder.
    """
    if sys.platform != "linux":
        return Separation(own=False)
    if os.geteuid() == 0:
        return Separation(own=True)  # no trial needed: what is not offered is left out
    if (offered := own_namespaces(scratch)) == "all":
        return Separation(own=True)
    command = bubblewrap(paths, scratch)
    if command and _runs([*command, *python("")]):
        layers = (
            "bubblewrap (process, network, IPC, host name, mount)",
            "file system of the allowed files",
        )
        return Separation(own=False, command=command, layers=layers)
    return Separation(own=offered == "some")


def python(code: str) -> list[str]:
    """The command that runs code in this Python, without packages that are installed beside it."""
    return [os.path.realpath(sys.executable), "-I", "-S", "-B", "-c", code]


def own_namespaces(scratch: str) -> str:
    """Whether a process of this user can enter namespaces: ``"all"``, ``"some"`` or ``""``.

    Ubuntu 24.04, for example, lets an ordinary user create a user namespace and gives no rights in
    it. Only a trial tells.
    """
    text = (resources("eigenlab.grading.isolation.inside") / "namespaces.py").read_text("utf-8")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        trial = [*python(text + ENTER), folder]
        try:
            done = subprocess.run(trial, capture_output=True, text=True, timeout=TRIAL, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def bubblewrap(paths: dict[str, Any], scratch: str) -> list[str]:
    """The beginning of a command that runs in new namespaces and sees the allowed files only.

    Returns:
        the arguments; none where bubblewrap is not installed.
    """
    if (program := shutil.which("bwrap")) is None:
        return []
    # Not --die-with-parent, which means the thread that starts it: one of a pool may end before.
    command = [program, "--unshare-all", "--new-session", "--proc", "/proc"]
    for path in dict.fromkeys([*paths["mounted"], python("")[0]]):
        command += ["--ro-bind", path, path]
    for path in DEVICES:
        command += ["--dev-bind-try", path, path]
    for path in paths["hidden"]:
        if os.path.isdir(path):
            command += ["--tmpfs", path, "--remount-ro", path]
        elif os.path.exists(path):
            command += ["--ro-bind", os.devnull, path]
    library = paths["search"][0]
    command += ["--bind", scratch, scratch, "--ro-bind", library, library]
    return [*command, "--remount-ro", "/", "--chdir", "/", "--"]


def _runs(command: Sequence[str]) -> bool:
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(
            command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=TRIAL, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
