"""Tell statements that only define something from those that compute, train, load or print."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable

from eigenlab.grading.student_cells import bound_names

BUILTINS = {
    *("abs", "bool", "bytes", "chr", "complex", "dict", "divmod", "enumerate", "float"),
    *("frozenset", "int", "isinstance", "len", "list", "max", "min", "object", "ord", "pow"),
    *("range", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple", "zip"),
}
#: Modules whose functions may be called with simple arguments.
MODULES = {
    *("argparse", "cmath", "collections", "dataclasses", "decimal", "enum", "fractions"),
    *("functools", "itertools", "math", "numpy", "operator", "pathlib", "re", "string", "torch"),
    *("types", "typing", "unicodedata"),
}
#: Names within those modules that read, write, change settings or take long.
EXCEPT = {
    *("datasets", "distributed", "fromfile", "genfromtxt", "hub", "load", "loads"),
    *("loadtxt", "memmap", "multiprocessing", "onnx", "open_memmap", "save", "savetxt", "savez"),
    *("cwd", "home", "parse_args", "profiler", "set_default_device", "set_default_dtype"),
}
#: Methods of strings, lists, dictionaries, arrays and tensors that change nothing else.
METHODS = {
    *("copy", "count", "format", "get", "index", "items", "join", "keys", "lower", "replace"),
    *("split", "splitlines", "strip", "title", "union", "upper", "values"),
    *("astype", "cpu", "cuda", "double", "eval", "flatten", "float", "int", "item", "long", "max"),
    *("manual_seed", "mean", "min", "numpy", "requires_grad_", "reshape", "squeeze", "sum", "t"),
    *("tolist", "to", "transpose", "type", "unsqueeze", "view"),
}
SIMPLE = (
    *(ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript, ast.Slice),
    *(ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Starred, ast.JoinedStr, ast.FormattedValue),
)


#: Contexts in which statements define what they define without them.
CONTEXTS = {"enable_grad", "errstate", "inference_mode", "no_grad", "set_grad_enabled"}
#: Methods that add to a list, set or dictionary.
ADDING = {"add", "append", "extend", "insert", "setdefault", "update"}


class Harmless:
    """Takes the statements of a file in order, and remembers what the taken ones define."""

    def __init__(self) -> None:
        self.known: set[str] = {*BUILTINS, "Exception", "NotImplemented", "print"}
        #: Name of an imported thing -> the module it comes from.
        self.origins: dict[str, str] = {}
        self.records: set[str] = set()

    def take(self, statement: ast.stmt) -> bool:
        """Whether to run a statement; if so, what it binds is known from now on."""
        if not self._is_harmless(statement):
            return False
        self._learn(statement)
        return True

    def _learn(self, statement: ast.stmt) -> None:
        names = set(bound_names(statement))
        self.known |= names
        for name in names:
            self.origins.pop(name, None)
            self.records.discard(name)
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                root = alias.name.partition(".")[0]
                self.origins[alias.asname or root] = root
        elif isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                module = (statement.module or "").partition(".")[0]
                unsafe = EXCEPT & {alias.name, *(statement.module or "").split(".")}
                self.origins[alias.asname or alias.name] = "" if unsafe else module
            if statement.names[0].name == "*":
                self._learn_star(statement.module or "")
        elif isinstance(statement, ast.ClassDef) and any(
            "dataclass" in ast.unparse(decorator) for decorator in statement.decorator_list
        ):
            self.records.add(statement.name)

    def _learn_star(self, module: str) -> None:
        """``from torch.nn import *`` binds names that are not listed; nothing is imported here."""
        root = module.partition(".")[0]
        if root not in MODULES or module not in sys.modules:
            return
        found = vars(sys.modules[module])
        names = [name for name in found if not name.startswith("_") and name not in EXCEPT]
        self.known |= set(names)
        self.origins |= dict.fromkeys(names, root)

    def _is_harmless(self, statement: ast.stmt) -> bool:  # noqa: PLR0911  a case for each kind
        match statement:
            case ast.Import() | ast.ImportFrom() | ast.Pass():
                return True
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                return True
            case ast.Assign(targets=targets, value=value):
                return all(map(self._is_target, targets)) and self.is_simple(value)
            case ast.AugAssign(target=target, value=value):
                names = set(bound_names(statement))
                return (
                    isinstance(target, ast.Name) and names <= self.known and self.is_simple(value)
                )
            case ast.AnnAssign(target=ast.Name(), value=value):
                return value is None or self.is_simple(value)
            case ast.If(test=ast.Constant(value=value), body=body, orelse=other):
                return bool(value) and self._are_harmless([*body, *other])
            case ast.If(test=test, body=body, orelse=other):
                return self.is_simple(test) and self._are_harmless([*body, *other])
            case ast.For(target=target, iter=series, body=body, orelse=other):
                is_simple = self._is_target(target) and self.is_simple(series)
                return is_simple and self._are_harmless([*body, *other], bound_names(statement))
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name))) as call):
                values = [*call.args, *(keyword.value for keyword in call.keywords)]
                adds = getattr(call.func, "attr", "") in ADDING and self._is_own(name)
                return adds and all(map(self.is_simple, values))
            case ast.With(items=items, body=body):
                contexts = all(self._is_context(item.context_expr) for item in items)
                plain = all(item.optional_vars is None for item in items)
                return contexts and plain and self._are_harmless(body)
            case ast.Try(body=body, handlers=handlers, orelse=other, finalbody=final):
                caught = [inner for handler in handlers for inner in handler.body]
                return self._are_harmless([*body, *caught, *other, *final])
        return False

    def _is_context(self, node: ast.expr) -> bool:
        """Whether it is ``torch.no_grad()`` or the like."""
        if not isinstance(node, ast.Call):
            return False
        path = _dotted(node.func)
        return bool(path) and path[-1] in CONTEXTS and self.is_simple(node)

    def _are_harmless(self, statements: list[ast.stmt], bound: Iterable[str] = ()) -> bool:
        """Whether all are, and may print; what the first ones bind is known to the others."""
        inner = Harmless()
        inner.known, inner.origins = self.known | set(bound), dict(self.origins)
        inner.records = set(self.records)
        return all(inner._prints(statement) or inner.take(statement) for statement in statements)

    def _prints(self, statement: ast.stmt) -> bool:
        match statement:
            case ast.Expr(value=ast.Constant()):
                return True
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args)):
                return all(map(self.is_simple, args))
        return False

    def _is_target(self, target: ast.expr) -> bool:
        match target:
            case ast.Name():
                return True
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return all(map(self._is_target, elements))
            case ast.Attribute(value=ast.Name(id=name)):  # RNNLayer.forward = forward
                return self._is_own(name)
            case ast.Subscript(value=ast.Name(id=name), slice=place):  # table["a"] = 1
                return self._is_own(name) and self.is_simple(place)
        return False

    def _is_own(self, name: str) -> bool:
        """Whether the file has made what a name stands for; a module's things stay as they are."""
        return name in self.known and name not in self.origins and name not in BUILTINS

    def is_simple(self, node: ast.AST) -> bool:  # noqa: PLR0911  a case for each kind
        """Whether an expression follows from literals, known names and harmless functions."""
        match node:
            case ast.Constant() | ast.Lambda():
                return True
            case ast.Name(id=name):
                return name in self.known
            case ast.Attribute(value=value):
                return self.is_simple(value)
            case ast.Call(func=function, args=args, keywords=keywords):
                values = [*args, *(keyword.value for keyword in keywords)]
                return self._may_call(function) and all(map(self.is_simple, values))
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self._is_simple_comprehension(node)
        if isinstance(node, SIMPLE):
            children = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.expr)]
            return all(map(self.is_simple, children))
        return False

    def _is_simple_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> bool:
        inner = Harmless()
        inner.known, inner.origins = set(self.known), dict(self.origins)
        for part in node.generators:
            if not inner.is_simple(part.iter):
                return False
            inner.known |= {n.id for n in ast.walk(part.target) if isinstance(n, ast.Name)}
            if not all(map(inner.is_simple, part.ifs)):
                return False
        results = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        return all(map(inner.is_simple, results))

    def _may_call(self, function: ast.expr) -> bool:
        path = _dotted(function)
        if path:
            root, *others = path
            origin = self.origins.get(root)
            if origin is not None:
                return origin in MODULES and not EXCEPT & {*others}
            if not others:
                is_builtin = root in BUILTINS and hasattr(builtins, root)
                return root in self.known and (is_builtin or root in self.records)
        return (
            isinstance(function, ast.Attribute)
            and function.attr in METHODS
            and self.is_simple(function.value)
        )


def _dotted(node: ast.expr) -> list[str]:
    """``["torch", "nn", "Tanh"]`` of ``torch.nn.Tanh``; empty for other expressions."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []
