"""Statements of the course in a form that a measurement can refute.

A :class:`Claim` holds the statement, its source and a ``judge``: a pure function from a stored
record to a list of :class:`Check`. Because the judge sees only the record, ``eigenlab verify``
can repeat the judgement later from the run folder, without training anything.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eigenlab.errors import EigenlabError
from eigenlab.lab.config import Config
from eigenlab.lab.record import Record
from eigenlab.lab.scope import Scope, everywhere
from eigenlab.lab.signatures import argument_record

Relation = Literal["<=", ">=", "<", ">", "within"]
Origin = Literal["course", "notebook", "ours"]
"""Who makes a statement: the text of the course, its notebooks (a printed or expected number), or
this project."""


class NotRun(EigenlabError):
    """The stage cannot or should not run here, or the record cannot decide the claim either way.

    Raised by stages and by judges; the message says why.
    """


class Outcome(enum.StrEnum):
    """Outcome of a claim."""

    HELD = "held"
    FAILED = "failed"
    NOT_CLAIMED = "not claimed here"
    NOT_RUN = "not run"
    ERROR = "error"


@dataclass(frozen=True)
class Check:
    """One comparison of a measured number with an expected one. NaN never holds.

    Args:
        label: the quantity, in words.
        measured: its measured value.
        relation: relation of ``measured`` to ``expected``.
        expected: expected value, from theory or the published text.
        tolerance: absolute tolerance, for the relation ``within``. Default: ``0.0``.
        unit: unit of both numbers. Default: none.

    >>> Check("loss", 3.00670, "within", 3.0067, tolerance=1e-4).holds
    True
    >>> Check("loss", float("nan"), "<=", 1.0).holds
    False
    """

    label: str
    measured: float
    relation: Relation
    expected: float
    tolerance: float = 0.0
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the measured number satisfies the relation."""
        measured, expected = float(self.measured), float(self.expected)
        if math.isnan(measured) or math.isnan(expected):
            return False
        return {
            "<=": measured <= expected,
            ">=": measured >= expected,
            "<": measured < expected,
            ">": measured > expected,
            "within": measured == expected or abs(measured - expected) <= self.tolerance,
        }[self.relation]


def at_most(label: str, measured: float, bound: float, *, unit: str = "") -> Check:
    """Check that ``measured <= bound``.

    Args:
        label: the quantity, in words.
        measured: its measured value.
        bound: expected bound, from theory or the published text.
        unit: unit of both numbers. Default: ``""``.
    """
    return Check(label, float(measured), "<=", float(bound), unit=unit)


def at_least(label: str, measured: float, bound: float, *, unit: str = "") -> Check:
    """Check that ``measured >= bound``.

    Args:
        label: the quantity, in words.
        measured: its measured value.
        bound: expected bound, from theory or the published text.
        unit: unit of both numbers. Default: ``""``.
    """
    return Check(label, float(measured), ">=", float(bound), unit=unit)


def below(label: str, measured: float, bound: float, *, unit: str = "") -> Check:
    """Check that ``measured < bound``.

    Args:
        label: the quantity, in words.
        measured: its measured value.
        bound: expected bound, from theory or the published text.
        unit: unit of both numbers. Default: ``""``.
    """
    return Check(label, float(measured), "<", float(bound), unit=unit)


def above(label: str, measured: float, bound: float, *, unit: str = "") -> Check:
    """Check that ``measured > bound``.

    Args:
        label: the quantity, in words.
        measured: its measured value.
        bound: expected bound, from theory or the published text.
        unit: unit of both numbers. Default: ``""``.
    """
    return Check(label, float(measured), ">", float(bound), unit=unit)


def close(
    label: str, measured: float, expected: float, *, tolerance: float, unit: str = ""
) -> Check:
    """Check that ``|measured - expected| <= tolerance``.

    Args:
        label: the quantity, in words.
        measured: its measured value.
        expected: expected value, from theory or the published text.
        tolerance: absolute tolerance.
        unit: unit of the numbers. Default: ``""``.
    """
    return Check(label, float(measured), "within", float(expected), float(tolerance), unit)


Judge = Callable[[Any], Sequence[Check]]


