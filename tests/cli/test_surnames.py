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
        (["predict", "Rossi", "--modell", "nowhere"], "--model"),
        (["predict", "Rossi", "--jsn", "--model", "nowhere"], "--jsn"),
        (["train", "--modell", "nowhere"], "--modell"),
        (["train"], "name the file of the model"),
        (["train", "nowhere.csv"], "nowhere.csv cannot be read"),
        (["train", "nowhere.csv", "--data", "names-mini"], "not on both"),
        (["predict", "Rossi", "--file", "names.txt", "--model", "nowhere"], "not both"),
    ],
)
def test_a_mistake_is_reported_in_one_line(call, tmp_path, words, message):
    status, out, err = call("names", *words)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_name_says_so_in_its_place(call, model):
    words = ("names", "predict", "Pavlov", "", "山田", "Conti", "--model", model)
    shown = call(*words)
    assert shown.status == 0
    rows = shown.out.splitlines()[2:6]
    assert ["not readable" in row for row in rows] == [False, True, True, False]
    assert shown.err.count("2 of 4 rows") == 1
    strict = call(*words, "--strict")
    assert (strict.status, strict.out) == (2, shown.out)
    assert call("names", "predict", "Pavlov", "--model", model, "--strict").status == 0


def test_json_says_which_name_was_not_read(call, model):
    words = ("names", "predict", "Pavlov", "山田", "Conti 2", "--model", model, "--json")
    pavlov, yamada, conti = json.loads(call(*words).out)["names"]
    assert set(pavlov) == {"name", "languages"}
    assert conti["left_out"] == "2"
    assert yamada["languages"] == {}
    assert "not readable" in yamada["unreadable"]
    assert call(*words, "--strict").status == 2


@pytest.mark.parametrize("content", ["Pavlov\n\nConti", "\ufeffPavlov\r\n\r\nConti\r\n"])
def test_names_are_read_from_a_file_or_standard_input(call, model, tmp_path, monkeypatch, content):
    """One a line; a blank line keeps its place."""
    path = tmp_path / "names.txt"
    path.write_bytes(content.encode())
    shown = call("names", "predict", "--file", path, "--model", model, "--json")
    answers = json.loads(shown.out)["names"]
    assert [answer["name"] for answer in answers] == ["Pavlov", "", "Conti"]
    assert ["unreadable" in answer for answer in answers] == [False, True, False]
    with path.open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        assert call("names", "predict", "-", "--model", model, "--json").out == shown.out


def test_a_file_in_another_encoding_is_refused_with_its_line(call, model, tmp_path):
    (tmp_path / "names.txt").write_bytes("Rossi\nMüller\n".encode("latin-1"))
    shown = call("names", "predict", "--file", "names.txt", "--model", model)
    assert shown.status == 2
    assert "line 2, is not UTF-8 (byte 0xfc)" in shown.err


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


PAIRS = [(name, "Russian" if name.endswith("ov") else "Italian") for name in NAMES]
ROWS = [f"{name},{language}" for name, language in PAIRS]
QUOTED = ["Name;Origin", '"Rossi; Bianchi";Italian', *(row.replace(",", ";") for row in ROWS)]
TABLES = {
    "titles": (["name,label", *ROWS], [], "header 'name', 'label'"),
    "no titles": (ROWS, [], "no header"),
    "a surname that is a title": (["Lang,Italian", *ROWS], [], "7 rows, no header"),
    "other titles": (["wer,woher", *ROWS], ["--header"], "header 'wer', 'woher'"),
    "other order": (
        ["Language\tSurname", *(f"{y}\t{x}" for x, y in PAIRS)], [], "names from column 'Surname'",
    ),
    "semicolons": (QUOTED, [], "delimiter semicolon"),
    "row numbers": (
        [",surname,language", *(f"{n},{row}" for n, row in enumerate(ROWS))],
        [],
        "column 'surname'",
    ),
    "asked columns": (
        [f"{n},{row}" for n, row in enumerate(ROWS)], ["--columns", "2,3"], "names from column 2",
    ),
    "one name unreadable": ([*ROWS, "山田,Japanese"], [], "7 rows"),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "options", "understood"), TABLES.values(), ids=TABLES)
def test_a_table_of_names_is_a_training_set(
    call, monkeypatch, tmp_path, lines, options, understood
):
    """It says in one line what it understood."""
    seen = []
    fit = NameClassifier.fit

    def quick(self, names, languages, **settings):
        seen.extend(zip(names, languages, strict=True))
        self.set_params(rnn_size=8, n_members=1, max_ngram=1, calibration_fraction=0)
        return fit(self, names, languages, **settings)

    monkeypatch.setattr(NameClassifier, "fit", quick)
    (tmp_path / "own.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shown = call("names", "train", "own.csv", "--epochs", "1", *options)
    assert shown.status == 0, shown.err
    assert understood in shown.err
    assert [pair for pair in PAIRS if pair not in seen] == []
    assert len(seen) - len(PAIRS) in (0, 1)
    assert call("names", "predict", "Rossi", "--model", "own.safetensors").status == 0
    assert ("山田" in shown.err) == ("山田" in lines[-1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("Rossi\nVerdi\n", "not a table of at least two columns"),
        ("Rossi,Italian\nVerdi, Jr,Italian\n", "comma: [2, 3]"),
        ("wer,woher\nRossi,Italian\nVerdi,Italian\n", "--header or --no-header"),
        ("name,label\nRossi,\nVerdi,Italian\n", "row 2: 'Rossi' has no label"),
        ("Italian,Rossi\nItalian,Verdi\nRussian,Orlov\n", "--columns NAMES,LABELS"),
        ("a,b,c\n1,Rossi,Italian\n2,Verdi,Italian\n", "--header or --no-header"),
        ("name,label\n", "no row below its header"),
        ("a;b,c;d\n", "both divide the rows evenly"),
    ],
)
def test_a_table_with_two_readings_is_refused(call, tmp_path, text, message):
    (tmp_path / "own.csv").write_text(text, encoding="utf-8")
    shown = call("names", "train", "own.csv")
    assert shown.status == 2
    assert message in shown.err
    assert shown.err.splitlines()[-1].startswith("eigenlab: ")
    assert not (tmp_path / "own.safetensors").exists()
