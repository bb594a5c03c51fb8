"""What a submission holds, and which notebooks are refused."""

from __future__ import annotations

import copy
import io
import json
import sys
import zipfile

import nbformat
import numpy as np
import pytest

from eigenlab.course import (
    Process,
    build_course,
    build_notebooks,
    collect,
    masters,
    read_process,
    submit,
)
from eigenlab.course.process import parse_process
from eigenlab.errors import InputError
from eigenlab.grading import check

PROCESS = Process("the lecture", "none", 6.5)
QUESTIONS = ["5a", "5b", "5c", "5d", "5e", "5f", "5g"]
PARTS = ["5b", "5c", "5d", "5f", "5g", "5g-labels"]


def outputs_of(part, passed=True, sources=None, count=1):
    """The stored output of a check."""
    bundle = {
        "text/plain": f"{part} title: {'passed' if passed else 'NOT passed'}, max error 1.0e-07",
        "application/vnd.eigenlab.check+json": {
            "part": part,
            "title": "title",
            "passed": passed,
            "max_error": 1e-7,
            "hint": "" if passed else "a hint",
            "sources": sources or {},
        },
    }
    return [nbformat.v4.new_output("execute_result", bundle, execution_count=count)]


def checks(notebook):
    """Part -> the cell that checks it."""
    found = {}
    for cell in notebook.cells:
        for part in PARTS:
            if cell.cell_type == "code" and f'check("{part}"' in cell.source:
                found[part] = cell
    return found


@pytest.fixture
def complete():
    """A student's notebook with answers and passed checks."""
    notebook = copy.deepcopy(build_notebooks(masters()["5"]).student)
    for cell in notebook.cells:
        if cell.metadata.get("eigenlab"):
            cell.source = "Since it is so."
    for number, (part, cell) in enumerate(checks(notebook).items(), 1):
        cell.outputs, cell.execution_count = outputs_of(part, count=number), number
    return notebook


def save(notebook, folder, name="mine.ipynb"):
    path = folder / name
    nbformat.write(notebook, path)
    return path


def test_a_complete_notebook_goes_into_a_zip_with_results_and_process(complete, tmp_path):
    path = save(complete, tmp_path)
    found = submit(path, PROCESS, tmp_path / "out.zip")
    assert found.missing == []
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["problem_5.ipynb", "results.json", "process.md"]
        assert archive.read("problem_5.ipynb") == path.read_bytes()
        results = json.loads(archive.read("results.json"))
        assert parse_process(archive.read("process.md").decode()) == PROCESS
    assert results["complete"] is True
    assert list(results["checks"]) == PARTS
    assert {entry["status"] for entry in results["checks"].values()} == {"passed"}
    assert results["answers"] == dict.fromkeys(QUESTIONS, "Since it is so.")


