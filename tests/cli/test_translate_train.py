"""``eigenlab translate train``: what it says, what it writes, and how it continues."""

from __future__ import annotations

import re
import signal

import pytest
import torch
from safetensors import safe_open

from eigenlab.reporter import Reporter
from eigenlab.translation import Translator, phrasebook, read_pairs
from processes import wait_for

pytestmark = pytest.mark.slow

QUICK = ("--epochs", "2", "--hidden-size", "8")


@pytest.fixture
def pairs(tmp_path):
    """A file of 300 pairs."""
    path = tmp_path / "pairs.tsv"
    lines = [f"{pair.source}\t{pair.target}\n" for pair in phrasebook(300)]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def assert_same(one, other):
    """Compare weights bit for bit, and headers; safetensors writes the latter in any order."""
    with safe_open(one, "pt") as a, safe_open(other, "pt") as b:
        assert a.metadata() == b.metadata()
        assert a.keys() == b.keys()
        for name in a.keys():  # noqa: SIM118
            assert torch.equal(a.get_tensor(name), b.get_tensor(name))


def test_it_says_what_it_does_and_saves_a_model(call, pairs, tmp_path):
    shown = call("translate", "train", "pairs.tsv", *QUICK)
    assert shown.status == 0, shown.err
    assert re.search(r"300 pairs: 285 to train on and 15 held out, of which 0 share", shown.err)
    assert re.search(r"vocabularies: \d+ source and \d+ target tokens", shown.err)
    assert "epoch 1 of 2: BLEU" in shown.err
    assert "epoch 2 of 2: BLEU" in shown.err
    assert re.search(r"^BLEU \d+\.\d.* on 15 held-out pairs.*nrefs:1\|case:mixed", shown.out)
    assert shown.out.endswith("Model: pairs.safetensors\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.safetensors", "pairs.tsv"]
    assert call("translate", "pairs.safetensors", "Veo un perro.").status == 0


def test_options_reach_the_translator(call, pairs, tmp_path):
    turned = [f"x\t{target}\t{source}\n" for source, target in read_pairs(pairs)]
    pairs.write_text("".join(turned), encoding="utf-8")
    words = ("--columns", "3,2", "--lowercase", "--no-attention", "--cell", "rnn", "--seed", "3")
    more = ("--min-count", "2", "--held-out", "0", "--learning-rate", "0.01")
    shown = call("translate", "train", "pairs.tsv", "deep/model", *QUICK, *words, *more)
    assert shown.status == 0, shown.err
    assert "No pair was held out" in shown.out
    found = Translator.load(tmp_path / "deep/model")
    expected = {
        "hidden_size": 8, "n_epochs": 2, "cell": "rnn", "attention": False, "lowercase": True,
        "min_count": 2, "random_state": 3, "validation_fraction": 0, "learning_rate": 0.01,
    }  # fmt: skip
    assert {name: found.get_params()[name] for name in expected} == expected
    assert "no" in found.source_vocabulary_
    assert "No" not in found.source_vocabulary_


def test_subwords(call, pairs, tmp_path):
    pytest.importorskip("sentencepiece")
    assert call("translate", "train", "pairs.tsv", *QUICK, "--subwords", "120").status == 0
    found = Translator.load(tmp_path / "pairs.safetensors")
    assert len(found.source_vocabulary_) == 120
    assert found.unknown(["perrito"]) == [[]]


def test_the_phrasebook_needs_no_file(call, monkeypatch, tmp_path):
    monkeypatch.setattr("eigenlab.cli.translation_training.PHRASEBOOK_PAIRS", 200)
    for words in (["a.safetensors"], ["b", "--data", "phrasebook"]):
        assert call("translate", "train", *words, *QUICK).status == 0
    assert_same(tmp_path / "a.safetensors", tmp_path / "b")


def test_an_interrupted_training_continues_bit_for_bit(call, start, pairs, tmp_path):
    words = ("translate", "train", "pairs.tsv", "model", "--epochs", "15", "--hidden-size", "8")
    process = start(*words)
    wait_for(tmp_path / "model.checkpoint.json", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "the same command continues from model.checkpoint.json" in err
    assert "Traceback" not in err
    assert not (tmp_path / "model").exists()
    other = call(*words, "--seed", "1")
    assert other.status == 2
    assert "random_state (0 stored, 1 now)" in other.err
    again = call(*words)
    assert again.status == 0
    assert "resumed after step" in again.err
    assert call(*words[:3], "whole", *words[4:]).status == 0
    assert_same(tmp_path / "whole", tmp_path / "model")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "pairs.tsv", "whole"]


