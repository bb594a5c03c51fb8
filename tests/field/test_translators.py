"""A practitioner's sentences, pairs and files of a translator: answered rightly, or refused."""

from __future__ import annotations

import json
import math
import warnings

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from sklearn.exceptions import NotFittedError

from eigenlab.errors import InputError
from eigenlab.reporter import Reporter
from eigenlab.training import TrainingDiverged
from eigenlab.translation import (
    IncompleteTranslationWarning,
    SubwordVocabulary,
    Translator,
    Vocabulary,
    greedy_decode,
)

PAIRS = [("Veo un perro.", "I see a dog."), ("Veo un gato.", "I see a cat.")]
QUICK = {
    "hidden_size": 16,
    "n_epochs": 60,
    "learning_rate": 0.01,
    "dropout": 0.0,
    "validation_fraction": 0,
    "random_state": 0,
}


def fitted(pairs=None, **parameters):
    return Translator(**QUICK | parameters).fit(PAIRS * 8 if pairs is None else pairs)


@pytest.fixture(scope="module")
def translator():
    return fitted()


# Two pairs are learnt exactly, so the right answer is that of the pair; what normalisation removes
# (docs/translation.md, "Words") changes nothing.
@pytest.mark.parametrize(
    ("sentence", "answer"),
    [
        ("Veo un gato.", "I see a cat."),
        ("Veo un gato.\r\n", "I see a cat."),
        ("\ufeff Veo\u00a0un\tgato .".replace(" .", "."), "I see a cat."),
        ("\u200eVeo un gato.\u200f", "I see a cat."),
        ("", ""),
        ("  \t\r\n", ""),
        ("\u200b\u200e", ""),
    ],
)
def test_the_same_sentence_however_it_is_typed(translator, sentence, answer):
    assert translator.translate([sentence]) == [answer]
    assert translator.translate([sentence], beam_size=3) == [answer]


UNKNOWN = {
    "emoji": ("🐕 👍🏽", ["🐕", "👍🏽"]),
    "right to left": ("אני רואה", ["אני", "רואה"]),
    "one letter": ("x", ["x"]),
    "two of four": ("Veo un dragón !", ["dragón", "!"]),
    "500 words": ("Veo " * 499 + "x", ["x"]),
    "none": ("Veo un gato.", []),
    "empty": ("", []),
}


@pytest.mark.parametrize(("sentence", "words"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_words_are_listed(translator, sentence, words):
    assert translator.unknown([sentence, "Veo"]) == [words, []]


@pytest.mark.parametrize("beam_size", [1, 3])
@pytest.mark.parametrize("sentence", [sentence for sentence, _ in UNKNOWN.values() if sentence])
def test_every_sentence_is_answered_with_probabilities(translator, sentence, beam_size):
    [[found]] = translator.candidates([sentence], beam_size=beam_size)
    assert -math.inf < found.log_probability <= 0
    positions = len(translator.source_vocabulary_.encode(sentence)) + 1
    assert found.attention.shape == (len(found.tokens), positions)
    sums = found.attention.sum(dim=1)
    assert torch.allclose(sums, torch.ones_like(sums), atol=1e-5)


def test_sentences_come_in_many_containers(translator):
    pd, pl, pa = (pytest.importorskip(name) for name in ("pandas", "polars", "pyarrow"))
    sentences = ["Veo un gato.", "", "Veo un perro."]
    answers = ["I see a cat.", "", "I see a dog."]
    for X in (
        sentences,
        tuple(sentences),
        (sentence for sentence in sentences),
        np.array(sentences),
        np.array(sentences, dtype=object),
        np.array(sentences)[:, None],
        pd.Series(sentences, index=[7, 3, 5]),
        pd.Series(sentences, dtype="category"),
        pd.DataFrame({"es": sentences}),
        pl.Series(sentences),
        pl.DataFrame({"es": sentences}),
        pa.array(sentences),
    ):
        assert translator.translate(X) == answers
    assert translator.translate([]) == []
    assert translator.translate(np.array([], dtype=str)) == []


def test_what_are_no_sentences_is_refused(translator):
    pd = pytest.importorskip("pandas")
    for X, message in (
        ("Veo un gato.", "X is one string"),
        (b"Veo un gato.", "X is a bytes"),
        ({"es": "Veo un gato."}, "X is a dict"),  # would be its keys
        ({"Veo un gato."}, "X is a set"),  # has no order
        (7, "X is a int"),
        (None, "X is a NoneType"),
        (["Veo un gato.", None], r"X\[1\] is None"),
        (["Veo un gato.", float("nan")], r"X\[1\] is nan"),
        ([b"Veo"], r"X\[0\] is b'Veo'"),
        ([["Veo", "un", "gato"]], r"X\[0\] is \['Veo'"),
        (np.array("Veo"), r"X has shape \(\)"),
        (np.array([["Veo", "un"]]), r"X has shape \(1, 2\)"),
        (np.arange(3), r"X\[0\] is .*0"),
        (pd.Series(["Veo", None]), r"X\[1\] is"),
        (pd.DataFrame({"es": ["Veo"], "en": ["I see"]}), r"X has shape \(1, 2\)"),
        (["Veo \ud83d"], r"X\[0\]: .* half of a surrogate pair"),
    ):
        for method in (translator.translate, translator.candidates, translator.unknown):
            with pytest.raises(InputError, match=message):
                method(X)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam_size": 0}, "beam_size=0"),
        ({"beam_size": 2.5}, "beam_size=2.5"),
        ({"beam_size": True}, "beam_size=True"),
        ({"beam_size": 2, "penalty": -1}, "penalty=-1"),
        ({"beam_size": 2, "penalty": math.inf}, "penalty=inf"),
        ({"beam_size": 2, "penalty": math.nan}, "penalty=nan"),
        ({"beam_size": 2, "penalty": "1"}, "penalty='1'"),
    ],
)
def test_numbers_that_no_search_can_have_are_refused(translator, options, message):
    for X in (["Veo un gato."], []):
        with pytest.raises(InputError, match=message):
            translator.translate(X, **options)


