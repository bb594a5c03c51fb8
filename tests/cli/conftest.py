"""Fixtures that run the command line in this process or in another one."""

from __future__ import annotations

import subprocess
import sys
from typing import NamedTuple

import pytest

from eigenlab.cli import main


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def call(capsys, tmp_path, monkeypatch, toy):
    """Call the command line as a function, inside an empty folder, with the toy experiment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")  # a table is not wrapped where a test looks

    def run(*words: str) -> Outcome:
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(status, out, err)

    return run


@pytest.fixture
def start(tmp_path):
    """Start the command line in a process of its own, where the toy experiment is found, too."""
    processes = []

    def run(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "eigenlab", *map(str, words)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()
