"""Names as people have them: typographic characters, letters by custom, rows that are no names.

The plain form of a typographic variant is Unicode's: NFKD, without marks (UAX 15,
https://unicode.org/reports/tr15/). Letters without a decomposition are written as the CLDR's
Latin-ASCII transform writes them
(https://github.com/unicode-org/cldr/blob/main/common/transforms/Latin-ASCII.xml), the schwa as
ICAO Doc 9303 part 3, section 6, does in passports.
"""

from __future__ import annotations

import unicodedata
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eigenlab.errors import InputError
from eigenlab.names import (
    ABSTAINED,
    ALPHABET,
    CharacterNGramClassifier,
    NameClassifier,
    UnreadableCharactersWarning,
    ambiguity_ceiling,
    audit,
    evaluate,
    fold,
    is_readable,
    leak_free_split,
    shift_priors,
    spelling,
)
from eigenlab.names.encoding import unreadable
from eigenlab.names.protocols import overlap
from fuzz import fuzzed

#: What is typed or decoded in place of an apostrophe.
APOSTROPHES = (
    "\u2019\u02bc\u2018\u02b9\u00b4\uff07\u201b\u2032\u2035`\uff40\u02bb\u02bd\u02be\u02bf"
    "\u02c8\u02ca\u1fbd\u1ffd\u0384\ua78b\ua78c\u055a\u05f3\u0092\u0091"
)
#: White space that is not the space bar's.
SPACES = "\u00a0\u2000\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\t"
#: Characters without width.
INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u034f\ufe0f"
HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d-"

VARIANTS = [
    *((f"O{sign}Shea", "O'Shea") for sign in APOSTROPHES),
    *((f"De{sign}la{sign}Cruz", "De la Cruz") for sign in SPACES),
    *((f"Mac{sign}Donald", "MacDonald") for sign in INVISIBLE),
    *((f"Smith{sign}Jones", "Smith-Jones") for sign in HYPHENS),
    ("Ｔａｎａｋａ", "Tanaka"),
    ("Ｏ＇Ｓｈｅａ", "O'Shea"),
    ("Grifﬁth", "Griffith"),
    ("Steﬀens", "Steffens"),
    ("Baﬄer", "Baffler"),
    ("Auguﬆ", "August"),
    ("Dĳkstra", "Dijkstra"),
    ("ĲSSELSTEIN", "IJsselstein"),
    ("Ǆugum", "Džugum"),
    ("ŉKosi", "'nKosi"),
    ("Paraŀlel", "Parallel"),
    ("Weiſ", "Weis"),
    ("Müller", "Mu\u0308ller"),
    ("\u212bngström", "Ångström"),
    ("𝐒𝐦𝐢𝐭𝐡", "Smith"),
    ("Nu\u00a8nez", "Nunez"),  # a diaeresis typed on its own adds no space
    ("O \u0301Shea", "O'Shea"),  # O´Shea after NFKC
    ("  Rossi\u2009\u00a0", "Rossi"),
    ("Van  Dyke", "Van Dyke"),
    ("RÓSSI\r\n", "rossi"),
]

BY_CUSTOM = [
    ("Strauß", "Strauss"),
    ("GROẞ", "GROSS"),
    ("Wałęsa", "Walesa"),
    ("Łukasz", "Lukasz"),
    ("Sørensen", "Sorensen"),
    ("Ødegård", "Odegard"),
    ("Đorđević", "Dordevic"),
    ("Đặng", "Dang"),
    ("Þórðarson", "THordarson"),
    ("Guðmundsson", "Gudmundsson"),
    ("Yıldız", "Yildiz"),
    ("İnönü", "Inonu"),
    ("Kjærsgaard", "Kjaersgaard"),
    ("Æbelø", "AEbelo"),
    ("Bœuf", "Boeuf"),
    ("Œuvrard", "OEuvrard"),
    ("Əliyev", "Eliyev"),
    ("Ħaġar", "Hagar"),
    ("Ŧorne", "Torne"),
    ("Ŋuyen", "Nuyen"),
    ("Ɗanjuma", "Danjuma"),
    ("Ƙofa", "Kofa"),
    ("Mɓaye", "Mbaye"),
    ("Ǿrsted", "Orsted"),
    ("Ƶupan", "Zupan"),
]

