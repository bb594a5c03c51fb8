"""A job on a page: progress, time left, its curves while they come, and a button to cancel."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go
from nicegui import ui

from eigenlab import plots
from eigenlab.report import format_seconds
from eigenlab.studio.drawing import figure_json
from eigenlab.studio.jobs import Job, Jobs
from eigenlab.studio.plot import Plot

#: Seconds between two looks at the job.
EVERY = 0.3
MOST_CURVES = 8
#: Quantities between 0 and 1, whose axis is never logarithmic.
SHARES = {"accuracy", "share", "recall", "precision"}


class JobView:
    """Shows a job until it ends.

    Args:
        jobs: where it runs.
        job: the job.
        ended: called once, when it has ended in whatever way. Default: ``None``.
    """

    def __init__(self, jobs: Jobs, job: Job, ended: Callable[[Job], Any] | None = None) -> None:
        self.job, self._ended = job, ended
        self._plot: Plot | None = None
        self._shown = -1
        with ui.element("section").classes("job").props(f'aria-label="{job.title}"'):
            with ui.row().classes("items-center full-width"):
                self._label = ui.label().classes("name").props("role=status aria-live=polite")
                self._label.mark("job")
                ui.space()
                self._cancel = ui.button("Cancel", on_click=lambda: jobs.cancel(job))
                self._cancel.props("no-caps outline dense")
            self._bar = ui.linear_progress(value=0, show_value=False).props(
                f'instant-feedback aria-label="Progress of: {job.title}"'
            )
            self._place = ui.element("div")
        self._timer = ui.timer(EVERY, self._look)
        self._look()

    def _look(self) -> None:
        job = self.job
        self._label.text = _words(job)
        self._bar.value = 1.0 if job.status == "finished" else job.share
        self._draw()
        if not job.active:
            self._timer.cancel()
            self._cancel.visible = False
            if self._ended is not None:
                self._ended(job)

    def _draw(self) -> None:
        count = sum(len(steps) for steps, _ in self.job.curves.values())
        if count == self._shown or count < 2:
            return
        self._shown = count
        figure = figure_json(job_curves(self.job))
        if self._plot is None:
            with self._place:
                self._plot = Plot(figure, "Metrics while it runs").style("min-height: 300px")
        else:
            self._plot.show(figure)


def _words(job: Job) -> str:
    if job.status == "failed":
        return f"{job.title}: failed. {job.problem}"
    if job.status != "running":
        return f"{job.title}: {job.status}"
    stage = f" {job.stage}," if job.stage else ""
    left = job.seconds_left
    rest = f", {format_seconds(left)} left" if left is not None and left >= 1 else ""
    return f"{job.title}:{stage} {job.share:.0%}{rest} {job.message}".rstrip()


def job_curves(job: Job) -> go.Figure:
    """The metrics over the steps: a panel for each quantity, such as all losses in one.

    Args:
        job: with at least one curve.
    """
    groups: dict[str, list[str]] = {}
    for name in list(job.curves)[:MOST_CURVES]:
        groups.setdefault(_quantity(name), []).append(name)
    traces: list[dict[str, Any]] = []
    axes = {}
    for place, (quantity, names) in enumerate(groups.items()):
        suffix = str(place + 1) if place else ""
        log = quantity not in SHARES and all(v > 0 for name in names for v in job.curves[name][1])
        axes[f"yaxis{suffix}"] = {
            "title": {"text": quantity},
            "domain": [1 - (place + 0.85) / len(groups), 1 - place / len(groups)],
            **({"type": "log", "exponentformat": "power", "nticks": 4} if log else {}),
        }
        for name in names:
            steps, values = job.curves[name]
            look = plots.style(len(traces))
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines",
                    "x": list(steps),
                    "y": plots.drawable(values, log=log),
                    "yaxis": f"y{suffix}",
                    "name": name,
                    "line": {"color": look.color, "dash": look.dash, "width": 2},
                }
            )
    last = f"y{len(groups)}" if len(groups) > 1 else "y"
    layout = {
        "height": max(300, 100 + 140 * len(groups)),
        "xaxis": {"title": {"text": "training step"}, "anchor": last},
        **axes,
    }
    return go.Figure(data=traces, layout=layout)


def _quantity(name: str) -> str:
    """What a metric measures: the last word of its name.

    >>> _quantity("test accuracy"), _quantity("validation_loss")
    ('accuracy', 'loss')
    """
    return re.split(r"[\W_]+", name.strip())[-1] or name
