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
from eigenlab.grading.isolation.process import Stopped, Template
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
    if any(name.startswith("bubblewrap") for name in layers):
        full["namespaces"] = "namespaces for each part"
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
    together: bool = False,
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
        together: whether the parts share a process while it lives, so that a source which takes
            long is executed once. Default: ``False``, each part has its own.

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
        return _Run(source, aliases or {}, limits, template, together).report(parts)


class _Run:
    """The checks of one source."""

    def __init__(
        self,
        source: str,
        aliases: Mapping[str, str],
        limits: Limits,
        template: Template,
        together: bool,
    ) -> None:
        self.source, self.aliases, self.limits, self.template = source, aliases, limits, template
        self.together = together
        self.end = time.monotonic() + limits.total
        self.layers: tuple[str, ...] = ()
        self.broken: Stopped | None = None  # what the execution of the source came to
        self.session: Session | None = None  # in which the source has been executed
        self.raised = ""  # by the source

    def report(self, parts: Sequence[str]) -> Report:
        try:
            outcomes = [self.outcome(part) for part in parts]
        finally:
            self.release()
        return Report(outcomes, self.layers)

    def outcome(self, part: str) -> Outcome:
        if self.broken is not None:
            return self.stopped(part, self.broken)
        left = self.end - time.monotonic()
        if left <= 0:
            words = f"the time for all parts ({self.limits.total:g} s) is over"
            return self.stopped(part, Stopped(HUNG, words))
        session = self.session or self.execute(left)
        if self.broken is None:
            left = max(0.01, self.end - time.monotonic())
            session.process.allow(self.limits.cpu, min(self.limits.wall, left))
            found = self.judge(part, session)
        else:
            found = self.stopped(part, self.broken)
        if not self.together or found.status in (HUNG, DIED):
            self.release()
        return dataclasses.replace(found, output=session.process.output.text())

    def execute(self, left: float) -> Session:
        """Execute the source in a new process."""
        seconds = min(self.limits.execution or self.limits.wall, left)
        process = self.template.run(dataclasses.replace(self.limits, execution=seconds))
        self.layers, self.raised = tuple(process.layers), ""
        self.session = session = Session(process)
        try:
            session.run(self.source)
        except Stopped as stop:
            self.broken = Stopped(stop.how, f"while the file was executed, {stop.why}")
        except NotImplementedError as error:
            self.raised = f"NotImplementedError: {error}"
        except RemoteError as error:
            self.raised = error.explanation
        return session

    def release(self) -> None:
        if self.session is not None:
            self.session.process.close()
            self.session = None

    def judge(self, part: str, session: Session) -> Outcome:
        names = [self.aliases.get(name, name) for name in PARTS[part].names]
        try:
            found = session.get(names)
            missing = [name for name, value in zip(names, found, strict=True) if value is None]
            if missing:
                return self.missing(part, missing)
            result = check(part, *[value[0] for value in found if value is not None])
        except Stopped as stop:
            return self.stopped(part, stop)
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

    def missing(self, part: str, names: Sequence[str]) -> Outcome:
        words = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not defined."
        if self.raised:
            words += f" The file raised an exception before its end: {self.raised}"
        return Outcome(MISSING, self.failure(part, words))

    def stopped(self, part: str, stop: Stopped) -> Outcome:
        words = f"the check of this part {stop.how}: {stop.why}."
        raised = f" ({self.raised})" if self.raised else ""
        return Outcome(stop.how, self.failure(part, words + raised))

    def failure(self, part: str, hint: str) -> CheckResult:
        return CheckResult(part, PARTS[part].title, False, float("inf"), hint)
