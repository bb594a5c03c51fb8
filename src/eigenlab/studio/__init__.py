"""The studio: the course in a browser, live.

``eigenlab studio`` serves it on this machine. Pages hold no mathematics: a demo
(:mod:`eigenlab.studio.demos`) is a pure function of its settings that calls the libraries, and runs
in a worker process, which imports no user interface.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eigenlab.studio.options import Options

__all__ = ["Options", "serve"]


def serve(options: Options | None = None, *, ready: Callable[[str], Any] | None = None) -> None:
    """Serve the studio until interrupted.

    Args:
        options: host, port, token and folder. Default: ``None``, the defaults.
        ready: called with the address once it answers. Default: ``None``.

    Raises:
        InputError: the port is in use, or may not be opened.
        ModuleNotFoundError: nicegui or pebble is not installed; ``eigenlab[studio]`` brings them.
    """
    from eigenlab.studio import server  # workers import this package, too, and need no server

    server.serve(options or Options(), ready)
