"""A process that has torch imported and is copied for each run of a student's code.

It runs none of that code itself. For each run it starts a guard, which starts the copy, waits for
its end, kills it when it is told to or when it takes too much memory, and reports how it ended.
"""

from __future__ import annotations

import contextlib
import ctypes
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
    torch.ones(2, 2).pow(2).mean()  # asks for the kind of processor, which /proc tells
    used, addresses = confine.memory()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # guards leave no zombies
    # Copies share the memory of what is here, as long as their garbage collector leaves it alone.
    gc.collect()
    gc.freeze()
    _reply(control, {"threads": _threads()})
    while (request := _request(control)) is not None:
        config, descriptors = request
        if os.fork() == 0:
            try:
                control.close()
                guard({**config, "used": used, "addresses": addresses}, *descriptors)
            finally:
                os._exit(1)
        for descriptor in descriptors:
            os.close(descriptor)


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0


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
    """Start a copy of this process that runs the student's code, and watch it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    spaces = namespaces.separate() if config["namespaces"] else []
    pid = os.fork()
    if pid == 0:
        try:
            run(config, spaces, channel, output)
        finally:
            os._exit(1)
    os.close(channel)
    os.close(output)
    with socket.socket(fileno=control) as connection:
        report = watch(pid, connection, config)
        with contextlib.suppress(OSError):
            _reply(connection, report)
    os._exit(0)


def watch(pid: int, control: socket.socket, config: dict[str, Any]) -> dict[str, Any]:
    """Wait for the end of a process, or end it; how it ended.

    The grader sends a line with the seconds of processor time from now on, and closes its side of
    the connection to end the process.
    """
    reason, end = "", math.inf
    while not reason:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            break
        if select.select([control], [], [], 0.05)[0]:
            if not (text := control.recv(64)):
                reason = "told"
            else:
                end = processor_time(pid) + float(text.split()[-1])
        elif resident(pid) > config["resident"]:
            reason = "memory"
        elif processor_time(pid) > end:
            reason = "processor time"
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            if not config["namespaces"]:
                os.killpg(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
    cpu = usage.ru_utime + usage.ru_stime
    return {"status": os.waitstatus_to_exitcode(status), "reason": reason, "cpu": cpu}


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
    layers = [f"namespaces ({', '.join(spaces)})"] if spaces else []
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
