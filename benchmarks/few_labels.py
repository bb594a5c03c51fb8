"""Accuracy with few labels on features learned without labels: MNIST, ten encoders.

    EIGENLAB_DATA=<folder with mnist/> python benchmarks/few_labels.py [--folder RUN]

Runs ``eigenlab run few-label-probe --preset full`` (five seeds, two draws of the labelled images
each; about 40 minutes on two cores) in ``--folder``, where an interrupted run continues, and stores
every test accuracy and the seconds that each training took. Timed: the training of one
autoencoder. Settings were chosen on validation images; test images are read once, at the end.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _side_by_side import store
from eigenlab.cli.terminal import TerminalReporter, output
from eigenlab.data import path
from eigenlab.experiments import load_experiment
from eigenlab.lab import run

FOLDER = Path(tempfile.gettempdir()) / "eigenlab-few-labels"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="the run folder")
    arguments = parser.parse_args()
    if path("mnist") is None:
        print("skipped: no MNIST; `eigenlab data fetch mnist` or set EIGENLAB_DATA")
        return
    experiment = load_experiment("few-label-probe")
    config = experiment.config.from_preset("full")
    with TerminalReporter(experiment.name, output()) as reporter:
        result = run(experiment, config, reporter=reporter, folder=arguments.folder, resume=True)
    content = {}
    for table in experiment.tables:
        record = result.record(table.record)
        if record is None:
            continue
        columns, rows = table.rows(record)
        print(f"\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
        print("\n".join(f"| {' | '.join(map(str, row))} |" for row in rows))
        kept = {"probes", "n_updates", "training_seconds", "n_threads"}
        content[table.name] = record.model_dump(include=kept)
    for claim in result.claims:
        checks = (f"{check.label} {check.measured:.4f}" for check in claim.checks)
        print(claim.id, claim.outcome.value, *checks, sep="  ")
    store("few_labels", content)


if __name__ == "__main__":
    main()
