"""Reading sentence pairs."""

import gzip
import os
import zipfile

import pytest

from eigenlab.errors import DataError, InputError
from eigenlab.translation import (
    as_pairs,
    count_leaks,
    load_multi30k,
    load_spa_eng,
    split_pairs,
)


def real(name):
    folder = os.path.join(os.environ.get("EIGENLAB_DATA", ""), name)
    return pytest.mark.skipif(
        not os.environ.get("EIGENLAB_DATA") or not os.path.isdir(folder),
        reason=f"EIGENLAB_DATA does not hold {name}",
    )


def put_zip(root, text, member="spa-eng/spa.txt"):
    (root / "spa-eng").mkdir()
    with zipfile.ZipFile(root / "spa-eng" / "spa-eng.zip", "w") as archive:
        archive.writestr(member, text)


def test_spa_eng_reads_spanish_as_the_source(tmp_path):
    put_zip(tmp_path, "Go.\tVe.\r\nI'm cold.\tTengo frío.\tCC-BY 2.0\n")
    assert load_spa_eng(tmp_path) == [("Ve.", "Go."), ("Tengo frío.", "I'm cold.")]


def test_an_unusable_archive_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no folder 'spa-eng'"):
        load_spa_eng(tmp_path)
    put_zip(tmp_path, "Go.\tVe.\n", member="other.txt")
    with pytest.raises(DataError, match=r"not a zip archive with spa-eng/spa\.txt"):
        load_spa_eng(tmp_path)
    (tmp_path / "spa-eng" / "spa-eng.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="not a zip archive"):
        load_spa_eng(tmp_path)
    (tmp_path / "spa-eng" / "spa-eng.zip").unlink()
    with pytest.raises(DataError, match="not a zip archive"):
        load_spa_eng(tmp_path)


def test_a_line_of_the_archive_that_is_no_pair_is_an_error(tmp_path):
    put_zip(tmp_path, "Go.\tVe.\nGo.\n")
    with pytest.raises(DataError, match=r"spa\.txt, line 2, has 1 columns"):
        load_spa_eng(tmp_path)


def put_multi30k(root, **sides):
    (root / "multi30k").mkdir(exist_ok=True)
    for language, text in sides.items():
        (root / "multi30k" / f"val.{language}.gz").write_bytes(gzip.compress(text.encode()))


def test_multi30k_aligns_lines(tmp_path):
    put_multi30k(tmp_path, de="Ein Hund.\nZwei.\n", en="A dog.\nTwo.\n", fr="Un chien.\nDeux.")
    assert load_multi30k("val", root=tmp_path) == [("Ein Hund.", "A dog."), ("Zwei.", "Two.")]
    assert load_multi30k("val", "en", "fr", tmp_path)[1] == ("Two.", "Deux.")


def test_multi30k_that_does_not_align_is_an_error(tmp_path):
    put_multi30k(tmp_path, de="Ein Hund.\n", en="A dog.\nTwo.\n", fr="Un chien.\n\n")
    with pytest.raises(DataError, match="1 lines in de, 2 in en"):
        load_multi30k("val", root=tmp_path)
    with pytest.raises(DataError, match="line 2, is empty"):
        load_multi30k("val", "fr", root=tmp_path)
    with pytest.raises(DataError, match="not readable as gzip"):
        load_multi30k("train", root=tmp_path)
    whole = (tmp_path / "multi30k" / "val.de.gz").read_bytes()
    (tmp_path / "multi30k" / "val.de.gz").write_bytes(whole[:-9])
    with pytest.raises(DataError, match="not readable as gzip"):
        load_multi30k("val", root=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("valid",), r"part 'valid' is unknown \(did you mean 'val'\?\)"),
        (("val", "es"), "source='es'"),
        (("val", "de", "De"), "target='De'"),
        (("val", "en", "en"), "both 'en'"),
    ],
)
def test_unknown_parts_and_languages_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        load_multi30k(*arguments)


@real("spa-eng")
def test_the_real_spanish_pairs():
    pairs = load_spa_eng()
    assert len(pairs) == 118_964  # the data folder's README
    assert pairs[0] == ("Ve.", "Go.")
    split = split_pairs(pairs, test=2000, validation=2000, seed=0)
    held_out = [pairs[i] for i in [*split.validation, *split.test]]
    assert len(held_out) == 4000
    assert count_leaks([pairs[i] for i in split.train], held_out).either == 0
    assert 0.2 < split.random_leaks.either / 4000 < 0.4


@real("multi30k")
@pytest.mark.parametrize("source", ["de", "fr"])
def test_the_real_captions(source):
    sizes = {"train": 29_000, "val": 1_014, "test_2016_flickr": 1_000, "test_2017_flickr": 1_000}
    parts = {part: load_multi30k(part, source) for part in sizes}
    assert {part: len(pairs) for part, pairs in parts.items()} == sizes
    assert parts["train"][0].target == "Two young, White males are outside near many bushes."
    for part in list(sizes)[1:]:
        assert count_leaks(parts["train"], parts[part]).either <= 4


def test_pairs_in_memory():
    import numpy as np
    import pandas as pd

    expected = [("a", "b"), ("c", "d")]
    frame = pd.DataFrame(expected)
    for pairs in (
        expected,
        tuple(map(list, expected)),
        np.array(expected),
        frame.to_numpy(),
        zip("ac", "bd", strict=True),
    ):
        assert as_pairs(pairs) == expected


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ("ab", "a str"),
        (None, "a NoneType"),
        (["ab"], r"pairs\[0\] is 'ab'"),
        ([("a", "b"), ("a",)], r"pairs\[1\]"),
        ([("a", "b", "c")], r"pairs\[0\]"),
        ([("a", float("nan"))], r"pairs\[0\]: the target is nan"),
        ([(b"a", "b")], r"pairs\[0\]: the source is b'a'"),
        ([("a", " \u200b\u00a0")], r"pairs\[0\]: the target is empty"),
        ({"a": "b"}, r"pairs\[0\] is 'a'"),
    ],
)
def test_what_are_no_pairs_is_refused(pairs, message):
    with pytest.raises(InputError, match=message):
        as_pairs(pairs)
