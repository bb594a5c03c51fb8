"""A statement of the course as something a computer can refute.

A :class:`Claim` holds the words, their source and a ``judge``: a pure function from a stored
record to a list of :class:`Check`. Because the judge sees only the record, ``eigenlab verify``
can repeat the judgement later from the run folder, without training anything.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from eigenlab.errors import EigenlabError

Record = Mapping[str, Any]
Relation = Literal["<=", ">=", "<", ">", "within"]
Tier = Literal["quick", "course", "full"]


class NotRun(EigenlabError):
    """Raised by a stage that cannot or should not run here, or by a judge whose record cannot
    decide the claim either way; the message says why."""


class Outcome(enum.StrEnum):
    """What became of a claim."""

    HELD = "held"
    FAILED = "failed"
    NOT_RUN = "not run"
    ERROR = "error"


@dataclass(frozen=True)
class Check:
    """One comparison of a measured number with an expected one. NaN never holds.

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
    """``measured <= bound``."""
    return Check(label, float(measured), "<=", float(bound), unit=unit)


def at_least(label: str, measured: float, bound: float, *, unit: str = "") -> Check:
    """``measured >= bound``."""
    return Check(label, float(measured), ">=", float(bound), unit=unit)


def below(label: str, measured: float, bound: float, *, unit: str = "") -> Check:
    """``measured < bound``."""
    return Check(label, float(measured), "<", float(bound), unit=unit)


def above(label: str, measured: float, bound: float, *, unit: str = "") -> Check:
    """``measured > bound``."""
    return Check(label, float(measured), ">", float(bound), unit=unit)


def close(
    label: str, measured: float, expected: float, *, tolerance: float, unit: str = ""
) -> Check:
    """``|measured - expected| <= tolerance`` (absolute)."""
    return Check(label, float(measured), "within", float(expected), float(tolerance), unit)


@dataclass(frozen=True)
class Claim:
    """A statement, where it comes from, and how a record decides it.

    Args:
        id: ``<question>.<short-name>``, for example ``1e.growth-rate``.
        statement: the claim in one sentence a student can read.
        source: question id, equation or paper that makes the statement.
        record: name of the stage whose record is the evidence.
        judge: record -> checks; all must hold. Expected values come from theory or the published
            text, never from an earlier run of this code.
        tier: what it costs: ``quick`` seconds, ``course`` minutes, ``full`` real data or long.
        documented: the outcome that the documentation lists. A finding against the course's text
            is documented as ``failed``; only a departure from this makes the exit code non-zero.
        explanation: why it holds, or, for a documented failure, what is true instead.
    """

    id: str
    statement: str
    source: str
    record: str
    judge: Callable[[Record], Sequence[Check]]
    tier: Tier = "quick"
    documented: Outcome = Outcome.HELD
    explanation: str = ""

    @property
    def question(self) -> str:
        """The course question, the part of the id before the dot."""
        return self.id.partition(".")[0]

    def evaluate(self, record: Record, *, seconds: float = 0.0) -> ClaimResult:
        """Judge ``record``. A judge that raises or returns no check gives ``error``; one that
        raises :class:`NotRun`, ``not run``."""
        seeds = len(record["seeds"]) if "seeds" in record else 1
        try:
            checks = tuple(self.judge(record))
        except NotRun as why:
            return ClaimResult(self.id, Outcome.NOT_RUN, reason=str(why), seeds=seeds)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            return ClaimResult(self.id, Outcome.ERROR, reason=reason, seeds=seeds)
        if not checks:
            return ClaimResult(self.id, Outcome.ERROR, reason="no check was made", seeds=seeds)
        outcome = Outcome.HELD if all(check.holds for check in checks) else Outcome.FAILED
        return ClaimResult(self.id, outcome, checks, seeds=seeds, seconds=seconds)


@dataclass(frozen=True)
class ClaimResult:
    """The outcome of one claim with the numbers behind it."""

    id: str
    outcome: Outcome
    checks: tuple[Check, ...] = ()
    seeds: int = 1
    seconds: float = 0.0
    reason: str = field(default="")
