"""Fixtures shared by all tests: an experiment that exists for tests only."""

from __future__ import annotations

import pytest

import eigenlab.experiments
import eigenlab.experiments.questions  # before the fixture hides its folder
from toy_paths import SHOWN, load

#: Experiments for tests: they are loaded as the course's are, and hold no tests.
collect_ignore = ["toys"]


@pytest.fixture
def toy(monkeypatch):
    """The toy experiment, listed as the only one."""
    experiment = load("toy", SHOWN)
    monkeypatch.setattr(eigenlab.experiments, "__path__", [str(SHOWN)])
    return experiment
