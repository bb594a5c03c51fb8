"""Worker processes that draw and train, so that the pages never wait.

Workers are spawned and import no user interface. A job that is cancelled is killed with its worker,
which is replaced; one whose worker dies ends with an error that says so.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from eigenlab.errors import EigenlabError
from eigenlab.reporter import Reporter

T = TypeVar("T")
#: Receives what a job reports: kind (``"progress"``, ``"metrics"``, ...) and its values.
Listener = Callable[[str, Mapping[str, Any]], None]

_EVENTS: Any = None  # of a worker process: where its jobs report


class WorkerDied(EigenlabError):
    """The process that ran a job ended before the job did."""


class Pool:
    """Runs functions in worker processes, for coroutines of one event loop.

    Args:
        workers: number of processes.
        threads: threads of each process's matrix products. Default: ``1``.
        warm: module that each process imports at its start, so that its first job is as fast as
            the later ones. Default: ``""``, none.
    """

    def __init__(self, workers: int, *, threads: int = 1, warm: str = "") -> None:
        context = multiprocessing.get_context("spawn")
        self._events = context.Queue()
        self._pool = ProcessPool(
            max_workers=workers,
            context=context,
            initializer=_start_worker,
            initargs=(self._events, threads, warm),
        )
        self._listeners: dict[int, tuple[asyncio.AbstractEventLoop, Listener]] = {}
        self._counter = itertools.count()
        self._running = 0
        threading.Thread(target=self._forward, daemon=True).start()

    async def run(
        self, function: Callable[..., T], *arguments: Any, listener: Listener | None = None
    ) -> T:
        """Run ``function(*arguments)`` in a worker; cancelling this coroutine kills it.

        Args:
            function: a function of a module; with a listener, it is given ``reporter=``.
            arguments: what can be pickled.
            listener: receives what the job reports, in the event loop. Default: ``None``.

        Raises:
            WorkerDied: the process ended, for lack of memory for instance.
            Exception: what the function raised.
        """
        job = next(self._counter)
        if listener is not None:
            self._listeners[job] = asyncio.get_running_loop(), listener
        self._running += 1
        try:
            future = self._pool.schedule(
                _work, args=(job if listener is not None else None, function, arguments)
            )
            result: T = await asyncio.wrap_future(future)
            return result
        except ProcessExpired as error:
            raise WorkerDied(
                f"the process that computed this ended ({error}), perhaps for lack of memory; it "
                "was replaced: try again, with smaller sizes"
            ) from None
        except CancelledError:
            raise asyncio.CancelledError from None
        finally:
            self._running -= 1
            self._listeners.pop(job, None)

    @property
    def idle(self) -> bool:
        """Whether no job runs or waits."""
        return not self._running

    def close(self) -> None:
        """Stop all workers."""
        self._pool.stop()
        self._pool.join()
        self._events.put(None)

    def _forward(self) -> None:
        """Hand events over to the event loop of whoever listens."""
        while (event := self._events.get()) is not None:
            job, kind, values = event
            if job in self._listeners:
                loop, listener = self._listeners[job]
                loop.call_soon_threadsafe(listener, kind, values)


class QueueReporter(Reporter):
    """Reports from a worker process.

    Args:
        job: number of the job.
        events: the queue that the pool reads.
    """

    def __init__(self, job: int, events: Any) -> None:
        self._job, self._events = job, events

    def stage(self, name: str) -> None:
        """Report the name of the part that begins."""
        self._put("stage", {"name": name})

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report progress."""
        self._put("progress", {"done": done, "total": total, "message": message})

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Report numbers."""
        self._put("metrics", {"values": dict(values), "step": step})

    def message(self, text: str) -> None:
        """Report one line."""
        self._put("message", {"text": text})

    def _put(self, kind: str, values: Mapping[str, Any]) -> None:
        self._events.put((self._job, kind, values))


def _start_worker(events: Any, threads: int, warm: str) -> None:
    import signal
    from importlib import import_module

    import torch

    global _EVENTS  # noqa: PLW0603  one queue for each worker process
    _EVENTS = events
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's to handle
    torch.set_num_threads(threads)
    if warm:
        import_module(warm)


def _work(job: int | None, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    if job is None:
        return function(*arguments)
    return function(*arguments, reporter=QueueReporter(job, _EVENTS))
