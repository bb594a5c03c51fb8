"""The source code that a student wrote, to see whether a notebook holds what was checked."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Iterator
from typing import Any


def source_of(thing: Any) -> str | None:
    """The essential source code of a function or class, also of one from a notebook's cell.

    None for values, lambdas, and what was not read from a file or cell.
    """
    try:
        if inspect.isclass(thing):
            return _source_of_class(thing)
        if getattr(thing, "__name__", "<lambda>") == "<lambda>":
            return None
        return essential(inspect.getsource(thing))
    except (TypeError, OSError, SyntaxError):
        return None


def _source_of_class(thing: type) -> str | None:
    """In a notebook only functions know the cell in which they were written."""
    for function in vars(thing).values():
        if not inspect.isfunction(function):
            continue
        code = function.__code__
        text = "".join(linecache.getlines(code.co_filename))
        for first, last, source in definitions(text):
            if first <= code.co_firstlineno <= last and f"class {thing.__name__}" in source:
                return source
    return None


def definitions(text: str) -> Iterator[tuple[int, int, str]]:
    """First line, last line and essential source of each function and class, outer ones first.

    >>> [source for _, _, source in definitions("class A:\\n    def f(self): ...")]
    ['class A:\\n    def f(self): ...', 'def f(self): ...']
    """
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            last = node.end_lineno or first
            yield first, last, essential("\n".join(lines[first - 1 : last]))


def essential(source: str) -> str:
    """Source code without indentation in common, blank lines, and lines of comments.

    >>> essential("  def f(x):\\n\\n      # Double it.\\n      return 2 * x\\n")
    'def f(x):\\n    return 2 * x'
    """
    lines = [line.rstrip() for line in source.splitlines()]
    kept = [line for line in lines if line and not line.lstrip().startswith("#")]
    return textwrap.dedent("\n".join(kept))
