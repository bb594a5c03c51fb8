"""The page of a demo: controls, a sentence, pictures, challenges, and what to take away."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from markupsafe import Markup
from nicegui import context, ui

from eigenlab.errors import EigenlabError
from eigenlab.lab import Config
from eigenlab.studio import drawing
from eigenlab.studio.address import Lesson, from_address, to_address
from eigenlab.studio.demos import Demo, Example
from eigenlab.studio.form import Form
from eigenlab.studio.frame import frame, notify, question_box
from eigenlab.studio.job_view import JobView
from eigenlab.studio.jobs import Job, Jobs
from eigenlab.studio.panels import ShownPanel
from eigenlab.studio.pool import Pool
from eigenlab.studio.words import Words

#: Settings that no demo reads.
UNUSED = frozenset({"device"})
#: Seconds without a move after which the next picture is drawn ahead; the browser is done then.
AHEAD_AFTER = 0.15


class DemoPage:
    """One browser tab on a demo.

    Only the newest settings are drawn: while a picture is computed, later settings replace those
    that wait. After a pause the picture of the slider's next step is computed ahead.

    Args:
        demo: what is shown.
        pool: where it is drawn.
        jobs: where it is prepared.
        query: the address's names and values.
    """

    def __init__(self, demo: Demo, pool: Pool, jobs: Jobs, query: Mapping[str, str]) -> None:
        self.demo, self.pool, self.jobs = demo, pool, jobs
        settings, self.lesson, self.problems = from_address(demo.settings, query)
        self.settings: Config = settings
        self.drawn: drawing.Drawn | None = None
        self._wanted: Config | None = None
        self._requested: Config | None = None
        self._drawing = False
        self._visited: dict[
            str, Config
        ] = {}  # address -> its settings, with those it has no room for
        self._ahead: tuple[Config, asyncio.Task[drawing.Drawn]] | None = None
        self.panels: dict[str, ShownPanel] = {}

    @property
    def path(self) -> str:
        """The page's path."""
        return f"/{self.demo.name}"

    def build(self) -> None:
        """Make the page's elements; the pictures follow when they are drawn."""
        title = self.lesson.title or self.demo.title
        with frame(title, self.path):
            ui.label(title).classes("title").props("role=heading aria-level=1")
            ui.label(self.demo.summary).classes("summary")
            if self.demo.notice:
                ui.label(self.demo.notice).classes("notice").props("role=note")
            if self.lesson.text:
                ui.label(self.lesson.text).classes("lesson")
            notify(self.problems)
            with ui.element("div").classes("workbench"):
                with ui.element("section").classes("controls").props('aria-label="Settings"'):
                    self._examples()
                    self.form = Form(
                        self.settings, self._changed, UNUSED | self.lesson.hidden, self._read
                    )
                    ui.button("Reset", on_click=lambda: self.apply({})).props("flat no-caps dense")
                with (
                    ui.element("section")
                    .classes("result")
                    .props('aria-label="Result"') as self.result
                ):
                    self.sentence = Words("Drawing …").classes("sentence")
                    self.sentence.props("role=status aria-live=polite").mark("sentence")
                    self.problem = ui.label().classes("problem").props("role=alert")
                    self.problem.visible = False
                    self.preparing = ui.element("div")
                    self.goals = Words(tag="ul").classes("goals")
                    self.grid = ui.element("div").classes("panels")
            question_box(self.demo.questions)
            self._take_away()
        ui.on("address", lambda event: self._came_back(event.args))
        ui.add_head_html(
            "<script>addEventListener('popstate', () => emitEvent('address', location.search))"
            "</script>"
        )

    async def _read(self, name: str, content: bytes) -> str:
        return await self.pool.run(drawing.read_upload, name, content)

    def _examples(self) -> None:
        if not self.demo.examples:
            return
        with ui.element("div").classes("examples"):
            ui.label("Try, in this order").classes("name")
            for example in self.demo.examples:
                ui.button(
                    example.label, on_click=lambda _, chosen=example: self._try(chosen)
                ).props("no-caps outline dense")
            self.says = ui.label().classes("says").props("role=status")
            self.says.visible = False

    def _try(self, example: Example) -> None:
        self.says.text, self.says.visible = example.says, True
        self.apply(example.changes)

    def apply(self, changes: Mapping[str, Any]) -> None:
        """Set the default settings with some changes.

        Args:
            changes: setting -> value.
        """
        settings = self.demo.settings().replace(**changes)
        self.form.show(settings)
        self._changed(settings, True)

    def _changed(self, settings: Config, final: bool) -> None:
        self.settings = settings
        address = to_address(self.path, settings, self.lesson)
        if final:
            self._visited[address] = settings
            ui.navigate.history.push(address)
        self.draw_soon(settings)

    def _came_back(self, search: str) -> None:
        """Show the settings of the address that the back button leads to."""
        settings = self._visited.get(self.path + search)
        if settings is None:
            settings, _, _ = from_address(self.demo.settings, dict(parse_qsl(search.lstrip("?"))))
        self.settings = settings
        self.form.show(settings)
        self.draw_soon(settings)

    def draw_soon(self, settings: Config) -> None:
        """Draw these settings next.

        Args:
            settings: what replaces all that wait.
        """
        if settings == self._requested:
            return  # a slider that is released reports its last position again
        self._wanted = self._requested = settings
        if not self._drawing:
            self._drawing = True
            client = context.client

            async def work() -> None:
                try:
                    while self._wanted is not None:
                        wanted, self._wanted = self._wanted, None
                        with client:
                            await self._draw(wanted)
                finally:
                    self._drawing = False
                await self._draw_ahead()

            self._task = asyncio.create_task(work())

    async def _draw_ahead(self) -> None:
        """Compute the picture that a slider's next step will ask for, if nothing else is to do."""
        shown = self._requested
        await asyncio.sleep(AHEAD_AFTER)
        following = self.form.following()
        if following is None or self._requested is not shown or not self.pool.idle:
            return
        task = asyncio.create_task(self.pool.run(drawing.draw, self.demo.name, following))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # may go unused
        self._ahead = following, task

    async def _computed(self, settings: Config) -> drawing.Drawn:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == settings:
            return await ahead[1]
        return await self.pool.run(drawing.draw, self.demo.name, settings)

    async def _draw(self, settings: Config) -> None:
        try:
            drawn = await self._computed(settings)
        except drawing.NotPrepared:
            self._offer_preparation(settings)
            return
        except Exception as error:  # a fault of a demo must not leave an old picture as its answer
            known = isinstance(error, EigenlabError)
            self.problem.text = str(error) if known else f"{type(error).__name__}: {error}"
            self.problem.visible = True
            self.preparing.clear()
            self.result.classes("stale")  # what is shown belongs to the settings before
            return
        self.problem.visible = False
        self.result.classes(remove="stale")
        if any(self.preparing):  # without need, the whole page would be rendered anew
            self.preparing.clear()
        self.show(drawn)

    def _offer_preparation(self, settings: Config) -> None:
        """A button that trains what is missing, or the training that is under way."""
        preparation = self.demo.preparation
        assert preparation is not None
        key = str(drawing.prepared_folder(self.demo, settings))
        job = self.jobs.find(key)
        self.problem.visible = False
        self.sentence.say(f"{preparation.label} first: {_minutes(preparation.minutes)}.")
        self.preparing.clear()

        def start() -> None:
            self._follow(
                self.jobs.start(key, preparation.label, drawing.prepare, self.demo.name, settings)
            )

        with self.preparing:
            if job is not None and job.active:
                JobView(self.jobs, job, self._prepared)
            else:
                ui.button(preparation.label, icon="play_arrow", on_click=start).props(
                    "no-caps unelevated"
                ).mark("prepare")

    def _follow(self, job: Job) -> None:
        self.preparing.clear()
        with self.preparing:
            JobView(self.jobs, job, self._prepared)

    def _prepared(self, job: Job) -> None:
        if job.status == "finished":
            self._requested = None
            self.draw_soon(self.settings)

    def show(self, drawn: drawing.Drawn) -> None:
        """Show what a worker has drawn.

        Args:
            drawn: sentence, goals and pictures.
        """
        self.drawn = drawn
        self.sentence.say(drawn.sentence)
        names = [panel.name for panel in drawn.panels]
        if list(self.panels) != names:
            self.grid.clear()
            with self.grid:
                self.panels = {
                    panel.name: ShownPanel(panel, f"eigenlab-{self.demo.name}-{panel.name}")
                    for panel in drawn.panels
                }
        else:
            for panel in drawn.panels:
                self.panels[panel.name].show(panel)
        self._show_goals()
        if self.away.value:
            self._show_code()

    def _show_code(self) -> None:
        """Command and lines of what is drawn, where they can be seen: colouring them takes time."""
        if self.drawn is not None:
            view = self.drawn.view
            self.python.set_content(view.python)
            self.command.set_content(view.command or "There is no command for these settings.")

    def _show_goals(self) -> None:
        assert self.drawn is not None
        item = Markup('<li class="{}">{}: {} ({})</li>')
        self.goals.say(
            Markup("").join(
                item.format("reached", "✓ reached", goal.text, goal.now)
                if goal.reached
                else item.format("", "○ challenge", goal.text, goal.now)
                for goal in self.drawn.goals
            )
        )

    def _take_away(self) -> None:
        self.away = ui.expansion("Take it away: link, command, Python").classes("away")
        self.away.on_value_change(self._show_code)
        with self.away:
            with ui.row():
                ui.button("Copy link", icon="link", on_click=self._copy_link).props("no-caps flat")
            ui.label("Command").classes("name")
            self.command = ui.code("", language="bash").mark("command")
            ui.label("Python").classes("name")
            self.python = ui.code("", language="python").mark("python")
            self._lesson_editor()

    def _copy_link(self) -> None:
        ui.run_javascript("navigator.clipboard.writeText(location.href); ")
        ui.notify("The link of these settings is copied.")

    def _lesson_editor(self) -> None:
        """A link with a title and a text of one's own, and without some controls."""
        ui.label("Make a lesson of it").classes("name")
        fields = [name for name in type(self.settings).model_fields if name not in UNUSED]
        title = ui.input("Title", value=self.lesson.title).props("dense outlined maxlength=200")
        text = ui.textarea("Text", value=self.lesson.text).props("dense outlined maxlength=4000")
        hide = ui.select(
            fields, multiple=True, value=sorted(self.lesson.hidden), label="Controls to hide"
        ).props("dense outlined use-chips")

        def open_lesson() -> None:
            lesson = Lesson(frozenset(hide.value), title.value, text.value)
            ui.navigate.to(to_address(self.path, self.settings, lesson))

        ui.button("Open the lesson", on_click=open_lesson).props("no-caps flat")


def _minutes(minutes: float) -> str:
    """About how long it takes, in words."""
    if minutes < 1:
        return f"about {max(1, round(60 * minutes))} seconds on two cores, once for these settings"
    return f"about {minutes:.3g} minutes on two cores, once for these settings"


def demo_page(demo: Demo, pool: Pool, jobs: Jobs, query: Mapping[str, str]) -> None:
    """Build the page of a demo.

    Args:
        demo: what is shown.
        pool: where it is drawn.
        jobs: where it is prepared.
        query: the address's names and values.
    """
    page = DemoPage(demo, pool, jobs, query)
    page.build()
    page.draw_soon(page.settings)
