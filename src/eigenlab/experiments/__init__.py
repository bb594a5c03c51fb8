"""The experiments of the course, one package each; packages are discovered.

To add one, write a package beside the others (see :mod:`eigenlab.lab.experiment` for its modules).
Its ``__init__`` holds what ``eigenlab list`` prints and imports nothing, so that listing is fast.
Packages in the folders that ``EIGENLAB_EXPERIMENTS`` names are found as well.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from eigenlab.errors import InputError, nearest

if TYPE_CHECKING:
    from eigenlab.lab import Experiment

__path__ += [p for p in os.environ.get("EIGENLAB_EXPERIMENTS", "").split(os.pathsep) if p]


class Outline(NamedTuple):
    """Description of an experiment that is available without importing its modules.

    Args:
        package: full name of its package.
        title: one line.
        questions: ids of the questions that it answers.
        minutes: preset -> measured duration, in minutes.
    """

    package: str
    title: str
    questions: tuple[str, ...]
    minutes: Mapping[str, float]


def outlines() -> dict[str, Outline]:
    """Name -> outline of every experiment, in the order of the course.

    >>> list(outlines())[:2]
    ['rnn-layer', 'gradient-flow']
    """
    found = {}
    for folder in __path__:
        if not os.path.isdir(folder):
            raise InputError(f"EIGENLAB_EXPERIMENTS names {folder}, which is not a folder")
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            package = f"{__name__}.{module.name}"
            name = module.name.replace("_", "-")
            found[name] = _outline(package)
    return dict(sorted(found.items(), key=lambda item: item[1].questions))


def _outline(package: str) -> Outline:
    try:
        head = import_module(package)
        return Outline(package, head.TITLE, head.QUESTIONS, getattr(head, "MINUTES", {}))
    except (AttributeError, ImportError, SyntaxError) as error:
        place = package.rpartition(".")[2]
        raise InputError(
            f"the experiment in folder {place} cannot be read: {type(error).__name__}: {error}; "
            "correct its __init__.py, or take its folder out of EIGENLAB_EXPERIMENTS"
        ) from error


def load_experiment(name: str) -> Experiment:
    """Import and return the experiment called ``name``.

    Raises :class:`~eigenlab.errors.InputError` naming the nearest known experiment.
    """
    from eigenlab.lab import Experiment

    known = outlines()
    if name not in known:
        raise InputError(
            f"experiment '{name}' is unknown{nearest(name, known)}; "
            f"`eigenlab list` shows all: {', '.join(known)}"
        )
    return Experiment.from_package(known[name].package)


__all__ = ["Outline", "load_experiment", "outlines"]
