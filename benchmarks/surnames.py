"""Surname classifiers on both protocols, five seeds: accuracy, macro-F1, calibration, time.

    EIGENLAB_DATA=<folder with names/> python benchmarks/surnames.py

Every finished run is stored at once in ``benchmarks/results/surnames.json``; a second call
continues where the first stopped, ``--fresh`` starts again. Timed in each run: splitting,
encoding, training and calibration; outside: imports, reading the files, testing. The wall time
depends on what else the machine does, the processor time (of one thread, by default) hardly.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from eigenlab.data import load_names, path
from eigenlab.experiments.surnames.config import SurnamesConfig
from eigenlab.experiments.surnames.records import BEST, MAJORITY, NGRAMS, PROTOCOLS, RNN
from eigenlab.experiments.surnames.training import fit, take
from eigenlab.files import dump_json, read_json, write_atomic
from eigenlab.lab import environment
from eigenlab.names import evaluate, split_names

RESULTS = Path(__file__).parent / "results" / "surnames.json"
CONFIG = SurnamesConfig(data="names", device="cpu")
#: Test parts of seeds 0 and 1 were looked at while settings were chosen; these never were.
FIRST_SEED = 10


def measure(protocol: str, model: str, seed: int) -> dict[str, Any]:
    pairs = load_names("names")
    everything = [name for name, _ in pairs], [language for _, language in pairs]
    wall, cpu = time.perf_counter(), time.process_time()
    split = split_names(protocol, everything[0], seed=seed)
    train, (test, true) = (take(everything, part.tolist()) for part in split)
    classifier = fit(model, CONFIG, train, seed=seed)
    seconds = {"wall": time.perf_counter() - wall, "processor": time.process_time() - cpu}
    classes = [str(label) for label in classifier.classes_]
    measured = evaluate(classifier.predict_proba(test), classes, true)
    kept = ("names", "accuracy", "macro_f1", "nll", "calibration_error")
    return {
        "protocol": protocol,
        "model": model,
        "seed": seed,
        "threads": torch.get_num_threads(),
        "seconds": seconds,
        **{key: measured[key] for key in kept},
        "recall": {label: row["recall"] for label, row in measured["recall"].items()},
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| split | model | seeds | accuracy (%) | macro-F1 (%) | NLL | ECE | processor s |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|---:|")
    for protocol in PROTOCOLS:
        for model in (MAJORITY, NGRAMS, RNN, BEST):
            chosen = [r for r in rows if (r["protocol"], r["model"]) == (protocol, model)]
            if not chosen:
                continue
            cells = [spread([100 * r[key] for r in chosen]) for key in ("accuracy", "macro_f1")]
            cells += [
                f"{fmean(r[key] for r in chosen):.3f}" for key in ("nll", "calibration_error")
            ]
            cells.append(f"{fmean(r['seconds']['processor'] for r in chosen):.0f}")
            lines.append(f"| {protocol} | {model} | {len(chosen)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def spread(values: list[float]) -> str:
    return f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--models", nargs="*", default=[MAJORITY, RNN, BEST, NGRAMS])
    parser.add_argument("--protocols", nargs="*", default=PROTOCOLS)
    parser.add_argument("--fresh", action="store_true", help="forget the stored runs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results = arguments.results
    torch.set_num_threads(arguments.threads)
    if path("names") is None:
        print("skipped: no real surnames; `eigenlab data fetch names` or set EIGENLAB_DATA")
        return
    rows = read_json(results)["rows"] if results.exists() and not arguments.fresh else []
    done = {(r["protocol"], r["model"], r["seed"]) for r in rows}
    first = arguments.first_seed
    for seed in range(first, first + arguments.seeds):
        for protocol in arguments.protocols:
            for model in arguments.models:
                if (protocol, model, seed) in done:
                    continue
                rows.append(measure(protocol, model, seed))
                print(rows[-1], flush=True)
                stored = {"environment": environment(), "epochs": CONFIG.epochs, "rows": rows}
                write_atomic(results, dump_json(stored))
    print(table(rows))


if __name__ == "__main__":
    main()
