"""Confidence intervals, permutation tests, and extremes that keep NaN.

Importing this module imports neither numpy nor scipy; the functions import scipy when called.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from eigenlab.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "Interval",
    "auc_interval",
    "clustered_interval",
    "correlation_p_value",
    "difference_interval",
    "geometric_mean",
    "homogeneity_p_value",
    "least",
    "mean_interval",
    "newcombe_interval",
    "resampled_interval",
    "wilson_interval",
    "worst",
]


class Interval(NamedTuple):
    """An estimate and the bounds of its confidence interval.

    Args:
        estimate: the point estimate; NaN if there are no observations.
        low: lower bound.
        high: upper bound.

    >>> Interval(0.5, 0.3, 0.7).bounds
    (0.3, 0.7)
    """

    estimate: float
    low: float
    high: float

    @property
    def bounds(self) -> tuple[float, float]:
        """``(low, high)``."""
        return self.low, self.high


def wilson_interval(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion.

    The bounds are the roots p of ``(p_hat - p)^2 = z^2 p (1 - p) / trials``, where p_hat is the
    observed proportion and z the normal quantile of ``level``. Unlike ``p_hat +- z s`` the interval
    stays inside [0, 1] and has positive width at 0 and at 1. Source: Wilson 1927, J. Am. Stat.
    Assoc. 22, 209, doi:10.1080/01621459.1927.10502953.

    Args:
        successes: number of successes, from 0 to ``trials``.
        trials: number of trials. Zero trials give ``Interval(nan, 0.0, 1.0)``.
        level: confidence level, between 0 and 1. Default: ``0.95``.

    Returns:
        The observed proportion with its interval.

    Raises:
        InputError: ``successes`` is negative or larger than ``trials``.

    >>> [round(value, 4) for value in wilson_interval(81, 263)]
    [0.308, 0.2553, 0.3662]
    """
    from scipy.stats import binomtest

    if not 0 <= successes <= trials:
        raise InputError(
            f"successes={successes} of trials={trials}; expected 0 <= successes <= trials"
        )
    if trials == 0:
        return Interval(math.nan, 0.0, 1.0)
    bounds = binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(successes / trials, float(bounds.low), float(bounds.high))


def newcombe_interval(
    both: int, first: int, second: int, neither: int, level: float = 0.95
) -> Interval:
    """Newcombe's interval of the difference of two paired proportions, first minus second.

    Two binary outcomes are observed on the same subjects. The Wilson intervals of the two
    proportions are combined with the correlation phi of the outcomes, with continuity correction:
    the distance from the estimate to a bound is ``sqrt(x^2 - 2 phi x y + y^2)`` for the distances
    x and y in the two Wilson intervals. Source: Newcombe 1998, Stat. Med. 17, 2635, method 10.

    Args:
        both: number of subjects with both outcomes.
        first: number of subjects with the first outcome only.
        second: number of subjects with the second outcome only.
        neither: number of subjects with neither outcome.
        level: confidence level, between 0 and 1. Default: ``0.95``.

    Returns:
        The difference of the proportions with its interval.

    Raises:
        InputError: there are no subjects, or a count is negative.

    >>> [round(value, 3) for value in newcombe_interval(1, 1, 7, 12)]
    [-0.286, -0.507, -0.026]
    """
    n = both + first + second + neither
    if min(both, first, second, neither) < 0 or n == 0:
        raise InputError(
            f"both={both}, first={first}, second={second}, neither={neither}; expected counts of "
            "at least 0 with a positive sum"
        )
    a, b = wilson_interval(both + first, n, level), wilson_interval(both + second, n, level)
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    cross = float(both * neither - first * second)
    cross = max(cross - n / 2, 0.0) if cross > 0 else cross
    phi = cross / math.sqrt(margins) if margins else 0.0

    def combine(x: float, y: float) -> float:
        return math.sqrt(max(0.0, x * x - 2 * phi * x * y + y * y))

    difference = a.estimate - b.estimate
    return Interval(
        difference,
        difference - combine(a.estimate - a.low, b.high - b.estimate),
        difference + combine(a.high - a.estimate, b.estimate - b.low),
    )


