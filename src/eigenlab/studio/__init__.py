"""The studio: the course in a browser, live.

``eigenlab studio`` serves it on this machine. Pages hold no mathematics: a demo
(:mod:`eigenlab.studio.demos`) is a pure function of its settings that calls the libraries, and runs
in a worker process.
"""

from eigenlab.studio.server import Options, serve

__all__ = ["Options", "serve"]
