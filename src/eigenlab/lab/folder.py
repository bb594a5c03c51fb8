"""The run folder: all files of a run, each of them complete at any time.

::

    config.json        settings and experiment name
    environment.json   versions, device, seed, threads, source revision
    records/*.json     one per finished stage: the evidence
    metrics.jsonl      numbers streamed while training, a line each
    result.json        outcomes, metrics, tables; rewritten after every stage
    figures/*.json     plotly figures
    checkpoints/       safetensors + JSON of trainings and finished parts of unfinished stages

A run that is killed leaves the records of its finished stages and the last checkpoint of the
unfinished one; ``resume=True`` continues from there. What other source code has measured, or other
data, is not kept: changing an equation and resuming measures it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError
from eigenlab.files import append_line, dump_json, load_json, read_json, write_atomic
from eigenlab.lab.claims import Check, ClaimResult, Outcome
from eigenlab.lab.config import Config
from eigenlab.lab.environment import environment, fingerprint
from eigenlab.lab.experiment import Experiment
from eigenlab.lab.result import FORMAT, Result, StageOutcome, judge, summary
from eigenlab.lab.stages import Stage
from eigenlab.reporter import ForwardingReporter, Reporter


class RunFolder:
    """A run folder being written.

    Args:
        folder: absent, empty, or with ``resume`` the folder of a run with the same settings.
        experiment: what is run.
        config: its settings.
        resume: whether to continue what an earlier run left in it.

    Raises:
        InputError: the folder holds something else, or a run with other settings.
    """

    def __init__(
        self, folder: Path, experiment: Experiment, config: Config, *, resume: bool
    ) -> None:
        self.path, self.notice = folder, ""
        settings = {
            "format": FORMAT,
            "experiment": experiment.name,
            "config": config.model_dump(mode="json"),
        }
        path = folder / "config.json"
        if path.exists():
            self._accept_existing(path, settings, resume)
        elif folder.exists() and any(not _is_temporary(entry) for entry in folder.iterdir()):
            raise InputError(f"{folder} is not empty and not a run folder; choose another --out")
        write_atomic(path, dump_json(settings))
        write_atomic(
            folder / "environment.json",
            dump_json(environment(seed=config.seed, device=config.device)),
        )

    def _accept_existing(self, path: Path, settings: Mapping[str, Any], resume: bool) -> None:
        if not resume:
            raise InputError(
                f"{self.path} already holds a run; add --resume to continue it, "
                "or choose another --out"
            )
        earlier = _read_object(path)
        if earlier != load_json(dump_json(dict(settings))):
            before, now = earlier.get("config", {}), settings["config"]
            changed = [key for key in now if before.get(key) != now[key]] or ["experiment"]
            raise InputError(
                f"{self.path} was run with another {', '.join(changed)}; "
                "resume with the same settings, or choose another --out"
            )
        if self._fingerprint() == fingerprint():
            self._drop_unfinished_line()
        else:
            self.notice = "the code or the data folder changed since; measuring everything anew"
            for name in ("records", "checkpoints", "figures"):
                shutil.rmtree(self.path / name, ignore_errors=True)
            for name in ("result.json", "metrics.jsonl"):
                (self.path / name).unlink(missing_ok=True)

    def _fingerprint(self) -> str | None:
        path = self.path / "environment.json"
        return _read_object(path).get("fingerprint") if path.exists() else None

    def _drop_unfinished_line(self) -> None:
        """Drop a last line that a killed process left unfinished."""
        path = self.path / "metrics.jsonl"
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            if text and not text.endswith("\n"):
                write_atomic(path, text[: text.rfind("\n") + 1])

    def recorder(self, reporter: Reporter, stage: str) -> Reporter:
        """A reporter that also appends the streamed metrics of ``stage`` to ``metrics.jsonl``."""
        return _Recorder(reporter, self.path / "metrics.jsonl", stage)

    def load(self, stage: Stage) -> StageOutcome | None:
        """What ``stage`` measured in an earlier run, or None."""
        kept = _load_stage(self.path, stage)
        return None if kept.record is None else kept

    def save(self, stage: str, outcome: StageOutcome) -> None:
        """Store a record, and remove the checkpoints that it replaces."""
        if outcome.record is not None:
            stored = {"stage": stage, "seconds": outcome.seconds, "record": outcome.record.plain()}
            write_atomic(self.path / "records" / f"{stage}.json", dump_json(stored, indent=None))
            shutil.rmtree(self.path / "checkpoints" / stage, ignore_errors=True)

    def conclude(self, result: Result, *, figures: bool = False) -> None:
        """Write ``result.json``, and the figures where asked for."""
        if figures:
            for figure in result.experiment.figures:
                if result.record(figure.record) is not None:
                    drawn = result.figure(figure.name).to_json()
                    write_atomic(self.path / "figures" / f"{figure.name}.json", drawn)
        write_atomic(self.path / "result.json", dump_json(summary(result)))


def load_result(folder: Path, experiment: Experiment) -> Result:
    """Read a run folder and judge its claims again from the stored records.

    Works on a folder whose run was killed: stages without a record are simply not run. Raises
    :class:`~eigenlab.errors.InputError` when the folder is not a run of ``experiment``, or a
    record is not what its stage measures.
    """
    settings = _read_object(folder / "config.json", "config")
    if settings.get("format") != FORMAT or settings.get("experiment") != experiment.name:
        raise InputError(
            f"{folder} holds format {settings.get('format')} of "
            f"'{settings.get('experiment')}', expected format {FORMAT} of '{experiment.name}'"
        )
    config = experiment.config.from_values(settings["config"])
    stages = {stage.name: _load_stage(folder, stage) for stage in experiment.stages}
    status = "interrupted"
    if (folder / "result.json").exists():
        stored = _read_object(folder / "result.json", "status", "stages")
        status = stored["status"] if stored["status"] != "running" else "interrupted"
        for name, item in stored["stages"].items():
            if name in stages and stages[name].record is None and item["reason"]:
                stages[name] = StageOutcome(reason=item["reason"], failed=item["failed"])
    return judge(experiment, config, stages, status)


def _load_stage(folder: Path, stage: Stage) -> StageOutcome:
    path = folder / "records" / f"{stage.name}.json"
    if not path.exists():
        return StageOutcome(reason="its stage has not run")
    stored = _read_object(path, "record", "seconds")
    if not isinstance(stored["seconds"], int | float):
        raise InputError(f"{path}: seconds is not a number; it was altered")
    return StageOutcome(stage.record.read(stored["record"], str(path)), stored["seconds"])


def _read_object(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object that must have ``keys``."""
    stored = read_json(path)
    missing = [key for key in keys if not isinstance(stored, dict) or key not in stored]
    if missing or not isinstance(stored, dict):
        raise InputError(f"{path} lacks {', '.join(missing) or 'a record'}; it was altered")
    return stored