def homogeneity_p_value(
    successes: Sequence[int], trials: Sequence[int], *, draws: int = 9999, seed: int = 0
) -> float:
    """The p-value of the hypothesis that all groups have the same proportion of successes.

    A permutation test: given the total, the successes are distributed over the groups at random,
    and Pearson's chi-squared statistic of the observed numbers is ranked among those drawn. Unlike
    a comparison of the highest with the lowest group it allows for the number of groups, and
    unlike the chi-squared distribution it is valid for small groups.

    Args:
        successes: of each group.
        trials: of each group; groups without trials are left out.
        draws: number of random distributions. Default: ``9999``.
        seed: random seed. Default: ``0``.

    Returns:
        At least 1 / (draws + 1); 1.0 where all or none succeed, or there is one group.

    Raises:
        InputError: a number of successes is not from 0 to its trials, or no trial was made.

    >>> homogeneity_p_value([5, 6, 5], [10, 10, 10]) > 0.5
    True
    >>> homogeneity_p_value([9, 1], [10, 10]) < 0.01
    True
    """
    import numpy as np

    pairs = [(s, n) for s, n in zip(successes, trials, strict=True) if n or s]
    if not pairs or any(not 0 <= s <= n for s, n in pairs):
        raise InputError(
            f"successes={list(successes)} of trials={list(trials)}; expected at least one trial, "
            "and from 0 to all of a group's trials as successes"
        )
    found, sizes = (np.array(column) for column in zip(*pairs, strict=True))
    share = found.sum() / sizes.sum()
    if len(sizes) == 1 or share in (0.0, 1.0):
        return 1.0
    expected = sizes * share
    random = np.random.default_rng(seed)
    drawn = random.multivariate_hypergeometric(sizes, int(found.sum()), size=draws)

    def statistic(counts: Any) -> Any:
        # Both cells of a group have the same difference, so its two terms are in proportion.
        return ((counts - expected) ** 2 / (expected * (1 - share))).sum(axis=-1)

    reached = statistic(drawn) >= statistic(found) * (1 - 1e-12)
    return float((1 + reached.sum()) / (1 + draws))


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval of a mean.

    For a paired comparison pass the differences of the pairs.

    Args:
        values: independent observations, at least one. A single value gives an infinitely wide
            interval.
        level: confidence level, between 0 and 1. Default: ``0.95``.

    Returns:
        The mean with its interval.

    Raises:
        InputError: ``values`` is empty.

    >>> [round(value, 3) for value in mean_interval([1.0, 2.0, 3.0])]
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
    half_width = float(t.ppf((1 + level) / 2, n - 1)) * deviation / math.sqrt(n)
    return Interval(mean, mean - half_width, mean + half_width)


def clustered_interval(
    values: ArrayLike,
    clusters: ArrayLike,
    weights: ArrayLike | None = None,
    level: float = 0.95,
) -> Interval:
    """The interval of a weighted mean of observations that come in clusters.

    Observations of one cluster, such as lines with the same name, are not independent. The
    variance of ``sum w_i v_i / sum w_i`` is that of the sums of ``w_i (v_i - mean)`` over G
    clusters, times G / (G - 1); Student's t has G - 1 degrees of freedom. With a cluster for each
    observation and equal weights this is :func:`mean_interval`. Source: Cochran 1977, Sampling
    Techniques, section 9A.2.

    Args:
        values: observations, at least one; for a paired comparison the differences of the pairs.
        clusters: number of the cluster of each observation.
        weights: of the observations, not negative. Default: ``None``, equal weights.
        level: confidence level, between 0 and 1. Default: ``0.95``.

    Returns:
        The mean with its interval, infinitely wide for a single cluster.

    Raises:
        InputError: there is no observation, the lengths differ, or the weights sum to zero.

    >>> [round(value, 3) for value in clustered_interval([1.0, 2.0, 3.0], [0, 1, 2])]
    [2.0, -0.484, 4.484]
    """
    import numpy as np
    from scipy.stats import t

    v = np.asarray(values, dtype=np.float64)
    w = np.ones(len(v)) if weights is None else np.asarray(weights, dtype=np.float64)
    _, place = np.unique(np.asarray(clusters), return_inverse=True)
    if not len(v) == len(w) == len(place) or not w.sum() > 0:
        raise InputError(
            f"values ({len(v)}), clusters ({len(place)}) and weights ({len(w)}) must be equally "
            "many, at least one, with a positive sum of weights"
        )
    mean = float((w * v).sum() / w.sum())
    n_clusters = int(place.max()) + 1
    if n_clusters == 1:
        return Interval(mean, -math.inf, math.inf)
    sums = np.bincount(place, w * (v - mean)) / w.sum()
    error = math.sqrt(n_clusters / (n_clusters - 1) * float((sums**2).sum()))
    half_width = float(t.ppf((1 + level) / 2, n_clusters - 1)) * error
    return Interval(mean, mean - half_width, mean + half_width)


def difference_interval(first: Interval, second: Interval) -> Interval:
    """The interval of the difference of two independent estimates, first minus second.

    The distances to the bounds add in squares (Zou and Donner 2008, doi:10.1002/sim.3095).

    >>> difference_interval(Interval(5.0, 2.0, 8.0), Interval(1.0, -3.0, 5.0))
    Interval(estimate=4.0, low=-1.0, high=9.0)
    """
    difference = first.estimate - second.estimate
    down = math.hypot(first.estimate - first.low, second.high - second.estimate)
    up = math.hypot(first.high - first.estimate, second.estimate - second.low)
    return Interval(difference, difference - down, difference + up)


