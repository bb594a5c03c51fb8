"""Grade one submission, in whatever files it was handed in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from eigenlab.errors import InputError
from eigenlab.grading import folders
from eigenlab.grading.batch.archives import unpack
from eigenlab.grading.file_check import FileReport, Runner, check_file
from eigenlab.grading.problems import NothingOfTheCourse, is_unwritten, problem_number, problems_of
from eigenlab.grading.student_file import StudentFile, read_student_file

#: Bytes of a student's zip file, unpacked.
MAX_BYTES = 500_000_000


@dataclass(frozen=True)
class Settings:
    """How submissions are graded; the same for a whole course.

    Args:
        problem: number or name of the problem. Default: ``""``, those that a file has code of.
        execute: whether all statements of a file are run. Default: ``False``.
        aliases: name that the checks use -> names that files may have for it. Default: none.
        points: id of a part -> its points. Default: none, one point each.
        part_seconds: seconds of processor time that a part may take. Default: ``30.0``.
    """

    problem: str = ""
    execute: bool = False
    aliases: dict[str, list[str]] = field(default_factory=dict)
    points: dict[str, float] = field(default_factory=dict)
    part_seconds: float = 30.0


def grade_files(
    files: Sequence[Path], settings: Settings, run: Runner, only: Sequence[str] = ()
) -> FileReport:
    """Grade the files of one submission: notebooks and scripts, also in zip files.

    Files that have nothing of the course are left out, and named. Of several files of the same
    problem those in which every part still has to be written give way, and scripts to a notebook;
    for its other problems such a script still counts. If one problem is asked for, a submission
    without any code of it has none of its parts, whatever else it has.

    Args:
        files: notebooks, scripts and zip files.
        settings: how they are graded.
        run: executes code and checks parts.
        only: ids of the parts to report. Default: all.

    Raises:
        InputError: no file can be read, or two files are of the same problem.
    """
    with folders.temporary() as folder:
        sources, notes = _sources(files, Path(folder))
        chosen, more = _chosen(sources, settings)
        reports = [
            check_file(
                path,
                problem=numbers,
                execute=settings.execute,
                aliases=settings.aliases,
                points=settings.points,
                only=only,
                run=run,
            )
            for path, numbers in chosen.items()
        ]
    found = merged(reports)
    return replace(found, notes=[*found.notes, *notes, *more])


def _sources(files: Sequence[Path], folder: Path) -> tuple[list[Path], list[str]]:
    """Notebooks and scripts, with those of zip files, and what is said of others."""
    found, notes = [], []
    for number, path in enumerate(files):
        if path.suffix.lower() != ".zip":
            found.append(path)
            continue
        inner = unpack(path, folder / str(number), max_bytes=MAX_BYTES)
        found += [p for p in inner if p.suffix.lower() in (".ipynb", ".py")]
        notes += [
            f"{p.name}, a zip file in a zip file, is not read."
            for p in inner
            if p.suffix.lower() == ".zip"
        ]
    return found, notes


def _chosen(paths: Sequence[Path], settings: Settings) -> tuple[dict[Path, list[str]], list[str]]:
    """The files to grade with the problems that each counts for, and what is said of the rest."""
    if not paths:
        raise InputError("there is no notebook and no script")
    wanted = problem_number(settings.problem) if settings.problem else ""
    by_problem: dict[str, list[StudentFile]] = {}
    errors: dict[Path, str] = {}
    others: list[Path] = []
    for path in paths:
        try:
            file = read_student_file(path, execute=settings.execute)
            numbers = problems_of(file, settings.aliases)
        except NothingOfTheCourse as error:
            others.append(path)
            errors[path] = str(error).replace(str(path), path.name)
            continue
        except InputError as error:
            errors[path] = str(error).replace(str(path), path.name)
            continue
        if wanted and wanted not in numbers:
            others.append(path)
            errors[path] = f"it is of problem {' and '.join(numbers)}"
        for number in [n for n in numbers if not wanted or n == wanted]:
            by_problem.setdefault(number, []).append(file)
    if not by_problem:
        return _without_code(others, errors, wanted)
    chosen: dict[Path, list[str]] = {}
    notes = [f"{path.name} is not graded: {words}" for path, words in errors.items()]
    for number, same in sorted(by_problem.items()):
        best, more = _preferred(number, same, settings.aliases)
        chosen.setdefault(best, []).append(number)
        notes += more
    return chosen, notes


def _without_code(
    others: Sequence[Path], errors: Mapping[Path, str], wanted: str
) -> tuple[dict[Path, list[str]], list[str]]:
    """What to grade where no file has code of the problem: every part of it is missing.

    A file that cannot be read may have that code, so then nothing is graded.
    """
    if not wanted or len(others) < len(errors):
        raise InputError("; ".join(list(errors.values())[:3]))
    notes = [f"{path.name} has no code of problem {wanted}: {errors[path]}" for path in others]
    return {others[0]: [wanted]}, notes


def _preferred(
    number: str, files: Sequence[StudentFile], aliases: Mapping[str, Sequence[str]]
) -> tuple[Path, list[str]]:
    """The file that counts for a problem, and what is said of the others."""
    begun = [file for file in files if not is_unwritten(file, number, aliases)] or list(files)
    notes = [
        f"{file.path.name} is not graded for problem {number}: all of it still has to be written."
        for file in files
        if file not in begun
    ]
    notebooks = [file for file in begun if file.path.suffix.lower() == ".ipynb"]
    few = notebooks if len(notebooks) == 1 else begun
    if len(few) > 1:
        names = ", ".join(sorted(file.path.name for file in begun))
        raise InputError(
            f"several files are of problem {number}: {names}; keep the one that counts"
        )
    best = few[0].path
    notes += [
        f"{file.path.name} is not graded for problem {number}: {best.name} is the notebook."
        for file in begun
        if file.path != best
    ]
    return best, notes


def merged(reports: Sequence[FileReport]) -> FileReport:
    """One report of several files.

    Raises:
        ValueError: a part is in two of the reports, and would count twice.
    """
    if len(reports) == 1:
        return reports[0]
    counts = Counter(part.part for report in reports for part in report.parts)
    twice = [part for part, count in counts.items() if count > 1]
    if twice:
        files = ", ".join(report.file for report in reports)
        raise ValueError(f"parts {', '.join(twice)} are in several of the reports of {files}")
    left_out: dict[str, list[str]] = {}
    for report in reports:
        for reason, found in report.left_out.items():
            left_out.setdefault(reason, []).extend(f"{report.file}: {text}" for text in found)

    def named(attribute: str) -> Iterator[str]:
        for report in reports:
            yield from (f"{report.file}: {text}" for text in getattr(report, attribute))

    return FileReport(
        ", ".join(report.file for report in reports),
        list(dict.fromkeys(n for report in reports for n in report.problems)),
        [part for report in reports for part in report.parts],
        list(named("taken")),
        left_out,
        list(named("syntax_errors")),
        list(named("notes")),
        tuple(dict.fromkeys(layer for report in reports for layer in report.layers)),
    )


def with_part(report: FileReport, again: FileReport) -> FileReport:
    """A report with the parts that were graded again in their places."""
    parts = {part.part: part for part in again.parts}
    return replace(report, parts=[parts.get(part.part, part) for part in report.parts])


def without_names(text: str, words: Sequence[str]) -> str:
    """Text in which the words of a name are replaced; short ones only where they stand alone.

    >>> without_names("doejane_problem_1.ipynb by Jane Doe", ["doejane", "Jane Doe"])
    '[name]_problem_1.ipynb by [name]'
    """
    parts = {part for word in words for part in [word, *re.split(r"[^\w@.]+|_", word)]}
    for part in sorted(filter(lambda p: len(p) > 2, parts), key=len, reverse=True):
        pattern = re.escape(part) if len(part) > 4 else rf"(?<![^\W_]){re.escape(part)}(?![^\W_])"
        text = re.sub(pattern, "[name]", text, flags=re.I)
    return text
