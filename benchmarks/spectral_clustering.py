"""Spectral clustering of the course's blobs, from 10^3 to 10^7 points, beside scikit-learn.

The graph is complete: A_ij = exp(-7.5 ||x_i - x_j||^2) for every pair. Compared:

- ``sklearn.cluster.SpectralClustering(affinity="rbf")``, which stores A (too large for large n);
- ``eigenlab.graphs.SpectralClustering(affinity="rbf")`` with its defaults.

Three parts: (1) fits of 2,000 and 10,000 points in turn in one process, imports and data not
timed; (2) one fresh process per size, which gives peak memory above what imports and data take,
the time of ``fit``, adjusted Rand index and residuals, and of which the last part (3) times the
stages, fits a cost model, and predicts 10^7 and 10^8 points on 16 and 256 machines like this one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from sklearn.cluster import SpectralClustering as SklearnClustering
from sklearn.metrics import adjusted_rand_score

from _side_by_side import alternate, store, summarise
from eigenlab.graphs import SpectralClustering, assign_labels, stretched_blobs
from eigenlab.graphs.compressed import CompressedProblem
from eigenlab.graphs.extension import scale_rows
from eigenlab.graphs.fourier import FourierGraph
from eigenlab.graphs.graph import NormalizedOperator
from eigenlab.graphs.tiled import TiledGraph
from eigenlab.spectrum import top_eigenpairs

GAMMA, CLUSTERS = 7.5, 3


def ours() -> SpectralClustering:
    return SpectralClustering(CLUSTERS, gamma=GAMMA, random_state=0)


def sklearns() -> SklearnClustering:
    return SklearnClustering(CLUSTERS, gamma=GAMMA, random_state=0)


def in_turn(n: int, rounds: int) -> dict[str, Any]:
    X, truth = stretched_blobs(n)
    ways = {"scikit-learn": lambda: sklearns().fit(X), "eigenlab": lambda: ours().fit(X)}
    rows = summarise(alternate(ways, rounds=rounds), "scikit-learn")
    for name, way in ways.items():
        rows[name]["ari"] = adjusted_rand_score(truth, way().labels_)
        row = rows[name]
        print(
            f"{n:>9} {name:13s} {row['median_ms']:10.1f} ms  {row['ratio']:.4f} x"
            f"  ARI {row['ari']:.4f}"
        )
    if n <= 2000:
        rows["labels equal to the dense SVD's"] = bool(
            adjusted_rand_score(dense_labels(X), ours().fit(X).labels_) == 1
        )
        print("labels equal to the dense SVD's:", rows["labels equal to the dense SVD's"])
    return rows


def dense_labels(X: np.ndarray) -> np.ndarray:
    """The course's route: a full SVD of the dense stochastic matrix, then k-means."""
    from sklearn.cluster import KMeans

    from eigenlab.graphs import rbf_affinity, stochastic_normalize, symmetric_normalize

    S = np.asarray(stochastic_normalize(symmetric_normalize(rbf_affinity(X, GAMMA))))
    left, _, _ = np.linalg.svd(S)
    return KMeans(CLUSTERS, n_init=10, random_state=0).fit_predict(left[:, :CLUSTERS])


def one(who: str, n: int) -> dict[str, Any]:
    """One cold fit; run in a process of its own."""
    X, truth = stretched_blobs(n)
    warm = ours() if who == "eigenlab" else sklearns()
    warm.fit(X[:1000])
    # A fresh peak: what importing and drawing the data needed is not the method's.
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    before = peak_of_status()
    model = ours() if who == "eigenlab" else sklearns()
    begin = time.perf_counter()
    model.fit(X)
    seconds = time.perf_counter() - begin
    row = {
        "who": who,
        "n": n,
        "seconds": seconds,
        "extra_mib": peak_of_status() - before,
        "process_mib": peak_of_status(),
        "ari": adjusted_rand_score(truth, model.labels_),
    }
    if who == "eigenlab":
        row |= {
            "kind": model.representation_,
            "largest_residual": float(np.max(model.residuals_)),
            "singular_values": model.singular_values_.tolist(),
        }
    return row


