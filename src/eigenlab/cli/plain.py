"""Characters for terminals whose encoding lacks the usual ones."""

from __future__ import annotations

import codecs
import io
import sys

#: Replacements on a terminal whose encoding lacks the character.
PLAIN = {
    "✓": "ok",
    "✗": "x",
    "○": "o",
    "·": "*",
    "–": "-",
    "−": "-",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
    "∞": "inf",
    "→": "->",
    "λ": "lambda",
    "σ": "sigma",
    "ᵀ": "^T",
    "²": "^2",
    "│": "|",
    "─": "-",
    "…": "...",
}


def use_plain_characters() -> None:
    """Write what the terminal's encoding lacks (✓, ≤) in plain characters rather than fail."""
    codecs.register_error("eigenlab.plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="eigenlab.plain")


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lacking), error.end
