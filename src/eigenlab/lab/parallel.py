"""Several experiments in parallel, each in its own process.

Parallelism is joblib's: ``joblib.parallel_config(backend="dask")`` (or ``"ray"``) around
:func:`run_side_by_side` moves the same work to a cluster that shares the file system. Progress and
the request to stop pass through small files in one folder, so they work for any backend::

    <name>.json    how far the experiment called <name> is
    stop           present once the work should stop
"""

from __future__ import annotations

import functools
import os
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from eigenlab.errors import Cancelled, EigenlabError, InputError
from eigenlab.files import dump_json, read_json
from eigenlab.lab.config import Config
from eigenlab.lab.execute import run
from eigenlab.lab.experiment import Experiment
from eigenlab.lab.folder import is_run
from eigenlab.reporter import Reporter

#: Seconds between two writes of a progress file.
INTERVAL = 0.2
STOP = "stop"


@dataclass(frozen=True)
class Job:
    """One experiment to run.

    Args:
        experiment: loaded from a package, so that other processes can load it, too.
        config: its settings.
        folder: its run folder; a run that it already holds is continued.
    """

    experiment: Experiment
    config: Config
    folder: Path


class Finished(NamedTuple):
    """Outcome of one job.

    Args:
        name: name of the experiment.
        status: ``finished``, ``interrupted`` or ``failed``.
        reason: why it did not finish; empty when it did.
        trace: traceback of a bug, else empty.
        seconds: how long it took.
    """

    name: str
    status: Literal["finished", "interrupted", "failed"]
    reason: str = ""
    trace: str = ""
    seconds: float = 0.0


class Progress(NamedTuple):
    """How far one job is.

    Args:
        stage: name of its present stage.
        fraction: of its stages done, in [0, 1]; all stages count the same.
        note: what the stage says it is doing.
    """

    stage: str = ""
    fraction: float = 0.0
    note: str = ""


def run_side_by_side(
    jobs: Sequence[Job], *, watch: Path, n_jobs: int | None = None
) -> Iterator[Finished]:
    """Run experiments in as many processes as asked for; yield each as it ends.

    Args:
        jobs: started in this order; put the longest first.
        watch: folder for progress files, created and removed by the caller.
        n_jobs: joblib's number of workers. Default: that of the active joblib configuration.
    """
    from joblib import Parallel, delayed

    work = (delayed(_run_one)(job, watch, os.getpid()) for job in jobs)
    # One task at a time for each worker: the order of the jobs is the order of their start.
    parallel = Parallel(
        n_jobs=n_jobs, return_as="generator_unordered", batch_size=1, pre_dispatch="n_jobs"
    )
    yield from parallel(work)


def request_stop(watch: Path) -> None:
    """Ask all jobs to stop at their next safe point. May be called from a signal handler."""
    (watch / STOP).touch()


def read_progress(watch: Path, name: str) -> Progress | None:
    """How far the job called ``name`` is; None before it has begun.

    Args:
        watch: folder for progress files, as given to :func:`run_side_by_side`.
        name: name of the experiment.
    """
    try:
        return Progress(*read_json(watch / f"{name}.json"))
    except InputError:
        return None


def _run_one(job: Job, watch: Path, starter: int) -> Finished:
    if os.getpid() != starter:  # joblib runs a single job where it was called
        _watch_parent()
        if threading.current_thread() is threading.main_thread():
            # Ctrl-C reaches every process of a terminal; the one that started the work handles it.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _busy:
        return _perform(job, watch)


#: Held while this process runs a job.
_busy = threading.Lock()


@functools.cache
def _watch_parent() -> None:
    """End this process soon after the one that started it has been killed."""
    parent = os.getppid()

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        with _busy:  # the job notices, too, and stops where it can be resumed
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _perform(job: Job, watch: Path) -> Finished:
    if (watch / STOP).exists():
        return Finished(job.experiment.name, "interrupted", "not reached")
    begin = time.perf_counter()
    status: Literal["finished", "interrupted", "failed"] = "finished"
    reason = trace = ""
    try:
        _one_thread()
        reporter = _FileReporter(watch, job.experiment)
        run(
            job.experiment,
            job.config,
            folder=job.folder,
            resume=is_run(job.folder),
            reporter=reporter,
        )
    except (Cancelled, KeyboardInterrupt):
        status, reason = "interrupted", "stopped on request"
    except Exception as error:  # one failed experiment must not stop the others
        status = "failed"
        known = isinstance(error, EigenlabError)
        reason = str(error) if known else f"{type(error).__name__}: {error}"
        trace = "" if known else traceback.format_exc()
    return Finished(job.experiment.name, status, reason, trace, time.perf_counter() - begin)


def _one_thread() -> None:
    """Compute in one thread, as a single run does, so that results are the same."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)


class _FileReporter(Reporter):
    """Writes progress to a file, and stops on request or when the starting process is gone."""

    def __init__(self, watch: Path, experiment: Experiment) -> None:
        self._watch, self._path = watch, watch / f"{experiment.name}.json"
        self._stages = [stage.name for stage in experiment.stages]
        self._stage, self._step = self._stages[0], ""
        self._written = self._looked = 0.0
        self._parent = os.getppid()

    def stage(self, name: str) -> None:
        if name in self._stages:
            self._stage, self._step = name, ""
        else:  # a stage that announces its own steps
            self._step = f"{name}, "
        self._write(0.0, "", urgent=True)

    def progress(self, done: int, total: int, message: str = "") -> None:
        self._write(done / max(total, 1), message)

    def _write(self, part: float, note: str, *, urgent: bool = False) -> None:
        now = time.monotonic()
        if urgent or now - self._written > INTERVAL:
            self._written = now
            fraction = (self._stages.index(self._stage) + part) / len(self._stages)
            temporary = self._path.with_suffix(".tmp")
            temporary.write_text(
                dump_json([self._stage, fraction, self._step + note], indent=None), encoding="utf-8"
            )
            temporary.replace(self._path)

    @property
    def cancelled(self) -> bool:
        now = time.monotonic()
        if not self._cancelled and now - self._looked > INTERVAL:
            self._looked = now
            gone = os.getppid() != self._parent or not self._watch.exists()
            self._cancelled = gone or (self._watch / STOP).exists()
        return self._cancelled
