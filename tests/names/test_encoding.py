import string
import unicodedata

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.names import ALPHABET, PADDING, VOCABULARY_SIZE, encode_name, encode_names, fold
from eigenlab.names.encoding import unreadable


def test_the_alphabet_is_that_of_the_question():
    assert string.ascii_letters + " .,;'" == ALPHABET
    assert (len(ALPHABET), PADDING, VOCABULARY_SIZE) == (57, 57, 58)


@pytest.mark.parametrize(
    ("symbol", "index"), [("a", 0), ("z", 25), ("A", 26), ("Z", 51), ("'", 56)]
)
def test_published_indices(symbol, index):
    assert encode_name(symbol).tolist() == [index]


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Ślusàrski", "Slusarski"),  # the example of the course's text
        ("Núñez", "Nunez"),
        ("O'Néàl", "O'Neal"),
        ("Nguyễn", "Nguyen"),
        ("Au-Yong", "AuYong"),
        ("To The First Page", "To The First Page"),
        ("Иванов", ""),
        ("山田", ""),
        ("1234", ""),
        ("Strauß", "Strauss"),
    ],
)
def test_fold(name, folded):
    assert fold(name) == folded


def test_composed_and_decomposed_forms_are_the_same_name():
    assert fold(unicodedata.normalize("NFC", "Ångström")) == fold(
        unicodedata.normalize("NFD", "Ångström")
    )


@given(st.text(max_size=40))
def test_fold_keeps_exactly_the_ascii_part(name):
    folded = fold(name)
    assert set(folded) <= set(ALPHABET)
    assert fold(folded) == folded
    if name.isascii():
        plain = "".join(" " if symbol.isspace() else symbol for symbol in name).replace("`", "'")
        assert folded == "".join(symbol for symbol in plain if symbol in ALPHABET)


@given(st.text(alphabet=ALPHABET, min_size=1, max_size=60))
def test_encoding_is_invertible(name):
    assert "".join(ALPHABET[index] for index in encode_name(name)) == name


def test_a_long_name_is_not_truncated():
    assert len(encode_name("ab" * 2500)) == 5000


@pytest.mark.parametrize("name", ["", "12-34", "Пушкин", "山田", "\u0301"])
def test_a_name_without_letters_is_refused(name):
    with pytest.raises(InputError, match="holds no letter"):
        encode_name(name)


@pytest.mark.parametrize("name", [None, 3, b"Abe", ["Abe"]])
def test_names_must_be_strings(name):
    with pytest.raises(InputError, match="expected a string"):
        encode_name(name)


def test_batches_are_padded_after_the_last_position():
    x, last_pos = encode_names(["Li", "Abel"])
    assert x.tolist() == [[37, 8, 57, 57], [26, 1, 4, 11]]
    assert last_pos.tolist() == [1, 3]
    assert x.dtype == last_pos.dtype == torch.int64


def test_an_empty_batch_is_refused():
    with pytest.raises(InputError, match="names is empty"):
        encode_names([])


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("Strauß", ""),
        ("Wałęsa2", "2"),
        ("M\ufffdller", "\ufffd"),
        ("M\udcfcller!", "\udcfc"),
        ("Núñez-O'Neal", ""),
        ("Abe\u00a0", ""),
        ("山田 T", "山田"),
    ],
)
def test_unreadable_letters_are_returned(name, left_out):
    assert unreadable(name) == left_out
