"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.lab import Check, close
from eigenlab.report import format_expected, format_measured, format_number, format_seconds


@given(st.floats(min_value=-1e12, max_value=1e12).filter(lambda x: x == 0 or abs(x) > 1e-12))
def test_a_written_number_is_right_to_four_digits(value):
    written = float(format_number(value))
    assert math.isclose(written, value, rel_tol=5.01e-4, abs_tol=0.0)


@given(st.floats(min_value=1e-4, max_value=9e6))
def test_powers_of_ten_appear_only_when_needed(value):
    assert "e" not in format_number(value)


def test_infinities_are_written():
    assert format_number(math.inf) == "∞"
    assert format_number(-math.inf) == "−∞"


def test_a_measured_value_shows_the_digit_that_the_tolerance_decides():
    inside = close("loss", 3.00675, 3.0067, tolerance=1e-4)
    outside = close("loss", 3.00685, 3.0067, tolerance=1e-4)
    assert inside.holds
    assert not outside.holds
    assert format_measured(inside) != format_measured(outside)


def test_unit_and_tolerance_are_shown():
    check = Check("time", 12.0, "<=", 60.0, unit="s")
    assert format_measured(check) == "12 s"
    assert format_expected(check) == "≤ 60 s"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_check_without_a_finite_value_can_be_written(value):
    assert format_measured(close("loss", value, 1.0, tolerance=1e-4))


@given(st.floats(min_value=0, max_value=1e6))
def test_durations_have_a_unit(seconds):
    assert format_seconds(seconds).split()[-1] in {"ms", "s", "min"}


def test_a_number_just_beyond_a_bound_is_not_written_like_the_bound():
    check = Check("loss", 0.8000001, "<=", 0.8)
    assert not check.holds
    assert format_measured(check) not in format_expected(check)
