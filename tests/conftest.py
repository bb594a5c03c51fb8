"""Fixtures shared by all tests: an experiment that exists for tests only."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import eigenlab.experiments
import eigenlab.experiments.questions  # before the fixture hides its folder
from toy_paths import SHOWN, load

#: Experiments for tests: they are loaded as the course's are, and hold no tests.
collect_ignore = ["toys"]


@pytest.fixture(autouse=True)
def seeded():
    """Estimators without ``random_state`` draw from global generators: the same for each test."""
    np.random.seed(0)  # noqa: NPY002 (scikit-learn's global generator)
    torch.manual_seed(0)


@pytest.fixture
def toy(monkeypatch):
    """The toy experiment, listed as the only one."""
    experiment = load("toy", SHOWN)
    monkeypatch.setattr(eigenlab.experiments, "__path__", [str(SHOWN)])
    return experiment