def test_the_same_input_gives_the_same_bytes(complete, tmp_path):
    path = save(complete, tmp_path)
    submit(path, PROCESS, tmp_path / "a.zip")
    submit(path, PROCESS, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_data_beside_the_notebook_stay_out(complete, tmp_path):
    path = save(complete, tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "names.txt").write_text("Rossi")
    submit(path, PROCESS, tmp_path / "out.zip")
    assert len(zipfile.ZipFile(tmp_path / "out.zip").namelist()) == 3


def test_the_notebook_as_built_lacks_everything_by_name(tmp_path):
    student, _ = build_course(tmp_path, ["5"])
    missing = " ".join(collect(student).missing)
    for part in PARTS:
        assert f"{part}: its check stores no result" in missing
    for question in QUESTIONS:
        assert f"{question}: no answer" in missing
    with pytest.raises(InputError, match="the notebook is incomplete: 5b"):
        submit(student, PROCESS, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_a_check_that_did_not_pass_is_named(complete, tmp_path):
    checks(complete)["5c"].outputs = outputs_of("5c", passed=False)
    found = collect(save(complete, tmp_path))
    assert found.missing == ["5c: its check has not passed"]
    assert found.checks["5c"]["hint"] == "a hint"


def test_incomplete_is_sent_on_request_and_says_so(complete, tmp_path):
    checks(complete)["5c"].outputs = []
    submit(save(complete, tmp_path), PROCESS, tmp_path / "out.zip", incomplete=True)
    results = json.loads(zipfile.ZipFile(tmp_path / "out.zip").read("results.json"))
    assert results["complete"] is False
    assert results["missing"][0].startswith("5c: its check stores no result")
    assert results["checks"]["5c"]["status"] == "never run"


def test_the_last_run_of_a_check_counts(complete, tmp_path):
    late = nbformat.v4.new_code_cell('check("5c", get_degree_matrix)', execution_count=90)
    late.outputs = outputs_of("5c", passed=False, count=90)
    complete.cells.insert(2, late)
    assert collect(save(complete, tmp_path)).checks["5c"]["status"] == "not passed"
    late.execution_count = 0
    assert collect(save(complete, tmp_path)).checks["5c"]["status"] == "passed"


CODE = "def get_degree_matrix(A):\n    return np.diag(A.sum(axis=1))\n"


def definition(notebook, name):
    (cell,) = [cell for cell in notebook.cells if cell.source.startswith(f"def {name}")]
    return cell


def test_code_that_was_changed_after_its_check_is_named(complete, tmp_path):
    sources = {"get_degree_matrix": CODE.rstrip()}
    checks(complete)["5c"].outputs = outputs_of("5c", sources=sources)
    cell = definition(complete, "get_degree_matrix")
    cell.source = CODE
    assert collect(save(complete, tmp_path)).missing == []
    cell.source = CODE.replace("    return", "    # a comment\n\n    return")
    assert collect(save(complete, tmp_path)).missing == []
    cell.source = CODE.replace("axis=1", "axis=0")
    (missing,) = collect(save(complete, tmp_path)).missing
    assert missing.startswith("5c: the code that passed is not in the notebook")


def test_a_printed_result_counts(complete, tmp_path):
    (output,) = checks(complete)["5c"].outputs
    text = output.data["text/plain"]
    checks(complete)["5c"].outputs = [nbformat.v4.new_output("stream", text=f"{text}\n")]
    assert collect(save(complete, tmp_path)).missing == []
    lines = text.replace("passed", "NOT passed") + "\n  wrong sign"
    checks(complete)["5c"].outputs = [nbformat.v4.new_output("stream", text=lines)]
    found = collect(save(complete, tmp_path)).checks["5c"]
    assert (found["status"], found["hint"]) == ("not passed", "wrong sign")


def test_the_result_of_a_real_check_is_stored_and_read(complete, tmp_path):
    def get_degree_matrix(A):
        return np.diag(A.sum(axis=1))

    result = check("5c", get_degree_matrix)
    bundle = json.loads(json.dumps(result._repr_mimebundle_()))
    output = nbformat.v4.new_output("execute_result", bundle)
    checks(complete)["5c"].outputs = [output]
    assert collect(save(complete, tmp_path)).checks["5c"]["status"] == "changed"
    definition(complete, "get_degree_matrix").source = CODE
    assert collect(save(complete, tmp_path)).checks["5c"]["status"] == "passed"
    failed = check("5c", lambda A: A[0, 0, 0, 0])
    assert json.loads(json.dumps(failed._repr_mimebundle_()))


# Where an answer is found.


def slots(notebook):
    return [i for i, cell in enumerate(notebook.cells) if cell.metadata.get("eigenlab")]


def forget(notebook):
    """As editors do that keep neither identifiers nor metadata of cells."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"other{number}"
        cell.metadata = {}
    notebook.metadata.pop("eigenlab", None)


@pytest.mark.parametrize("forgets", [False, True])
def test_an_empty_answer_is_named(complete, tmp_path, forgets):
    complete.cells[slots(complete)[2]].source = ""
    if forgets:
        forget(complete)
    assert collect(save(complete, tmp_path)).missing == ["5c: no answer"]


@pytest.mark.parametrize("words", ["...", "TODO", "  \n", "<!-- later -->", "**?**", "-"])
def test_what_is_no_answer(complete, tmp_path, words):
    complete.cells[slots(complete)[2]].source = words
    assert collect(save(complete, tmp_path)).missing == ["5c: no answer"]


@pytest.mark.parametrize("forgets", [False, True])
def test_an_answer_in_a_new_cell_counts(complete, tmp_path, forgets):
    place = slots(complete)[2]
    complete.cells[place].source = ""
    complete.cells.insert(place + 1, nbformat.v4.new_markdown_cell("It measures density."))
    if forgets:
        forget(complete)
    found = collect(save(complete, tmp_path))
    assert found.missing == []
    assert found.answers["5c"] == "It measures density."


@pytest.mark.parametrize("forgets", [False, True])
def test_an_answer_in_the_place_of_the_cell_counts(complete, tmp_path, forgets):
    place = slots(complete)[2]
    complete.cells[place] = nbformat.v4.new_markdown_cell("It measures density.")
    if forgets:
        forget(complete)
    found = collect(save(complete, tmp_path))
    assert found.answers["5c"] == "It measures density."
    assert found.missing == []


def test_an_answer_added_to_its_question_counts(complete, tmp_path):
    place = slots(complete)[2]
    complete.cells[place].source = ""
    complete.cells[place - 1].source += "\n\nIt measures density."
    assert collect(save(complete, tmp_path)).answers["5c"].strip() == "It measures density."


def test_a_deleted_cell_is_no_answer(complete, tmp_path):
    del complete.cells[slots(complete)[2]]
    assert collect(save(complete, tmp_path)).missing == ["5c: no answer"]


def test_code_below_a_question_is_no_answer(complete, tmp_path):
    place = slots(complete)[2]
    complete.cells[place].source = ""
    complete.cells.insert(place + 1, nbformat.v4.new_code_cell("A.sum()"))
    assert collect(save(complete, tmp_path)).missing == ["5c: no answer"]


# Files that are no notebooks of the course.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"cells": []}',
        '{"nbformat": 3, "cells": []}',
        '{"nbformat": 4, "cells": [1]}',
        '{"nbformat": 4, "cells": [{}]}',
        '{"nbformat": 4, "cells": [{"cell_type": "code"}]}',
        '{"nbformat": 4, "cells": [{"cell_type": "video", "source": ""}]}',
        "\ufeff{}",
    ],
)
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "mine.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.ipynb is no notebook"):
        collect(path)


def test_bytes_missing_files_and_folders_are_refused(tmp_path):
    path = tmp_path / "mine.ipynb"
    with pytest.raises(InputError, match=r"mine\.ipynb cannot be read: No such file"):
        collect(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="is no notebook"):
        collect(path)
    with pytest.raises(InputError, match="cannot be read"):
        collect(tmp_path)


def test_another_notebook_is_refused(tmp_path):
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")])
    with pytest.raises(InputError, match="no notebook of the course"):
        collect(save(other, tmp_path))


def test_a_notebook_full_of_data_is_refused(complete, tmp_path, monkeypatch):
    monkeypatch.setattr("eigenlab.course.submission.MAX_BYTES", 100)
    with pytest.raises(InputError, match="clear the outputs that hold data"):
        collect(save(complete, tmp_path))


@pytest.mark.parametrize(
    "payload",
    [None, 3, [], {"passed": "yes"}, {"part": "5c"}, {"part": "5c", "passed": "true"}],
)
def test_damaged_results_are_no_passed_checks(complete, tmp_path, payload):
    output = outputs_of("5c")[0]
    output.data = {"application/vnd.eigenlab.check+json": payload}
    checks(complete)["5c"].outputs = [output]
    found = collect(save(complete, tmp_path))
    assert found.checks["5c"]["status"] != "passed"
    assert json.loads(found.results())["complete"] is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("outputs", None),
        ("outputs", ["text", 3, None, {"data": 3}, {"data": {"text/plain": 3}}, {"text": [1]}]),
        ("metadata", 3),
        ("id", [1]),
        ("execution_count", "many"),
    ],
)
def test_a_damaged_cell_is_no_traceback(complete, tmp_path, field, value):
    path = save(complete, tmp_path)
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        cell[field] = value
    content["metadata"] = content["metadata"] if field != "metadata" else [1]
    path.write_text(json.dumps(content))
    found = collect(path)
    assert found.problem == "5"
    assert (found.missing == []) == (field != "outputs")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400, "1", None])
def test_an_odd_error_is_strict_json(complete, tmp_path, number):
    path = save(complete, tmp_path)
    content = json.loads(path.read_text())
    for cell in content["cells"]:
        for output in cell.get("outputs", []):
            output["data"]["application/vnd.eigenlab.check+json"]["max_error"] = number
    path.write_text(json.dumps(content))
    results = json.loads(collect(path).results())
    assert results["checks"]["5b"]["max_error"] is None


def test_half_a_character_in_an_answer_is_no_traceback(complete, tmp_path):
    path = save(complete, tmp_path)
    path.write_text(path.read_text().replace("Since it is so.", "Since \\ud83d it is so."))
    submit(path, PROCESS, tmp_path / "out.zip")
    results = json.loads(zipfile.ZipFile(tmp_path / "out.zip").read("results.json"))
    assert results["answers"]["5a"] == "Since ? it is so."


def test_only_a_zip_file_is_written(complete, tmp_path):
    path = save(complete, tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"ends with \.zip"):
        submit(path, PROCESS, path)
    assert path.read_bytes() == before


# The statement of the process.


@pytest.mark.parametrize(
    "text",
    [
        "sources: the lecture\nstudy group: Ada, Bo\nhours: 6.5",
        "Hours: about 6.5 hours\nStudy_group: Ada, Bo\nSOURCES: the lecture",
        "# Process\n\n## Sources\nthe lecture\n\n## Study group\n\nAda, Bo\n\n## Hours\n6,5 h\n",
        "**Sources:** the lecture\r\n**Study group:** Ada, Bo\r\n**Hours**: 6.5",
        "\ufeff- sources: the lecture\n- study group: Ada, Bo\n- hours: ~6.5h",
    ],
)
def test_statements_are_read_as_people_write_them(text, tmp_path):
    path = tmp_path / "process.md"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_process(path) == Process("the lecture", "Ada, Bo", 6.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lacks 'sources: ...', 'study group: ...', 'hours: ...'"),
        ("sources: x\nstudy group: none", "lacks 'hours: ...'"),
        ("sources: ...\nstudy group: none\nhours: 1", "lacks 'sources: ...'"),
        ("sources: x\nstudy group:\nhours: 1", "lacks 'study group: ...'"),
        ("sources: x\nstudy group: none\nhours: many", "hours='many'"),
        ("sources: x\nstudy group: none\nhours: -2", "hours='-2'"),
        ("sources: x\nstudy group: none\nhours: nan", "hours='nan'"),
        ("sources: x\nsources: y\nstudy group: none\nhours: 1", "twice"),
    ],
)
def test_an_incomplete_statement_is_refused(text, words):
    with pytest.raises(InputError) as caught:
        parse_process(text)
    assert words in str(caught.value)


def test_a_statement_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "process.md").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read as UTF-8"):
        read_process(tmp_path / "process.md")
    with pytest.raises(InputError, match="cannot be read"):
        read_process(tmp_path / "none.md")
    with pytest.raises(InputError, match="hours=inf"):
        Process("x", "none", float("inf"))


# The command.


def test_the_command_asks_at_the_terminal(complete, tmp_path, monkeypatch, capsys):
    from eigenlab.cli import main

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("the lecture\n\nnone\nmany\n6.5\n"))
    out = tmp_path / "out.zip"
    assert main(["submit", str(save(complete, tmp_path)), "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "6 of 6 checks passed, 7 of 7 questions answered" in shown.out
    assert "hours='many'" in shown.err
    statement = zipfile.ZipFile(out).read("process.md").decode()
    assert parse_process(statement) == PROCESS


def test_a_terminal_that_closes_is_no_traceback(complete, tmp_path, monkeypatch, capsys):
    from eigenlab.cli import main

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal("the lecture\n"))
    out = tmp_path / "out.zip"
    assert main(["submit", str(save(complete, tmp_path)), "--out", str(out)]) == 2
    assert "study group was not answered" in capsys.readouterr().err
    assert not out.exists()
