"""BLEU where its four words in a row, or its spaces between words, are missing."""

import math

import pytest

from eigenlab.translation import Translator, bleu

TWO_WORDS = [
    (f"{first} {second}", f"{one} {two}")
    for first, one in {"uno": "one", "dos": "two", "tres": "three", "seis": "six"}.items()
    for second, two in {"perro": "dogs", "gato": "cats", "pez": "fish", "mesa": "tables"}.items()
]


def test_short_references_are_compared_by_as_many_words_as_they_have():
    """3 of 4 words and 1 of 2 pairs match; the geometric mean is by hand."""
    found = bleu(["one two", "three four"], ["one two", "three five"])
    assert found.bleu == pytest.approx(100 * math.sqrt(3 / 4 * 1 / 2))
    assert found.signature.endswith("|order:2")
    assert bleu(["uno", "dos"], ["uno", "tres"]).bleu == pytest.approx(50)
    assert bleu([""], [""]).signature.endswith("|order:1")


def test_translations_that_are_shorter_than_their_references_do_not_lower_the_order():
    """No pair of words is there, so none matches."""
    assert bleu(["one", "three"], ["one two", "three four"]).bleu == 0


def test_four_words_in_one_reference_make_bleu_the_usual_one():
    found = bleu(["one two", "a b c d"], ["one two", "a b c d"])
    assert found.bleu == pytest.approx(100)
    assert "order" not in found.signature


@pytest.mark.parametrize(
    ("reference", "tokenization", "pairs"),
    [
        ("我今天看一只狗", "zh", (6, 5, 4, 3)),
        ("私は今日犬を見る", "char", (7, 6, 5, 4)),
        ("I see a 犬 today in town.", "13a", None),
    ],
)
def test_scripts_without_spaces_are_split_into_characters(reference, tokenization, pairs):
    """With the last character wrong, n-grams that do not hold it match: all but one of each n."""
    found = bleu([reference], [reference])
    assert found.bleu == pytest.approx(100)
    assert f"tok:{tokenization}" in found.signature
    if pairs is not None:
        wrong = bleu([reference[:-1] + "貓"], [reference]).bleu
        precisions = [right / (right + 1) for right in pairs]
        assert wrong == pytest.approx(100 * math.prod(precisions) ** 0.25)


def test_chrf_orders_what_bleu_does_not():
    near, far = (bleu([text], ["the old dog sleeps here"]) for text in ("the olds", "xyz"))
    assert near.bleu < 1e-9 > far.bleu
    assert near.rank > far.rank


def test_the_epoch_is_chosen_where_no_target_has_four_words():
    shown = [pair for place, pair in enumerate(TWO_WORDS) if place % 5]
    translator = Translator(32, n_epochs=40, batch_size=4, learning_rate=0.01, random_state=0)
    translator.fit(shown, validation=shown)
    assert translator.quality(shown).exact_match == 1
    assert translator.history_.best_step > translator.history_.evaluations[0][0]
