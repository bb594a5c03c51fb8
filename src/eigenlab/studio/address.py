"""The state of a page in its address: settings, what is hidden, and a teacher's words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

from eigenlab.errors import InputError
from eigenlab.lab import Config

#: Names in an address that are no settings.
HIDE, TITLE, TEXT, WITHOUT = "hide", "title", "text", "without"
MAX_TEXT = 4000
#: Characters of an address with which its longest settings are left out; a request of more than
#: 64 kB is refused.
LONGEST_ADDRESS = 50_000


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
    """The path with what differs from the default settings.

    Uploaded tables and other texts for which an address has no room are named in it instead, so
    that the page it leads to says what is missing.

    Args:
        path: such as ``"/gradient-flow"``.
        settings: the settings.
        lesson: hidden controls and words. Default: ``None``.

    >>> to_address("/demo", Config(seed=3), Lesson(hidden=frozenset({"seed"})))
    '/demo?seed=3&hide=seed'
    """
    start = type(settings)()
    texts = {
        name: _text(value)
        for name, value in settings.model_dump().items()
        if value != getattr(start, name)
    }
    kept = {name: text for name, text in texts.items() if not _is_table(type(settings), name)}
    words = [] if lesson is None else _words(lesson)
    while True:
        missing = ",".join(name for name in texts if name not in kept)
        pairs = [*kept.items(), *([(WITHOUT, missing)] if missing else []), *words]
        address = f"{path}?{urlencode(pairs)}" if pairs else path
        if len(address) <= LONGEST_ADDRESS or not kept:
            return address
        del kept[max(kept, key=lambda name: len(quote_plus(kept[name])))]


def _words(lesson: Lesson) -> list[tuple[str, str]]:
    """Names and values of what a lesson changes."""
    pairs = ((HIDE, ",".join(sorted(lesson.hidden))), (TITLE, lesson.title), (TEXT, lesson.text))
    return [(name, text) for name, text in pairs if text]


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
    settings = config()
    problems = [
        f"{name} had no room in the address: give it again; what is shown belongs to the default"
        for name in query.get(WITHOUT, "").split(",")
        if name in config.model_fields
    ]
    for name, text in query.items():
        if name in (HIDE, TITLE, TEXT, WITHOUT):
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
