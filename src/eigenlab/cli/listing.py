"""``eigenlab list`` and ``eigenlab show``: experiments, questions, claims and equations."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from eigenlab.cli.selection import question_of
from eigenlab.cli.terminal import output, print_json
from eigenlab.errors import InputError, nearest
from eigenlab.experiments import Outline, outlines


def print_experiments(*, json: bool) -> None:
    """Print name, questions, measured minutes and title of every experiment."""
    known = outlines()
    if json:
        print_json(
            {
                name: {"title": o.title, "questions": o.questions, "minutes": o.minutes}
                for name, o in known.items()
            }
        )
        return
    head = ("experiment", "questions", "minutes: smoke, course, full", "title")
    rows = [(name, _questions(o.questions), _minutes(o), o.title) for name, o in known.items()]
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(3)]
    for row in (head, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        output().print("  ".join((*cells, row[3])), markup=False, soft_wrap=True)


def _questions(ids: tuple[str, ...]) -> str:
    """The ids, a range where they are consecutive letters.

    >>> _questions(("5a", "5b", "5c")), _questions(("2", "2a")), _questions(("1d", "1e"))
    ('5a-5c', '2, 2a', '1d, 1e')
    """
    letters = "".join(id[1:] for id in ids)
    if len(ids) > 2 and letters in "abcdefghijklmnopqrstuvwxyz" and len({i[0] for i in ids}) == 1:
        return f"{ids[0]}-{ids[-1]}"
    return ", ".join(ids)


def _minutes(outline: Outline) -> str:
    def plain(minutes: float | None) -> str:
        if minutes is None:
            return "?"
        return f"{minutes:.0f}" if minutes >= 10 else f"{minutes:.2g}"

    presets = ("smoke", "course", "full")
    return ", ".join(plain(outline.minutes.get(preset)) for preset in presets)


def print_question(asked: str, *, report: Path, json: bool) -> None:
    """Print one question: its claims, and the locations of its equations and claims."""
    from eigenlab.experiments import load_experiment
    from eigenlab.experiments.questions import QUESTIONS, find_equation

    by_id = {question.id: question for question in QUESTIONS}
    names = [name for name, o in outlines().items() if asked in (name, *o.questions)]
    ids = [asked] if asked in by_id else [q for q in _ids(asked) if q in by_id]
    if not ids:
        known = [*by_id, *outlines()]
        raise InputError(
            f"question '{asked}' is unknown{nearest(asked, known)}; "
            f"choose from {', '.join(by_id)}, or name an experiment"
        )
    outcomes = _outcomes(report)
    found = []
    for id in ids:
        names = [name for name, o in outlines().items() if id in o.questions]
        claims = [
            {
                "id": claim.id,
                "statement": claim.statement,
                "documented": claim.documented.value,
                "outcome": outcomes.get(claim.id),
                "place": _place(claim.judge),
            }
            for name in names
            for claim in load_experiment(name).claims
            if claim.question == id
        ]
        equations = [
            {"name": name, "place": _relative(*find_equation(name)[1:])}
            for name in by_id[id].equations
        ]
        found.append(
            {
                "id": id,
                "text": by_id[id].text,
                "equations": equations,
                "experiments": names,
                "claims": claims,
            }
        )
    if json:
        print_json(found)
        return
    for question in found:
        _print(question)


def _ids(asked: str) -> tuple[str, ...]:
    """Questions of an experiment, or those that a group such as ``1`` holds."""
    from eigenlab.experiments.questions import QUESTIONS

    if asked in outlines():
        return outlines()[asked].questions
    wanted = question_of(asked)
    exact = tuple(q.id for q in QUESTIONS if q.id == wanted)
    return exact or tuple(q.id for q in QUESTIONS if wanted and q.id.startswith(wanted))


def _outcomes(report: Path) -> dict[str, str]:
    """Claim id -> outcome, where ``report`` holds runs."""
    from eigenlab.report import collect

    if not report.exists():
        return {}
    return {c.id: c.outcome.value for run in collect(report) for c in run.result.claims}


def _place(function: Callable[..., Any]) -> str:
    path = inspect.getsourcefile(function)
    return _relative(Path(str(path)), inspect.getsourcelines(function)[1])


def _relative(path: Path, line: int) -> str:
    """``file:line``, relative to the working folder where that is shorter."""
    short = os.path.relpath(path)
    return f"{short if len(short) < len(str(path)) else path}:{line}"


def _print(question: Mapping[str, Any]) -> None:
    console = output()

    def line(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    line(f"{question['id']}  {question['text']}")
    for equation in question["equations"]:
        line(f"    equation  {equation['place']}  {equation['name'].partition(':')[2]}")
    for claim in question["claims"]:
        outcome = claim["outcome"] or f"documented as {claim['documented']}"
        line(f"    claim     {claim['place']}  {claim['id']} ({outcome})")
        line(f"              {claim['statement']}")
    for name in question["experiments"]:
        line(f"    measure   eigenlab run {name}")
    line("")
