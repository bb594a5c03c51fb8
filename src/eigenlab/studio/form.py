"""Controls for the fields of a config class, on any page."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from nicegui import ui
from pydantic.fields import FieldInfo

from eigenlab.errors import InputError
from eigenlab.lab import Config
from eigenlab.studio.demos import matters
from eigenlab.studio.pad import Pad
from eigenlab.studio.slider import Slider

Changed = Callable[[Config, bool], Any]
Reads = Callable[[str, bytes], Awaitable[str]]
PADS = ("sequence", "points", "pixels")
MAX_BYTES = 2_000_000
PLAY_EVERY = 0.25  # seconds that a value of an animation is shown
LONGEST_MESSAGE = 300  # characters of a message
MOST_BUTTONS = 4  # choices that are shown as buttons; more of them as a list


class Form:
    """One control for each field.

    Args:
        settings: values at first.
        changed: called with the new settings and with whether the change is final: a slider that
            is being dragged reports its intermediate values, too.
        hidden: fields without a control. Default: none.
        reads: (name, content) -> text of an uploaded table. Default: ``None``, there is no upload.
    """

    def __init__(
        self,
        settings: Config,
        changed: Changed,
        hidden: Collection[str] = (),
        reads: Reads | None = None,
    ) -> None:
        self.settings, self._changed = settings, changed
        self._setting = False
        self._last: _Control | None = None  # that was moved
        self.controls: dict[str, _Control] = {}
        fields = type(settings).model_fields
        # The fields of the base class, such as the seed, matter least.
        for name in sorted(fields, key=lambda name: name in Config.model_fields):
            if name not in hidden:
                value = getattr(settings, name)
                self.controls[name] = _control(name, fields[name], value, self._moved, reads)
        self._show_relevant()

    def show(self, settings: Config) -> None:
        """Move the controls without reporting a change.

        Args:
            settings: the values to show.
        """
        self.settings = settings
        self._setting = True
        try:
            for name, control in self.controls.items():
                control.show(getattr(settings, name))
                control.tell("")
            self._show_relevant()
        finally:
            self._setting = False

    def following(self) -> Config | None:
        """The settings if the slider that was moved last goes one step on; None without one."""
        value = self._last.following() if self._last is not None else None
        if self._last is None or value is None:
            return None
        try:
            return self.settings.replace(**{self._last.name: value})
        except InputError:
            return None

    def _show_relevant(self) -> None:
        """Hide the controls of settings that have no effect beside the others."""
        for name, control in self.controls.items():
            control.box.visible = matters(self.settings, name)

    def _moved(self, name: str, value: Any, final: bool) -> None:
        if self._setting:
            return
        self._last = self.controls[name]
        try:
            settings = self.settings.replace(**{name: value})
        except InputError as error:
            self.controls[name].tell(str(error))
            return
        self.controls[name].tell("")
        if settings != self.settings or final:
            self.settings = settings
            self._show_relevant()
            self._changed(settings, final)


Moved = Callable[[str, Any, bool], None]


async def _no_upload(name: str, content: bytes) -> str:
    raise InputError(f"{name}: this page reads no files")


class _Control:
    """A labelled control; subclasses make the widget."""

    def __init__(
        self, name: str, field: FieldInfo, value: Any, moved: Moved, reads: Reads | None
    ) -> None:
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        self.name, self.field, self.moved = name, field, moved
        self.reads = reads or _no_upload
        self.extra: dict[str, Any] = dict(extra)
        self.label = str(extra.get("label") or name.replace("_", " "))
        unit = str(extra.get("unit") or "")
        self.title = f"{self.label} ({unit})" if unit else self.label
        with ui.element("div").classes("control") as self.box:
            self.box.mark(f"control-{name}")
            self.build(value)
            ui.tooltip(field.description or self.label).props("max-width=20rem delay=600")
            self.problem = ui.label().classes("problem").props("role=alert")
            self.problem.visible = False

    def build(self, value: Any) -> None:
        raise NotImplementedError

    def show(self, value: Any) -> None:
        raise NotImplementedError

    def following(self) -> Any:
        """The next value in the direction of the last move; None if there is no such thing."""
        return None

    def tell(self, problem: str) -> None:
        """Show what is wrong with the value, or nothing; a long value is shown in part."""
        if len(problem) > LONGEST_MESSAGE:
            problem = f"{problem[: LONGEST_MESSAGE // 2]} … {problem[-LONGEST_MESSAGE // 2 :]}"
        self.problem.text, self.problem.visible = problem, bool(problem)


class _Slider(_Control):
    _player: _Player | None = None

    def build(self, value: float) -> None:
        low, high = _bounds(self.field)
        whole = self.field.annotation is int
        self.slider = Slider(
            self.title,
            low=low,
            high=high,
            step=self.extra.get("step") or 1,
            scale="log" if self.extra.get("log") else "whole" if whole else "linear",
            value=value,
            slid=self._slid,
            typed=self._typed,
        )
        if self.extra.get("play"):
            with self.slider:
                self._player = _Player(self)

    def _slid(self, value: float, final: bool) -> None:
        if self._player is not None:
            self._player.interrupt()
        self.moved(self.name, value, final)

    def _typed(self, value: float) -> None:
        self._slid(value, True)

    def following(self) -> float | None:
        return self.slider.following()

    def show(self, value: float) -> None:
        self.slider.show(value)


class _Player:
    """A button that moves a slider through the values of an animation, and pauses it.

    Whoever moves the slider meanwhile pauses it, too.
    """

    def __init__(self, slider: _Slider) -> None:
        self.slider, self._stepping = slider, False
        self.values: list[float] = slider.extra["play"]
        self.value = self.values[0]
        self.button = ui.button(icon="play_arrow", on_click=self._pressed)
        self.timer = ui.timer(PLAY_EVERY, self._step, active=False, immediate=False)
        self._show(playing=False)

    def _show(self, *, playing: bool) -> None:
        word = "Pause" if playing else "Play"
        self.button.props(f'flat round dense size=sm aria-label="{word}: {self.slider.title}"')
        self.button.props(f"icon={'pause' if playing else 'play_arrow'}")
        self.timer.active = playing

    def _pressed(self) -> None:
        if self.timer.active:
            self._end()
            return
        now = self.slider.slider.value
        self.value = now if now < self.values[-1] else -math.inf
        self._show(playing=True)
        self._step()

    def _step(self) -> None:
        following = [value for value in self.values if value > self.value]
        if not following:
            self._end()
            return
        self.value = following[0]
        self._stepping = True
        try:
            self.slider.show(self.value)
            self.slider.moved(self.slider.name, self.value, False)
        finally:
            self._stepping = False

    def _end(self) -> None:
        """Stop, and make the last value part of the address."""
        self._show(playing=False)
        self.slider.moved(self.slider.name, self.value, True)

    def interrupt(self) -> None:
        """Pause, if the slider was moved by someone else."""
        if self.timer.active and not self._stepping:
            self._show(playing=False)


class _Choice(_Control):
    def build(self, value: Any) -> None:
        options = list(get_args(self.field.annotation))
        ui.label(self.title).classes("name")
        changed = lambda event: self.moved(self.name, event.value, True)  # noqa: E731
        if len(options) <= MOST_BUTTONS:
            self.widget: Any = ui.toggle(options, value=value, on_change=changed)
            self.widget.props(f'no-caps spread unelevated role=group aria-label="{self.title}"')
        else:
            self.widget = ui.select(options, value=value, on_change=changed)
            self.widget.props(f'dense outlined options-dense aria-label="{self.title}"')

    def show(self, value: Any) -> None:
        self.widget.set_value(value)


class _Switch(_Control):
    def build(self, value: bool) -> None:
        self.widget = ui.switch(
            self.title,
            value=value,
            on_change=lambda event: self.moved(self.name, event.value, True),
        )

    def show(self, value: bool) -> None:
        self.widget.set_value(value)


class _Text(_Control):
    """Anything that is typed: text, numbers without a slider, several values."""

    def build(self, value: Any) -> None:
        kind = self.extra.get("widget")
        if kind in ("pixels", "table"):
            ui.label(self.title).classes("name")
        self.pad = Pad(kind, value, self.title, self._drawn) if kind in PADS else None
        if kind == "table":
            ui.upload(
                label="Upload a CSV or Parquet file",
                auto_upload=True,
                max_files=1,
                max_file_size=MAX_BYTES,
                on_upload=self._uploaded,
                on_rejected=lambda: self.tell(f"the file is larger than {MAX_BYTES / 1e6:g} MB"),
            ).props('accept=".csv,.tsv,.txt,.parquet,.xlsx" flat bordered').classes("full-width")
        # A text field of one line would join the lines of a pasted column.
        field = ui.textarea if kind == "lines" else ui.input
        self.widget = field(
            self.title,
            value=self._text(value),
            on_change=lambda event: self._typed(event.value),
        ).props("dense outlined debounce=400")
        self.widget.visible = kind not in ("pixels", "table")

    def _typed(self, text: str) -> None:
        if self.pad is not None:
            self.pad.show(text)
        self.moved(self.name, self._parsed(text), True)

    def _text(self, value: Any) -> str:
        if isinstance(value, tuple | list):
            return ", ".join(str(item) for item in value)
        return str(value)

    def _parsed(self, text: str) -> Any:
        if get_origin(self.field.annotation) is tuple:
            return [word for word in text.replace(",", " ").split() if word]
        return text

    def _drawn(self, text: str) -> None:
        self.widget.set_value(text)

    async def _uploaded(self, event: Any) -> None:
        event.sender.reset()  # ready for another file
        self.tell("")
        try:
            self.widget.set_value(await self.reads(event.file.name, await event.file.read()))
        except InputError as error:
            self.tell(str(error))

    def show(self, value: Any) -> None:
        if self.pad is not None:
            self.pad.show(value)
        if self._parsed(self.widget.value) != value:
            self.widget.set_value(self._text(value))


def _control(
    name: str, field: FieldInfo, value: Any, moved: Moved, reads: Reads | None
) -> _Control:
    kind: type[_Control] = _Text
    if field.annotation is bool:
        kind = _Switch
    elif get_origin(field.annotation) is Literal:
        kind = _Choice
    elif field.annotation in (int, float) and all(math.isfinite(b) for b in _bounds(field)):
        extra = field.json_schema_extra
        # Without a declared step the bounds only refuse the impossible.
        kind = _Slider if isinstance(extra, dict) and extra.get("step") else _Text
    return kind(name, field, value, moved, reads)


def _bounds(field: FieldInfo) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for item in field.metadata:
        if isinstance(item, Ge | Gt):
            low = float(getattr(item, "ge", None) if isinstance(item, Ge) else item.gt)  # type: ignore[arg-type]
        if isinstance(item, Le | Lt):
            high = float(getattr(item, "le", None) if isinstance(item, Le) else item.lt)  # type: ignore[arg-type]
    return low, high
