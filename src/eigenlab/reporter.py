"""How long work speaks to whoever is watching, without knowing who that is.

Library code calls a :class:`Reporter`; a terminal, a run folder or a browser page subclasses it.
The base class is silent, so ``reporter=SILENT`` is always a valid argument.
"""

from __future__ import annotations

from collections.abc import Mapping

from eigenlab.errors import Cancelled


class Reporter:
    """Receives progress and streamed metrics, and may ask the work to stop.

    >>> class Loud(Reporter):
    ...     def progress(self, done, total, message=""):
    ...         print(f"{done}/{total} {message}")
    >>> Loud().progress(3, 10, "training")
    3/10 training
    """

    _cancelled = False

    def stage(self, name: str) -> None:
        """Announce that a named part of the work begins; progress restarts from zero."""

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report ``done`` of ``total`` units of work (steps, epochs, networks)."""

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Stream named numbers measured at ``step``."""

    def message(self, text: str) -> None:
        """Tell the user one thing worth knowing (a resumed checkpoint, a skipped part)."""

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point. May be called from a signal handler."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raise :class:`~eigenlab.errors.Cancelled` once :meth:`cancel` was called."""
        if self.cancelled:
            raise Cancelled("stopped on request; finished parts are kept, resume with --resume")


SILENT = Reporter()
