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
from eigenlab.grading.comparison import Picture
from eigenlab.grading.isolation import Limits, Outcome, Report, Template, check_source
from eigenlab.grading.parts import PARTS, Part, parts
from eigenlab.grading.problems import (
    absence,
    chosen_aliases,
    is_left_out,
    problem_number,
    problems_of,
)
from eigenlab.grading.student_file import StudentFile, globals_of, read_student_file

PASSED, FAILED, MISSING, HUNG, DIED = "passed", "failed", "missing", "hung", "died"
LEFT_OUT = "left out"
#: Executes source code and checks parts.
Runner = Callable[[str, Sequence[str]], Report]
#: Characters of a hint; an exception of the student's code may hold a whole tensor.
LONGEST_HINT = 2000
UNDEFINED = re.compile(r"NameError: name '(\w+)' is not defined")


@dataclass(frozen=True)
class PartReport:
    """What was found for one part.

    Args:
        part: id of the part.
        title: what is to be written.
        status: ``"passed"``, ``"failed"``, ``"missing"`` (not defined), ``"hung"`` (out of time),
            ``"died"`` (its process ended) or ``"left out"``.
        max_error: largest absolute error; infinite if nothing could be compared.
        hint: what is wrong, or why the part is left out.
        note: what else the check found, if the part passed.
        max_score: points of the part.
        code: the student's name -> its definition.
        output: the end of what the code printed while a part failed.
        picture: values of the student's code beside the right ones; see
            :class:`~eigenlab.grading.parts.CheckResult`.
    """

    part: str
    title: str
    status: str
    max_error: float = math.inf
    hint: str = ""
    note: str = ""
    max_score: float = 1.0
    code: Mapping[str, str] = field(default_factory=dict)
    output: str = ""
    picture: Picture | None = field(default=None, repr=False, compare=False)

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
        layers: what confined the student's code, such as ``"seccomp"``; none if none was run.
    """

    file: str
    problems: Sequence[str]
    parts: Sequence[PartReport]
    taken: Sequence[str]
    left_out: Mapping[str, Sequence[str]]
    syntax_errors: Sequence[str]
    notes: Sequence[str]
    layers: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether a part passed and every other one passed or is left out."""
        found = {part.status for part in self.parts}
        return PASSED in found and found <= {PASSED, LEFT_OUT}

    @property
    def score(self) -> float:
        """Points of the parts that passed."""
        return sum(part.score for part in self.parts)

    @property
    def max_score(self) -> float:
        """Points of all parts that were checked."""
        return sum(part.max_score for part in self.parts if part.status != LEFT_OUT)

    def as_dict(self, *, code: bool = False) -> dict[str, Any]:
        """The report in types that JSON has; an infinite error is None.

        Args:
            code: whether each part has the definitions that were checked. Default: ``False``.
        """
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
                    "output": part.output,
                    **({"code": dict(part.code)} if code else {}),
                }
                for part in self.parts
            ],
            "taken": list(self.taken),
            "left_out": {reason: list(found) for reason, found in self.left_out.items()},
            "syntax_errors": list(self.syntax_errors),
            "notes": list(self.notes),
            "layers": list(self.layers),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> FileReport:
        """The report that :meth:`as_dict` gave."""
        parts = [
            PartReport(
                **{
                    **{key: value for key, value in item.items() if key != "score"},
                    "max_error": math.inf if item["max_error"] is None else item["max_error"],
                }
            )
            for item in content["parts"]
        ]
        given = {key: content[key] for key in ("file", "problems", "taken", "left_out")}
        rest = {key: content[key] for key in ("syntax_errors", "notes", "layers")}
        return cls(**given, **rest, parts=parts)


