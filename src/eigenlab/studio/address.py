"""The state of a page in its address: settings, what is hidden, and a teacher's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from eigenlab.errors import InputError
from eigenlab.lab import Config

#: Names in an address that are no settings.
HIDE, TITLE, TEXT = "hide", "title", "text"
MAX_TEXT = 4000


@dataclass(frozen=True)
class Lesson:
    """What a link makes of a page.

    Args:
        hidden: settings without a control. Default: none.
        title: replaces the page's title. Default: ``""``, it does not.
        text: shown above the picture. Default: ``""``.
    """

    hidden: frozenset[str] = field(default=frozenset())
    title: str = ""
    text: str = ""


def to_address(path: str, settings: Config, lesson: Lesson | None = None) -> str:
    """The path with what differs from the default settings; uploaded tables are left out.

    Args:
        path: such as ``"/gradient-flow"``.
        settings: the settings.
        lesson: hidden controls and words. Default: ``None``.

    >>> to_address("/demo", Config(seed=3), Lesson(hidden=frozenset({"seed"})))
    '/demo?seed=3&hide=seed'
    """
    start = type(settings)()
    pairs = [
        (name, _text(value))
        for name, value in settings.model_dump().items()
        if value != getattr(start, name) and not _is_table(type(settings), name)
    ]
    if lesson is not None:
        pairs += [(HIDE, ",".join(sorted(lesson.hidden)))] if lesson.hidden else []
        pairs += [(TITLE, lesson.title)] if lesson.title else []
        pairs += [(TEXT, lesson.text)] if lesson.text else []
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _is_table(config: type[Config], name: str) -> bool:
    """Whether a setting is an uploaded table, for which an address has no room."""
    extra = config.model_fields[name].json_schema_extra
    return isinstance(extra, dict) and extra.get("widget") == "table"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def from_address(
    config: type[Config], query: Mapping[str, str]
) -> tuple[Config, Lesson, list[str]]:
    """Settings and lesson of an address, and what of it could not be used.

    Args:
        config: class of the settings.
        query: name -> value, as in the address.

    >>> settings, lesson, problems = from_address(Config, {"seed": "x", "title": "Hello"})
    >>> settings.seed, lesson.title, problems[0][:41]
    (0, 'Hello', "seed='x': input should be a valid integer")
    """
    settings, problems = config(), []
    for name, text in query.items():
        if name in (HIDE, TITLE, TEXT):
            continue
        if name not in config.model_fields:
            problems.append(f"'{name[:40]}' in the address is no setting of this page")
            continue
        try:
            settings = settings.replace(**{name: _value(config, name, text)})
        except InputError as error:
            problems.append(str(error))
    hidden = frozenset(query.get(HIDE, "").split(",")) & set(config.model_fields)
    return (
        settings,
        Lesson(hidden, query.get(TITLE, "")[:200], query.get(TEXT, "")[:MAX_TEXT]),
        problems,
    )


def _value(config: type[Config], name: str, text: str) -> Any:
    """JSON where it is, as for tuples; otherwise the text, which pydantic converts."""
    if config.model_fields[name].annotation is str:
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, list) else text
