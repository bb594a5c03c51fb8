"""Experiments: stages that measure, and pure functions of what they measured.

An experiment of the course is a package of these modules:

==============  ==================================================================
``__init__``    ``TITLE``, ``QUESTIONS``, ``SUMMARY``, ``MINUTES``: no imports
``config``      one :class:`Config` class: the settings
``records``     a :class:`Record` class for each stage: what it measured
``measure``     the stages, in the order in which they run
``claims``      the claims, each above the function that judges it
``figures``     figures, tables, metrics and figures with sliders
``answers``     answers to its questions, written from the records (optional)
==============  ==================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

from eigenlab.errors import InputError
from eigenlab.lab.answers import Answer
from eigenlab.lab.claims import Claim
from eigenlab.lab.config import Config
from eigenlab.lab.explorers import Explorer
from eigenlab.lab.record import Record
from eigenlab.lab.stages import Figure, Metrics, Stage, Table

T = TypeVar("T")


@dataclass(frozen=True)
class Experiment:
    """Questions of the course, from settings to verdict.

    Args:
        name: as typed on the command line.
        title: one line.
        questions: ids of the questions that it answers, such as ``("1d", "1e")``.
        summary: a paragraph for the report: what is measured and why it matters.
        config: the :class:`Config` class with presets.
        stages: stages, run in order; each record is stored when its stage ends.
        claims: claims that the records decide.
        figures: figures of records. Default: none.
        tables: tables of records. Default: none.
        metrics: the main numbers, to compare runs. Default: none.
        answers: answers to its questions. Default: none.
        explorers: figures with sliders. Default: none.
        minutes: preset -> measured duration, in minutes. Default: not known.

    Raises:
        InputError: a claim, figure, table or metric reads a record that no stage measures.
    """

    name: str
    title: str
    questions: tuple[str, ...]
    summary: str
    config: type[Config]
    stages: tuple[Stage, ...]
    claims: tuple[Claim, ...]
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    metrics: tuple[Metrics, ...] = ()
    answers: tuple[Answer, ...] = ()
    explorers: tuple[Explorer, ...] = ()
    minutes: Mapping[str, float] = field(default_factory=dict)
    package: str = field(default="", init=False)  # so that `replace` forgets it

    def __reduce__(self) -> Any:
        """Pickle the name of the package: its functions are known there by their decorators."""
        return (Experiment.from_package, (self.package,)) if self.package else super().__reduce__()

    def __post_init__(self) -> None:
        """Refuse references to missing records at import instead of after the measurement."""
        kinds = [stage.record for stage in self.stages]
        if len(set(kinds)) < len(kinds):
            raise InputError(f"experiment '{self.name}': two stages measure records of one class")
        readers: list[tuple[str, type[Record]]] = [(c.id, c.record) for c in self.claims]
        readers += [(figure.name, figure.record) for figure in self.figures]
        readers += [(table.name, table.record) for table in self.tables]
        readers += [("metrics", item.record) for item in self.metrics]
        readers += [(f"answer {item.question}", item.record) for item in self.answers]
        readers += [(item.name, item.record) for item in self.explorers]
        for label, record in readers:
            if record not in kinds:
                raise InputError(
                    f"experiment '{self.name}': '{label}' reads a {record.__name__}, "
                    "which no stage measures"
                )
        shown = {"", *(figure.name for figure in self.figures)}
        for item in self.answers:
            if item.question not in self.questions or item.figure not in shown:
                raise InputError(
                    f"experiment '{self.name}': the answer to '{item.question}' with the figure "
                    f"'{item.figure}' names a question or a figure that it does not have"
                )

        for explored in self.explorers:
            unknown = [
                control.setting
                for control in explored.controls
                if control.setting not in self.config.model_fields
            ]
            if unknown or explored.question not in self.questions:
                raise InputError(
                    f"experiment '{self.name}': the figure with sliders '{explored.name}' names a "
                    f"question or settings that it does not have: {explored.question}, {unknown}"
                )

    @classmethod
    def from_package(cls, package: str) -> Experiment:
        """Assemble the experiment that a package of modules describes (see the module)."""
        outline = import_module(package)
        parts = {
            name: import_module(f"{package}.{name}")
            for name in ("config", "measure", "claims", "figures")
        }
        (config,) = (
            thing
            for thing in vars(parts["config"]).values()
            if isinstance(thing, type) and issubclass(thing, Config) and thing is not Config
        )
        experiment = cls(
            name=package.rpartition(".")[2].replace("_", "-"),
            title=outline.TITLE,
            questions=outline.QUESTIONS,
            summary=outline.SUMMARY,
            config=config,
            stages=_all(parts["measure"], Stage),
            claims=_all(parts["claims"], Claim),
            figures=_all(parts["figures"], Figure),
            tables=_all(parts["figures"], Table),
            metrics=_all(parts["figures"], Metrics),
            answers=_answers(package),
            explorers=_all(parts["figures"], Explorer),
            minutes=getattr(outline, "MINUTES", {}),
        )
        object.__setattr__(experiment, "package", package)
        return experiment

    def claim(self, id: str) -> Claim:
        """Return the claim called ``id`` or raise :class:`~eigenlab.errors.InputError`."""
        for claim in self.claims:
            if claim.id == id:
                return claim
        raise InputError(f"claim '{id}' is not one of '{self.name}'")


def _answers(package: str) -> tuple[Answer, ...]:
    """The answers of an experiment; one of your own needs none."""
    name = f"{package}.answers"
    return _all(import_module(name), Answer) if find_spec(name) else ()


def _all(module: Any, kind: type[T]) -> tuple[T, ...]:
    """The objects of class ``kind`` in ``module``, in the order of their definition."""
    return tuple(thing for thing in vars(module).values() if isinstance(thing, kind))
