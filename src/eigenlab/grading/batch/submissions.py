"""Find who handed in what, in a folder as Gradescope, Canvas, Moodle or a person leaves it."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eigenlab.errors import InputError
from eigenlab.grading.batch.archives import IGNORED
from eigenlab.grading.problems import problems_of
from eigenlab.grading.student_file import read_student_file

#: What can be graded, or holds what can be.
GRADED = (".ipynb", ".py", ".zip")
#: ``doejane_LATE_12345_67890_problem_1-2.ipynb``
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>.+)", re.I)
#: ``Jane Doe_12345_assignsubmission_file_``
MOODLE = re.compile(r"(?P<name>.+)_(?P<id>\d+)_assignsubmission_\w+", re.I)
GRADESCOPE = "submission_metadata.yml"
#: Written for whoever opens the folder of a class, and no student's name.
README = re.compile(r"readme(\.\w+)?", re.I)
#: Folders and files of one student, at most; more are not a submission.
MAX_FILES = 2000


@dataclass(frozen=True)
class Submission:
    """What one student handed in.

    Args:
        key: name for files, which no other submission has.
        name: the student's name, or the name of the folder or file.
        id: number or e-mail address by which the course's platform knows the student, or ``""``.
        files: notebooks, scripts and zip files.
        problem: why it cannot be read, or ``""``.
    """

    key: str
    name: str
    id: str
    files: tuple[Path, ...]
    problem: str = ""

    def digest(self) -> str:
        """SHA-256 of the names and contents of the files."""
        found = hashlib.sha256()
        for path in self.files:
            found.update(f"{path.name}\0{path.stat().st_size}\0".encode(errors="replace"))
            with path.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    found.update(chunk)
        return found.hexdigest()


def find_submissions(folder: Path, refused: Mapping[Path, str] | None = None) -> list[Submission]:
    """The submissions of a folder, in the order of their names.

    Each folder in it is a student, and so is each file. One without a notebook, script or zip file
    is listed as one that cannot be read, so that nobody disappears. A folder that holds nothing but
    one folder of students stands for that one; a folder of one student does not. Names as Canvas,
    Moodle and Gradescope write them are taken apart. Links, pipes and hidden files are not followed
    or read; hidden files and a file ``README`` belong to nobody.

    Args:
        folder: where the submissions are.
        refused: path of what could not be unpacked -> why; its student's submission cannot be read.
            Default: ``None``, nothing.

    Raises:
        InputError: there is no such folder, or it has no submissions.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder of submissions")
    folder = _innermost(folder)
    known = _gradescope(folder / GRADESCOPE)
    found: dict[tuple[str, str], _Entries] = {}
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if not _is_somebodys(entry):
            continue
        is_folder = entry.is_dir() and not entry.is_symlink()
        who = known.get(entry.name) or _who(entry.name if is_folder else entry.stem)
        entries = found.setdefault(who, _Entries())
        if is_folder:
            entries.folders.append(entry)
        elif _is_graded(entry):
            entries.files.append(entry)
        else:
            entries.others.append(entry.name)
        entries.faults += [
            words for path, words in (refused or {}).items() if entry in (path, *path.parents)
        ]
    if not any(entries.folders or entries.files for entries in found.values()):
        raise InputError(f"{folder} has no submissions: no folder, notebook, script or zip file")
    keys = _keys(list(found))
    return [
        _submission(key, *who, entries)
        for key, (who, entries) in zip(keys, found.items(), strict=True)
    ]


@dataclass
class _Entries:
    """What of a folder belongs to one student."""

    folders: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def _submission(key: str, name: str, id: str, entries: _Entries) -> Submission:
    files = list(entries.files)
    for folder in entries.folders:
        files += graded_files(folder)
    if entries.faults:
        return Submission(key, name, id, (), problem="; ".join(entries.faults[:3]))
    if not files:
        others = [*entries.others, *itertools.chain(*map(_other_files, entries.folders))]
        what = f" ({', '.join(others[:3])}{', ...' if len(others) > 3 else ''})" if others else ""
        return Submission(key, name, id, (), f"there is no notebook, script or zip file{what}")
    if len(files) > MAX_FILES:
        return Submission(key, name, id, (), f"there are more than {MAX_FILES} files")
    return Submission(key, name, id, tuple(files))


def _is_somebodys(entry: Path) -> bool:
    """Whether a student handed an entry in, rather than a system or the course wrote it."""
    if entry.name == GRADESCOPE or IGNORED.fullmatch(entry.name):
        return False
    return not README.fullmatch(entry.name) or entry.is_dir() or _is_graded(entry)


