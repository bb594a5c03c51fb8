"""The statement of how a student worked: sources, study group and hours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from eigenlab.errors import InputError

#: Field of a statement -> what is asked for.
FIELDS = {
    "sources": "Sources you used (books, websites, language models; or: none)",
    "study group": "Members of your study group (or: none)",
    "hours": "Hours you worked on this problem, such as 6.5",
}
HOURS = re.compile(r"(?:about|ca\.?|~)?\s*(\d+(?:[.,]\d+)?)\s*(?:h|hrs?|hours?)?\.?", re.I)
#: What stands where something still has to be written.
PLACEHOLDERS = {"", "todo", "tbd", "?", "xxx"}
FIELD = re.compile(r"^[\s#>*_-]*(sources|study[ _]group|hours)[\s*_]*(?::[\s*_]*(.*)|)$", re.I)


@dataclass(frozen=True)
class Process:
    """How a student worked on a problem.

    Args:
        sources: the sources used; ``"none"`` if there were none.
        study_group: its members; ``"none"`` if the student worked alone.
        hours: hours spent, >= 0.

    Raises:
        InputError: a text is empty, or ``hours`` is no number >= 0.
    """

    sources: str
    study_group: str
    hours: float

    def __post_init__(self) -> None:
        for name, text in (("sources", self.sources), ("study group", self.study_group)):
            if is_placeholder(text):
                raise InputError(f"{name}={text!r}: write what you used, or none")
        if not 0 <= self.hours < float("inf"):
            raise InputError(f"hours={self.hours!r}: give a number >= 0, such as 6.5")

    def text(self) -> str:
        """The statement as it goes into the submission, in the form that can be read again."""
        return (
            f"sources: {self.sources}\n\nstudy group: {self.study_group}\n\nhours: {self.hours:g}\n"
        )


def is_placeholder(text: str) -> bool:
    """Whether something still has to be written here.

    >>> is_placeholder("..."), is_placeholder("*TODO*"), is_placeholder("none")
    (True, True, False)
    """
    bare = re.sub(r"<!--.*?-->", "", text, flags=re.S).strip(" \t\r\n.*_#>-…`")
    return bare.lower() in PLACEHOLDERS


def to_hours(text: str) -> float:
    """The number of hours in words such as ``6.5``, ``6,5 h`` or ``about 6 hours``.

    Raises:
        InputError: there is no such number.
    """
    found = HOURS.fullmatch(text.strip())
    if not found:
        raise InputError(f"hours={text.strip()!r}: give a number >= 0, such as 6.5")
    return float(found[1].replace(",", "."))


def parse_process(text: str, place: str = "the process statement") -> Process:
    """Read a statement with the fields ``sources:``, ``study group:`` and ``hours:``.

    A field goes on until the next one begins; headings (``## Sources``) and bold words are fields,
    too.

    Args:
        text: the statement.
        place: what errors call it. Default: ``"the process statement"``.

    Raises:
        InputError: a field is missing, empty or given twice, or the hours are no number.

    >>> parse_process("Sources: the lecture\\nStudy group: none\\nHours: 6,5 h")
    Process(sources='the lecture', study_group='none', hours=6.5)
    """
    found: dict[str, list[str]] = {}
    current = ""
    for line in text.lstrip("\ufeff").splitlines():
        match = FIELD.match(line)
        if match:
            current = match[1].lower().replace("_", " ")
            if current in found:
                raise InputError(f"{place} has the field {current!r} twice")
            found[current] = [match[2] or ""]
        elif current:
            found[current].append(line.rstrip())
    values = {name: "\n".join(lines).strip() for name, lines in found.items()}
    missing = [name for name in FIELDS if is_placeholder(values.get(name, ""))]
    if missing:
        fields = ", ".join(f"'{name}: ...'" for name in missing)
        raise InputError(f"{place} lacks {fields}; write these as lines of their own")
    return Process(values["sources"], values["study group"], to_hours(values["hours"]))


def read_process(path: str | Path) -> Process:
    """Read a statement from a UTF-8 text file, see :func:`parse_process`.

    Raises:
        InputError: the file cannot be read, or as :func:`parse_process`.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as UTF-8 text: {error}") from error
    return parse_process(text, str(path))
