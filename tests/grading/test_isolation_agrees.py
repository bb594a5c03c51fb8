"""A check in a confined process says what the same check says in this one."""

from __future__ import annotations

import re

import pytest

from eigenlab.grading import check
from eigenlab.grading.isolation import check_source
from graded_solutions import Solution, aliases, solutions

#: One of so many solutions is compared here, besides the first one of each part.
STEP = 9


def chosen() -> list[Solution]:
    """The first solution of each part, which is right, and every ninth of all."""
    everything, seen = list(solutions()), set()
    first = [s for s in everything if not (s.part in seen or seen.add(s.part))]
    return list({s.id: s for s in [*first, *everything[::STEP]]}.values())


def in_general(hint: str) -> str:
    """A hint without what depends on random weights, and without the line of the source."""
    return re.sub(r"[\d.]+", "0", re.sub(r", line \d+: .*", "", hint, flags=re.DOTALL))


@pytest.mark.parametrize("solution", chosen(), ids=lambda s: s.id)
def test_the_result_is_the_same(solution, template):
    here = check(solution.part, solution.value)
    names = aliases(solution.part)
    report = check_source(solution.source, [solution.part], aliases=names, template=template)
    (there,) = report.results
    assert there.passed == here.passed
    assert there.note == here.note
    assert in_general(there.hint) == in_general(here.hint)
    assert there.compared == here.compared
