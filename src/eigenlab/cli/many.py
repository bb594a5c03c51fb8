"""Progress of several experiments that run in parallel."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from eigenlab.cli.terminal import notices
from eigenlab.lab import Finished, Job, read_progress
from eigenlab.report import format_seconds

#: Seconds between two looks at the progress files.
INTERVAL = 0.25


class Watch:
    """A bar per experiment on a terminal; elsewhere a line when one ends.

    Args:
        folder: where the jobs write their progress.
        jobs: the experiments.
        preset: name of the preset, for the expected durations.
        n_jobs: how many run at once.
    """

    def __init__(self, folder: Path, jobs: Sequence[Job], preset: str, n_jobs: int) -> None:
        self._folder, self._n_jobs = folder, n_jobs
        self._console = notices()
        self._live = self._console.is_terminal and not self._console.quiet
        self._minutes = {j.experiment.name: j.experiment.minutes.get(preset, 0.0) for j in jobs}
        self._done: dict[str, float] = {}
        self._begin = time.monotonic()
        self._bars = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=self._console,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Watch:
        if self._live:
            for name in self._minutes:
                self._tasks[name] = self._bars.add_task(name, total=1.0, note="waiting")
            self._total = self._bars.add_task("all", total=1.0, note="")
            self._bars.start()
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._over.set()
            self._thread.join()
            self._bars.stop()

    def finished(self, done: Finished) -> None:
        """Mark one experiment as ended."""
        self._done[done.name] = done.seconds
        words = done.status if done.status != "failed" else f"failed: {done.reason}"
        if self._live:
            self._bars.update(self._tasks[done.name], completed=1.0, note=words)
        elif not done.trace:
            text = f"{done.name}: {done.status} in {format_seconds(done.seconds)}"
            self._console.print(text, markup=False, soft_wrap=True)

    def _follow(self) -> None:
        while not self._over.wait(INTERVAL):
            fractions = {}
            for name, task in self._tasks.items():
                if name in self._done:
                    fractions[name] = 1.0
                elif (progress := read_progress(self._folder, name)) is not None:
                    fractions[name] = progress.fraction
                    note = ": ".join(filter(None, (progress.stage, progress.note)))[:60]
                    self._bars.update(task, completed=progress.fraction, note=note)
            self._update_total(fractions)

    def _update_total(self, fractions: dict[str, float]) -> None:
        """Weigh the experiments by their expected minutes."""
        minutes = {name: max(m, 0.01) for name, m in self._minutes.items()}
        whole = sum(minutes.values())
        share = sum(minutes[name] * part for name, part in fractions.items()) / whole
        note = ""
        if share > 0.02:  # earlier estimates are too inaccurate
            left = (time.monotonic() - self._begin) * (1 - share) / share
            note = f"about {format_seconds(left)} left, {self._n_jobs} at a time"
        self._bars.update(self._total, completed=share, note=note)
