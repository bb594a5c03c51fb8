"""Settings to which a claim applies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eigenlab.lab.config import Config

#: Config -> why the claim does not apply to it, or an empty string where it does.
Scope = Callable[[Any], str]


def everywhere(config: Config) -> str:
    """The scope of a claim that applies to all settings."""
    return ""


def applies_to(**fields: tuple[float | None, float | None] | set[Any]) -> Scope:
    """Return the scope of a claim that applies to some settings only.

    Args:
        fields: name of a config field -> ``(lowest, highest)``, both included and None for an open
            end, or the set of values. Of a field that holds several values, all must fit.

    >>> scope = applies_to(seed=(0, 9), device={"cpu", "auto"})
    >>> scope(Config(seed=3))
    ''
    >>> scope(Config(seed=12, device="cuda"))
    'it applies to seed from 0 to 9 (here 12), device auto or cpu (here cuda)'
    """

    def scope(config: Any) -> str:
        outside = [
            f"{name} {_words(allowed)} (here {_plain(getattr(config, name))})"
            for name, allowed in fields.items()
            if not _fits(getattr(config, name), allowed)
        ]
        return f"it applies to {', '.join(outside)}" if outside else ""

    return scope


def _fits(value: Any, allowed: tuple[float | None, float | None] | set[Any]) -> bool:
    if isinstance(value, tuple | list):
        return all(_fits(item, allowed) for item in value)
    if isinstance(allowed, set):
        return value in allowed
    low, high = allowed
    return (low is None or value >= low) and (high is None or value <= high)


def _words(allowed: tuple[float | None, float | None] | set[Any]) -> str:
    if isinstance(allowed, set):
        return " or ".join(sorted(map(_plain, allowed)))
    low, high = allowed
    if low is None or high is None:
        return f"of at most {high:g}" if low is None else f"of at least {low:g}"
    return f"of {low:g}" if low == high else f"from {low:g} to {high:g}"


def _plain(value: Any) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, tuple | list) else str(value)
