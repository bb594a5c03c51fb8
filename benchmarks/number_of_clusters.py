"""How many clusters ``n_clusters="auto"`` finds, beside the eigengap heuristic and HDBSCAN.

    python benchmarks/number_of_clusters.py [--seeds 3]

Data: scikit-learn's comparison of clusterings (moons, circles, stretched and varied blobs), blobs
of two to six on a circle, the course's blobs, iris, wine (standardised), digits, and four sets
without clusters. Seeds draw the points anew (of the real data sets: only the solver's random
start). Each method has its defaults; the eigengap heuristic takes the widest gap of the
self-tuning graph (U. von Luxburg, 2007; L. Zelnik-Manor and P. Perona, 2004). HDBSCAN's noise is a
group of its own.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from eigenlab.graphs import (
    SpectralClustering,
    self_tuning_affinity,
    stretched_blobs,
    symmetric_normalize,
    top_singular_vectors,
)

Data = tuple[NDArray[np.float64], NDArray[np.int64]]
RESULTS = Path(__file__).parent / "results" / "number_of_clusters.json"
SHEAR = np.array([[0.6, -0.6], [-0.4, 0.8]])
CENTERS = datasets.make_blobs(3, random_state=170, return_centers=True)[2]


def on_a_circle(k: int, seed: int) -> Data:
    angle = 2 * np.pi * np.arange(k) / k
    centers = 3 / np.sin(np.pi / k) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return datasets.make_blobs(80 * k, centers=centers, cluster_std=1.0, random_state=seed)


def ring(seed: int) -> Data:
    random = np.random.default_rng(seed)
    angle = random.uniform(0, 2 * np.pi, 400)
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + 0.05 * random.normal(size=(400, 2)), np.zeros(400, dtype=int)


def battery(seed: int) -> Iterator[tuple[str, Data]]:
    random, none = np.random.default_rng(seed), np.zeros(400, dtype=int)
    yield "moons", datasets.make_moons(400, noise=0.05, random_state=seed)
    yield "moons, noise 0.1", datasets.make_moons(1000, noise=0.1, random_state=seed)
    yield "circles", datasets.make_circles(400, noise=0.05, factor=0.5, random_state=seed)
    for k in range(2, 7):
        yield f"{k} blobs", on_a_circle(k, seed)
    X, y = datasets.make_blobs(500, centers=CENTERS, random_state=seed)
    yield "stretched", (X @ SHEAR, y)
    yield (
        "varied",
        datasets.make_blobs(500, centers=CENTERS, cluster_std=[1.0, 2.5, 0.5], random_state=seed),
    )
    yield "the course's", stretched_blobs(1000, random_state=170 + seed)
    yield "iris", datasets.load_iris(return_X_y=True)
    X, y = datasets.load_wine(return_X_y=True)
    yield "wine", (StandardScaler().fit_transform(X), y)
    yield "digits", datasets.load_digits(return_X_y=True)
    yield "uniform square", (random.uniform(size=(400, 2)), none)
    yield "uniform rod", (random.uniform(size=(400, 2)) * [10, 0.5], none)
    yield "one Gaussian", (random.normal(size=(400, 2)), none)
    yield "one ring", ring(seed)


def auto(X: NDArray[np.float64], seed: int) -> tuple[int, NDArray[np.int64]]:
    model = SpectralClustering("auto", random_state=seed).fit(X)
    return model.n_clusters_, model.labels_


def eigengap(X: NDArray[np.float64], seed: int) -> tuple[int, NDArray[np.int64]]:
    values = top_singular_vectors(symmetric_normalize(self_tuning_affinity(X)), 13)[0]
    k = int(np.argmax(values[:-1] - values[1:])) + 1
    return k, SpectralClustering(k, gamma="local", random_state=seed).fit_predict(X)


def hdbscan(X: NDArray[np.float64], seed: int) -> tuple[int, NDArray[np.int64]]:
    labels = HDBSCAN(copy=True).fit_predict(X)
    return int(labels.max()) + 1, labels


METHODS: dict[str, Callable[[NDArray[np.float64], int], tuple[int, NDArray[np.int64]]]] = {
    "auto": auto,
    "eigengap": eigengap,
    "HDBSCAN": hdbscan,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(parser.parse_args().seeds)
    warnings.simplefilter("ignore")
    found: dict[str, dict] = {}
    for seed in seeds:
        for name, (X, y) in battery(seed):
            row = found.setdefault(name, {"classes": len(set(y.tolist()))})
            for method, fit in METHODS.items():
                started = time.perf_counter()
                k, labels = fit(X, seed)
                cell = row.setdefault(method, {"k": [], "ari": [], "seconds": []})
                cell["k"].append(k)
                cell["ari"].append(round(adjusted_rand_score(y, labels), 3))
                cell["seconds"].append(round(time.perf_counter() - started, 2))
    print("| data | classes | " + " | ".join(f"{method}: k, ARI" for method in METHODS) + " |")
    print("|---|---:|" + "---|" * len(METHODS))
    for name, row in found.items():
        cells = [
            f"{', '.join(map(str, row[method]['k']))}; {np.mean(row[method]['ari']):.2f}"
            for method in METHODS
        ]
        print(f"| {name} | {row['classes']} | " + " | ".join(cells) + " |")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
