"""Any experiment as a page: its settings, what is claimed for them, and a run with its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nicegui import ui

from eigenlab.errors import EigenlabError, InputError
from eigenlab.experiments import load_experiment, outlines
from eigenlab.lab import Config
from eigenlab.report import command_for, format_cell, python_for, render_text
from eigenlab.studio import results
from eigenlab.studio.address import from_address, to_address
from eigenlab.studio.form import Form
from eigenlab.studio.frame import frame, later, notify, question_box
from eigenlab.studio.job_view import JobView
from eigenlab.studio.jobs import Job, Jobs
from eigenlab.studio.panels import ShownPanel
from eigenlab.studio.pool import Pool
from eigenlab.studio.results import ClaimState, RunSummary, RunView


def experiments_page() -> None:
    """List the experiments."""
    with frame("Experiments", "/experiments"):
        ui.label("Experiments").classes("title").props("role=heading aria-level=1")
        ui.label("Change any setting, run it, and see which claims hold.").classes("summary")
        with ui.element("div").classes("cards"):
            for name, outline in outlines().items():
                with ui.element("section").classes("card"):
                    with ui.link(target=f"/experiments/{name}"):
                        ui.label(outline.title).classes("name").props("role=heading aria-level=2")
                    ui.label(f"Questions {', '.join(outline.questions)}").classes("state")


class ExperimentPage:
    """One browser tab on an experiment.

    Args:
        name: of the experiment.
        jobs: where it runs.
        pool: where its results are read.
        query: the address's names and values.

    Raises:
        InputError: there is no such experiment.
    """

    def __init__(self, name: str, jobs: Jobs, pool: Pool, query: Mapping[str, str]) -> None:
        self.experiment = load_experiment(name)
        self.jobs, self.pool = jobs, pool
        self.settings, _, self.problems = from_address(self.experiment.config, query)

    @property
    def path(self) -> str:
        """The page's path."""
        return f"/experiments/{self.experiment.name}"

    def build(self) -> None:
        """Make the page's elements."""
        experiment = self.experiment
        with frame(experiment.title, "/experiments"):
            ui.label(experiment.title).classes("title").props("role=heading aria-level=1")
            ui.html(str(render_text(experiment.summary)), sanitize=False).classes("summary")
            notify(self.problems)
            with ui.element("div").classes("workbench"):
                with ui.element("section").classes("controls").props('aria-label="Settings"'):
                    self._presets()
                    self.form = Form(self.settings, self._changed)
                with ui.element("section").classes("result").props('aria-label="Result"'):
                    with ui.row().classes("items-center"):
                        ui.button("Run", icon="play_arrow", on_click=self._run).props(
                            "no-caps unelevated"
                        ).mark("run")
                        self.length = ui.label().classes("state")
                    self.job = ui.element("div")
                    self.outcome = ui.element("div")
                    self.claims = ui.element("div")
                    with ui.expansion("Command and Python").classes("away"):
                        self.command = ui.code("", language="bash").mark("command")
                        self.python = ui.code("", language="python")
            question_box(experiment.questions)
        self._show_settings()

    def _presets(self) -> None:
        ui.label("preset").classes("name")
        presets = list(self.experiment.config.presets)
        ui.toggle(presets, value=None, on_change=lambda event: self._preset(event.value)).props(
            'no-caps spread unelevated aria-label="preset"'
        )

    def _preset(self, name: str | None) -> None:
        if name is not None:
            settings = self.experiment.config.from_preset(name)
            self.form.show(settings)
            self._changed(settings, True)
            minutes = self.experiment.minutes.get(name)
            self.length.text = f"takes about {minutes:g} minutes" if minutes else ""

    def _changed(self, settings: Config, final: bool) -> None:
        self.settings = settings
        if final:
            ui.navigate.history.replace(to_address(self.path, settings))
        self._show_settings()

    def _show_settings(self) -> None:
        name = self.experiment.name
        self.command.set_content(command_for(name, self.settings))
        self.python.set_content(python_for(name, self.settings))
        self.claims.clear()
        with self.claims:
            show_claims(results.scopes(self.experiment, self.settings))

    def _run(self) -> None:
        name = self.experiment.name
        key = f"run {command_for(name, self.settings)}"
        job = self.jobs.start(key, self.experiment.title, results.perform, name, self.settings)
        self.job.clear()
        self.outcome.clear()
        with self.job:
            JobView(self.jobs, job, self._ended)

    def _ended(self, job: Job) -> None:
        if job.status == "finished":
            with self.outcome:
                ui.timer(0, lambda: self._show_result(job.result), once=True)

    async def _show_result(self, name: str) -> None:
        found = await self.pool.run(results.view, results.RUNS, name)
        if found is None:
            return
        self.outcome.clear()
        with self.outcome:
            show_run(found)


