"""What an experiment is: stages that measure, and pure functions of what they measured.

``measure(config, context) -> record`` is the only part that computes; a record is plain data and
is stored in the run folder as soon as its stage ends. Claims, figures, tables and metrics are pure
functions of records, so all of them can be had again from the folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eigenlab.errors import InputError, nearest
from eigenlab.files import dump_json, load_json, read_json, write_atomic
from eigenlab.lab.claim import Claim, Record
from eigenlab.lab.config import Config
from eigenlab.reporter import SILENT, Reporter

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from eigenlab.lab.run import Result


@dataclass(frozen=True)
class Context:
    """What a stage gets besides its config.

    Args:
        reporter: progress, streamed metrics and cancellation.
        checkpoints: folder where the stage may keep checkpoints, or None without a run folder.
    """

    reporter: Reporter = SILENT
    checkpoints: Path | None = None

    def checkpoint(self, name: str) -> Path | None:
        """Path for one training's checkpoint (no suffix), or None without a run folder."""
        return None if self.checkpoints is None else self.checkpoints / name

    def part(self, name: str, measure: Callable[[], Record]) -> Record:
        """One part of a long stage's record; a resumed run reads it instead of measuring again.

        Read or measured, with a run folder or without, the result is what JSON keeps of it.
        """
        checkpoint = self.checkpoint(name)
        if checkpoint is None:
            return load_json(dump_json(measure(), indent=None))
        path = checkpoint.with_name(f"{name}.json")
        if not path.exists():
            write_atomic(path, dump_json(measure(), indent=None))
        return read_json(path)


@dataclass(frozen=True)
class Stage:
    """A named measurement. Its record is evidence: numbers, strings, lists and dicts.

    A record that averages over random seeds lists them under ``"seeds"``.
    """

    name: str
    measure: Callable[[Any, Context], Record]


@dataclass(frozen=True)
class Figure:
    """A picture of one record; ``draw`` is pure and labels both axes with units."""

    name: str
    title: str
    caption: str
    record: str
    draw: Callable[[Record], go.Figure]


@dataclass(frozen=True)
class Table:
    """Columns and rows to print, derived from one record."""

    name: str
    title: str
    record: str
    rows: Callable[[Record], tuple[Sequence[str], Sequence[Sequence[Any]]]]


@dataclass(frozen=True)
class Experiment:
    """One question of the course, from settings to verdict.

    Args:
        name: as typed on the command line.
        title: one line for people.
        source: question ids, such as ``("1d", "1e")``.
        summary: a paragraph for the report: what is measured and why it matters.
        config: the :class:`Config` class with presets.
        stages: run in order; each record is stored when its stage ends.
        claims, figures, tables: pure functions of records.
        metrics: ``records -> {name: number}``, the few numbers worth comparing between runs.
    """

    name: str
    title: str
    source: tuple[str, ...]
    summary: str
    config: type[Config]
    stages: tuple[Stage, ...]
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    metrics: Callable[[Mapping[str, Record]], Mapping[str, float]] = field(default=lambda _: {})

    def __post_init__(self) -> None:
        """Refuse dangling references at import, not at the end of an hour's training."""
        known = {stage.name for stage in self.stages}
        readers = [(claim.id, claim.record) for claim in self.claims]
        parts: list[Figure | Table] = [*self.figures, *self.tables]
        readers += [(part.name, part.record) for part in parts]
        for label, record in readers:
            if record not in known:
                raise InputError(
                    f"experiment '{self.name}': '{label}' reads record '{record}', "
                    f"which no stage measures{nearest(record, known)}"
                )

    def run(
        self,
        config: Config | None = None,
        *,
        reporter: Reporter = SILENT,
        folder: Path | None = None,
        resume: bool = False,
    ) -> Result:
        """Measure every stage and judge every claim.

        With ``folder``, everything is stored there as it happens (see :mod:`eigenlab.lab.run`);
        ``resume`` keeps the stages already stored there by a run with the same config.
        """
        from eigenlab.lab.run import execute

        return execute(
            self,
            config or self.config.from_preset("course"),
            reporter=reporter,
            folder=folder,
            resume=resume,
        )

    def claim(self, id: str) -> Claim:
        """Return the claim called ``id`` or raise :class:`~eigenlab.errors.InputError`."""
        for claim in self.claims:
            if claim.id == id:
                return claim
        raise InputError(f"claim '{id}' is not one of '{self.name}'")
