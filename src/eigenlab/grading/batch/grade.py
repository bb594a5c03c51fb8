"""Grade a class: many submissions, in parallel, so that no failure stops the others.

Each result is written when it is there, so a run that was killed goes on where it stopped.
Parallelism is joblib's: ``joblib.parallel_config(backend="dask")`` (or ``"ray"``, ``"spark"``)
around :func:`grade`, with ``jobs`` of at least 2, moves the work to a cluster that shares the file
system.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import multiprocessing.util
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import joblib
import torch
from joblib.externals import loky
from joblib.externals.loky.process_executor import BrokenProcessPool
from joblib.parallel import get_active_backend

import eigenlab
from eigenlab.errors import EigenlabError, InputError
from eigenlab.files import dump_json, read_json, write_atomic
from eigenlab.grading import folders
from eigenlab.grading.batch import anonymous, tables
from eigenlab.grading.batch.archives import unpack_class
from eigenlab.grading.batch.backends import backend as chosen_backend
from eigenlab.grading.batch.backends import require_backend
from eigenlab.grading.batch.one import Settings, grade_files, with_part, without_names
from eigenlab.grading.batch.submissions import Submission, find_submissions
from eigenlab.grading.batch.summary import summary_page
from eigenlab.grading.feedback import feedback_page
from eigenlab.grading.file_check import FileReport, checked_points, isolated
from eigenlab.grading.isolation import Limits, Template
from eigenlab.grading.parts import PARTS
from eigenlab.grading.source import essential
from eigenlab.reporter import SILENT, Reporter

FORMAT = 1
GRADED, UNREADABLE = "graded", "unreadable"
#: Bytes of a zip file of a whole class, unpacked.
MAX_BYTES = 20_000_000_000
DIED = "the grader's own process ended while it read this submission"


@dataclass(frozen=True)
class Grades:
    """What the grading of a class gave.

    Args:
        folder: where everything was written.
        records: what is stored of each submission, in the order of the keys.
        kept: how many of them were graded by an earlier run.
    """

    folder: Path
    records: Sequence[Mapping[str, Any]]
    kept: int

    @property
    def unreadable(self) -> list[Mapping[str, Any]]:
        """The records of submissions that could not be graded."""
        return [record for record in self.records if record["status"] != GRADED]


@dataclass(frozen=True)
class _Task:
    """A submission to grade; ``state`` is a folder of this run, where its progress is noted."""

    submission: Submission
    digest: str
    settings: Settings
    out: Path
    state: Path
    part: str = ""
    hide: tuple[str, ...] = ()


def grade(
    source: str | Path,
    out: str | Path,
    settings: Settings | None = None,
    *,
    jobs: int = 1,
    backend: str = "loky",
    regrade: str = "",
    hide_names: bool = False,
    given: Mapping[str, Sequence[str]] | None = None,
    reporter: Reporter = SILENT,
) -> Grades:
    """Grade the submissions of a folder or zip file.

    A submission whose files, settings and version of eigenlab are those of an earlier result keeps
    it. In ``out`` are then ``students/KEY.json`` and ``feedback/KEY.html`` for each student,
    ``grades.csv``, ``grades.json`` and ``summary.html``. Earlier results with keys that no
    submission has any more, such as the names of students who now have pseudonyms, are removed.

    Args:
        source: folder or zip file; see :func:`~eigenlab.grading.batch.find_submissions`.
        out: folder for the results.
        settings: how the submissions are graded. Default: ``None``, those of :class:`Settings`.
        jobs: how many are graded at once. Default: ``1``.
        backend: what grades several at once: ``"loky"``, processes of this machine, or ``"dask"``,
            ``"ray"`` or ``"spark"``, whose machines have to see ``source``, ``out`` and the folder
            for temporary files. Default: ``"loky"``.
        regrade: id of a part to grade again, while the others keep their results. Default: ``""``,
            none.
        hide_names: whether students have pseudonyms in all files but ``out/pseudonyms.json``.
            Default: ``False``.
        given: number of a problem -> code cells of the notebook that students were given, which
            the overview of similar code leaves out. Default: ``None``, none.
        reporter: receives the progress.

    Returns:
        a record of each submission. One that could not be graded says why, and has no score.

    Raises:
        InputError: there are no submissions, there is no such part, problem or backend, parts are
            to be graded again with other settings, or ``out`` has results and none of them is of a
            student or a file among the submissions.
        Cancelled: the reporter was cancelled; what was graded is kept.
    """
    # Workers may be in another folder.
    source, out, settings = Path(source).absolute(), Path(out).absolute(), settings or Settings()
    _require(settings, jobs, regrade)
    require_backend(backend, jobs)
    with folders.temporary() as scratch:
        folder, refused = _unpacked(source, Path(scratch))
        reporter.stage("reading submissions")
        submissions = find_submissions(folder, refused)
        tasks = _tasks(submissions, out, settings, Path(scratch), regrade, hide_names)
        _refuse_another_class(out, tasks)
        kept = [task for task in tasks if not regrade and _is_kept(task)]
        todo = [task for task in tasks if task not in kept]
        reporter.stage(f"grading {len(todo)} submissions")
        if kept:
            reporter.message(f"{len(kept)} submissions keep their results")
        with chosen_backend(backend, jobs):
            _run(todo, jobs, reporter)
    removed = _remove_others(out, {task.submission.key for task in tasks})
    if removed:
        reporter.message(f"{removed} earlier results of nobody among these submissions are removed")
    records = [read_json(_record_path(task)) for task in tasks]
    tables.write(out, records)
    write_atomic(out / "summary.html", summary_page(records, given or {}))
    return Grades(out, records, len(kept))


def _require(settings: Settings, jobs: int, regrade: str) -> None:
    checked_points(settings.points)
    if jobs < 1:
        raise InputError(f"jobs={jobs}: expected at least 1")
    if not settings.part_seconds > 0:
        raise InputError(f"part_seconds={settings.part_seconds}: expected a positive number")
    if regrade and regrade not in PARTS:
        raise InputError(f"regrade={regrade!r}: no such part; known: {', '.join(sorted(PARTS))}")
    if settings.problem:
        from eigenlab.grading.problems import problem_number

        problem_number(settings.problem)


def _unpacked(source: Path, scratch: Path) -> tuple[Path, dict[Path, str]]:
    """The folder of the submissions, and what of a zip file was refused.

    The only folder of a zip file that has the zip file's name is the one that was zipped.
    """
    if source.suffix.lower() != ".zip":
        return source, {}
    folder = scratch / "submissions"
    refused = unpack_class(source, folder, max_bytes=MAX_BYTES)
    zipped = folder / source.stem
    is_only = [path.name for path in folder.iterdir()] == [zipped.name] and zipped.is_dir()
    return (zipped if is_only else folder), refused


def _tasks(
    found: list[Submission],
    out: Path,
    settings: Settings,
    scratch: Path,
    part: str,
    hide_names: bool,
) -> list[_Task]:
    hidden: list[tuple[str, ...]] = [() for _ in found]
    if hide_names:
        hidden = [(s.name, s.id, s.key) for s in found]
        found = anonymous.renamed(found, out / "pseudonyms.json")
    tasks = []
    for submission, hide in zip(found, hidden, strict=True):
        try:
            digest = submission.digest()
        except OSError as error:
            digest = ""
            submission = replace(submission, problem=f"it cannot be read: {error.strerror}")  # noqa: PLW2901
        tasks.append(_Task(submission, digest, settings, out, scratch, part, hide))
    if part:
        other = [t for t in tasks if (r := _stored(t)) and r["settings"] != _plain(settings)]
        if other:
            raise InputError(
                f"{len(other)} submissions were graded with other settings (points, names, limits);"
                " give the same ones, or grade everything again without --regrade"
            )
    return sorted(tasks, key=lambda task: task.submission.key)


def _plain(settings: Settings) -> dict[str, Any]:
    return dataclasses.asdict(settings)


def _record_path(task: _Task) -> Path:
    return task.out / "students" / f"{task.submission.key}.json"


def _page_path(task: _Task) -> Path:
    return task.out / "feedback" / f"{task.submission.key}.html"


def _stored(task: _Task) -> dict[str, Any] | None:
    """The record of the same files by an earlier run."""
    try:
        found = read_json(_record_path(task))
    except InputError:
        return None
    keys = {"format", "eigenlab", "student", "sha256", "settings", "status", "report"}
    if not (isinstance(found, dict) and found.keys() >= keys and found["format"] == FORMAT):
        return None
    submission = task.submission
    same = found["student"] == {"key": submission.key, "name": submission.name, "id": submission.id}
    graded = found["status"] == GRADED and _page_path(task).is_file()
    return found if same and graded and found["sha256"] == task.digest != "" else None


def _remove_others(out: Path, keys: Collection[str]) -> int:
    """Remove what earlier runs wrote of other students; how many they were."""
    others = [path for path, _ in _own_records(out) if path.stem not in keys]
    for path in others:
        (out / "feedback" / f"{path.stem}.html").unlink(missing_ok=True)
        path.unlink()
    return len(others)


def _refuse_another_class(out: Path, tasks: Sequence[_Task]) -> None:
    """Raise if all results that are there would be removed as those of nobody."""
    before = _own_records(out)
    keys, digests = {task.submission.key for task in tasks}, {task.digest for task in tasks}
    if before and not any(p.stem in keys or found["sha256"] in digests for p, found in before):
        raise InputError(
            f"{out} has results of {len(before)} other submissions and of none of these; choose "
            "another folder with --out, or remove that one first"
        )


def _own_records(out: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The files of students that earlier runs wrote."""
    found = []
    for path in sorted((out / "students").glob("*.json")):
        try:
            record = read_json(path)
        except InputError:
            continue
        student = record.get("student") if isinstance(record, dict) else None
        is_own = isinstance(student, dict) and student.get("key") == path.stem
        if is_own and {"format", "eigenlab", "sha256", "status", "report"} <= record.keys():
            found.append((path, record))
    return found


