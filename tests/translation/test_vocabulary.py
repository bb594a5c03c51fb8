"""Vocabularies of words."""

import json

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
    SPECIAL_TOKENS,
    UNK,
    Vocabulary,
    load_vocabulary,
    normalize,
    tokenize,
    vocabulary_from_dict,
)
from fuzz import fuzzed

SENTENCES = ["I see a dog.", "I see a cat.", "You don't see a dog."]


@fuzzed(100)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))), st.booleans())
def test_encoding_is_undone_by_decoding(sentences, lowercase):
    if not any(tokenize(sentence, lowercase=lowercase) for sentence in sentences):
        with pytest.raises(InputError, match="no token occurs"):
            Vocabulary.build(sentences, lowercase=lowercase)
        return
    vocabulary = Vocabulary.build(sentences, lowercase=lowercase)
    for sentence in sentences:
        indices = vocabulary.encode(sentence)
        assert not {PAD, SOS, EOS, UNK} & set(indices)
        assert vocabulary.decode(indices) == normalize(sentence, lowercase=lowercase)
        assert vocabulary.unknown(sentence) == []
    assert vocabulary_from_dict(vocabulary.to_dict()) == vocabulary
    assert Vocabulary.build(sentences[::-1], lowercase=lowercase).digest == vocabulary.digest


def test_the_special_tokens_come_first():
    vocabulary = Vocabulary.build(SENTENCES)
    assert vocabulary.tokens[:4] == SPECIAL_TOKENS == ("<pad>", "<sos>", "<eos>", "<unk>")
    assert [PAD, SOS, EOS, UNK] == [0, 1, 2, 3]
    assert "<pad>" not in vocabulary
    assert "dog" in vocabulary


def test_the_frequent_come_first_then_code_points_decide():
    # counts: a 3, see 3, ￭. 3; I 2, dog 2; the others 1
    assert Vocabulary.build(SENTENCES).tokens[4:] == (
        "a", "see", "￭.", "I", "dog", "You", "cat", "do", "￭n't",
    )  # fmt: skip


def test_min_count_and_max_size():
    assert Vocabulary.build(SENTENCES, min_count=2).tokens[4:] == ("a", "see", "￭.", "I", "dog")
    assert len(Vocabulary.build(SENTENCES, max_size=6)) == 6
    assert len(Vocabulary.build(SENTENCES, max_size=600)) == 4 + 9
    with pytest.raises(InputError, match="min_count=4 times"):
        Vocabulary.build(SENTENCES, min_count=4)


@pytest.mark.parametrize("bad", [{"min_count": 0}, {"max_size": 4}, {"max_size": 9.5}])
def test_impossible_sizes_are_refused(bad):
    (name,) = bad
    with pytest.raises(InputError, match=name):
        Vocabulary.build(SENTENCES, **bad)


def test_unknown_words_are_encoded_shown_and_listed():
    vocabulary = Vocabulary.build(SENTENCES)
    assert vocabulary.encode("I see Ana.")[2] == UNK
    assert vocabulary.decode(vocabulary.encode("I see Ana.")) == "I see <unk>."
    assert vocabulary.unknown("¿Ana 👍 sees?") == ["¿", "Ana", "👍", "sees", "?"]
    assert set(vocabulary.encode("Veo gatos")) == {UNK}


def test_one_word_is_a_vocabulary():
    vocabulary = Vocabulary.build(["a a a"])
    assert vocabulary.encode("a b") == [4, UNK]


def test_case_is_kept_or_folded():
    assert Vocabulary.build(["The the"]).encode("THE the") == [UNK, 5]
    assert Vocabulary.build(["The the"], lowercase=True).encode("THE the") == [4, 4]


@pytest.mark.parametrize("as_type", [list, tuple, np.array, torch.tensor])
def test_decoding_stops_at_the_end(as_type):
    vocabulary = Vocabulary(["a", "b"])
    assert vocabulary.decode(as_type([SOS, 4, 5, EOS, 4, PAD])) == "a b"
    assert vocabulary.decode(as_type([EOS])) == ""


@pytest.mark.parametrize("indices", [[9], [-1], [1.5], ["a"], [[4], [4]], torch.ones(2, 2).long()])
def test_what_is_no_sentence_of_indices_is_refused(indices):
    with pytest.raises(InputError, match="ind"):
        Vocabulary(["a"]).decode(indices)


@pytest.mark.parametrize(
    "tokens", [[], ["a", "a"], ["a b"], [""], ["￭"], ["dog."], ["<pad>"], [3], ["e\u0301"]]
)
def test_what_are_no_tokens_is_refused(tokens):
    with pytest.raises(InputError, match="token"):
        Vocabulary(tokens)


def test_capitals_cannot_be_tokens_of_small_letters():
    with pytest.raises(InputError, match="'Dog' is not one token in small letters"):
        Vocabulary(["Dog"], lowercase=True)


def test_the_digest_depends_on_tokens_order_and_case():
    variants = [
        Vocabulary(["a", "b"]),
        Vocabulary(["b", "a"]),
        Vocabulary(["a", "b", "c"]),
        Vocabulary(["a", "b"], lowercase=True),
    ]
    assert len({vocabulary.digest for vocabulary in variants}) == 4
    assert Vocabulary(["a", "b"]).digest == variants[0].digest
    assert Vocabulary(["a", "b"]) == variants[0]
    assert variants[0] != variants[1]


def test_saving_and_reading(tmp_path):
    vocabulary = Vocabulary.build([*SENTENCES, "שלום 👍🏽"], lowercase=True)
    vocabulary.save(tmp_path / "vocabulary.json")
    assert load_vocabulary(tmp_path / "vocabulary.json") == vocabulary


def test_other_and_altered_files_are_refused(tmp_path):
    path = tmp_path / "vocabulary.json"
    with pytest.raises(InputError, match="does not exist"):
        load_vocabulary(path)
    for text, message in (("{", "JSON"), ("[1]", "format 'list'"), ('{"a": 1}', "format None")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            load_vocabulary(path)
    Vocabulary(["dog", "cat"]).save(path)
    stored = json.loads(path.read_text())
    stored["tokens"].reverse()
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="was altered"):
        load_vocabulary(path)


@pytest.mark.parametrize(
    "content", [{}, {"kind": "letters", "lowercase": False}, {"kind": "words"}]
)
def test_other_content_is_refused(content):
    with pytest.raises(InputError, match="vocabulary"):
        vocabulary_from_dict(content)


def test_a_string_is_no_list():
    with pytest.raises(InputError, match="one string"):
        Vocabulary("abc")
    with pytest.raises(InputError, match="one string"):
        Vocabulary.build("I see a dog.")
