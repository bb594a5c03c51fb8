"""``eigenlab studio``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter


def studio_app() -> App:
    """``eigenlab studio``: it serves, and has a command that writes a static site."""
    app = App(name="studio", help="The course in a browser, live.")
    app.default(_serve)
    app.command(_export, name="export")
    return app


def _serve(
    *,
    port: Annotated[int, Parameter(help="Port; 0 takes any free one.")] = 8765,
    host: Annotated[
        str, Parameter(help="Address to listen at; another one than this machine needs a token.")
    ] = "127.0.0.1",
    token: Annotated[
        str,
        Parameter(
            show_default=False,
            help="Secret that the address must hold [default: made where it is needed].",
        ),
    ] = "",
    folder: Annotated[
        Path, Parameter(help="Folder of a report; its claims and runs are shown.")
    ] = Path("report"),
    browser: Annotated[
        bool, Parameter(negative="--no-browser", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Open the course in a browser, live; Ctrl-C ends it."""
    from eigenlab.cli import studio as command

    command.serve(port=port, host=host, token=token, folder=folder, browser=browser)


def _export(
    *,
    out: Annotated[Path, Parameter(help="Folder to write.")] = Path("site"),
    lesson: Annotated[
        tuple[str, ...],
        Parameter(
            consume_multiple=True,
            negative=(),
            show_default=False,
            help="Addresses of the studio, such as '/gradient-flow?title=First+steps&hide=seed'; "
            "each becomes a page.",
        ),
    ] = (),
    folder: Annotated[Path, Parameter(help="Folder of a report; its page is copied.")] = Path(
        "report"
    ),
) -> None:
    """Write a static site that any web server shows without Python."""
    from eigenlab.cli import studio as command

    command.export(out, lesson, folder=folder)
