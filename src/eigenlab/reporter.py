"""The interface through which long computations report progress and can be cancelled.

Library code calls a :class:`Reporter`; a terminal or a run folder subclasses it. The base class
reports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from eigenlab.errors import Cancelled, InputError


class Reporter:
    """Receives progress and metrics, and may cancel the computation.

    >>> class Loud(Reporter):
    ...     def progress(self, done, total, message=""):
    ...         print(f"{done}/{total} {message}")
    >>> Loud().progress(3, 10, "training")
    3/10 training
    """

    _cancelled = False

    def stage(self, name: str) -> None:
        """Receive the name of the part that begins; progress restarts from zero."""

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Receive progress.

        Args:
            done: finished units of work, such as steps, epochs or networks.
            total: units of work in all.
            message: one line to show beside it. Default: ``""``.
        """

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Receive named numbers measured after ``step`` updates."""

    def message(self, text: str) -> None:
        """Receive one line for the user, such as that a checkpoint was resumed."""

    def cancel(self) -> None:
        """Request that the computation stops where it can be resumed; safe in a signal handler."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raise :class:`~eigenlab.errors.Cancelled` once :meth:`cancel` was called."""
        if self.cancelled:
            raise Cancelled("stopped on request; finished parts are kept, resume with --resume")


class _Silent(Reporter):
    """The reporter that is shared as a default argument, so it must not cancel anything."""

    def cancel(self) -> None:
        raise InputError(
            "SILENT is the default reporter of every function, so it cannot be cancelled; pass "
            "reporter=Reporter() and cancel that one"
        )


SILENT = _Silent()


class ForwardingReporter(Reporter):
    """Passes all calls on to another reporter; base class of reporters that change some of them.

    Args:
        inner: reporter that receives all calls, and that may cancel.
    """

    def __init__(self, inner: Reporter) -> None:
        self.inner = inner

    def stage(self, name: str) -> None:
        """Pass the name on."""
        self.inner.stage(name)

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Pass the progress on."""
        self.inner.progress(done, total, message)

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Pass the numbers on."""
        self.inner.metrics(values, step=step)

    def message(self, text: str) -> None:
        """Pass the message on."""
        self.inner.message(text)

    def cancel(self) -> None:
        """Cancel the inner reporter."""
        self.inner.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the inner reporter is cancelled."""
        return self.inner.cancelled


class PartReporter(ForwardingReporter):
    """One of several equal parts of a piece of work, such as one training among many.

    Progress is that of the whole, and metrics carry the part's name, since each part counts its
    steps from one.

    Args:
        inner: reporter of the whole work.
        name: name of the part.
        index: place of the part, from 0.
        count: number of parts.

    >>> class Loud(Reporter):
    ...     def progress(self, done, total, message=""):
    ...         print(f"{done}/{total} {message}")
    >>> PartReporter(Loud(), "LSTM", 1, 4).progress(50, 100, "loss 0.1")
    150/400 LSTM: loss 0.1
    """

    def __init__(self, inner: Reporter, name: str, index: int, count: int) -> None:
        super().__init__(inner)
        self.name, self.index, self.count = name, index, count

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report the progress of the whole work."""
        done, total = self.index * total + done, self.count * total
        self.inner.progress(done, total, f"{self.name}: {message}")

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Stream the numbers under this part's name."""
        named = {f"{self.name}: {key}": value for key, value in values.items()}
        self.inner.metrics(named, step=step)

    def message(self, text: str) -> None:
        """Pass a message on, under this part's name."""
        self.inner.message(f"{self.name}: {text}")
