"""Tables as people have them are read right, or refused with what decides.

The files and their right readings are in ``tests/table_files.py``.
"""

from __future__ import annotations

import pytest

from eigenlab.data import read_table
from eigenlab.errors import InputError
from table_files import CASES, Case

READ = [case for case in CASES if case.stop is None]
STOPPED = [case for case in CASES if case.stop is not None]


def load(case: Case, folder):
    path = folder / "table.txt"
    path.write_bytes(case.content)
    options = dict(case.options)
    columns = options.pop("columns", None)
    table = read_table(path, **options)
    return table, table.select(columns)


def numbers(case: Case, folder):
    table, columns = load(case, folder)
    return table.numbers(columns)


@pytest.mark.parametrize("case", READ, ids=lambda case: case.name)
def test_a_table_is_read_as_it_was_meant(case, tmp_path):
    table, columns = load(case, tmp_path)
    assert table.numbers(columns).tolist() == case.values
    names = None if table.names is None else [table.names[column] for column in columns]
    assert names == case.names
    if "columns" not in case.options:
        assert list(table.left_out) == case.left_out
    assert "\n" not in table.understood(columns)


@pytest.mark.parametrize("case", STOPPED, ids=lambda case: case.name)
def test_a_table_that_cannot_be_known_is_refused_with_what_to_do(case, tmp_path):
    with pytest.raises(InputError) as caught:
        numbers(case, tmp_path)
    assert case.stop in str(caught.value)
    assert "\n" not in str(caught.value)
