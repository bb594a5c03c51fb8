"""The studio as a static site: pages whose sliders move over a grid that was computed.

Any web server, or a folder opened in a browser, shows it without Python. The numbers come from the
same functions as the studio's; no equation is written a second time in another language.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jinja2
from markupsafe import Markup

from eigenlab.errors import InputError
from eigenlab.experiments.questions import QUESTIONS, formulas
from eigenlab.files import write_atomic
from eigenlab.lab import Config
from eigenlab.plots import DARK, LIGHT, plotly_script
from eigenlab.report import (
    format_cell,
    pack,
    page_script,
    page_style,
    render_formula,
    render_text,
)
from eigenlab.reporter import SILENT, Reporter
from eigenlab.studio import drawing
from eigenlab.studio.address import Lesson, from_address, to_address
from eigenlab.studio.demos import NAMES, Demo, load_demo

STYLE = """
body { max-width: 84rem; }
.sentence { font-size: 1.15rem; font-weight: 550; min-height: 3.5em; }
.lesson { white-space: pre-wrap; border-left: 4px solid var(--link); padding-left: .8rem; }
"""
LEAD = (
    "Move a slider: every picture was computed by the functions of the course. With Python, "
    "`eigenlab studio` shows the same pages live, with all settings."
)


@dataclass(frozen=True)
class _Page:
    """The figure with sliders of one page, ready for the template."""

    controls: Sequence[tuple[str, Sequence[str], int]]
    panels: Sequence[tuple[drawing.DrawnPanel, int]]
    sentence: str
    command: str
    data: Markup


def export(
    out: Path,
    lessons: Sequence[str] = (),
    *,
    report: Path | None = None,
    reporter: Reporter = SILENT,
) -> list[Path]:
    """Write the site.

    Args:
        out: folder; files of an earlier export are replaced.
        lessons: addresses of the studio, such as ``"/gradient-flow?title=First+steps"``, each of
            which becomes a page of its own. Default: none.
        report: folder of a report, whose page is copied. Default: ``None``.
        reporter: receives progress and may cancel. Default: ``SILENT``.

    Returns:
        The pages.

    Raises:
        InputError: a lesson is no address of a demo that has a grid.
    """
    plans = [(demo.name, demo, demo.settings(), Lesson()) for demo in map(load_demo, NAMES)]
    plans = [plan for plan in plans if plan[1].grid]
    plans += [_lesson(place, address) for place, address in enumerate(lessons, start=1)]
    template = _template()
    out.mkdir(parents=True, exist_ok=True)
    written, cards = [], []
    for place, (name, demo, settings, lesson) in enumerate(plans):
        reporter.raise_if_cancelled()
        reporter.progress(place, len(plans), demo.title)
        title, words = lesson.title or demo.title, lesson.text or demo.summary
        page = _page(demo, settings, lesson, reporter)
        asked = [(q.id, q.text, formulas(q.id)) for q in QUESTIONS if q.id in demo.questions]
        written.append(
            _write(
                out / f"{name}.html",
                template.render(
                    title=title,
                    lead=demo.summary,
                    text=lesson.text,
                    cards=(),
                    page=page,
                    questions=asked,
                    themes=_embed({"light": LIGHT, "dark": DARK}),
                ),
            )
        )
        cards.append((f"{name}.html", title, words))
    if report is not None and (report / "index.html").is_file():
        whole = (report / "index.html").read_text(encoding="utf-8")
        written.append(_write(out / "report.html", whole))
        cards.append(("report.html", "The report", "Every question with its answer and evidence."))
    index = template.render(
        title="eigenlab",
        lead=LEAD,
        text="",
        cards=cards,
        page=None,
        questions=(),
        themes=_embed({"light": LIGHT, "dark": DARK}),
    )
    written.insert(0, _write(out / "index.html", index))
    write_atomic(out / "style.css", page_style() + STYLE)
    write_atomic(out / "page.js", page_script())
    write_atomic(out / "plotly.js", plotly_script())
    reporter.progress(len(plans), len(plans), "written")
    return written


def _lesson(place: int, address: str) -> tuple[str, Demo, Config, Lesson]:
    parts = urlsplit(address)
    name = parts.path.strip("/").rpartition("/")[2]
    demo = load_demo(name)
    if not demo.grid:
        raise InputError(f"lesson {address[:80]!r}: '{name}' needs the studio, it has no grid")
    settings, lesson, problems = from_address(demo.settings, dict(parse_qsl(parts.query)))
    if problems:
        raise InputError(f"lesson {address[:80]!r}: {'; '.join(problems)}")
    return f"lesson-{place}", demo, settings, lesson


def _page(demo: Demo, settings: Config, lesson: Lesson, reporter: Reporter) -> _Page:
    """Draw every point of the grid; a control that a lesson hides keeps its value."""
    grid = {
        name: tuple(sorted({*values, getattr(settings, name)}, key=_order(values)))
        for name, values in demo.grid.items()
        if name not in lesson.hidden
    }
    if demo.preparation is not None and not drawing.prepared_folder(demo, settings).is_dir():
        drawing.prepare(demo.name, settings, reporter=reporter)
    drawn, commands = [], []
    for values in product(*grid.values()):
        reporter.raise_if_cancelled()
        point = settings.replace(**dict(zip(grid, values, strict=True)))
        drawn.append(drawing.draw(demo.name, point))
        commands.append(f"eigenlab studio, {to_address(f'/{demo.name}', point)}")
    packed = pack([panel.figure for panel in item.panels] for item in drawn)
    places = [values.index(getattr(settings, name)) for name, values in grid.items()]
    start = 0
    for values, place in zip(grid.values(), places, strict=True):
        start = start * len(values) + place
    sentences = [item.sentence for item in drawn]
    return _Page(
        controls=[
            (_label(demo, name), [format_cell(value) for value in values], place)
            for (name, values), place in zip(grid.items(), places, strict=True)
        ],
        panels=list(zip(drawn[start].panels, packed.heights, strict=True)),
        sentence=sentences[start],
        command=commands[start],
        data=_embed(
            {"start": start, "sentences": sentences, "commands": commands, **packed.content}
        ),
    )


def _order(values: Sequence[Any]) -> Any:
    """Numbers by size, choices in their own order."""
    if all(isinstance(value, int | float) for value in values):
        return lambda value: value
    return lambda value: values.index(value) if value in values else len(values)


def _label(demo: Demo, name: str) -> str:
    extra: Any = demo.settings.model_fields[name].json_schema_extra or {}
    return str(extra.get("label") or name.replace("_", " "))


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eigenlab.studio", "assets"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "mathematics": render_text,
        "formula": lambda latex: render_formula(latex, display=True),
    }
    return environment.get_template("site.html.j2")


def _embed(value: Mapping[str, Any]) -> Markup:
    """JSON that is safe inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _write(path: Path, text: str) -> Path:
    write_atomic(path, text)
    return path
