"""Executes chosen statements of a student's cells, one after the other.

The text of this module is part of the program that a student's process runs, so it imports only
the standard library. What fails costs itself only: a name that could not be imported or defined is
bound to a stand-in that raises, with the reason, when it is used.
"""

from __future__ import annotations
import __future__

import ast
import importlib
import importlib.util
import linecache
import os
import re
import sys
import types
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

#: Names of devices that a computer without an accelerator lacks.
ACCELERATOR = re.compile(r"(cuda|mps|xpu)(:\d+)?")
#: Functions of torch.cuda that fail without a GPU and return nothing that a layer needs.
ONLY_ON_GPU = {"synchronize", "set_device", "get_device_name", "get_device_properties"}


#: Decorators that draw a widget when a function is defined.
WIDGETS = {"interact", "interact_manual", "interactive"}


class NotDefined(Exception):
    """A name whose definition failed was used."""


class Missing:
    """Stands for what could not be imported or defined; raises the reason where it is used."""

    def __init__(self, kind: type[Exception], reason: str) -> None:
        self._kind, self._reason = kind, reason

    def _fail(self, *_: Any, **__: Any) -> NoReturn:
        raise self._kind(self._reason)

    __call__ = __mro_entries__ = __instancecheck__ = __getitem__ = __iter__ = __enter__ = _fail
    __len__ = __add__ = __mul__ = __sub__ = _fail

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(self._kind, self._reason)


class Unchecked:
    """What ``check`` returns in a notebook that is graded: true, so that the notebook goes on.

    Args:
        part: id of the part.
    """

    passed, max_error, hint, note = True, 0.0, "", ""

    def __init__(self, part: str = "", *_: Any) -> None:
        self.part = part

    def __repr__(self) -> str:
        return f"{self.part}: checked by the grader"


def offer_check() -> None:
    """Let the course's notebooks import ``check`` where the grader itself is not to be found."""
    name = "eigenlab.grading"
    try:
        if importlib.util.find_spec(name) is not None:
            return
    except (ImportError, ValueError):
        return
    sys.modules[name] = module = types.ModuleType(name)
    vars(module)["check"] = Unchecked
    vars(importlib.import_module("eigenlab"))["grading"] = module


def run(
    namespace: dict[str, Any],
    cells: Sequence[tuple[str, str, Sequence[int]]],
    texts: Mapping[str, str],
    aliases: Mapping[str, str],
) -> None:
    """Execute statements in a namespace.

    Args:
        namespace: what the statements define goes here.
        cells: for each cell its place, such as ``"code cell 4"``, its code, and the numbers of the
            statements to execute.
        texts: place -> text that tracebacks quote.
        aliases: name that the checks use -> the student's name.
    """
    os.environ.setdefault("MPLBACKEND", "Agg")  # a figure opens no window
    offer_check()
    for place, text in texts.items():
        linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
    for place, source, chosen in cells:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            statements = ast.parse(source).body
        for number in chosen:
            _execute(statements[number], place, namespace)
    for name, given in aliases.items():
        if given in namespace:
            namespace[name] = namespace[given]


def _execute(statement: ast.stmt, place: str, namespace: dict[str, Any]) -> None:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            _import(statement, alias, place, namespace)
        return
    try:
        _run(statement, place, namespace)
    except (Exception, SystemExit) as error:  # a student's statement may raise anything
        if isinstance(error, ImportError | NotDefined):
            missing = Missing(type(error), str(error))
        else:
            where = f"{place}, line {statement.lineno}"
            missing = Missing(
                NotDefined, f"{{}} could not be defined ({where}): {type(error).__name__}: {error}"
            )
        for name in bound_names(statement):
            namespace[name] = Missing(missing._kind, missing._reason.replace("{}", name, 1))


def _import(
    statement: ast.Import | ast.ImportFrom,
    alias: ast.alias,
    place: str,
    namespace: dict[str, Any],
) -> None:
    one = ast.Import([alias])
    if isinstance(statement, ast.ImportFrom):
        if statement.module == "__future__":
            return
        one = ast.ImportFrom(statement.module, [alias], statement.level)  # type: ignore[assignment]
    try:
        _run(ast.copy_location(one, statement), place, namespace)
    except (Exception, SystemExit) as error:  # a module's own code may raise anything
        name = alias.asname or alias.name.partition(".")[0]
        whole = isinstance(statement, ast.ImportFrom) or alias.asname
        if name != "*" and (whole or name not in namespace):
            reason = f"{error} (it is not installed where the check runs)"
            namespace[name] = Missing(ModuleNotFoundError, reason)


