"""Sentences and table rows of the documents, made from stored results."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parent.parent


def stored(name):
    return json.loads((ROOT / "benchmarks" / "results" / f"{name}.json").read_text("utf-8"))


def row(*cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def significant(value, digits=2):
    """At least so many digits, as many as there are before the point."""
    whole = len(str(int(value))) if value >= 1 else 0
    return f"{value:,.{max(0, digits - whole)}f}"


def missing_quotes(document, quotes):
    """The quotes that the document does not contain word for word, up to line breaks."""
    text = " ".join((ROOT / document).read_text("utf-8").split())
    return [quote for quote in quotes if " ".join(quote.split()) not in text]