def _is_kept(task: _Task) -> bool:
    found = _stored(task)
    return bool(
        found
        and found["eigenlab"] == eigenlab.__version__
        and found["settings"] == _plain(task.settings)
    )


# In parallel.


def _run(tasks: Sequence[_Task], jobs: int, reporter: Reporter) -> None:
    """Grade; a process that dies costs the submission that it was reading."""
    total, left = len(tasks), list(tasks)
    while left:
        try:
            for key in _parallel(left, jobs):
                count = total - sum(not _is_done(task) for task in tasks)
                reporter.progress(count, total, key)
                reporter.raise_if_cancelled()
        except BrokenProcessPool:
            for task in left:
                if _state(task, "started").exists() and not _is_done(task):
                    _alone(task)
        left = [task for task in left if not _is_done(task)]


def _alone(task: _Task) -> None:
    """Grade a submission with which a process died, beside no other one."""
    try:
        list(_parallel([task], 1))
    except BrokenProcessPool:
        _write(task, _record(task, UNREADABLE, DIED))
        _state(task, "done").touch()


def _parallel(tasks: Sequence[_Task], jobs: int) -> Iterator[str]:
    """Keys of the tasks as they end; always in other processes, which may die."""
    if jobs == 1:  # for which joblib would stay in this process
        # Not loky's reusable one, whose worker may be about to end for having been idle.
        executor = loky.ProcessPoolExecutor(max_workers=1, timeout=None)
        try:
            futures = [executor.submit(_grade_one, task) for task in tasks]
            for future in loky.as_completed(futures):
                yield future.result()
        finally:
            executor.shutdown(kill_workers=True)
        return
    options: dict[str, Any] = {"n_jobs": jobs, "batch_size": 1}
    backend, _ = get_active_backend()
    if backend.supports_return_generator:
        options["return_as"] = "generator_unordered"
    found = joblib.Parallel(**options)(joblib.delayed(_grade_one)(task) for task in tasks)
    try:
        yield from found
    finally:
        if hasattr(found, "close"):
            found.close()


