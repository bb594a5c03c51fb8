"""Checks of problem 5, spectral clustering.

The student's functions may work on numpy arrays or on tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from eigenlab.grading.comparison import Comparison, as_array
from eigenlab.grading.parts import part

Floats = NDArray[np.float64]

#: Float32 is enough.
CLOSE = 1e-5
#: Share of the course's points that may be in a wrong cluster.
WRONG = 0.01
#: What the student's functions are given, in the order in which it is tried.
KINDS: tuple[Callable[[Floats], Any], ...] = (
    np.copy,
    lambda array: torch.tensor(array, dtype=torch.float64),
    lambda array: torch.tensor(array, dtype=torch.float32),
)


def _call(function: Callable[..., Any], array: Floats, *before: Any) -> Any:
    """``function(*before, array)`` with a numpy array, or with a tensor where that fails."""
    errors: list[Exception] = []
    for kind in KINDS:
        try:
            with np.errstate(all="ignore"):
                return function(*before, kind(array))
        except NotImplementedError:
            raise
        except Exception as error:  # the student's code may raise anything
            errors.append(error)
    written_for_tensors = "Tensor" in str(errors[0]) or "'numpy.ndarray' object" in str(errors[0])
    raise errors[1 if written_for_tensors else 0]


@part("5b", "get_adjacency_matrix", "get_adjacency_matrix")
def adjacency(get_adjacency_matrix: Callable[..., Any]) -> Iterator[Comparison]:
    """A_ij = exp(-gamma |x_i - x_j|^2), entry by entry, in a loop."""
    plane = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 2.0], [-1.0, 0.25]])
    space = np.array([[0.0, 0.2, -0.1], [0.4, 0.0, 0.3], [0.1, -0.5, 0.2], [-0.3, 0.1, 0.6]])
    for gamma, X in ((0.7, plane), (2.5, space)):
        squares = np.array([[sum((a - b) ** 2) for b in X] for a in X])
        taxicab = np.array([[sum(abs(a - b)) for b in X] for a in X])
        first = np.array([[(a[0] - b[0]) ** 2 for b in X] for a in X])
        right = np.exp(-gamma * squares)
        yield Comparison(
            f"get_adjacency_matrix(gamma={gamma}, X)",
            _call(get_adjacency_matrix, X, gamma),
            right,
            mistakes={
                "the sign of the exponent: distant points come out close.": np.exp(gamma * squares),
                "the distance is not squared.": np.exp(-gamma * np.sqrt(squares)),
                "half of gamma: the exponent is -gamma * squared distance.": np.exp(
                    -gamma / 2 * squares
                ),
                "gamma divides the squared distance; it is a factor.": np.exp(-squares / gamma),
                "gamma is taken for a standard deviation, exp(-d^2 / (2 gamma^2)); here it is a "
                "factor, exp(-gamma d^2).": np.exp(-squares / (2 * gamma**2)),
                "gamma has no effect.": np.exp(-squares),
                "only the first coordinate enters the distance; sum over all.": np.exp(
                    -gamma * first
                ),
                "the squared distances are not summed over the coordinates: an entry came for each "
                "of them.": np.exp(-gamma * (X[:, None] - X) ** 2),
                "the sum of absolute differences (L1) stands for the squared distance.": np.exp(
                    -gamma * taxicab
                ),
                "the L1 distance is squared; the Euclidean one is the root of the sum of "
                "squares.": np.exp(-gamma * taxicab**2),
                "these are the squared distances; exp(-gamma * ...) is missing.": squares,
                "this is the exponent; exp is missing.": -gamma * squares,
                "the diagonal is zero; each point is linked to itself with weight 1.": right
                - np.eye(len(X)),
            },
            advice="A_ij = exp(-gamma * squared distance of points i and j).",
            tolerance=CLOSE,
        )


#: Weights of an undirected graph with four nodes of different degrees, 1.75, 3.25, 4.5 and 1.5.
WEIGHTS = np.array(
    [
        [1.0, 0.5, 0.25, 0.0],
        [0.5, 1.0, 1.5, 0.25],
        [0.25, 1.5, 2.0, 0.75],
        [0.0, 0.25, 0.75, 0.5],
    ]
)
DEGREES = np.array([sum(row) for row in WEIGHTS])


@part("5c", "get_degree_matrix", "get_degree_matrix")
def degrees(get_degree_matrix: Callable[..., Any]) -> Iterator[Comparison]:
    """D = diag(A 1), or D^-1/2, which is what 5d needs; the result says which it is."""
    given = _call(get_degree_matrix, WEIGHTS)
    plain, inverse_root = np.diag(DEGREES), np.diag(DEGREES**-0.5)
    array = as_array(given)
    is_root = array is not None and array.shape == inverse_root.shape and array[0, 0] < 1
    with np.errstate(divide="ignore"):
        powers = plain**-0.5
    yield Comparison(
        "get_degree_matrix(A)",
        given,
        inverse_root if is_root else plain,
        mistakes={
            "the degrees come as a vector; put them on the diagonal of a matrix.": DEGREES,
            "the degrees to the power -1/2 come as a vector; put them on the diagonal of a "
            "matrix.": DEGREES**-0.5,
            "this is D^-1; return D or D^-1/2.": np.diag(1 / DEGREES),
            "this is D^1/2; return D or D^-1/2.": np.diag(DEGREES**0.5),
            "the power -1/2 is taken of every entry, so that the zeros off the diagonal become "
            "infinite; take it of the degrees.": powers,
            "the edges are counted; a degree is the sum of the weights.": np.diag(
                (WEIGHTS > 0).sum(axis=1)
            ),
            "this is the diagonal of A; sum each row.": np.diag(np.diag(WEIGHTS)),
            "the loops A_ii are left out of the sums.": np.diag(DEGREES - np.diag(WEIGHTS)),
            "this is the Laplacian D - A; return D alone.": plain - WEIGHTS,
            "all weights are summed; a degree is the sum of one row.": np.diag(
                np.full(4, WEIGHTS.sum())
            ),
        },
        advice="D has the sum of row i of A at place (i, i), and zeros elsewhere.",
        tolerance=CLOSE,
        note="It returns D^-1/2." if is_root else "It returns D; 5d needs D^-1/2.",
    )


@part("5d", "get_normalized_matrix", "get_normalized_matrix")
def normalized(get_normalized_matrix: Callable[..., Any]) -> Iterator[Comparison]:
    """M_ij = A_ij / sqrt(d_i d_j), entry by entry, in a loop."""
    root = DEGREES**0.5
    right = np.array([[WEIGHTS[i, j] / (root[i] * root[j]) for j in range(4)] for i in range(4)])
    yield Comparison(
        "get_normalized_matrix(A)",
        _call(get_normalized_matrix, WEIGHTS),
        right,
        mistakes={
            "this is A D^-1: each column is divided by a degree. Multiply with D^-1/2 on both "
            "sides.": WEIGHTS / DEGREES,
            "this is D^-1 A: each row is divided by a degree. Multiply with D^-1/2 on both "
            "sides.": WEIGHTS / DEGREES[:, None],
            "D stands in the place of D^-1/2.": np.outer(DEGREES, DEGREES) * WEIGHTS,
            "D^1/2 stands in the place of D^-1/2.": np.outer(root, root) * WEIGHTS,
            "D^-1 stands in the place of D^-1/2.": WEIGHTS / np.outer(DEGREES, DEGREES),
            "D^-1/2 is missing on the right.": WEIGHTS / root[:, None],
            "D^-1/2 is missing on the left.": WEIGHTS / root,
            "matrices are multiplied entry by entry (*); the matrix product is @.": np.diag(
                np.diag(WEIGHTS) / DEGREES
            ),
            "matrices are multiplied entry by entry (*), with D in the place of D^-1/2.": np.diag(
                np.diag(WEIGHTS) * DEGREES**2
            ),
            "this is the normalised Laplacian I - M.": np.eye(4) - right,
            "this is A itself.": WEIGHTS,
        },
        advice="M = D^-1/2 A D^-1/2, so M_ij = A_ij / sqrt(d_i d_j).",
        tolerance=CLOSE,
    )


@part("5f", "cluster_data", "cluster_data")
def vectors(cluster_data: Callable[..., Any]) -> Iterator[Comparison]:
    """Three groups of unequal size and order, weakly linked: the vectors are nearly indicators.

    The second matrix is that of the first with other columns, as in 5g, where U and V differ.
    """
    truth = np.array([0, 1, 2, 1, 0, 1, 2, 1, 1, 0, 2, 1, 0, 1, 2, 1, 0, 1])
    generator = np.random.default_rng(0)
    noise = generator.random((len(truth), len(truth)))
    A = np.where(truth[:, None] == truth, 1.0, 0.05) + 0.02 * (noise + noise.T)
    M = A / np.sqrt(np.outer(A.sum(axis=0), A.sum(axis=0)))
    for name, matrix in (("M", M), ("S", M / M.sum(axis=0))):
        U = np.linalg.svd(matrix)[0]
        labels = _call(cluster_data, matrix)
        array = as_array(labels)
        if array is None or array.shape != truth.shape:
            few = array is not None and array.shape == (3,)
            yield Comparison(
                f"labels of cluster_data({name})",
                labels,
                truth,
                mistakes={
                    "one label for each vector; each of the n points needs one. Cluster the n "
                    "rows of an (n, 3) matrix.": labels if few else None
                },
            )
            return
        given = _renamed(array, truth)
        yield Comparison(
            f"labels of cluster_data({name})",
            given,
            truth,
            mistakes={
                "rows of U are clustered; a singular vector is a column, U[:, :3].": given
                if _is_kmeans(array, U[:3].T)
                else None,
                "these are the clusters of the vectors of the smallest singular values; take the "
                "largest (numpy.linalg.eigh sorts ascending, svd descending).": given
                if _is_kmeans(array, U[:, -3:])
                else None,
                "all points are in one cluster.": given if len(np.unique(array)) == 1 else None,
            },
            advice="Cluster the rows of the (n, 3) matrix of the three leading left singular "
            "vectors by k-means.",
        )


def _renamed(labels: Floats, truth: NDArray[np.int64]) -> Floats:
    """The labels, renamed such that as many as possible agree with ``truth``.

    >>> _renamed(np.array([7, 7, 5]), np.array([0, 0, 1]))
    array([0., 0., 1.])
    """
    names, codes = np.unique(labels, return_inverse=True)
    table = np.array([[(codes == i)[truth == j].sum() for j in set(truth)] for i in set(codes)])
    rows, columns = linear_sum_assignment(-table)
    best = np.arange(len(names), dtype=np.float64) + len(table[0])  # without a partner
    best[rows] = columns
    return best[codes]


def _is_kmeans(labels: Floats, rows: Floats) -> bool:
    """Whether k-means finds these labels in ``rows``, up to their names."""
    from sklearn.cluster import KMeans

    found = KMeans(3, n_init=10, random_state=0).fit_predict(rows)
    return bool((_renamed(labels, found) == found).mean() >= 1 - WRONG)


@part("5g", "stochastic_matrix_converter", "stochastic_matrix_converter")
def stochastic(stochastic_matrix_converter: Callable[..., Any]) -> Iterator[Comparison]:
    """S_ij = M_ij / sum_i M_ij, entry by entry; M is symmetric, and then a general matrix."""
    root = DEGREES**0.5
    symmetric = WEIGHTS / np.outer(root, root)
    general = np.array([[0.5, 0.1, 0.3], [0.2, 0.4, 0.9], [0.7, 0.2, 0.1]])
    for name, M in (("M", symmetric), ("M that is not symmetric", general)):
        n = len(M)
        columns = [sum(M[i, j] for i in range(n)) for j in range(n)]
        rows = M.sum(axis=1)
        right = np.array([[M[i, j] / columns[j] for j in range(n)] for i in range(n)])
        yield Comparison(
            f"stochastic_matrix_converter({name})",
            _call(stochastic_matrix_converter, M),
            right,
            mistakes={
                "the rows sum to one, not the columns; divide by M.sum(axis=0).": M / rows[:, None],
                "each column is divided by the sum of the row with its number; sum over axis=0.": M
                / rows,
                "each row is divided by the sum of the column with its number; divide columns, "
                "M / M.sum(axis=0).": M / M.sum(axis=0)[:, None],
                "all entries sum to one; each column should.": M / M.sum(),
                "columns have length one; their sums should be one.": M
                / np.sqrt((M**2).sum(axis=0)),
                "softmax takes the exponential of the entries; divide each column by its "
                "sum.": np.exp(M) / np.exp(M).sum(axis=0),
                "columns are divided by their largest entry; divide by their sum.": M
                / M.max(axis=0),
                "this is M itself.": M,
            },
            advice="Divide each column by its sum, S = M C^-1.",
            tolerance=CLOSE,
        )


def _other_clusters(labels: Floats, X: Floats) -> Iterator[str]:
    """What the labels are if not the clusters of the singular vectors of S, in words."""
    if len(np.unique(labels)) != 3:
        yield "there are not three clusters."
    if _is_kmeans(labels, X):
        yield "these are the clusters of the points themselves; cluster the vectors of S."
    A = np.exp(-7.5 * cdist(X, X, "sqeuclidean"))
    root = np.sqrt(A.sum(axis=0))
    M = A / np.outer(root, root)
    if _is_kmeans(labels, eigh(M, subset_by_index=[len(X) - 3, len(X) - 1])[1]):
        # Those of the eigenvectors of S are the same: both have a vector on one outlier.
        yield (
            "these are the clusters of the vectors of M (5f), or of the eigenvectors of S; cluster "
            "the left singular vectors of S, the columns of U."
        )


@part("5g-labels", "labels of the course's points", "labels")
def labels(labels: Any) -> Iterator[Comparison]:
    """The share of the course's 2000 points in a wrong cluster, under the best naming."""
    from eigenlab.graphs import stretched_blobs

    X, truth = stretched_blobs()
    if labels is None or labels is ...:
        raise NotImplementedError("labels")
    array = as_array(labels)
    if array is None or array.shape != truth.shape:
        yield Comparison("labels", labels, truth, advice="Give one label for each point.")
        return
    wrong = float((_renamed(array, truth) != truth).mean())
    yield Comparison(
        "share of points in a wrong cluster",
        wrong,
        0.0,
        mistakes=dict.fromkeys([] if wrong <= WRONG else _other_clusters(array, X), wrong),
        advice="Cluster the rows of the three leading left singular vectors of S, with gamma=7.5, "
        "by k-means with several starts (n_init=10).",
        tolerance=WRONG,
    )
