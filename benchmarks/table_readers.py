"""How many of the files in ``tests/table_files.py`` each library reads right when unasked.

A file counts as read when the numbers to cluster by appear, in their order, among the columns that
the library takes for numbers, with the right number of rows; as ``named`` when their names are
right, too; and as ``exact`` when no other column (a row number, a label) is among the numbers.
Files for which the right answer is a refusal are left out. Needs pandas, polars, clevercsv and
duckdb; eigenlab is measured beside them.

    python benchmarks/table_readers.py
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from _side_by_side import store
from table_files import CASES, Case

Reading = tuple[list[str], list[list[float]]]
"""Names and values of the columns of numbers."""


def by_pandas(path: Path, **options: Any) -> Reading:
    import pandas as pd

    return _numbers_of(pd.read_csv(path, **({"sep": None, "engine": "python"} | options)))


def by_pandas_commas(path: Path) -> Reading:
    return by_pandas(path, sep=",", engine="c")


def by_polars(path: Path) -> Reading:
    import polars as pl

    frame = pl.read_csv(path)
    numbers = [name for name, kind in frame.schema.items() if kind.is_numeric()]
    return numbers, [frame[name].to_list() for name in numbers]


def by_clevercsv(path: Path) -> Reading:
    import clevercsv

    return _numbers_of(clevercsv.read_dataframe(str(path)))


def by_duckdb(path: Path) -> Reading:
    import duckdb

    return _numbers_of(duckdb.read_csv(str(path)).df())


def by_eigenlab(path: Path) -> Reading:
    from eigenlab.data import read_table

    table = read_table(path)
    names = table.names or [str(column) for column in range(1, table.n_columns + 1)]
    used = table.used_columns
    return [names[column] for column in used], table.numbers().T.tolist()


def _numbers_of(frame: Any) -> Reading:
    numbers = frame.select_dtypes("number")
    return [str(name) for name in numbers.columns], [
        numbers.iloc[:, place].tolist() for place in range(numbers.shape[1])
    ]


READERS: dict[str, Callable[[Path], Reading]] = {
    "pandas": by_pandas_commas,
    "pandas, sep=None": by_pandas,
    "polars": by_polars,
    "clevercsv": by_clevercsv,
    "duckdb": by_duckdb,
    "eigenlab": by_eigenlab,
}


def judge(case: Case, reading: Reading) -> tuple[bool, bool, bool]:
    """Whether numbers, names and the choice of columns are right."""
    names, columns = reading
    wanted = [list(column) for column in zip(*case.values or [], strict=True)]
    places = []
    for column in wanted:
        start = places[-1] + 1 if places else 0
        place = next((i for i in range(start, len(columns)) if columns[i] == column), None)
        if place is None:
            return False, False, False
        places.append(place)
    named = case.names is None or [names[place] for place in places] == case.names
    return True, named, named and len(columns) == len(wanted)


def main() -> None:
    warnings.simplefilter("ignore")
    cases = [case for case in CASES if case.values and not case.options]
    found = {}
    print(f"{len(cases)} files           read  named  exact")
    for name, reader in READERS.items():
        marks = {case.name: attempt(case, reader) for case in cases}
        counts = [sum(column) for column in zip(*marks.values(), strict=True)]
        print(f"{name:<18}" + "".join(f"{count:7d}" for count in counts))
        failed = [case for case, mark in marks.items() if not mark[1]]
        found[name] = dict(zip(("read", "named", "exact"), counts, strict=True)) | {
            "failed": failed
        }
    store("table_readers", {"files": len(cases), "readers": found})


def attempt(case: Case, reader: Callable[[Path], Reading]) -> tuple[bool, bool, bool]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(case.content)
        try:
            return judge(case, reader(path))
        except ModuleNotFoundError:
            raise
        except BaseException as error:  # polars panics with a BaseException
            if isinstance(error, KeyboardInterrupt):
                raise
            return False, False, False


if __name__ == "__main__":
    main()
