"""Every part is proven on three right solutions or more, and on three named mistakes or more.

The solutions themselves are checked by the tests of the problems, from the same tables.
"""

from __future__ import annotations

import pytest

from eigenlab.grading import PARTS
from grading import test_problem_1, test_problem_2, test_problem_3, test_problem_5

MODULES = (test_problem_1, test_problem_2, test_problem_3, test_problem_5)
RIGHT = {part: found for module in MODULES for part, found in module.RIGHT.items()}
WRONG = {part: found for module in MODULES for part, found in module.WRONG.items()}
RIGHT["5g-labels"], WRONG["5g-labels"] = test_problem_5.RIGHT_LABELS, test_problem_5.WRONG_LABELS


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_three_right_solutions(part):
    assert len(RIGHT[part]) >= 3


@pytest.mark.parametrize("part", PARTS)
def test_a_part_has_three_mistakes_with_hints_that_differ(part):
    assert len({words for _, words in WRONG[part]}) >= 3
