import collections
import os

import pytest

from eigenlab.data import load_names, verify
from eigenlab.errors import DataError

real = pytest.mark.skipif(
    "EIGENLAB_DATA" not in os.environ, reason="EIGENLAB_DATA does not point to real data"
)


def own(tmp_path, **files):
    (tmp_path / "names").mkdir()
    for language, payload in files.items():
        (tmp_path / "names" / f"{language}.txt").write_bytes(payload)
    return tmp_path


def test_lines_are_kept_in_order_with_duplicates(tmp_path):
    root = own(tmp_path, Welsh=b"Evans\r\nEvans\n\n  Rhys ap Llwyd \n", Basque="Ibáñez".encode())
    assert load_names("names", root) == [
        ("Ibáñez", "Basque"),
        ("Evans", "Welsh"),
        ("Evans", "Welsh"),
        ("Rhys ap Llwyd", "Welsh"),
    ]


def test_only_newlines_separate_names(tmp_path):
    """U+0085 and U+2028 end a line for ``str.splitlines`` but are part of a name here."""
    assert load_names("names", own(tmp_path, X="a\u0085b\u2028c\n".encode())) == [
        ("a\u0085b\u2028c", "X")
    ]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    assert load_names("names", own(tmp_path, X=b"\xef\xbb\xbfAdam\n")) == [("Adam", "X")]


def test_bad_utf8_names_file_and_line(tmp_path):
    root = own(tmp_path, French="Dubois\nLefèvre\nBéart\n".encode("latin-1"))
    with pytest.raises(
        DataError, match=r"French\.txt, line 2, is not UTF-8 \(byte 0xe8 at pos.* 4"
    ):
        load_names("names", root)


def test_files_without_names_are_refused(tmp_path):
    with pytest.raises(DataError, match="holds no names; put <Language>"):
        load_names("names", own(tmp_path, Empty=b"\n \n"))


def test_an_unreadable_file_is_an_error(tmp_path):
    root = own(tmp_path, X=b"Adam\n")
    (tmp_path / "names" / "Y.txt").mkdir()
    with pytest.raises(DataError, match=r"Y\.txt cannot be read"):
        load_names("names", root)


def test_the_list_of_names_is_embedded():
    """Promised: at least 12 languages with at least 100 names each."""
    counts = collections.Counter(language for _, language in load_names("names-mini"))
    assert len(counts) >= 12
    assert min(counts.values()) >= 100
    assert verify("names-mini") == []


@real
def test_the_real_lists_have_the_published_counts():
    """Counted with other tools: 20,074 lines, 18 languages, 17,459 different lines.

    Ten Chinese and Korean lines end in a space. Without it five of them are names that other
    languages list too, four of these so far only one language: 17,454 names, 468 in several.
    """
    pairs = load_names("names")
    assert verify("names") == []
    assert len(pairs) == 20_074
    assert len({language for _, language in pairs}) == 18
    assert len(set(pairs)) == 18_015
    languages = collections.defaultdict(set)
    for name, language in pairs:
        languages[name].add(language)
    assert len(languages) == 17_459 - 5
    assert sum(len(found) > 1 for found in languages.values()) == 464 + 4
    assert len({name for name, language in pairs if language == "Arabic"}) == 108


@real
def test_a_truncated_real_file_is_refused(tmp_path, monkeypatch):
    source = os.path.join(os.environ["EIGENLAB_DATA"], "names")
    (tmp_path / "names").mkdir()
    for name in os.listdir(source):
        with open(os.path.join(source, name), "rb") as stream:
            (tmp_path / "names" / name).write_bytes(
                stream.read()[: 500 if name == "Czech.txt" else None]
            )
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"Czech\.txt is truncated: 500 bytes, expected 3919"):
        load_names("names")
