"""A student's notebook on a page: its parts, hints, and the code that was checked."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Any

from nicegui import ui

from eigenlab.plots import HEIGHT
from eigenlab.reporter import Reporter
from eigenlab.studio.frame import frame
from eigenlab.studio.job_view import JobView
from eigenlab.studio.jobs import Job, Jobs
from eigenlab.studio.plot import Plot

MAX_BYTES = 30_000_000

SIGNS = {"passed": "✓", "failed": "✗", "missing": "–", "hung": "!", "died": "!", "left out": "○"}


def check_upload(name: str, content: bytes, *, reporter: Reporter) -> dict[str, Any]:
    """Check a file in confined processes; only the ending of its name is used as a path.

    Args:
        name: of the file.
        content: of the file.
        reporter: receives a message.

    Raises:
        InputError: it is no notebook or script of the course.
    """
    from eigenlab.grading.file_check import check_file
    from eigenlab.studio.check_figures import comparison_figure
    from eigenlab.studio.drawing import figure_json

    reporter.message("running its definitions in a confined process")
    ending = ".py" if name.lower().endswith(".py") else ".ipynb"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"submission{ending}"
        path.write_bytes(content)
        report = check_file(path)
    found = report.as_dict(code=True)
    for part, shown in zip(report.parts, found["parts"], strict=True):
        if part.picture is not None:
            figure, caption = comparison_figure(part.picture)
            shown["figure"], shown["caption"] = figure_json(figure), caption
    return found


def check_page(jobs: Jobs) -> None:
    """Build the page.

    Args:
        jobs: where files are checked.
    """
    with frame("Check", "/check"):
        ui.label("Check your solution").classes("title").props("role=heading aria-level=1")
        ui.label(
            "Drop a notebook or a script, also one written for Colab. Its definitions are run in "
            "a confined process on this machine, compared with published values and closed forms, "
            "and a hint names a mistake only if your output equals what that mistake gives."
        ).classes("summary")
        problem = ui.label().classes("problem").props("role=alert")

        async def uploaded(event: Any) -> None:
            event.sender.reset()  # ready for another file
            problem.text = ""
            name, content = event.file.name, await event.file.read()
            key = f"check {hashlib.sha256(content).hexdigest()}"
            job = jobs.start(key, f"Check {name[:60]}", check_upload, name, content)
            place.clear()
            with place:
                JobView(jobs, job, ended)

        def ended(job: Job) -> None:
            if job.status == "finished":
                with place:
                    show_report(job.result)

        ui.upload(
            label="Drop a .ipynb or .py file here",
            auto_upload=True,
            max_files=1,
            max_file_size=MAX_BYTES,
            on_upload=uploaded,
            on_rejected=lambda: problem.set_text(
                f"expected a .ipynb or .py file of at most {MAX_BYTES / 1e6:g} MB"
            ),
        ).props('accept=".ipynb,.py" flat bordered').classes("full-width")
        place = ui.element("div")


def show_report(found: dict[str, Any]) -> None:
    """The parts of a checked file.

    Args:
        found: the report, as :func:`check_upload` gives it.
    """
    ui.label(f"{found['score']:g} of {found['max_score']:g} points").classes("sentence").mark(
        "score"
    )
    for line in [*found["syntax_errors"], *found["notes"]]:
        ui.label(line).classes("state")
    for part in found["parts"]:
        with ui.element("section").classes(f"panel part-{part['status'].replace(' ', '-')}"):
            ui.label(
                f"{SIGNS.get(part['status'], '')} {part['part']} {part['title']}: {part['status']}"
            ).classes("name").props("role=heading aria-level=2")
            if part["hint"] or part["note"]:
                ui.label(part["hint"] or part["note"]).style("white-space: pre-wrap")
            if part["max_error"] is not None and part["status"] in ("passed", "failed"):
                ui.label(f"largest error {part['max_error']:.1e}").classes("state")
            if part["output"]:
                ui.code(part["output"], language="text")
            if "figure" in part:
                height = part["figure"]["layout"].get("height", HEIGHT)
                Plot(part["figure"], part["caption"]).style(f"min-height: {height}px")
                ui.label(part["caption"]).classes("caption")
            for name, code in part.get("code", {}).items():
                with ui.expansion(name):
                    ui.code(code, language="python").classes("full-width")
    layers = ", ".join(found["layers"]) or "nothing but a process of its own"
    ui.label(f"Your code was confined by: {layers}.").classes("state")
