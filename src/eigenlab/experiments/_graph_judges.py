"""How the records of ``graph-clustering`` decide its claims, and its tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from eigenlab.experiments._graph_measurements import NORMALIZATIONS, VARIANTS
from eigenlab.lab import Check, above, at_least, at_most, below, close
from eigenlab.lab.claim import Record

#: What counts as failing and as separating, in words of the course: one point in ten on the wrong
#: side is a failure, one in a hundred is not.
FAILS, SEPARATES = 0.9, 0.99
ROUNDING = 1e-12


def accuracy(variant: Record) -> float:
    """Share of points in the right cluster under the best naming of clusters."""
    from scipy.optimize import linear_sum_assignment

    table = np.array(variant["confusion"])
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / table.sum())


def judge_raw(record: Record) -> list[Check]:
    """k-means on the points puts more than one in ten into a wrong cluster."""
    found = accuracy(record["variants"]["raw points"])
    return [below("share of points in the right cluster", found, FAILS)]


def judge_affinity(record: Record) -> list[Check]:
    """The graph is complete, weighted and undirected."""
    m, n = record["matrices"], record["n_samples"]
    return [
        close("rows of A", m["affinity_shape"][0], n, tolerance=0),
        close("columns of A", m["affinity_shape"][1], n, tolerance=0),
        at_most("largest |A - A^T|", m["asymmetry"], ROUNDING),
        at_least("least weight", m["least_affinity"], 0.0),
        at_most("largest weight", m["largest_affinity"], 1.0),
        at_most("largest |A_ii - 1|", m["diagonal_error"], ROUNDING),
    ]


def judge_degrees(record: Record) -> list[Check]:
    """D is diagonal and holds the row sums."""
    return [at_most("largest |D - diag(A 1)|", record["matrices"]["degree_error"], ROUNDING)]


def judge_symmetric(record: Record) -> list[Check]:
    """M has largest eigenvalue 1 with eigenvector D^1/2 1."""
    m = record["matrices"]
    return [
        close("largest eigenvalue of M", m["largest_eigenvalue"], 1.0, tolerance=1e-10),
        at_most("|M v - v| for v = sqrt(d) / |sqrt(d)|", m["leading_residual"], 1e-10),
    ]


def judge_better(measure: str) -> Callable[[Record], list[Check]]:
    """Return a judge: M's clusters score above those of the raw points by ``measure``."""

    def judge(record: Record) -> list[Check]:
        variants = record["variants"]
        raw = variants["raw points"][measure]
        return [
            above(
                f"{measure} of M minus that of the points",
                variants["symmetric"][measure] - raw,
                0.0,
            )
        ]

    return judge


def judge_mixed(record: Record) -> list[Check]:
    """One found cluster holds nearly all points of the upper two; the lower is set apart."""
    table = np.array(record["variants"]["symmetric"]["confusion"])
    upper = table[:2].sum(axis=0)
    lower = table[2].max() / table[2].sum()
    return [
        at_least(
            "share of the upper two clusters in one found cluster", upper.max() / upper.sum(), 0.95
        ),
        at_least("share of the lower cluster in another", lower, 0.95),
    ]


def judge_lonely(record: Record) -> list[Check]:
    """M's third vector is one point; S's first three are not, its next one is."""
    symmetric = record["spectra"]["symmetric"]["participation"]
    stochastic = record["spectra"]["stochastic"]["participation"]
    few = record["n_samples"] / 100
    return [
        below("points that share M's third vector", symmetric[2], few, unit="points"),
        above("points that share M's fourth vector", symmetric[3], few, unit="points"),
        above(
            "fewest points that share one of S's first three",
            min(stochastic[:3]),
            few,
            unit="points",
        ),
        below("points that share S's fourth vector", stochastic[3], few, unit="points"),
        below(
            "degree of M's lone point over the median",
            record["lonely_degree"] / record["median_degree"],
            0.1,
        ),
    ]


def judge_lone(record: Record) -> list[Check]:
    """Without vectors of single points nothing fails; with them every normalisation does."""
    checks = []
    for name in NORMALIZATIONS:
        taken, passed = zip(*(row[name] for row in record["rows"]), strict=True)
        checks.append(at_least(f"worst adjusted Rand index, {name}", min(passed), 0.97))
        checks.append(below(f"worst with single points, {name}", min(taken), FAILS))
    return checks


def judge_columns(record: Record) -> list[Check]:
    """S is column-stochastic."""
    m = record["matrices"]
    return [
        at_most("largest |column sum - 1|", m["column_sum_error"], ROUNDING),
        at_least("least entry", m["least_entry_stochastic"], 0.0),
    ]


def judge_separates(variant: str) -> Callable[[Record], list[Check]]:
    """Return a judge: nearly all points are in the right cluster."""

    def judge(record: Record) -> list[Check]:
        found = accuracy(record["variants"][variant])
        return [at_least("share of points in the right cluster", found, SEPARATES)]

    return judge


