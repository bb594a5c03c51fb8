"""Processes that run students' code, seen from the grader."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from importlib.resources import files as resources
from typing import Any

import numpy as np

from eigenlab.errors import InputError
from eigenlab.grading import folders
from eigenlab.grading.isolation import limits as limits_module
from eigenlab.grading.isolation.inside import confine, wire
from eigenlab.grading.isolation.limits import Limits
from eigenlab.grading.isolation.separation import Separation, python, separation

#: Modules that are sent to the process, in the order of their imports.
MODULES = (
    "wire", "known", "landlock", "seccomp", "namespaces", "confine", "server", "template",
)  # fmt: skip
#: Executes those modules; they come as text, so that no file of the grader has to be readable.
START = """
import json, socket, sys, types
control = socket.socket(fileno=int(sys.argv[1]))
given = json.loads(control.makefile("rb", buffering=0).readline())
sys.path[:] = given["search"]
sys.argv[:] = [""]
sys.modules["inside"] = package = types.ModuleType("inside")
package.__path__ = []
for name, text in given["modules"]:
    module = sys.modules["inside." + name] = types.ModuleType("inside." + name)
    module.__package__ = "inside"
    setattr(package, name, module)
    exec(compile(text, f"<inside.{name}>", "exec"), vars(module))
main = package.template.main
for name in [name for name in sys.modules if name.split(".")[0] == "inside"]:
    del sys.modules[name]