def test_what_max_length_cuts_is_warned_about(translator):
    """I see a cat . <eos> are six tokens: six are enough, five are not."""
    short, enough = fitted(max_length=5), fitted(max_length=6)
    for beam_size in (1, 4):
        with pytest.warns(IncompleteTranslationWarning, match=r"cut 1 of 2 .* i = 0;"):
            short.translate(["Veo un gato.", ""], beam_size=beam_size)
        [[cut]] = short.candidates(["Veo un gato."], beam_size=beam_size)
        assert cut.is_cut
        [[whole]] = enough.candidates(["Veo un gato."], beam_size=beam_size)
        assert (whole.is_complete, whole.is_cut) == (True, False)
        assert enough.translate(["Veo un gato."], beam_size=beam_size) == ["I see a cat."]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert short.score(PAIRS) == 1  # only the end was cut, which BLEU does not see


TINY = {
    "one word": [("a", "b")] * 4,
    "one letter and a sentence": [("Y", "And then there was light .")] * 4,
    "duplicates": PAIRS * 8,
    "emoji": [("👍🏽", "🐕"), ("🐈", "👍🏽")] * 4,
    "right to left": [("שלום עולם!", "Hello!"), ("Hello!", "שלום עולם!")] * 4,
    "50 words": [("palabra " * 49 + "larga", "long"), ("corta", "short")],
}


@pytest.mark.parametrize("pairs", TINY.values(), ids=TINY)
def test_pairs_that_are_known_by_heart(pairs):
    """Few enough pairs are learnt exactly, so the right translation is the target."""
    found = fitted(pairs, n_epochs=150)
    sources, targets = zip(*pairs, strict=True)
    for beam_size in (1, 20):  # more than the vocabulary has words
        assert found.translate(sources, beam_size=beam_size) == list(targets)


@pytest.mark.parametrize("pair", [("", "Go."), ("Ve.", " "), ("Ve.", None), ("Ve.", "\u200b")])
def test_a_pair_with_an_empty_side_is_refused(pair):
    with pytest.raises(InputError, match=r"pairs\[16\]"):
        fitted([*PAIRS * 8, pair])


def test_duplicates_alone_cannot_be_held_out():
    """All pairs share a sentence, so no part of them can be kept apart."""
    with pytest.raises(InputError, match=r"validation_fraction=0\.25 .*validation_fraction=0$"):
        fitted([PAIRS[0]] * 8, validation_fraction=0.25)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"learning_rate": 0}, "learning_rate=0"),
        ({"learning_rate": math.nan}, "learning_rate=nan"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
        ({"label_smoothing": 1.5}, r"label_smoothing=1\.5"),
        ({"dropout": 1.0}, r"dropout=1\.0"),
        ({"n_epochs": 1.5}, r"n_epochs=1\.5"),
        ({"max_length": 0}, "max_length=0"),
        ({"subwords": 0}, "size=0"),
        ({"subwords": 50, "max_words": 20}, "subwords=50 replaces"),
    ],
)
def test_a_refused_fit_leaves_the_translator_as_it_was(parameters, message):
    found = fitted()
    found.set_params(**parameters)
    with pytest.raises(InputError, match=message):
        found.fit([("otro", "another")] * 4)
    found.set_params(**{name: Translator().get_params()[name] for name in parameters})
    assert found.translate(["Veo un gato."]) == ["I see a cat."]


