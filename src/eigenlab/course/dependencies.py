"""The optional dependencies that notebooks need."""

from __future__ import annotations

import importlib
from types import ModuleType

from eigenlab.errors import InputError


def course_module(name: str) -> ModuleType:
    """A module of the optional dependencies.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(
            f"notebooks need {name}, which is not installed; pip install 'eigenlab[course]'"
        ) from error
