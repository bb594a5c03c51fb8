"""Gaussian affinities of points: the weights of a complete graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter

Matrix: TypeAlias = Any
"""A numpy array or a torch tensor; functions return the kind they are given."""
BLOCK_PAIRS, BLOCK_DIFFERENCES = 2**22, 2**28
"""Pairs of points, and differences of coordinates, that are computed without asking to stop."""
LARGEST = 1e300
"""Bound on squared distances, widths and their ratios, with room for sums."""


def rbf_affinity(X: Matrix, gamma: float) -> Matrix:
    r"""The Gaussian affinity ``A_ij = exp(-gamma ||x_i - x_j||^2)`` (question 5b).

    .. math::

        A_{ij} = \exp(-\gamma \lVert x_i - x_j \rVert^2)

    Args:
        X: (n, d) array or tensor of points. A tensor is differentiated through.
        gamma: inverse squared length, > 0 and finite.

    Returns:
        (n, n), of the same kind: symmetric, entries in [0, 1], ones on the diagonal.

    Raises:
        InputError: X is not (n, d), or gamma is not positive and finite.

    >>> rbf_affinity(np.array([[0.0], [1.0]]), gamma=1.0).round(3)
    array([[1.   , 0.368],
           [0.368, 1.   ]])
    """
    if X.ndim != 2:
        raise InputError(f"X has shape {tuple(X.shape)}; expected points (n, d)")
    if not 0 < gamma < np.inf:
        raise InputError(f"gamma={gamma!r}; expected a positive, finite number")
    if not isinstance(X, Tensor):
        return stored_gaussians(X, gamma)
    left, right, kernel = gaussian_factors(X, gamma)
    own = torch.eye(len(X), dtype=torch.bool, device=X.device)
    # In place, autograd would miss what it needs.
    return kernel(left, right).masked_fill(own, 1)


def stored_gaussians(
    X: NDArray[Any], gamma: float, reporter: Reporter = SILENT
) -> NDArray[np.floating]:
    """:func:`rbf_affinity` of an array, which ``reporter`` may stop between blocks of rows."""
    # A copy, since torch warns of memory that is read-only, such as files and columns of frames.
    points = torch.tensor(np.asarray(X, dtype=_floating(X)))
    left, right, kernel = gaussian_factors(points, gamma)
    blocks = row_blocks(len(points), len(points), points.shape[1])
    if len(blocks) == 1:
        return kernel(left, right).fill_diagonal_(1).numpy()
    affinity = torch.empty((len(points), len(points)), dtype=points.dtype)
    for block in blocks:
        reporter.raise_if_cancelled()
        affinity[block] = kernel(left[block], right)
    return affinity.fill_diagonal_(1).numpy()


def row_blocks(n_rows: int, n_columns: int, n_features: int = 1) -> list[slice]:
    """Blocks of the rows of a matrix of pairs that take less than about a second each.

    >>> row_blocks(3, 2**24)
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    pairs = min(BLOCK_PAIRS, BLOCK_DIFFERENCES // max(n_features, 1))
    step = max(1, pairs // max(n_columns, 1))
    return [slice(first, min(first + step, n_rows)) for first in range(0, n_rows, step)]


def stored_width(points: Any) -> int:
    """Numbers stored for each point: the columns, or of a sparse matrix the mean of its rows."""
    if isinstance(points, np.ndarray):
        return points.shape[1]
    return int(points.nnz // max(points.shape[0], 1)) + 1


def gaussian_factors(
    points: Tensor, gamma: float
) -> tuple[Tensor, Tensor, Callable[[Tensor, Tensor], Tensor]]:
    """Factors of the Gaussian affinity: ``kernel(left[rows], right)`` is A[rows].

    With p and q the points relative to their mean, scaled, the exponent is
    -gamma ||x - y||^2 = p.q - |p|^2 / 2 - |q|^2 / 2, in which few digits cancel, and with two more
    columns that is one matrix product. Where |p|^2 is so large that half of the digits would be
    lost, distances are computed from differences, which takes several times as long.

    Args:
        points: (n, d) tensor.
        gamma: inverse squared length, > 0.
    """
    points = (points - points.mean(0)) * (2 * gamma) ** 0.5
    half = points.square().sum(1, keepdim=True) / 2
    if len(points) and bool(half.max() > torch.finfo(points.dtype).eps ** -0.5):
        return points, points, _by_differences
    ones = torch.ones_like(half)
    left = torch.cat([points, -half, ones], dim=1)
    return left, torch.cat([points, ones, -half], dim=1).T.contiguous(), _by_product


def _by_product(left: Tensor, right: Tensor) -> Tensor:
    return (left @ right).clamp_(max=0).exp_()


def _by_differences(left: Tensor, right: Tensor) -> Tensor:
    distances = torch.cdist(left, right, compute_mode="donot_use_mm_for_euclid_dist")
    return (-distances.square() / 2).exp_()


def check_overflow(X: NDArray[np.floating]) -> None:
    """Raise an InputError for points so far apart that squares of distances overflow.

    Args:
        X: (n, d) points.
    """
    with np.errstate(over="ignore"):
        spread = X.max(axis=0).astype(np.float64) - X.min(axis=0)
        if np.square(spread).sum() < LARGEST:
            return
    raise InputError(
        f"X has columns that spread over up to {spread.max():.3g}, whose squares overflow; "
        "divide X by a number of that order"
    )


def scale_gamma(X: Any) -> float:
    """One over the total variance of the points: what ``gamma="scale"`` stands for.

    Args:
        X: (n, d) points, an array or a scipy sparse matrix.

    Returns:
        1 / sum of the columns' variances, or 1 where all points are equal. It does not depend on
        where the points lie.

    Raises:
        InputError: the squares of differences overflow.

    >>> scale_gamma(np.array([[0.0, 1.0], [4.0, 1.0]]))
    0.25
    """
    if sparse.issparse(X):
        variances = mean_variance_axis(X.astype(np.float64), axis=0)[1]
    else:
        check_overflow(X)
        variances = X.var(axis=0, dtype=np.float64)
    total = float(variances.sum())
    return 1.0 / total if total > 0 else 1.0


def _floating(X: NDArray[Any]) -> np.dtype[Any]:
    return X.dtype if X.dtype in {np.dtype("f4"), np.dtype("f8")} else np.dtype("f8")


def self_tuning_affinity(X: NDArray[np.floating], n_neighbors: int = 7) -> NDArray[np.float64]:
    """The self-tuning affinity ``A_ij = exp(-||x_i - x_j||^2 / (s_i s_j))``.

    The width s_i is the distance of x_i to one of its neighbours, so it is small where points are
    dense and large where they are sparse (L. Zelnik-Manor and P. Perona, Self-tuning spectral
    clustering, NeurIPS 2004, who take the seventh neighbour).

    Args:
        X: (n, d) points.
        n_neighbors: which neighbour's distance is s_i; at most n - 1 is used. Where that is zero,
            because points coincide, the smallest positive distance of all points takes its place.
            Default: ``7``.

    Returns:
        (n, n) float64, symmetric, ones on the diagonal.

    >>> self_tuning_affinity(np.array([[0.0], [1.0], [3.0]]), 1).round(2)
    array([[1.  , 0.37, 0.01],
           [0.37, 1.  , 0.14],
           [0.01, 0.14, 1.  ]])
    """
    return local_affinity(X, n_neighbors=n_neighbors)[0]


def local_affinity(
    X: NDArray[np.floating],
    gamma: float = 0.0,
    n_neighbors: int = 7,
    reporter: Reporter = SILENT,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The affinity of :func:`self_tuning_affinity` with a least width, and the (n,) widths s_i.

    With a least width it is the Gaussian of one width for all points but those that are farther
    from their neighbours: outliers, which the Gaussian would link to nothing.

    Args:
        X: (n, d) points.
        gamma: 1 / (least width)^2; 0 for none. Default: ``0.0``.
        n_neighbors: see :func:`self_tuning_affinity`. Default: ``7``.
        reporter: may stop between blocks of rows. Default: ``SILENT``.
    """
    from scipy.spatial.distance import cdist

    n, rank = len(X), min(n_neighbors, len(X) - 1)
    distances, widths, least = np.empty((n, n)), np.empty(n), np.inf
    blocks = row_blocks(n, n, X.shape[1])
    for block in blocks:
        reporter.raise_if_cancelled()
        own = cdist(X[block], X, out=distances[block])
        widths[block] = np.partition(own, rank, axis=1)[:, rank]
        least = min(least, float(own.min(where=own > 0, initial=np.inf)))
    if gamma > 0:
        widths = np.maximum(widths, gamma**-0.5)
    widths = np.where(widths > 0, widths, least if least < np.inf else 1.0)
    for block in blocks:
        reporter.raise_if_cancelled()
        distances[block] = _tuned(distances[block], widths[block], widths)
    return distances, widths


def local_affinities_to(
    nodes: NDArray[np.floating],
    widths: NDArray[np.float64],
    X: NDArray[np.floating],
    gamma: float = 0.0,
    n_neighbors: int = 7,
) -> NDArray[np.float64]:
    """Affinities of new points to all nodes of a graph of :func:`local_affinity`.

    Args:
        nodes: (n, d) points of the graph.
        widths: (n,) widths of the nodes.
        X: (m, d) new points. One that coincides with a node has the node's width.
        gamma: see :func:`local_affinity`. Default: ``0.0``.
        n_neighbors: which neighbour's distance is the width of any other point. Default: ``7``.

    Returns:
        (m, n) affinities.
    """
    from scipy.spatial.distance import cdist

    distances = cdist(X, nodes)
    rank = min(n_neighbors, len(nodes)) - 1
    own = np.partition(distances, rank, axis=1)[:, rank]
    if gamma > 0:
        own = np.maximum(own, gamma**-0.5)
    nearest = distances.argmin(axis=1)
    own = np.where(distances[np.arange(len(X)), nearest] > 0, own, widths[nearest])
    return _tuned(distances, own, widths)


def _tuned(
    distances: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64]
) -> NDArray[np.float64]:
    exponent = -((distances / columns) * (distances / rows[:, None]))
    return np.exp(exponent, out=exponent)