def _state(task: _Task, what: str) -> Path:
    return task.state / f"{task.submission.key}.{what}"


def _is_done(task: _Task) -> bool:
    return _state(task, "done").exists()


def _grade_one(task: _Task) -> str:
    """Grade one submission and write what was found; called in a worker process."""
    if threading.current_thread() is threading.main_thread():
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process decides
    torch.set_num_threads(1)
    _end_with_parent()
    _state(task, "started").touch()
    start = time.perf_counter()
    try:
        report = _report(task)
    except EigenlabError as error:
        record = _record(task, UNREADABLE, str(error))
    except Exception as error:  # a fault of the grader's, which must not stop the others
        record = _record(task, UNREADABLE, f"the grader failed ({type(error).__name__}: {error})")
    else:
        report = _hidden(report, task)
        write_atomic(_page_path(task), feedback_page(report))
        record = _record(task, GRADED, report=report)
    _write(task, record | {"seconds": time.perf_counter() - start})
    _state(task, "done").touch()
    return task.submission.key


def _report(task: _Task) -> FileReport:
    submission = task.submission
    if submission.problem:
        raise InputError(submission.problem)
    earlier = _stored(task) if task.part else None
    only = [task.part] if earlier else []
    for attempt in (1, 2):
        try:
            execute = task.settings.execute
            limits = Limits.of_parts(task.settings.part_seconds, execute=execute)
            run = isolated(execute=execute, limits=limits, template=_template(task.state))
            found = grade_files(submission.files, task.settings, run, only)
            break
        except RuntimeError:  # a process did not start, which may be the machine's moment
            if attempt == 2:
                raise
    return with_part(FileReport.from_dict(earlier["report"]), found) if earlier else found


