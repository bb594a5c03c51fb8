"""Controls for the fields of a config class, on any page."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from nicegui import ui
from pydantic.fields import FieldInfo

from eigenlab.errors import InputError
from eigenlab.lab import Config

Changed = Callable[[Config, bool], Any]
MOST_BUTTONS = 4  # choices that are shown as buttons; more of them as a list


class Form:
    """One control for each field.

    Args:
        settings: values at first.
        changed: called with the new settings and with whether the change is final: a slider that
            is being dragged reports its intermediate values, too.
        hidden: fields without a control. Default: none.
    """

    def __init__(self, settings: Config, changed: Changed, hidden: Collection[str] = ()) -> None:
        self.settings, self._changed = settings, changed
        self._setting = False
        self.controls: dict[str, _Control] = {}
        for name, field in type(settings).model_fields.items():
            if name not in hidden:
                self.controls[name] = _control(name, field, getattr(settings, name), self._moved)

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
        finally:
            self._setting = False

    def _moved(self, name: str, value: Any, final: bool) -> None:
        if self._setting:
            return
        try:
            settings = self.settings.replace(**{name: value})
        except InputError as error:
            self.controls[name].tell(str(error))
            return
        self.controls[name].tell("")
        if settings != self.settings or final:
            self.settings = settings
            self._changed(settings, final)


Moved = Callable[[str, Any, bool], None]


class _Control:
    """A labelled control; subclasses make the widget."""

    def __init__(self, name: str, field: FieldInfo, value: Any, moved: Moved) -> None:
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        self.name, self.field, self.moved = name, field, moved
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

    def tell(self, problem: str) -> None:
        """Show what is wrong with the value, or nothing."""
        self.problem.text, self.problem.visible = problem, bool(problem)


class _Slider(_Control):
    def build(self, value: float) -> None:
        low, high = _bounds(self.field)
        self.log = bool(self.extra.get("log"))
        self.whole = self.field.annotation is int
        with ui.row().classes("items-baseline justify-between no-wrap w-full"):
            ui.label(self.title).classes("name")
            self.number = ui.number(value=value, min=low, max=high, on_change=self._typed).props(
                f'dense borderless hide-bottom-space aria-label="{self.title}, as a number"'
            )
            self.number.classes("value")
        if self.log:
            low, high = math.log10(low), math.log10(high)
        self.slider = ui.slider(
            min=low,
            max=high,
            step=self.extra.get("step") or 1,
            value=self._position(value),
            on_change=lambda event: self._slid(event.value, final=False),
        ).props(f'aria-label="{self.title}"')
        self.slider.on("change", lambda event: self._slid(event.args, final=True))

    def _position(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _value(self, position: float) -> float:
        if self.log:
            low, high = _bounds(self.field)
            return min(high, max(low, float(f"{10**position:.3g}")))
        # 3 * 0.1 is 0.30000000000000004
        return round(position) if self.whole else float(f"{position:.10g}")

    def _slid(self, position: Any, *, final: bool) -> None:
        if isinstance(position, int | float):
            value = self._value(position)
            self.number.set_value(value)
            self.moved(self.name, value, final)

    def _typed(self, event: Any) -> None:
        if event.value is not None and event.value != self._value(self.slider.value or 0):
            value = round(event.value) if self.whole else event.value
            self.moved(self.name, value, True)
            low, high = _bounds(self.field)
            if low <= value <= high:
                self.slider.set_value(self._position(value))

    def show(self, value: float) -> None:
        self.number.set_value(value)
        self.slider.set_value(self._position(value))


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
        self.widget = ui.input(
            self.title,
            value=self._text(value),
            on_change=lambda event: self.moved(self.name, self._parsed(event.value), True),
        ).props("dense outlined debounce=400")

    def _text(self, value: Any) -> str:
        if isinstance(value, tuple | list):
            return ", ".join(str(item) for item in value)
        return str(value)

    def _parsed(self, text: str) -> Any:
        if get_origin(self.field.annotation) is tuple:
            return [word for word in text.replace(",", " ").split() if word]
        return text

    def show(self, value: Any) -> None:
        if self._parsed(self.widget.value) != value:
            self.widget.set_value(self._text(value))


def _control(name: str, field: FieldInfo, value: Any, moved: Moved) -> _Control:
    kind: type[_Control] = _Text
    if field.annotation is bool:
        kind = _Switch
    elif get_origin(field.annotation) is Literal:
        kind = _Choice
    elif field.annotation in (int, float) and all(math.isfinite(b) for b in _bounds(field)):
        extra = field.json_schema_extra
        # Without a declared step the bounds only refuse the impossible.
        kind = _Slider if isinstance(extra, dict) and extra.get("step") else _Text
    return kind(name, field, value, moved)


def _bounds(field: FieldInfo) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for item in field.metadata:
        if isinstance(item, Ge | Gt):
            low = float(getattr(item, "ge", None) if isinstance(item, Ge) else item.gt)  # type: ignore[arg-type]
        if isinstance(item, Le | Lt):
            high = float(getattr(item, "le", None) if isinstance(item, Le) else item.lt)  # type: ignore[arg-type]
    return low, high
