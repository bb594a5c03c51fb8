"""What docs/grade.md says of other graders: its programs run, and its tests exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from student_files import CLUSTERING, save

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "grade.md").read_text(encoding="utf-8")
PRAIRIELEARN, NBGRADER = re.findall(r"^```py\n(.*?)^```$", TEXT, re.M | re.S)
WRONG = [cell for cell in CLUSTERING if "def get_adjacency_matrix" not in cell]


def run(code, folder):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("cells", "score"), [(CLUSTERING, 1.0), (WRONG, 0.8)])
def test_prairielearn_gets_results_of_its_form(tmp_path, cells, score):
    """https://docs.prairielearn.com/externalGrading/#grading-results"""
    (tmp_path / "student").mkdir()
    save(tmp_path / "student", cells, "problem_5.ipynb")
    assert 'Path("/grade")' in PRAIRIELEARN
    assert run(PRAIRIELEARN.replace("/grade", str(tmp_path)), tmp_path).returncode == 0
    found = json.loads((tmp_path / "results/results.json").read_text())
    assert found["gradable"] is True
    assert found["score"] == pytest.approx(score)
    assert len(found["tests"]) == 5
    assert all(0 <= test["points"] <= test["max_points"] for test in found["tests"])
    first = found["tests"][0]
    assert (first["name"], bool(first["output"])) == ("get_adjacency_matrix", score < 1)


def test_prairielearn_is_told_of_a_file_that_cannot_be_checked(tmp_path):
    (tmp_path / "student").mkdir()
    save(tmp_path / "student", "no notebook", "problem_5.ipynb")
    assert run(PRAIRIELEARN.replace("/grade", str(tmp_path)), tmp_path).returncode == 0
    found = json.loads((tmp_path / "results/results.json").read_text())
    assert found.keys() == {"gradable", "format_errors"}
    assert found["gradable"] is False
    assert "is no notebook" in found["format_errors"]


def test_a_cell_of_nbgrader_fails_with_the_hint(tmp_path):
    save(tmp_path, CLUSTERING, "problem_5.ipynb")
    assert run(NBGRADER, tmp_path).returncode == 0
    save(tmp_path, WRONG, "problem_5.ipynb")
    found = run(NBGRADER, tmp_path)
    assert found.returncode == 1
    assert "AssertionError: get_adjacency_matrix is not defined" in found.stderr


def test_each_row_of_the_comparison_names_a_test_that_exists():
    table = TEXT.partition("## What other graders do")[2]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 11
    for row in rows:
        path, name = re.search(r"\| `(tests/\S+\.py)::(test_\w+)` \|$", row).groups()
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8")
