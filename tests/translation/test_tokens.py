"""Sentences to tokens and back."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.translation import JOINER, detokenize, normalize, tokenize
from fuzz import fuzzed

TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("ab'’nt s.-¿?«»👨👩🏽🇪🇸é\u0301\u200d\u200f\u00ad\ufeff\uffed\u25a0\r\n\t"),
    )
)


@fuzzed(100)
@given(TEXT)
def test_tokens_restore_the_normalized_sentence(text):
    assert detokenize(tokenize(text)) == normalize(text)


@fuzzed(100)
@given(TEXT)
def test_no_token_is_empty_or_holds_a_space(text):
    for token in tokenize(text):
        assert token.strip(JOINER)
        assert len(token.split()) == 1


@fuzzed(100)
@given(TEXT, st.booleans())
def test_normalizing_twice_changes_nothing(text, lowercase):
    once = normalize(text, lowercase=lowercase)
    assert normalize(once, lowercase=lowercase) == once


@fuzzed(100)
@given(TEXT)
def test_composed_and_decomposed_text_have_the_same_tokens(text):
    assert tokenize(unicodedata.normalize("NFD", text)) == tokenize(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", []),
        (" \t\r\n", []),
        ("a", ["a"]),
        ("Veo un perro.", ["Veo", "un", "perro", "￭."]),
        ("¿¡Qué!?", ["¿￭", "¡￭", "Qué", "￭!", "￭?"]),
        ("I don't.", ["I", "do", "￭n't", "￭."]),
        ("CAN'T", ["CA", "￭N'T"]),
        ("Luis's", ["Luis", "￭'s"]),
        ("l'homme d'aujourd'hui", ["l'￭", "homme", "d'￭", "aujourd'￭", "hui"]),
        ("(a)", ["(￭", "a", "￭)"]),
        ("well-known", ["well", "￭-￭", "known"]),
        ("3.5", ["3", "￭.￭", "5"]),
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs are marks, not letters
        ("שלום, עולם!", ["שלום", "￭,", "עולם", "￭!"]),
        ("👨‍👩‍👧👍🏽 🇪🇸❤️", ["👨‍👩‍👧", "￭👍🏽", "🇪🇸", "￭❤️"]),
    ],
)
def test_tokens(text, tokens):
    assert tokenize(text) == tokens


def test_words_of_the_special_tokens_are_no_special_tokens():
    assert not set(tokenize("<pad> <sos> <eos> <unk>")) & {"<pad>", "<sos>", "<eos>", "<unk>"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("don’t", "don't"),
        ("‘tis", "‘tis"),
        ("the dogs’ tails", "the dogs’ tails"),  # not between letters
        ("so\u00adft", "soft"),
        ("\ufeffVeo", "Veo"),
        ("\u200fשלום\u200f", "שלום"),
        ("a\u200bb", "a b"),
        ("a\u00a0b\r\n", "a b"),
        ("\uffed", "\u25a0"),
    ],
)
def test_normalize(written, meant):
    assert normalize(written) == meant


def test_capitals():
    assert normalize("ÁRBOL Straße İ", lowercase=True) == "árbol straße i\u0307"
    assert tokenize("CAN'T Stop", lowercase=True) == ["ca", "￭n't", "stop"]


@pytest.mark.parametrize("text", [None, 3, b"a", ["a"], "a\ud83d"])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(InputError, match=r"string|surrogate"):
        tokenize(text)