main(control)
"""


#: Seconds in which a process is ready, which is no fault of the student's.
STARTING = 60.0


class Stopped(BaseException):
    """The process can answer no more. Not an Exception, so that no check goes on without it.

    Args:
        how: ``"hung"`` or ``"died"``.
        why: what happened, in words.
    """

    def __init__(self, how: str, why: str) -> None:
        super().__init__(why)
        self.how, self.why = how, why


class Template:
    """A process with torch imported, from which those that run students' code are copied.

    It starts with the first use. Use it as a context manager, or call :meth:`close`.

    Args:
        namespaces: whether to use Linux's namespaces where they are offered, or else bubblewrap's.
            Default: ``True``.
        folder: where temporary folders are made; other users must be able to enter it. Default:
            ``None``, the system's folder for them.

    Raises:
        InputError: the system cannot copy processes, as Windows.
    """

    def __init__(self, *, namespaces: bool = True, folder: str | None = None) -> None:
        if not limits_module.available():
            raise InputError(
                f"the system {sys.platform}: isolated checks need Linux or macOS; on Windows, use "
                "the Windows Subsystem for Linux"
            )
        self.namespaces, self.folder = namespaces, folder
        self.paths: dict[str, Any] = {}
        self.separation = Separation(own=False)
        self.control: socket.socket | None = None
        self.scratch = ""
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Template:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the template; processes that were copied from it end with their connections."""
        if self.control is not None and self.process is not None:
            self.control.close()
            self.process.kill()
            self.process.wait()
        self.control = self.process = None
        if self.scratch:
            folders.remove(self.scratch)
        self.scratch = ""

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        if not self.scratch:
            self.scratch = folders.make(self.folder)
            library = os.path.join(self.scratch, "library")
            limits_module.copy_library(library)
            self.paths = limits_module.files(library)
            if self.namespaces:
                self.separation = separation(self.paths, self.scratch)
        command = [*self.separation.command, *python(START), str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(
                command,
                env=limits_module.environment(self.scratch),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        package = resources("eigenlab.grading.isolation.inside")
        modules = [[name, (package / f"{name}.py").read_text("utf-8")] for name in MODULES]
        start = {"modules": modules, "search": self.paths["search"]}
        ours.sendall(json.dumps(start).encode() + b"\n")
        ours.settimeout(120)
        with ours.makefile("rb") as file:
            ready = file.readline()
        if not ready:
            raise RuntimeError("the process that imports torch for isolated checks did not start")
        if (threads := json.loads(ready)["threads"]) > 1:
            raise RuntimeError(f"that process has {threads} threads, and cannot be copied")
        ours.settimeout(None)
        return ours

    def run(self, limits: Limits) -> Process:
        """Start a process; see :class:`Process`."""
        with self.lock:
            if self.control is None or self.process is None or self.process.poll() is not None:
                self.control = self._start()
            return Process(self.control, limits, self.paths, self.separation, self.scratch)


class Process:
    """A confined process that answers the requests of :mod:`.inside.server`.

    Args:
        control: connection to the template.
        limits: what the process may use.
        paths: what it may read.
        separation: how it is separated from the rest of the system.
        parent: where its temporary folder is made.

    Attributes:
        layers: what confines it.
        deadline: time of :func:`time.monotonic` until which an answer is waited for.
    """

    def __init__(
        self,
        control: socket.socket,
        limits: Limits,
        paths: dict[str, Any],
        separation: Separation,
        parent: str,
    ) -> None:
        self.limits = limits
        self.folder = tempfile.mkdtemp(prefix="run-", dir=parent)
        if os.geteuid() == 0:
            with contextlib.suppress(OSError):  # the root of a container may be no real one
                os.chown(self.folder, confine.NOBODY, confine.NOBODY)
        self.channel, theirs = socket.socketpair()
        self.guard, guard = socket.socketpair()
        reader, writer = os.pipe()
        self.output = Output(reader, limits.output)
        self.report: dict[str, Any] | None = None
        config = {
            # A far bound; the guard keeps the near one.
            "cpu": math.ceil((limits.execution_cpu or limits.cpu) + limits.total),
            "memory": limits.memory,
            "resident": limits.memory + (1 << 30),
            "file_size": limits.file_size,
            "files": limits.files,
            "processes": limits.processes,
            "folder": self.folder,
            "folder_size": limits.folder,
            "namespaces": separation.own,
            "layers": separation.layers,
            "environment": limits_module.environment(self.folder),
            **{name: paths[name] for name in ("mounted", "readable", "listed", "hidden")},
        }
        descriptors = [theirs.fileno(), writer, guard.fileno()]
        text = json.dumps(config).encode() + b"\n"
        sent = socket.send_fds(control, [text], descriptors)
        control.sendall(text[sent:])
        theirs.close()
        guard.close()
        os.close(writer)
        self.layers: list[str] = []
        self.deadline = time.monotonic() + STARTING
        try:
            self.layers = self._receive()[0]["layers"]
        except Stopped as stop:
            self.close()
            raise RuntimeError(f"a process for a student's code did not start: {stop}") from None
        self.allow(limits.execution_cpu or limits.cpu, limits.execution or limits.wall)

    def allow(self, cpu: float, wall: float) -> None:
        """Limit the answers that follow.

        Args:
            cpu: seconds of processor time from now.
            wall: seconds by the clock from now.
        """
        self.cpu, self.wall = cpu, wall
        self.deadline = time.monotonic() + wall
        with contextlib.suppress(OSError):  # the process has ended, which the next request tells
            self.guard.sendall(f"{cpu}\n".encode())

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(
        self, request: dict[str, Any], arrays: list[np.ndarray]
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send a request and wait for the answer.

        Raises:
            Stopped: there is no answer, in time or at all, or it is none.
        """
        if self.report is not None:
            raise self._stopped()
        try:
            self.channel.settimeout(max(0.01, self.deadline - time.monotonic()))
            wire.send(self.channel, request, arrays)
        except TimeoutError:
            raise self._hung() from None
        except OSError:
            self.end()
            raise self._stopped() from None
        return self._receive()

    def _receive(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        try:
            return wire.receive(self.channel, self.deadline)
        except TimeoutError:
            raise self._hung() from None
        except wire.Closed:
            self.end()
            raise self._stopped() from None
        except wire.Malformed as error:
            self.end(kill=True)
            raise Stopped("died", f"it sent what is no answer ({error})") from None

    def _hung(self) -> Stopped:
        self.end(kill=True)
        used = (self.report or {}).get("cpu", 0.0)
        words = f"it took longer than {self.wall:.3g} s by the clock"
        return Stopped("hung", f"{words}, of which {used:.2g} s of processor time")

    def end(self, *, kill: bool = False) -> None:
        """Wait for the end of the process, which is killed after a moment or at once."""
        if self.report is not None:
            return
        try:
            with self.guard.makefile("rb") as file:
                if not kill:
                    self.guard.settimeout(2)
                    with contextlib.suppress(TimeoutError):
                        self.report = json.loads(file.readline() or b"{}")
                        return
            self.guard.settimeout(10)
            self.guard.shutdown(socket.SHUT_WR)
            with self.guard.makefile("rb") as file:
                self.report = json.loads(file.readline() or b"{}")
        except (OSError, ValueError):
            self.report = {}

    def _stopped(self) -> Stopped:
        """Why there is no answer any more."""
        if (self.report or {}).get("reason") == "processor time":
            return Stopped("hung", f"it took more than {self.cpu:.3g} s of processor time")
        return Stopped("died", self._death())

    def _death(self) -> str:
        report = self.report or {}
        status = report.get("status")
        if report.get("reason") == "memory":
            return f"it took more memory than {self.limits.memory / 1e9:.3g} GB"
        if status is None:
            return "it ended"
        if status >= 0:
            return f"it ended itself (exit status {status})"
        name = signal.Signals(-status).name
        words = {
            "SIGSEGV": ", often a recursion without end",
            "SIGXFSZ": ", a file that is too large",
        }
        return f"it was ended by the signal {name}{words.get(name, '')}"

    def close(self) -> None:
        """End the process and remove its temporary folder."""
        self.end(kill=True)
        self.channel.close()
        self.guard.close()
        self.output.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Output:
    """Reads what a process prints, and keeps the end of it.

    Args:
        descriptor: the end of a pipe.
        kept: number of bytes to keep.
    """

    def __init__(self, descriptor: int, kept: int) -> None:
        self.descriptor, self.kept, self.count = descriptor, kept, 0
        self.tail = bytearray()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        with os.fdopen(self.descriptor, "rb", buffering=0) as file:
            while chunk := file.read(1 << 16):
                self.count += len(chunk)
                self.tail += chunk
                if len(self.tail) > 2 * self.kept:
                    del self.tail[: -self.kept]

    def close(self) -> None:
        """Wait a moment for the end of what is printed."""
        self.thread.join(1)

    def text(self) -> str:
        """The last lines, after a line that says how much is left out."""
        words = self.tail[-self.kept :].decode("utf-8", "replace")
        if self.count <= self.kept:
            return words
        _, _, words = words.partition("\n")
        return f"[{self.count} bytes were printed; the last lines are]\n{words}"
