"""Run the command line in this process, or in another one that can be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from eigenlab.cli import main

TOY_CLI = """
import sys
sys.path.insert(0, {tests!r})
import toy
from eigenlab.experiments import TABLE, Row
sys.modules["eigenlab.experiments.toy"] = toy
TABLE.clear()
TABLE["toy"] = Row("toy", "A toy", ("9a", "9b"))
from eigenlab.cli import main
sys.exit(main())
"""


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def call(capsys, tmp_path, monkeypatch, toy):
    """Call the command line as a function, inside an empty folder, with the toy experiment."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> Outcome:
        status = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return Outcome(status, out, err)

    return run


@pytest.fixture
def start(tmp_path):
    """Start the command line with the toy experiment in a process of its own."""
    processes = []

    def run(*words: str) -> subprocess.Popen[str]:
        script = TOY_CLI.format(tests=str(Path(__file__).parents[1]))
        process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, words)],
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
