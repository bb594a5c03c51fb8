"""Running experiments for a person: folders, progress, interruption, exit codes."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from eigenlab.cli import show
from eigenlab.cli.app import INTERRUPTED
from eigenlab.cli.terminal import (
    TerminalReporter,
    is_main_process,
    notices,
    output,
    stop_gently,
)
from eigenlab.errors import Cancelled, EigenlabError, InputError, nearest
from eigenlab.experiments import TABLE, load_experiment
from eigenlab.files import dump_json, load_json, read_json, write_atomic
from eigenlab.lab import Config, Experiment, Result, fresh_folder, summary
from eigenlab.report import NOTES, collect, command_for, is_run, read_notes, render


def run_experiment(
    experiment: Experiment,
    overrides: Mapping[str, Any],
    *,
    preset: str = "course",
    out: Path | None = None,
    resume: bool = False,
    json: bool = False,
) -> int:
    """``eigenlab run``: returns 0 when every outcome is the documented one, else 1."""
    config = experiment.config.from_preset(preset, **overrides)
    if resume and out is None:
        raise InputError("--resume needs --out DIR, the run folder to continue")
    folder = out or fresh_folder(Path("runs"), experiment.name)
    existing = next(path for path in (folder, *folder.parents, Path()) if path.exists())
    try:
        result = perform(experiment, config, folder, resume=resume)
    except (Cancelled, KeyboardInterrupt):
        again = f"{command_for(experiment.name, config)} --out {quote(str(folder))} --resume"
        notices().print(f"stopped; continue with: {again}", markup=False, soft_wrap=True)
        return INTERRUPTED
    except EigenlabError:
        _clear_away(folder, existing)
        raise
    if json:
        print_json({**summary(result), "folder": str(folder)})
    else:
        show.result(output(), result)
        output().print(f"\nRun folder: {folder}", markup=False, soft_wrap=True)
    return 0 if result.as_documented else 1


def _clear_away(folder: Path, existing: Path) -> None:
    """Remove what a run refused at its first stage has made below ``existing``."""
    if folder == existing or any((folder / "records").glob("*.json")):
        return
    shutil.rmtree(folder, ignore_errors=True)
    for parent in folder.parents:
        if parent == existing:
            break
        with contextlib.suppress(OSError):
            parent.rmdir()


def perform(experiment: Experiment, config: Config, folder: Path, *, resume: bool) -> Result:
    """Run with live progress; the first Ctrl-C stops at a safe point and keeps what is done.

    Under ``torchrun`` the processes train together, and the first one speaks and writes.
    """
    from eigenlab.training import distributed, resolve_device

    resolve_device(config.device)  # refuses an absent GPU before anything is written
    with (
        _one_thread(),
        distributed.start(),
        TerminalReporter(experiment.name, notices()) as reporter,
        stop_gently(reporter),
        _own_folder(folder) as place,
    ):
        return experiment.run(
            config, reporter=reporter, folder=place, resume=resume and is_run(place)
        )


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread unless ``OMP_NUM_THREADS`` asks for more.

    The networks of the course are small: handing work to a second thread costs more than it
    brings, many times more where other processes want the same cores. Results then do not depend
    on how many cores there are, either.
    """
    import torch

    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    """The run folder; ranks other than the first work in a private copy that is thrown away.

    A copy, so that on ``--resume`` every rank skips the same finished stages.
    """
    if is_main_process():
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="eigenlab-rank-") as temporary:
        copy = Path(temporary) / "run"
        if folder.exists():
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*"))
        yield copy


def print_json(value: Any) -> None:
    """Print ``value`` as JSON on standard output (on the first rank only)."""
    if is_main_process():
        print(dump_json(value))


def reproduce(*, preset: str, only: str | None, out: Path, resume: bool, json: bool) -> int:
    """``eigenlab reproduce``: run the experiments of the course, then write the report."""
    names = select(only)
    configs = {name: load_experiment(name).config.from_preset(preset) for name in names}
    folders = {name: out / "runs" / name for name in names}
    for name in names:
        _refuse_other_run(folders[name], configs[name], resume=resume)
    notes: dict[str, dict[str, str]] = read_notes(out) if resume else {}
    notes |= {name: {"status": "not reached", "reason": ""} for name in names}
    results: list[Result] = []
    interrupted = False
    for name in names:
        status, reason = "finished", ""
        try:
            results.append(
                perform(load_experiment(name), configs[name], folders[name], resume=resume)
            )
        except (Cancelled, KeyboardInterrupt):
            interrupted, status = True, "interrupted"
            reason = "stopped on request; continue with `eigenlab reproduce --resume`"
        except Exception as error:  # one broken experiment must not cost the others
            status, reason = "failed", f"{type(error).__name__}: {error}"
            if isinstance(error, EigenlabError):
                reason = str(error)
            else:
                notices().print(traceback.format_exc(), markup=False)
            notices().print(f"{name}: {reason}", markup=False, soft_wrap=True)
        notes[name] = {"status": status, "reason": reason}
        if is_main_process():
            write_atomic(out / NOTES, dump_json({"preset": preset, "experiments": notes}))
        if interrupted:
            break
    page = _write_page(out)
    _conclude(out, results, notes, page=page, json=json)
    if interrupted:
        again = f"eigenlab reproduce --preset {preset} --out {quote(str(out))} --resume"
        again += f" --only {quote(only)}" if only else ""
        notices().print(f"stopped; continue with: {again}", markup=False, soft_wrap=True)
        return INTERRUPTED
    failed = any(notes[name]["status"] == "failed" for name in names)
    return 1 if failed or not all(result.as_documented for result in results) else 0


def _refuse_other_run(folder: Path, config: Config, *, resume: bool) -> None:
    """Raise before the first experiment starts what the last one would raise after an hour."""
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
            f"{folder} was run with other settings (another --preset?); remove it, "
            "or choose another --out"
        )


def _write_page(out: Path) -> Path | None:
    if not is_main_process() or not any(is_run(path) for path in (out / "runs").glob("*")):
        return None
    page = out / "index.html"
    write_atomic(page, render(collect(out), read_notes(out)))
    return page


def _conclude(
    out: Path,
    results: Sequence[Result],
    notes: Mapping[str, Any],
    *,
    page: Path | None,
    json: bool,
) -> None:
    if json:
        print_json({"runs": [summary(r) for r in results], "notes": notes, "folder": str(out)})
        return
    console = output()
    show.results(console, results)
    if page is not None:
        console.print(f"\nReport: {page}", markup=False, soft_wrap=True)


def select(only: str | None) -> list[str]:
    """Experiments that answer the questions in ``only`` (``1`` means 1a to 1h); None means all.

    >>> select("1e,2")
    ['gradient-flow', 'surnames']
    """
    if only is None:
        return list(TABLE)
    wanted = [part.strip() for part in only.split(",") if part.strip()]
    chosen: set[str] = set()
    for part in wanted:
        matches = {
            name
            for name, row in TABLE.items()
            if part == name or any(part in (question, question[:1]) for question in row.source)
        }
        if not matches:
            questions = sorted({question for row in TABLE.values() for question in row.source})
            known = [*questions, *sorted({q[:1] for q in questions}), *TABLE]
            raise InputError(
                f"--only {part}: no experiment answers that question{nearest(part, known)}; "
                f"choose from {', '.join(questions)}"
            )
        chosen |= matches
    if not chosen:
        raise InputError("--only is empty; give question numbers such as 1,2 or 1e")
    return [name for name in TABLE if name in chosen]
