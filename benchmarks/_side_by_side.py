"""Time several ways of doing one thing in turn, A B C A B C ..., and store every sample.

Alternating makes a drift of the machine's speed fall on all of them alike; the ratio is taken
round by round. A short pause lets the threads of the way before go to sleep.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from eigenlab.files import dump_json, write_atomic
from eigenlab.lab import environment

PAUSE = 0.2
"""Seconds between two ways: idle threads of the one before spin for a while and take the cores."""

RESULTS = Path(__file__).parent / "results"


def alternate(
    ways: Mapping[str, Callable[[], object]], *, rounds: int = 15, inner_seconds: float = 0.02
) -> dict[str, list[float]]:
    """Milliseconds per call of each way, one sample per round, after a warm-up of every way.

    Calls shorter than ``inner_seconds`` are repeated within a sample.
    """
    repeats = {}
    for name, way in ways.items():
        way()
        begin = time.perf_counter()
        way()
        once = time.perf_counter() - begin
        repeats[name] = max(1, round(inner_seconds / max(once, 1e-7)))
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            time.sleep(PAUSE)
            begin = time.perf_counter()
            for _ in range(repeats[name]):
                way()
            samples[name].append(1e3 * (time.perf_counter() - begin) / repeats[name])
    return samples


def summarise(samples: Mapping[str, list[float]], reference: str) -> dict[str, Any]:
    """Median, quartiles and the median of the round-by-round ratio to ``reference``."""
    rows = {}
    for name, values in samples.items():
        low, median, high = statistics.quantiles(values, n=4)
        ratios = [a / b for a, b in zip(values, samples[reference], strict=True)]
        rows[name] = {
            "median_ms": median,
            "quartiles_ms": [low, high],
            "ratio": statistics.median(ratios),
            "samples_ms": values,
        }
    return rows


def peak_gflops(size: int = 1536) -> float:
    """Float32 GFLOP/s of one large matrix product here: the rate no kernel will beat."""
    a = torch.randn(size, size)
    samples = alternate({"gemm": lambda: a @ a}, rounds=9)["gemm"]
    return 2 * size**3 / (min(samples) * 1e6)


def show(title: str, rows: Mapping[str, Any], reference: str, limit_ms: float | None) -> None:
    print(f"\n{title}" + (f"   (FLOP limit {limit_ms:.3f} ms)" if limit_ms else ""))
    for name, row in rows.items():
        low, high = row["quartiles_ms"]
        distance = f"  {row['median_ms'] / limit_ms:6.1f} x limit" if limit_ms else ""
        print(
            f"  {name:34s} {row['median_ms']:9.3f} ms  [{low:.3f}, {high:.3f}]"
            f"  {row['ratio']:6.2f} x {reference}{distance}"
        )


def store(name: str, content: Mapping[str, Any]) -> None:
    """Write ``results/<name>.json`` with the machine, versions and source revision."""
    record = {"benchmark": name, "environment": environment(), **content}
    write_atomic(RESULTS / f"{name}.json", dump_json(record, indent=None) + "\n")
    print(f"\nstored {RESULTS / f'{name}.json'}: {len(json.dumps(record, default=str))} bytes")
