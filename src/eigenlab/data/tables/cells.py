"""Numbers in cells, as people and programs write them, and the decimal mark of a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from eigenlab.errors import InputError

Decimal = Literal[".", ","]
MISSING = (
    frozenset({"", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "-nan", "1.#qnan", "-1.#ind", "nat"})
    | {"null", "none", "nil", "missing", "?", "-", "--", "\u2013", "\u2014", ".", ".."}
    | {"#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"}
)
"""Cells without a value, in lower case."""
BOOLEANS = frozenset({"true", "false", "yes", "no", "t", "f", "y", "n"})

_SIGN = r"[+-]?\s?"
_GROUPS = " \u00a0\u202f\u2009'’`"
_EXPONENT = r"(?:[eEdD][+-]?\d+)?"


def _patterns(point: str, comma: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    point, group = re.escape(point), f"[{re.escape(comma)}{_GROUPS}]"
    plain = re.compile(rf"{_SIGN}(?:\d+{point}?\d*|{point}\d+){_EXPONENT}")
    grouped = re.compile(rf"{_SIGN}[1-9]\d{{0,2}}({group})\d{{3}}(?:\1\d{{3}})*(?:{point}\d*)?")
    return plain, grouped


_WRITTEN: dict[Decimal, tuple[re.Pattern[str], re.Pattern[str]]] = {
    ".": _patterns(".", ","),
    ",": _patterns(",", "."),
}
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.I)
_MINUS = str.maketrans("\u2212\ufe63\uff0d\u2010\u2011\u2013", "------")
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""A number whose mark may be that of thousands or of decimals, as 1,234."""
_DIGITS = rf"[\d.,_?\ufffd{_GROUPS}]*\d"
_CURRENCY = "$\u20ac\u00a3\u00a5"
_UNIT = rf"[%\u2030{_CURRENCY}]|[A-Za-z\u00b5\u00b0]{{1,3}}(?:/[A-Za-z]{{1,2}})?[\u00b2\u00b3]?"
_NUMERIC = re.compile(
    rf"\(?[+-]?\s?[{_CURRENCY}?\ufffd]?\s?[+-]?{_DIGITS}[.,]?{_EXPONENT}\s?(?:{_UNIT})?[)-]?"
)
"""What resembles a number: with a unit or currency, in brackets, or with damaged characters."""
_DATE = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d{1,2}[-/. ]\w+[-/. ]\d{2,4}.*"
    r"|\d{1,2}:\d{2}(?:[:.].*)?|\d+(?:\.\d+){3,}"
)
_EXOTIC = re.compile(
    r"[\d.eE+()-]*\d[ij]\)?"  # complex
    r"|[<>\u2264\u2265~=]+\s?[\d.,]+"  # a bound
    r"|[\d.,]+\s?(?:\u00b1|\+/-)\s?[\d.,]+"  # an interval
    r"|[+-]?[\d.,]+\s?[\u00d7x*]\s?10.*"  # a power of ten
    r"|0[xX][0-9a-fA-F]+"
    r"|\d+:[+-]?[\d.]+(?:[eE][+-]?\d+)?"  # a sparse entry of LIBSVM
)


def is_missing(cell: str) -> bool:
    """Whether a cell is empty or marked as missing."""
    return cell.strip().lower() in MISSING


def number(cell: str, decimal: Decimal = ".") -> float:
    """The number in a cell, NaN if it holds none.

    Thousands may be grouped by the other mark, blanks or apostrophes.

    >>> number("-1,234.5"), number("1.234,5", ","), number("\u22125"), number("1.5D+02")
    (-1234.5, 1234.5, -5.0, 150.0)
    """
    if decimal == ".":
        try:  # fast, for nearly all cells
            value = float(cell)
        except ValueError:
            pass
        else:
            return value if "_" not in cell else math.nan
    text = cell.strip().translate(_MINUS)
    plain, grouped = _WRITTEN[decimal]
    if plain.fullmatch(text):
        text = text.replace(decimal, ".").replace("D", "e").replace("d", "e")
    elif found := grouped.fullmatch(text):
        text = text.replace(found.group(1), "").replace(decimal, ".")
    elif not _INFINITE.fullmatch(text):
        return math.nan
    return float("".join(text.split()))


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, with a decimal point or a decimal comma."""
    return not math.isnan(number(cell, ".")) or not math.isnan(number(cell, ","))


def looks_numeric(cell: str) -> bool:
    """Whether a cell resembles a number that cannot be read.

    Such are numbers with a unit, malformed numbers, and several numbers that were not separated.

    >>> [cell for cell in ("12 kg", "1,5;2,5", "$3", "2020-01-01", "setosa") if looks_numeric(cell)]
    ['12 kg', '1,5;2,5', '$3']
    """
    text = cell.strip().translate(_MINUS)
    if holds_several_numbers(text):
        return True
    if _DATE.fullmatch(text):
        return False
    return bool(_NUMERIC.fullmatch(text) or _EXOTIC.fullmatch(text))


def holds_several_numbers(cell: str) -> bool:
    """Whether a cell is several numbers that were not separated."""
    parts = re.split(r"[\s;|]+", cell.strip())
    return len(parts) > 1 and all(map(is_number, parts))


def _mostly_numbers(column: Sequence[str]) -> bool:
    filled = [cell for cell in column if not is_missing(cell)]
    return 10 * sum(map(is_number, filled)) >= 9 * len(filled)


def _marked(column: Sequence[str]) -> Iterator[str]:
    """The cells with a point or comma, without sign."""
    for cell in column:
        if ("," in cell or "." in cell) and not is_missing(cell):
            yield cell.strip().translate(_MINUS).lstrip("+- ")


def decimal_mark(columns: Iterable[Sequence[str]], delimiter: str | None, name: str) -> Decimal:
    """The decimal mark of a table, from every cell that shows it.

    ``0,5``, ``1,25`` and ``1.234,5`` show a comma; ``0.5``, ``1.25`` and ``1,234.5`` a point;
    ``1,234`` and ``1.234`` may be either. In a table delimited by commas the mark is a point, since
    programs that write decimal commas delimit by semicolons or tabs.

    Raises:
        InputError: cells show both marks, or none shows which one it is.
    """
    shown: dict[Decimal, str] = {}
    either: dict[str, str] = {}
    columns = list(columns)
    commas = any("," in cell for column in columns for cell in column)
    if delimiter == "," and not commas:
        return "."
    for column in columns:
        if not _mostly_numbers(column):
            continue
        ungrouped = any(len(cell) > 3 and cell.isdigit() for cell in column)
        for cell in _marked(column):
            if not _EITHER.fullmatch(cell):
                point, comma = (not math.isnan(number(cell, mark)) for mark in _WRITTEN)
                if point != comma:
                    shown.setdefault("." if point else ",", cell)
            elif ungrouped:  # a column with 12345 does not group thousands
                shown.setdefault("." if "." in cell else ",", cell)
            else:
                either.setdefault("." if "." in cell else ",", cell)
            if not commas and shown:
                return "."
    if len(shown) == 2:
        raise InputError(
            f"{name} holds numbers with decimal commas ({shown[',']!r}) and with decimal points "
            f"({shown['.']!r}); decide with --decimal , or --decimal ."
        )
    if shown:
        return next(iter(shown))
    if either and delimiter != ",":
        cell = next(iter(either.values()))
        mark = "," if "," in cell else "."
        raise InputError(
            f"{name}: {cell!r} may be {cell.replace(mark, '.')} or {cell.replace(mark, '')}; "
            "decide with --decimal , or --decimal ."
        )
    return "."