NO_NAMES = ["", " ", "\u00a0", "山田", "Иванов", "Παπαδόπουλος", "김", "123", "-", "'"]
NO_NAMES += ["\u200b", "😀", "\ufffd", None, np.nan, float("nan"), 7]

RUSSIAN = [a + b for a in ("Iv", "Petr", "Orl", "Pavl", "Sok", "Mor") for b in ("ov", "anov", "in")]
IRISH = [a + b for a in ("O'", "Mac", "Mc") for b in ("Shea", "Neill", "Brien", "Dowd", "Hara")]
NAMES, LANGUAGES = RUSSIAN + IRISH, ["Russian"] * len(RUSSIAN) + ["Irish"] * len(IRISH)
SMALL = {
    "random_state": 0,
    "rnn_size": 12,
    "n_members": 2,
    "n_epochs": 8,
    "batch_size": 4,
    "calibration_fraction": 0.1,
}


@pytest.fixture(scope="module", params=[NameClassifier, CharacterNGramClassifier])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(kind):
    return build(kind).fit(NAMES, LANGUAGES)


def build(kind):
    return kind(**SMALL) if kind is NameClassifier else kind()


@pytest.mark.parametrize(("variant", "plain"), VARIANTS)
def test_a_typographic_variant_is_its_plain_form(fitted, variant, plain):
    assert spelling(variant) == spelling(plain)
    assert not unreadable(variant)
    np.testing.assert_array_equal(fitted.predict_proba([variant]), fitted.predict_proba([plain]))


@pytest.mark.parametrize(("variant", "plain"), BY_CUSTOM)
def test_a_letter_without_a_decomposition_is_transliterated(fitted, variant, plain):
    assert fold(variant) == plain
    assert not unreadable(variant)
    np.testing.assert_array_equal(fitted.predict_proba([variant]), fitted.predict_proba([plain]))


def test_every_latin_letter_with_a_stroke_hook_or_bar_is_read():
    """Latin Extended-A and B, of which NFKD alone leaves 60 letters unread."""
    left_out = {
        chr(point)
        for point in range(0x80, 0x250)
        if unicodedata.name(chr(point), "").startswith("LATIN") and unreadable(chr(point))
    }
    # Tone letters, clicks, and letters of phonetic alphabets or of Old English.
    assert left_out == set("ƄƅƍƔƕƛƜƢƣƦƧƨƩƪƱƷǮǯƸƹƺƻƼƽƾƿǀǁǂǃǶǷȜȝȢȣȸȹɁɂɅɊ")


def test_variants_of_one_name_stay_on_one_side_of_a_leak_free_split():
    names = [form for pair in VARIANTS for form in pair] + ["山田", " 山田", "Иванов", "ИВАНОВ"]
    for seed in range(5):
        split = leak_free_split(names, seed=seed)
        assert overlap(names, split) == 0
        for a, b in zip(names[::2], names[1::2], strict=True):
            parts = {place in split.train for place, n in enumerate(names) if n in (a, b)}
            assert len(parts) == 1


def test_variants_are_one_spelling_for_the_ceiling_and_the_audit():
    assert ambiguity_ceiling(["O'Shea", "O’Shea"], ["Irish", "Arabic"]) == 0.5
    model = build(CharacterNGramClassifier).fit(NAMES, LANGUAGES)
    record = audit(model, ["O’Shea"], ["Irish"], training_names=NAMES, training_languages=LANGUAGES)
    assert record["seen"]["same language"]["count"] == 1