@functools.cache
def _end_with_parent() -> None:
    """End this worker soon after the process that started it; joblib's would stay for minutes."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


_kept: dict[str, Template] = {}


def _template(folder: Path) -> Template:
    """The process that this worker copies; one for each run."""
    if str(folder) not in _kept:
        for old in _kept.values():
            old.close()
        _kept.clear()
        _kept[str(folder)] = template = Template(folder=str(folder))
        multiprocessing.util.Finalize(None, template.close, exitpriority=10)
    return _kept[str(folder)]


def _hidden(report: FileReport, task: _Task) -> FileReport:
    """A report without the student's name."""
    if not task.hide:
        return report
    words = [*task.hide, *(path.stem for path in task.submission.files)]

    def hide(value: Any) -> Any:
        if isinstance(value, str):
            return without_names(value, words)
        if isinstance(value, list):
            return [hide(item) for item in value]
        return (
            {key: hide(item) for key, item in value.items()} if isinstance(value, dict) else value
        )

    content = report.as_dict(code=True)
    for part in content["parts"]:
        part["code"] = {name: hide(essential(text)) for name, text in part["code"].items()}
        part["output"], part["hint"] = hide(part["output"]), hide(part["hint"])
    for key in ("taken", "left_out", "syntax_errors", "notes"):
        content[key] = hide(content[key])
    content["file"] = "submission"
    return FileReport.from_dict(content)


def _record(
    task: _Task, status: str, problem: str = "", report: FileReport | None = None
) -> dict[str, Any]:
    submission = task.submission
    for path in submission.files:
        problem = problem.replace(str(path.parent) + os.sep, "")
    if task.hide:
        problem = without_names(problem, [*task.hide, *(p.stem for p in submission.files)])
    return {
        "format": FORMAT,
        "eigenlab": eigenlab.__version__,
        "student": {"key": submission.key, "name": submission.name, "id": submission.id},
        "files": [] if task.hide else [path.name for path in submission.files],
        "sha256": task.digest,
        "settings": _plain(task.settings),
        "status": status,
        "problem": problem,
        "report": None if report is None else report.as_dict(code=True),
    }


def _write(task: _Task, record: Mapping[str, Any]) -> None:
    if record["status"] != GRADED:
        _page_path(task).unlink(missing_ok=True)  # that of an earlier state
    text = dump_json(record) + "\n"
    write_atomic(_record_path(task), text.encode(errors="replace"))
