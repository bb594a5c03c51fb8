"""``eigenlab check``: a student's file, part by part."""

from __future__ import annotations

import json as json_module
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eigenlab.cli.status import DEPARTURE, SUCCESS
from eigenlab.cli.terminal import is_main_process, output, print_json
from eigenlab.errors import InputError
from eigenlab.files import dump_json, write_atomic
from eigenlab.grading.feedback import (
    VISIBILITIES,
    error_text,
    feedback_page,
    gradescope_results,
    left_out_counts,
    score_text,
    sign,
)
from eigenlab.grading.file_check import FileReport, check_file, checked_points
from eigenlab.grading.isolation import describe
from eigenlab.grading.problems import aliases_from, checked_aliases


def report(
    file: Path,
    *,
    problem: str,
    execute: bool,
    alias: Sequence[str],
    aliases: Path | None,
    points: Path | None,
    html: Path | None,
    gradescope: Path | None,
    visibility: str,
    json: bool,
) -> int:
    """Check a file, write what is asked for, and print what was found."""
    if visibility not in VISIBILITIES:
        raise InputError(f"--visibility {visibility}: expected {', '.join(VISIBILITIES)}")
    _refuse_overwriting(file, html, gradescope, aliases, points)
    names, worth = names_and_points(alias, aliases, points)
    found = check_file(
        file,
        problem=problem,
        execute=execute,
        aliases=names,
        points=worth,
    )
    if is_main_process():
        if html is not None:
            write_atomic(html, feedback_page(found))
        if gradescope is not None:
            write_atomic(gradescope, dump_json(gradescope_results(found, visibility)) + "\n")
    if json:
        print_json(found.as_dict())
    else:
        _show(found)
    return SUCCESS if found.passed else DEPARTURE


def names_and_points(
    alias: Sequence[str], aliases: Path | None, points: Path | None
) -> tuple[dict[str, list[str]], dict[str, float]]:
    """Aliases by word and by file, and points by file."""
    names = checked_aliases(_object(aliases, "--aliases")) if aliases else {}
    worth = checked_points(_object(points, "--points")) if points else {}
    return names | checked_aliases(aliases_from(alias)), worth


def _refuse_overwriting(file: Path, html: Path | None, gradescope: Path | None, *read: Any) -> None:
    kept = {path.resolve() for path in (file, *read) if path is not None}
    for option, path in (("--html", html), ("--gradescope", gradescope)):
        if path is None:
            continue
        if path.resolve() in kept:
            raise InputError(f"{option} {path} is a file that is read or written already")
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise InputError(f"{option} {path}: name a file in a folder that exists")
        kept.add(path.resolve())


def _object(path: Path, option: str) -> dict[str, Any]:
    try:
        found = json_module.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise InputError(f"{option} {path} cannot be read as JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f'{option} {path}: expected a JSON object such as {{"1a": 3}}')
    return found


def _show(found: FileReport) -> None:
    lines = [f"{found.file}: problem {' and '.join(found.problems)}, {score_text(found)}", ""]
    for part in found.parts:
        name = part.title if part.title == part.part else f"{part.part} {part.title}"
        head = ", ".join(filter(None, (f"{name}: {part.status}", error_text(part))))
        lines.append(f"{sign(part.status)} {head}")
        lines += [f"    {text}" for text in (part.hint or part.note).splitlines()]
    lines.append("")
    lines += [f"run: {text}" for text in found.taken]
    lines += left_out_counts(found)
    lines += [f"not valid Python: {text}" for text in found.syntax_errors]
    lines += found.notes
    lines += describe(found.layers).splitlines() if found.layers else []
    for line in lines:
        output().print(line, markup=False, soft_wrap=True)
