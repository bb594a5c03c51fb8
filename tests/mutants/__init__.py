"""Wrong implementations, each with the claims that must not hold when it is measured.

A mutant patches the library; ``test_mutants.py`` then measures the stage that a claim reads, and
judges. The names are those of ``Claim.refutes``, which the report shows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass(frozen=True)
class Mutant:
    """One wrong implementation.

    Args:
        name: what is wrong, as in ``Claim.refutes``.
        claims: ids of the claims that it must refute.
        patch: makes the change.
        settings: changes to the preset ``smoke``, so that measuring is quick.
        refused: words of the InputError with which a later step refuses it, before a judgement.
    """

    name: str
    claims: tuple[str, ...]
    patch: Callable[[pytest.MonkeyPatch], None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""


def replaced(function: Any, wrong: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """A patch: ``wrong(function, *args)`` for ``function(*args)``, wherever it is imported."""

    def substitute(*args: Any, **options: Any) -> Any:
        return wrong(function, *args, **options)

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        found = 0
        for name, module in list(sys.modules.items()):
            if name.partition(".")[0] != "eigenlab":
                continue
            for key, value in list(vars(module).items()):
                if value is function:
                    monkeypatch.setattr(module, key, substitute)
                    found += 1
        assert found, function

    return patch
