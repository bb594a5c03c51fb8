"""``eigenlab translate``: a line for each sentence, in order, and every doubt said aloud."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from eigenlab.translation import Translator

PAIRS = [("Veo un perro.", "I see a dog."), ("Veo un gato.", "I see a cat.")]


def fitted(**parameters):
    settings = {"n_epochs": 60, "learning_rate": 0.01, "dropout": 0.0, "validation_fraction": 0}
    return Translator(16, random_state=0, **settings | parameters).fit(PAIRS * 8)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    fitted().save(path)
    return path


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory):
    """A model without attention."""
    path = tmp_path_factory.mktemp("model") / "plain.safetensors"
    fitted(attention=False).save(path)
    return path


@pytest.fixture
def pipe(monkeypatch):
    """Put bytes on standard input."""

    def write(content):
        stream = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8")
        monkeypatch.setattr("sys.stdin", stream)

    return write


def test_a_line_for_each_sentence(call, model):
    shown = call("translate", model, "Veo un gato.", "", "Veo un perro.")
    assert (shown.status, shown.out) == (0, "I see a cat.\n\nI see a dog.\n")
    assert shown.err == ""


@pytest.mark.parametrize("words", [("-",), ()])
@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ("Veo un gato.\n\nVeo un perro.\n", ["I see a cat.", "", "I see a dog."]),
        ("Veo un gato.\r\n \r\nVeo un perro.", ["I see a cat.", "", "I see a dog."]),
        ("\ufeffVeo un gato.\n\u200b\nVeo un perro.\n", ["I see a cat.", "", "I see a dog."]),
        ("\n\n", ["", ""]),
        ("\n", [""]),
        ("Veo un gato.\n\n", ["I see a cat.", ""]),
        ("Veo\u2028un\x85gato.\n", ["I see a cat."]),  # white space, but no ends of lines
    ],
)
def test_standard_input_gives_as_many_lines(call, model, pipe, words, content, lines):
    pipe(content.encode())
    shown = call("translate", model, *words)
    assert (shown.status, shown.err) == (0, "")
    assert shown.out == "".join(f"{line}\n" for line in lines)


def test_no_input_gives_no_line(call, model, pipe):
    pipe(b"")
    assert call("translate", model, "-") == (0, "", "")


def test_a_file_is_translated_line_by_line(call, model, tmp_path):
    (tmp_path / "lines.txt").write_bytes(b"Veo un gato.\r\n\r\nVeo un perro.")
    shown = call("translate", model, "--file", "lines.txt")
    assert shown == (0, "I see a cat.\n\nI see a dog.\n", "")


@pytest.mark.parametrize(
    ("content", "message", "before"),
    [
        ("Veo un gato.\nSí\n".encode("latin-1"), "line 2, is not UTF-8 (byte 0xed)", 1),
        ("Sí".encode("latin-1"), "line 1, is not UTF-8", 0),
        ("Veo un gato.\n".encode("utf-16"), "is UTF-16", 0),
        (b"Veo un gato.\rVeo un perro.\r", "line 1, holds a carriage return", 0),
    ],
)
def test_lines_that_cannot_be_read_are_named(call, model, pipe, content, message, before):
    pipe(content)
    shown = call("translate", model, "-")
    assert shown.status == 2
    assert message in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == "I see a cat.\n" * before


def test_the_answer_comes_while_the_input_is_open(model):
    words = [sys.executable, "-m", "eigenlab", "translate", str(model), "-"]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, **options) as process:
        for source, target in (*PAIRS, ("", "")):
            process.stdin.write(f"{source}\n".encode())
            process.stdin.flush()
            assert process.stdout.readline().decode().rstrip("\r\n") == target
        assert process.communicate(timeout=60) == (b"", b"")
        assert process.returncode == 0


def test_a_closed_pipe_is_no_error(model):
    words = [sys.executable, "-m", "eigenlab", "translate", str(model), "-"]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(words, **options) as process:
        process.stdin.write(b"Veo un gato.\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == b"I see a cat."
        process.stdout.close()
        process.stdin.write(b"Veo un perro.\n" * 10)
        process.stdin.close()
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""


def test_unknown_words_are_named(call, model):
    words = ("Veo un dragón verde.", "Veo un gato.", "¡Hola!")
    shown = call("translate", model, *words)
    first, second = shown.err.splitlines()
    assert first == "sentence 1: unknown words: dragón, verde"
    assert (
        second
        == "sentence 3: unknown words: ¡, Hola, !; no other word, so the translation is a guess"
    )
    rows = [
        json.loads(line) for line in call("translate", model, *words, "--json").out.splitlines()
    ]
    assert [row["unknown"] for row in rows] == [["dragón", "verde"], [], ["¡", "Hola", "!"]]
    assert [row["translation"] for row in rows] == shown.out.splitlines()
    table = call("translate", model, words[0], "--attention").out
    assert "dragón (unknown)" in table


def test_many_notes_are_counted(call, model, pipe):
    pipe("dragón\n".encode() * 30)
    shown = call("translate", model, "-")
    assert shown.out.count("\n") == 30
    assert len(shown.err.splitlines()) == 21
    assert "10 more such notes" in shown.err


@pytest.mark.parametrize("beam", ["1", "5"])
def test_a_cut_translation_says_so(call, model, beam):
    """Its five tokens and the end need six; beam search may give a shorter one in its place."""
    options = ("--beam", beam, "--max-length", "3")
    shown = call("translate", model, "Veo un gato.", "", *options)
    assert shown.err.startswith("sentence 1: the translation was cut at max_length=3 tokens")
    assert shown.err.count("\n") == 1
    rows = [
        json.loads(line)
        for line in call(
            "translate", model, "Veo un gato.", "", *options, "--json"
        ).out.splitlines()
    ]
    assert [row["is_complete"] for row in rows] == [False, True]
    whole = call("translate", model, "Veo un gato.", "--beam", beam, "--max-length", "6")
    assert (whole.out, whole.err) == ("I see a cat.\n", "")


def test_an_n_best_list_is_a_table(call, model):
    shown = call("translate", model, "Veo un gato.", "", "--n-best", "3")
    rows = [line.split("\t") for line in shown.out.splitlines()]
    assert [row[:2] for row in rows] == [["1", "1"], ["1", "2"], ["1", "3"], ["2", "1"]]
    assert rows[0][3] == "I see a cat."
    assert rows[3][2:] == ["0.0000", ""]
    scores = [float(row[2]) for row in rows[:3]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] <= 0
    options = ("--beam", "8", "--n-best", "8", "--json")
    found = json.loads(call("translate", model, "Veo un gato.", *options).out)
    assert len(found["n_best"]) == 8


def test_a_longer_list_does_not_change_the_best_translation(call, model):
    """A list longer than the beam would need a wider one, which may find another."""
    shown = call("translate", model, "Veo un gato.", "--n-best", "20")
    assert shown.status == 2
    assert "--beam 20" in shown.err


def test_text_with_nuls_is_refused(model):
    command = [sys.executable, "-m", "eigenlab", "translate", str(model)]
    text = "Veo un gato.\nVeo un perro.\n".encode("utf-16-le")
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert done.returncode == 2
    assert "UTF-16" in done.stderr.decode()


def test_attention_is_a_distribution_over_the_source(call, model):
    found = json.loads(call("translate", model, "Veo un gato.", "--attention", "--json").out)
    attention = found["attention"]
    assert attention["source"] == ["Veo", "un", "gato", ".", "<eos>"]
    assert attention["target"] == ["I", "see", "a", "cat", "."]
    assert [len(row) for row in attention["weights"]] == [5] * 5
    assert [sum(row) for row in attention["weights"]] == pytest.approx([1] * 5)
    text, head, *rows = call("translate", model, "Veo un gato.", "--attention").out.splitlines()
    assert text == "I see a cat."
    assert head.split() == attention["target"]
    assert [row.split()[0] for row in rows] == attention["source"]
    shown = [[int(cell) for cell in row.split()[1:]] for row in rows]
    for column, weights in zip(zip(*shown, strict=True), attention["weights"], strict=True):
        assert column == tuple(round(100 * weight) for weight in weights)


def test_a_sentence_may_begin_with_a_hyphen(call, model):
    assert call("translate", model, "-¿Veo un gato?").status == 0
    assert call("translate", model, "- Veo un gato.").status == 0
    shown = call("translate", model, "--", "-Hola", "--bem")
    assert (shown.status, shown.out.count("\n")) == (0, 2)


def test_a_model_named_train_is_reached_by_its_path(call, model, tmp_path):
    (tmp_path / "train").write_bytes(model.read_bytes())
    assert call("translate", "./train", "Veo un gato.").out == "I see a cat.\n"
    shown = call("translate", "--beam", "2", "train", "Veo un gato.")
    assert shown.status == 2
    assert "./train" in shown.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere", "x"], "nowhere does not exist"),
        ([".", "x"], "is not a file"),
        (["pairs.tsv", "x"], "pairs.tsv is not a complete safetensors file"),
        (["MODEL", "--file", "nowhere"], "nowhere cannot be read"),
        (["MODEL", "--file", "."], "cannot be read"),
        (["MODEL", "x", "--file", "pairs.tsv"], "not both"),
        (["MODEL", "x", "--beam", "0"], "beam=0"),
        (["MODEL", "x", "--beam", "2.5"], "not a whole number"),
        (["MODEL", "x", "--n-best", "0"], "n-best=0"),
        (["MODEL", "x", "--n-best", "3", "--beam", "2"], "--beam 3"),
        (["MODEL", "x", "--max-length", "0"], "max-length=0"),
        (["MODEL", "x", "--bem", "3"], '"--bem"'),
        (["MODEL", "-Hola"], "follows --"),
        (["--modell", "x"], "--modell"),
        (["PLAIN", "x", "--attention"], "without attention"),
        ([], "MODEL"),
    ],
)
def test_a_mistake_is_reported_in_one_line(call, model, plain_model, tmp_path, words, message):
    (tmp_path / "pairs.tsv").write_text("Ve.\tGo.\n")
    paths = {"MODEL": model, "PLAIN": plain_model}
    shown = call("translate", *(paths.get(word, word) for word in words))
    assert (shown.status, shown.out) == (2, "")
    assert shown.err.count("\n") == 1
    assert message in shown.err


def test_a_terminal_is_not_waited_for(call, model, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    shown = call("translate", model)
    assert shown.status == 2
    assert "no sentence was given" in shown.err


def test_models_of_other_kinds_and_damaged_ones_are_refused(call, model, tmp_path):
    from safetensors.torch import save_file
    from torch import zeros

    save_file({"a": zeros(1)}, tmp_path / "foreign.safetensors")
    (tmp_path / "short.safetensors").write_bytes(model.read_bytes()[:-7])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    for name, message in (
        ("foreign", "expected 'eigenlab.translation.Translator"),
        ("short", "not a complete safetensors file"),
        ("empty", "not a complete safetensors file"),
    ):
        shown = call("translate", f"{name}.safetensors", "x")
        assert (shown.status, shown.err.count("\n")) == (2, 1)
        assert message in shown.err
