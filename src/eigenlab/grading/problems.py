"""Which problem a student's file belongs to, and which of its names are the student's own."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

from eigenlab.errors import InputError, nearest
from eigenlab.grading.parts import PARTS, Part, parts
from eigenlab.grading.student_file import StudentFile

#: Name of each problem -> its number.
PROBLEMS = {
    "recurrent": "1",
    "names": "2",
    "autoencoders": "3",
    "clustering": "5",
    "translation": "7",
    "linear": "8",
}
#: Names that files of other problems define, too. They tell the problem only if no other name does.
COMMON = {"LSTM", "RNN", "accuracy", "generate_batch", "labels", "loss_fn", "update"}
#: Parts that some editions lack -> names that tell that a file is of an edition that has them.
OPTIONAL = {
    "1h-lstm-layer": ("LSTMLayer", "LSTM"),
    "1h-lstm": ("LSTMLayer", "LSTM"),
    "1h-rnn": ("LSTMLayer", "LSTM", "RNN"),
    "5g-labels": ("labels",),
}


class NothingOfTheCourse(InputError):
    """A student's file has no code of any problem."""


def problem_number(problem: str) -> str:
    """The number of a problem given by number or name.

    Raises:
        InputError: there is no such problem, or it has no code to check.

    >>> problem_number("clustering")
    '5'
    """
    number = PROBLEMS.get(problem.lower(), problem)
    if parts(number) and number in PROBLEMS.values():
        return number
    having = [f"{number} ({name})" for name, number in PROBLEMS.items() if parts(number)]
    known = ", ".join(having)
    if number in {*PROBLEMS.values(), "4"}:
        raise InputError(
            f"problem {problem!r} has no code to check: no task of it asks for a function or class "
            f"in a given form; those that have: {known}"
        )
    raise InputError(f"problem {problem!r} is unknown{nearest(problem, PROBLEMS)}; known: {known}")


def problems_of(file: StudentFile, aliases: Mapping[str, Sequence[str]]) -> list[str]:
    """Numbers of the problems that a file has code of.

    Args:
        file: what the student wrote.
        aliases: name that the checks use -> names that the file may have for it.

    Raises:
        NothingOfTheCourse: nothing in the file belongs to a problem with code to check.
    """
    if file.problem in PROBLEMS.values() and parts(file.problem):
        return [file.problem]
    given = {*file.definitions, *file.not_run}
    used = [name for part in PARTS.values() for name in part.names]
    present = {name for name in used if given & {name, *aliases.get(name, ())}}
    plain = {_plain(name) for name in file.taken("class", "function")}
    near = {name for name in used if _plain(name) in plain and name not in COMMON}
    for names in (present - COMMON, near, present):
        found = {part.id[0] for part in PARTS.values() if names & {*part.names}}
        if found:
            return sorted(found)
    if file.problem:
        try:
            problem_number(file.problem)
        except InputError as error:
            raise NothingOfTheCourse(f"{file.path}: {error}") from error
    defined = file.taken("class", "function")[:8]
    what = f"it defines {', '.join(defined)}" if defined else "it defines no class and no function"
    unread = f"; {file.syntax_errors[0]}" if file.syntax_errors else ""
    raise NothingOfTheCourse(
        f"{file.path} has nothing of the course: {what}{unread}. Name the problem with --problem, "
        "or give your names with --alias RNNLayer=MyLayer"
    )


def is_unwritten(file: StudentFile, number: str, aliases: Mapping[str, Sequence[str]]) -> bool:
    """Whether each class and function of a problem in a file still has to be written.

    Args:
        file: what the student wrote, or was given.
        number: number of the problem.
        aliases: name that the checks use -> names that the file may have for it.
    """
    used = [name for part in parts(number) for name in part.names]
    names = {given for name in used for given in (name, *aliases.get(name, ()))}
    found = [file.definitions[n] for n in file.taken("class", "function") if n in names]
    return bool(found) and all(_is_stub(definition.source) for definition in found)


def _is_stub(source: str) -> bool:
    """Whether a function, or a method of a class, raises ``NotImplementedError`` in any case.

    >>> _is_stub("def f(x):\\n    'Double x.'\\n    raise NotImplementedError('f')")
    True
    >>> _is_stub("def f(x):\\n    return 2 * x")
    False
    """
    return any(
        isinstance(statement, ast.Raise)
        and statement.exc is not None
        and ast.unparse(statement.exc).startswith("NotImplementedError")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for statement in node.body
    )


