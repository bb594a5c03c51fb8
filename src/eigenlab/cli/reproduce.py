"""``eigenlab reproduce``: the experiments of the course in parallel, then one report."""

from __future__ import annotations

import contextlib
import os
import shutil
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from eigenlab.cli import show
from eigenlab.cli.many import Watch
from eigenlab.cli.run import perform
from eigenlab.cli.selection import select
from eigenlab.cli.status import DEPARTURE, INTERRUPTED, SUCCESS
from eigenlab.cli.terminal import (
    cancel_on_interrupt,
    is_main_process,
    notices,
    output,
    print_json,
)
from eigenlab.errors import Cancelled, EigenlabError, InputError
from eigenlab.experiments import load_experiment
from eigenlab.files import dump_json, load_json, read_json, write_atomic
from eigenlab.lab import (
    Config,
    Finished,
    Job,
    Result,
    is_run,
    load_result,
    request_stop,
    run_side_by_side,
    summary,
)
from eigenlab.report import NOTES, check_rows, collect, read_notes, render, to_csv


@dataclass(frozen=True)
class Request:
    """Options of the command, as typed."""

    preset: str = "course"
    only: str | None = None
    seed: int | None = None
    out: Path = Path("report")
    resume: bool = False
    n_jobs: int | None = None
    csv: Path | None = None
    json: bool = False


def reproduce(request: Request) -> int:
    """Run what was asked for and write the report; 0 when every outcome is the documented one."""
    jobs = _jobs(request)
    notes: dict[str, dict[str, str]] = read_notes(request.out) if request.resume else {}
    notes |= {job.experiment.name: {"status": "not reached", "reason": ""} for job in jobs}
    stopped = False
    for done in _run(jobs, request):
        reason = done.reason
        if done.status == "interrupted":
            stopped = True
            reason += "; continue with `eigenlab reproduce --resume`"
        notes[done.name] = {"status": done.status, "reason": reason}
        if done.status == "failed":
            words = f"{done.trace}{done.name}: {done.reason}"
            notices().print(words, markup=False, soft_wrap=True)
        if is_main_process():
            stored = {"preset": request.preset, "experiments": notes}
            write_atomic(request.out / NOTES, dump_json(stored))
    results = _read(jobs)
    if is_main_process():
        _write(request, results, notes)
    if stopped:
        words = f"stopped; continue with: {_again(request)}"
        notices().print(words, markup=False, soft_wrap=True)
        return INTERRUPTED
    failed = any(notes[job.experiment.name]["status"] == "failed" for job in jobs)
    agree = all(result.as_documented for result in results)
    return SUCCESS if agree and not failed else DEPARTURE


def _read(jobs: Sequence[Job]) -> list[Result]:
    """The results of the run folders that can be read; a damaged one failed, as was said."""
    results = []
    for job in jobs:
        if is_run(job.folder):
            with contextlib.suppress(InputError):
                results.append(load_result(job.folder, job.experiment))
    return results


def _jobs(request: Request) -> list[Job]:
    """The experiments asked for, in the order of the course."""
    overrides = {} if request.seed is None else {"seed": request.seed}
    jobs = []
    for name in select(request.only):
        experiment = load_experiment(name)
        config = experiment.config.from_preset(request.preset, **overrides)
        jobs.append(Job(experiment, config, request.out / "runs" / name))
    for job in jobs:
        _check_folder(job.folder, job.config, resume=request.resume)
    return jobs


def _check_folder(folder: Path, config: Config, *, resume: bool) -> None:
    """Raise before the first experiment starts, not when the last one is reached."""
    if not is_run(folder):
        return
    if not resume:
        raise InputError(
            f"{folder} already holds a run; add --resume to continue, or choose another --out"
        )
    stored = read_json(folder / "config.json")
    settings = load_json(dump_json(config.model_dump(mode="json")))
    if not isinstance(stored, dict) or stored.get("config") != settings:
        raise InputError(
            f"{folder} was run with other settings (another --preset or --seed?); remove it, "
            "or choose another --out"
        )


def _run(jobs: Sequence[Job], request: Request) -> Iterator[Finished]:
    """Run the jobs, side by side where there are several jobs and several cores."""
    n_jobs = min(request.n_jobs or _n_cores(), len(jobs))
    if n_jobs == 1 or "WORLD_SIZE" in os.environ:  # under torchrun the processes work together
        yield from _one_after_the_other(jobs)
    else:
        yield from _side_by_side(jobs, request, n_jobs)


def _n_cores() -> int:
    import joblib

    return int(joblib.cpu_count())


def _one_after_the_other(jobs: Sequence[Job]) -> Iterator[Finished]:
    for job in jobs:
        name = job.experiment.name
        try:
            perform(job.experiment, job.config, job.folder, resume=True)
        except (Cancelled, KeyboardInterrupt):
            yield Finished(name, "interrupted", "stopped on request")
            return
        except Exception as error:  # one failed experiment must not stop the others
            known = isinstance(error, EigenlabError)
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            yield Finished(name, "failed", reason, "" if known else traceback.format_exc())
        else:
            yield Finished(name, "finished")


def _side_by_side(jobs: Sequence[Job], request: Request, n_jobs: int) -> Iterator[Finished]:
    longest_first = sorted(
        jobs, key=lambda job: -job.experiment.minutes.get(request.preset, float("inf"))
    )
    folder = request.out / ".progress"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise InputError(
            f"cannot write {folder}: {error.strerror}; choose an --out that you may write to"
        ) from error
    try:
        with (
            Watch(folder, jobs, request.preset, n_jobs) as watch,
            cancel_on_interrupt(lambda: request_stop(folder)),
            _end_workers_on_interrupt(),
        ):
            for done in run_side_by_side(longest_first, watch=folder, n_jobs=n_jobs):
                watch.finished(done)
                yield done
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _end_workers_on_interrupt() -> Iterator[None]:
    """On a second Ctrl-C, end the worker processes at once instead of waiting for them."""
    try:
        yield
    except KeyboardInterrupt:
        from joblib.externals.loky import get_reusable_executor

        get_reusable_executor().shutdown(wait=False, kill_workers=True)
        raise


def _write(request: Request, results: Sequence[Result], notes: Mapping[str, Any]) -> None:
    """Write the page and the table of checks, and print the outcomes."""
    page = None
    if any(is_run(path) for path in (request.out / "runs").glob("*")):
        page = request.out / "index.html"
        runs = collect(request.out, skip_damaged=True)
        write_atomic(page, render(runs, read_notes(request.out)))
    if request.csv is not None:
        write_atomic(request.csv, to_csv(check_rows(results)))
    if request.json:
        summaries = [summary(result) for result in results]
        print_json({"runs": summaries, "notes": notes, "folder": str(request.out)})
        return
    show.results(output(), results)
    for name, file in (("Report", page), ("Checks", request.csv)):
        if file is not None:
            output().print(f"\n{name}: {file}", markup=False, soft_wrap=True)


def _again(request: Request) -> str:
    """The command that continues what was stopped."""
    words = f"eigenlab reproduce --preset {request.preset} --out {quote(str(request.out))} --resume"
    words += f" --only {quote(request.only)}" if request.only else ""
    return words + (f" --seed {request.seed}" if request.seed is not None else "")