def _other_files(folder: Path) -> list[str]:
    """Names of a few files in a folder that has none to grade."""
    found: Iterator[str] = (
        name
        for _, folders, names in os.walk(folder)
        for name in sorted([*names, *(f for f in folders if (folder / f).is_symlink())])
        if not IGNORED.fullmatch(name)
    )
    return list(itertools.islice(found, 4))


def _innermost(folder: Path) -> Path:
    """The folder itself, or the only folder in it, as zip files often have one."""
    while True:
        entries = [entry for entry in folder.iterdir() if _is_somebodys(entry)]
        inner = entries[0] if len(entries) == 1 else None
        if inner is None or inner.is_symlink() or not inner.is_dir():
            return folder
        if MOODLE.fullmatch(inner.name) or not _is_class(inner):
            return folder
        folder = inner


def _is_class(folder: Path) -> bool:
    """Whether a folder that is alone is a class, and not what its only student handed in.

    It is one if it has Gradescope's list, nothing but folders, files that Canvas has named for
    several students, or two notebooks or two scripts of one problem, of which a student hands in
    one only.
    """
    entries = [entry for entry in folder.iterdir() if _is_somebodys(entry)]
    files = [entry for entry in entries if not entry.is_dir()]
    if (folder / GRADESCOPE).is_file() or (entries and not files):
        return True
    matches = [CANVAS.fullmatch(path.stem) for path in files]
    names = {found["name"] for found in matches if found}
    if len(names) > 1 and all(matches):
        return True
    return _has_two_of_a_problem([path for path in files if _is_graded(path)])


def _has_two_of_a_problem(files: Iterable[Path]) -> bool:
    seen: set[tuple[str, str]] = set()
    for path in files:
        try:
            numbers = problems_of(read_student_file(path), {})
        except (InputError, RecursionError):  # a zip file, or one that nobody can read
            continue
        found = {(path.suffix.lower(), number) for number in numbers}
        if found & seen:
            return True
        seen |= found
    return False


def graded_files(folder: Path) -> list[Path]:
    """What can be graded in a folder and those in it."""
    found: list[Path] = []
    folders = [folder]
    while folders and len(found) <= MAX_FILES:
        for entry in sorted(folders.pop().iterdir()):
            if IGNORED.fullmatch(entry.name) or entry.is_symlink():
                continue
            if entry.is_dir():
                folders.append(entry)
            elif _is_graded(entry):
                found.append(entry)
    return sorted(found)


def _is_graded(path: Path) -> bool:
    return path.suffix.lower() in GRADED and path.is_file() and not path.is_symlink()


def _who(name: str) -> tuple[str, str]:
    """A student's name and number, from the name of a folder or file.

    >>> _who("doejane_LATE_12345_67890_problem_1-2.ipynb")
    ('doejane', '12345')
    >>> _who("Jane Doe_12345_assignsubmission_file_")
    ('Jane Doe', '12345')
    >>> _who("team 7")
    ('team 7', '')
    """
    name = "".join(c if c.isprintable() else "_" for c in name)
    found = MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
    return (found["name"], found["id"]) if found else (name, "")


def _gradescope(path: Path) -> dict[str, tuple[str, str]]:
    """Folder -> name and number of the student, as Gradescope's export lists them."""
    if not path.is_file() or path.is_symlink():
        return {}
    try:
        import yaml

        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except Exception:  # PyYAML is missing, or the file is damaged: the folders' names remain
        return {}
    return dict(_submitters(content)) if isinstance(content, Mapping) else {}


def _submitters(content: Mapping[Any, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    for folder, entry in content.items():
        people = entry.get(":submitters") if isinstance(entry, Mapping) else None
        people = [p for p in people if isinstance(p, Mapping)] if isinstance(people, list) else []
        names = [str(person.get(":name") or "") for person in people]
        ids = [str(person.get(":sid") or person.get(":email") or "") for person in people]
        if any(names):
            yield str(folder), (" & ".join(names), " & ".join(ids))


def _keys(people: list[tuple[str, str]]) -> list[str]:
    """Names for files that differ on every system; those that had to change end with a hash.

    >>> _keys([("ada", ""), ("Ada", ""), ("../x", "")])
    ['ada', 'Ada-8dad7b', 'x-229bb6']
    """
    found: list[str] = []
    taken: set[str] = set()
    for name, id in people:
        plain = re.sub(r"[^\w-]+", "_", name).strip("_-")[:60]
        key = plain
        if not key or plain != name.replace(" ", "_") or key.casefold() in taken:
            key = (
                f"{plain}-{hashlib.sha256(f'{name} {id}'.encode(errors='replace')).hexdigest()[:6]}"
            )
        found.append(key.strip("-"))
        taken.add(found[-1].casefold())
    return found
