"""Parts of the course's coding problems, and the check of one part."""

from __future__ import annotations

import dataclasses
import math
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import torch

import eigenlab
from eigenlab.errors import InputError, nearest
from eigenlab.grading.comparison import Comparison, Picture
from eigenlab.grading.source import source_of

#: Compares what the student's objects return, one value after the other.
Battery = Callable[..., Iterator[Comparison]]

#: Media type under which a notebook stores a result.
MIME = "application/vnd.eigenlab.check+json"


@dataclass(frozen=True)
class Part:
    """One part of a coding problem.

    Args:
        id: such as ``"1a"``; the letters are the assignment's.
        title: what is to be written, in a few words.
        names: the names the student's objects have in the notebook, in the order in which the
            battery takes them.
        battery: generator of comparisons; it is given the student's objects.
    """

    id: str
    title: str
    names: tuple[str, ...]
    battery: Battery


@dataclass(frozen=True)
class CheckResult:
    """What the check of one part found. True if the part passed.

    Args:
        part: id of the part.
        title: what is to be written.
        passed: whether every comparison was within its tolerance and nothing was raised.
        max_error: largest absolute error of the comparisons made, infinite for a wrong shape,
            NaN, or an exception.
        hint: the first thing that is wrong. Default: ``""``, nothing.
        compared: how many values were compared. Default: ``0``.
        note: what else the check found, if the part passed. Default: ``""``.
        sources: name of each of the student's objects -> its source code without comments and
            blank lines; objects without source code are left out. Default: none.
        picture: the first values that are wrong beside the right ones, or, if all are right, the
            values whose axes are known, else the most. Default: ``None``, nothing to draw.
    """

    part: str
    title: str
    passed: bool
    max_error: float
    hint: str = ""
    compared: int = 0
    note: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    picture: Picture | None = field(default=None, repr=False, compare=False)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        head = f"{self.part} {self.title}: {'passed' if self.passed else 'NOT passed'}"
        words = self.hint or self.note
        return f"{head}, max error {self.max_error:.1e}" + (f"\n  {words}" if words else "")

    __repr__ = __str__

    def _repr_html_(self) -> str:
        sign = "✓" if self.passed else "✗"
        said = self.hint or self.note
        hint = f"<br>{escape(said)}" if said else ""
        words = f"{self.part} {self.title}: {'passed' if self.passed else 'not passed'}"
        return (
            f"<div><strong>{sign} {escape(words)}</strong>, "
            f"max error {self.max_error:.1e}{hint}</div>"
        )

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """What a notebook stores of the result: text, HTML, and JSON for ``eigenlab submit``."""
        error = self.max_error if math.isfinite(self.max_error) else None
        told = dataclasses.replace(self, picture=None)
        data = dataclasses.asdict(told) | {"max_error": error, "version": eigenlab.__version__}
        del data["picture"]
        return {"text/plain": str(self), "text/html": self._repr_html_(), MIME: data}


PARTS: dict[str, Part] = {}


def part(id: str, title: str, *names: str) -> Callable[[Battery], Battery]:
    """Register the decorated generator of comparisons as the battery of a part."""

    def register(battery: Battery) -> Battery:
        if id in PARTS:
            raise ValueError(f"part {id} is registered twice")
        PARTS[id] = Part(id, title, names, battery)
        return battery

    return register


