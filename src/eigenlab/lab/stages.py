"""Stages measure; figures, tables and metrics are pure functions of what they measured.

Each is a decorated function whose annotations determine the record that it returns or reads. Its
name is that of the function, also in the run folder (``closed_form`` becomes ``closed-form``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from eigenlab.files import dump_json, load_json, read_json, write_atomic
from eigenlab.lab.claims import NotRun
from eigenlab.lab.config import Config
from eigenlab.lab.record import Record
from eigenlab.lab.signatures import argument_record, returned_record
from eigenlab.reporter import SILENT, Reporter

if TYPE_CHECKING:
    import plotly.graph_objects as go

R = TypeVar("R", bound=Record)

#: A caption, or a function of the config for words that depend on the settings.
Caption = str | Callable[[Any], str]


@dataclass(frozen=True)
class Context:
    """Arguments of a stage besides its config.

    Args:
        reporter: receives progress and streamed metrics, and may cancel. Default: silent.
        checkpoints: folder where the stage may keep checkpoints, or None without a run folder.
        records: what earlier stages measured. Default: none.
    """

    reporter: Reporter = SILENT
    checkpoints: Path | None = None
    records: Sequence[Record] = field(default=())

    def record(self, kind: type[R]) -> R:
        """The record of class ``kind`` that an earlier stage measured.

        Raises :class:`NotRun` where none did, for then this stage cannot run either.
        """
        for record in self.records:
            if isinstance(record, kind):
                return record
        raise NotRun(f"the stage that measures the {kind.__name__} it needs has no record")

    def checkpoint(self, name: str) -> Path | None:
        """Path for one training's checkpoint (no suffix), or None without a run folder."""
        return None if self.checkpoints is None else self.checkpoints / name

    def part(self, name: str, kind: type[R], measure: Callable[[], R]) -> R:
        """One part of a long stage; a resumed run reads it instead of measuring again.

        Args:
            name: name of the part's file among the checkpoints.
            kind: class of the part's record.
            measure: called where no earlier run has measured the part.
        """
        checkpoint = self.checkpoint(name)
        if checkpoint is None:
            return stored_form(measure())
        path = checkpoint.with_name(f"{name}.json")
        if not path.exists():
            write_atomic(path, dump_json(measure().plain(), indent=None))
        return kind.read(read_json(path), str(path))


def stored_form(record: R) -> R:
    """``record`` as reading it back from disk would give it."""
    return type(record).model_validate(load_json(dump_json(record.plain(), indent=None)))


@dataclass(frozen=True)
class Stage:
    """A named measurement. Write one with the decorator :func:`stage`.

    Args:
        name: name of its record in the run folder.
        record: class of the record that it measures.
        measure: ``(config, context) -> record``; the only part of an experiment that computes.
    """

    name: str
    record: type[Record]
    measure: Callable[[Any, Context], Record]

    def __call__(self, config: Config, context: Context | None = None) -> Any:
        """Measure, with a silent context by default."""
        return self.measure(config, context or Context())


def stage(measure: Callable[[Any, Context], Record]) -> Stage:
    """Make the decorated function a :class:`Stage`, named as it is.

    >>> class Growth(Record):
    ...     seed: int
    >>> @stage
    ... def growth(config: Config, context: Context) -> Growth:
    ...     return Growth(seed=config.seed)
    >>> growth.name, growth(Config())
    ('growth', Growth(seed=0))
    """
    return Stage(_name(measure), returned_record(measure), measure)


@dataclass(frozen=True)
class Figure:
    """A figure of one record. Write one with the decorator :func:`figure`.

    Args:
        name: name of its file in the run folder.
        title: a few words.
        caption: what the reader sees in it, one to three sentences; a function of the config where
            that depends on the settings.
        record: class of the record it shows.
        draw: record -> plotly figure; labels its axes with units and computes nothing.
    """

    name: str
    title: str
    caption: Caption
    record: type[Record]
    draw: Callable[[Any], go.Figure]

    def __call__(self, record: Record) -> go.Figure:
        """Draw ``record``."""
        return self.draw(record)

    def caption_for(self, config: Config) -> str:
        """The caption under the settings ``config``."""
        return self.caption if isinstance(self.caption, str) else self.caption(config)


def figure(title: str, caption: Caption) -> Callable[[Callable[[Any], go.Figure]], Figure]:
    """Make the decorated function a :class:`Figure`, named as it is.

    Args:
        title: a few words.
        caption: what the reader sees in it; a function of the config where that depends on it.
    """

    def decorate(draw: Callable[[Any], go.Figure]) -> Figure:
        return Figure(_name(draw), title, caption, argument_record(draw), draw)

    return decorate


#: Columns and rows.
Rows = tuple[Sequence[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Table:
    """Columns and rows to print, derived from one record; write one with :func:`table`.

    Args:
        name: in ``result.json``.
        title: a few words.
        record: class of the record it shows.
        rows: record -> (columns, rows).
    """

    name: str
    title: str
    record: type[Record]
    rows: Callable[[Any], Rows]

    def __call__(self, record: Record) -> Rows:
        """Columns and rows of ``record``."""
        return self.rows(record)


def table(title: str) -> Callable[[Callable[[Any], Rows]], Table]:
    """Make the decorated function a :class:`Table`, named as it is."""

    def decorate(rows: Callable[[Any], Rows]) -> Table:
        return Table(_name(rows), title, argument_record(rows), rows)

    return decorate


@dataclass(frozen=True)
class Metrics:
    """The main numbers of one record, to compare runs; see :func:`metrics`.

    Args:
        record: class of the record.
        compute: record -> name -> number.
    """

    record: type[Record]
    compute: Callable[[Any], Mapping[str, float]]

    def __call__(self, record: Record) -> Mapping[str, float]:
        """The numbers of ``record``."""
        return self.compute(record)


def metrics(compute: Callable[[Any], Mapping[str, float]]) -> Metrics:
    """Make the decorated function :class:`Metrics`."""
    return Metrics(argument_record(compute), compute)


def _name(function: Callable[..., Any]) -> str:
    return function.__name__.replace("_", "-")
