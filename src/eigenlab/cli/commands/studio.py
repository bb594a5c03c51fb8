"""``eigenlab studio``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def studio(
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
