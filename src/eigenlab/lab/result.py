"""Results of a run: records of the stages and outcomes of the claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from eigenlab.errors import InputError
from eigenlab.lab.claims import ClaimResult, Outcome
from eigenlab.lab.config import Config
from eigenlab.lab.experiment import Experiment
from eigenlab.lab.record import Record

if TYPE_CHECKING:
    import plotly.graph_objects as go

FORMAT = 2


@dataclass(frozen=True)
class StageOutcome:
    """Outcome of one stage: a record, or the reason why there is none.

    Args:
        record: what it measured. Default: None.
        seconds: how long it took. Default: ``0.0``.
        reason: why there is no record. Default: empty.
        failed: whether it raised an error. Default: ``False``.
    """

    record: Record | None = None
    seconds: float = 0.0
    reason: str = ""
    failed: bool = False


@dataclass(frozen=True)
class Result:
    """Result of a run: records of the stages and outcomes of the claims.

    Args:
        experiment: what was run.
        config: its settings.
        stages: stage name -> outcome of the stage.
        claims: one result per claim, in the experiment's order.
        status: ``running``, ``interrupted`` or ``finished``.
    """

    experiment: Experiment
    config: Config
    stages: Mapping[str, StageOutcome]
    claims: tuple[ClaimResult, ...]
    status: str

    @property
    def records(self) -> dict[str, Record]:
        """Stage name -> record, for every stage that has one."""
        return {
            name: stage.record for name, stage in self.stages.items() if stage.record is not None
        }

    def record(self, kind: type[Record]) -> Record | None:
        """The record of class ``kind``, or None where its stage has none."""
        return next((r for r in self.records.values() if isinstance(r, kind)), None)

    @property
    def metrics(self) -> dict[str, float]:
        """The main numbers of the experiment, of the stages that have a record."""
        found: dict[str, float] = {}
        for item in self.experiment.metrics:
            record = self.record(item.record)
            found |= item.compute(record) if record is not None else {}
        return found

    def figure(self, name: str) -> go.Figure:
        """Draw the figure called ``name`` from its stored record."""
        known = [f for f in self.experiment.figures if self.record(f.record) is not None]
        for figure in known:
            if figure.name == name:
                return figure.draw(self.record(figure.record))
        names = ", ".join(figure.name for figure in known)
        raise InputError(f"figure '{name}' is not in this result; it has {names}")

    @property
    def as_documented(self) -> bool:
        """Whether no claim departs from the outcome its documentation lists.

        A claim that was not run, or that does not apply to the settings, is no departure; an
        error always is.
        """
        return not self.departures

    @property
    def departures(self) -> list[ClaimResult]:
        """The claims whose outcome is an error or differs from the documented one."""
        return [r for r in self.claims if self.experiment.claim(r.id).departs(r.outcome)]


def judge(
    experiment: Experiment, config: Config, stages: Mapping[str, StageOutcome], status: str
) -> Result:
    """Judge every claim of ``experiment`` from the records that there are."""
    by_record = {stage.record: stages.get(stage.name) for stage in experiment.stages}
    results = []
    for claim in experiment.claims:
        outcome = by_record[claim.record] or StageOutcome(reason="its stage has not run")
        if outcome.record is not None:
            judged = claim.evaluate(outcome.record, config)
            results.append(replace(judged, seconds=outcome.seconds))
        elif outcome.failed and (outside := claim.scope(config)):
            # Settings that no claim covers may well break a stage, as a training that diverges.
            reason = f"{outside}; {outcome.reason}"
            results.append(ClaimResult(claim.id, Outcome.NOT_CLAIMED, reason=reason))
        else:
            verdict = Outcome.ERROR if outcome.failed else Outcome.NOT_RUN
            results.append(ClaimResult(claim.id, verdict, reason=outcome.reason))
    return Result(experiment, config, dict(stages), tuple(results), status)


def summary(result: Result) -> dict[str, Any]:
    """The content of ``result.json``: status, metrics, claims with checks, tables."""
    tables = {}
    for table in result.experiment.tables:
        record = result.record(table.record)
        if record is not None:
            tables[table.name] = dict(zip(("columns", "rows"), table.rows(record), strict=True))
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
        "tables": tables,
    }