def show_claims(states: Sequence[ClaimState]) -> None:
    """A list of claims with their verdicts.

    Args:
        states: the claims.
    """
    if not states:
        return
    ui.label("Claims").classes("name").props("role=heading aria-level=2")
    with ui.element("ul").classes("claims"):
        for state in states:
            with ui.element("li").classes(f"verdict-{state.key}"):
                ui.html(
                    f"<strong>{state.symbol} {state.id}</strong> "
                    f"<em>{render_text(state.label)}</em>: {render_text(state.statement)}"
                    + (f" <small>{render_text(state.reason)}</small>" if state.reason else ""),
                    sanitize=False,
                )


def show_run(found: RunView) -> None:
    """Answers, claims and figures of a run.

    Args:
        found: the run.
    """
    name = found.summary.name
    ui.label(f"Run {name}: {found.summary.status}").classes("name").mark("run-status")
    with ui.row():
        ui.link("On a page of its own", f"/runs/{name}")
        ui.link("As an offline report", f"/runs/{name}/report", new_tab=True)
    for question, text in found.answers:
        ui.html(f"<p><strong>{question}</strong> {render_text(text)}</p>", sanitize=False)
    show_claims(found.summary.claims)
    with ui.element("div").classes("panels"):
        for panel in found.panels:
            ShownPanel(panel, f"eigenlab-{name}-{panel.name}")


def run_page(name: str, report: Path, pool: Pool) -> None:
    """The page of one run.

    Args:
        name: of the run.
        report: folder of a report.
        pool: where the run is read.
    """
    with frame(f"Run {name}", "/runs"):
        ui.label(f"Run {name}").classes("title").props("role=heading aria-level=1")

        async def contents() -> None:
            found = await pool.run(results.view, report, name)
            if found is None:
                notify([f"There is no run '{name[:60]}'; the page Runs lists those there are."])
                return
            experiment = found.summary.experiment
            ui.label(found.summary.title).classes("summary")
            ui.code(found.command, language="bash")
            settings = load_experiment(experiment).config.from_values(dict(found.changed))
            again = to_address(f"/experiments/{experiment}", settings)
            ui.link("Run it again with one change", again)
            show_run(found)

        later(contents)


@dataclass(frozen=True)
class Difference:
    """What two runs differ in.

    Args:
        name: of the setting, metric or claim.
        first: its value in the first run.
        second: its value in the second.
    """

    name: str
    first: str
    second: str


def differences(first: RunSummary, second: RunSummary) -> list[Difference]:
    """Settings that differ, all metrics, and claims with different outcomes.

    Args:
        first: a run.
        second: another one.
    """
    rows = []
    for name in {**first.settings, **second.settings}:
        a, b = first.settings.get(name, ""), second.settings.get(name, "")
        if a != b:
            rows.append(Difference(name, str(a), str(b)))
    for name in {**first.metrics, **second.metrics}:
        a, b = (
            format_cell(run.metrics[name]) if name in run.metrics else "" for run in (first, second)
        )
        rows.append(Difference(name, a, b))
    labels = [{state.id: state.label for state in run.claims} for run in (first, second)]
    for name in {**labels[0], **labels[1]}:
        a, b = labels[0].get(name, ""), labels[1].get(name, "")
        if a != b:
            rows.append(Difference(name, a, b))
    return rows


def load_page(name: str, jobs: Jobs, pool: Pool, query: Mapping[str, str]) -> None:
    """Build the page of an experiment, or say that there is none.

    Args:
        name: of the experiment.
        jobs: where it runs.
        pool: where its results are read.
        query: the address's names and values.
    """
    try:
        page = ExperimentPage(name, jobs, pool, query)
    except (InputError, EigenlabError) as error:
        with frame("Not found", "/experiments"):
            notify([str(error)])
        return
    page.build()
