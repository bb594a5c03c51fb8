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


def crossed_groups(seed: int = 0) -> tuple[Floats, NDArray[np.int64]]:
    """A matrix of 27 nodes whose rows, left, right and eigenvectors have other groups each.

    The nodes are the triples of 0, 1 and 2 in random order. Contrasts between the values of one
    place are orthogonal to those of another one, and to those of the sum of all places.

    Args:
        seed: of the order. Default: ``0``.

    Returns:
        the matrix, and the groups of its three leading left singular vectors.

    >>> matrix, groups = crossed_groups()
    >>> np.linalg.svd(matrix)[1][:6].round(1) + 0
    array([150. ,   2. ,   1.8,   1.2,   1. ,   0. ])
    """
    triples = np.indices((3, 3, 3)).reshape(3, -1)
    left, right, level = np.random.default_rng(seed).permutation(triples, axis=1)
    both = (left + right + level) % 3

    def contrasts(groups: NDArray[np.int64]) -> Floats:
        return np.array([[1.0, -0.5, -0.5], [0.0, 1.0, -1.0]])[:, groups]

    # The first vectors are nearly constant. Their value is so large that the rows of the matrix
    # differ by them the most, and the second and third ones have no part in an eigenvector.
    first = 1 + np.array([0.0, 0.06, 0.2])[level]
    U, V = (np.vstack([first, contrasts(groups), contrasts(both)]) for groups in (left, right))
    U, V = (vectors / np.linalg.norm(vectors, axis=1)[:, None] for vectors in (U, V))
    return U.T * [150.0, 2.0, 1.8, 1.2, 1.0] @ V, left


def _linked_groups() -> Iterator[tuple[str, Floats, NDArray[np.int64]]]:
    """Matrices with names, and the groups of their leading left singular vectors."""
    # Three groups of unequal size and order, weakly linked: the vectors are nearly indicators.
    truth = np.array([0, 1, 2, 1, 0, 1, 2, 1, 1, 0, 2, 1, 0, 1, 2, 1, 0, 1])
    generator = np.random.default_rng(0)
    noise = generator.random((len(truth), len(truth)))
    A = np.where(truth[:, None] == truth, 1.0, 0.05) + 0.02 * (noise + noise.T)
    M = A / np.sqrt(np.outer(A.sum(axis=0), A.sum(axis=0)))
    yield "M", M, truth
    yield "S", M / M.sum(axis=0), truth
    yield "a matrix that is not symmetric", *crossed_groups()


@part("5f", "cluster_data", "cluster_data")
def vectors(cluster_data: Callable[..., Any]) -> Iterator[Comparison]:
    """A symmetric matrix, that with other columns as in 5g, and one that tells vectors apart."""
    for name, matrix, truth in _linked_groups():
        labels = _call(cluster_data, matrix)
        array = _codes(labels)
        if array is None or array.shape != truth.shape:
            few = array is not None and array.shape == (3,)
            yield Comparison(
                f"labels of cluster_data({name})",
                labels if array is None else array,
                truth,
                mistakes={
                    "one label for each vector; each of the n points needs one. Cluster the n "
                    "rows of an (n, 3) matrix.": array if few else None
                },
            )
            return
        given = _renamed(array, truth)
        wrong = [] if (given == truth).all() else _other_vectors(array, matrix)
        yield Comparison(
            f"labels of cluster_data({name})",
            given,
            truth,
            mistakes=dict.fromkeys(wrong, given),
            advice="Cluster the rows of the (n, 3) matrix of the three leading left singular "
            "vectors by k-means.",
        )


def _other_vectors(labels: Floats, matrix: Floats) -> Iterator[str]:
    """What the labels are if not the clusters of the three leading left singular vectors."""
    U, _, V = np.linalg.svd(matrix)
    values, eigenvectors = np.linalg.eig(matrix)
    leading = np.argsort(-np.abs(values))[:3]
    eigen = (
        "these are the clusters of eigenvectors; those of a matrix that is not symmetric differ "
        "from its singular vectors: take the columns of U."
    )
    found = {
        "rows of U are clustered; a singular vector is a column, U[:, :3].": U[:3].T,
        "these are the clusters of the vectors of the smallest singular values; take the largest "
        "(numpy.linalg.eigh sorts ascending, svd descending).": U[:, -3:],
        "these are the clusters of the rows of the matrix, or of U times the singular values; "
        "cluster the rows of U[:, :3] as they are.": matrix,
        "two vectors are clustered; take three, U[:, :3].": U[:, :2],
        "these are the clusters of the right singular vectors; the left ones are the columns of "
        "U, which svd returns first.": V[:3].T,
        "rows of V are clustered, which svd returns last; the left singular vectors are the "
        "columns of U, which it returns first.": V[:, :3],
    }
    for sentence, rows in found.items():
        if _is_kmeans(labels, rows):
            yield sentence
    symmetric = np.linalg.eigh(matrix)[1]
    for rows in (eigenvectors[:, :3].real, eigenvectors[:, leading].real, symmetric[:, -3:]):
        if _is_kmeans(labels, rows):
            yield eigen
    if len(np.unique(labels)) == 1:
        yield "all points are in one cluster."


def _codes(labels: Any) -> Floats | None:
    """Labels as numbers; a label may be a text, too. None for what has no array of them.

    >>> _codes(["b", "a", "b"])
    array([1., 0., 1.])
    """
    if isinstance(labels, list | tuple) and labels and all(isinstance(n, str) for n in labels):
        return np.unique(list(labels), return_inverse=True)[1].astype(np.float64)
    return as_array(labels)


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
    array = _codes(labels)
    if array is None or array.shape != truth.shape:
        yield Comparison(
            "labels",
            labels if array is None else array,
            truth,
            advice="Give one label for each point.",
        )
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
