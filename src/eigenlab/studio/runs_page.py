"""The lists of runs and of the report's claims, and the comparison of two runs."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from nicegui import ui

from eigenlab.experiments.questions import QUESTIONS
from eigenlab.report import render_text
from eigenlab.studio import results
from eigenlab.studio.experiment_page import differences, show_claims
from eigenlab.studio.frame import frame, later
from eigenlab.studio.job_view import JobView
from eigenlab.studio.jobs import Jobs
from eigenlab.studio.pool import Pool

EVERY = 2.0  # seconds between two looks at a running reproduction


def runs_page(report: Path, jobs: Jobs, pool: Pool) -> None:
    """The runs there are, the jobs of this studio, and the progress of ``eigenlab reproduce``.

    Args:
        report: folder of a report.
        jobs: of this studio.
        pool: where the runs are read.
    """
    with frame("Runs", "/runs"):
        ui.label("Runs").classes("title").props("role=heading aria-level=1")
        for job in jobs.all:
            if job.active:
                JobView(jobs, job)
        progress = ui.label().classes("state").props("role=status")

        def look() -> None:
            notes = results.progress_of_report(report)
            words = ", ".join(f"{name}: {status}" for name, status in notes.items())
            progress.text = f"eigenlab reproduce in {report}: {words}" if notes else ""

        look()
        ui.timer(EVERY, look)

        async def table() -> None:
            found = await pool.run(results.summaries, report)
            if not found:
                ui.label(
                    f"There are no runs yet, neither in {report} nor in {results.RUNS}: run an "
                    "experiment here, or `eigenlab reproduce`."
                )
                return
            columns = [
                {"name": name, "label": label, "field": name, "align": "left", "sortable": True}
                for name, label in (
                    ("name", "run"),
                    ("title", "experiment"),
                    ("status", "status"),
                    ("held", "claims that hold"),
                )
            ]
            rows = [
                {
                    "name": item.name,
                    "title": item.title,
                    "status": item.status,
                    "held": _held(item),
                }
                for item in found
            ]
            rows_table = ui.table(
                columns=columns, rows=rows, row_key="name", selection="multiple", pagination=20
            ).classes("full-width")
            rows_table.mark("runs")
            rows_table.on(
                "rowClick", lambda event: ui.navigate.to(f"/runs/{event.args[1]['name']}")
            )

            def compare() -> None:
                chosen: list[Any] = [row["name"] for row in rows_table.selected]
                if len(chosen) == 2:
                    ui.navigate.to(f"/compare?first={chosen[0]}&second={chosen[1]}")
                else:
                    ui.notify(f"{len(chosen)} runs are selected; select two to compare them")

            ui.button("Compare two", on_click=compare).props("no-caps outline")
            ui.label("Click a row to open the run.").classes("state")

        later(table)


def _held(item: results.RunSummary) -> str:
    held = sum(state.key == "held" for state in item.claims)
    return f"{held} of {len(item.claims)}" if item.claims else ""


def compare_page(report: Path, pool: Pool, first: str, second: str) -> None:
    """Two runs side by side.

    Args:
        report: folder of a report.
        pool: where the runs are read.
        first: name of a run.
        second: name of another.
    """
    with frame("Compare", "/runs"):
        ui.label("Two runs").classes("title").props("role=heading aria-level=1")

        async def table() -> None:
            found = {item.name: item for item in await pool.run(results.summaries, report)}
            if first not in found or second not in found:
                ui.label("One of these runs does not exist any more.").classes("problem")
                return
            rows = differences(found[first], found[second])
            columns = [
                {"name": key, "label": label, "field": key, "align": "left"}
                for key, label in (("name", ""), ("first", first), ("second", second))
            ]
            ui.label("Settings that differ, all metrics, claims with different outcomes.").classes(
                "summary"
            )
            ui.table(columns=columns, rows=[vars(row) for row in rows], row_key="name").classes(
                "full-width"
            ).mark("comparison")

        later(table)


def report_page(report: Path, pool: Pool) -> None:
    """The claims of the latest report by question.

    Args:
        report: folder of a report.
        pool: where it is read.
    """
    with frame("Report", "/report"):
        ui.label("Report").classes("title").props("role=heading aria-level=1")

        async def questions() -> None:
            found = await pool.run(results.claims_by_question, report)
            if not found:
                ui.label(
                    f"There is no report in {report} yet; `eigenlab reproduce` writes it in a few "
                    "minutes."
                ).classes("summary")
                return
            if (report / "index.html").is_file():
                ui.link("Open the whole report", "/report/index.html", new_tab=True)
            texts = {question.id: question.text for question in QUESTIONS}
            for question, states in found.items():
                count = Counter(state.label for state in states)
                words = ", ".join(f"{number} {label}" for label, number in count.items())
                with ui.expansion().classes("questions") as box:
                    show_claims(states)
                with box.add_slot("header"), ui.element("div"):
                    ui.html(
                        f"<strong>{question}</strong> {render_text(texts.get(question, ''))}",
                        sanitize=False,
                    )
                    ui.label(words).classes("state")

        later(questions)
