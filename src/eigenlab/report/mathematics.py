"""Formulas in LaTeX as MathML, which browsers draw without a script."""

from __future__ import annotations

import re

from latex2mathml.converter import convert
from markupsafe import Markup, escape


def render_formula(latex: str, *, display: bool = False) -> Markup:
    """One formula as a ``<math>`` element.

    Args:
        latex: the formula, without dollar signs.
        display: whether it stands in a line of its own. Default: ``False``.

    >>> "<msup>" in render_formula("x^2")
    True
    """
    return Markup(convert(latex, display="block" if display else "inline"))


def render_text(text: str) -> Markup:
    """Escaped text in which ``$...$`` is drawn as a formula.

    >>> render_text("a < b")
    Markup('a &lt; b')
    """
    parts = re.split(r"\$([^$]+)\$", text)
    return Markup("").join(
        render_formula(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )
