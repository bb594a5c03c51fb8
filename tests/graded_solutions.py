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


#: Part -> names of test functions of problem 1 whose parameters are solutions of it.
FIRST = {
    "1a": ("test_right_layers_pass", "test_wrong_layers_are_told_their_mistake"),
    "1b": ("test_right_models_pass", "test_wrong_models_are_told_their_mistake"),
    "1c": ("test_right_losses_pass", "test_wrong_losses_are_told_their_mistake"),
    "1c-data": ("test_right_batches_pass", "test_wrong_batches_are_told_their_mistake"),
    "1d": ("test_right_gradients_pass", "test_wrong_gradients_are_told_their_mistake"),
    "1h-lstm-layer": (
        "test_right_lstm_layers_pass",
        "test_wrong_lstm_layers_are_told_their_mistake",
    ),
    "1h-rnn": ("test_right_stacks_pass", "test_wrong_stacks_are_told_their_mistake"),
    "1h-lstm": ("test_right_lstm_stacks_pass", "test_wrong_lstm_stacks_are_told_their_mistake"),
}


def solutions() -> Iterator[Solution]:
    """Every right and every wrong solution of problems 1, 2, 3 and 5."""
    for problem in ("1", "2", "3", "5"):
        module = importlib.import_module(f"grading.test_problem_{problem}")
        tree = ast.parse(inspect.getsource(module))
        kept = [_WithoutLibrary().visit(node) for node in tree.body if _is_definition(node)]
        base = "\n".join(map(ast.unparse, kept))
        yield from _first(module, tree, base) if problem == "1" else _listed(module, base)


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


def _first(module: Any, tree: ast.Module, base: str) -> Iterator[Solution]:
    nodes = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for part, tests in FIRST.items():
        for test in tests:
            marker = nodes[test].decorator_list[0]
            assert isinstance(marker, ast.Call)
            values = getattr(module, test).pytestmark[0].args[1]
            entries = marker.args[1]
            assert isinstance(entries, ast.List)
            for number, (case, entry) in enumerate(zip(values, entries.elts, strict=True)):
                value = case[0] if isinstance(case, tuple) else case
                written = entry.elts[0] if isinstance(entry, ast.Tuple) else entry
                yield _solution(f"{part}-{test}-{number}", part, value, base, ast.unparse(written))


def _listed(module: Any, base: str) -> Iterator[Solution]:
    for part, named in module.RIGHT.items():
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
