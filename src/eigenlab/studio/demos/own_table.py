"""The columns of a table that a reader has uploaded."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenlab.data.tables import read_table
from eigenlab.errors import InputError

#: Values beyond are refused: their squares and products would lose all digits.
LARGEST = 1e100


def read_columns(
    content: str, columns: str, *, setting: str
) -> tuple[NDArray[np.float64], list[str]]:
    """The numbers of some columns, and the names of these columns.

    Args:
        content: the text of the table, CSV or a relative.
        columns: names or numbers from 1, separated by commas; ``""`` chooses the columns of
            numbers.
        setting: name of the setting that chooses them, for messages.

    Returns:
        (rows, columns) numbers, NaN where a value is missing, and the names.

    Raises:
        InputError: there is no table, it cannot be read, or a cell of a column is no number or
            too large.

    >>> read_columns("x,y\\n1,2\\n3,4\\n", "y", setting="columns")
    (array([[2.],
           [4.]]), ['y'])
    """
    if not content.strip():
        raise InputError("table is empty; give rows such as x,y and below 1.5,2")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table"
        file.write_text(content, encoding="utf-8")
        try:
            table = read_table(file, encoding="utf-8")
            chosen = table.select(columns if columns.strip() else None)
            values = table.numbers(chosen, missing="nan")
        except InputError as error:
            message = str(error).replace(str(file), "the table").replace("--columns", setting)
            raise InputError(message) from None
    if (np.abs(values) > LARGEST).any():
        raise InputError(f"the table holds a number beyond {LARGEST:g}; rescale its columns")
    return values, [table.names[c] if table.names else f"column {c + 1}" for c in chosen]


def as_text(name: str) -> str:
    """A name without the signs that a picture would take for markup.

    Args:
        name: of a column.

    >>> as_text("<b>height</b>")
    '‹b›height‹/b›'
    """
    return name[:40].replace("<", "‹").replace(">", "›").replace("&", "+").replace("$", "S")