def peak_of_status() -> float:
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def in_its_own_process(who: str, n: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", who, str(n)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    row: dict[str, Any] = json.loads(output.splitlines()[-1])
    print(
        f"{n:>9} {who:13s} {row['seconds']:8.2f} s {row['extra_mib']:9.0f} MiB more"
        f"  ARI {row['ari']:.4f}  residual {row.get('largest_residual', float('nan')):.1e}"
    )
    return row


def stages(n: int) -> dict[str, float]:
    """Seconds of each stage of the Fourier route."""
    X, _ = stretched_blobs(n)
    times, last = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal last
        now = time.perf_counter()
        times[name], last = now - last, now

    graph = FourierGraph(X, GAMMA)
    whole = NormalizedOperator(graph, "stochastic")
    lap("degrees")
    problem = CompressedProblem(whole, graph.coarsened(1e-8))
    lap("compress")
    pairs = top_eigenpairs(problem, CLUSTERS, metric=problem.inner, tol=2.5e-7)
    lap("solve")
    vectors = problem.lift(pairs.vectors)
    lap("lift")
    whole.matmat(vectors)
    lap("measure")
    rows = scale_rows(np.linalg.qr(vectors)[0], "stochastic", float(np.sqrt(n)))
    assign_labels(rows, CLUSTERS, random_state=0)
    lap("labels")
    return times


def cost_model(sizes: list[int], cold: list[dict[str, Any]]) -> dict[str, Any]:
    """Seconds and memory of n points on P machines like this one, from what one of them took.

    Fourier form: t = fixed + solve + (shared / P + alone) n + gather. Transforms are shared;
    clustering the rows of the embedding is not. Every machine knows all points and vectors, so its
    memory is that of one machine alone, at most. Tiles: n^2 / P kernel values and one gather for
    each product.
    """
    rows = {n: stages(n) for n in sizes}
    for n, row in rows.items():
        print(f"{n:>9} " + "  ".join(f"{name} {value:.3f} s" for name, value in row.items()))
    solve = statistics.median(row["solve"] for row in rows.values())
    transforms = [
        sum(value for name, value in row.items() if name not in {"solve", "labels"})
        for row in rows.values()
    ]
    shared, fixed = np.polyfit(sizes, transforms, 1)
    alone = np.polyfit(sizes, [row["labels"] for row in rows.values()], 1)[0]
    large = [row for row in cold if row["who"] == "eigenlab" and row["n"] >= 10**5]
    per_point_mib, base_mib = np.polyfit(
        [row["n"] for row in large], [row["process_mib"] for row in large], 1
    )
    X, _ = stretched_blobs(8000)
    tiled, block = TiledGraph(X, GAMMA), np.ones((8000, 2))
    begin = time.perf_counter()
    tiled.matmat(block)
    per_pair = (time.perf_counter() - begin) / 8000**2
    bandwidth = 1.25e9  # bytes a second between machines: 10 Gbit/s
    predictions = {}
    for n in (10**7, 10**8):
        for machines in (1, 16, 256):
            gathered = n * 8 / bandwidth * (machines > 1)
            predictions[f"{n:.0e} on {machines}"] = {
                "fourier_s": max(fixed, 0)
                + solve
                + (shared / machines + alone) * n
                + (2 * CLUSTERS + 1) * gathered,
                "gib": (base_mib + per_point_mib * n) / 1024,
                "tiled_product_s": per_pair * n**2 / machines + 2 * gathered,
            }
    for name, row in predictions.items():
        print(name, {key: float(f"{value:.3g}") for key, value in row.items()})
    return {
        "stages_s": {str(n): row for n, row in rows.items()},
        "shared_s_per_point": shared,
        "alone_s_per_point": alone,
        "fixed_s": fixed,
        "solve_s": solve,
        "mib_per_point": per_point_mib,
        "base_mib": base_mib,
        "tiled_s_per_pair": per_pair,
        "predictions": predictions,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=2, metavar=("WHO", "N"), help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="no more than 100,000 points")
    arguments = parser.parse_args()
    if arguments.one:
        who, n = arguments.one
        print(json.dumps(one(who, int(n))))
        return
    turns = {"2000": in_turn(2000, rounds=9)}
    if not arguments.quick:
        turns["10000"] = in_turn(10_000, rounds=3)
    sizes = [10**3, 2 * 10**3, 10**4, 10**5] + ([] if arguments.quick else [10**6, 10**7])
    cold = [in_its_own_process("eigenlab", n) for n in sizes for _ in range(3 if n < 10**7 else 1)]
    cold += [in_its_own_process("scikit-learn", n) for n in (1000, 10_000)]
    medians = {
        n: statistics.median(r["seconds"] for r in cold if r["n"] == n and r["who"] == "eigenlab")
        for n in sizes
    }
    slope = np.polyfit(np.log(list(medians)), np.log(list(medians.values())), 1)[0]
    print("growth, log-log slope:", round(float(slope), 3))
    sizes = [10**5, 3 * 10**5] + ([] if arguments.quick else [10**6, 3 * 10**6])
    model = cost_model(sizes, cold)
    store(
        "spectral_clustering",
        {"in_turn": turns, "cold": cold, "log_log_slope": slope, "cost_model": model},
    )


if __name__ == "__main__":
    main()
