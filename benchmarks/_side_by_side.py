"""Time several ways of doing one thing in turn, A B C A B C ..., and store every sample.

Alternating makes a drift of the machine's speed fall on all of them alike; the ratio is taken
round by round. A short pause lets the threads of the way before go to sleep.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
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


def nothing() -> None:
    """What a CPU needs to have finished its work: it already has."""


def alternate(
    ways: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 15,
    inner_seconds: float = 0.02,
    pause: float = PAUSE,
    synchronise: Callable[[], object] = nothing,
) -> dict[str, list[float]]:
    """Milliseconds per call of each way, one sample per round, after a warm-up of every way.

    Calls shorter than ``inner_seconds`` are repeated within a sample. ``synchronise`` waits for the
    device before the clock is read.
    """

    def seconds(way: Callable[[], object], calls: int) -> float:
        synchronise()
        begin = time.perf_counter()
        for _ in range(calls):
            way()
        synchronise()
        return time.perf_counter() - begin

    repeats = {}
    for name, way in ways.items():
        way()
        repeats[name] = max(1, round(inner_seconds / max(seconds(way, 1), 1e-7)))
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            time.sleep(pause)
            samples[name].append(1e3 * seconds(way, repeats[name]) / repeats[name])
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


def accelerator() -> dict[str, Any] | None:
    """Name, memory, driver and libraries of the current GPU, or None without CUDA."""
    if not torch.cuda.is_available():
        return None
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {
        "name": properties.name,
        "memory_gib": round(properties.total_memory / 2**30, 1),
        "capability": f"{properties.major}.{properties.minor}",
        "driver": _driver_version(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _driver_version() -> str | None:
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, "--query-gpu=driver_version", "--format=csv,noheader", "--id=0"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def store(name: str, content: Mapping[str, Any], path: Path | None = None) -> None:
    """Write ``results/<name>.json``, or ``path``, with the machine, versions and source revision.

    A GPU is named with its driver and libraries where there is one.
    """
    path = RESULTS / f"{name}.json" if path is None else path
    machine = {**environment(), "accelerator": accelerator()}
    record = {"benchmark": name, "environment": machine, **content}
    write_atomic(path, dump_json(record, indent=None) + "\n")
    print(f"\nstored {path}: {len(json.dumps(record, default=str))} bytes")