def resampled_interval(
    differences: Sequence[float], test_to_training: float, level: float = 0.95
) -> Interval:
    """The interval of a mean difference over random splits of the same data.

    The splits share most of their training part, so that the results are correlated; the variance
    of the mean is taken as ``(1 / k + n_test / n_train)`` times that of the k results instead of
    1 / k times. Source: Nadeau and Bengio 2003, doi:10.1023/A:1024068626366.

    Args:
        differences: difference of two models on each split, at least two.
        test_to_training: size of the test part over that of the training part.
        level: confidence level, between 0 and 1. Default: ``0.95``.

    Raises:
        InputError: there are fewer than two differences.

    >>> [round(value, 3) for value in resampled_interval([1.0, 2.0, 3.0], 0.0)]
    [2.0, -0.484, 4.484]
    """
    k = len(differences)
    if k < 2:
        raise InputError(f"differences has {k} entries; the spread needs at least two")
    mean, low, high = mean_interval(differences, level)
    wider = math.sqrt(1 + k * test_to_training)
    return Interval(mean, mean - wider * (mean - low), mean + wider * (high - mean))


def auc_interval(positives: ArrayLike, negatives: ArrayLike, level: float = 0.95) -> Interval:
    """The area under the ROC curve with DeLong's interval.

    The area is the probability that a positive has a higher score than a negative, where ties
    count one half. Source: DeLong et al. 1988, doi:10.2307/2531595. Where the scores do not overlap
    DeLong's interval has no width; then min(m, n) disjoint pairs, each of them in the right order
    with the probability that is the area, give an exact bound: ((1 - level) / 2)^(1 / min(m, n)).

    Args:
        positives: scores of the positives, at least two.
        negatives: scores of the negatives, at least two.
        level: confidence level, between 0 and 1. Default: ``0.95``.

    Raises:
        InputError: there are fewer than two scores of a kind.

    >>> [round(value, 3) for value in auc_interval([0.9, 0.8, 0.4], [0.7, 0.3, 0.2])]
    [0.889, 0.581, 1.0]
    """
    import numpy as np
    from scipy.stats import norm, rankdata

    x, y = np.asarray(positives, dtype=np.float64), np.asarray(negatives, dtype=np.float64)
    m, n = len(x), len(y)
    if min(m, n) < 2:
        raise InputError(f"positives ({m}) and negatives ({n}) must be at least two each")
    ranks = rankdata(np.concatenate([x, y]))
    above = (ranks[:m] - rankdata(x)) / n
    below = 1 - (ranks[m:] - rankdata(y)) / m
    area = float(above.mean())
    if area in (0.0, 1.0):
        bound = ((1 - level) / 2) ** (1 / min(m, n))
        return Interval(1.0, bound, 1.0) if area else Interval(0.0, 0.0, 1 - bound)
    error = math.sqrt(float(above.var(ddof=1)) / m + float(below.var(ddof=1)) / n)
    half_width = float(norm.ppf((1 + level) / 2)) * error
    return Interval(area, max(0.0, area - half_width), min(1.0, area + half_width))


def correlation_p_value(
    x: Sequence[float], y: Sequence[float], *, draws: int = 9999, seed: int = 0
) -> float:
    """The p-value of the hypothesis that ``x`` and ``y`` are not positively correlated.

    A one-sided permutation test of Pearson's correlation.

    Args:
        x: numbers, (n,).
        y: numbers, (n,).
        draws: number of random permutations. Default: ``9999``.
        seed: random seed. Default: ``0``.

    Returns:
        At least 1 / (draws + 1); 1.0 where one of them is constant.

    >>> correlation_p_value(range(10), range(10)) < 0.001 < correlation_p_value([0, 1], [1, 0])
    True
    """
    import numpy as np

    a, b = (np.asarray(v, dtype=np.float64) - np.mean(v) for v in (list(x), list(y)))
    if not a.any() or not b.any():
        return 1.0
    drawn = np.random.default_rng(seed).permuted(np.tile(b, (draws, 1)), axis=1) @ a
    slack = 1e-12 * float(np.sqrt((a @ a) * (b @ b)))
    return float((1 + (drawn >= a @ b - slack).sum()) / (1 + draws))


def worst(values: Iterable[float]) -> float:
    """Return the largest value, or NaN if any value is NaN.

    The built-in ``max`` may skip a NaN, depending on its position.

    Args:
        values: numbers, at least one.

    >>> worst([1.0, 3.0, 2.0]), worst([1.0, float("nan"), 2.0])
    (3.0, nan)
    """
    known = [float(value) for value in values]
    return math.nan if any(map(math.isnan, known)) else max(known)


def least(values: Iterable[float]) -> float:
    """Return the smallest value, or NaN if any value is NaN.

    Args:
        values: numbers, at least one.

    >>> least([2.0, 1.0]), least([1.0, float("nan"), 2.0])
    (1.0, nan)
    """
    return -worst(-value for value in values)


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean; NaN if any value is not positive.

    Args:
        values: numbers; at least one.

    >>> round(geometric_mean([1.0, 100.0]), 12), geometric_mean([1.0, 0.0])
    (10.0, nan)
    """
    if not min(values) > 0:
        return math.nan
    return math.exp(math.fsum(map(math.log, values)) / len(values))