def is_run(folder: Path) -> bool:
    """Whether ``folder`` is a run folder."""
    return (folder / "config.json").is_file()


def _is_temporary(path: Path) -> bool:
    """Whether a process killed in :func:`write_atomic` left ``path``."""
    return path.name.startswith(".")


def stored_claims(folder: Path) -> tuple[ClaimResult, ...]:
    """The outcomes written in ``result.json``, as they were judged when the run ended."""
    stored = _read_object(folder / "result.json", "claims")
    return tuple(
        ClaimResult(
            **{
                **item,
                "outcome": Outcome(item["outcome"]),
                "checks": tuple(Check(**check) for check in item["checks"]),
            }
        )
        for item in stored["claims"]
    )


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The streamed metrics in order; a step repeated after a resume counts once, the last time.

    A last line cut short by a killed process is left out.
    """
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    rows: dict[tuple[str, int, frozenset[str]], dict[str, Any]] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            row = load_json(line)
        except json.JSONDecodeError:
            continue
        rows[row["stage"], row["step"], frozenset(row)] = row
    return list(rows.values())


def fresh_folder(parent: Path, name: str) -> Path:
    """A folder name under ``parent`` that no earlier run uses: ``name``, ``name-2``, ..."""
    candidate, number = parent / name, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = parent / f"{name}-{number}"
    return candidate


class _Recorder(ForwardingReporter):
    """Appends streamed metrics to ``metrics.jsonl``, and passes everything on."""

    def __init__(self, inner: Reporter, path: Path, stage: str) -> None:
        super().__init__(inner)
        self._path, self._stage = path, stage

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        line = dump_json({"stage": self._stage, "step": step, **values}, indent=None)
        append_line(self._path, line)
        super().metrics(values, step=step)
