"""The run folder: what an experiment leaves behind, whole at every moment.

::

    config.json        settings, experiment name, preset
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
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eigenlab.errors import Cancelled, DataError, EigenlabError, InputError
from eigenlab.files import dump_json, load_json, read_json, write_atomic
from eigenlab.lab.claim import Check, ClaimResult, NotRun, Outcome, Record
from eigenlab.lab.config import Config
from eigenlab.lab.environment import environment, fingerprint
from eigenlab.lab.experiment import Context, Experiment, Stage
from eigenlab.reporter import SILENT, Reporter

if TYPE_CHECKING:
    import plotly.graph_objects as go

FORMAT = 1


@dataclass(frozen=True)
class StageOutcome:
    """One stage after its turn: a record, or the reason why there is none."""

    record: Record | None = None
    seconds: float = 0.0
    reason: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Result:
    """What a run measured and concluded."""

    experiment: Experiment
    config: Config
    stages: Mapping[str, StageOutcome]
    claims: tuple[ClaimResult, ...]
    status: str

    @property
    def records(self) -> dict[str, Record]:
        """The record of every stage that has one."""
        return {
            name: stage.record for name, stage in self.stages.items() if stage.record is not None
        }

    @property
    def metrics(self) -> dict[str, float]:
        """The experiment's few headline numbers (empty while stages are missing)."""
        if any(stage.name not in self.records for stage in self.experiment.stages):
            return {}
        return dict(self.experiment.metrics(self.records))

    def figure(self, name: str) -> go.Figure:
        """Draw the figure called ``name`` from its stored record."""
        for figure in self.experiment.figures:
            if figure.name == name and figure.record in self.records:
                return figure.draw(self.records[figure.record])
        known = [f.name for f in self.experiment.figures if f.record in self.records]
        raise InputError(f"figure '{name}' is not in this result; it has {', '.join(known)}")

    @property
    def as_documented(self) -> bool:
        """Whether no claim departs from the outcome its documentation lists.

        A claim that was not run departs from nothing; an error always does.
        """
        return not self.departures

    @property
    def departures(self) -> list[ClaimResult]:
        """The claims whose outcome is an error or differs from the documented one."""
        documented = {claim.id: claim.documented for claim in self.experiment.claims}
        return [
            result
            for result in self.claims
            if result.outcome not in (Outcome.NOT_RUN, documented[result.id])
        ]


def execute(
    experiment: Experiment,
    config: Config,
    *,
    reporter: Reporter = SILENT,
    folder: Path | None = None,
    resume: bool = False,
) -> Result:
    """Run the stages in order, storing each as it ends; see :meth:`Experiment.run`."""
    store = _Store(folder, experiment, config, resume) if folder is not None else None
    if store and store.notice:
        reporter.message(store.notice)
    stages: dict[str, StageOutcome] = {}
    status = "running"
    try:
        for stage in experiment.stages:
            kept = store.load(stage.name) if store else None
            if kept is None:
                reporter.raise_if_cancelled()
                reporter.stage(stage.name)
                kept = _measure(stage, config, reporter, store)
                if store:
                    store.save(stage.name, kept)
            else:
                reporter.message(f"{stage.name}: kept from the earlier run")
            stages[stage.name] = kept
            if store:
                store.conclude(_judge(experiment, config, stages, status))
        status = "finished"
    except (Cancelled, KeyboardInterrupt):
        status = "interrupted"
        raise
    finally:
        result = _judge(experiment, config, stages, status)
        if store:
            store.conclude(result, figures=status == "finished")
    return result


