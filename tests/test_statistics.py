import math

import numpy as np
import pytest
from scipy import stats
from scipy.stats import norm, ttest_1samp

from eigenlab.errors import InputError
from eigenlab.statistics import (
    Interval,
    auc_interval,
    clustered_interval,
    correlation_p_value,
    difference_interval,
    homogeneity_p_value,
    mean_interval,
    newcombe_interval,
    resampled_interval,
    wilson_interval,
    worst,
)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, trials, low, high):
    """Table I, method 3, of Newcombe 1998, Stat. Med. 17, 857."""
    interval = wilson_interval(successes, trials)
    assert interval.estimate == successes / trials
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (8, 10), (10, 10), (3, 200)])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_the_wilson_interval_inverts_the_score_test(successes, trials, level):
    """At each bound p inside (0, 1), |p_hat - p| is z standard errors sqrt(p (1 - p) / n)."""
    interval = wilson_interval(successes, trials, level)
    z = norm.ppf((1 + level) / 2)
    for bound in interval.bounds:
        if 0 < bound < 1:
            error = math.sqrt(bound * (1 - bound) / trials)
            assert abs(interval.estimate - bound) / error == pytest.approx(z)


def test_without_trials_a_proportion_is_unknown():
    interval = wilson_interval(0, 0)
    assert math.isnan(interval.estimate)
    assert interval.bounds == (0.0, 1.0)


def test_a_lower_level_gives_a_narrower_paired_interval():
    wide, narrow = newcombe_interval(5, 9, 2, 14), newcombe_interval(5, 9, 2, 14, level=0.8)
    assert wide.low < narrow.low < narrow.estimate < narrow.high < wide.high


def test_the_paired_interval_is_the_published_one():
    """Airway hyper-responsiveness before and after transplantation: -0.507 to -0.026.

    Fagerland, Lydersen and Laake 2014, Stat. Med. 33, 2850, table of intervals, row Newcombe.
    """
    interval = newcombe_interval(1, 1, 7, 12)
    assert interval.estimate == pytest.approx((1 - 7) / 21)
    assert interval.low == pytest.approx(-0.507, abs=5e-4)
    assert interval.high == pytest.approx(-0.026, abs=5e-4)


def test_without_correlation_the_paired_interval_is_a_root_sum_of_squares():
    a = b = wilson_interval(32, 64)
    interval = newcombe_interval(16, 16, 16, 16)
    arm = math.hypot(a.estimate - a.low, b.high - b.estimate)
    assert (interval.low, interval.high) == pytest.approx((-arm, arm))


def test_swapping_two_outcomes_mirrors_the_interval():
    one, other = newcombe_interval(5, 9, 2, 14), newcombe_interval(5, 2, 9, 14)
    assert one.low == pytest.approx(-other.high)
    assert one.high == pytest.approx(-other.low)


def test_the_paired_interval_is_narrower_for_correlated_outcomes():
    together = newcombe_interval(40, 5, 5, 50)
    apart = newcombe_interval(20, 25, 25, 30)
    assert together.high - together.low < apart.high - apart.low


def test_outcomes_that_never_or_always_happen_have_an_interval_around_zero():
    for table in ((0, 0, 0, 30), (30, 0, 0, 0)):
        interval = newcombe_interval(*table)
        assert interval.low < interval.estimate == 0.0 < interval.high


def test_the_mean_interval_is_that_of_the_t_test():
    values = [0.3, -1.2, 2.5, 0.4, 0.9]
    ours = mean_interval(values)
    theirs = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.estimate == pytest.approx(math.fsum(values) / 5)


def test_a_single_value_gives_an_infinite_interval():
    assert mean_interval([2.0]) == (2.0, -math.inf, math.inf)


def test_impossible_counts_are_refused():
    with pytest.raises(InputError, match="successes=5 of trials=4"):
        wilson_interval(5, 4)
    with pytest.raises(InputError, match="successes=3 of trials=2"):
        wilson_interval(3, 2)
    for counts in ((0, 0, 0, 0), (1, -1, 2, 3)):
        with pytest.raises(InputError, match=f"both={counts[0]}, first={counts[1]}"):
            newcombe_interval(*counts)
    with pytest.raises(InputError, match="values is empty"):
        mean_interval([])


def test_the_worst_of_values_with_a_nan_is_nan():
    assert math.isnan(worst([1.0, math.nan, 3.0]))
    assert math.isnan(worst([math.nan, 1.0]))
    assert worst([1.0, 3.0]) == 3.0


def test_homogeneity_agrees_with_fisher_and_chi_squared():
    # Two groups: the permutation distribution is hypergeometric, and can be summed.
    found, sizes = [9, 3], [12, 14]
    total = sum(found)
    support = range(max(0, total - sizes[1]), min(total, sizes[0]) + 1)
    weights = [math.comb(12, k) * math.comb(14, total - k) for k in support]
    distance = abs(found[0] - total * 12 / 26)
    exact = sum(
        weight
        for k, weight in zip(support, weights, strict=True)
        if abs(k - total * 12 / 26) >= distance - 1e-9
    ) / sum(weights)
    assert homogeneity_p_value(found, sizes) == pytest.approx(exact, abs=0.01)
    # Large groups: Pearson's distribution.
    found, sizes = [510, 480, 530, 455], [1000] * 4
    table = [found, [n - k for k, n in zip(found, sizes, strict=True)]]
    expected = stats.chi2_contingency(table, correction=False).pvalue
    assert homogeneity_p_value(found, sizes) == pytest.approx(expected, rel=0.3)


