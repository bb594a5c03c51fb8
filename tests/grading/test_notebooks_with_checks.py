"""A notebook that checks itself, as the course's do, is run to its end when it is graded."""

from __future__ import annotations

import textwrap

import pytest

from eigenlab.course import build_notebooks, masters
from eigenlab.grading.file_check import check_file, isolated
from student_files import CLUSTERING, save

pytestmark = pytest.mark.slow


def executed(path, template):
    """Status and hint of each part, after all statements were run."""
    report = check_file(path, run=isolated(execute=True, template=template), execute=True)
    return {part.part: (part.status, part.hint) for part in report.parts}


@pytest.mark.parametrize("problem", ["1", "5"])
def test_all_statements_of_the_courses_solutions_are_run(tmp_path, template, problem):
    """Problem 5 computes its labels only if the checks before them pass."""
    path = save(tmp_path, dict(build_notebooks(masters()[problem])[1]))
    found = executed(path, template)
    assert set(found.values()) == {("passed", "")}, found
    assert problem == "1" or "5g-labels" in found


@pytest.mark.parametrize(
    "use",
    [
        "from eigenlab.grading import check\nassert check('5b', sum)",
        "import eigenlab.grading as grading\nassert grading.check('5b', sum).passed",
        "import eigenlab.grading\nassert eigenlab.grading.check('5b', sum).hint == ''",
        "from eigenlab.grading import *\nassert str(check('5b', sum)).endswith('by the grader')",
    ],
)
def test_a_check_in_the_notebook_is_true(tmp_path, template, use):
    """In one statement with what it decides, as statements that fail cost themselves only."""
    cell = textwrap.indent(f"{use}\ndone = 1", "    ")
    cells = [CLUSTERING[0], f"if True:\n{cell}"]
    use_it = "def get_normalized_matrix(A):\n    return A * done"
    status, hint = executed(save(tmp_path, [*cells, use_it]), template)["5d"]
    assert status == "failed"
    assert "this is A itself" in hint


def test_the_checks_of_the_grader_are_not_there(tmp_path, template):
    code = "import eigenlab.grading.clustering\ndef get_normalized_matrix(A):\n    return "
    code += "eigenlab.grading.clustering.normalized(A)"
    _, hint = executed(save(tmp_path, [CLUSTERING[0], code]), template)["5d"]
    assert "eigenlab.grading" in hint
    assert "has no attribute" in hint or "No module named" in hint
