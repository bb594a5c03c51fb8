"""What all pages have in common: head, navigation, colours, formulas."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib import resources

from nicegui import context, ui

from eigenlab.errors import EigenlabError
from eigenlab.experiments.questions import QUESTIONS, formulas
from eigenlab.report import render_formula, render_text

PAGES = (
    ("/", "Home"),
    ("/experiments", "Experiments"),
    ("/report", "Report"),
    ("/runs", "Runs"),
    ("/check", "Check"),
)
#: Cookie that keeps the choice of colours.
THEME = "eigenlab-theme"
#: Scripts of every page; served from this process.
SCRIPTS = ("/assets/plotly.js", "/assets/figure.js")

_TOGGLE = """
const dark = !document.body.classList.contains('body--dark');
document.cookie = '%s=' + (dark ? 'dark' : 'light') + ';path=/;max-age=31536000;samesite=strict';
setDark(dark);
"""


class Colours(ui.element, component="assets/colours.js"):
    """Makes a page dark or light, whatever the browser prefers.

    Args:
        dark: whether it is dark.
    """

    def __init__(self, dark: bool) -> None:
        super().__init__()
        self._props["dark"] = dark


def style() -> str:
    """The style sheet."""
    path = resources.files("eigenlab.studio") / "assets" / "studio.css"
    return path.read_text(encoding="utf-8")


@contextmanager
def frame(title: str, path: str) -> Iterator[None]:
    """Build a page around the contents of the ``with`` block.

    Args:
        title: of the page, for its tab.
        path: of the page, to mark its entry in the navigation.
    """
    ui.page_title(f"{title} · eigenlab studio" if path != "/" else "eigenlab studio")
    ui.add_css(style())
    for script in SCRIPTS:
        ui.add_head_html(f'<script src="{script}"></script>')
    ui.colors(primary="#0072B2", secondary="#57606a", accent="#D55E00", positive="#00785a")
    request = context.client.request
    chosen = request.cookies.get(THEME) if request is not None else None
    if chosen in ("light", "dark"):
        Colours(chosen == "dark")
    ui.add_body_html('<a class="skip" href="#main">Skip to the content</a>')
    with ui.header(elevated=False).classes("bar"):
        ui.link("eigenlab studio", "/").classes("brand")
        with ui.element("nav").props('aria-label="Pages"'):
            for address, label in PAGES:
                link = ui.link(label, address)
                if address == path:
                    link.props("aria-current=page")
        ui.space()
        ui.button(icon="contrast", on_click=lambda: ui.run_javascript(_TOGGLE % THEME)).props(
            'flat round dense aria-label="Light or dark colours"'
        )
    with ui.element("main").props("id=main tabindex=-1"):
        yield
    ui.html(
        "Everything is computed on this machine; no request leaves it.",
        sanitize=False,
        tag="footer",
    )


def question_box(ids: tuple[str, ...]) -> None:
    """The questions of the course that a page is about, with their formulas.

    Args:
        ids: such as ``("1d", "1e")``.
    """
    with ui.expansion("The questions of the course").classes("questions"):
        for question in QUESTIONS:
            if question.id in ids:
                ui.html(
                    f"<p><strong>{question.id}</strong> {render_text(question.text)}</p>"
                    + "".join(str(render_formula(f, display=True)) for f in formulas(question.id)),
                    sanitize=False,
                )


def notify(problems: list[str]) -> None:
    """Show what of an address could not be used.

    Args:
        problems: sentences.
    """
    for problem in problems:
        ui.label(problem).classes("problem").props("role=alert")


def later(build: Callable[[], Awaitable[None]]) -> None:
    """Add contents that take a while to read; the rest of the page is shown at once.

    Args:
        build: adds them.
    """
    with ui.element("div") as place:
        ui.label("Reading …").classes("state").props("role=status")

    async def fill() -> None:
        with place:
            waiting = list(place)
            try:
                await build()
            except EigenlabError as error:
                notify([str(error)])
            for element in waiting:
                place.remove(element)

    with place:
        ui.timer(0, fill, once=True)
