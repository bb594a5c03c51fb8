"""A process that has torch imported and is copied for each run of a student's code.

It runs none of that code itself. It waits for the end of each copy, kills it when it is told to or
when it takes too much memory or time, and reports how it ended. Where a user without rights has to
enter a user namespace first, a guard does so for each copy, and watches it.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import importlib
import json
import math
import os
import random
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional

from . import confine, namespaces, server, wire

#: Libraries that students often import, and that take long to start.
PRELOADED = (
    "scipy.linalg", "scipy.sparse.linalg", "scipy.spatial.distance", "scipy.special",
    "sklearn.cluster", "sklearn.datasets", "sklearn.linear_model", "sklearn.metrics",
    "matplotlib.pyplot", "torch.nn.utils.rnn", "eigenlab.autoencoders", "eigenlab.data",
    "eigenlab.graphs", "eigenlab.linear", "eigenlab.names", "eigenlab.plots", "eigenlab.recurrent",
    "eigenlab.statistics",
)  # fmt: skip


def main(control: socket.socket) -> None:
    """Start a run for each line that comes, until the grader closes the connection."""
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)  # imports what it needs
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for thread in threading.enumerate():  # matplotlib's, while it looks for fonts
        if thread is not threading.current_thread():
            thread.join(10)
    torch.compile = uncompiled  # which would start a compiler
    torch.ones(2, 2).pow(2).mean()  # asks for the kind of processor, which /proc tells
    used, addresses = confine.memory()
    # Copies share the memory of what is here, as long as their garbage collector leaves it alone.
    gc.collect()
    gc.freeze()
    if not (alone := namespaces.can_fork_alone()):
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # guards leave no zombies
    _reply(control, {"threads": _threads()})
    watch = Watch()
    while True:
        ready = watch.wait(control)
        watch.look(ready)
        if control not in ready:
            continue
        if (request := _request(control)) is None:
            os._exit(0)  # libraries would print at the end of the interpreter
        config, descriptors = request
        config |= {"used": used, "addresses": addresses}
        if alone:
            watch.start(config, *descriptors, alone=config["namespaces"])
        elif os.fork() == 0:
            try:
                control.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                guard(config, *descriptors)
            finally:
                os._exit(1)
        else:
            for descriptor in descriptors:
                os.close(descriptor)


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


def uncompiled(model: Any = None, **_: Any) -> Any:
    """Stands for ``torch.compile``: what it is given, or a decorator that does so."""
    return uncompiled if model is None else model


def _request(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    text, descriptors = b"", []
    while not text.endswith(b"\n"):
        chunk, found, _, _ = socket.recv_fds(control, 1 << 16, 3)
        descriptors += found
        if not chunk:
            return None
        text += chunk
    return json.loads(text), descriptors


def _reply(control: socket.socket, value: dict[str, Any]) -> None:
    control.sendall(json.dumps(value).encode() + b"\n")


def guard(config: dict[str, Any], channel: int, output: int, control: int) -> None:
    """Watch one run in new namespaces, which only the children of a process of its own enter."""
    spaces = namespaces.separate() if config["namespaces"] else []
    watch = Watch()
    watch.start(config, channel, output, control, spaces=spaces)
    while watch.children:
        watch.look(watch.wait())
    os._exit(0)


@dataclasses.dataclass(eq=False)
class Child:
    """A process that runs a student's code.

    Args:
        pid: its number.
        control: connection to the grader, which sends a line with the seconds of processor time
            from now on, and closes its side to end the process.
        config: its limits.
        end: processor time at which it is ended. Default: ``inf``.
    """

    pid: int
    control: socket.socket
    config: dict[str, Any]
    end: float = math.inf

    def reason(self, told: bool) -> str:
        """Why the process is to be ended; ``""`` if it is not."""
        if told:
            text = b""
            with contextlib.suppress(OSError):
                text = self.control.recv(64)
            if not text:
                return "told"
            self.end = processor_time(self.pid) + float(text.split()[-1])
        if resident(self.pid) > self.config["resident"]:
            return "memory"
        return "processor time" if processor_time(self.pid) > self.end else ""

    def kill(self) -> None:
        """End the process, and without namespaces all of its group."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            if not self.config["namespaces"]:
                os.killpg(self.pid, signal.SIGKILL)


class Watch:
    """Starts processes that run students' code, ends them, and reports how they ended."""

    def __init__(self) -> None:
        self.children: list[Child] = []

    def start(
        self,
        config: dict[str, Any],
        channel: int,
        output: int,
        control: int,
        *,
        spaces: Sequence[str] = (),
        alone: bool = False,
    ) -> None:
        """Start a process, in namespaces of its own if ``alone``."""
        pid = namespaces.fork_alone() if alone else os.fork()
        if pid == 0:
            try:
                for child in self.children:
                    child.control.detach()  # its number is closed, and may be given again
                self.children.clear()
                found = ["process", *namespaces.separate(inner=True)] if alone else list(spaces)
                run(config, found, channel, output)
            finally:
                os._exit(1)
        os.close(channel)
        os.close(output)
        self.children.append(Child(pid, socket.socket(fileno=control), config))

    def wait(self, *others: socket.socket) -> list[socket.socket]:
        """Wait for a connection to be readable, or for a moment while there are processes."""
        sockets = [*others, *(child.control for child in self.children)]
        return select.select(sockets, [], [], 0.05 if self.children else None)[0]

    def look(self, ready: list[socket.socket]) -> None:
        """Look at each process; end those that are to be ended."""
        for child in list(self.children):
            done, status, usage = os.wait4(child.pid, os.WNOHANG)
            reason = "" if done else child.reason(child.control in ready)
            if reason:
                child.kill()
                done, status, usage = os.wait4(child.pid, 0)
            if done:
                cpu = usage.ru_utime + usage.ru_stime
                code = os.waitstatus_to_exitcode(status)
                with child.control, contextlib.suppress(OSError):
                    _reply(child.control, {"status": code, "reason": reason, "cpu": cpu})
                self.children.remove(child)


def processor_time(pid: int) -> float:
    """Seconds of processor time of all threads of a process; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0.0
    try:
        return time.clock_gettime((~pid << 3) | 2)  # the clock of clock_getcpuclockid(3)
    except OSError:
        return 0.0


def resident(pid: int) -> int:
    """Bytes of main memory that a process takes; 0 where /proc is missing."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def run(config: dict[str, Any], spaces: list[str], channel: int, output: int) -> None:
    """Confine this process and answer the grader's requests."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    channel = os.dup2(channel, 3) if channel != 3 else 3
    os.closerange(4, 1 << 12)
    os.environ.clear()
    os.environ.update(config["environment"])
    os.umask(0o022)
    os.chdir(config["folder"])
    private = "mount" in spaces and namespaces.private_root(
        config["mounted"], config["hidden"], config["folder"], config["folder_size"]
    )
    layers = list(config["layers"])
    layers += [f"namespaces ({', '.join(spaces)})"] if spaces else []
    layers += ["file system of the allowed files"] if private else []
    layers += confine.give_up(config, private)
    _die_with_guard()
    random.seed()
    np.random.seed()  # noqa: NPY002  students use it
    torch.manual_seed(int.from_bytes(os.urandom(7), "big"))
    sys.stdout = open(1, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="replace", closefd=False)  # noqa: SIM115
    with socket.socket(fileno=channel) as connection:
        wire.send(connection, {"layers": layers}, [])
        server.serve(connection)
    os._exit(0)


def _die_with_guard() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
