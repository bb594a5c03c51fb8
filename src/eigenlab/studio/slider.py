"""A slider with its number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from nicegui import ui

THROTTLE = 0.05  # seconds between two positions of a slider that is dragged


class Slider(ui.element, component="assets/slider.js"):
    """A slider and its number, which the browser moves together.

    For NiceGUI's own elements the browser renders the whole page anew at each move, which takes as
    long as drawing a picture.

    Args:
        title: beside the number, and for screen readers.
        low: smallest value.
        high: largest value.
        step: between two positions; of the decimal logarithm if ``scale`` is ``"log"``.
        scale: how positions become values.
        value: at first.
        slid: called with the value and with whether the slider was released.
        typed: called with a number that was typed, which may be beyond the ends.
    """

    def __init__(
        self,
        title: str,
        *,
        low: float,
        high: float,
        step: float,
        scale: Literal["linear", "whole", "log"],
        value: float,
        slid: Callable[[float, bool], Any],
        typed: Callable[[float], Any],
    ) -> None:
        super().__init__()
        self.title, self.low, self.high, self.step, self.scale = title, low, high, step, scale
        self._slid, self._typed = slid, typed
        for name in ("title", "low", "high", "step", "scale"):
            self._props[name] = getattr(self, name)
        self._keep(value)
        self.on("moved", lambda event: self.slide(event.args, final=False), throttle=THROTTLE)
        self.on("released", lambda event: self.slide(event.args, final=True))
        self.on("typed", lambda event: self.type(event.args))

    def _keep(self, value: float) -> None:
        """Remember the value that is shown."""
        self.value, self._at, self._direction = value, self._position(value), 0.0
        with self._props.suspend_updates():  # for a browser that connects anew
            self._props["value"] = value

    def _position(self, value: float) -> float:
        return math.log10(value) if self.scale == "log" else value

    def _value(self, position: float) -> float:
        if self.scale == "log":
            return min(self.high, max(self.low, float(f"{10**position:.3g}")))
        # 3 * 0.1 is 0.30000000000000004
        return round(position) if self.scale == "whole" else float(f"{position:.10g}")

    def show(self, value: float) -> None:
        """Move to a value.

        Args:
            value: from ``low`` to ``high``.
        """
        self._keep(value)
        self.run_method("show", value)

    def slide(self, position: Any, *, final: bool) -> None:
        """What happens when the slider is moved.

        Args:
            position: where it is; anything but a number is ignored.
            final: whether it was released.
        """
        if not isinstance(position, int | float) or not math.isfinite(position):
            return
        before, direction = self._at, self._direction
        self._keep(self._value(position))
        self._at = position
        # A slider that is released reports its position again.
        self._direction = position - before if position != before else direction
        self._slid(self.value, final)

    def type(self, value: Any) -> None:
        """What happens when a number is typed.

        Args:
            value: the number; anything else is ignored.
        """
        if not isinstance(value, int | float) or not math.isfinite(value):
            return
        if self.low <= value <= self.high:
            self._keep(value)
        self._typed(value)

    def following(self) -> float | None:
        """The next value in the direction of the last move; None if there is none."""
        position = self._at + math.copysign(self.step, self._direction)
        inside = self._position(self.low) <= position <= self._position(self.high)
        return self._value(position) if self._direction and inside else None
