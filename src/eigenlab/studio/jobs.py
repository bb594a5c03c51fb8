"""Long work, one piece after the other: trainings and runs, with progress, metrics and cancelling.

A job belongs to the studio, not to a tab: every tab may look at it, and closing one does not
end it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eigenlab.errors import EigenlabError
from eigenlab.studio.pool import Pool

#: Points of a curve that are kept; beyond, every other one is dropped.
MOST_POINTS = 600


@dataclass
class Job:
    """A piece of long work.

    Args:
        key: what identifies it: the same work is done once.
        title: a few words.

    Attributes:
        status: ``"waiting"``, ``"running"``, ``"finished"``, ``"cancelled"`` or ``"failed"``.
        stage: name of the present part, or ``""``.
        done: units of work that are finished.
        total: units of work in all; 0 if not known.
        message: one line beside the progress.
        curves: name of each metric -> its steps and values.
        problem: why it failed, or ``""``.
        result: what the function returned.
    """

    key: str
    title: str
    status: str = "waiting"
    stage: str = ""
    done: int = 0
    total: int = 0
    message: str = ""
    curves: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)
    problem: str = ""
    result: Any = None
    _began: float = 0.0

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ("waiting", "running")

    @property
    def share(self) -> float:
        """Finished share of the present part, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end of the present part, from its pace; None if not known."""
        if not self.done or not self.total:
            return None
        return (time.monotonic() - self._began) * (self.total - self.done) / self.done

    def hear(self, kind: str, values: Mapping[str, Any]) -> None:
        """Take in what the work reports.

        Args:
            kind: the reporter's method.
            values: its arguments.
        """
        if kind == "stage":
            self.stage, self.done, self.total = values["name"], 0, 0
            self._began = time.monotonic()
        elif kind == "progress":
            self.done, self.total = values["done"], values["total"]
            self.message = values["message"]
        elif kind == "message":
            self.message = values["text"]
        elif kind == "metrics":
            for name, value in values["values"].items():
                self._add(name, values["step"], value)

    def _add(self, name: str, step: int, value: float) -> None:
        steps, numbers = self.curves.setdefault(name, ([], []))
        steps.append(step)
        numbers.append(value)
        if len(steps) > MOST_POINTS:
            del steps[1:-1:2], numbers[1:-1:2]


class Jobs:
    """The jobs of the studio; one runs at a time.

    Args:
        pool: gives the pool of one worker, when the first job starts.
    """

    def __init__(self, pool: Callable[[], Pool]) -> None:
        self._pool = pool
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    @property
    def all(self) -> list[Job]:
        """Every job since the start of the studio, the newest first."""
        return list(reversed(self._jobs.values()))

    def find(self, key: str) -> Job | None:
        """The job with this key, or None.

        Args:
            key: as given to :meth:`start`.
        """
        return self._jobs.get(key)

    def start(self, key: str, title: str, function: Callable[..., Any], *arguments: Any) -> Job:
        """Start a job, or return the one with this key that is active.

        Args:
            key: what identifies the work.
            title: a few words.
            function: a function of a module that takes ``reporter=``.
            arguments: what can be pickled.
        """
        job = self._jobs.get(key)
        if job is not None and job.active:
            return job
        self._jobs.pop(key, None)
        job = self._jobs[key] = Job(key, title)
        self._tasks[key] = asyncio.create_task(self._run(job, function, arguments))
        return job

    def cancel(self, job: Job) -> None:
        """End a job; its process is killed, and what it has stored stays.

        Args:
            job: the job.
        """
        if job.active:
            self._tasks[job.key].cancel()

    async def _run(self, job: Job, function: Callable[..., Any], arguments: Any) -> None:
        try:
            async with self._turn:
                job.status, job._began = "running", time.monotonic()
                job.result = await self._pool().run(function, *arguments, listener=job.hear)
            job.status = "finished"
        except asyncio.CancelledError:
            job.status = "cancelled"
        except EigenlabError as error:
            job.status, job.problem = "failed", str(error)
        except Exception as error:  # a fault of the work must not end the studio
            job.status, job.problem = "failed", f"{type(error).__name__}: {error}"
