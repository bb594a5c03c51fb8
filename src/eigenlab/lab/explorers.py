"""Figures over a grid of settings that was measured: a page shows them with a slider for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from eigenlab.lab.config import Config
from eigenlab.lab.record import Record
from eigenlab.lab.signatures import argument_record

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Control:
    """One setting that varies over a grid.

    Args:
        setting: field of the experiment's config; where that is a tuple, one value of it.
        values: field of the record that lists the values measured.
        label: what it is, in a few words, for the reader.
    """

    setting: str
    values: str
    label: str


@dataclass(frozen=True)
class Explorer:
    """Figures of one record for each point of a grid. Write one with :func:`explorer`.

    Args:
        name: name of the function that draws.
        title: a few words.
        caption: what to try and what is then seen, one to three sentences.
        question: id of the question that it explains.
        controls: settings that vary; the points of the grid are the product of their values, of
            which the last one varies fastest.
        record: class of the record that holds all points.
        draw: (record, index of the point) -> figures, shown side by side.
    """

    name: str
    title: str
    caption: str
    question: str
    controls: tuple[Control, ...]
    record: type[Record]
    draw: Callable[[Any, int], Sequence[go.Figure]]

    def values(self, record: Record) -> list[tuple[Any, ...]]:
        """The values of each control.

        Args:
            record: the grid that was measured.
        """
        return [tuple(getattr(record, control.values)) for control in self.controls]

    def points(self, record: Record) -> list[dict[str, Any]]:
        """Setting -> value at each point of the grid, in the order of ``draw``.

        Args:
            record: the grid that was measured.
        """
        names = [control.setting for control in self.controls]
        return [dict(zip(names, point, strict=True)) for point in product(*self.values(record))]

    def start(self, record: Record, config: Config) -> int:
        """Index of the point that is nearest to the run's own settings.

        Args:
            record: the grid that was measured.
            config: the run's settings.
        """

        def distance(point: dict[str, Any]) -> float:
            return sum(_distance(getattr(config, name), value) for name, value in point.items())

        distances = [distance(point) for point in self.points(record)]
        return distances.index(min(distances))

    def config(self, config: Config, point: dict[str, Any]) -> Config:
        """The run's settings with those of ``point``.

        Args:
            config: the run's settings.
            point: setting -> value, as :meth:`points` has it.
        """
        changes = {
            name: (value,) if isinstance(getattr(config, name), tuple) else value
            for name, value in point.items()
        }
        return config.model_copy(update=changes)


def _distance(own: Any, value: Any) -> float:
    """How far a value is from the run's own: 0 if equal, less than 1 among positive numbers."""
    own = own[(len(own) - 1) // 2] if isinstance(own, tuple) else own
    if own == value:
        return 0.0
    if isinstance(own, int | float) and isinstance(value, int | float) and min(own, value) > 0:
        return 1 - math.exp(-abs(math.log(own / value)))
    return 1.0


def explorer(
    title: str, caption: str, *, question: str, controls: Sequence[Control]
) -> Callable[[Callable[[Any, int], Sequence[go.Figure]]], Explorer]:
    """Make the decorated function an :class:`Explorer`.

    Args:
        title: a few words.
        caption: what to try and what is then seen.
        question: id of the question that it explains.
        controls: settings that vary.

    >>> class Powers(Record):
    ...     bases: tuple[float, ...]
    >>> @explorer("Powers", "Move it.", question="1e", controls=[Control("seed", "bases", "base")])
    ... def powers(record: Powers, place: int): ...
    >>> powers.points(Powers(bases=(1.0, 2.0))), powers.start(Powers(bases=(3.0, 0.0)), Config())
    ([{'seed': 1.0}, {'seed': 2.0}], 1)
    """

    def decorate(draw: Callable[[Any, int], Sequence[go.Figure]]) -> Explorer:
        name = draw.__name__.replace("_", "-")
        return Explorer(
            name, title, caption, question, tuple(controls), argument_record(draw), draw
        )

    return decorate
