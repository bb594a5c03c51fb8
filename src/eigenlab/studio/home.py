"""The first page: the subjects with a live miniature each, and where the claims stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from nicegui import ui

from eigenlab.errors import EigenlabError
from eigenlab.studio import drawing, results
from eigenlab.studio.demos import NAMES, Demo, load_demo
from eigenlab.studio.frame import frame
from eigenlab.studio.plot import Plot
from eigenlab.studio.pool import Pool

INTRODUCTION = (
    "Train it, look at its spectrum, check the claim. Move a slider, and every picture is computed "
    "anew by the functions that the report of the course uses."
)
MINIATURE = 200  # px


def home_page(pool: Pool, folder: Path) -> None:
    """Build the first page.

    Args:
        pool: draws the miniatures.
        folder: where the latest report is.
    """
    with frame("Home", "/"):
        ui.label("eigenlab studio").classes("title").props("role=heading aria-level=1")
        ui.label(INTRODUCTION).classes("summary")
        states = ui.label().classes("state").props("role=status")
        with ui.element("div").classes("cards"):
            places = [(name, *_card(load_demo(name), first=name == NAMES[0])) for name in NAMES]

    async def draw() -> None:
        for name, place, sentence in places:
            try:
                drawn = await pool.run(drawing.draw, name, load_demo(name).settings())
            except drawing.NotPrepared:
                sentence.text = "Needs a short training first."
                place.delete()
                continue
            except EigenlabError as error:
                sentence.text = str(error)
                place.delete()
                continue
            sentence.text = drawn.sentence
            with place:
                Plot(_miniature(drawn.panels[0].figure), drawn.panels[0].title)
        states.text = _states(await pool.run(results.claims_by_question, folder), folder)

    ui.timer(0, draw, once=True)


def _states(found: Mapping[str, Sequence[results.ClaimState]], folder: Path) -> str:
    """Where the claims stand, in a sentence."""
    count = Counter(state.label for states in found.values() for state in states)
    if not count:
        return f"No report in {folder} yet: `eigenlab reproduce` checks every claim of the course."
    words = ", ".join(f"{number} {label}" for label, number in count.most_common())
    return f"The claims of the course, in {folder}: {words}."


def _card(demo: Demo, *, first: bool) -> tuple[ui.element, ui.label]:
    with ui.element("section").classes("card" + (" start" if first else "")):
        if first:
            ui.label("Start here").classes("state")
        with ui.link(target=f"/{demo.name}"):
            ui.label(demo.title).classes("name").props("role=heading aria-level=2")
        ui.label(demo.summary).classes("summary")
        place = ui.element("div").style(f"min-height: {MINIATURE}px")
        sentence = ui.label("").classes("state")
    return place, sentence


def _miniature(figure: dict[str, object]) -> dict[str, object]:
    """The figure without titles, legend and colour scale, small."""
    layout = dict(figure["layout"])  # type: ignore[call-overload]
    layout |= {
        "height": MINIATURE,
        "showlegend": False,
        "margin": {"l": 44, "r": 8, "t": 8, "b": 28},
    }
    for axis in ("xaxis", "yaxis"):
        layout[axis] = {**layout.get(axis, {}), "title": {"text": ""}}
    data = [
        {**trace, "showscale": False} if trace["type"] in ("heatmap", "contour") else trace
        for trace in figure["data"]  # type: ignore[attr-defined]
    ]
    return {"data": data, "layout": layout}
