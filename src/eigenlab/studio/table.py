"""The numbers of a figure as CSV."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np


def figure_csv(figure: dict[str, Any]) -> str:
    """One row for each number drawn: the trace's name, x, y, and the value of a heat map's cell.

    Args:
        figure: ``data`` and ``layout`` as JSON.

    >>> print(figure_csv({"data": [{"name": "loss", "x": [1, 2], "y": [0.5, None]}]}), end="")
    trace,x,y,z
    loss,1,0.5,
    loss,2,,
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["trace", "x", "y", "z"])
    for number, trace in enumerate(figure["data"]):
        name = trace.get("name") or f"trace {number + 1}"
        writer.writerows([_safe(name), *map(_cell, row)] for row in _rows(trace))
    return stream.getvalue()


def _rows(trace: dict[str, Any]) -> Iterator[tuple[Any, Any, Any]]:
    x, y, z = (decode(trace.get(key)) for key in "xyz")
    if trace.get("type") in ("heatmap", "contour"):
        values = decode(trace.get("customdata"))
        values = z if values is None else values  # a logarithmic map draws logarithms
        rows = [] if values is None else list(values)
        columns = range(len(rows[0])) if x is None and rows else x
        for label, row in zip(range(len(rows)) if y is None else y, rows, strict=False):
            for column, value in zip(columns, row, strict=False):
                yield column, label, value
        return
    length = max((len(values) for values in (x, y, z) if values is not None), default=0)
    absent = [None] * length
    x = range(length) if x is None else x
    yield from zip(x, absent if y is None else y, absent if z is None else z, strict=False)


def decode(values: Any) -> Any:
    """A list as it is, or the array that plotly's binary form holds.

    Args:
        values: a list, ``{"dtype": ..., "bdata": ...}``, or None.
    """
    if not isinstance(values, dict):
        return values
    array = np.frombuffer(base64.b64decode(values["bdata"]), dtype=np.dtype(values["dtype"]))
    if "shape" in values:
        array = array.reshape([int(size) for size in str(values["shape"]).split(",")])
    return array


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return _safe(value)
    number = value.item() if hasattr(value, "item") else value
    return "" if number is None or (isinstance(number, float) and math.isnan(number)) else number


def _safe(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" else text