def test_a_checkpoint_of_other_pairs_is_refused_with_both_hashes(call, pairs, monkeypatch):
    original = Reporter.metrics

    def stop(self, values, *, step):
        self.cancel()
        return original(self, values, step=step)

    with monkeypatch.context() as patch:
        patch.setattr("eigenlab.cli.translation_training._EpochReporter.metrics", stop)
        assert call("translate", "train", "pairs.tsv", "model", *QUICK).status == 130
    pairs.write_text(pairs.read_text(encoding="utf-8") + "Ven.\tCome.\n", encoding="utf-8")
    shown = call("translate", "train", "pairs.tsv", "model", *QUICK)
    assert shown.status == 2
    for name in ("pairs", "source vocabulary", "target vocabulary"):
        found = re.search(rf"{name} \(([0-9a-f]{{64}}) stored, ([0-9a-f]{{64}}) now\)", shown.err)
        assert found is not None
        assert found[1] != found[2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ve.\tGo.\nHola.\n", "line 2, has 0 tabs"),
        ("Ve.\tGo.\tx\n", "line 1, has 2 tabs, expected one, source<TAB>target; to choose"),
        ("", "holds no sentence pair"),
        ("Ve.\tGo.\n\tHi.\n", "line 2: the source is empty"),
        ("Ve.\tGo.\nSí.\tYes.\n".encode("latin-1"), "line 2, is not UTF-8 (byte 0xed"),
        ("Ve.\tGo.\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_is_no_corpus_is_refused_with_its_line(call, tmp_path, content, message):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    shown = call("translate", "train", "pairs.tsv", *QUICK)
    assert (shown.status, shown.out) == (2, "")
    assert message in shown.err
    assert shown.err.splitlines()[-1].startswith("eigenlab: ")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name the file of the model"),
        (["nowhere.tsv"], "nowhere.tsv does not exist"),
        (["."], ". is a folder"),
        (["pairs.tsv", "pairs.tsv"], "pairs.tsv exists already"),
        (["pairs.tsv", "pairs.tsv/model"], "cannot write"),
        (["pairs.tsv", "model", "--epochs", "0"], "epochs=0"),
        (["pairs.tsv", "model", "--hidden-size", "0"], "hidden_size=0"),
        (["pairs.tsv", "model", "--cell", "gro"], "--cell"),
        (["pairs.tsv", "model", "--columns", "1,1"], "columns='1,1'"),
        (["pairs.tsv", "model", "--columns", "0,1"], "columns='0,1'"),
        (["pairs.tsv", "model", "--columns", "1,3"], "line 1, has 2 columns, no column 3"),
        (["pairs.tsv", "model", "--data", "phrasebook"], "not on both"),
        (["model", "--data", "phrasebok"], "--data"),
        (["model", "--data", "phrasebook", "--columns", "2,1"], "--columns"),
        (["pairs.tsv", "model", "--held-out", "1"], "validation_fraction=1.0"),
        (["pairs.tsv", "model", "--learning-rate", "-1"], "learning_rate=-1.0"),
        (["pairs.tsv", "model", "--learning-rate", "nan"], "learning_rate=nan"),
        (["pairs.tsv", "model", "--seed", "1.5"], "not a whole number"),
        (["pairs.tsv", "model", "--subwords", "100", "--min-count", "2"], "subwords=100"),
        (["pairs.tsv", "model", "--device", "tpu"], "device='tpu'"),
        (["pairs.tsv", "model", "--learning-rate", "1e30"], "training diverged"),
        (["pairs.tsv", "model", "--learning-rate", "1e8"], "training diverged"),
    ],
)
def test_a_mistake_is_reported_in_one_line(call, pairs, words, message):
    quick = () if "--epochs" in words or "--hidden-size" in words else QUICK
    shown = call("translate", "train", *words, *quick)
    assert (shown.status, shown.out) == (2, "")
    assert message in shown.err.splitlines()[-1]
    assert shown.err.splitlines()[-1].startswith("eigenlab: ")
    assert not (pairs.parent / "model").exists()