@dataclass(frozen=True)
class Claim:
    """A statement, its source, and the function that decides it from a record.

    Write one with the decorator :func:`claim`, above the function that judges it.

    Args:
        id: ``<question>.<short-name>``, for example ``1e.growth-rate``.
        statement: the claim in one sentence a student can read.
        source: question id, equation or paper that makes the statement.
        record: class of the record that is the evidence.
        judge: record -> checks; all must hold. Expected values come from theory or the published
            text, never from an earlier run of this code.
        documented: the outcome that the documentation lists. A finding against the course's text
            is documented as ``failed``; only a departure from this makes the exit code non-zero.
        explanation: why it holds, or, for a documented failure, what is true instead.
        scope: settings to which it applies; for others its outcome is ``not claimed here``.
        origin: who makes the statement. A documented failure is never our own: a finding is a
            statement of the course that measurement refutes.
        refutes: wrong implementations with which the claim fails, a few words each. The tests
            patch the library with every one of them, measure again, and judge.
        counterexamples: changes to a measured record (see :meth:`Record.replaced`), each of which
            changes the outcome: a claim fails, a documented failure holds. The tests try them all.
    """

    id: str
    statement: str
    source: str
    record: type[Record]
    judge: Judge
    documented: Outcome = Outcome.HELD
    explanation: str = ""
    scope: Scope = everywhere
    origin: Origin = "course"
    refutes: tuple[str, ...] = ()
    counterexamples: tuple[Mapping[str, Any], ...] = ()

    @property
    def question(self) -> str:
        """The course question, the part of the id before the dot."""
        return self.id.partition(".")[0]

    def __call__(self, record: Record) -> Sequence[Check]:
        """The checks of ``record``, as the judge makes them."""
        return self.judge(record)

    def evaluate(self, record: Record, config: Config | None = None) -> ClaimResult:
        """Judge ``record``, measured with ``config``; None judges whatever the settings were.

        A judge that raises or returns no check gives ``error``; one that raises :class:`NotRun`
        gives ``not run``; settings outside the scope give ``not claimed here``.
        """
        seeds = len(getattr(record, "seeds", (0,)))
        if config is not None and (reason := self.scope(config)):
            return ClaimResult(self.id, Outcome.NOT_CLAIMED, reason=reason, seeds=seeds)
        try:
            checks = tuple(self.judge(record))
        except NotRun as why:
            return ClaimResult(self.id, Outcome.NOT_RUN, reason=str(why), seeds=seeds)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            return ClaimResult(self.id, Outcome.ERROR, reason=reason, seeds=seeds)
        if not checks:
            return ClaimResult(self.id, Outcome.ERROR, reason="no check was made", seeds=seeds)
        outcome = Outcome.HELD if all(check.holds for check in checks) else Outcome.FAILED
        return ClaimResult(self.id, outcome, checks, seeds=seeds)

    def departs(self, outcome: Outcome) -> bool:
        """Whether ``outcome`` is an error or contradicts the documented one."""
        return outcome not in (Outcome.NOT_RUN, Outcome.NOT_CLAIMED, self.documented)


def claim(
    id: str,
    statement: str,
    *,
    source: str,
    explanation: str = "",
    documented: Outcome = Outcome.HELD,
    scope: Scope = everywhere,
    origin: Origin = "course",
    refutes: Sequence[str] = (),
    counterexamples: Sequence[Mapping[str, Any]] = (),
) -> Callable[[Judge], Claim]:
    """Make the decorated judge a :class:`Claim`.

    The annotation of the judge's argument determines the record that it reads.

    Args:
        id: ``<question>.<short-name>``.
        statement: the claim in one sentence a student can read.
        source: question id, equation or paper that makes the statement.
        explanation: why it holds, or, for a documented failure, what is true instead.
            Default: ``""``.
        documented: the outcome that the documentation lists. Default: held.
        scope: settings to which it applies. Default: all.
        origin: who makes the statement. Default: ``"course"``.
        refutes: wrong implementations with which the claim fails. Default: ``()``.
        counterexamples: changes to a measured record, each of which changes the outcome.
            Default: ``()``.

    >>> class Growth(Record):
    ...     rate: float
    >>> @claim("1e.shrinks", "The gradient shrinks.", source="question 1e")
    ... def shrinks(record: Growth):
    ...     return [below("growth rate", record.rate, 0.0, unit="nats per step")]
    >>> shrinks.evaluate(Growth(rate=-0.1)).outcome
    <Outcome.HELD: 'held'>
    """

    def decorate(judge: Judge) -> Claim:
        return Claim(
            id=id,
            statement=statement,
            source=source,
            record=argument_record(judge),
            judge=judge,
            documented=documented,
            explanation=explanation,
            scope=scope,
            origin=origin,
            refutes=tuple(refutes),
            counterexamples=tuple(counterexamples),
        )

    return decorate


@dataclass(frozen=True)
class ClaimResult:
    """The outcome of one claim with the numbers behind it.

    Args:
        id: id of the claim.
        outcome: its outcome.
        checks: the comparisons that were made. Default: none.
        seeds: how many random seeds the record covers. Default: ``1``.
        seconds: how long the record's stage took to measure. Default: ``0.0``.
        reason: why there are no checks. Default: empty.
    """

    id: str
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    seeds: int = 1
    seconds: float = 0.0
    reason: str = ""