class StopAt(Reporter):
    """Cancels, or spoils the weights, once a loss was reported after so many steps."""

    def __init__(self, step, spoil=None):
        self.step, self.spoil = step, spoil

    def metrics(self, values, *, step):
        if step >= self.step:
            if self.spoil is None:
                self.cancel()
            else:
                with torch.no_grad():
                    next(self.spoil.model_.parameters()).fill_(math.nan)


def test_a_diverged_training_names_the_last_good_checkpoint(tmp_path):
    found = Translator(**QUICK | {"batch_size": 4})
    with pytest.raises(TrainingDiverged, match=r"is not finite.*last good checkpoint is .*c\.json"):
        found.fit(PAIRS * 8, checkpoint=tmp_path / "c", reporter=StopAt(130, spoil=found))
    assert all(bool(parameter.isfinite().all()) for parameter in found.model_.parameters())
    [[answer]] = found.candidates(["Veo un gato."])
    assert math.isfinite(answer.log_probability)
    whole = Translator(**QUICK | {"batch_size": 4}).fit(PAIRS * 8)
    found.fit(PAIRS * 8, checkpoint=tmp_path / "c")  # continues from it
    for mine, theirs in zip(found.model_.parameters(), whole.model_.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_diverged_training_without_checkpoint_keeps_the_best_epoch():
    pairs = [(f"a{i % 7} b{i % 5}", f"c{i % 7} d{i % 5}") for i in range(35)]
    found = Translator(**QUICK | {"batch_size": 4, "validation_fraction": 0.1})
    with pytest.raises(TrainingDiverged, match="weights of its best epoch"):
        found.fit(pairs, reporter=StopAt(60, spoil=found))
    assert all(bool(parameter.isfinite().all()) for parameter in found.model_.parameters())


@pytest.mark.parametrize("learning_rate", [1e4, 1e10, 1e30])
def test_a_huge_learning_rate_leaves_nothing_that_answers(learning_rate):
    """A loss of NaN, or a finite one above log(vocabulary), that of answering at random."""
    found = Translator(**QUICK | {"learning_rate": learning_rate})
    with pytest.raises(TrainingDiverged, match=r"diverged.*not fitted"):
        found.fit(PAIRS * 8)
    with pytest.raises(NotFittedError):
        found.translate(["Veo un gato."])


def test_weights_that_are_not_finite_give_no_answer():
    found = fitted()
    with torch.no_grad():
        found.model_.output.bias[4] = math.nan
    for beam_size in (1, 3):
        with pytest.raises(InputError, match="NaN"):
            found.translate(["Veo un gato."], beam_size=beam_size)
    with pytest.raises(InputError, match="NaN"):
        greedy_decode(found.model_, torch.tensor([[4, 2]]), torch.tensor([2]))


def test_an_interrupted_training_continues_bit_for_bit(tmp_path):
    from eigenlab.errors import Cancelled

    options = QUICK | {"batch_size": 4, "dropout": 0.3}
    found = Translator(**options)
    with pytest.raises(Cancelled):
        found.fit(PAIRS * 8, checkpoint=tmp_path / "c", reporter=StopAt(100))
    found = Translator(**options).fit(PAIRS * 8, checkpoint=tmp_path / "c")
    whole = Translator(**options).fit(PAIRS * 8)
    for mine, theirs in zip(found.model_.parameters(), whole.model_.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    """Of the same sizes, so that only the words, the pairs or the settings tell them apart."""
    fit = {"checkpoint": tmp_path / "c"}
    first = Translator(**QUICK).fit(PAIRS * 8, **fit)
    other = [(a.replace("gato", "pato"), b) for a, b in PAIRS * 8]
    mine = first.source_vocabulary_.digest
    theirs = Vocabulary.build([a for a, _ in other]).digest
    with pytest.raises(InputError, match=rf"source vocabulary \({mine} stored, {theirs} now"):
        Translator(**QUICK).fit(other, **fit)
    with pytest.raises(InputError, match="another pairs"):
        Translator(**QUICK).fit((PAIRS * 8)[::-1], **fit)
    for name, value in (("dropout", 0.5), ("label_smoothing", 0.0), ("n_epochs", 61)):
        with pytest.raises(InputError, match=rf"another {name} \(.* stored, {value} now"):
            Translator(**QUICK | {name: value}).fit(PAIRS * 8, **fit)
    with pytest.raises(InputError, match="random_state=None"):
        Translator(**QUICK | {"random_state": None}).fit(PAIRS * 8, **fit)


def rewritten(path, change):
    """The file with its header's description and its tensors changed."""
    with safe_open(path, "pt") as stored:
        header = stored.metadata()
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    described = json.loads(header["description"])
    change(described, tensors)
    save_file(tensors, path, {**header, "description": json.dumps(described)})
    return path


def swapped_words(described, _):
    tokens = described["source_vocabulary"]["tokens"]
    tokens[0], tokens[1] = tokens[1], tokens[0]


def swapped_sides(described, _):
    names = ("source_vocabulary", "target_vocabulary")
    described[names[0]], described[names[1]] = (described[name] for name in names[::-1])


@pytest.mark.parametrize("change", [swapped_words, swapped_sides])
def test_an_exchanged_vocabulary_is_refused_with_both_digests(translator, tmp_path, change):
    path = tmp_path / "model.safetensors"
    translator.save(path)
    rewritten(path, change)
    with pytest.raises(InputError, match=r"source vocabulary with digest") as caught:
        Translator.load(path)
    assert translator.source_vocabulary_.digest in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_header_of_another_model_is_refused(translator, tmp_path):
    """Its vocabularies have the same sizes, so its weights would fit."""
    other = fitted([(a.replace("gato", "pato"), b) for a, b in PAIRS * 8])
    translator.save(tmp_path / "a")
    other.save(tmp_path / "b")
    with safe_open(tmp_path / "b", "pt") as stored:
        description = json.loads(stored.metadata()["description"])
    rewritten(tmp_path / "a", lambda described, _: described.update(description))
    with pytest.raises(InputError) as caught:
        Translator.load(tmp_path / "a")
    for each in (translator, other):
        assert each.source_vocabulary_.digest in str(caught.value)


def test_a_translator_whose_vocabulary_was_exchanged_is_not_saved(tmp_path):
    found = fitted()
    mine = found.source_vocabulary_.digest
    found.source_vocabulary_ = Vocabulary(found.source_vocabulary_.tokens[:3:-1])
    with pytest.raises(InputError, match=mine):
        found.save(tmp_path / "model")
    assert not (tmp_path / "model").exists()


BROKEN = {
    "no digest": lambda described, tensors: tensors.pop("source_vocabulary"),
    "no vocabulary": lambda described, tensors: described.pop("target_vocabulary"),
    "no tokens": lambda described, tensors: described["target_vocabulary"].pop("tokens"),
    "unknown kind": lambda described, tensors: described["target_vocabulary"].update(kind="x"),
    "unknown parameter": lambda described, tensors: described["parameters"].update(color=1),
    "other size": lambda described, tensors: described["parameters"].update(hidden_size=8),
    "no weight": lambda described, tensors: tensors.pop("output.bias"),
    "a weight too many": lambda described, tensors: tensors.update(more=torch.zeros(1)),
    "unknown cell": lambda described, tensors: described["parameters"].update(cell="gro"),
    "no parameters": lambda described, tensors: described.pop("parameters"),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_a_damaged_file_is_refused(translator, tmp_path, change):
    path = tmp_path / "model.safetensors"
    translator.save(path)
    with pytest.raises(InputError, match=r"model\.safetensors"):
        Translator.load(rewritten(path, change))


def test_a_file_without_description_is_refused(translator, tmp_path):
    path = tmp_path / "model.safetensors"
    for header in ({}, {"description": "{"}, {"description": "[]"}):
        save_file(
            {"a": torch.zeros(1)}, path, {"format": "eigenlab.translation.Translator/2"} | header
        )
        with pytest.raises(InputError, match=r"model\.safetensors"):
            Translator.load(path)


def test_a_model_of_an_absent_device_is_read_on_the_cpu(translator, tmp_path):
    path = tmp_path / "model.safetensors"
    translator.save(path)
    rewritten(path, lambda described, _: described["parameters"].update(device="cuda:97"))
    found = Translator.load(path)
    assert found.device == "cpu"
    assert found.translate(["Veo un gato."]) == ["I see a cat."]


def test_subwords_know_words_that_were_never_seen(tmp_path):
    """Every character of the word was seen, so that no part of it is unknown."""
    pytest.importorskip("sentencepiece")
    words = fitted()
    parts = fitted(subwords=30, n_epochs=200)
    assert isinstance(parts.source_vocabulary_, SubwordVocabulary)
    assert parts.translate(["Veo un gato.", ""]) == ["I see a cat.", ""]
    assert words.unknown(["gatun"]) == [["gatun"]]
    assert parts.unknown(["gatun"]) == [[]]
    parts.save(tmp_path / "model")
    loaded = Translator.load(tmp_path / "model")
    assert loaded.get_params() == parts.get_params()
    assert loaded.source_vocabulary_ == parts.source_vocabulary_
    assert loaded.translate(["Veo un gato."]) == ["I see a cat."]


def test_subwords_without_sentencepiece_are_an_error_that_names_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sentencepiece", None)
    with pytest.raises(InputError, match=r"pip install 'eigenlab\[translation\]'"):
        fitted(subwords=30)
