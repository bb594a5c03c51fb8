"""The frames of a figure with sliders, as compact as a page with a hundred of them needs.

Frames of one grid differ in little: traces and layouts that occur more than once are stored once,
and numbers are rounded to five significant digits, which no picture shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from eigenlab.lab import Explorer, Record
from eigenlab.plots import HEIGHT

DIGITS = 5


@dataclass(frozen=True)
class Frames:
    """What a page needs to show every point of a grid.

    Args:
        heights: height of each panel, in pixels.
        content: ``traces`` and ``layouts``, each stored once, and ``frames``: for each point and
            panel the index of its layout, then those of its traces.
    """

    heights: list[int]
    content: dict[str, Any]


def frames(explorer: Explorer, record: Record) -> Frames:
    """Draw every point of the grid in ``record``.

    Args:
        explorer: what draws them.
        record: the grid that was measured.
    """
    count = len(explorer.points(record))
    return pack(
        [json.loads(figure.to_json()) for figure in explorer.draw(record, place)]
        for place in range(count)
    )


def pack(points: Iterable[Sequence[dict[str, Any]]]) -> Frames:
    """The figures of every point of a grid, each part that they share stored once.

    Args:
        points: for each point the figures side by side, ``data`` and ``layout`` as JSON.
    """
    traces, layouts = _Once(), _Once()
    drawn: list[list[list[int]]] = []
    heights: list[int] = []
    for panels in points:
        for panel in panels:
            panel["layout"].pop("template", None)
        heights = heights or [panel["layout"].get("height") or HEIGHT for panel in panels]
        drawn.append([[layouts.place(p["layout"]), *map(traces.place, p["data"])] for p in panels])
    content = {"traces": traces.kept, "layouts": layouts.kept, "frames": drawn}
    return Frames(heights, content)


class _Once:
    """Rounded values, each kept once and known by its index."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self._places: dict[str, int] = {}

    def place(self, value: Any) -> int:
        rounded = _rounded(value)
        key = json.dumps(rounded, sort_keys=True)
        if key not in self._places:
            self._places[key] = len(self.kept)
            self.kept.append(rounded)
        return self._places[key]


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    return value
