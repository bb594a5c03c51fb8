import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.names import ambiguity_ceiling, course_split, leak_free_split, split_names
from eigenlab.names.protocols import overlap, spelling

names_strategy = st.lists(
    st.sampled_from(["Abe", "abé", "Li", "Ito", "Rossi", "O'Neal", "Smith", "Weiß", "Kim"]),
    min_size=12,
    max_size=40,
)


@given(names_strategy, st.integers(0, 100))
def test_every_line_is_in_exactly_one_part(names, seed):
    for split in (course_split, leak_free_split):
        if len({spelling(name) for name in names}) > 1:
            train, test = split(names, seed=seed)
            assert sorted([*train, *test]) == list(range(len(names)))


@given(names_strategy, st.integers(0, 100))
def test_leak_free_means_no_common_spelling(names, seed):
    if len({spelling(name) for name in names}) > 1:
        split = leak_free_split(names, seed=seed)
        assert overlap(names, split) == 0
        train, test = ({spelling(names[i]) for i in part} for part in split)
        assert len(train) == int(0.8 * (len(train) + len(test)))


def test_spellings_overlap_in_the_course_split():
    """With every name twice, most test names are also in the training part."""
    names = [f"{a}{b}" for a in "abcdefghij" for b in "abcdefghij"] * 2
    split = course_split(names, seed=0)
    assert (len(split.train), len(split.test)) == (160, 40)
    assert overlap(names, split) > 20


def test_seeds_repeat_and_differ():
    names = [chr(97 + k) for k in range(26)]
    for split in (course_split, leak_free_split):
        assert np.array_equal(split(names, seed=3).test, split(names, seed=3).test)
        assert not np.array_equal(split(names, seed=3).test, split(names, seed=4).test)


def test_the_ceiling_counts_one_language_for_each_spelling():
    names = ["Abel", "ABEL", "Abél", "Ito", "Ito"]
    assert ambiguity_ceiling(names, ["German", "French", "German", "Japanese", "Japanese"]) == 0.8


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_invalid_fractions_are_refused(fraction):
    with pytest.raises(InputError, match="test_fraction"):
        course_split(["a", "b", "c"], seed=0, test_fraction=fraction)


def test_too_few_names():
    with pytest.raises(InputError, match="1 different names"):
        leak_free_split(["Abe", "abe"], seed=0)


def test_unknown_protocol():
    with pytest.raises(InputError, match="did you mean 'leak-free'"):
        split_names("leakfree", ["a", "b"], seed=0)
