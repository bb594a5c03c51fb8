"""``eigenlab grade`` and ``eigenlab course autograder``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eigenlab import course
from eigenlab.cli.check import names_and_points
from eigenlab.cli.status import DEPARTURE, SUCCESS
from eigenlab.cli.terminal import (
    TerminalReporter,
    cancel_on_interrupt,
    notices,
    output,
    print_json,
)
from eigenlab.errors import InputError
from eigenlab.grading.autograder import write_bundle
from eigenlab.grading.batch import Grades, Settings, grade, tables
from eigenlab.grading.feedback import number_text
from eigenlab.reporter import Reporter


def report(
    submissions: Path,
    *,
    out: Path,
    jobs: int,
    backend: str,
    problem: str,
    execute: bool,
    alias: Sequence[str],
    aliases: Path | None,
    points: Path | None,
    part_seconds: float,
    regrade: str,
    anonymous: bool,
    json: bool,
) -> int:
    """Grade submissions, and print what was found."""
    if not submissions.exists():
        raise InputError(f"{submissions} does not exist; name a folder or zip file of submissions")
    if out.resolve() == submissions.resolve() or submissions.resolve() in out.resolve().parents:
        raise InputError(f"--out {out} is in the folder of the submissions; name another one")
    names, worth = names_and_points(alias, aliases, points)
    settings = Settings(problem, execute, names, worth, part_seconds)
    with TerminalReporter("grade", notices()) as reporter, cancel_on_interrupt(reporter.cancel):
        found = grade(
            submissions,
            out,
            settings,
            jobs=jobs,
            backend=backend,
            regrade=regrade,
            hide_names=anonymous,
            given=_given(reporter),
            reporter=reporter,
        )
    if json:
        print_json([tables.row(record) for record in found.records])
    else:
        _show(found, out)
    return DEPARTURE if found.unreadable else SUCCESS


def _given(reporter: Reporter) -> dict[str, list[str]]:
    """The code of the notebooks that students are given."""
    try:
        built = {number: course.build_notebooks(path) for number, path in course.masters().items()}
    except InputError as error:
        reporter.message(f"similar code is compared with that of the notebooks included: {error}")
        return {}
    return {
        number: [cell.source for cell in notebooks.student.cells if cell.cell_type == "code"]
        for number, notebooks in built.items()
    }


def _show(found: Grades, out: Path) -> None:
    width = max(len(record["student"]["name"]) for record in found.records)
    lines = []
    for record in found.records:
        name, graded = record["student"]["name"], record["report"]
        if graded is None:
            lines.append(f"! {name:{width}}  could not be graded: {record['problem']}")
            continue
        score = f"{number_text(graded['score'])} of {number_text(graded['max_score'])}"
        failed = [p["part"] for p in graded["parts"] if p["status"] not in ("passed", "left out")]
        sign, rest = ("✗", f"  not passed: {', '.join(failed)}") if failed else ("✓", "")
        lines.append(f"{sign} {name:{width}}  {score}{rest}")
    number = len(found.records) - len(found.unreadable)
    lines += [
        "",
        f"{number} of {len(found.records)} submissions graded; see {out}/summary.html",
    ]
    for line in lines:
        output().print(line, markup=False, soft_wrap=True)


def autograder(
    out: Path,
    *,
    problem: str,
    points: Path | None,
    aliases: Path | None,
    visibility: str,
    execute: bool,
    install: str,
) -> None:
    """Write an autograder for Gradescope, and print what was written."""
    names, worth = names_and_points((), aliases, points)
    settings = Settings(problem, execute, names, worth)
    for path in write_bundle(out, settings, visibility=visibility, install=install):
        output().print(str(path), markup=False, soft_wrap=True)
