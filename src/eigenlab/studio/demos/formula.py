"""Arithmetic that a reader types, evaluated without running it as a program."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eigenlab.errors import InputError

MAX_LENGTH = 200
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin,
    "cos": np.cos,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "floor": np.floor,
    "sign": np.sign,
}
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}


def evaluate(
    text: str, variables: Mapping[str, NDArray[np.float64]], *, name: str = "formula"
) -> NDArray[np.float64]:
    """The values of an arithmetic expression.

    Numbers, ``pi``, the variables, ``+ - * / % **``, parentheses, and ``sin``, ``cos``, ``exp``,
    ``log``, ``sqrt``, ``abs``, ``floor`` and ``sign`` may occur; nothing else is evaluated.

    Args:
        text: the expression, at most 200 characters.
        variables: name -> (n,) values, at least one.
        name: of the expression in messages. Default: ``"formula"``.

    Returns:
        (n,) float64, finite.

    Raises:
        InputError: the expression is not of that form, or a value is not finite.

    >>> evaluate("2 * t ** 2 + 1", {"t": np.array([0.0, 1.0, 2.0])}).tolist()
    [1.0, 3.0, 9.0]
    """
    tree = parse(text, variables, name=name)
    with np.errstate(all="ignore"):
        values = _value(tree, variables)
    found = np.zeros_like(next(iter(variables.values()))) + values
    if not np.isfinite(found).all():
        place = int(np.flatnonzero(~np.isfinite(found))[0])
        at = ", ".join(f"{key} = {array[place]:.3g}" for key, array in variables.items())
        raise InputError(f"{name}: {text!r} is {found[place]} at {at}; expected finite numbers")
    return found


def parse(text: str, variables: Mapping[str, Any], *, name: str = "formula") -> ast.expr:
    """The expression as a tree, in which every node is one that :func:`evaluate` knows.

    Args:
        text: the expression, at most 200 characters.
        variables: the names that may occur besides ``pi``.
        name: of the expression in messages. Default: ``"formula"``.

    Raises:
        InputError: the expression is not of that form.
    """
    if len(text) > MAX_LENGTH:
        raise InputError(f"{name} has {len(text)} characters, expected at most {MAX_LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(
            f"{name}: {text[:60]!r} is no expression; expected arithmetic such as "
            "cos(2*pi*t) + 0.1*noise"
        ) from None
    known = {*variables, "pi"}
    for node in ast.walk(tree):
        if not _is_known(node, known):
            shown = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
            raise InputError(
                f"{name}: {shown[:60]!r} is not allowed; expected numbers, "
                f"{', '.join(sorted(known))}, + - * / % ** and {', '.join(FUNCTIONS)}"
            )
    return tree


def _is_known(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.Name):
        return node.id in names or node.id in FUNCTIONS
    if isinstance(node, ast.Call):
        is_function = isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
        return is_function and len(node.args) == 1 and not node.keywords
    known = (ast.BinOp, ast.UnaryOp, ast.UAdd, ast.USub, ast.Load, *OPERATORS)
    return isinstance(node, known)


def _value(node: ast.expr, variables: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        try:
            return np.float64(node.value)  # type: ignore[arg-type]
        except OverflowError:
            return np.float64(np.inf)
    if isinstance(node, ast.Name):
        if node.id in FUNCTIONS:
            raise InputError(f"{node.id} needs an argument in parentheses, such as {node.id}(t)")
        return np.pi if node.id == "pi" else variables[node.id]
    if isinstance(node, ast.Call):
        assert isinstance(node.func, ast.Name)
        return FUNCTIONS[node.func.id](_value(node.args[0], variables))
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, variables)
        return -value if isinstance(node.op, ast.USub) else value
    assert isinstance(node, ast.BinOp)
    left, right = _value(node.left, variables), _value(node.right, variables)
    return OPERATORS[type(node.op)](left, right)
