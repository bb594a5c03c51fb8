"""Nearest neighbours: exact where that is affordable, else approximate, with measured recall."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import check_overflow
from eigenlab.graphs.graph import Floats
from eigenlab.graphs.threads import kept_threads, openmp_threads
from eigenlab.reporter import SILENT, Reporter

Method = Literal["auto", "tree", "exact", "approximate"]

MAX_TREE_DIMENSIONS = 10
"""Beyond this a k-d tree visits most of its leaves and a blocked matrix product is faster."""
MAX_EXACT_WORK = 3e11
"""Largest n^2 d for which all pairs are compared: some seconds on two cores."""
PROJECTED_DIMENSIONS = 64
"""Principal components in which candidates are sought."""
SAMPLE = 256
"""Points whose neighbours are found exactly to choose the search; as many others measure it."""
EFFORTS = ((8, 2), (16, 4), (32, 4), (64, 6), (128, 8))
"""(cells visited, candidates per neighbour), tried in turn on the sample."""
ALL_PAIRS_WORK = 5 * 10**9
"""Products of coordinates of a block of queries: less than a second."""
TREE_QUERIES, FAISS_QUERIES = 1000, 10_000
"""Queries of a tree, or of the approximate search, that are answered at a time."""
BLOCK_NUMBERS = 2**23
"""Coordinate differences computed at a time."""


@dataclass(frozen=True)
class Neighbors:
    """The nearest other points of each point, nearest first. A point is not its own neighbour."""

    indices: NDArray[np.int64]
    """(n, k) indices. The order of points at equal distance is not defined, but repeatable."""
    distances: NDArray[np.float64]
    """(n, k) Euclidean distances."""
    method: str
    """The search used: ``tree``, ``exact`` or ``approximate``."""
    recall: float
    """Share of the true neighbours found: 1 for an exact search, else measured on a sample of
    points that was not used to choose the parameters of the search."""


def nearest_neighbors(
    X: Floats,
    n_neighbors: int,
    *,
    method: Method = "auto",
    min_recall: float = 0.97,
    seed: int = 0,
    n_jobs: int | None = None,
    reporter: Reporter = SILENT,
) -> Neighbors:
    """The ``n_neighbors`` nearest other points of each row of ``X``, by Euclidean distance.

    ``tree`` (k-d tree) and ``exact`` (blocked comparison of all pairs) are exact. ``approximate``
    looks for candidates among the points' leading principal components, in the cells of an inverted
    file that lie nearest (faiss), and ranks them by distance in all dimensions; it visits more
    cells and keeps more candidates until a sample of points finds ``min_recall`` of its true
    neighbours, and is exact if that never happens. ``auto`` takes the tree in up to 10 dimensions,
    all pairs while n^2 d is below 3e11, and else the approximate search.

    Args:
        X: (n, d) finite points.
        n_neighbors: number k of neighbours, >= 1; more than n - 1 gives all n - 1 others.
        method: ``"auto"``, ``"tree"``, ``"exact"`` or ``"approximate"``, as above. Default:
            ``"auto"``.
        min_recall: share of true neighbours that an approximate search must find on a sample, in
            (0, 1]. Default: ``0.97``.
        seed: random seed of the samples and the cells. The same seed and number of threads give the
            same neighbours. Default: ``0``.
        n_jobs: threads; None is one, -1 all. Default: ``None``.
        reporter: may stop the search. Default: ``SILENT``.

    Returns:
        Indices, distances, the method used and its recall.

    Raises:
        InputError: an argument is out of range, points are not finite, or faiss is needed and not
            installed.

    >>> near = nearest_neighbors(np.array([[0.0], [1.0], [3.0]]), 1)
    >>> near.indices.ravel(), near.distances.ravel(), near.recall
    (array([1, 0, 1]), array([1., 1., 2.]), 1.0)
    """
    points = _check_points(X)
    n, d = points.shape
    if not isinstance(n_neighbors, int | np.integer) or n_neighbors < 1:
        raise InputError(f"n_neighbors must be a whole number >= 1, not {n_neighbors!r}")
    if not 0 < min_recall <= 1:
        raise InputError(f"min_recall must lie in (0, 1], not {min_recall!r}")
    k = min(int(n_neighbors), n - 1)
    if k == 0:
        return Neighbors(np.empty((n, 0), np.int64), np.empty((n, 0)), "exact", 1.0)
    threads = _threads(n_jobs)
    if method == "auto":
        method = _affordable_method(n, d)
    if method == "tree":
        tree = cKDTree(points)
        found = _by_blocks(
            points,
            TREE_QUERIES,
            lambda own: tree.query(own, k + 1, workers=threads)[1],
            reporter,
        )
        indices = _without_self(found)
        return Neighbors(indices, _distances(points, indices), "tree", 1.0)
    if method == "exact":
        indices = _without_self(_all_pairs(points, points, k + 1, threads, reporter))
        return Neighbors(indices, _distances(points, indices), "exact", 1.0)
    if method == "approximate":
        return _approximate(points, k, min_recall, seed, threads, reporter)
    raise InputError(f"method must be 'auto', 'tree', 'exact' or 'approximate', not {method!r}")


def _check_points(X: Floats) -> Floats:
    points = np.asarray(X)
    if points.ndim != 2 or 0 in points.shape or points.dtype.kind not in "fiub":
        raise InputError(f"X must be a table of numbers (n, d), not {points.dtype} {points.shape}")
    if points.dtype not in {np.dtype(np.float32), np.dtype(np.float64)}:
        points = points.astype(np.float64)
    if not np.isfinite(points).all():
        row = int(np.argwhere(~np.isfinite(points))[0, 0])
        raise InputError(f"X must be finite, but row {row} is not; fill in or drop such rows")
    check_overflow(points)
    return points


def _threads(n_jobs: int | None) -> int:
    if n_jobs is None:
        return 1
    if not isinstance(n_jobs, int | np.integer) or n_jobs == 0:
        raise InputError(f"n_jobs must be None or a whole number other than 0, not {n_jobs!r}")
    return int(n_jobs) if n_jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + int(n_jobs))


def _affordable_method(n: int, d: int) -> Method:
    if d <= MAX_TREE_DIMENSIONS:
        return "tree"
    return "exact" if float(n) * n * d <= MAX_EXACT_WORK else "approximate"


def _without_self(found: NDArray[np.integer]) -> NDArray[np.int64]:
    """From (n, k + 1) neighbours of points 0, 1, ... the (n, k) that are not the point itself."""
    own = found == np.arange(len(found))[:, None]
    # Of k + 1 coinciding points one may be missing from its own list: then drop the last.
    own[~own.any(axis=1), -1] = True
    return found[~own].reshape(len(found), -1).astype(np.int64)


def _distances(points: Floats, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """By differences, so that coinciding points are at distance 0, unlike by expanded squares."""
    distances = np.empty(indices.shape)
    rows = max(1, BLOCK_NUMBERS // (indices.shape[1] * points.shape[1]))
    for first in range(0, len(points), rows):
        block = slice(first, first + rows)
        difference = points[indices[block]] - points[block, None].astype(np.float64, copy=False)
        distances[block] = np.sqrt(np.einsum("nkd,nkd->nk", difference, difference))
    return distances


def _by_blocks(
    queries: Floats,
    step: int,
    search: Callable[[Floats], NDArray[np.integer]],
    reporter: Reporter,
) -> NDArray[np.integer]:
    """The rows that ``search`` finds for the queries, so many at a time."""
    found = []
    for first in range(0, len(queries), max(1, step)):
        reporter.raise_if_cancelled()
        found.append(search(queries[first : first + step]))
    return np.concatenate(found)


def _all_pairs(
    points: Floats, queries: Floats, k: int, threads: int, reporter: Reporter = SILENT
) -> NDArray[np.integer]:
    from sklearn.neighbors import NearestNeighbors

    # Expanded squares lose digits far from the origin.
    centre = points.mean(axis=0)
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points - centre)
    step = max(1, ALL_PAIRS_WORK // points.size)
    with kept_threads(), openmp_threads(threads):
        return _by_blocks(
            queries - centre,
            step,
            lambda own: search.kneighbors(own, return_distance=False),
            reporter,
        )


def _approximate(
    points: Floats, k: int, min_recall: float, seed: int, threads: int, reporter: Reporter
) -> Neighbors:
    if importlib.util.find_spec("faiss") is None:
        raise InputError(
            "approximate neighbours need faiss: pip install 'eigenlab[scale]'; or compare all "
            "pairs by nearest_neighbors(X, n_neighbors, method='exact'), and give the result to "
            "knn_affinity for a precomputed graph"
        )
    n = len(points)
    centred = np.ascontiguousarray(points - points.mean(axis=0), dtype=np.float32)
    drawn = np.random.default_rng(seed).permutation(n)[: 2 * SAMPLE]
    trial, judged = drawn[: len(drawn) // 2], drawn[len(drawn) // 2 :]
    truth = _distances_of(centred, drawn, k, threads)
    with _faiss_threads(threads) as faiss:
        index = _index(faiss, centred, seed)
        for cells, candidates in EFFORTS:
            search = faiss.IndexRefineSearchParameters(
                k_factor=float(candidates),
                base_index_params=faiss.SearchParametersPreTransform(
                    index_params=faiss.SearchParametersIVF(nprobe=cells)
                ),
            )
            squares = index.search(centred[trial], k + 1, params=search)[0]
            if _recall(squares, truth[: len(trial)]) >= min_recall:
                break
        else:
            indices = _without_self(_all_pairs(points, points, k + 1, threads, reporter))
            return Neighbors(indices, _distances(points, indices), "exact", 1.0)
        squares, found = np.empty((n, k + 1), np.float32), np.empty((n, k + 1), np.int64)
        for first in range(0, n, FAISS_QUERIES):
            reporter.raise_if_cancelled()
            block = slice(first, first + FAISS_QUERIES)
            squares[block], found[block] = index.search(centred[block], k + 1, params=search)
    recall = _recall(squares[judged], truth[len(trial) :])
    indices = _without_self(_filled(found, centred, k, threads))
    return Neighbors(indices, _distances(points, indices), "approximate", recall)


def _index(faiss: Any, centred: NDArray[np.float32], seed: int) -> Any:
    """Cells in principal components, whose candidates are ranked in all dimensions."""
    n, d = centred.shape
    project = faiss.PCAMatrix(d, min(n, d, PROJECTED_DIMENSIONS))
    project.max_points_per_d = max(1, n // d + 1)  # no random subset: determined by the points
    cells = faiss.IndexIVFFlat(
        faiss.IndexFlatL2(project.d_out), project.d_out, max(1, int(2 * np.sqrt(n)))
    )
    cells.cp.seed, cells.cp.min_points_per_centroid, cells.cp.niter = seed + 1, 1, 8
    cells.cp.max_points_per_centroid = 64
    index = faiss.IndexRefineFlat(faiss.IndexPreTransform(project, cells))
    index.train(centred)
    index.add(centred)
    return index


@contextmanager
def _faiss_threads(threads: int) -> Iterator[Any]:
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        yield faiss
    finally:
        faiss.omp_set_num_threads(before)


def _distances_of(
    centred: NDArray[np.float32], rows: NDArray[np.integer], k: int, threads: int
) -> NDArray[np.float64]:
    """(len(rows),) squared distance to the k-th other point, by comparing with all."""
    found = _all_pairs(centred, centred[rows], k + 1, threads)
    farthest = centred[found].astype(np.float64) - centred[rows, None]
    return np.einsum("nkd,nkd->nk", farthest, farthest).max(axis=1)


def _recall(squares: NDArray[np.floating], truth: NDArray[np.float64]) -> float:
    """Share of found points that are no farther than the true k-th; ties count as found."""
    near = squares <= truth[:, None] * (1 + 1e-5) + 1e-12
    # One of the k + 1 is the point itself, or one that coincides with it: it does not count.
    return float(np.clip((near.sum(axis=1) - 1) / (near.shape[1] - 1), 0, 1).mean())


def _filled(
    found: NDArray[np.integer], centred: NDArray[np.float32], k: int, threads: int
) -> NDArray[np.integer]:
    """Rows that the visited cells could not fill (marked -1) are searched exactly."""
    short = np.flatnonzero((found < 0).any(axis=1))
    if len(short):
        found[short] = _all_pairs(centred, centred[short], k + 1, threads)
    return found
