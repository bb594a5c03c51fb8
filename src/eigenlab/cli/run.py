"""``eigenlab run``: one experiment, with its fields as options."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from eigenlab.cli import show
from eigenlab.cli.status import DEPARTURE, INTERRUPTED, SUCCESS
from eigenlab.cli.terminal import (
    TerminalReporter,
    cancel_on_interrupt,
    is_main_process,
    notices,
    output,
    print_json,
)
from eigenlab.errors import Cancelled, EigenlabError, InputError
from eigenlab.files import write_atomic
from eigenlab.lab import Config, Experiment, Result, fresh_folder, is_run, run, summary
from eigenlab.report import collect, command_for, render


def run_experiment(
    experiment: Experiment,
    overrides: Mapping[str, Any],
    *,
    preset: str = "course",
    out: Path | None = None,
    resume: bool = False,
    json: bool = False,
) -> int:
    """Run with settings from the command line; 0 when every outcome is the documented one."""
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
        if is_main_process():
            _remove_folders(folder, existing)
        raise
    page = folder / "index.html"
    if is_main_process():
        write_atomic(page, render(collect(folder)))
    if json:
        print_json({**summary(result), "folder": str(folder), "page": str(page)})
    else:
        show.result(output(), result)
        output().print(f"\nRun folder: {folder}\nReport: {page}", markup=False, soft_wrap=True)
    return SUCCESS if result.as_documented else DEPARTURE


def perform(experiment: Experiment, config: Config, folder: Path, *, resume: bool) -> Result:
    """Run with live progress; the first Ctrl-C stops at a safe point and keeps what is done.

    Under ``torchrun`` the processes train together, and the first one prints and writes.
    """
    from eigenlab.training import distributed, resolve_device

    resolve_device(config.device)  # refuses an absent GPU before anything is written
    with (
        _one_thread(),
        distributed.start(),
        TerminalReporter(experiment.name, notices()) as reporter,
        cancel_on_interrupt(reporter.cancel),
        _own_folder(folder, resume=resume) as place,
    ):
        return run(
            experiment, config, reporter=reporter, folder=place, resume=resume and is_run(place)
        )


def _remove_folders(folder: Path, existing: Path) -> None:
    """Remove the folders below ``existing`` of a run that was refused at its first stage."""
    if folder == existing or any((folder / "records").glob("*.json")):
        return
    shutil.rmtree(folder, ignore_errors=True)
    for parent in folder.parents:
        if parent == existing:
            break
        with contextlib.suppress(OSError):
            parent.rmdir()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread unless ``OMP_NUM_THREADS`` asks for more.

    The networks of the course are small: a second thread costs more time than it
    saves, much more if other processes use the same cores. Results then do not depend
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
def _own_folder(folder: Path, *, resume: bool) -> Iterator[Path]:
    """The run folder; ranks other than the first work in a temporary copy.

    A copy, so that on ``--resume`` every rank skips the same finished stages; it is made before the
    first rank begins to write.
    """
    from eigenlab.training import distributed

    group = distributed.current()
    if is_main_process():
        group.barrier()
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="eigenlab-rank-") as temporary:
        copy = Path(temporary) / "run"
        if resume and folder.exists():
            shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".*"))
        group.barrier()
        yield copy
