"""Check a student's file, and say what was found in it."""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError, nearest
from eigenlab.grading.parts import PARTS, CheckResult, Part, parts
from eigenlab.grading.problems import (
    absence,
    chosen_aliases,
    is_left_out,
    problem_number,
    problems_of,
)
from eigenlab.grading.runner import run_parts
from eigenlab.grading.student_file import StudentFile, globals_of, read_student_file

PASSED, FAILED, LEFT_OUT = "passed", "failed", "left out"
Runner = Callable[[str, Sequence[str]], Sequence[CheckResult]]
#: Characters of a hint; an exception of the student's code may hold a whole tensor.
LONGEST_HINT = 2000
UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")


@dataclass(frozen=True)
class PartReport:
    """What was found for one part.

    Args:
        part: id of the part.
        title: what is to be written.
        status: ``"passed"``, ``"failed"`` or ``"left out"``.
        max_error: largest absolute error; infinite if nothing could be compared.
        hint: what is wrong, or why the part is left out.
        note: what else the check found, if the part passed.
        max_score: points of the part.
        code: the student's name -> its definition.
    """

    part: str
    title: str
    status: str
    max_error: float = math.inf
    hint: str = ""
    note: str = ""
    max_score: float = 1.0
    code: Mapping[str, str] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The part's points if it passed, else 0."""
        return self.max_score if self.status == PASSED else 0.0


@dataclass(frozen=True)
class FileReport:
    """What the check of a student's file found.

    Args:
        file: name of the file.
        problems: numbers of the problems that were checked.
        parts: what was found for each of their parts.
        taken: sentences on what of the file was run.
        left_out: reason -> where and what of the file was not run.
        syntax_errors: place and message of each cell that is no valid Python.
        notes: what else there is to say about the file.
    """

    file: str
    problems: Sequence[str]
    parts: Sequence[PartReport]
    taken: Sequence[str]
    left_out: Mapping[str, Sequence[str]]
    syntax_errors: Sequence[str]
    notes: Sequence[str]

    @property
    def passed(self) -> bool:
        """Whether a part passed and none failed."""
        found = {part.status for part in self.parts}
        return PASSED in found and FAILED not in found

    @property
    def score(self) -> float:
        """Points of the parts that passed."""
        return sum(part.score for part in self.parts)

    @property
    def max_score(self) -> float:
        """Points of all parts that were checked."""
        return sum(part.max_score for part in self.parts if part.status != LEFT_OUT)

    def as_dict(self) -> dict[str, Any]:
        """The report in types that JSON has; an infinite error is None."""
        return {
            "file": self.file,
            "problems": list(self.problems),
            "passed": self.passed,
            "score": self.score,
            "max_score": self.max_score,
            "parts": [
                {
                    "part": part.part,
                    "title": part.title,
                    "status": part.status,
                    "max_error": part.max_error if math.isfinite(part.max_error) else None,
                    "hint": part.hint,
                    "note": part.note,
                    "score": part.score,
                    "max_score": part.max_score,
                }
                for part in self.parts
            ],
            "taken": list(self.taken),
            "left_out": {reason: list(found) for reason, found in self.left_out.items()},
            "syntax_errors": list(self.syntax_errors),
            "notes": list(self.notes),
        }


def check_file(
    path: str | Path,
    *,
    problem: str = "",
    execute: bool = False,
    aliases: Mapping[str, Sequence[str]] | None = None,
    points: Mapping[str, float] | None = None,
    run: Runner = run_parts,
) -> FileReport:
    """Check a student's notebook or script.

    Args:
        path: a file that ends with .ipynb or .py, also one written for Colab.
        problem: number or name of the problem, such as ``"5"`` or ``"clustering"``. Default:
            ``""``, those whose names the file defines.
        execute: whether all statements are run, not only imports, definitions and simple
            constants. Default: ``False``.
        aliases: name that the checks use -> names that the file may have for it; the first that it
            defines is taken. Default: ``None``, no others.
        points: id of a part -> its points; a part of 0 points is left out. Default: ``None``, one
            point each.
        run: executes code and checks parts. Default: in a process of its own.

    Returns:
        what was found for each part.

    Raises:
        InputError: the file cannot be read or has nothing of the course, or there is no such
            problem or part.
    """
    aliases, points = aliases or {}, checked_points(points or {})
    given = problem_number(problem) if problem else ""
    file = read_student_file(path, execute=execute)
    numbers = [given] if given else problems_of(file, aliases)
    chosen = chosen_aliases(file, aliases)
    every = [part for number in numbers for part in parts(number)]
    before = {part.id: _before(part, file, chosen, points) for part in every}
    to_run = [part.id for part in every if before[part.id] is None]
    found = run(file.program(chosen), to_run) if to_run else []
    results = {result.part: result for result in found}
    reports = [
        before[part.id] or _after(part, results.get(part.id), file, chosen, points)
        for part in every
    ]
    if all(report.status == LEFT_OUT for report in reports):
        raise InputError(f"{path} has none of the parts of problem {' and '.join(numbers)}")
    return FileReport(
        Path(path).name,
        numbers,
        reports,
        _taken(file),
        file.left_out,
        file.syntax_errors,
        _notes(file, chosen),
    )


