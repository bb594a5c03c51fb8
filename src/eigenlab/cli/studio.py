"""``eigenlab studio``."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from eigenlab.cli.terminal import TerminalReporter, cancel_on_interrupt, notices, output
from eigenlab.errors import InputError

NEEDED = ("nicegui", "pebble")


def serve(*, port: int, host: str, token: str, folder: Path, browser: bool) -> None:
    """Serve the studio until Ctrl-C."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(
            f"the studio needs {' and '.join(missing)}; install them with "
            "`pip install 'eigenlab[studio]'`"
        )
    from eigenlab.studio import Options
    from eigenlab.studio import serve as serve_studio

    def ready(address: str) -> None:
        output().print(f"eigenlab studio: {address} (Ctrl-C ends it)", markup=False, soft_wrap=True)
        if browser:
            webbrowser.open(address)

    serve_studio(Options(host, port, token, folder), ready=ready)


def export(out: Path, lessons: Sequence[str], *, folder: Path) -> None:
    """Write the static site and print its pages."""
    from eigenlab.studio.export import export as export_site

    with TerminalReporter("studio", notices()) as reporter, cancel_on_interrupt(reporter.cancel):
        pages = export_site(out, lessons, report=folder, reporter=reporter)
    for page in pages:
        output().print(str(page), markup=False, soft_wrap=True)
