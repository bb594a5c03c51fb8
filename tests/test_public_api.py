"""Every public name is documented, and what is documented is true."""

from __future__ import annotations

import ast
import dataclasses
import enum
import importlib
import inspect
import itertools
import pkgutil
import re
import textwrap

import pytest

import eigenlab

PACKAGES = tuple(
    f"eigenlab.{module.name}"
    for module in pkgutil.iter_modules(eigenlab.__path__)
    if module.ispkg and module.name != "cli"
)


NAMES = [
    (package, name) for package in PACKAGES for name in importlib.import_module(package).__all__
]


def get(package: str, name: str) -> object:
    return getattr(importlib.import_module(package), name)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_a_docstring_and_lists_its_names(package):
    module = importlib.import_module(package)
    assert inspect.getdoc(module)
    assert module.__all__
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_public_name_is_documented(package, name):
    thing = get(package, name)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return  # a constant is documented by a comment beside it
    text = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert text, f"{package}.{name} has no docstring of its own"
    assert not text.startswith(f"{name}("), f"{package}.{name} has only a generated docstring"
    first = text.strip().splitlines()[0]
    assert first[0].isupper() or first[0] in "`|" or "=" in first, f"{package}.{name}: {first}"
    if inspect.isclass(thing):
        for method, function in vars(thing).items():
            if method.startswith("_") or getattr(function, "__name__", "") == "<lambda>":
                continue  # a lambda is the default value of a dataclass field
            if inspect.isfunction(function):
                assert function.__doc__ or _inherits_doc(thing, method), f"{name}.{method}"


def _inherits_doc(owner: type, method: str) -> bool:
    return any(
        getattr(base, method, None) and getattr(base, method).__doc__ for base in owner.__mro__[1:]
    )


#: An argument at the start of an entry of an ``Args`` section.
ENTRY = re.compile(r"^    (\*{0,2}\w+(?:, \*{0,2}\w+)*): (.*(?:\n(?: {5,}.*|$))*)", re.M)
#: What an entry says of the default, when it is a value and not a phrase.
DEFAULT = re.compile(r"Default:\s+``([^`]+)``")


def described(thing: object) -> dict[str, str]:
    """Argument -> its entry in the docstring."""
    text = inspect.getdoc(thing) or ""
    _, _, section = text.partition("\nArgs:\n")
    section = re.split(r"^\S", section, maxsplit=1, flags=re.M)[0]
    return {
        name.lstrip("*"): entry
        for names, entry in ENTRY.findall(section)
        for name in names.split(", ")
    }


def parameters(thing: object) -> dict[str, inspect.Parameter]:
    try:
        found = inspect.signature(thing).parameters  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return {}
    return {name: p for name, p in found.items() if not name.startswith("_")}


def callables(package: str, name: str) -> list[tuple[str, object]]:
    """A function; or a class and its public methods with three arguments and more."""
    thing = get(package, name)
    found = [(name, thing)] if callable(thing) else []
    if inspect.isclass(thing):
        for method, function in vars(thing).items():
            if inspect.isfunction(function) and not method.startswith("_"):
                found.append((f"{name}.{method}", function))
    return found


FIELDS_DOCUMENT_THEMSELVES = {"Config", "Record"}
#: Short functions whose first line says everything about their one or two arguments.
FEW = 2


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_every_parameter_is_described(package, name):
    for label, thing in callables(package, name):
        if name in FIELDS_DOCUMENT_THEMSELVES or _takes_no_arguments_of_ours(thing):
            continue
        wanted = [p for p in parameters(thing) if p != "self"]
        entries = described(thing) | dict.fromkeys(_documented_fields(thing), "")
        if not entries and len(wanted) <= FEW:
            text = inspect.getdoc(thing) or ""
            lacking = [p for p in wanted if not re.search(rf"\b{p}\b", text)]
            if len(wanted) <= 1 or not lacking:
                continue
        assert [p for p in wanted if p not in entries] == [], f"{package}: {label}"


def _documented_fields(thing: object) -> list[str]:
    """The fields of a class that are followed by a docstring of their own."""
    if not inspect.isclass(thing) or not dataclasses.is_dataclass(thing):
        return []
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    assert isinstance(tree, ast.ClassDef)
    return [
        field.target.id
        for field, text in itertools.pairwise(tree.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    ]


def _takes_no_arguments_of_ours(thing: object) -> bool:
    return inspect.isclass(thing) and issubclass(thing, Warning | Exception | enum.Enum)


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_documented_defaults_are_the_defaults(package, name):
    for label, thing in callables(package, name):
        found = parameters(thing)
        for argument, entry in described(thing).items():
            for written in DEFAULT.findall(entry):
                assert argument in found, f"{package}: {label} documents {argument}"
                default = found[argument].default
                assert _is_written(default, written), f"{label}: {argument}"


def _is_written(default: object, written: str) -> bool:
    """Whether documentation writes a default value as ``written``."""
    if re.fullmatch(r"[\d.]+ / [\d.]+", written):
        numerator, denominator = map(float, written.split(" / "))
        return default == numerator / denominator
    try:
        value = ast.literal_eval(written)
    except (SyntaxError, ValueError):
        pass  # a name
    else:
        return type(value) is type(default) and value == default
    words = {str(default)}
    if inspect.isclass(default):
        words |= {default.__name__, f"nn.{default.__name__}"}
    if type(default).__name__ == "_Silent":
        words |= {"SILENT"}
    return written in words


def test_the_check_of_defaults_sees_them():
    checked = [
        written
        for package, name in NAMES
        for _, thing in callables(package, name)
        for entry in described(thing).values()
        for written in DEFAULT.findall(entry)
    ]
    assert len(checked) > 100
