"""Vocabularies of subwords."""

import sys

import pytest

from eigenlab.errors import InputError
from eigenlab.translation import (
    EOS,
    PAD,
    SOS,
    SPECIAL_TOKENS,
    UNK,
    SubwordVocabulary,
    load_vocabulary,
    phrasebook,
)


def test_without_sentencepiece_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(InputError, match=r"pip install 'eigenlab\[translation\]'"):
        SubwordVocabulary.build(["a"], size=10)


@pytest.fixture(scope="module")
def sentences():
    return [pair.source for pair in phrasebook(2000, seed=1)]


@pytest.fixture(scope="module")
def vocabulary(sentences):
    pytest.importorskip("sentencepiece", reason="sentencepiece is not installed")
    return SubwordVocabulary.build(sentences, size=400)


def test_the_round_trip(vocabulary, sentences):
    for sentence in sentences:
        indices = vocabulary.encode(sentence)
        assert not {PAD, SOS, EOS, UNK} & set(indices)
        assert vocabulary.decode([SOS, *indices, EOS, PAD]) == sentence
        assert [vocabulary.tokens[index] for index in indices] == vocabulary.tokenize(sentence)


def test_special_tokens_and_unknown_characters(vocabulary):
    assert vocabulary.tokens[:4] == SPECIAL_TOKENS
    assert len(vocabulary) <= 400
    assert UNK in vocabulary.encode("perro 👍🏽")
    assert vocabulary.unknown("perro 👍🏽") == ["👍🏽"]
    assert not {PAD, SOS, EOS} & set(vocabulary.encode("<pad> <sos> <eos>"))
    assert vocabulary.encode("") == []
    assert vocabulary.decode([]) == ""


def test_training_saving_and_reading_give_the_same(vocabulary, sentences, tmp_path):
    assert SubwordVocabulary.build(sentences, size=400).digest == vocabulary.digest
    assert SubwordVocabulary.build(sentences, size=300).digest != vocabulary.digest
    vocabulary.save(tmp_path / "subwords.json")
    assert load_vocabulary(tmp_path / "subwords.json") == vocabulary


def test_what_cannot_be_trained_or_read_is_refused(vocabulary):
    for sentences, size in (([""], 50), (["abcdefgh"], 6)):
        with pytest.raises(InputError, match=f"cannot train with size={size}"):
            SubwordVocabulary.build(sentences, size=size)
    with pytest.raises(InputError, match="not a sentencepiece model"):
        SubwordVocabulary(b"no model")
    with pytest.raises(InputError, match="method='word'"):
        SubwordVocabulary.build(["a"], method="word")
