"""Every notebook runs: with solutions all checks pass, without them each names what is missing."""

from __future__ import annotations

import sys

import nbformat
import pytest

import eigenlab
from eigenlab.course import Process, build, build_course, build_notebooks, collect, masters, submit
from eigenlab.course.execution import NotebookFailed, execute
from eigenlab.grading.source import definitions, essential

pytestmark = pytest.mark.exhaustive

MIME = "application/vnd.eigenlab.check+json"
PROBLEMS = sorted(masters())
#: Seconds that a whole notebook may take, on a machine that also does other things.
WITH_SOLUTIONS, OF_STUDENTS = 360, 180


def results(notebook):
    """What the checks of an executed notebook found, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output.data[MIME] for output in outputs if MIME in output.get("data", {})]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_solution_passes_every_check_and_can_be_submitted(problem, tmp_path):
    built = build_notebooks(masters()[problem]).solution
    notebook = execute(built, tmp_path, seconds=WITH_SOLUTIONS)
    assert [found for found in results(notebook) if not found["passed"]] == []
    path = tmp_path / "mine.ipynb"
    nbformat.write(notebook, path)
    found = collect(path)
    assert found.missing == []
    assert found.answers, "a problem has written questions"
    submit(path, Process("none", "none", 1.0), tmp_path / "submission.zip")


@pytest.mark.parametrize("problem", PROBLEMS)
def test_the_notebook_of_students_runs_and_every_check_says_what_is_missing(problem, tmp_path):
    built = build_notebooks(masters()[problem]).student
    code = "\n".join(cell.source for cell in built.cells)
    notebook = execute(built, tmp_path, seconds=OF_STUDENTS)
    found = results(notebook)
    assert [check["part"] for check in found if check["passed"]] == []
    for check in found:
        name, _, rest = check["hint"].partition(" ")
        assert rest == "still has to be written.", check
        assert name.partition(".")[0] in code
    path = tmp_path / "mine.ipynb"
    nbformat.write(notebook, path)
    submission = collect(path)
    assert {entry["status"] for entry in submission.checks.values()} <= {"not passed"}
    assert not any(submission.answers.values())


def test_executed_solutions_have_their_outputs(monkeypatch, tmp_path):
    cells = '# %%\n1 + 1\n\n# %% tags=["student"]\n2 + 2\n'
    (tmp_path / "problem_9.py").write_text(cells, "utf-8")
    monkeypatch.setattr(build, "MASTERS", tmp_path)
    student, solution = build_course(tmp_path / "out", execute=True)
    (cell,) = nbformat.read(solution, as_version=4).cells
    assert cell.outputs[0].data["text/plain"] == "2"
    assert all(not cell.outputs for cell in nbformat.read(student, as_version=4).cells)


# That the tests above would see what goes wrong.


def one_cell(source):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])


def test_the_kernel_has_this_interpreter_and_these_sources(tmp_path):
    notebook = one_cell("import sys, eigenlab\nprint(sys.executable, eigenlab.__file__)")
    notebook = execute(notebook, tmp_path, seconds=60)
    shown = notebook.cells[0].outputs[0].text.split()
    assert shown == [sys.executable, eigenlab.__file__]


def test_an_exception_fails(tmp_path):
    with pytest.raises(NotebookFailed, match="ZeroDivisionError"):
        execute(one_cell("1 / 0"), tmp_path, seconds=60)


def test_a_kernel_that_dies_fails(tmp_path):
    with pytest.raises(NotebookFailed, match="Kernel died"):
        execute(one_cell("import os\nos._exit(1)"), tmp_path, seconds=60)


def test_the_time_is_that_of_the_whole_notebook(tmp_path):
    cells = [nbformat.v4.new_code_cell("import time\ntime.sleep(3)") for _ in range(20)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    with pytest.raises(NotebookFailed, match="longer than 8 seconds"):
        execute(notebook, tmp_path, seconds=8)


CLASS = '''class Layer:
    """A layer."""

    # with a comment
    def __init__(self, size):
        self.size = size
'''


def test_the_code_of_a_class_is_found_in_a_kernel(tmp_path):
    cells = [
        nbformat.v4.new_code_cell(f"%pwd\n{CLASS}"),
        nbformat.v4.new_code_cell(
            "from eigenlab.grading.source import source_of\nprint(source_of(Layer))"
        ),
    ]
    notebook = execute(nbformat.v4.new_notebook(cells=cells), tmp_path, seconds=60)
    shown = notebook.cells[1].outputs[0].text
    assert shown.strip() == essential(CLASS)
    assert essential(CLASS) in [source for _, _, source in definitions(CLASS)]