def judge_starts(record: Record) -> list[Check]:
    """For rows one random start sometimes fails, ten never; for S not even one does."""
    rows, stochastic = record["starts"]["rows"], record["starts"]["stochastic"]
    return [
        below("worst adjusted Rand index of rows, one start", min(rows["one start"]), FAILS),
        at_least("worst adjusted Rand index of rows, ten starts", min(rows["ten starts"]), FAILS),
        at_least("worst of the stochastic matrix, one start", min(stochastic["one start"]), FAILS),
    ]


def judge_gamma(record: Record) -> list[Check]:
    """Over all widths from gamma 4 on, the stochastic matrix separates."""
    rows = [row for row in record["rows"] if row["gamma"] >= 4]
    worst = {name: min(row[name] for row in rows) for name in NORMALIZATIONS}
    return [
        at_least("worst adjusted Rand index of S", worst["stochastic"], FAILS),
        below("worst adjusted Rand index of M", worst["symmetric"], FAILS),
        below("worst adjusted Rand index of rows", worst["rows"], FAILS),
    ]


def judge_walk(record: Record) -> list[Check]:
    """The distance to the end of the walk is bounded by the second eigenvalue."""
    start = record["stationary_at_start"]
    factor = 0.5 * math.sqrt((1 - start) / start)
    excess = max(
        distance - factor * record["second_eigenvalue"] ** step
        for step, distance in zip(record["steps"], record["distance"], strict=True)
    )
    kept = record["mass"][record["steps"].index(100)][1]
    return [
        at_most("largest excess over the bound", excess, 1e-9),
        above("share still in its cluster after 100 steps", kept, 0.5),
        at_most("largest |total probability - 1|", record["total_error"], 1e-9),
    ]


def judge_growth(record: Record) -> list[Check]:
    """The complete graph keeps its clusters as n grows; the neighbour graph loses them."""
    rows = record["rows"]
    complete = [row["complete"] for row in rows]
    both = [row for row in rows if "neighbours" in row]
    first, last = (row["neighbours"]["ari"] for row in (both[0], both[-1]))
    return [
        at_least(
            "worst adjusted Rand index of the complete graph",
            min(row["ari"] for row in complete),
            0.98,
        ),
        at_most("largest residual", max(row["largest_residual"] for row in complete), 1e-6),
        below("that of ten neighbours, change from fewest to most points", last - first, 0.0),
        above("what it then lacks of the complete one", both[-1]["complete"]["ari"] - last, 0.05),
    ]


# ------------------------------------------------------------------------------------- tables

Rows = tuple[Sequence[str], Sequence[Sequence[Any]]]


def table_variants(record: Record) -> Rows:
    """Scores of each variant."""
    columns = ("clustered", "adjusted Rand", "NMI", "homogeneity", "completeness", "accuracy")
    rows = []
    for name in VARIANTS:
        v = record["variants"][name]
        rows.append((name, v["ari"], v["nmi"], v["homogeneity"], v["completeness"], accuracy(v)))
    return columns, rows


def table_starts(record: Record) -> Rows:
    """Random starts of k-means."""
    columns = ("clustered", "one start below 0.9", "worst of one", "worst of ten", "cluster_qr")
    rows = []
    for name in NORMALIZATIONS:
        found = record["starts"][name]
        one = found["one start"]
        low = sum(score < FAILS for score in one)
        rows.append(
            (name, f"{low} of {len(one)}", min(one), min(found["ten starts"]), found["cluster_qr"])
        )
    return columns, rows


def table_lone(record: Record) -> Rows:
    """Adjusted Rand index by number of points, single points taken and passed over."""
    columns = ["points"]
    for name in NORMALIZATIONS:
        columns += [f"{name}, taken", f"{name}, passed over"]
    rows = [
        [row["n"], *(x for name in NORMALIZATIONS for x in row[name])] for row in record["rows"]
    ]
    return columns, rows


def table_shapes(record: Record) -> Rows:
    """Adjusted Rand index, mean (worst) of the draws."""
    columns = ("shape", "gamma", "k-means", *NORMALIZATIONS)
    rows = []
    for shape, found in record["shapes"].items():
        cells = [
            f"{np.mean(found['ari'][name]):.2f} ({min(found['ari'][name]):.2f})"
            for name in ("k-means", *NORMALIZATIONS)
        ]
        rows.append((shape, found["gamma"], *cells))
    return columns, rows


def table_growth(record: Record) -> Rows:
    """Adjusted Rand index and seconds by number of points."""
    columns = ("points", "complete graph", "residual", "seconds", "ten neighbours", "seconds")
    rows = []
    for row in record["rows"]:
        c, k = row["complete"], row.get("neighbours")
        rows.append(
            (
                row["n"],
                c["ari"],
                c["largest_residual"],
                c["seconds"],
                "" if k is None else k["ari"],
                "" if k is None else k["seconds"],
            )
        )
    return columns, rows