@pytest.mark.parametrize("row", NO_NAMES, ids=repr)
def test_a_row_without_a_name_is_answered_in_its_place(fitted, row):
    """The other names keep their answers, and one warning says which row has none."""
    expected = fitted.predict_proba(["Rossi", "O'Shea"])
    with pytest.warns(UnreadableCharactersWarning, match=r"1 of 3 rows .*X\[1\]") as caught:
        answers = fitted.predict_proba(["Rossi", row, "O'Shea"])
    assert len(caught) == 1
    np.testing.assert_array_equal(answers[[0, 2]], expected)
    assert np.isnan(answers[1]).all()
    with pytest.warns(UnreadableCharactersWarning):
        assert fitted.predict(["Rossi", row, "O'Shea"])[1] == ABSTAINED
    assert is_readable(["Rossi", row, "O'Shea"]).tolist() == [True, False, True]


def table(n=5000):
    """Names of two languages, every 50th row unreadable, in eight ways."""
    rows = [NAMES[place % len(NAMES)] for place in range(n)]
    languages = [LANGUAGES[place % len(NAMES)] for place in range(n)]
    holes = ["", np.nan, None, "山田", " ", "7", 7, "Иванов"]
    for count, place in enumerate(range(7, n, 50)):
        rows[place] = holes[count % len(holes)]
    return rows, languages


def test_five_thousand_rows_with_holes_are_fitted_and_answered(kind):
    rows, languages = table()
    holes = np.zeros(5000, dtype=bool)
    holes[7::50] = True
    model = build(kind)
    if kind is NameClassifier:
        model.set_params(n_epochs=1, batch_size=128)
    with pytest.warns(UnreadableCharactersWarning, match="100 of 5000 rows") as caught:
        model.fit(rows, languages)
    assert len(caught) == 1
    kept = [row for row, hole in zip(rows, holes, strict=True) if not hole]
    y = [row for row, hole in zip(languages, holes, strict=True) if not hole]
    with pytest.warns(UnreadableCharactersWarning, match="100 of 5000 rows") as caught:
        answers = model.predict(rows)
    assert len(caught) == 1
    np.testing.assert_array_equal(answers == ABSTAINED, holes)
    np.testing.assert_array_equal(~is_readable(rows), holes)
    np.testing.assert_array_equal(answers[~holes], build_like(model).fit(kept, y).predict(kept))
    with pytest.warns(UnreadableCharactersWarning):
        assert model.score(rows, languages) == pytest.approx(
            (answers == np.array(languages)).mean()
        )


def build_like(model):
    return type(model)(**model.get_params())


COLUMNS = {
    "list": lambda rows: rows,
    "tuple": tuple,
    "numpy": lambda rows: np.array(rows, dtype=object),
    "pandas": lambda rows: pytest.importorskip("pandas").Series(rows),
    "pandas, object": lambda rows: pytest.importorskip("pandas").Series(rows, dtype=object),
    "pandas, NA": lambda rows: pytest.importorskip("pandas").Series(rows, dtype="string"),
    "pandas, categories": lambda rows: pytest.importorskip("pandas").Series(rows, dtype="category"),
    "pandas, NaT": lambda rows: [
        pytest.importorskip("pandas").NaT if row is None else row for row in rows
    ],
    "polars": lambda rows: pytest.importorskip("polars").Series(rows),
    "pyarrow": lambda rows: pytest.importorskip("pyarrow").array(rows),
    "pyarrow, chunks": lambda rows: pytest.importorskip("pyarrow").chunked_array(
        [rows[:2], rows[2:]]
    ),
}


@pytest.mark.parametrize("wrap", COLUMNS.values(), ids=COLUMNS)
def test_columns_of_any_library_are_names(fitted, wrap):
    with pytest.warns(UnreadableCharactersWarning, match=r"2 of 4 rows .*X\[1\]"):
        found = fitted.predict(wrap(["Ivanov", None, "O’Shea", "山田"]))
    assert found.tolist() == ["Russian", ABSTAINED, "Irish", ABSTAINED]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("Rossi", "X is one string"),
        (b"Rossi", "X is one string"),
        ([b"Rossi", b"Verdi"], r"X\[0\] is a bytes"),
        ([["Rossi"], ["Verdi"]], r"X\[0\] is a list"),
        ([1, 2], r"X\[0\] is a int"),
        (np.array([["Rossi"]]), "X has 2 axes"),
        (None, "X is a NoneType"),
    ],
)
def test_what_is_no_list_of_names_is_refused(fitted, rows, message):
    with pytest.raises(InputError, match=message):
        fitted.predict(rows)


