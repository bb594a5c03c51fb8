import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.names import shift_priors
from eigenlab.names.priors import check_priors


def test_bayes_rule_with_known_likelihoods():
    """With p(x | y) known, the posterior under either prior is Bayes' rule."""
    likelihood = np.array([[0.7, 0.1], [0.2, 0.3], [0.1, 0.6]])  # x by y
    old, new = np.array([0.8, 0.2]), np.array([0.3, 0.7])

    def posterior(prior):
        return likelihood * prior / (likelihood * prior).sum(axis=1, keepdims=True)

    np.testing.assert_allclose(shift_priors(posterior(old), old, new), posterior(new), rtol=1e-12)


positive = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(np.array)


@given(positive, positive, positive)
def test_shifting_priors_back_restores_the_probabilities(p, old, new):
    p = (p / p.sum())[None]
    np.testing.assert_allclose(shift_priors(shift_priors(p, old, new), new, old), p, rtol=1e-9)


def test_a_language_with_prior_zero_has_probability_zero():
    shifted = shift_priors([[0.9, 0.1], [1.0, 0.0]], [0.5, 0.5], [0.0, 1.0])
    np.testing.assert_array_equal(shifted, [[0.0, 1.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("old", "new"),
    [([0, 1], [1, 1]), ([1, 1], [-1, 2]), ([1, 1], [0, 0]), ([1, 1], [np.nan, 1]), ([1], [1])],
)
def test_invalid_base_rates_are_refused(old, new):
    with pytest.raises(InputError):
        shift_priors([[0.5, 0.5]], old, new)


def test_weights_are_put_in_the_order_of_the_classes():
    np.testing.assert_allclose(check_priors({"b": 3, "a": 1}, ["a", "b"]), [0.25, 0.75])
    np.testing.assert_allclose(check_priors([1, 3], ["a", "b"]), [0.25, 0.75])


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({"Greek": 1, "Irsh": 1}, "did you mean 'Irish'"),
        ({"Greek": 1}, "priors lack Irish"),
        ([1, 2, 3], r"shape \(3,\)"),
        (["x", "y"], "must be numbers"),
        ([0, 0], "not all zero"),
        ([float("nan"), 1], "finite"),
    ],
)
def test_invalid_priors_are_refused(priors, message):
    with pytest.raises(InputError, match=message):
        check_priors(priors, ["Greek", "Irish"])
