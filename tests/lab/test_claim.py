import math

import pytest

from eigenlab.lab import (
    Check,
    Claim,
    Config,
    Integers,
    NotRun,
    Outcome,
    Record,
    above,
    applies_to,
    at_least,
    at_most,
    below,
    claim,
    close,
)


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (at_most("x", 1.0, 1.0), True),
        (at_most("x", 1.1, 1.0), False),
        (at_least("x", 1.0, 1.0), True),
        (at_least("x", 0.9, 1.0), False),
        (below("x", 1.0, 1.0), False),
        (below("x", 0.9, 1.0), True),
        (above("x", 1.0, 1.0), False),
        (above("x", 1.1, 1.0), True),
        (close("x", 1.5, 1.0, tolerance=0.5), True),
        (close("x", 0.5, 1.0, tolerance=0.5), True),
        (close("x", 1.6, 1.0, tolerance=0.5), False),
        (close("x", math.inf, math.inf, tolerance=0.0), True),
        (close("x", -math.inf, math.inf, tolerance=1.0), False),
    ],
)
def test_relations_at_their_borders(check, holds):
    assert check.holds is holds


@pytest.mark.parametrize("relation", ["<=", ">=", "<", ">", "within"])
def test_nan_never_holds(relation):
    assert not Check("x", math.nan, relation, 1.0, math.inf).holds
    assert not Check("x", 1.0, relation, math.nan, math.inf).holds


class XRecord(Record):
    x: float = 0.0
    y: float | None = None


class SeedsRecord(Record):
    seeds: Integers = ()


def a_claim(judge, **options):
    return Claim("1a.x", "A statement.", "1a", XRecord, judge, **options)


def test_all_checks_must_hold():
    held = a_claim(lambda record: [at_most("x", record.x, 1), at_least("x", record.x, 0)])
    assert held.evaluate(XRecord(x=0.5)).outcome == Outcome.HELD
    assert held.evaluate(XRecord(x=2.0)).outcome == Outcome.FAILED
    assert held.evaluate(XRecord(x=-1.0)).outcome == Outcome.FAILED


def test_a_judge_that_breaks_or_makes_no_check_is_an_error_not_a_verdict():
    broken = a_claim(lambda record: [at_most("x", record.z, 1)]).evaluate(XRecord())
    assert (broken.outcome, broken.reason.partition(":")[0]) == (Outcome.ERROR, "AttributeError")
    silent = a_claim(lambda record: []).evaluate(XRecord())
    assert (silent.outcome, silent.reason) == (Outcome.ERROR, "no check was made")


def test_a_record_that_cannot_decide_is_no_verdict():
    def judge(record):
        raise NotRun("two seeds")

    result = a_claim(judge).evaluate(SeedsRecord(seeds=[1, 2]))
    assert (result.outcome, result.reason, result.seeds) == (Outcome.NOT_RUN, "two seeds", 2)


def test_seeds_are_counted():
    judge = a_claim(lambda record: [at_most("x", 0, 1)])
    assert judge.evaluate(SeedsRecord(seeds=[3, 4, 5])).seeds == 3
    assert judge.evaluate(XRecord()).seeds == 1


def test_the_question_is_the_part_before_the_dot():
    assert a_claim(lambda record: []).question == "1a"


def test_outside_its_scope_nothing_is_claimed():
    judge = a_claim(lambda record: [at_most("x", record.x, 1)], scope=applies_to(seed=(0, 3)))
    wrong = XRecord(x=2.0)
    assert judge.evaluate(wrong, Config(seed=3)).outcome is Outcome.FAILED
    result = judge.evaluate(wrong, Config(seed=4))
    assert result.outcome is Outcome.NOT_CLAIMED
    assert result.reason == "it applies to seed from 0 to 3 (here 4)"
    assert not judge.departs(result.outcome)


@pytest.mark.parametrize(
    ("documented", "outcome", "departs"),
    [
        (Outcome.HELD, Outcome.HELD, False),
        (Outcome.HELD, Outcome.FAILED, True),
        (Outcome.FAILED, Outcome.HELD, True),
        (Outcome.FAILED, Outcome.FAILED, False),
        (Outcome.HELD, Outcome.NOT_RUN, False),
        (Outcome.FAILED, Outcome.NOT_CLAIMED, False),
        (Outcome.FAILED, Outcome.ERROR, True),
    ],
)
def test_what_departs_from_the_documentation(documented, outcome, departs):
    assert a_claim(lambda record: [], documented=documented).departs(outcome) is departs


def test_the_decorator_reads_the_record_from_the_annotation():
    @claim("1a.y", "A statement.", source="question 1a", counterexamples=[{"x": 2.0}])
    def small(record: XRecord):
        return [at_most("x", record.x, 1)]

    assert (small.id, small.record, small.source) == ("1a.y", XRecord, "question 1a")
    assert small(XRecord(x=1.0))[0].holds
    with pytest.raises(AssertionError, match="annotate its first argument"):
        claim("1a.z", "A statement.", source="question 1a")(lambda record: [])
