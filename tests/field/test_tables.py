"""Tables as people have them are read right, or refused with what decides.

The files and their right readings are in ``tests/table_files.py``.
"""

from __future__ import annotations

import datetime
import sys
import zipfile

import openpyxl
import pandas as pd
import pyarrow as pa
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


def excel(folder, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / "table.xlsx")
    return folder / "table.xlsx"


SHEET = [["name", "x", "y"], ["A", 1.5, 2], ["B", 3, -4.25]]


def test_an_excel_sheet_is_read(tmp_path):
    table = read_table(excel(tmp_path, {"empty": [], "points": SHEET}))
    assert table.numbers().tolist() == [[1.5, 2], [3, -4.25]]
    assert (table.names, table.left_out) == (("name", "x", "y"), {"name": "text"})


def test_several_sheets_need_a_choice(tmp_path):
    path = excel(tmp_path, {"points": SHEET, "others": [["z"], [7.5], [8.5]]})
    with pytest.raises(InputError, match=r"2 sheets \(points, others\).*--sheet"):
        read_table(path)
    assert read_table(path, sheet="others").numbers().tolist() == [[7.5], [8.5]]
    with pytest.raises(InputError, match="sheet 'x' is empty or not in"):
        read_table(path, sheet="x")


def test_dates_and_gaps_of_a_sheet(tmp_path):
    rows = [["day", "x"], [datetime.date(2020, 1, 1), 1.5], [datetime.date(2020, 1, 2), None]]
    table = read_table(excel(tmp_path, {"s": rows}))
    assert table.left_out == {"day": "text"}
    with pytest.raises(InputError, match="row 2, column 'x': the value '' is missing"):
        table.numbers()


def test_parquet_is_read_without_the_index_of_pandas(tmp_path):
    frame = pd.DataFrame({"x": [1.5, 2.5], "n": [1, 7], "name": ["A", "B"]}, index=[4, 9])
    frame.to_parquet(tmp_path / "table")
    table = read_table(tmp_path / "table")
    assert table.numbers().tolist() == [[1.5, 1], [2.5, 7]]
    assert table.left_out == {"name": "text", "__index_level_0__": "row number"}


def test_zstandard_is_read(tmp_path):
    (tmp_path / "t").write_bytes(pa.compress(b"x,y\n1.5,2\n", "zstd", asbytes=True))
    assert read_table(tmp_path / "t").numbers().tolist() == [[1.5, 2]]


@pytest.mark.parametrize("module", ["pyarrow", "pyarrow.parquet", "openpyxl"])
def test_a_missing_extra_is_named(tmp_path, monkeypatch, module):
    (tmp_path / "zst").write_bytes(pa.compress(b"x\n1.5\n", "zstd", asbytes=True))
    pd.DataFrame({"x": [1.5]}).to_parquet(tmp_path / "pq")
    path = {"pyarrow": tmp_path / "zst", "pyarrow.parquet": tmp_path / "pq"}.get(module)
    path = path or excel(tmp_path, {"s": SHEET})
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"pip install 'eigenlab\[tables\]'"):
        read_table(path)


def test_an_archive_of_several_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.csv", "1,2\n")
        archive.writestr("b.csv", "1,2\n")
    with pytest.raises(InputError, match="2 files; unpack it"):
        read_table(tmp_path / "t.zip")


WRITTEN_BACK = {
    "quotes and blanks": ('a, "b"\n"1.50" ,02.5\n3,4', 'a, "b","cluster"\n"1.50" ,02.5,0\n3,4,1'),
    "decimal commas": ("x;y\r\n1,50;2\r\n3;4,25\r\n", "x;y;cluster\r\n1,50;2;0\r\n3;4,25;1\r\n"),
    "comments and empty lines": (
        "# by hand\n# x y\n1.5 2\n\n3.5  4 \n# end\n",
        "# by hand\n# x y cluster\n1.5 2 0\n\n3.5  4  1\n# end\n",
    ),
    "sep line": ("sep=;\nx;y\n1;2,5\n3;4,5\n", "sep=;\nx;y;cluster\n1;2,5;0\n3;4,5;1\n"),
    "old Mac line ends": ("x,y\r1.5,2\r3.5,4\r", "x,y,cluster\r1.5,2,0\r3.5,4,1\r"),
    "line end in quotes": ('t,x\n"a\nb",1.5\nc,2.5\n', 't,x,cluster\n"a\nb",1.5,0\nc,2.5,1\n'),
    "write.table": ('"x"\n"1" 1.5\n"2" 2.5\n', '"x" "cluster"\n"1" 1.5 0\n"2" 2.5 1\n'),
    "delimiter behind the rows": ("x,y\n1.5,2,\n3.5,4,\n", "x,y,cluster\n1.5,2,0\n3.5,4,1\n"),
    "delimiter behind the header": ("x,y,\n1.5,2\n3.5,4\n", "x,y,cluster\n1.5,2,0\n3.5,4,1\n"),
    "delimiter behind both": ("x,y,\n1.5,2,\n3.5,4,\n", "x,y,,cluster\n1.5,2,,0\n3.5,4,,1\n"),
    "tabs and blanks": ("x y\n1.5\t2\n3.5 4\n", "x y\tcluster\n1.5\t2\t0\n3.5 4\t1\n"),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("name", WRITTEN_BACK)
def test_rows_are_written_back_unchanged_with_a_column(tmp_path, name, encoding):
    before, after = WRITTEN_BACK[name]
    (tmp_path / "t").write_bytes(before.encode(encoding))
    assert read_table(tmp_path / "t").with_column("cluster", [0, 1]) == after.encode(encoding)


def test_a_row_without_a_value_is_left_empty(tmp_path):
    (tmp_path / "t").write_text("x,y\n1.5,2\n3.5,NA\n")
    table = read_table(tmp_path / "t")
    assert table.with_column("c", [0, None]) == b"x,y,c\n1.5,2,0\n3.5,NA,\n"
    assert table.numbers(missing="nan")[0].tolist() == [1.5, 2]


def test_what_was_understood_is_one_line(tmp_path):
    (tmp_path / "t").write_text("id;name;Größe;x\n7;A;1,5;2\n9;B;2,5;3\n", encoding="latin-1")
    assert read_table(tmp_path / "t").understood() == (
        "2 rows of 4 columns, separated by semicolons, header in line 1, decimal comma, CP1252 "
        "(assumed); used: Größe, x; left out: id (identifier), name (text)"
    )


def test_a_value_that_often_means_missing_is_told_where_it_is_far_from_all_others(tmp_path):
    (tmp_path / "t").write_text("x,y,z\n1.5,-999,999\n2.5,3,998\n3.5,4,997\n4,5,-99\n")
    (told,) = read_table(tmp_path / "t").sentinels([0, 1])
    assert told.startswith("column 'y' holds -999 1 times, far from its other values")
