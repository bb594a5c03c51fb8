"""What a live page shows: settings with bounds, and a function of them that draws.

A demo is data and one pure function, so that the same one serves a page, a worker process, a test
and a static site. It computes nothing of its own: every number comes from the libraries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import plotly.graph_objects as go
from pydantic import Field

from eigenlab.lab import Config
from eigenlab.reporter import Reporter

Widget = Literal["", "lines", "sequence", "points", "pixels", "table"]


def knob(
    default: float,
    description: str,
    *,
    low: float,
    high: float,
    step: float,
    label: str = "",
    unit: str = "",
    log: bool = False,
    when: tuple[str, Any] | None = None,
    play: Sequence[float] = (),
) -> Any:
    """Declare a number that a slider sets.

    Args:
        default: its value at first.
        description: what it does, one sentence.
        low: smallest value.
        high: largest value.
        step: difference of neighbouring positions; on a logarithmic slider, in decades.
        label: a few words. Default: ``""``, the name of the field.
        unit: unit of the number, such as ``"steps"``. Default: none.
        log: whether positions are spaced by ratio. Default: ``False``.
        when: name of another setting, and the value, or the tuple of values, with which this one
            matters; with another the slider is not shown. Default: ``None``, it always is.
        play: ascending values that a button beside the slider shows one after the other, until it
            is pressed again. Default: none, there is no button.

    >>> class Settings(Config):
    ...     rate: float = knob(0.1, "Learning rate.", low=0.01, high=1, step=0.1, log=True)
    >>> Settings().rate
    0.1
    """
    extra = {"unit": unit, "label": label, "step": step, "log": log, "when": when}
    extra["play"] = list(play)
    return Field(
        default, description=description, ge=low, le=high, json_schema_extra=cast(Any, extra)
    )


def option(
    default: Any,
    description: str,
    *,
    label: str = "",
    widget: Widget = "",
    when: tuple[str, Any] | None = None,
    **bounds: Any,
) -> Any:
    """Declare a setting that is no number: a choice (``Literal``), a switch, or text.

    Args:
        default: its value at first.
        description: what it does, one sentence.
        label: a few words. Default: ``""``, the name of the field.
        widget: how a text is entered besides typing: ``"lines"``, on several lines, as pasted from
            a column; ``"sequence"``, numbers by drawing a curve;
            ``"points"``, "x y" pairs separated by semicolons by clicking; ``"pixels"``, a picture
            by painting (see :func:`~eigenlab.studio.demos.drawn_text.parse_pixels`); ``"table"``, a
            CSV or Parquet file by uploading, which is not part of the address. Default: ``""``.
        when: as for :func:`knob`. Default: ``None``.
        bounds: pydantic's own, such as ``max_length``.
    """
    extra = {"label": label, "widget": widget, "when": when}
    return Field(default, description=description, json_schema_extra=cast(Any, extra), **bounds)


def matters(settings: Config, name: str) -> bool:
    """Whether a setting has an effect beside the others (see ``when`` of :func:`knob`).

    Args:
        settings: all of them.
        name: of the setting.

    >>> class Settings(Config):
    ...     cell: str = option("RNN", "Kind.")
    ...     bias: float = knob(0, "Of gates.", low=0, high=1, step=1, when=("cell", "LSTM"))
    >>> matters(Settings(), "bias"), matters(Settings(cell="LSTM"), "bias")
    (False, True)
    """
    extra = type(settings).model_fields[name].json_schema_extra
    when: Any = extra.get("when") if isinstance(extra, dict) else None
    if when is None:
        return True
    other, wanted = when
    value = getattr(settings, other)
    return value in wanted if isinstance(wanted, tuple) else value == wanted


def power(value: float, digits: int = 2) -> str:
    """A number for a sentence, with a power of ten where it is very small or large.

    Args:
        value: the number.
        digits: significant digits. Default: ``2``.

    >>> power(0.25), power(7.1e-13), power(math.inf)
    ('0.25', '7.1·10⁻¹³', '∞')
    """
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "−∞"}.get(value, "not a number")
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa}·10{str(int(exponent)).translate(_RAISED)}"


_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Panel:
    """One picture.

    Args:
        name: identifier, unique within the demo.
        title: a few words.
        caption: what it shows, one or two sentences.
        figure: the figure.
        link: the quantity on its x axis; pictures with the same one show the value under the
            pointer together. Default: ``""``, none.
    """

    name: str
    title: str
    caption: str
    figure: go.Figure
    link: str = ""


@dataclass(frozen=True)
class Goal:
    """A challenge for the reader.

    Args:
        text: what to achieve.
        reached: whether the settings achieve it.
        now: the number that decides, as text.
    """

    text: str
    reached: bool
    now: str


@dataclass(frozen=True)
class View:
    """What a demo shows for some settings.

    Args:
        sentence: what is happening, computed from the numbers.
        panels: the pictures; for other settings the same ones in the same order.
        numbers: name -> value of what the sentence and the goals speak of.
        goals: challenges. Default: none.
        python: lines that compute the main numbers; run, they leave them in the variables that
            ``numbers`` names. Default: ``""``.
        command: a command that does the same. Default: ``""``, there is none.
    """

    sentence: str
    panels: tuple[Panel, ...]
    numbers: Mapping[str, float]
    goals: tuple[Goal, ...] = ()
    python: str = ""
    command: str = ""


@dataclass(frozen=True)
class Example:
    """Settings worth a look.

    Args:
        label: a few words, for a button.
        changes: the settings that differ from the defaults.
        says: what is then to be seen, one or two sentences.
    """

    label: str
    changes: Mapping[str, Any]
    says: str


@dataclass(frozen=True)
class Preparation:
    """What must be trained before a demo can be drawn, once for the settings that it depends on.

    Args:
        label: what is done, for a button, such as ``"Train the classifier"``.
        settings: names of the settings that it depends on; for other values it is done again.
        minutes: how long it takes on two cores, about.
        make: (settings, folder, reporter) -> None; writes files into the folder, which becomes
            visible to ``draw`` only when all are written. It reports progress, and metrics such as
            the loss, which the page draws while they come.
        check: (settings) -> None; raises :class:`~eigenlab.errors.InputError` for settings that
            cannot be prepared, before it is offered. Default: ``None``, all can.
    """

    label: str
    settings: tuple[str, ...]
    minutes: float
    make: Callable[[Any, Path, Reporter], None]
    check: Callable[[Any], None] | None = None


@dataclass(frozen=True)
class Demo:
    """A live page.

    Args:
        name: as in the address, such as ``"gradient-flow"``.
        title: a few words.
        questions: ids of the questions of the course that it is about.
        summary: what it lets one see, one or two sentences.
        settings: a config class whose numbers are declared with :func:`knob`.
        draw: settings -> what they show; pure, and within half a second on one core. With a
            preparation: (settings, its folder) -> what they show.
        examples: settings worth a look, in the order in which a newcomer should try them.
            Default: none.
        preparation: what must be trained first. Default: ``None``, nothing.
        notice: a sentence that is always shown. Default: ``""``.
        grid: setting -> values for the sliders of the static site, which shows every combination of
            them. Default: none, the demo is not part of the static site.
    """

    name: str
    title: str
    questions: tuple[str, ...]
    summary: str
    settings: type[Config]
    draw: Callable[..., View]
    examples: tuple[Example, ...] = field(default=())
    preparation: Preparation | None = None
    notice: str = ""
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
