"""Formulas as HTML that browsers draw without a script.

Formulas in LaTeX become MathML. Symbols within a sentence, written as in the code of the project
(``W_h``, ``x^2``, ``dL/dh_t``), get their subscripts, superscripts and Greek letters.
"""

from __future__ import annotations

import re
from functools import lru_cache

from latex2mathml.converter import convert
from markupsafe import Markup, escape

GREEK = {"lambda": "λ", "sigma": "σ", "gamma": "γ", "rho": "ρ", "pi": "π", "sum": "∑"}
SIGNS = {"sqrt(": "√(", "<=": "≤", ">=": "≥", "+-": "±"}

_SUBSCRIPT = r"_(?:\{(?P<sub>[^}]+)\}|(?P<sub_word>[A-Za-z0-9]{1,3}(?![A-Za-z0-9])))"
_POWER = r"\^(?:\{(?P<sup>[^}]+)\}|\((?P<sup_group>[^)]+)\)|(?P<sup_word>-?[A-Za-z0-9]+(?:/\d+)?))"
_SYMBOL = re.compile(
    r"`(?P<code>[^`]+)`"
    r"|(?P<sign>sqrt\(|<=|>=|\+-)"
    r"|(?<!\w)W(?P<weights>[12])(?![A-Za-z0-9_])"
    rf"|(?:(?<![\w.])(?P<base>[a-z]_hat|{'|'.join(GREEK)}|[^\W\d_]|\d+(?=\^))|(?P<close>[|)\]]))"
    rf"(?P<scripts>(?:{_SUBSCRIPT})?(?:{_POWER})?)(?![A-Za-z0-9_])"
)


@lru_cache(maxsize=1024)
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
    """Escaped text with its formulas: LaTeX between dollar signs, and symbols as in the code.

    >>> render_text("a < b")
    Markup('a &lt; b')
    >>> render_text("W_h^(T-t), dL/dh_t and `n_init`")
    Markup('W<sub>h</sub><sup>T-t</sup>, ∂L/∂h<sub>t</sub> and <code>n_init</code>')
    """
    parts = re.split(r"\$([^$]+)\$", text)
    return Markup("").join(
        render_formula(part) if place % 2 else _symbols(part) for place, part in enumerate(parts)
    )


def _symbols(text: str) -> Markup:
    text = re.sub(r"\bd([A-Za-z](?:_\w)?)/d(?=[A-Za-z])", r"∂\1/∂", text)
    found, end = Markup(""), 0
    for match in _SYMBOL.finditer(text):
        found += escape(text[end : match.start()]) + _symbol(match)
        end = match.end()
    return found + escape(text[end:])


def _symbol(match: re.Match[str]) -> Markup:
    group = match.groupdict()
    if group["code"]:
        return Markup("<code>{}</code>").format(group["code"])
    if group["weights"]:
        return Markup("W<sub>{}</sub>").format(group["weights"])
    if group["sign"]:
        return escape(SIGNS[group["sign"]])
    base = group["base"] or group["close"]
    if base == "sum" and not group["scripts"]:
        return escape(base)
    if base.endswith("_hat"):
        base = base[0] + "\N{COMBINING CIRCUMFLEX ACCENT}"
    found = escape(GREEK.get(base, base))
    for tag, names in (("sub", ("sub", "sub_word")), ("sup", ("sup", "sup_group", "sup_word"))):
        script = next((group[name] for name in names if group[name]), "")
        if script:
            found += Markup("<{0}>{1}</{0}>").format(tag, GREEK.get(script, script))
    return found