def checked_points(points: Mapping[str, Any]) -> dict[str, float]:
    """Points of parts.

    Raises:
        InputError: there is no such part, or its points are no number of at least 0.
    """
    for part, value in points.items():
        if part not in PARTS:
            known = ", ".join(sorted(PARTS))
            raise InputError(f"points of {part!r}: no such part{nearest(part, PARTS)}; {known}")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (is_number and 0 <= value < math.inf):
            raise InputError(f"points of {part}: {value!r} is not a number of at least 0")
    return {part: float(value) for part, value in points.items()}


def _before(
    part: Part, file: StudentFile, aliases: Mapping[str, str], points: Mapping[str, float]
) -> PartReport | None:
    """The report of a part that is not run; None for one that is."""
    worth = points.get(part.id, 1.0)
    report = PartReport(part.id, part.title, LEFT_OUT, max_score=worth)
    if worth == 0:
        return replace(report, hint="it has no points.")
    missing = absence(part, file, aliases)
    if not missing:
        return None
    if is_left_out(part, file, aliases):
        return replace(report, hint=missing)
    return replace(report, status=FAILED, hint=missing)


def _after(
    part: Part,
    result: CheckResult | None,
    file: StudentFile,
    aliases: Mapping[str, str],
    points: Mapping[str, float],
) -> PartReport:
    names = [aliases.get(name, name) for name in part.names]
    return PartReport(
        part.id,
        part.title,
        PASSED if result is not None and result.passed else FAILED,
        math.inf if result is None else result.max_error,
        "No result came back." if result is None else _completed(result.hint, file),
        "" if result is None else result.note,
        points.get(part.id, 1.0),
        {name: file.definitions[name].source for name in names},
    )


def _completed(hint: str, file: StudentFile) -> str:
    """A hint of readable length that also says where a name is assigned that was not found."""
    hint = "".join(c for c in hint[:LONGEST_HINT] if c.isprintable() or c == "\n")
    found = UNDEFINED.search(hint)
    place = file.not_run.get(found[1]) if found else None
    return f"{hint} ({found[1]} is set in {place}, which is not run)" if found and place else hint


def _taken(file: StudentFile) -> list[str]:
    kinds = (("class", "classes"), ("function", "functions"), ("value", "constants"))
    lists = ((plural, file.taken(kind)) for kind, plural in kinds)
    return [f"{plural}: {', '.join(names)}" for plural, names in lists if names]


def _notes(file: StudentFile, aliases: Mapping[str, str]) -> list[str]:
    used = {aliases.get(name, name) for part in PARTS.values() for name in part.names}
    notes = [f"{given} is checked as {name}." for name, given in aliases.items()]
    for name, count in file.repeated.items():
        if name in used:
            place = file.definitions[name].place
            notes.append(f"{name} is defined {count} times; the last one counts ({place}).")
    notes += _stale(file, used)
    absent = _not_installed(file)
    if absent:
        notes.append(f"Not installed here: {', '.join(absent)}. What needs them fails when used.")
    return notes


def _stale(file: StudentFile, used: set[str]) -> list[str]:
    """Names of the parts, or that they read, which statements that are not run set again."""
    own = [file.definitions[name].source for name in file.taken("class", "function")]
    read = used.union(*map(globals_of, own))
    return [
        f"{name} is set or changed again in {place}, which is not run; what counts is "
        f"{file.definitions[name].place}."
        for name, place in file.not_run.items()
        if name in read and name in file.taken("class", "function", "value")
    ]


def _not_installed(file: StudentFile) -> list[str]:
    return [name for name in dict.fromkeys(file.modules) if name and not _is_installed(name)]


def _is_installed(name: str) -> bool:
    root = name.partition(".")[0]
    try:
        return name != "google.colab" and importlib.util.find_spec(root) is not None
    except (ImportError, ValueError):
        return False
