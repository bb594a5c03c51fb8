"""Random tables in random dialects are read right, or refused in one line.

The right reading is the table that was written. ``EIGENLAB_FUZZ=10000`` sets how many are tried.
"""

from __future__ import annotations

import gzip
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eigenlab.data import read_table
from eigenlab.errors import InputError
from fuzz import fuzzed

FUZZ = fuzzed(150)
WORDS = [
    "Ann",
    "New York",
    "O'Hare",
    "größe",
    "a-b",
    "Doe, Jane",
    'say "hi"',
    "x;y",
    "3 apples",
    "A|B",
]
NAMES = ["x", "y", "height", "Größe", "a b", "T1", "v_2", "speed", "mass (kg)", "z"]


@st.composite
def tables(draw):
    """Columns of numbers as strings with a point, perhaps one of text, and perhaps row numbers."""
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    kind = draw(st.sampled_from(["integers", "decimals", "three decimals", "mixed", "exponents"]))
    number = {
        "integers": st.integers(-99999, 99999).map(str),
        "small": st.integers(0, 9).map(str),
        "decimals": st.floats(-1e6, 1e6).map(lambda v: f"{v:.2f}"),
        "three decimals": st.floats(-9999, 9999).map(lambda v: f"{v:.3f}"),
        "mixed": st.floats(-1e5, 1e5).map(lambda v: f"{v:g}") | st.integers(0, 99).map(str),
        "exponents": st.floats(allow_nan=False, allow_infinity=False).map(lambda v: f"{v:.3e}"),
    }[draw(st.sampled_from([kind, "small"]))]
    values = draw(st.lists(st.lists(number, min_size=d, max_size=d), min_size=n, max_size=n))
    texts = draw(st.none() | st.lists(st.sampled_from(WORDS), min_size=n, max_size=n))
    return values, texts


@st.composite
def dialects(draw):
    delimiter = draw(st.sampled_from([",", ";", "\t", "|", " ", "   "]))
    comma = draw(st.booleans()) and delimiter != "|"
    quoted = draw(st.sampled_from(["needed", "text", "all"]))
    return {
        "delimiter": delimiter,
        "decimal": "," if comma else ".",
        "group": draw(st.sampled_from(["", "other", "\u202f", "'"])),
        "minus": draw(st.sampled_from(["-", "\u2212"])),
        "quoted": "all" if comma and delimiter == "," and quoted == "needed" else quoted,
        "header": draw(st.sampled_from(["names", "none", "counted", "years"])),
        "numbered": draw(st.sampled_from([None, None, "", "Unnamed: 0", "rownames"])),
        "end": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "encoding": draw(
            st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "latin-1"])
        ),
        "comment": draw(st.booleans()),
        "blank_line": draw(st.booleans()),
        "trailing": draw(st.booleans()),
        "last_end": draw(st.booleans()),
        "packed": draw(st.booleans()),
    }


def written_number(text, dialect):
    point, other = dialect["decimal"], "." if dialect["decimal"] == "," else ","
    group = {"other": other, "": ""}.get(dialect["group"], dialect["group"])
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, rest = digits.partition(".")
    if group and "e" not in text and len(whole) > 3:
        whole = f"{int(whole):,}".replace(",", group)
    return sign.replace("-", dialect["minus"]) + whole + (point if dot else "") + rest


def written(table, dialect):
    """The file, and the names its columns of numbers have in it."""
    values, texts = table
    delimiter, d = dialect["delimiter"], len(values[0])
    names = {
        "names": NAMES[:d],
        "none": None,
        "counted": [str(i) for i in range(d)],
        "years": [str(2001 + i) for i in range(d)],
    }[dialect["header"]]
    rows = [[written_number(cell, dialect) for cell in row] for row in values]
    head = names
    if texts is not None:
        rows = [[text, *row] for text, row in zip(texts, rows, strict=True)]
        head = head and ["name", *head]
    if dialect["numbered"] is not None and head:
        rows = [[str(i + 1), *row] for i, row in enumerate(rows)]
        head = [dialect["numbered"], *head]

    def cell(text):
        needed = delimiter[0] in text or '"' in text or (delimiter[0] == " " and not text)
        is_text = any(c.isalpha() for c in text) and "e" not in text
        if needed or dialect["quoted"] == "all" or (dialect["quoted"] == "text" and is_text):
            return '"' + text.replace('"', '""') + '"'
        return text

    lines = [delimiter.join(map(cell, row)) for row in ([head] if head else []) + rows]
    if dialect["trailing"] and delimiter.strip(" "):
        lines = [line + delimiter for line in lines]
    if dialect["comment"]:
        lines.insert(0, "# measured in 2020, by hand")
    if dialect["blank_line"]:
        lines.insert(len(lines) - 1, "")
    end = dialect["end"]
    content = (end.join(lines) + end * dialect["last_end"]).encode(
        dialect["encoding"], errors="replace"
    )
    return (gzip.compress(content) if dialect["packed"] else content), names


def check_message(error):
    assert "\n" not in str(error)


def _nobody_knows(table, dialect, names):
    """Whether the file is, character by character, another common table."""
    values, texts = table
    if any(row == names for row in values):
        return True  # a header that is a row
    if dialect["delimiter"] == "," and dialect["decimal"] == ",":
        numbers = [cell.lstrip("-") for row in values for cell in row]
        shown = any(
            "." in cell and not re.fullmatch(r"[1-9]\d?\d?\.\d{3}", cell) for cell in numbers
        )
        return not shown  # "1,234","5,678" is a table of thousands everywhere else
    unquoted = dialect["decimal"] == "," and dialect["quoted"] != "all"
    return unquoted and len(values[0]) == 1 and texts is None  # 1,5 is two columns of 1 and 5


OUTCOMES = {"read": 0, "refused": 0}


@FUZZ
@given(tables(), dialects())
def test_a_random_table_is_read_as_it_was_written_or_refused(tmp_path_factory, table, dialect):
    content, names = written(table, dialect)
    assume(not _nobody_knows(table, dialect, names))
    path = tmp_path_factory.getbasetemp() / "fuzz"
    path.write_bytes(content)
    try:
        read = read_table(path)
        used = read.used_columns
        numbers = read.numbers()
    except InputError as error:
        OUTCOMES["refused"] += 1
        check_message(error)
        return
    OUTCOMES["read"] += 1
    assert numbers.tolist() == [[float(cell) for cell in row] for row in table[0]], (
        read.understood()
    )
    if names or not dialect["comment"]:  # a comment may look like a header
        found = read.names and [read.names[column] for column in used]
        assert found == names, read.understood()
    labelled = read.with_column("cluster", list(range(read.n_rows)))
    path.write_bytes(labelled)
    if names and "cluster" not in names:
        again = read_table(path, decimal=read.decimal, header=True)
        assert again.n_rows == read.n_rows
        assert again.numbers(again.select(["cluster"])).ravel().tolist() == list(range(read.n_rows))


@FUZZ
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_random_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(content)
    try:
        read_table(path).numbers()
    except InputError as error:
        check_message(error)


def test_most_random_tables_are_read():
    if not OUTCOMES["read"]:
        pytest.skip("counts the tables of the test above")
    print(f"\nread {OUTCOMES['read']}, refused {OUTCOMES['refused']}")
    assert OUTCOMES["read"] > OUTCOMES["refused"]