def near_miss(name: str, file: StudentFile) -> str:
    """A class or function of the file whose name looks like a misspelling of ``name``, or ``""``.

    Names that other parts use are no misspellings: ``LSTMLayer`` is none of ``RNNLayer``.
    """
    used = {name for part in PARTS.values() for name in part.names}
    plain = {_plain(found): found for found in file.taken("class", "function") if found not in used}
    close = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.85)
    return plain[close[0]] if close else ""


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def aliases_from(words: Iterable[str]) -> dict[str, list[str]]:
    """Aliases written as ``RNNLayer=MyLayer``.

    Raises:
        InputError: a word is not of that form, or no part has the name on its left.

    >>> aliases_from(["RNNLayer=MyLayer"])
    {'RNNLayer': ['MyLayer']}
    """
    found: dict[str, list[str]] = {}
    for word in words:
        name, equals, given = word.partition("=")
        if not equals or not given.isidentifier():
            raise InputError(f"alias {word!r}: expected NAME=YOURS, such as RNNLayer=MyLayer")
        found.setdefault(name, []).append(given)
    return checked_aliases(found)


def checked_aliases(aliases: Mapping[str, str | Sequence[str]]) -> dict[str, list[str]]:
    """Aliases with a list of the student's names for each name of a part.

    Raises:
        InputError: no part has one of the names, or a value is no name.
    """
    known = {name for part in PARTS.values() for name in part.names}
    found = {}
    for name, given in aliases.items():
        if name not in known:
            near = nearest(name, known)
            raise InputError(f"alias {name}={given}: no part has the name {name!r}{near}")
        names = [given] if isinstance(given, str) else given
        if not isinstance(names, list) or not all(
            isinstance(n, str) and n.isidentifier() for n in names
        ):
            raise InputError(f"alias of {name}: {given!r} is not a name, nor a list of names")
        found[name] = list(names)
    return found


def chosen_aliases(file: StudentFile, aliases: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """For each name the first of its aliases that the file defines."""
    own = {*file.taken("class", "function", "value")}
    found = {name: next((g for g in given if g in own), "") for name, given in aliases.items()}
    return {name: given for name, given in found.items() if given}


def absence(part: Part, file: StudentFile, aliases: Mapping[str, str]) -> str:
    """Why the objects of a part are not there, in words; ``""`` if they are."""
    for name in part.names:
        if part.id == "5g-labels" and not file.executed:
            return "the labels are computed; add --execute to run the whole file (minutes)."
        if name in aliases:
            continue
        found = file.definitions.get(name)
        if found is None:
            return _missing(name, file)
        if found.kind == "import":
            return f"{name} is imported ({found.place}: {found.source}), not written in this file."
    return ""


def _missing(name: str, file: StudentFile) -> str:
    if name in file.not_run:
        place = file.not_run[name]
        advice = "; add --execute to run it" if re.fullmatch(r".*, line \d+", place) else ""
        return f"{name} is set in {place}, which is not run{advice}."
    near = near_miss(name, file)
    if near:
        return (
            f"{name} is not defined; the file has {near}. If that is it, rename it or add "
            f"--alias {name}={near}."
        )
    return f"{name} is not defined in this file."


def is_left_out(
    part: Part,
    file: StudentFile,
    aliases: Mapping[str, str],
    points: Mapping[str, float] | None = None,
) -> bool:
    """Whether a part is one that some editions lack, and nothing says that this one has it.

    It is asked for where it has points, where the notebook is one of eigenlab's, all of which have
    it, and where the file has one of its names.

    Args:
        part: a part whose objects are not in the file.
        file: what the student wrote.
        aliases: name that the checks use -> the student's name.
        points: id of a part -> its points. Default: ``None``, none.
    """
    names = OPTIONAL.get(part.id)
    if names is None:
        return False
    if part.id == "5g-labels" and not file.executed:  # a value, which only --execute computes
        return True
    if part.id in (points or {}) or file.problem == part.id[0]:
        return False
    if part.id == "5g-labels":
        return not {"labels"} & {*file.definitions, *aliases}
    there = {*file.taken("class", "function", "value"), *file.not_run, *aliases}
    return not any(name in there or near_miss(name, file) for name in names)
