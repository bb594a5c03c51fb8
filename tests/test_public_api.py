"""Every public name is documented, and what is documented is true."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

ROOMS = (
    "eigenlab.autoencoders",
    "eigenlab.data",
    "eigenlab.experiments",
    "eigenlab.graphs",
    "eigenlab.lab",
    "eigenlab.linear",
    "eigenlab.names",
    "eigenlab.recurrent",
    "eigenlab.report",
    "eigenlab.spectrum",
    "eigenlab.training",
)


NAMES = [(room, name) for room in ROOMS for name in importlib.import_module(room).__all__]


def get(room: str, name: str) -> object:
    return getattr(importlib.import_module(room), name)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_it_is_and_lists_its_names_in_order(room):
    module = importlib.import_module(room)
    assert inspect.getdoc(module)
    assert module.__all__
    assert len(set(module.__all__)) == len(module.__all__)


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_a_public_name_is_documented(room, name):
    thing = get(room, name)
    if not (inspect.isclass(thing) or inspect.isfunction(thing)):
        return  # a constant is documented by a comment beside it
    text = thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__
    assert text, f"{room}.{name} has no docstring of its own"
    assert not text.startswith(f"{name}("), f"{room}.{name} has only a generated docstring"
    first = text.strip().splitlines()[0]
    assert first[0].isupper() or first[0] in "`|", f"{room}.{name}: {first}"
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


DEFAULT = re.compile(r"^\s{4,}(\w+): .*?\(default:? ``?([^`)]+)``?\)", re.M)


@pytest.mark.parametrize(("room", "name"), NAMES)
def test_documented_defaults_are_the_defaults(room, name):
    thing = get(room, name)
    if not callable(thing) or not inspect.getdoc(thing):
        return
    try:
        parameters = inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return
    for argument, written in DEFAULT.findall(thing.__doc__ or ""):
        if argument in parameters:
            assert repr(parameters[argument].default) == written.strip("`"), f"{name}: {argument}"
