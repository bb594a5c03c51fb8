"""Turn runs into one self-contained HTML page.

The page makes no request of any kind: styles, script, plotly.js and the figures are inside it, and
its content security policy forbids the browser to fetch anything else. The same runs give the
same page, byte for byte.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

import eigenlab
from eigenlab.experiments.questions import QUESTIONS, formulas
from eigenlab.lab import Answer, Check, Claim, ClaimResult, Explorer, Outcome
from eigenlab.plots import DARK, HEIGHT, LIGHT, figure_script, plotly_script
from eigenlab.report.collect import Run, command_for, python_for
from eigenlab.report.frames import frames
from eigenlab.report.mathematics import render_formula, render_text
from eigenlab.report.numbers import (
    format_cell,
    format_expected,
    format_measured,
    format_number,
    format_seconds,
)

SHOWN = 8  # checks of one claim; more are collapsed


@dataclass(frozen=True)
class Verdict:
    """How an outcome is shown: never by colour alone.

    Args:
        key: identifier, such as ``"held"``.
        symbol: one character.
        label: in words.
        plural: in words, for several.
    """

    key: str
    symbol: str
    label: str
    plural: str


HELD = Verdict("held", "✓", "held", "held")
FINDING = Verdict("finding", "✗", "failed, as documented", "failed as documented: findings")
FAILED = Verdict("failed", "✗", "failed", "failed, against the documentation")
UNEXPECTED = Verdict(
    "unexpected", "✓", "held, documented as failed", "held, against the documentation"
)
NOT_RUN = Verdict("not-run", "–", "not run", "not run")
NOT_CLAIMED = Verdict("not-claimed", "○", "not claimed here", "not claimed for these settings")
ERROR = Verdict("error", "!", "error", "ended in an error")
VERDICTS = (HELD, FINDING, FAILED, UNEXPECTED, ERROR, NOT_RUN, NOT_CLAIMED)

ORIGINS = {
    "course": "the text of the course",
    "notebook": "a number in its notebooks",
    "ours": "this project, or a paper",
}


def verdict(claim: Claim, result: ClaimResult) -> Verdict:
    """Compare the outcome in ``result`` with the outcome that ``claim`` documents."""
    if result.outcome is Outcome.NOT_RUN:
        return NOT_RUN
    if result.outcome is Outcome.NOT_CLAIMED:
        return NOT_CLAIMED
    if result.outcome is Outcome.ERROR:
        return ERROR
    if result.outcome is Outcome.HELD:
        return HELD if claim.documented is Outcome.HELD else UNEXPECTED
    return FINDING if claim.documented is Outcome.FAILED else FAILED


@dataclass(frozen=True)
class _Claim:
    claim: Claim
    result: ClaimResult
    anchor: str

    @cached_property
    def verdict(self) -> Verdict:
        return verdict(self.claim, self.result)

    @cached_property
    def evidence(self) -> tuple[list[Check], list[Check]]:
        """The checks to show and those to collapse; checks that do not hold are always shown."""
        checks = list(self.result.checks)
        if len(checks) <= SHOWN:
            return checks, []
        shown = {id(check) for check in checks if not check.holds}
        shown |= {id(check) for check in checks[: max(1, SHOWN - 2 - len(shown))]}
        return [c for c in checks if id(c) in shown], [c for c in checks if id(c) not in shown]


@dataclass(frozen=True)
class _Figure:
    anchor: str
    title: str
    caption: str
    height: int = HEIGHT
    data: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Explorer:
    """A figure with sliders; ``data`` holds its frames (see :mod:`eigenlab.report.frames`)."""

    anchor: str
    title: str
    caption: str
    controls: Sequence[tuple[str, Sequence[str], int]]
    heights: Sequence[int]
    command: str
    data: Markup


@dataclass(frozen=True)
class _Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]

    @cached_property
    def alignment(self) -> list[str]:
        """Class of each column: ``number`` where every cell is a number, else empty."""
        return [
            "number" if self.rows and all(_is_number(row[place]) for row in self.rows) else ""
            for place in range(len(self.columns))
        ]


@dataclass(frozen=True)
class _Answered:
    """One question with its answers, their figures, and its claims."""

    id: str
    anchor: str
    text: str
    formulas: Sequence[str]
    answers: Sequence[tuple[str, _Figure | None]]
    explorers: Sequence[_Explorer]
    derivation: Sequence[tuple[str, str]]
    claims: Sequence[_Claim]


@dataclass(frozen=True)
class _Section:
    """One run, ready for the template."""

    run: Run
    anchor: str

    @cached_property
    def claims(self) -> list[_Claim]:
        by_id = {claim.id: claim for claim in self.run.experiment.claims}
        return [
            _Claim(by_id[result.id], result, f"{self.anchor}--{_slug(result.id)}")
            for result in self.run.result.claims
        ]

    @cached_property
    def questions(self) -> list[_Answered]:
        """The questions of the experiment, and those that only a claim names."""
        asked = {question.id: question.text for question in QUESTIONS}
        written = self.run.experiment.answers
        found = []
        named = [claim.claim.question for claim in self.claims]
        for id in dict.fromkeys([*self.run.experiment.questions, *named]):
            answers = [item for item in written if item.question == id]
            found.append(
                _Answered(
                    id=id,
                    anchor=f"{self.anchor}--question-{_slug(id)}",
                    text=asked.get(id, ""),
                    formulas=formulas(id) if id in asked else [],
                    answers=[pair for item in answers if (pair := self._answer(item))],
                    explorers=[
                        shown
                        for item in self.run.experiment.explorers
                        if item.question == id and (shown := self._explorer(item))
                    ],
                    derivation=[step for item in answers for step in item.derivation],
                    claims=[claim for claim in self.claims if claim.claim.question == id],
                )
            )
        return found

    def _answer(self, item: Answer) -> tuple[str, _Figure | None] | None:
        """The text of an answer and its figure; None where its record was not measured."""
        record = self.run.result.record(item.record)
        if record is None:
            return None
        try:
            text = item(record)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # A damaged record must not prevent the rest of the page from being shown.
            text = f"The answer could not be written ({type(error).__name__}: {error})."
        return text, self._drawn.get(item.figure)

    def _explorer(self, item: Explorer) -> _Explorer | None:
        """A figure with sliders; None where its grid was not measured, or is damaged."""
        record, config = self.run.result.record(item.record), self.run.result.config
        if record is None:
            return None
        try:
            found = frames(item, record)
            start = item.start(record, config)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return None
        points, values = item.points(record), item.values(record)
        commands = [
            command_for(self.run.experiment.name, item.config(config, point)) for point in points
        ]
        places = [
            list(known).index(points[start][control.setting])
            for control, known in zip(item.controls, values, strict=True)
        ]
        return _Explorer(
            anchor=f"{self.anchor}--explorer-{_slug(item.name)}",
            title=item.title,
            caption=item.caption,
            controls=[
                (control.label, [format_cell(value) for value in known], place)
                for control, known, place in zip(item.controls, values, places, strict=True)
            ],
            heights=found.heights,
            command=commands[start],
            data=_embed({"start": start, "commands": commands, **found.content}),
        )

    @cached_property
    def figures(self) -> list[_Figure]:
        """The figures that are not shown with an answer."""
        measured = self.run.result.record
        shown = {item.figure for item in self.run.experiment.answers if measured(item.record)}
        return [figure for name, figure in self._drawn.items() if name not in shown]

    @cached_property
    def _drawn(self) -> dict[str, _Figure]:
        result = self.run.result
        return {
            figure.name: self._figure(figure.name, figure.title, figure.caption_for(result.config))
            for figure in self.run.experiment.figures
            if result.record(figure.record) is not None
        }

    def _figure(self, name: str, title: str, caption: str) -> _Figure:
        anchor = f"{self.anchor}--figure-{_slug(name)}"
        try:
            drawn = json.loads(self.run.result.figure(name).to_json())
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            # A damaged record must not prevent the rest of the page from being shown.
            problem = f"could not be drawn ({type(error).__name__}: {error})"
            return _Figure(anchor, title, caption, problem=problem)
        drawn["layout"].pop("template", None)
        height = drawn["layout"].get("height") or HEIGHT
        return _Figure(anchor, title, caption, height, _embed(drawn))

    @cached_property
    def tables(self) -> list[_Table]:
        found = [(t, self.run.result.record(t.record)) for t in self.run.experiment.tables]
        return [_Table(t.title, *t.rows(record)) for t, record in found if record is not None]

    @cached_property
    def settings(self) -> list[tuple[str, Any, str]]:
        """Name, value and description of every config field."""
        config = self.run.result.config
        return [
            (name, getattr(config, name), field.description or "")
            for name, field in type(config).model_fields.items()
        ]

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.run.result.stages.values())

    @property
    def command(self) -> str:
        return command_for(self.run.experiment.name, self.run.result.config)

    @property
    def python(self) -> str:
        return python_for(self.run.experiment.name, self.run.result.config)


def render(runs: Sequence[Run], notes: Mapping[str, Mapping[str, str]] | None = None) -> str:
    """Return the page for ``runs``, a complete HTML document.

    Args:
        runs: as :func:`~eigenlab.report.collect` reads them, in the order of the page.
        notes: what :func:`~eigenlab.report.read_notes` gives; experiments that left no run are
            listed with the reason.
    """
    present = {run.experiment.name for run in runs}
    absent = [(name, note) for name, note in (notes or {}).items() if name not in present]
    sections = _sections(runs)
    verdicts = [claim.verdict for section in sections for claim in section.claims]
    count = Counter(item.key for item in verdicts)
    shown = [item for item in VERDICTS if count[item.key]]
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            sections=sections,
            total=len(verdicts),
            n_questions=len({item.id for section in sections for item in section.questions}),
            findings=[
                claim
                for section in sections
                for claim in section.claims
                if claim.verdict is FINDING and claim.claim.origin != "ours"
            ],
            environments=_environments(runs),
            absent=[(name, note.get("reason") or "not reached") for name, note in absent],
            counts=[(item, count[item.key]) for item in shown],
            verdicts=shown,
            origins=_origins([claim for section in sections for claim in section.claims], shown),
            seconds=sum(section.seconds for section in sections),
            version=eigenlab.__version__,
            style=Markup(page_style()),
            script=Markup(page_script()),
            plotly=Markup(plotly_script().replace("</script", "<\\/script"))
            if any(section._drawn for section in sections)
            else "",
            themes=_embed({"light": LIGHT, "dark": DARK}),
        )
    )
    return page + "\n"


def _origins(
    claims: Sequence[_Claim], shown: Sequence[Verdict]
) -> list[tuple[str, int, list[int]]]:
    """Words for who makes a statement, number of claims, and numbers by verdict."""
    rows = []
    for origin, words in ORIGINS.items():
        mine = [claim for claim in claims if claim.claim.origin == origin]
        count = Counter(claim.verdict.key for claim in mine)
        if mine:
            rows.append((words, len(mine), [count[item.key] for item in shown]))
    return rows


def _environments(runs: Sequence[Run]) -> list[tuple[Mapping[str, Any], list[str]]]:
    """Each different environment with the names of the experiments that were measured there."""
    found: dict[str, tuple[Mapping[str, Any], list[str]]] = {}
    for run in runs:
        key = json.dumps(run.environment, sort_keys=True, default=str)
        found.setdefault(key, (run.environment, []))[1].append(run.experiment.name)
    return list(found.values())


def _sections(runs: Sequence[Run]) -> list[_Section]:
    seen: Counter[str] = Counter()
    sections = []
    for run in runs:
        name = run.experiment.name
        seen[name] += 1
        sections.append(_Section(run, name if seen[name] == 1 else f"{name}-{seen[name]}"))
    return sections


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eigenlab.report", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": format_number,
        "seconds": format_seconds,
        "expected": format_expected,
        "measured": format_measured,
        "cell": format_cell,
        "formula": lambda latex: render_formula(latex, display=True),
        "mathematics": render_text,
    }
    return environment


def _is_number(cell: Any) -> bool:
    """Whether a cell is to be aligned as a number: ``0.3``, ``"12.5"``, ``"7 %"``, or missing."""
    if isinstance(cell, str):
        return re.fullmatch(r"[-−+]?[\d.]+(e[-−+]?\d+)?( ?%)?", cell) is not None
    return cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool))


def page_script() -> str:
    """Return the script of a page of figures, with and without sliders."""
    return figure_script() + _asset("report.js")


def page_style() -> str:
    """Return the style sheet of the report, light and dark."""
    return _asset("report.css")


def _asset(name: str) -> str:
    return (resources.files("eigenlab.report") / "assets" / name).read_text(encoding="utf-8")


def _embed(value: Any) -> Markup:
    """JSON that is safe inside ``<script type="application/json">``."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _slug(text: str) -> str:
    return "".join(character if character.isalnum() else "-" for character in text)
