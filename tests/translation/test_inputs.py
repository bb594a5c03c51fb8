"""What the decoder is fed (questions 7b, 7c)."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.translation import (
    EOS,
    PAD,
    SOS,
    bucketed_batches,
    free_running_inputs,
    teacher_forcing_inputs,
)
from fuzz import fuzzed

BOTH = pytest.mark.parametrize("inputs", [teacher_forcing_inputs, free_running_inputs])


def test_the_example_of_the_question():
    assert teacher_forcing_inputs(["I", "see", "a", "dog"]) == ["<sos>", "I", "see", "a", "dog"]
    assert free_running_inputs(["I", "saw", "a", "dog"]) == ["<sos>", "I", "saw", "a", "dog"]


@BOTH
def test_forms(inputs):
    assert inputs(("I", "see")) == ("<sos>", "I", "see")
    assert inputs([7, 8]) == [SOS, 7, 8]
    assert inputs([]) == ["<sos>"] or inputs([]) == [SOS]
    assert inputs(["I", "<eos>", "<pad>"]) == ["<sos>", "I"]
    assert inputs([7, EOS, PAD, PAD]) == [SOS, 7]
    assert inputs(torch.tensor([7, 8])).tolist() == [SOS, 7, 8]
    array = inputs(np.array([[7, 8], [9, 10]], np.int32))
    assert array.dtype == np.int32
    assert array.tolist() == [[SOS, 7, 8], [SOS, 9, 10]]
    assert inputs(torch.empty(2, 0, dtype=torch.long)).tolist() == [[SOS], [SOS]]


@BOTH
def test_rows_that_end_and_rows_that_do_not(inputs):
    # the second row reached the maximal length without <eos>
    emitted = torch.tensor([[7, EOS, PAD], [8, 9, 10]])
    assert inputs(emitted).tolist() == [[SOS, 7, PAD, PAD], [SOS, 8, 9, 10]]
    # what a decoder writes after <eos> is not read
    assert inputs(torch.tensor([[7, EOS, 9], [8, 9, EOS]])).tolist() == [[SOS, 7, PAD], [SOS, 8, 9]]


@fuzzed(100)
@given(st.lists(st.lists(st.integers(3, 50), max_size=6), min_size=1, max_size=5))
def test_in_a_batch_as_alone(sentences):
    batch = bucketed_batches(sentences, sentences, batch_size=9, seed=0)
    target, chosen = batch(0).target, batch.indices(0)
    fed = teacher_forcing_inputs(target)
    assert fed.shape == target.shape  # column t is the input of the step that writes column t
    for row, place in zip(fed.tolist(), chosen, strict=True):
        alone = [SOS, *sentences[place]]
        assert row == alone + [PAD] * (len(row) - len(alone))


@BOTH
@pytest.mark.parametrize(
    "tokens",
    [
        "I see a dog",
        None,
        7,
        [1.5],
        ["I", 3],
        ["<sos>", "I"],
        ["<pad>", "I"],
        [SOS, 7],
        torch.tensor([SOS, 7]),
        torch.tensor([PAD, 7]),
        torch.tensor([[7, EOS], [PAD, EOS]]),
        torch.tensor([7.0]),
        torch.tensor([True]),
        torch.tensor(7),
        torch.zeros(1, 1, 1, dtype=torch.long),
        np.array([7.0]),
        np.array(["I"]),
    ],
)
def test_what_is_no_sentence_is_refused(inputs, tokens):
    if isinstance(tokens, torch.Tensor) and tokens.tolist() == [[7, EOS], [PAD, EOS]]:
        assert inputs(tokens).tolist() == [[SOS, 7], [SOS, PAD]]  # nothing follows the padding
        return
    with pytest.raises(InputError, match=r"target|emitted"):
        inputs(tokens)
