import math

import pytest

from eigenlab.lab import Check, Claim, NotRun, Outcome, above, at_least, at_most, below, close


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


def claim(judge):
    return Claim("1a.x", "A statement.", "1a", "stage", judge)


def test_all_checks_must_hold():
    held = claim(lambda record: [at_most("x", record["x"], 1), at_least("x", record["x"], 0)])
    assert held.evaluate({"x": 0.5}).outcome == Outcome.HELD
    assert held.evaluate({"x": 2.0}).outcome == Outcome.FAILED
    assert held.evaluate({"x": -1.0}).outcome == Outcome.FAILED


def test_a_judge_that_breaks_or_is_silent_is_an_error_not_a_verdict():
    broken = claim(lambda record: [at_most("x", record["y"], 1)]).evaluate({"x": 1.0})
    assert (broken.outcome, broken.reason) == (Outcome.ERROR, "KeyError: 'y'")
    silent = claim(lambda record: []).evaluate({})
    assert (silent.outcome, silent.reason) == (Outcome.ERROR, "no check was made")


def test_a_record_that_cannot_decide_is_no_verdict():
    def judge(record):
        raise NotRun("two seeds")

    result = claim(judge).evaluate({"seeds": [1, 2]})
    assert (result.outcome, result.reason, result.seeds) == (Outcome.NOT_RUN, "two seeds", 2)


def test_seeds_are_counted():
    judge = claim(lambda record: [at_most("x", 0, 1)])
    assert judge.evaluate({"seeds": [3, 4, 5]}).seeds == 3
    assert judge.evaluate({}).seeds == 1


def test_the_question_is_the_part_before_the_dot():
    assert claim(lambda record: []).question == "1a"
