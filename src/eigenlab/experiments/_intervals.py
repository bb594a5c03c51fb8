"""Summaries that decide claims: confidence intervals rather than points, and the worst case."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from eigenlab.errors import InputError

LEVEL = 0.95


class Interval(NamedTuple):
    """An estimate with the two ends of its interval."""

    estimate: float
    low: float
    high: float


def wilson(successes: int, trials: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a proportion; also right at 0 and at all of ``trials``.

    Source: Wilson 1927, J. Am. Stat. Assoc. 22, 209, doi:10.1080/01621459.1927.10502953.

    >>> [round(end, 4) for end in wilson(81, 263)]
    [0.308, 0.2553, 0.3662]
    """
    from scipy.stats import binomtest

    if not 0 <= successes <= trials or trials < 1:
        raise InputError(
            f"successes={successes} of trials={trials}; "
            "expected 0 <= successes <= trials and trials of at least 1"
        )
    ends = binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(successes / trials, float(ends.low), float(ends.high))


def newcombe_paired(both: int, first: int, second: int, neither: int) -> Interval:
    """Interval of the difference of two proportions on the same subjects, first minus second.

    Method 10 of Newcombe 1998, Stat. Med. 17, 2635: each arm joins, as the sides of a
    triangle, an arm of one Wilson interval and the opposite arm of the other; the cosine between
    them is the correlation of the two outcomes, with a continuity correction.

    Args:
        both, neither: subjects with both or neither outcome.
        first, second: subjects with only the first or only the second outcome.

    >>> [round(end, 3) for end in newcombe_paired(1, 1, 7, 12)]
    [-0.286, -0.507, -0.026]
    """
    n = both + first + second + neither
    a, b = wilson(both + first, n), wilson(both + second, n)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    cross = float(both * neither - first * second)
    cross = max(cross - n / 2, 0.0) if cross > 0 else cross
    phi = cross / math.sqrt(margins) if margins else 0.0

    def join(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))

    difference = a.estimate - b.estimate
    return Interval(
        difference,
        difference - join(a.estimate - a.low, b.high - b.estimate),
        difference + join(a.high - a.estimate, b.estimate - b.low),
    )


def mean_interval(values: Sequence[float], level: float = LEVEL) -> Interval:
    """Student's t interval of the mean; infinitely wide for a single value.

    Pass differences of pairs to compare two treatments of the same seeds.

    >>> [round(end, 3) for end in mean_interval([1.0, 2.0, 3.0])]
    [2.0, -0.484, 4.484]
    """
    from scipy.stats import t

    n = len(values)
    if n == 0:
        raise InputError("values is empty; a mean needs at least one value")
    mean = math.fsum(values) / n
    if n == 1:
        return Interval(mean, -math.inf, math.inf)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    arm = float(t.ppf((1 + level) / 2, n - 1)) * deviation / math.sqrt(n)
    return Interval(mean, mean - arm, mean + arm)


def worst(values: Iterable[float]) -> float:
    """The largest value, or NaN if any is NaN (``max`` may lose a NaN, and a claim with it).

    >>> worst([1.0, 3.0, 2.0]), worst([1.0, float("nan"), 2.0])
    (3.0, nan)
    """
    known = [float(value) for value in values]
    return math.nan if any(map(math.isnan, known)) else max(known)


def least(values: Iterable[float]) -> float:
    """The smallest value, or NaN if any is NaN.

    >>> least([2.0, 1.0]), least([1.0, float("nan"), 2.0])
    (1.0, nan)
    """
    return -worst(-value for value in values)
