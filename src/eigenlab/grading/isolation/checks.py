"""Check the parts of a student's file in processes of their own."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eigenlab.errors import InputError
from eigenlab.grading.isolation.limits import Limits
from eigenlab.grading.isolation.process import Process, Stopped, Template
from eigenlab.grading.isolation.proxies import RemoteError, Session
from eigenlab.grading.parts import PARTS, CheckResult, check
from eigenlab.grading.source import essential

#: How the check of a part ended.
PASSED, FAILED, MISSING, HUNG, DIED = "passed", "failed", "missing", "hung", "died"


@dataclass(frozen=True)
class Outcome:
    """How the check of one part ended.

    Args:
        status: ``"passed"``, ``"failed"``, ``"missing"`` (a name is not defined), ``"hung"`` (out
            of time) or ``"died"`` (the process ended, or sent what is no answer).
        result: the result for the student. It has passed only where the status is ``"passed"``.
        output: the end of what the code printed. Default: ``""``.
    """

    status: str
    result: CheckResult
    output: str = ""


@dataclass(frozen=True)
class Report:
    """What the checks of a file found.

    Args:
        outcomes: one for each part, in the order in which they were asked for.
        layers: what confined the student's code, such as ``"seccomp"``.
    """

    outcomes: Sequence[Outcome]
    layers: tuple[str, ...]

    @property
    def results(self) -> list[CheckResult]:
        """The result of each part."""
        return [outcome.result for outcome in self.outcomes]

    def __str__(self) -> str:
        return "\n".join([*map(str, self.results), "", describe(self.layers)])


def describe(layers: Sequence[str]) -> str:
    """What confined the code, and plainly what did not.

    >>> print(describe(["limits of resources"]))
    The code ran in its own process, confined by: limits of resources.
    Not there on this system: another user, a file system of the allowed files, namespaces, \
Landlock, seccomp.
    Nothing kept it from reading the grader's files.
    """
    wanted = ("another user", "file system", "namespaces", "Landlock", "seccomp")
    full = {"file system": "a file system of the allowed files"}
    missing = [full.get(w, w) for w in wanted if not any(name.startswith(w) for name in layers)]
    words = ", ".join(layers) or "nothing else"
    lines = [f"The code ran in its own process, confined by: {words}."]
    if missing:
        lines.append(f"Not there on this system: {', '.join(missing)}.")
    if "Landlock" in missing and full["file system"] in missing:
        lines.append("Nothing kept it from reading the grader's files.")
    return "\n".join(lines)


def check_source(
    source: str,
    parts: Sequence[str],
    *,
    aliases: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    template: Template | None = None,
) -> Report:
    """Check parts of a student's source code, which runs in confined processes.

    Each part has a process of its own, in which the source is executed first; what the code
    returns is compared here, where it cannot reach. A part that hangs or ends its process has not
    passed, and the next one is checked all the same. Where the execution of the source itself
    hangs or ends the process, no part has passed.

    Args:
        source: the source code, such as the text of a file.
        parts: ids of the parts, such as ``["1a", "1b"]``.
        aliases: name that a part expects -> name in the source. Default: ``None``, no other names.
        limits: what the code may use. Default: ``None``, those of :class:`Limits`.
        template: the process to copy, which saves the seconds that torch takes to start. Default:
            ``None``, one for this call.

    Returns:
        an outcome for each part, and what confined the code.

    Raises:
        InputError: there is no such part, or the system cannot copy processes.
        RuntimeError: a process did not start, which is no fault of the student's.

    >>> source = "def get_degree_matrix(A):\\n    return A"
    >>> report = check_source(source, ["5c", "5d"])
    >>> [outcome.status for outcome in report.outcomes]
    ['failed', 'missing']
    >>> report.results[1].hint
    'get_normalized_matrix is not defined.'
    """
    for part in parts:
        if part not in PARTS:
            raise InputError(f"part={part!r}: no such part; known: {', '.join(sorted(PARTS))}")
    limits = limits or Limits()
    with contextlib.ExitStack() as stack:
        template = template or stack.enter_context(Template())
        return _Run(source, aliases or {}, limits, template).report(parts)


class _Run:
    """The checks of one source."""

    def __init__(
        self, source: str, aliases: Mapping[str, str], limits: Limits, template: Template
    ) -> None:
        self.source, self.aliases, self.limits, self.template = source, aliases, limits, template
        self.end = time.monotonic() + limits.total
        self.layers: tuple[str, ...] = ()
        self.broken: Stopped | None = None  # what the execution of the source came to

    def report(self, parts: Sequence[str]) -> Report:
        outcomes = [self.outcome(part) for part in parts]
        return Report(outcomes, self.layers)

    def outcome(self, part: str) -> Outcome:
        if self.broken is not None:
            return self.stopped(part, self.broken, "")
        left = self.end - time.monotonic()
        if left <= 0:
            words = f"the time for all parts ({self.limits.total:g} s) is over"
            return self.stopped(part, Stopped(HUNG, words), "")
        limits = dataclasses.replace(self.limits, wall=min(self.limits.wall, left))
        with self.template.run(limits) as process:
            self.layers = tuple(process.layers)
            found = self.judge(part, process)
        return dataclasses.replace(found, output=process.output.text())

    def judge(self, part: str, process: Process) -> Outcome:
        session, raised = Session(process), ""
        try:
            session.run(self.source)
        except Stopped as stop:
            self.broken = Stopped(stop.how, f"while the file was executed, {stop.why}")
            return self.stopped(part, self.broken, "")
        except NotImplementedError as error:
            raised = f"NotImplementedError: {error}"
        except RemoteError as error:
            raised = error.explanation
        process.deadline = min(time.monotonic() + self.limits.wall, self.end)
        names = [self.aliases.get(name, name) for name in PARTS[part].names]
        try:
            found = session.get(names)
            missing = [name for name, value in zip(names, found, strict=True) if value is None]
            if missing:
                return self.missing(part, missing, raised)
            result = check(part, *[value[0] for value in found if value is not None])
        except Stopped as stop:
            return self.stopped(part, stop, raised)
        except RemoteError as error:
            return Outcome(FAILED, self.failure(part, error.explanation))
        result = dataclasses.replace(result, sources=self.sources(part, names))
        return Outcome(PASSED if result.passed else FAILED, result)

    def sources(self, part: str, names: Sequence[str]) -> dict[str, str]:
        """The last definition of each name."""
        found = {}
        for node in ast.parse(self.source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
                text = ast.get_source_segment(self.source, node) or ""
                found[PARTS[part].names[names.index(node.name)]] = essential(text)
        return found

    def missing(self, part: str, names: Sequence[str], raised: str) -> Outcome:
        words = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not defined."
        if raised:
            words += f" The file raised an exception before its end: {raised}"
        return Outcome(MISSING, self.failure(part, words))

    def stopped(self, part: str, stop: Stopped, raised: str) -> Outcome:
        words = f"the check of this part {stop.how}: {stop.why}."
        return Outcome(stop.how, self.failure(part, words + (f" ({raised})" if raised else "")))

    def failure(self, part: str, hint: str) -> CheckResult:
        return CheckResult(part, PARTS[part].title, False, float("inf"), hint)