def _run(statement: ast.stmt, place: str, namespace: dict[str, Any]) -> None:
    """Annotations are not evaluated, since they may name what is not installed."""
    on_cpu = ast.fix_missing_locations(OnCPU().visit(statement))
    flags = __future__.annotations.compiler_flag
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(ast.Module([on_cpu], []), place, "exec", flags=flags, dont_inherit=True)
    exec(code, namespace)


def bound_names(statement: ast.AST) -> Iterator[str]:
    """The names that a statement binds in the namespace where it stands.

    >>> list(bound_names(ast.parse("a, b = c").body[0]))
    ['a', 'b']
    >>> list(bound_names(ast.parse("table = {c: i for i, c in enumerate(text)}").body[0]))
    ['table']
    """
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.partition(".")[0]
        return
    for field, values in ast.iter_fields(statement):
        for node in values if isinstance(values, list) else [values]:
            if isinstance(node, ast.stmt | ast.excepthandler | ast.withitem | ast.match_case):
                yield from bound_names(node)
            elif field in ("target", "targets", "optional_vars"):
                for inner in ast.walk(node) if node is not None else ():
                    if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                        yield inner.id


class OnCPU(ast.NodeTransformer):
    """Code written for a GPU with the CPU in its place.

    >>> code = "x = torch.zeros(3, device='cuda:0').cuda()"
    >>> ast.unparse(OnCPU().visit(ast.parse(code)))
    "x = torch.zeros(3, device='cpu').cpu()"
    """

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """``@interact(...)`` would draw a widget."""
        node.decorator_list = [
            decorator for decorator in node.decorator_list if _last_name(decorator) not in WIDGETS
        ]
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """``"cuda:0"``."""
        if isinstance(node.value, str) and ACCELERATOR.fullmatch(node.value):
            return ast.copy_location(ast.Constant("cpu"), node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """``f"cuda:{rank}"``."""
        first = node.values[0] if node.values else None
        if isinstance(first, ast.Constant) and first.value == "cuda:":
            return ast.copy_location(ast.Constant("cpu"), node)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """``device == "cuda"`` stays as it is, and is then false."""
        operands = [node.left, *node.comparators]
        node.left, *node.comparators = [
            operand if isinstance(operand, ast.Constant) else self.visit(operand)
            for operand in operands
        ]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """``torch.cuda.FloatTensor``."""
        self.generic_visit(node)
        inner = node.value
        if node.attr.endswith("Tensor") and isinstance(inner, ast.Attribute):
            node.value = inner.value if inner.attr == "cuda" else inner
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``x.cuda()``, ``x.to(0)``, and functions that work on a GPU only."""
        function = node.func
        name = _last_name(function)
        if name in {"autocast", "GradScaler"}:  # disabled without a GPU
            return node
        self.generic_visit(node)
        if name in {"to", "to_empty", "device"} and node.args and _is_number(node.args[0]):
            node.args[0] = ast.copy_location(ast.Constant("cpu"), node.args[0])
        for keyword in node.keywords:
            if keyword.arg == "device" and _is_number(keyword.value):
                keyword.value = ast.copy_location(ast.Constant("cpu"), keyword.value)
        if isinstance(function, ast.Attribute):
            if name == "cuda":
                to_cpu = ast.Attribute(function.value, "cpu", ast.Load())
                return ast.copy_location(ast.Call(to_cpu, [], []), node)
            if name in ONLY_ON_GPU and getattr(function.value, "attr", "") == "cuda":
                return ast.copy_location(ast.Constant(None), node)
        return node


def _is_number(node: ast.expr) -> bool:
    """Whether an expression is the number of a GPU, as in ``x.to(0)``."""
    return isinstance(node, ast.Constant) and type(node.value) is int


def _last_name(node: ast.expr) -> str:
    """``"interact"`` of ``widgets.interact(x=3)``."""
    node = node.func if isinstance(node, ast.Call) else node
    return str(getattr(node, "attr", getattr(node, "id", "")))
