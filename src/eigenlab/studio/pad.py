"""Areas to draw in: a curve, points, a picture. What is drawn is the text of a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import events, ui

from eigenlab.errors import InputError
from eigenlab.studio.demos.drawn_text import (
    SIDE,
    format_pixels,
    parse_numbers,
    parse_pixels,
    parse_points,
)

SIZE = 280  # px
REACH = 3.0  # of the coordinates of points, to either side
HEIGHT = 2.0  # of a curve, to either side
BRUSH = 1.4  # radius, in pixels of the picture
MOST = 2000

Text = Callable[[str], Any]


class Pad(ui.element):
    """An area in which a pointer draws.

    Args:
        kind: ``"sequence"``, ``"points"`` or ``"pixels"``.
        text: what it shows at first.
        label: for screen readers; the text itself can be typed beside it.
        drawn: called with the text after each stroke of the pointer.
    """

    def __init__(self, kind: str, text: str, label: str, drawn: Text) -> None:
        super().__init__("div")
        self.kind, self._drawn = kind, drawn
        self._shown = text
        self._height = 120 if kind == "sequence" else SIZE
        self.classes("pad")
        with self:
            self._image = ui.interactive_image(
                size=(SIZE, self._height),
                on_mouse=self._pointed,
                events=["pointerdown", "pointermove"],
                sanitize=False,
            ).props(f'aria-label="{label}, draw here"')
            if kind != "sequence":
                ui.button("Clear", on_click=lambda: self._set("")).props("flat dense no-caps")
        self._paint()

    def show(self, text: str) -> None:
        """Show another text.

        Args:
            text: the text.
        """
        if text != self._shown:
            self._shown = text
            self._paint()

    def _set(self, text: str) -> None:
        self._shown = text
        self._paint()
        self._drawn(text)

    def _pointed(self, event: events.MouseEventArguments) -> None:
        pressed = event.type == "pointerdown" or event.buttons & 1
        if not pressed or (self.kind == "points" and event.type != "pointerdown"):
            return
        x, y = event.image_x / SIZE, event.image_y / self._height
        if 0 <= x <= 1 and 0 <= y <= 1:
            try:
                self._set(_STROKES[self.kind](self._shown, x, y))
            except InputError:  # typed text that is no drawing is not replaced
                return

    def _paint(self) -> None:
        try:
            self._image.set_content(_PICTURES[self.kind](self._shown))
        except InputError:
            self._image.set_content("")


def _bend(text: str, x: float, y: float) -> str:
    """Move the point of a curve that is nearest to the pointer."""
    values = parse_numbers(text, name="sequence", fewest=2, most=MOST)
    values[min(len(values) - 1, int(x * len(values)))] = round(HEIGHT * (1 - 2 * y), 2)
    return ", ".join(f"{value:g}" for value in values)


def _add(text: str, x: float, y: float) -> str:
    points = parse_points(text, most=MOST - 1)
    points.append((round(REACH * (2 * x - 1), 2), round(REACH * (1 - 2 * y), 2)))
    return "; ".join(f"{a:g} {b:g}" for a, b in points)


def _brush(text: str, x: float, y: float) -> str:
    rows = parse_pixels(text)
    column, row = x * SIDE - 0.5, y * SIDE - 0.5
    for i in range(SIDE):
        for j in range(SIDE):
            distance = ((i - row) ** 2 + (j - column) ** 2) ** 0.5
            rows[i][j] = max(rows[i][j], min(1.0, BRUSH + 0.5 - distance))
    return format_pixels(rows)


_STROKES = {"sequence": _bend, "points": _add, "pixels": _brush}


def _curve_picture(text: str) -> str:
    values = parse_numbers(text, name="sequence", fewest=2, most=MOST)
    width = SIZE / len(values)
    places = [
        ((k + 0.5) * width, 60 - 60 * max(-1.0, min(1.0, value / HEIGHT)))
        for k, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" />' for x, y in places[:60])
    return (
        '<line x1="0" x2="280" y1="60" y2="60" class="axis" />'
        f'<polyline points="{line}" class="curve" />{dots}'
    )


def _points_picture(text: str) -> str:
    scale = SIZE / (2 * REACH)
    return (
        '<line x1="0" x2="280" y1="140" y2="140" class="axis" />'
        '<line x1="140" x2="140" y1="0" y2="280" class="axis" />'
    ) + "".join(
        f'<circle cx="{(x + REACH) * scale:.1f}" cy="{(REACH - y) * scale:.1f}" r="3.5" />'
        for x, y in parse_points(text, most=MOST)
    )


def _pixels_picture(text: str) -> str:
    size = SIZE / SIDE
    return "".join(
        f'<rect x="{j * size:g}" y="{i * size:g}" width="{size:g}" height="{size:g}" '
        f'fill-opacity="{value:.2f}" />'
        for i, row in enumerate(parse_pixels(text))
        for j, value in enumerate(row)
        if value
    )


_PICTURES = {
    "sequence": _curve_picture,
    "points": _points_picture,
    "pixels": _pixels_picture,
}
