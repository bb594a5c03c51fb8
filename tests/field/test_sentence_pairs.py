"""A practitioner's own file of sentence pairs: read rightly, or refused with the line's number."""

import pytest

from eigenlab.errors import InputError
from eigenlab.translation import (
    UNK,
    Vocabulary,
    bucketed_batches,
    read_pairs,
    split_pairs,
    tokenize,
)


def write(tmp_path, content):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "pairs"),
    [
        ("Ve.\tGo.\nHola.\tHi.\n", [("Ve.", "Go."), ("Hola.", "Hi.")]),
        ("Ve.\tGo.", [("Ve.", "Go.")]),  # no line end at the end
        ("Ve.\tGo.\r\nHola.\tHi.\r\n", [("Ve.", "Go."), ("Hola.", "Hi.")]),  # Windows
        ("Ve.\tGo.\rHola.\tHi.\r", [("Ve.", "Go."), ("Hola.", "Hi.")]),  # old Macs
        (b"\xef\xbb\xbfVe.\tGo.\n", [("Ve.", "Go.")]),  # Excel's UTF-8
        ("\nVe.\tGo.\n\n \r\n", [("Ve.", "Go.")]),  # blank lines
        ("Ve. \t Go. \n", [("Ve.", "Go.")]),
        ("Ve.\tGo.\nVe.\tGo.\n", [("Ve.", "Go.")] * 2),  # duplicates are kept
        ("Ve 👍🏽\t👍🏽 Go\n", [("Ve 👍🏽", "👍🏽 Go")]),
        ("שלום\tHello\n", [("שלום", "Hello")]),
        ('"Ve"\t"Go"\n', [('"Ve"', '"Go"')]),  # quotation marks are text
        ("a\u2028b\tc\x85d\n", [("a\u2028b", "c\x85d")]),  # no line ends for a text editor
        ("e\u0301l\the\n", [("e\u0301l", "he")]),
    ],
)
def test_files_that_are_read(tmp_path, content, pairs):
    assert read_pairs(write(tmp_path, content)) == pairs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ve.\tGo.\nHola.\n", "line 2, has 0 tabs"),
        ("Ve.\tGo.\n\nVe Go\n", "line 3, has 0 tabs"),  # blank lines count
        ("Ve.\tGo.\tCC-BY 2.0\n", r"line 1, has 2 tabs.*pass columns="),  # manythings.org today
        ("Ve.\t\t\tGo.\n", "line 1, has 3 tabs"),
        ("Ve.\tGo.\r\n\tHi.\r\n", "line 2: the source is empty"),
        ("Ve.\tGo.\nHola.\t \n", "line 2: the target is empty"),
        ("Ve.\tGo.\nHola.\t\u200b\u200e\n", "line 2: the target is empty"),  # nothing visible
        ("", "holds no sentence pair"),
        ("\n\r\n", "holds no sentence pair"),
        ("Ve,Go\n", "line 1, has 0 tabs"),
        (
            "Ve.\tGo.\nSí.\tYes.\n".encode("latin-1"),
            "line 2, is not UTF-8 .byte 0xed at position 2",
        ),
        ("Ve.\tGo.\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_files_that_are_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as caught:
        read_pairs(write(tmp_path, content))
    assert str(tmp_path / "pairs.tsv") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_that_are_no_files(tmp_path):
    for path in (tmp_path, tmp_path / "absent.tsv"):
        with pytest.raises(InputError, match="cannot be read"):
            read_pairs(path)


def test_columns_choose_and_turn(tmp_path):
    path = write(tmp_path, "Go.\tVe.\tCC-BY 2.0 (France)\nHi.\tHola.\n")
    assert read_pairs(path, columns=(1, 0)) == [("Ve.", "Go."), ("Hola.", "Hi.")]
    with pytest.raises(InputError, match="line 2, has 2 columns"):
        read_pairs(path, columns=(0, 2))
    for columns in ((0, 0), (-1, 0), (0,), (0, 1, 2)):
        with pytest.raises(InputError, match="columns="):
            read_pairs(path, columns=columns)


def test_from_a_file_to_batches(tmp_path):
    """Emoji, right-to-left text, one letter, 500 words and duplicates, all the way."""
    long = " ".join(["palabra"] * 500)
    lines = ["Ve.\tGo.", "Y\tI", f"{long}\tlong", "👍🏽\t👍🏽", "שלום עולם!\tHello!", "Ve.\tGo."]
    pairs = read_pairs(write(tmp_path, "\r\n".join(lines)))
    source = Vocabulary.build([pair.source for pair in pairs])
    target = Vocabulary.build([pair.target for pair in pairs])
    batches = bucketed_batches(
        [source.encode(pair.source) for pair in pairs],
        [target.encode(pair.target) for pair in pairs],
        batch_size=2,
        seed=0,
    )
    for step in range(batches.steps_per_epoch):
        batch = batches(step)
        for row, place in zip(batch.source, batches.indices(step), strict=True):
            assert source.decode(row) == pairs[place].source
        for row, place in zip(batch.target, batches.indices(step), strict=True):
            assert target.decode(row) == pairs[place].target
    assert sorted(batches(0).source_lengths.tolist() + batches(1).source_lengths.tolist()
                  + batches(2).source_lengths.tolist()) == [2, 2, 3, 3, 4, 501]  # fmt: skip
    split = split_pairs(pairs, test=2, seed=0)
    assert ({0, 5} <= set(split.test.tolist())) or not {0, 5} & set(split.test.tolist())


@pytest.mark.parametrize("typed", ["Don’t", "don't", "Don\u02bct"])
def test_an_apostrophe_typed_by_a_word_processor_is_no_unknown_word(typed):
    # U+2019 is what word processors type; U+02BC is a letter of its own in other languages
    vocabulary = Vocabulary.build(["Don't", "don't"])
    unknown = UNK in vocabulary.encode(typed)
    assert unknown is ("\u02bc" in typed)


def test_an_accent_typed_as_two_characters_is_no_unknown_word():
    # https://unicode.org/reports/tr15/: macOS file names and some keyboards give NFD
    vocabulary = Vocabulary.build(["él está"])
    assert UNK not in vocabulary.encode("e\u0301l esta\u0301")


@pytest.mark.parametrize("text", ["", " ", "\n"])
def test_an_empty_sentence_has_no_token_and_still_a_row(text):
    assert tokenize(text) == []
    batches = bucketed_batches([[]], [[]], batch_size=1, seed=0)
    assert batches(0).source.tolist() == [[2]]  # <eos>
