"""Runs as plain data for the pages; read, judged and drawn in a worker process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from eigenlab.errors import EigenlabError
from eigenlab.experiments import load_experiment
from eigenlab.lab import Config, Experiment, Result, fresh_folder, is_run, run
from eigenlab.plots import HEIGHT
from eigenlab.report import collect, command_for, read_notes, read_run, render, verdict
from eigenlab.reporter import Reporter
from eigenlab.studio.drawing import DrawnPanel, figure_json

#: Where ``eigenlab run`` stores runs, as the studio does.
RUNS = Path("runs")
#: How the names of the report's runs begin.
REPORT = "report-"


@dataclass(frozen=True)
class ClaimState:
    """A claim and where it stands.

    Args:
        id: such as ``"1e.growth-rate"``.
        statement: the claim.
        key: of the verdict, such as ``"held"``.
        symbol: of the verdict.
        label: of the verdict, in words.
        reason: why there is no outcome, or ``""``.
    """

    id: str
    statement: str
    key: str
    symbol: str
    label: str
    reason: str


@dataclass(frozen=True)
class RunSummary:
    """A run folder in a list.

    Args:
        name: how an address names it: the folder below the place where runs are looked for.
        experiment: name of the experiment.
        title: of the experiment.
        status: ``"finished"``, ``"running"`` and so on, or why it cannot be read.
        claims: the claims.
        settings: setting -> value.
        metrics: name -> number.
    """

    name: str
    experiment: str = ""
    title: str = ""
    status: str = ""
    claims: tuple[ClaimState, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class RunView:
    """A run with its pictures.

    Args:
        summary: its description.
        answers: question and answer.
        panels: its figures.
        command: what runs it again.
        changed: the settings as values of an address.
    """

    summary: RunSummary
    answers: tuple[tuple[str, str], ...]
    panels: tuple[DrawnPanel, ...]
    command: str
    changed: Mapping[str, Any]


def folders(report: Path) -> dict[str, Path]:
    """Name -> folder of each run of the report and of ``runs``; no other name is ever opened.

    Args:
        report: folder of a report.
    """
    found = {}
    for label, parent in ((REPORT, report / "runs"), ("runs-", RUNS)):
        if parent.is_dir():
            for path in sorted(parent.iterdir()):
                if is_run(path):
                    found[f"{label}{path.name}"] = path
    return found


def summaries(report: Path) -> list[RunSummary]:
    """Every run, newest last, also those that cannot be read.

    Args:
        report: folder of a report.
    """
    return [_summary(name, path, _stamp(path)) for name, path in folders(report).items()]


def progress_of_report(report: Path) -> dict[str, str]:
    """Experiment -> status, as ``eigenlab reproduce`` notes it while it runs.

    Args:
        report: folder of a report.
    """
    try:
        return {name: note.get("status", "") for name, note in read_notes(report).items()}
    except EigenlabError:
        return {}


def claims_by_question(report: Path) -> dict[str, list[ClaimState]]:
    """Question -> the claims of the report's runs.

    Args:
        report: folder of a report.
    """
    found: dict[str, list[ClaimState]] = {}
    for item in summaries(report):
        if item.name.startswith(REPORT):
            for state in item.claims:
                found.setdefault(state.id.partition(".")[0], []).append(state)
    return dict(sorted(found.items()))


def view(report: Path, name: str) -> RunView | None:
    """A run with its figures, or None if there is none of this name.

    Args:
        report: folder of a report.
        name: as :func:`folders` gives it.
    """
    path = folders(report).get(name)
    if path is None:
        return None
    result = read_run(path).result
    experiment, config = result.experiment, result.config
    return RunView(
        _described(name, result),
        tuple(_answers(result)),
        tuple(_panels(result)),
        command_for(experiment.name, config),
        config.model_dump(),
    )


def page(report: Path, name: str) -> str | None:
    """The offline page of a run, or None if there is none of this name.

    Args:
        report: folder of a report.
        name: as :func:`folders` gives it.
    """
    path = folders(report).get(name)
    return None if path is None else render(collect(path))


def perform(name: str, config: Config, *, reporter: Reporter) -> str:
    """Run an experiment into a new folder below ``runs``; what is measured is stored at once.

    Args:
        name: of the experiment.
        config: its settings.
        reporter: receives progress and metrics.

    Returns:
        The run's name, as :func:`folders` gives it.
    """
    folder = fresh_folder(RUNS, name)
    run(load_experiment(name), config, reporter=reporter, folder=folder)
    return f"runs-{folder.name}"


def scopes(experiment: Experiment, config: Config) -> list[ClaimState]:
    """What each claim says of some settings, before anything is measured.

    Args:
        experiment: the experiment.
        config: the settings.
    """
    states = []
    for claim in experiment.claims:
        outside = claim.scope(config)
        key, symbol = ("not-claimed", "○") if outside else ("claimed", "·")
        label = "not claimed here" if outside else "claimed for these settings"
        states.append(ClaimState(claim.id, claim.statement, key, symbol, label, outside))
    return states


def _stamp(path: Path) -> int:
    """When a run folder was last written to."""
    return max(file.stat().st_mtime_ns for file in [path, *path.rglob("*.json")])


@lru_cache(maxsize=256)
def _summary(name: str, path: Path, stamp: int) -> RunSummary:
    """Read anew only if the folder has changed."""
    try:
        return _described(name, read_run(path).result)
    except EigenlabError as error:
        return RunSummary(name, status=f"cannot be read: {error}")


def _described(name: str, result: Result) -> RunSummary:
    return RunSummary(
        name,
        result.experiment.name,
        result.experiment.title,
        result.status,
        tuple(_states(result)),
        result.config.model_dump(),
        result.metrics,
    )


def _states(result: Result) -> list[ClaimState]:
    claims = {claim.id: claim for claim in result.experiment.claims}
    states = []
    for item in result.claims:
        found = verdict(claims[item.id], item)
        statement = claims[item.id].statement
        states.append(
            ClaimState(item.id, statement, found.key, found.symbol, found.label, item.reason)
        )
    return states


def _answers(result: Result) -> list[tuple[str, str]]:
    found = []
    for item in result.experiment.answers:
        record = result.record(item.record)
        if record is not None:
            found.append((item.question, item(record)))
    return found


def _panels(result: Result) -> list[DrawnPanel]:
    panels = []
    for figure in result.experiment.figures:
        if result.record(figure.record) is not None:
            drawn = figure_json(result.figure(figure.name))
            drawn["layout"].setdefault("height", HEIGHT)
            caption = figure.caption_for(result.config)
            panels.append(DrawnPanel(figure.name, figure.title, caption, drawn))
    return panels
