"""What holds for every live page, checked on the views of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eigenlab.studio.demos import View
from eigenlab.studio.drawing import figure_json


def check_python_lines(view: View, *, rel: float = 1e-6) -> None:
    """The lines to take away leave the numbers of the page in the variables that it names."""
    found: dict[str, Any] = {}
    exec(view.python, found)
    for name, value in view.numbers.items():
        assert found[name] == pytest.approx(value, rel=rel, abs=1e-12), name


def check_same(first: View, second: View) -> None:
    """Two views of the same settings are the same."""
    assert first.sentence == second.sentence
    assert first.numbers == second.numbers
    for one, other in zip(first.panels, second.panels, strict=True):
        assert _plain(figure_json(one.figure)) == _plain(figure_json(other.figure)), one.name


def check_updates_in_place(first: View, second: View) -> None:
    """Other settings change numbers only: the panels, traces and parts of the layout stay."""
    for one, other in zip(first.panels, second.panels, strict=True):
        a, b = figure_json(one.figure), figure_json(other.figure)
        assert one.name == other.name
        assert [(t["type"], t.get("name")) for t in a["data"]] == [
            (t["type"], t.get("name")) for t in b["data"]
        ]
        assert a["layout"].keys() == b["layout"].keys(), one.name


def trace(view: View, panel: str, name: str) -> Any:
    """A trace of a panel."""
    (figure,) = [item.figure for item in view.panels if item.name == panel]
    (found,) = [item for item in figure.data if item.name == name]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return repr(value)
