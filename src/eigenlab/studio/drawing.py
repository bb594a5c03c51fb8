"""What a worker process does for a page; imports no user interface."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eigenlab.lab import Config
from eigenlab.studio.demos import Goal, View, load_demo


@dataclass(frozen=True)
class DrawnPanel:
    """A panel whose figure is plotly's JSON.

    Args:
        name: identifier within the demo.
        title: a few words.
        caption: one or two sentences.
        figure: ``data`` and ``layout``, arrays in plotly's binary form.
    """

    name: str
    title: str
    caption: str
    figure: dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """A :class:`View` ready for the browser.

    Args:
        view: the view; its panels are moved to ``panels``.
        panels: the drawn panels.
    """

    view: View
    panels: tuple[DrawnPanel, ...]

    @property
    def sentence(self) -> str:
        """What is happening."""
        return self.view.sentence

    @property
    def goals(self) -> tuple[Goal, ...]:
        """The challenges."""
        return self.view.goals


def draw(name: str, settings: Config) -> Drawn:
    """Draw a demo.

    Args:
        name: of the demo.
        settings: of the demo's own class.
    """
    view = load_demo(name).draw(settings)
    panels = tuple(
        DrawnPanel(panel.name, panel.title, panel.caption, figure_json(panel.figure))
        for panel in view.panels
    )
    return Drawn(replace(view, panels=()), panels)


def figure_json(figure: Any) -> dict[str, Any]:
    """``data`` and ``layout`` without the template, which the page chooses.

    Args:
        figure: a plotly figure.
    """
    drawn: dict[str, Any] = figure.to_dict()
    drawn["layout"].pop("template", None)
    return {"data": drawn["data"], "layout": drawn["layout"]}
