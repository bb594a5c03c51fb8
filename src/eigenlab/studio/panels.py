"""Pictures with a title, a caption and downloads, as all pages show them."""

from __future__ import annotations

from nicegui import ui

from eigenlab.report import render_text
from eigenlab.studio.drawing import DrawnPanel
from eigenlab.studio.plot import Plot
from eigenlab.studio.table import figure_csv

HEIGHT = 420  # px


def show_panel(panel: DrawnPanel, file: str) -> Plot:
    """Add a picture to the page.

    Args:
        panel: the picture.
        file: name of downloaded files, without ending.
    """
    with ui.element("figure").classes("panel"):
        with ui.element("div").classes("head"):
            ui.label(panel.title).classes("name").props("role=heading aria-level=2")
            with ui.button(icon="download").props(
                f'flat round dense aria-label="Download: {panel.title}"'
            ):
                menu = ui.menu()
        plot = Plot(panel.figure, f"{panel.title}. {panel.caption}", panel.link)
        plot.props(f'data-panel="{panel.name}"')
        plot.style(f"min-height: {panel.figure['layout'].get('height', HEIGHT)}px")
        ui.html(str(render_text(panel.caption)), sanitize=False, tag="figcaption").classes(
            "caption"
        )
    with menu:
        for format in ("PNG", "SVG", "CSV"):
            ui.menu_item(format, on_click=lambda _, f=format: _download(plot, f, file))
    return plot


def _download(plot: Plot, format: str, file: str) -> None:
    if format == "CSV":
        ui.download.content(figure_csv(plot.figure), f"{file}.csv", "text/csv")
    else:
        plot.save(format.lower(), file)
