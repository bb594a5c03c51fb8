import math

import pytest
from scipy.stats import ttest_1samp

from eigenlab.errors import InputError
from eigenlab.experiments._intervals import mean_interval, newcombe_paired, wilson, worst


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
    interval = wilson(successes, trials)
    assert interval.estimate == successes / trials
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


def test_the_paired_interval_is_the_published_one():
    """Airway hyper-responsiveness before and after transplantation: -0.507 to -0.026.

    Fagerland, Lydersen and Laake 2014, Stat. Med. 33, 2850, table of intervals, row Newcombe.
    """
    interval = newcombe_paired(1, 1, 7, 12)
    assert interval.estimate == pytest.approx((1 - 7) / 21)
    assert interval.low == pytest.approx(-0.507, abs=5e-4)
    assert interval.high == pytest.approx(-0.026, abs=5e-4)


def test_without_correlation_the_paired_interval_joins_its_arms_at_right_angles():
    a = b = wilson(32, 64)
    interval = newcombe_paired(16, 16, 16, 16)
    arm = math.hypot(a.estimate - a.low, b.high - b.estimate)
    assert (interval.low, interval.high) == pytest.approx((-arm, arm))


def test_swapping_two_outcomes_mirrors_the_interval():
    one, other = newcombe_paired(5, 9, 2, 14), newcombe_paired(5, 2, 9, 14)
    assert one.low == pytest.approx(-other.high)
    assert one.high == pytest.approx(-other.low)


def test_pairing_narrows_the_interval_of_outcomes_that_go_together():
    together = newcombe_paired(40, 5, 5, 50)
    apart = newcombe_paired(20, 25, 25, 30)
    assert together.high - together.low < apart.high - apart.low


def test_outcomes_that_never_or_always_happen_have_an_interval_around_zero():
    for table in ((0, 0, 0, 30), (30, 0, 0, 0)):
        interval = newcombe_paired(*table)
        assert interval.low < interval.estimate == 0.0 < interval.high


def test_the_mean_interval_is_that_of_the_t_test():
    values = [0.3, -1.2, 2.5, 0.4, 0.9]
    ours = mean_interval(values)
    theirs = ttest_1samp(values, 0).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))
    assert ours.estimate == pytest.approx(math.fsum(values) / 5)


def test_one_value_tells_nothing_about_its_mean():
    assert mean_interval([2.0]) == (2.0, -math.inf, math.inf)


def test_impossible_counts_are_refused():
    with pytest.raises(InputError, match="successes=5 of trials=4"):
        wilson(5, 4)
    with pytest.raises(InputError, match="values is empty"):
        mean_interval([])


def test_the_worst_of_values_with_a_nan_is_nan():
    assert math.isnan(worst([1.0, math.nan, 3.0]))
    assert math.isnan(worst([math.nan, 1.0]))
    assert worst([1.0, 3.0]) == 3.0
