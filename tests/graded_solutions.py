"""The solutions of the other tests as source texts, for checks that run them elsewhere."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from typing import Any, NamedTuple

from eigenlab.grading import PARTS

NAME = "the_solution"


class Solution(NamedTuple):
    """A solution as an object, and as the source text that defines it as :data:`NAME`."""

    id: str
    part: str
    value: Any
    source: str


def solutions() -> Iterator[Solution]:
    """Every right and every wrong solution of problems 1, 2, 3 and 5."""
    for problem in ("1", "2", "3", "5"):
        module = importlib.import_module(f"grading.test_problem_{problem}")
        tree = ast.parse(inspect.getsource(module))
        kept = [_WithoutLibrary().visit(node) for node in tree.body if _is_definition(node)]
        base = "\n".join(map(ast.unparse, kept))
        yield from _listed(module, base)


def _is_definition(node: ast.stmt) -> bool:
    """Whether the statement belongs to the solutions: no test, nothing of pytest or eigenlab."""
    if isinstance(node, ast.ImportFrom | ast.Import):
        text = ast.unparse(node)
        return "pytest" not in text and "eigenlab" not in text
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return not node.name.startswith("test_")
    return isinstance(node, ast.Assign | ast.AnnAssign)


class _WithoutLibrary(ast.NodeTransformer):
    """Leaves the library's own solutions out of dictionaries."""

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        pairs = [
            (key, value)
            for key, value in zip(node.keys, node.values, strict=True)
            if not ast.unparse(value).startswith(("library.", "eigenlab."))
        ]
        node.keys, node.values = [key for key, _ in pairs], [value for _, value in pairs]
        return self.generic_visit(node)


def _listed(module: Any, base: str) -> Iterator[Solution]:
    for part, listed in module.RIGHT.items():
        named = listed if isinstance(listed, dict) else dict(enumerate(listed))
        for name, value in named.items():
            if "eigenlab" in getattr(value, "__module__", ""):
                continue
            yield _solution(f"{part}-{name}", part, value, base, f"RIGHT[{part!r}][{name!r}]")
    for part, cases in module.WRONG.items():
        for number, (value, _) in enumerate(cases):
            yield _solution(f"{part}-{number}", part, value, base, f"WRONG[{part!r}][{number}][0]")


def _solution(id: str, part: str, value: Any, base: str, expression: str) -> Solution:
    return Solution(id, part, value, f"{base}\n{NAME} = {expression}\n")


def aliases(part: str) -> dict[str, str]:
    """Names that the part expects -> the name in the source text."""
    return dict.fromkeys(PARTS[part].names, NAME)
