"""The page on surnames: typed names, base rates, abstention and the audit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eigenlab.data import load_names
from eigenlab.errors import InputError
from eigenlab.names import INTENDED_USE, NameClassifier, course_split, evaluate, shift_priors
from eigenlab.reporter import Reporter
from eigenlab.studio.demos.surnames import DEMO, SurnamesSettings, draw, prepare
from studio.demo_checks import check_python_lines, check_same, check_updates_in_place, trace

TINY = SurnamesSettings(rnn_size=16, epochs=3)


class Heard(Reporter):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def metrics(self, values, *, step):
        self.names |= set(values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("surnames")
    heard = Heard()
    prepare(TINY, folder, heard)
    assert heard.names == {"training loss (nats)", "accuracy on test names"}
    return folder


@pytest.fixture(scope="module")
def classifier(folder: Path) -> NameClassifier:
    return NameClassifier.load(folder / "classifier.safetensors")


def test_columns_are_the_answers_to_the_beginnings_of_the_name(folder, classifier):
    view = draw(TINY.replace(name="Núñez"), folder)
    shown = view.panels[0].figure.data[0].z
    expected = classifier.predict_proba(["N", "Nu", "Nun", "Nune", "Nunez"])
    np.testing.assert_allclose(np.array(shown).T, expected, rtol=1e-5)
    assert view.numbers["probability"] == pytest.approx(expected[-1].max(), rel=1e-5)


def test_each_letter_is_weighed_by_leaving_it_out(folder, classifier):
    view = draw(TINY.replace(name="Li"), folder)
    both, without_l, without_i = classifier.predict_proba(["Li", "i", "l"])
    top = both.argmax()
    expected = [both[top] - without_l[top], both[top] - without_i[top]]
    assert list(trace(view, "saliency", "fall").y) == pytest.approx(expected, rel=1e-4)


def test_base_rates_follow_bayes_rule(folder, classifier):
    settings = TINY.replace(name="Sato", balance=1.0, favoured="Japanese", times=20)
    new = np.ones(len(classifier.classes_))
    new[classifier.classes_ == "Japanese"] = 20
    found = classifier.predict_proba(["Sato"])
    expected = shift_priors(found, classifier.class_prior_, new)[0]
    assert draw(settings, folder).numbers["probability"] == pytest.approx(expected.max(), rel=1e-5)


def test_audit_and_abstention_are_those_of_the_test_names(folder, classifier):
    names, languages = zip(*load_names("names-mini"), strict=True)
    test = course_split(names, seed=0).test
    true = [languages[i] for i in test]
    p = classifier.predict_proba([names[i] for i in test])
    measured = evaluate(p, classifier.classes_.tolist(), true)
    view = draw(TINY.replace(abstain_below=0.25), folder)
    assert view.numbers["accuracy"] == measured["accuracy"]
    answered = p.max(axis=1) >= 0.25
    assert view.numbers["answered"] == answered.mean()
    shown = trace(view, "audit", "recall")
    by_language = dict(zip([x.partition(" (")[0] for x in shown.x], shown.y, strict=True))
    for language, row in measured["recall"].items():
        assert by_language[language] == row["recall"]
    assert view.numbers["accuracy_answered"] == pytest.approx(
        np.mean(classifier.classes_[p.argmax(axis=1)][answered] == np.array(true)[answered])
    )


def test_undecided_below_the_threshold(folder):
    assert "Undecided" in draw(TINY.replace(abstain_below=0.99), folder).sentence
    assert "Undecided" not in draw(TINY.replace(abstain_below=0.0), folder).sentence


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_an_empty_name_is_refused(folder, name):
    with pytest.raises(InputError, match="name is empty"):
        draw(TINY.replace(name=name), folder)


@pytest.mark.parametrize("name", ["😀", "Иванов", "山田", "1234", "--'", "\u200b"])
def test_a_name_without_a_latin_letter_is_refused(folder, name):
    with pytest.raises(InputError, match="no letter that the classifier can read"):
        draw(TINY.replace(name=name), folder)


@pytest.mark.parametrize(
    ("name", "alike"),
    [("Rossi😀", "Rossi"), ("  rossi ", "Rossi"), ("Strauß", "Strauss"), ("O’Neill", "O'Neill")],
)
def test_what_is_read_alike_is_answered_alike(folder, name, alike):
    one, other = (draw(TINY.replace(name=text), folder) for text in (name, alike))
    assert one.numbers == other.numbers
    assert one.sentence == other.sentence


def test_letters_that_are_not_read_are_told(folder):
    assert (
        "Not read, since not in its alphabet: ов"
        in draw(TINY.replace(name="Ivanов"), folder).sentence
    )


@pytest.mark.parametrize("name", ["a", "x" * 200, "ab " * 66, "'Aziz", "<b>x</b>"])
def test_short_long_and_odd_names_are_drawn(folder, name):
    view = draw(TINY.replace(name=name), folder)
    assert 0 < view.numbers["probability"] <= 1
    assert "<" not in view.sentence


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(InputError, match="at most 200"):
        TINY.replace(name="x" * 201)


def test_a_language_that_the_list_lacks_is_refused(folder):
    with pytest.raises(InputError, match="'Korean' is not in this list"):
        draw(TINY.replace(favoured="Korean"), folder)


def test_names_that_are_not_here_are_not_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("EIGENLAB_DATA", raising=False)
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="eigenlab data fetch names"):
        prepare(TINY.replace(data="names"), tmp_path, Reporter())


def test_same_settings_same_view_and_other_settings_move_numbers_only(folder):
    first = draw(TINY, folder)
    draw(TINY.replace(name="Li", balance=1.0, favoured="Irish"), folder)
    check_same(first, draw(TINY, folder))
    other = TINY.replace(name="x" * 100, balance=0.5, abstain_below=0)
    check_updates_in_place(first, draw(other, folder))


@pytest.mark.parametrize("changes", [{}, {"balance": 0.5, "favoured": "Irish", "name": "O'Neil"}])
def test_python_lines_compute_the_numbers(folder, changes):
    check_python_lines(draw(TINY.replace(**changes), folder), rel=1e-4)


def test_examples_are_settings_and_the_intended_use_is_always_shown():
    assert DEMO.notice == INTENDED_USE
    for example in DEMO.examples:
        SurnamesSettings(**example.changes)