def check_file(
    path: str | Path,
    *,
    problem: str | Sequence[str] = "",
    execute: bool = False,
    aliases: Mapping[str, Sequence[str]] | None = None,
    points: Mapping[str, float] | None = None,
    only: Sequence[str] = (),
    run: Runner | None = None,
) -> FileReport:
    """Check a student's notebook or script.

    Args:
        path: a file that ends with .ipynb or .py, also one written for Colab.
        problem: number or name of the problem, such as ``"5"`` or ``"clustering"``, or several of
            them. Default: ``""``, those whose names the file defines.
        execute: whether all statements are run, not only imports, definitions and simple
            constants. Default: ``False``.
        aliases: name that the checks use -> names that the file may have for it; the first that it
            defines is taken. Default: ``None``, no others.
        points: id of a part -> its points; a part of 0 points is left out. Default: ``None``, one
            point each.
        only: ids of the parts to report. Default: all.
        run: executes code and checks parts. Default: ``None``, that of :func:`isolated`.

    Returns:
        what was found for each part.

    Raises:
        InputError: the file cannot be read or has nothing of the course, or there is no such
            problem or part.
    """
    aliases, points = aliases or {}, checked_points(points or {})
    asked = [problem] if isinstance(problem, str) else problem
    given = [problem_number(one) for one in asked if one]
    file = read_student_file(path, execute=execute)
    numbers = list(dict.fromkeys(given)) or problems_of(file, aliases)
    chosen = chosen_aliases(file, aliases)
    every = [p for number in numbers for p in parts(number) if not only or p.id in only]
    before = {part.id: _before(part, file, chosen, points) for part in every}
    to_run = [part.id for part in every if before[part.id] is None]
    run = run or isolated(execute=execute)
    found = run(file.program(chosen), to_run) if to_run else Report([], ())
    outcomes = {outcome.result.part: outcome for outcome in found.outcomes}
    reports = [
        before[part.id] or _after(part, outcomes.get(part.id), file, chosen, points)
        for part in every
    ]
    if not only and all(report.status == LEFT_OUT for report in reports):
        raise InputError(f"{path} has none of the parts of problem {' and '.join(numbers)}")
    return FileReport(
        Path(path).name,
        numbers,
        reports,
        _taken(file),
        file.left_out,
        file.syntax_errors,
        _notes(file, chosen),
        found.layers,
    )


def isolated(
    *, execute: bool = False, limits: Limits | None = None, template: Template | None = None
) -> Runner:
    """A function that checks parts in confined processes.

    Args:
        execute: whether the source is a whole file, which takes long and is executed once for all
            parts. Default: ``False``.
        limits: what the code may use. Default: ``None``, those of
            :meth:`Limits.of_parts <eigenlab.grading.isolation.Limits.of_parts>`.
        template: the process to copy. Default: ``None``, one for each call.
    """
    chosen = limits or Limits.of_parts(execute=execute)
    return lambda source, parts: check_source(
        source, parts, limits=chosen, template=template, together=execute
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
    if is_left_out(part, file, aliases, points):
        return replace(report, hint=missing)
    return replace(report, status=MISSING, hint=missing)


def _after(
    part: Part,
    outcome: Outcome | None,
    file: StudentFile,
    aliases: Mapping[str, str],
    points: Mapping[str, float],
) -> PartReport:
    names = [aliases.get(name, name) for name in part.names]
    code = {name: file.definitions[name].source for name in names}
    worth = points.get(part.id, 1.0)
    if outcome is None:
        words = "No result came back."
        return PartReport(part.id, part.title, DIED, hint=words, max_score=worth, code=code)
    result = outcome.result
    return PartReport(
        part.id,
        part.title,
        outcome.status,
        result.max_error,
        _completed(result.hint, file),
        result.note,
        worth,
        code,
        "" if outcome.status == PASSED else _printable(outcome.output),
        result.picture,
    )


def _completed(hint: str, file: StudentFile) -> str:
    """A hint of readable length that also says where a name is assigned that was not found."""
    hint = _printable(hint[:LONGEST_HINT])
    found = UNDEFINED.search(hint)
    place = file.not_run.get(found[1]) if found else None
    return f"{hint} ({found[1]} is set in {place}, which is not run)" if found and place else hint


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


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
