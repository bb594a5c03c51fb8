"""The smoke run of each experiment, measured once for all tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest
from filelock import FileLock

from eigenlab.experiments import load_experiment
from eigenlab.files import dump_json, read_json, write_atomic
from eigenlab.lab import Result, load_result, run


class Smoke(NamedTuple):
    """A run of the preset ``smoke``.

    Args:
        result: read from the folder, with the claims judged again.
        folder: the run folder.
        returned: what the run itself returned: records and claims as text, and metrics.
    """

    result: Result
    folder: Path
    returned: dict


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """name -> its smoke run, made by the first test that asks, in whatever process it runs."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # which the workers have in common
    shared = shared / "smoke"
    (shared / "returned").mkdir(parents=True, exist_ok=True)
    known = {}

    def smoke_run(name):
        if name not in known:
            experiment, folder = load_experiment(name), shared / "runs" / name
            returned = shared / "returned" / f"{name}.json"
            with FileLock(f"{returned}.lock"):
                if not returned.exists():
                    result = run(experiment, experiment.config.from_preset("smoke"), folder=folder)
                    write_atomic(returned, dump_json(as_returned(result)))
            known[name] = Smoke(load_result(folder, experiment), folder, read_json(returned))
        return known[name]

    return smoke_run


def as_returned(result):
    """Records and claims as text, in which NaN is equal to NaN, and metrics."""
    return {
        "records": str(result.records),
        "claims": repr(result.claims),
        "metrics": result.metrics,
    }
