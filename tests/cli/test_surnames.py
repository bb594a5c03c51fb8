"""Prediction of the language of a name, always with the intended use."""

from __future__ import annotations

import json

import pytest

from eigenlab.names import INTENDED_USE, NameClassifier

NAMES = ["Ivanov", "Petrov", "Orlov", "Rossi", "Bianchi", "Verdi"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model of two languages."""
    path = tmp_path_factory.mktemp("model") / "names.safetensors"
    classifier = NameClassifier(rnn_size=16, n_members=1, max_ngram=1, batch_size=3, n_epochs=30)
    classifier.set_params(random_state=0, calibration_fraction=0, learning_rate=0.01)
    classifier.fit(NAMES, ["Russian"] * 3 + ["Italian"] * 3).save(path)
    return path


def test_a_prediction_carries_its_intended_use(call, model):
    shown = call("names", "predict", "Pavlov", "Conti", "--model", model)
    assert shown.status == 0
    assert INTENDED_USE in " ".join(shown.out.split())
    rows = [line for line in shown.out.splitlines() if line.startswith(("Pavlov", "Conti"))]
    assert "Russian" in rows[0].split(",")[0]
    assert "Italian" in rows[1].split(",")[0]


def test_json_carries_it_too(call, model):
    content = json.loads(call("names", "predict", "Pavlov", "--model", model, "--json").out)
    assert content["intended_use"] == INTENDED_USE
    (answer,) = content["names"]
    assert answer["name"] == "Pavlov"
    assert sum(answer["languages"].values()) == pytest.approx(1.0)


def test_letters_that_are_not_read_are_mentioned(call, model):
    shown = call("names", "predict", "Pavlov7", "--model", model)
    assert shown.status == 0
    assert "7" in shown.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["predict", "Rossi", "--model", "nowhere"], "nowhere"),
        (["predict", "Rossi"], "--model"),
        (["predict", "--model", "nowhere"], "no name was given"),
        (["predict", "Rossi", "--model", "nowhere", "--top", "0"], "top=0"),
        (["train", "here", "--epochs", "0"], "epochs=0"),
        (["train", "here", "--data", "name-mini"], "did you mean 'names-mini'?"),
        (["train", "."], "exists already"),
    ],
)
def test_a_mistake_is_reported_in_one_line(call, tmp_path, words, message):
    status, out, err = call("names", *words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_an_empty_name_is_an_input_error(call, model):
    assert call("names", "predict", "", "--model", model).status == 2


def test_train_saves_a_model_that_predict_reads(call, monkeypatch, tmp_path):
    fit = NameClassifier.fit

    def quick(self, names, languages, **options):
        self.set_params(rnn_size=8, n_members=1, n_epochs=1)
        return fit(self, names[::40], languages[::40], **options)

    monkeypatch.setattr(NameClassifier, "fit", quick)
    shown = call("names", "train", "model.safetensors")
    assert shown.status == 0
    assert INTENDED_USE in " ".join(shown.out.split())
    assert "train on" in shown.err
    assert call("names", "predict", "Rossi", "--model", "model.safetensors").status == 0
