"""Every check of every claim as a row, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from eigenlab.lab import Result

COLUMNS = (
    "experiment",
    "claim",
    "outcome",
    "documented",
    "quantity",
    "measured",
    "relation",
    "expected",
    "tolerance",
    "unit",
    "holds",
    "seeds",
    "reason",
)


def check_rows(results: Iterable[Result]) -> list[dict[str, Any]]:
    """One row per check, and one for each claim without checks; keys are :data:`COLUMNS`.

    Args:
        results: results of runs, in the order of the rows.
    """
    rows = []
    for result in results:
        for claim in result.claims:
            head = {
                "experiment": result.experiment.name,
                "claim": claim.id,
                "outcome": claim.outcome.value,
                "documented": result.experiment.claim(claim.id).documented.value,
                "seeds": claim.seeds,
                "reason": claim.reason,
            }
            checks = [
                {
                    "quantity": check.label,
                    "measured": check.measured,
                    "relation": check.relation,
                    "expected": check.expected,
                    "tolerance": check.tolerance,
                    "unit": check.unit,
                    "holds": check.holds,
                }
                for check in claim.checks
            ]
            rows += [{**head, **check} for check in checks or [{}]]
    return rows


def to_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as comma-separated values with a header; numbers keep every digit."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