def test_homogeneity_is_valid_under_its_hypothesis_for_many_small_groups():
    random = np.random.default_rng(5)
    sizes = random.integers(1, 30, size=15)
    p_values = [
        homogeneity_p_value(random.binomial(sizes, 0.7), sizes, draws=199) for _ in range(300)
    ]
    assert sum(p <= 0.05 for p in p_values) <= 27  # 15 expected; above 27 in one of a thousand


def test_homogeneity_at_the_edges():
    assert homogeneity_p_value([3, 4, 0], [3, 4, 0]) == 1.0
    assert homogeneity_p_value([3], [5]) == 1.0
    assert homogeneity_p_value([20, 0], [20, 20]) == 1e-4
    for successes, trials in (([3], [2]), ([-1], [2]), ([0], [0])):
        with pytest.raises(InputError, match="successes"):
            homogeneity_p_value(successes, trials)


def test_lines_of_one_name_count_once_in_the_width():
    """Every observation three times in one cluster: the interval of the single observations."""
    values = [1.0, 4.0, 2.0, 8.0]
    tripled = clustered_interval(np.repeat(values, 3), np.repeat(range(4), 3))
    assert tripled == pytest.approx(mean_interval(values))
    # Weights repeat an observation.
    weighted = clustered_interval(values, range(4), [1, 2, 3, 4])
    assert weighted == pytest.approx(
        clustered_interval(np.repeat(values, [1, 2, 3, 4]), [0, 1, 1, 2, 2, 2, 3, 3, 3, 3])
    )
    assert clustered_interval([1.0, 2.0], [7, 7]).bounds == (-math.inf, math.inf)
    with pytest.raises(InputError, match="values"):
        clustered_interval([1.0, 2.0], [0])


def test_a_clustered_interval_covers_the_mean():
    random = np.random.default_rng(0)
    clusters = np.repeat(range(40), random.integers(1, 9, size=40))
    found = [clustered_interval(random.normal(size=40)[clusters], clusters) for _ in range(400)]
    assert 0.91 <= np.mean([low <= 0 <= high for _, low, high in found]) <= 0.98


def test_the_area_under_the_curve():
    random = np.random.default_rng(1)
    positives, negatives = random.integers(0, 9, 30) + 1, random.integers(0, 9, 50)
    brute = np.mean([(p > n) + (p == n) / 2 for p in positives for n in negatives])
    assert auc_interval(positives, negatives).estimate == pytest.approx(brute)
    covered = [auc_interval(random.normal(1, 1, 40), random.normal(0, 1, 60)) for _ in range(400)]
    true = norm.cdf(1 / math.sqrt(2))
    assert 0.91 <= np.mean([low <= true <= high for _, low, high in covered]) <= 0.98
    with pytest.raises(InputError, match="positives"):
        auc_interval([1.0], [0.0, 1.0])


def test_differences_and_resampled_means():
    a, b = mean_interval([1.0, 2.0, 4.0]), mean_interval([0.0, 1.0, 0.5])
    difference = difference_interval(a, b)
    assert difference.high - difference.estimate == pytest.approx(
        math.hypot(a.high - a.estimate, b.high - b.estimate)
    )
    assert difference_interval(a, Interval(1.0, 1.0, 1.0)).low == pytest.approx(a.low - 1)
    five = [0.1, 0.3, 0.2, 0.0, 0.4]
    plain, wide = mean_interval(five), resampled_interval(five, 0.25)
    # (1/5 + 1/4) / (1/5) = 9/4 of the variance
    assert wide.high - wide.estimate == pytest.approx(1.5 * (plain.high - plain.estimate))
    with pytest.raises(InputError, match="two"):
        resampled_interval([0.1], 0.25)


def test_a_correlation_is_tested_against_permutations():
    random = np.random.default_rng(2)
    x = random.normal(size=(300, 15))
    p_values = [correlation_p_value(row, random.normal(size=15), draws=199) for row in x]
    assert sum(p <= 0.05 for p in p_values) <= 27
    assert correlation_p_value(x[0], x[0]) == 1e-4
    assert correlation_p_value(x[0], -x[0]) == 1.0
    assert correlation_p_value([1.0, 1.0], [0.0, 1.0]) == 1.0


def test_separated_scores_do_not_make_the_area_certain():
    """If the area were A, k disjoint pairs would all be in order with probability A^k."""
    low = auc_interval([4.0, 3.0, 2.5], [1.0, 0.0]).low
    assert low == pytest.approx(0.025 ** (1 / 2))
    assert auc_interval([0.0, 1.0], [2.0, 3.0, 4.0]).high == pytest.approx(1 - low)