def test_nothing_readable_is_answered_and_refused_in_a_fit(fitted, kind):
    with pytest.warns(UnreadableCharactersWarning, match="2 of 2 rows"):
        assert fitted.predict(["山田", ""]).tolist() == [ABSTAINED] * 2
    with pytest.raises(InputError, match=r"0 language.*of readable names.*山田"):
        build(kind).fit(["山田", None], ["Japanese", "Russian"])
    with pytest.raises(InputError, match=r"y\[1\] is nan"):
        build(kind).fit(["Rossi", "Ivanov"], ["Italian", np.nan])


def test_scores_of_rows_that_were_not_answered_are_refused():
    """The largest of NaN, NaN is the first: they would count as the first language."""
    with pytest.raises(InputError, match="1 of 2 names are NaN, first in row 1"):
        evaluate([[0.5, 0.5], [np.nan, np.nan]], ["A", "B"], ["A", "A"])


def test_rows_that_were_not_answered_stay_so_under_other_base_rates():
    moved = shift_priors([[0.5, 0.5], [np.nan, np.nan]], [0.5, 0.5], [0.9, 0.1])
    np.testing.assert_allclose(moved, [[0.9, 0.1], [np.nan, np.nan]])


def test_splits_take_columns_with_missing_values():
    """Missing names are one spelling; a column of bytes is refused."""
    names = ["Rossi", None, "Verdi", np.nan, "Orlov", "ROSSI", ""]
    for seed in range(5):
        train, _ = leak_free_split(names, seed=seed)
        assert len({1, 3, 6} & set(train)) in (0, 3)
        assert len({0, 5} & set(train)) in (0, 2)
    column = pytest.importorskip("pyarrow").array(["Abel", "Abel", "Ito"])
    assert ambiguity_ceiling(column, ["German", "English", "Japanese"]) == pytest.approx(2 / 3)
    with pytest.raises(InputError, match="name is a bytes"):
        leak_free_split([b"Rossi", b"Verdi"], seed=0)


def test_a_lost_character_is_warned_of(fitted):
    """U+FFFD, lone surrogates, and UTF-8 read as Windows-1252, as spreadsheets do."""
    for name in (
        "M\ufffdller",
        "M\udcfcller",
        "MÃ¼ller",
        "Oâ€™Shea",
        "GonzÃ¡lez",
        "SÃ\u00b8rensen",
    ):
        with pytest.warns(UnreadableCharactersWarning, match="1 of 1 names hold letters"):
            fitted.predict([name])


ODD = (
    "".join(APOSTROPHES + SPACES + INVISIBLE + HYPHENS)
    + "ßẞłøđþıæœəŊ山田Ив١²½ﬁﷺ😀\ufffd\x00\x85¨ABCabc .,;'"
)
TEXT = st.one_of(st.text(max_size=30), st.text(alphabet=ODD, max_size=30))


@fuzzed(60)
@given(name=TEXT)
@example(name="ΐ\u0345")
@example(name="\u0130\u0307")
def test_any_text_has_probabilities_or_is_unreadable(fitted, name):
    """Finite probabilities of sum one, or NaN and "?" with a warning, never an exception."""
    folded = fold(name)
    assert set(folded) <= set(ALPHABET)
    assert fold(folded) == folded
    assert spelling(spelling(name)) == spelling(name)
    assert spelling(f"\u00a0\u200b{name}\u200b\t") == spelling(name)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert spelling(unicodedata.normalize(form, name)) == spelling(name), form
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (row,) = fitted.predict_proba([name])
    (readable,) = is_readable([name])
    assert readable == any(symbol.isalpha() for symbol in folded)
    assert len(caught) == (not readable or bool(unreadable(name)))
    if readable:
        assert np.isfinite(row).all()
        assert row.sum() == pytest.approx(1, abs=1e-9)
        assert (row >= 0).all()
    else:
        assert np.isnan(row).all()
