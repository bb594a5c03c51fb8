"""Output on a terminal: results, progress, and interruption by Ctrl-C without loss of results."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from eigenlab.files import dump_json
from eigenlab.reporter import Reporter


def print_json(value: Any) -> None:
    """Print ``value`` as JSON on standard output (on the first rank only)."""
    if is_main_process():
        print(dump_json(value))


def is_main_process() -> bool:
    """Whether this process may print and write; under ``torchrun`` only rank 0 may."""
    return os.environ.get("RANK", "0") == "0"


def output() -> Console:
    """Console of results: standard output, silent on every rank but the first."""
    return Console(quiet=not is_main_process(), highlight=False, width=_width(sys.stdout))


def notices() -> Console:
    """Console of progress and notices: standard error, so that they do not mix with ``--json``."""
    return Console(stderr=True, quiet=not is_main_process(), highlight=False)


def _width(stream: object) -> int | None:
    """A pipe has no width; use 120 columns instead of the default of 80."""
    is_terminal = getattr(stream, "isatty", lambda: False)()
    return None if is_terminal or "COLUMNS" in os.environ else 120


class TerminalReporter(Reporter):
    """Shows a bar on a terminal, and one line per stage anywhere else."""

    def __init__(self, title: str, console: Console) -> None:
        self.title, self.console = title, console
        self._live = console.is_terminal and not console.quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
            transient=True,
        )
        self._task: int | None = None

    def __enter__(self) -> TerminalReporter:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._bar.stop()

    def stage(self, name: str) -> None:
        """Start a new bar, or print one line."""
        if not self._live:
            self.console.print(f"{self.title}: {name}", markup=False, soft_wrap=True)
            return
        if self._task is not None:
            self._bar.remove_task(self._task)  # type: ignore[arg-type]
        label = escape(f"{self.title}: {name}")
        self._task = self._bar.add_task(label, total=None, note="")

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Move the bar."""
        if self._live and self._task is not None:
            self._bar.update(
                self._task,  # type: ignore[arg-type]
                completed=done,
                total=total,
                note=escape(message),
            )

    def message(self, text: str) -> None:
        """Print one line above the bar."""
        self.console.print(f"{self.title}: {text}", markup=False, soft_wrap=True)


@contextlib.contextmanager
def cancel_on_interrupt(cancel: Callable[[], None]) -> Iterator[None]:
    """Make the first Ctrl-C call ``cancel``, and the second one interrupt at once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return

    def handle(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        cancel()
        words = "stopping at the next safe point; press Ctrl-C again to stop at once"
        notices().print(words, markup=False, soft_wrap=True)

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
