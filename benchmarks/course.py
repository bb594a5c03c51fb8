"""Store what a run of every experiment found: the numbers that the pages of docs/ quote.

Runs `eigenlab reproduce` on the real data (EIGENLAB_DATA), or reads the folder of a report or of
one run, and stores each claim's measured numbers, each table and the metrics.
results/stacking_full.json is `eigenlab run stacking-design --preset full --n-seeds 1`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from _side_by_side import store
from eigenlab.lab import Result
from eigenlab.report import collect


def spectra(result: Result) -> dict[str, list[float]]:
    """Leading singular values of M and S of question 5, which no table shows."""
    return {
        matrix: list(spectrum["values"][:5])
        for record in result.records.values()
        for matrix, spectrum in getattr(record, "plain", dict)().get("spectra", {}).items()
        if isinstance(spectrum, dict) and "participation" in spectrum
    }


def reproduced(report: Path) -> Path:
    command = [sys.executable, "-m", "eigenlab", "reproduce", "--resume", "--out", str(report)]
    subprocess.run(command, check=True)
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("report", type=Path, nargs="?", help="a run or a report; default: run all")
    parser.add_argument("--name", default="course", help="of the file in results/")
    arguments = parser.parse_args()
    experiments = {}
    for run in collect(arguments.report or reproduced(Path("report"))):
        result = run.result
        experiments[run.experiment.name] = {
            "status": result.status,
            "config": result.config.model_dump(mode="json"),
            "claims": {
                claim.id: {
                    "outcome": claim.outcome.value,
                    "measured": {check.label: check.measured for check in claim.checks},
                }
                for claim in result.claims
            },
            "tables": {
                table.name: dict(zip(("columns", "rows"), table(record), strict=True))
                for table in run.experiment.tables
                if (record := result.record(table.record)) is not None
            },
            "metrics": result.metrics,
            "spectra": spectra(result),
        }
    store(arguments.name, {"experiments": experiments})


if __name__ == "__main__":
    main()
