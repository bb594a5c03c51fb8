"""Fixtures shared by the rooms: a toy experiment beside the real ones."""

from __future__ import annotations

import sys

import pytest

import toy as toy_module
from eigenlab.experiments import TABLE, Row


@pytest.fixture
def toy(monkeypatch):
    """The toy experiment, listed as the only one."""
    monkeypatch.setitem(sys.modules, "eigenlab.experiments.toy", toy_module)
    rows = dict(TABLE)
    TABLE.clear()
    TABLE["toy"] = Row("toy", "A toy", ("9a", "9b"))
    yield toy_module.EXPERIMENT
    TABLE.clear()
    TABLE.update(rows)
