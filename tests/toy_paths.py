"""Experiments that exist for tests only: where they lie, and how to load them."""

from __future__ import annotations

import os
from pathlib import Path

import eigenlab.experiments
from eigenlab.experiments import load_experiment
from eigenlab.lab import Experiment

#: Folders that each hold one experiment: ``toy`` and ``trainable``.
SHOWN, TRAINED = (Path(__file__).parent / "toys" / name for name in ("shown", "trained"))


def load(name: str, folder: Path) -> Experiment:
    """The experiment called ``name`` in ``folder``; it is not part of the course."""
    path = eigenlab.experiments.__path__
    path.append(str(folder))
    try:
        return load_experiment(name)
    finally:
        path.remove(str(folder))


# Processes that tests start find them beside the experiments of the course, and this one, which
# such a process may be, does not.
FOLDERS = [str(SHOWN), str(TRAINED)]
os.environ["EIGENLAB_EXPERIMENTS"] = os.pathsep.join(FOLDERS)
eigenlab.experiments.__path__[:] = [
    folder for folder in eigenlab.experiments.__path__ if folder not in FOLDERS
]