def _measure(
    stage: Stage, config: Config, reporter: Reporter, store: _Store | None
) -> StageOutcome:
    context = Context(
        reporter=_Recorder(reporter, store.folder / "metrics.jsonl", stage.name)
        if store
        else reporter,
        checkpoints=store.folder / "checkpoints" / stage.name if store else None,
    )
    begin = time.perf_counter()
    try:
        record = load_json(dump_json(stage.measure(config, context), indent=None))
    except NotRun as reason:
        return StageOutcome(reason=str(reason))
    except (Cancelled, DataError, InputError):
        raise
    except (EigenlabError, ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as e:
        return StageOutcome(reason=f"{type(e).__name__}: {e}", failed=True)
    return StageOutcome(record, time.perf_counter() - begin)


def _judge(
    experiment: Experiment, config: Config, stages: Mapping[str, StageOutcome], status: str
) -> Result:
    results = []
    for claim in experiment.claims:
        stage = stages.get(claim.record, StageOutcome(reason="its stage has not run"))
        if stage.record is not None:
            results.append(claim.evaluate(stage.record, seconds=stage.seconds))
        else:
            outcome = Outcome.ERROR if stage.failed else Outcome.NOT_RUN
            results.append(ClaimResult(claim.id, outcome, reason=stage.reason))
    return Result(experiment, config, dict(stages), tuple(results), status)


class _Recorder(Reporter):
    """Passes everything on and appends streamed metrics to ``metrics.jsonl``."""

    def __init__(self, inner: Reporter, path: Path, stage: str) -> None:
        self._inner, self._path, self._stage = inner, path, stage

    def stage(self, name: str) -> None:
        self._inner.stage(name)

    def progress(self, done: int, total: int, message: str = "") -> None:
        self._inner.progress(done, total, message)

    def message(self, text: str) -> None:
        self._inner.message(text)

    def cancel(self) -> None:
        self._inner.cancel()

    @property
    def cancelled(self) -> bool:
        return self._inner.cancelled

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        line = dump_json({"stage": self._stage, "step": step, **values}, indent=None)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        self._inner.metrics(values, step=step)


class _Store:
    """A run folder being written."""

    def __init__(self, folder: Path, experiment: Experiment, config: Config, resume: bool) -> None:
        self.folder, self.notice = folder, ""
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
                f"{self.folder} already holds a run; add --resume to continue it, "
                "or choose another --out"
            )
        earlier = _read_record(path)
        if earlier != load_json(dump_json(dict(settings))):
            before, now = earlier.get("config", {}), settings["config"]
            changed = [key for key in now if before.get(key) != now[key]] or ["experiment"]
            raise InputError(
                f"{self.folder} was run with another {', '.join(changed)}; "
                "resume with the same settings, or choose another --out"
            )
        if self._fingerprint() == fingerprint():
            self._mend_metrics()
        else:
            self.notice = "the code or the data folder changed since; measuring everything anew"
            for name in ("records", "checkpoints", "figures"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            for name in ("result.json", "metrics.jsonl"):
                (self.folder / name).unlink(missing_ok=True)

    def _fingerprint(self) -> str | None:
        path = self.folder / "environment.json"
        return _read_record(path).get("fingerprint") if path.exists() else None

    def _mend_metrics(self) -> None:
        """Drop a last line that a killed process left unfinished."""
        path = self.folder / "metrics.jsonl"
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            if text and not text.endswith("\n"):
                write_atomic(path, text[: text.rfind("\n") + 1])

    def load(self, stage: str) -> StageOutcome | None:
        kept = _load_stage(self.folder, stage)
        return None if kept.record is None else kept

    def save(self, stage: str, outcome: StageOutcome) -> None:
        if outcome.record is not None:
            stored = {"stage": stage, "seconds": outcome.seconds, "record": outcome.record}
            write_atomic(self.folder / "records" / f"{stage}.json", dump_json(stored, indent=None))
            shutil.rmtree(self.folder / "checkpoints" / stage, ignore_errors=True)

    def conclude(self, result: Result, *, figures: bool = False) -> None:
        if figures:
            for figure in result.experiment.figures:
                if figure.record in result.records:
                    drawn = result.figure(figure.name).to_json()
                    write_atomic(self.folder / "figures" / f"{figure.name}.json", drawn)
        write_atomic(self.folder / "result.json", dump_json(summary(result)))


def summary(result: Result) -> dict[str, Any]:
    """The content of ``result.json``: status, metrics, claims with checks, tables."""
    return {
        "format": FORMAT,
        "experiment": result.experiment.name,
        "status": result.status,
        "metrics": result.metrics,
        "stages": {
            name: {"seconds": stage.seconds, "reason": stage.reason, "failed": stage.failed}
            for name, stage in result.stages.items()
        },
        "claims": [asdict(claim) for claim in result.claims],
        "tables": {
            table.name: dict(
                zip(("columns", "rows"), table.rows(result.records[table.record]), strict=True)
            )
            for table in result.experiment.tables
            if table.record in result.records
        },
    }


def load_result(folder: Path, experiment: Experiment) -> Result:
    """Read a run folder and judge its claims again from the stored records.

    Works on a folder whose run was killed: stages without a record are simply not run. Raises
    :class:`~eigenlab.errors.InputError` when the folder is not a run of ``experiment``.
    """
    settings = _read_record(folder / "config.json", "config")
    if settings.get("format") != FORMAT or settings.get("experiment") != experiment.name:
        raise InputError(
            f"{folder} holds format {settings.get('format')} of "
            f"'{settings.get('experiment')}', expected format {FORMAT} of '{experiment.name}'"
        )
    config = experiment.config.checked(settings["config"])
    stages = {stage.name: _load_stage(folder, stage.name) for stage in experiment.stages}
    status = "interrupted"
    if (folder / "result.json").exists():
        stored = _read_record(folder / "result.json", "status", "stages")
        status = stored["status"] if stored["status"] != "running" else "interrupted"
        for name, item in stored["stages"].items():
            if name in stages and stages[name].record is None and item["reason"]:
                stages[name] = StageOutcome(reason=item["reason"], failed=item["failed"])
    return _judge(experiment, config, stages, status)


def _load_stage(folder: Path, name: str) -> StageOutcome:
    path = folder / "records" / f"{name}.json"
    if not path.exists():
        return StageOutcome(reason="its stage has not run")
    stored = _read_record(path, "record", "seconds")
    return StageOutcome(stored["record"], stored["seconds"])


def _read_record(path: Path, *keys: str) -> dict[str, Any]:
    """Read a JSON object that must have ``keys``."""
    stored = read_json(path)
    missing = [key for key in keys if not isinstance(stored, dict) or key not in stored]
    if missing or not isinstance(stored, dict):
        raise InputError(f"{path} lacks {', '.join(missing) or 'a record'}; it was altered")
    return stored


def _is_temporary(path: Path) -> bool:
    """Whether a process killed in :func:`write_atomic` left ``path``."""
    return path.name.startswith(".")


def stored_claims(folder: Path) -> tuple[ClaimResult, ...]:
    """The outcomes written in ``result.json``, as they were judged when the run ended."""
    stored = _read_record(folder / "result.json", "claims")
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
