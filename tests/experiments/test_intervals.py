import math

import pytest
from scipy.stats import ttest_1samp

from eigenlab.errors import InputError
from eigenlab.experiments._intervals import mean_interval, newcombe, wilson


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


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_gives_the_published_intervals(a, b, low, high):
    """Table II, method 10, of Newcombe 1998, Stat. Med. 17, 873."""
    interval = newcombe(wilson(*a), wilson(*b))
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


def test_swapping_two_proportions_mirrors_the_interval():
    a, b = wilson(3, 11), wilson(5, 9)
    one, other = newcombe(a, b), newcombe(b, a)
    assert one.low == pytest.approx(-other.high)
    assert one.high == pytest.approx(-other.low)


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
