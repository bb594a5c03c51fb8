"""Pictures with a title, a caption and downloads, as all pages show them."""

from __future__ import annotations

from nicegui import ui

from eigenlab.report import render_text
from eigenlab.studio.drawing import DrawnPanel
from eigenlab.studio.plot import Plot
from eigenlab.studio.table import figure_csv
from eigenlab.studio.words import Words

HEIGHT = 420  # px


class ShownPanel:
    """A picture on the page, added where it is made.

    Args:
        panel: the picture.
        file: name of downloaded files, without ending.
    """

    def __init__(self, panel: DrawnPanel, file: str) -> None:
        self._file = file
        with ui.element("figure").classes("panel"):
            with ui.element("div").classes("head"):
                self._title = ui.label(panel.title).classes("name")
                self._title.props("role=heading aria-level=2")
                self._button = ui.button(icon="download").props("flat round dense")
                self._button.props(f'aria-label="Download: {panel.title}"')
            self._plot = Plot(panel.figure, _label(panel), panel.link)
            self._plot.props(f'data-panel="{panel.name}"')
            height = panel.figure["layout"].get("height", HEIGHT)
            self._plot.style(f"min-height: {height}px")
            self._caption = Words(render_text(panel.caption), "figcaption").classes("caption")
        with self._button, ui.menu():
            for format in ("PNG", "SVG", "CSV"):
                ui.menu_item(format, on_click=lambda _, f=format: self._download(f))

    def show(self, panel: DrawnPanel) -> None:
        """Show other numbers, and the words that belong to them.

        Args:
            panel: of the same name.
        """
        self._plot.show(panel.figure)
        self._plot.relabel(_label(panel))
        self._title.set_text(panel.title)
        self._button.props(f'aria-label="Download: {panel.title}"')
        self._caption.say(render_text(panel.caption))

    def _download(self, format: str) -> None:
        if format == "CSV":
            ui.download.content(figure_csv(self._plot.figure), f"{self._file}.csv", "text/csv")
        else:
            self._plot.save(format.lower(), self._file)


def _label(panel: DrawnPanel) -> str:
    """What a screen reader says."""
    return f"{panel.title}. {panel.caption}"
