"""Answers to the questions of the course, written from what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from eigenlab.lab.record import Record
from eigenlab.lab.signatures import argument_record

#: A sentence and a formula in LaTeX, one step of a derivation.
Step = tuple[str, str]


@dataclass(frozen=True)
class Answer:
    """What a student should answer, with the numbers of one record.

    Write one with the decorator :func:`answer`, above the function that writes it.

    Args:
        question: id of the question, such as ``"1e"``.
        record: class of the record whose numbers it gives.
        write: record -> two to five sentences; ``$...$`` holds LaTeX.
        figure: name of the figure of the experiment that shows it. Default: ``""``, none.
        derivation: steps where the question asks for a derivation. Default: ``()``.
    """

    question: str
    record: type[Record]
    write: Callable[[Any], str]
    figure: str = ""
    derivation: tuple[Step, ...] = ()

    def __call__(self, record: Record) -> str:
        """The text for ``record``."""
        return self.write(record)


def answer(
    question: str,
    *,
    figure: str = "",
    derivation: Sequence[Step] = (),
) -> Callable[[Callable[[Any], str]], Answer]:
    """Make the decorated function an :class:`Answer`.

    Args:
        question: id of the question.
        figure: name of the figure that shows it. Default: ``""``, none.
        derivation: sentences, each with a formula in LaTeX. Default: ``()``.

    >>> class Growth(Record):
    ...     rate: float
    >>> @answer("1e")
    ... def growth(record: Growth) -> str:
    ...     return f"The gradient changes by {record.rate:+.2f} nats per step."
    >>> growth(Growth(rate=-0.1))
    'The gradient changes by -0.10 nats per step.'
    """

    def decorate(write: Callable[[Any], str]) -> Answer:
        return Answer(question, argument_record(write), write, figure, tuple(derivation))

    return decorate
