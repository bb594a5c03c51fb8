"""The grades of a class as a table and as JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eigenlab.files import dump_json, write_atomic
from eigenlab.grading.file_check import LEFT_OUT, FileReport


def write(out: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write ``grades.csv`` and ``grades.json`` into a folder."""
    rows = [row(record) for record in records]
    write_atomic(out / "grades.csv", as_csv(rows).encode(errors="replace"))
    write_atomic(out / "grades.json", (dump_json(rows) + "\n").encode(errors="replace"))


def row(record: Mapping[str, Any]) -> dict[str, Any]:
    """What counts of a record: who, the score, and each part's score and status.

    A submission that could not be graded has no score, which is not a score of 0.
    """
    found = {**record["student"], "status": record["status"], "problem": record["problem"]}
    if record["report"] is None:
        return {**found, "file": "", "score": None, "max_score": None, "parts": {}}
    report = FileReport.from_dict(record["report"])
    parts = {
        part.part: {
            "status": part.status,
            "score": None if part.status == LEFT_OUT else part.score,
            "max_score": part.max_score,
            "hint": part.hint,
        }
        for part in report.parts
    }
    scores = {"score": report.score, "max_score": report.max_score}
    return {**found, "file": report.file, **scores, "parts": parts}


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line for each student, with a column for the score of each part.

    >>> print(as_csv([{"key": "ada", "name": "=1+1", "id": "", "status": "graded", "problem": "",
    ...     "file": "a.py", "score": 1.0, "max_score": 1.0, "parts": {"5b": {"score": 1.0}}}]))
    key,name,id,status,score,max_score,5b,file,problem
    ada,'=1+1,,graded,1,1,1,a.py,
    <BLANKLINE>
    """
    parts = sorted({part for row in rows for part in row["parts"]})
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    head, tail = ["key", "name", "id", "status", "score", "max_score"], ["file", "problem"]
    writer.writerow([*head, *parts, *tail])
    for found in rows:
        scores = [found["parts"].get(part, {}).get("score") for part in parts]
        cells = [*(found[name] for name in head), *scores, *(found[name] for name in tail)]
        writer.writerow([_cell(value) for value in cells])
    return stream.getvalue()


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    text = str(value)
    return "'" + text if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