def check(part: str, *solution: Any) -> CheckResult:
    """Check a student's solution of one part of the course.

    The solution is called with small inputs, and what it returns is compared with values that the
    course publishes, closed forms and independent references. Nothing is raised for a wrong
    solution: the result says what is wrong. The state of torch's global random generator is
    restored.

    Args:
        part: id of the part, such as ``"1a"``; :func:`parts` lists them.
        solution: the student's classes or functions, in the order of the part's names.

    Returns:
        a result that is true if the part passed, with the largest absolute error and a hint.

    Raises:
        InputError: there is no such part, or it takes another number of objects.

    >>> def get_adjacency_matrix(gamma, X):
    ...     raise NotImplementedError
    >>> check("5b", get_adjacency_matrix)
    5b get_adjacency_matrix: NOT passed, max error inf
      get_adjacency_matrix still has to be written.
    """
    if part not in PARTS:
        known = ", ".join(sorted(PARTS))
        raise InputError(f"part={part!r}: no such part{nearest(part, PARTS)}; known: {known}")
    chosen = PARTS[part]
    if len(solution) != len(chosen.names):
        raise InputError(
            f"part {part} takes {len(chosen.names)} object(s), {', '.join(chosen.names)}; "
            f"{len(solution)} came"
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return _judge(chosen, solution)


def _judge(part: Part, solution: Sequence[Any]) -> CheckResult:
    worst, count, hint, note = 0.0, 0, "", ""
    picture: Picture | None = None
    inputs = _Inputs(part.battery)
    try:
        for found in part.battery(*solution):
            count += 1
            worst = max(worst, found.error)
            if not hint:
                picture = _chosen(picture, found)
            if not found.passed and not hint:
                hint = found.hint()
            note = note or found.note
            if inputs.changed():
                worst, hint, picture = float("inf"), CHANGED, None
                break
    except (Exception, SystemExit) as error:  # the student's code may raise anything
        worst = float("inf")
        picture = picture if hint else None
        hint = CHANGED if inputs.changed() else hint or _explain(error, part)
    finally:
        inputs.restore()
    passed = not hint and count > 0
    return CheckResult(
        part.id,
        part.title,
        passed,
        worst,
        hint,
        count,
        note if passed else "",
        _sources(part, solution),
        picture,
    )


def _chosen(before: Picture | None, found: Comparison) -> Picture | None:
    """The more telling of two pictures: what is wrong, then known axes, then more numbers."""
    picture = found.picture()
    if before is None or not found.passed:
        return picture
    if picture is None:
        return before
    telling = bool(picture.axes), picture.expected.size
    return picture if telling >= (bool(before.axes), before.expected.size) else before


CHANGED = (
    "the code changes its input in place, which belongs to whoever called it: work on a copy "
    "(x.clone(), x.copy()), or write x = x - 1 for x -= 1."
)


class _Inputs:
    """The tensors and arrays of a battery's module, which a solution must leave as they are."""

    def __init__(self, battery: Battery) -> None:
        found = getattr(battery, "__globals__", {}).values()
        self.kept: list[tuple[Any, Any]] = [
            (value, value.detach().clone() if torch.is_tensor(value) else value.copy())
            for value in found
            if torch.is_tensor(value) or isinstance(value, np.ndarray)
        ]

    def changed(self) -> bool:
        return any(not _equal(value, copy) for value, copy in self.kept)

    def restore(self) -> None:
        """Undo what was changed, so that the next check sees the inputs it expects."""
        for value, copy in self.kept:
            if not _equal(value, copy):
                if torch.is_tensor(value):
                    value.data = copy
                else:
                    value[...] = copy


def _equal(value: Any, copy: Any) -> bool:
    return bool(torch.equal(value, copy) if torch.is_tensor(value) else np.array_equal(value, copy))


def _sources(part: Part, solution: Sequence[Any]) -> dict[str, str]:
    found = zip(part.names, map(source_of, solution), strict=True)
    return {name: source for name, source in found if source is not None}


def _explain(error: BaseException, part: Part) -> str:
    """The exception in words, with the line of the student's code that raised it."""
    if isinstance(error, NotImplementedError):
        return f"{str(error) or ' or '.join(part.names)} still has to be written."
    if (explanation := getattr(error, "explanation", None)) is not None:  # from another process
        return str(explanation)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "eigenlab/grading" not in frame.filename and "site-packages" not in frame.filename
    ]
    if not frames:
        return f"{type(error).__name__}: {error}"
    last = frames[-1]
    cell = f"{last.filename}, " if last.filename.startswith("code cell") else ""
    return f"{type(error).__name__}: {error} in {last.name}, {cell}line {last.lineno}: {last.line}"


def parts(problem: str = "") -> list[Part]:
    """The parts of one problem, or all of them, in the order of the course.

    Args:
        problem: number of the problem, such as ``"1"``. Default: ``""``, all problems.

    >>> parts("5")[0].names
    ('get_adjacency_matrix',)
    """
    return [PARTS[id] for id in sorted(PARTS) if id.startswith(problem)]
