"""Formats of numbers on the terminal and on the page."""

from __future__ import annotations

import math
from typing import Any

from eigenlab.lab import Check

RELATIONS = {"<=": "≤", ">=": "≥", "<": "<", ">": ">", "within": "="}


def format_number(value: float, *, digits: int = 4) -> str:
    """Write ``value`` with ``digits`` significant digits, in powers of ten only when needed.

    >>> [format_number(x) for x in (0.8403, 12, 3.00670001, 2.5e-9, 123456.0, float("nan"))]
    ['0.8403', '12', '3.007', '2.5e-9', '123456', 'not a number']
    """
    value = float(value)
    if math.isnan(value):
        return "not a number"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    magnitude = abs(value)
    if magnitude and not 1e-4 <= magnitude < 1e7:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    if magnitude >= 10 ** (digits - 1):
        return (
            f"{value:.0f}" if value == round(value) or magnitude >= 10**digits else f"{value:.1f}"
        )
    text = f"{value:#.{digits}g}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_seconds(seconds: float) -> str:
    """Write a duration with its unit.

    >>> [format_seconds(s) for s in (0.0, 0.0123, 4.26, 61.0, 3725)]
    ['under 1 ms', '12 ms', '4.3 s', '1 min 1 s', '1 h 2 min']
    """
    if seconds < 0.001:
        return "under 1 ms"
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def format_expected(check: Check) -> str:
    """Relation, expected value, tolerance and unit of a check.

    >>> format_expected(Check("loss", 3.0068, "within", 3.0067, tolerance=1e-4))
    '= 3.0067 ± 1e-4'
    >>> format_expected(Check("accuracy", 0.84, ">=", 0.8))
    '≥ 0.8'
    """
    expected = format_number(check.expected, digits=_digits(check))
    text = f"{RELATIONS[check.relation]} {expected}"
    if check.relation == "within" and check.tolerance:
        text += f" ± {format_tolerance(check.tolerance)}"
    return f"{text} {check.unit}".rstrip()


def format_tolerance(tolerance: float) -> str:
    """Write a tolerance; small ones as powers of ten.

    >>> [format_tolerance(t) for t in (0.0, 1e-4, 0.05)]
    ['0', '1e-4', '0.05']
    """
    if tolerance and abs(tolerance) < 1e-2:
        mantissa, _, exponent = f"{tolerance:.1e}".partition("e")
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return format_number(tolerance)


def format_measured(check: Check) -> str:
    """Measured value and unit, with enough digits to see a difference from the expected one.

    >>> format_measured(Check("loss", 3.00672, "within", 3.0067, tolerance=1e-4))
    '3.00672'
    """
    return f"{format_number(check.measured, digits=_digits(check))} {check.unit}".rstrip()


def _digits(check: Check) -> int:
    """Enough significant digits to see the tolerance, or on which side of a bound a number lies."""
    measured, expected = check.measured, check.expected
    if not math.isfinite(measured) or not math.isfinite(expected):
        return 4
    if check.relation == "within" and check.tolerance > 0:
        scale = max(abs(measured), abs(expected), check.tolerance)
        return min(12, max(4, 2 + math.ceil(math.log10(scale / check.tolerance))))
    different = (
        digits
        for digits in range(4, 16)
        if format_number(measured, digits=digits) != format_number(expected, digits=digits)
    )
    return 4 if measured == expected else next(different, 17)


def format_cell(value: Any) -> str:
    """Write one table cell: numbers as :func:`format_number`, everything else as text.

    >>> [format_cell(v) for v in (0.123456, 3, True, None, "Greek")]
    ['0.1235', '3', 'yes', '–', 'Greek']
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    return format_number(value) if isinstance(value, float) else str(value)
