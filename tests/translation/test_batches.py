"""Bucketed batches."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.training.batches import local_batch
from eigenlab.translation import EOS, PAD, bucketed_batches
from fuzz import fuzzed

SENTENCES = st.lists(st.integers(3, 40), max_size=7)
PAIRS = st.lists(st.tuples(SENTENCES, SENTENCES), min_size=1, max_size=30)


def build(pairs, **settings):
    sources, targets = zip(*pairs, strict=True)
    return bucketed_batches(sources, targets, **{"batch_size": 4, "seed": 3} | settings)


@fuzzed(100)
@given(PAIRS, st.integers(1, 8), st.integers(1, 3))
def test_every_epoch_visits_every_pair_once_and_pads_rightly(pairs, batch_size, pool):
    batches = build(pairs, batch_size=batch_size, pool=pool)
    for epoch in range(2):
        seen = []
        places = tokens = 0
        for step in range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch):
            chosen = batches.indices(step).tolist()
            seen += chosen
            batch = batches(step)
            for side, (rows, lengths) in enumerate((batch[:2], batch[2:])):
                assert rows.shape[1] == lengths.max()
                places += rows.numel()
                tokens += int(lengths.sum())
                for row, length, place in zip(rows.tolist(), lengths.tolist(), chosen, strict=True):
                    expected = [*pairs[place][side], EOS]
                    assert row == expected + [PAD] * (len(row) - len(expected))
                    assert length == len(expected)
        assert sorted(seen) == list(range(len(pairs)))
        assert batches.padding_share(epoch) == pytest.approx(1 - tokens / places)


@fuzzed(100)
@given(PAIRS)
def test_a_step_gives_the_same_batch_in_any_order(pairs):
    one, two = build(pairs), build(pairs)
    steps = range(3 * one.steps_per_epoch)
    forward = [one(step) for step in steps]
    backward = [two(step) for step in reversed(steps)][::-1]
    for a, b in zip(forward, backward, strict=True):
        assert all(map(torch.equal, a, b))


def test_processes_share_a_batch_without_overlap():
    pairs = [([3] * n, [4]) for n in range(10)]
    batches = build(pairs)
    for step in range(6):
        parts = [batches.shard(step, rank, 3).source_lengths.tolist() for rank in range(3)]
        assert [x for part in parts for x in part] == batches(step).source_lengths.tolist()
        split = [local_batch(batches, step, rank, 3)[1].tolist() for rank in range(3)]
        assert split == parts
    assert batches.shard(0, 0, 99).source.shape[0] == 0


def test_lengths_that_occur_often_leave_no_padding():
    # 40 pairs of each of five lengths, batches of 8: sorted, no batch mixes lengths
    pairs = [([5] * n, [6] * n) for n in range(1, 6) for _ in range(40)]
    assert build(pairs, batch_size=8, pool=25).padding_share() == 0
    assert build(pairs, batch_size=8, pool=1).padding_share() > 0.2


def test_orders_differ_between_epochs_and_seeds():
    pairs = [([3], [4])] * 64
    orders = [
        [tuple(build(pairs, seed=seed).indices(epoch * 16 + step).tolist()) for step in range(16)]
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    assert len({tuple(order) for order in orders}) == 4


def test_padding_by_hand():
    # sources of 2 and 3 tokens with <eos>, targets of 2 and 2: 1 place of 10
    assert build([([4], [6]), ([4, 5], [6])]).padding_share() == pytest.approx(0.1)


def test_the_signature_tells_what_must_agree():
    signature = build([([3], [4])] * 9, pool=7).signature
    assert signature == {"seed": 3, "batch_size": 4, "n_samples": 9, "pool": 7}


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([], [], "at least one"),
        ([[3]], [], "1 sources and 0 targets"),
        ([[3]], [[EOS]], r"targets\[0\]"),
        ([[3], [PAD]], [[3], [3]], r"sources\[1\]"),
        ([[1.5]], [[3]], r"sources\[0\]"),
        ([["I"]], [[3]], r"sources\[0\]"),
        (["I"], [[3]], r"sources\[0\]"),
    ],
)
def test_what_are_no_encoded_pairs_is_refused(sources, targets, message):
    with pytest.raises(InputError, match=message):
        bucketed_batches(sources, targets, batch_size=2, seed=0)


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"batch_size": 2.0}, {"pool": 0}])
def test_impossible_sizes_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        build([([3], [4])], **bad)
