"""How the records of ``gradient-flow`` decide its claims."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from eigenlab.experiments._intervals import worst
from eigenlab.lab import Check, above, at_most, below, close
from eigenlab.lab.claim import Record

#: Relative to the largest entry. A central difference with step 1e-5 is off by some 2e-11 of the
#: loss, and the largest term of a lower LSTM layer may be a mere 1e-4 of the loss.
NUDGE_TOLERANCE = 1e-6
#: Relative, float64. A product of n matrices rounds n times: 400 steps x 32 terms x 1e-16 ~ 1e-12,
#: and the condition number of the eigenvectors (up to a few thousand) may multiply it.
CLOSED_FORM_TOLERANCE = 1e-8
#: Nats per step, at the longest distance (at least 199 steps). Theory leaves ln(condition
#: number)/n, about 0.03 at n = 200.
RATE_TOLERANCE = 0.05
#: A gradient vanishes when the first step gets less than a thousandth of what the last step gets,
#: and explodes when it gets more than a thousandfold.
DECADES = 3.0
ERRORS = ("states", "terms", "sums")


def judge_states(record: Record) -> list[Check]:
    """Traced dL/dh_t against nudged ones, per architecture."""
    return _judge_rows(record, "states", "dL/dh_t")


def judge_terms(record: Record) -> list[Check]:
    """Terms of dL/dW per step against nudging the weight at that step alone."""
    return _judge_rows(record, "terms", "terms of dL/dW")


def judge_sums(record: Record) -> list[Check]:
    """Sums of the terms against the gradient of the whole."""
    return _judge_rows(record, "sums", "sum of the terms")


def _judge_rows(record: Record, key: str, words: str) -> list[Check]:
    return [
        at_most(
            f"{words}, {name}: largest relative difference",
            worst(row[key] for row in record["rows"] if row["network"] == name),
            NUDGE_TOLERANCE,
        )
        for name in dict.fromkeys(row["network"] for row in record["rows"])
    ]


def judge_closed_form(record: Record) -> list[Check]:
    """Traced gradient against 2 (y_hat - y) W_f W_h^(T-t)."""
    return [
        at_most(
            f"spectral radius {radius:g}: largest relative difference",
            worst(network["closed_form_error"] for network in networks),
            CLOSED_FORM_TOLERANCE,
        )
        for radius, networks in by_radius(record)
    ]


def by_radius(record: Record) -> list[tuple[float, list[Any]]]:
    """The networks of each spectral radius."""
    radii = sorted({network["radius"] for network in record["networks"]})
    return [(r, [n for n in record["networks"] if n["radius"] == r]) for r in radii]


def judge_rate(record: Record) -> list[Check]:
    """The rate at the longest distance, its approach, and the proven envelope at every distance."""
    distances = record["distances"]
    eighth = distances.index(distances[-1] // 8)
    checks = [
        at_most(
            f"spectral radius {radius:g}: |rate - ln rho| at distance {distances[-1]}",
            worst(abs(n["rates"][-1] - math.log(radius)) for n in networks),
            RATE_TOLERANCE,
            unit="nats per step",
        )
        for radius, networks in by_radius(record)
    ]
    near, far = (
        math.fsum(abs(n["rates"][place] - math.log(n["radius"])) for n in record["networks"])
        for place in (eighth, -1)
    )
    outside = worst(_excess(network, distances) for network in record["networks"])
    return [
        *checks,
        at_most("mean error at the longest distance over that at an eighth of it", far / near, 0.5),
        at_most("farthest outside the proven envelope", outside, 1e-6, unit="nats"),
    ]


def _excess(network: Any, distances: Sequence[int]) -> float:
    """How far n (rate - ln rho) leaves the envelope anywhere."""
    drift = [
        d * (rate - math.log(network["radius"]))
        for d, rate in zip(distances, network["rates"], strict=True)
    ]
    return worst([0.0, *(network["log_low"] - x for x in drift)]
                 + [x - network["log_high"] for x in drift])  # fmt: skip


def judge_fate(record: Record) -> list[Check]:
    """Vanished, exploded or stable at the first step."""
    checks = []
    for radius, networks in by_radius(record):
        decades = [math.log10(n["gradient_norms"][0] / n["gradient_norms"][-1]) for n in networks]
        label = f"spectral radius {radius:g}: log10 |dL/dh_1| / |dL/dh_T|"
        if radius < 1:
            checks.append(below(f"{label}, largest", worst(decades), -DECADES, unit="decades"))
        elif radius > 1:
            checks.append(
                above(f"{label}, smallest", -worst(-d for d in decades), DECADES, unit="decades")
            )
        else:
            farthest = worst(abs(d) for d in decades)
            checks.append(close(f"{label}, farthest from 0", farthest, 0.0, tolerance=DECADES,
                                unit="decades"))  # fmt: skip
    return checks


def judge_bound(record: Record) -> list[Check]:
    """The gradient never exceeds the product of the Jacobians' norms."""
    return [
        at_most(
            f"{name}: largest |dL/dh_t| over its bound",
            worst(
                norm / bound if bound > 0 else norm
                for norm, bound in zip(case["gradient_norms"], case["bound"], strict=True)
            ),
            1 + 1e-9,
        )
        for name, case in record["bounds"].items()
    ]


def table_nudges(record: Record) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
    """Largest differences per architecture."""
    names = list(dict.fromkeys(row["network"] for row in record["rows"]))
    return ("network", "dL/dh_t", "terms of dL/dW", "sum of the terms"), [
        [n, *(worst(r[k] for r in record["rows"] if r["network"] == n) for k in ERRORS)]
        for n in names
    ]


def metrics(flow: Record) -> dict[str, float]:
    """The numbers of the chosen network worth comparing between runs."""
    network = next(iter(flow["networks"].values()))
    first, last = network["gradient_norms"][0], network["gradient_norms"][-1]
    return {
        "spectral_radius": network["spectral_radius"],
        "log10_gradient_first_over_last": math.log10(first / last) if first > 0 else -math.inf,
        "largest_lyapunov_exponent": network["lyapunov_exponents"][0],
    }
