"""Command-line options made from an experiment's config class."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from eigenlab.cli.options import Json, is_sequence, whole_numbers
from eigenlab.lab import Config, Experiment

_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_LENGTHS = {"min_length": "at least {} long", "max_length": "at most {} long"}

Preset = Annotated[str, Parameter(help="Named settings: smoke (seconds), course, full.")]
Out = Annotated[
    Path | None, Parameter(help="Folder to write the run into [default: runs/EXPERIMENT].")
]
Resume = Annotated[
    bool,
    Parameter(
        negative=(),
        show_default=False,
        help="Continue the unfinished run in --out (same settings).",
    ),
]
#: Options that every ``eigenlab run`` has; a config field may not take these names.
OPTIONS: dict[str, tuple[Any, Any]] = {
    "preset": (Preset, "course"),
    "out": (Out, None),
    "resume": (Resume, False),
    "json": (Json, False),
}


def command_for(experiment: Experiment, action: Callable[..., int]) -> Callable[..., int]:
    """Return a function whose signature has :data:`OPTIONS` and every config field.

    ``action`` is called as ``action(experiment, overrides, preset=..., out=..., ...)`` where
    ``overrides`` holds only the fields that were given.
    """
    fields = experiment.config.model_fields
    clash = OPTIONS.keys() & fields.keys()
    assert not clash, f"{experiment.name}: config fields {sorted(clash)} are options of `run`"

    def command(**given: Any) -> int:
        options = {name: given.pop(name) for name in OPTIONS if name in given}
        return action(experiment, given, **options)

    parameters = {name: kind for name, (kind, _) in OPTIONS.items()}
    parameters |= {name: _annotation(experiment.config, name) for name in fields}
    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=OPTIONS[name][1] if name in OPTIONS else None,
                annotation=annotation,
            )
            for name, annotation in parameters.items()
        ]
    )
    command.__annotations__ = parameters
    questions = f"question{'s'[: len(experiment.questions) - 1]} {', '.join(experiment.questions)}"
    command.__doc__ = f"{experiment.title} ({questions})\n\n{experiment.summary}"
    return command


def _annotation(config: type[Config], name: str) -> Any:
    kind = typing.get_type_hints(config)[name]  # without the bounds of entries: pydantic has them
    parameter = Parameter(
        help=describe(config, name),
        negative_iterable=(),
        negative_none=(),
        consume_multiple=is_sequence(kind) or None,
        converter=whole_numbers if _holds_whole_numbers(kind) else None,
    )
    return Annotated[typing.Optional[kind], parameter]  # noqa: UP045 - made at run time


def _holds_whole_numbers(annotation: Any) -> bool:
    parts = [part for part in typing.get_args(annotation) if part not in (type(None), Ellipsis)]
    return annotation is int or (bool(parts) and all(map(_holds_whole_numbers, parts)))


def describe(config: type[Config], name: str) -> str:
    """One sentence, unit, bounds and default of a field, with the presets that change it.

    >>> describe(Config, "seed")
    'Random seed from which every random number of the run is derived. [≥ 0; default 0]'
    """
    field = config.model_fields[name]
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    notes = [str(extra["unit"])] if extra.get("unit") else []
    for bound in (*field.metadata, *_entry_bounds(field.annotation)):
        notes += [
            f"{sign} {getattr(bound, key)}" for key, sign in _BOUNDS.items() if hasattr(bound, key)
        ]
        notes += [
            words.format(getattr(bound, key))
            for key, words in _LENGTHS.items()
            if getattr(bound, key, None) is not None
        ]
    notes.append(f"default {_plain(field.get_default(call_default_factory=True))}")
    notes += [
        f"{preset}: {_plain(values[name])}"
        for preset, values in config.presets.items()
        if name in values
    ]
    return f"{field.description or name} [{'; '.join(notes)}]"


def _entry_bounds(annotation: Any) -> tuple[Any, ...]:
    """Bounds of each entry of a field that holds several numbers."""
    entries = typing.get_args(annotation)[:1] if is_sequence(annotation) else ()
    return tuple(bound for entry in entries for bound in getattr(entry, "__metadata__", ()))


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(_plain(item) for item in value) or "none"
    return "none" if value is None else str(value)
