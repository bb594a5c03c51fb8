"""``eigenlab course build`` and ``eigenlab submit``."""

from __future__ import annotations

import io
import json
import sys
import zipfile

import pytest


@pytest.fixture
def statement(tmp_path):
    path = tmp_path / "process.md"
    path.write_text("sources: none\nstudy group: none\nhours: 2\n")
    return path


def test_build_writes_both_notebooks_of_the_problems_asked_for(call, tmp_path):
    shown = call("course", "build", "--out", "here", "--problem", "5")
    assert shown.status == 0
    assert shown.out.split() == ["here/student/problem_5.ipynb", "here/solutions/problem_5.ipynb"]
    for name in shown.out.split():
        assert json.loads((tmp_path / name).read_text())["nbformat"] == 4


def test_a_filled_in_notebook_needs_overwrite(call, tmp_path):
    words = ("course", "build", "--problem", "5")
    assert call(*words).status == 0
    path = tmp_path / "course/student/problem_5.ipynb"
    path.write_text("my work")
    again = call(*words)
    assert again.status == 2
    assert "--overwrite" in again.err
    assert path.read_text() == "my work"
    assert call(*words, "--overwrite").status == 0


def test_an_empty_notebook_is_submitted_only_on_request(call, tmp_path, statement):
    call("course", "build", "--problem", "5")
    words = ("submit", "course/student/problem_5.ipynb", "--process", statement)
    refused = call(*words)
    assert refused.status == 2
    assert refused.err.count("\n") == 1
    assert "5b: its check stores no result" in refused.err
    assert "5e: no answer" in refused.err
    assert not (tmp_path / "submission.zip").exists()
    sent = call(*words, "--incomplete")
    assert sent.status == 0
    assert "0 of 6 checks passed, 0 of 7 questions answered" in sent.out
    assert "missing: 5e: no answer" in sent.out
    results = json.loads(zipfile.ZipFile(tmp_path / "submission.zip").read("results.json"))
    assert results["complete"] is False


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["course", "build", "--problem", "55"], "problem '55' has no notebook"),
        (["course", "build", "--problm", "5"], "--problm"),
        (["course", "buld"], "buld"),
        (["submit"], "requires an argument"),
        (["submit", "nowhere.ipynb", "--incomplete"], "nowhere.ipynb cannot be read"),
        (["submit", "nowhere.ipynb", "--out", "nowhere.ipynb"], "ends with .zip"),
    ],
)
def test_a_mistake_is_reported_in_one_line(call, tmp_path, words, message):
    status, out, err = call(*words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_the_statement_must_be_a_file(call, monkeypatch):
    call("course", "build", "--problem", "5")
    monkeypatch.setattr(sys, "stdin", io.StringIO("none\nnone\n2\n"))
    shown = call("submit", "course/student/problem_5.ipynb", "--incomplete")
    assert shown.status == 2
    assert "give --process FILE" in shown.err
