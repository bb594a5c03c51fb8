"""Splits that share no sentence."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.translation import Leaks, count_leaks, sentence_key, split_pairs
from fuzz import fuzzed

SIDES = st.sampled_from(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"])
PAIRS = st.lists(st.tuples(SIDES, SIDES), min_size=2, max_size=12)


def brute_force_groups(pairs):
    """Merge groups that share a source or a target until none do."""
    groups = [{place} for place in range(len(pairs))]
    while True:
        for one, two in itertools.combinations(groups, 2):
            sides = [
                {(s, pairs[place][s]) for place in group for s in (0, 1)} for group in (one, two)
            ]
            if sides[0] & sides[1]:
                groups = [g for g in groups if g not in (one, two)] + [one | two]
                break
        else:
            return groups


@fuzzed(100)
@given(PAIRS, st.integers(1, 5), st.integers(0, 3), st.integers(0, 9))
def test_no_sentence_is_in_two_parts(pairs, test, validation, seed):
    groups = brute_force_groups(pairs)
    try:
        split = split_pairs(pairs, test=test, validation=validation, seed=seed)
    except InputError:
        smallest = min(map(len, groups))
        singles = sum(len(group) == 1 for group in groups)
        assert (
            smallest > min(test, validation or test)
            or singles < test + bool(validation)
            or (test + validation >= len(pairs))
        )
        return
    parts = (split.train, split.validation, split.test)
    missing = [test - len(split.test), validation - len(split.validation)]
    assert min(missing) >= 0
    trained = [len(group) for group in groups if group <= set(split.train.tolist())]
    assert all(max(missing) < size for size in trained)  # nothing else would have fitted
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(pairs)))
    for one, two in itertools.permutations(parts, 2):
        leaks = count_leaks([pairs[i] for i in one], [pairs[i] for i in two])
        assert leaks == Leaks(len(two), 0, 0, 0, 0)
    assert split.largest_group == max(map(len, groups))


def test_case_and_punctuation_do_not_hide_a_sentence():
    pairs = [
        ("Ve.", "Go."),
        ("¡VE!", "Leave."),
        ("Hola.", "Hi."),
        ("Sí.", "Yes."),
        ("Adiós.", "hi"),
    ]
    for seed in range(20):
        split = split_pairs(pairs, test=2, seed=seed)
        for group in ({0, 1}, {2, 4}):
            assert group <= set(split.train.tolist()) or group <= set(split.test.tolist())


def test_the_split_does_not_depend_on_the_order_of_the_pairs():
    pairs = [(f"s{i}", f"t{i // 2}") for i in range(60)]
    split = split_pairs(pairs, test=10, validation=6, seed=4)
    for order in (pairs[::-1], sorted(pairs)):
        other = split_pairs(order, test=10, validation=6, seed=4)
        for part in ("train", "validation", "test"):
            ours, theirs = getattr(split, part), getattr(other, part)
            assert [pairs[i] for i in ours] == [order[i] for i in theirs]
    assert set(split_pairs(pairs, test=10, seed=5).test) != set(
        split_pairs(pairs, test=10, seed=4).test
    )


def test_duplicate_pairs_stay_together():
    pairs = [("a", "x")] * 3 + [(f"s{i}", f"t{i}") for i in range(7)]
    for seed in range(20):
        split = split_pairs(pairs, test=3, seed=seed)
        assert len({0, 1, 2} & set(split.test.tolist())) in (0, 3)


def test_leaks_of_a_random_split_by_hand():
    # One target, ten sources: every held-out pair of a random split shares its target.
    pairs = [(f"s{i}", "the same") for i in range(10)] + [(f"u{i}", f"v{i}") for i in range(10)]
    split = split_pairs(pairs, test=5, seed=0)
    assert set(split.test) <= set(range(10, 20))
    assert split.largest_group == 10
    leaks = split.random_leaks
    assert (leaks.n_pairs, leaks.source, leaks.both) == (5, 0, 0)
    assert leaks.target == leaks.either > 0
    # Without shared sentences nothing can leak.
    assert split_pairs(pairs[10:], test=5, seed=0).random_leaks == Leaks(5, 0, 0, 0, 0)
    # Two copies of every pair: a copy is in the training part except where both are held out.
    twice = pairs[10:] * 2
    leaks = split_pairs(twice, test=2, seed=0).random_leaks
    assert leaks.source == leaks.target == leaks.both == leaks.either


def test_count_leaks_by_hand():
    train = [("a", "x"), ("b", "y")]
    held_out = [("a", "q"), ("q", "Y!"), ("A.", "y"), ("c", "z")]
    assert count_leaks(train, held_out) == Leaks(n_pairs=4, source=2, target=2, either=3, both=1)


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("¿Qué?", "qué", True),
        ("don't", "don’t", True),
        ("e\u0301l", "él", True),
        ("STRASSE", "straße", True),
        ("ﬁn", "fin", True),
        ("well-known", "Well known", True),
        ("a\u00a0b", "a  b", True),
        ("esta", "está", False),
        ("1.5", "15", False),
        ("👍", "👎", False),
        ("...", "?", False),
        ("हिंद", "हद", False),
    ],
)
def test_keys(one, two, same):
    assert (sentence_key(one) == sentence_key(two)) is same


@fuzzed(100)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_key_is_its_own_key(text):
    key = sentence_key(text)
    assert sentence_key(key) == key
    assert sentence_key(text.strip() + "!") == key or not any(map(str.isalnum, text))


@pytest.mark.parametrize(
    "sizes", [{"test": 0}, {"test": 0.2}, {"test": True}, {"test": 1, "validation": -1}]
)
def test_impossible_sizes_are_refused(sizes):
    with pytest.raises(InputError, match="must be an integer"):
        split_pairs([("a", "b"), ("c", "d")], seed=0, **sizes)


def test_pairs_that_cannot_be_split_are_refused():
    with pytest.raises(InputError, match="leave no training pair of 2"):
        split_pairs([("a", "b"), ("c", "d")], test=2, seed=0)
    connected = [("a", "x"), ("a", "y"), ("b", "y")]
    with pytest.raises(InputError, match="1 groups that share sentences, of 3 to 3 pairs"):
        split_pairs(connected, test=1, seed=0)
