"""``eigenlab course build`` and ``eigenlab submit``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from eigenlab import course
from eigenlab.cli.terminal import TerminalReporter, cancel_on_interrupt, notices, output
from eigenlab.course.process import FIELDS, is_placeholder, to_hours
from eigenlab.errors import InputError


def build(out: Path, problems: Sequence[str], *, overwrite: bool, execute: bool) -> None:
    """Write the notebooks and print their paths."""
    with TerminalReporter("course", notices()) as reporter, cancel_on_interrupt(reporter.cancel):
        paths = course.build_course(
            out, problems or None, overwrite=overwrite, execute=execute, reporter=reporter
        )
    for path in paths:
        output().print(str(path), markup=False, soft_wrap=True)


def submit(notebook: Path, *, process: Path | None, out: Path, incomplete: bool) -> None:
    """Write the zip file and print what it holds."""
    if out.suffix.lower() != ".zip":
        raise InputError(f"--out {out}: name a file that ends with .zip")
    found = course.collect(notebook)
    if not incomplete:
        found.require_complete()  # before anything is asked
    statement = course.read_process(process) if process else _ask()
    found = course.submit(notebook, statement, out, incomplete=incomplete)
    passed = sum(check["status"] == "passed" for check in found.checks.values())
    answered = sum(bool(text) for text in found.answers.values())
    lines = [
        f"{out}: problem {found.problem}, {passed} of {len(found.checks)} checks passed, "
        f"{answered} of {len(found.answers)} questions answered",
        *(f"  missing: {phrase}" for phrase in found.missing),
    ]
    for line in lines:
        output().print(line, markup=False, soft_wrap=True)


def _ask() -> course.Process:
    if not sys.stdin.isatty():
        raise InputError(
            "the process statement cannot be asked for, since standard input is no terminal; give "
            "--process FILE, a text file with 'sources: ...', 'study group: ...' and 'hours: ...'"
        )
    answers = {}
    for name, question in FIELDS.items():
        answers[name] = _ask_one(name, question)
    return course.Process(answers["sources"], answers["study group"], to_hours(answers["hours"]))


def _ask_one(name: str, question: str) -> str:
    while True:
        try:
            text = input(f"{question}: ").strip()
        except EOFError:
            raise InputError(f"{name} was not answered; or give --process FILE") from None
        if name == "hours":
            try:
                to_hours(text)
            except InputError as error:
                print(error, file=sys.stderr)
                continue
        elif is_placeholder(text):
            continue
        return text
