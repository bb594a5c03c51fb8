"""The complete Gaussian graph of points, in the representation that suits their number."""

from __future__ import annotations

from math import prod
from typing import Any, Literal, get_args

import numpy as np

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import LARGEST, check_overflow
from eigenlab.graphs.dense import DenseGaussianGraph
from eigenlab.graphs.duplicates import ReplicatedGaussianGraph, n_places
from eigenlab.graphs.fourier import FourierGraph, is_suitable, n_modes
from eigenlab.graphs.graph import Graph
from eigenlab.graphs.sharded import ShardedFourierGraph, ShardedGraph
from eigenlab.graphs.tiled import TiledGraph
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import distributed

Representation = Literal["auto", "dense", "tiled", "fourier", "sharded"]

DENSE_NODES = 3500
"""Up to here a stored matrix is faster than anything else."""
MAX_DENSE_NODES = 8000
"""Most nodes of a stored matrix, which then takes half a gigabyte."""

PAIRS_PER_MODE = 200
"""Stored pairs that are multiplied in the time that one Fourier mode takes."""


def gaussian_graph(
    X: Any,
    gamma: float,
    representation: Representation = "auto",
    device: str = "cpu",
    reporter: Reporter = SILENT,
) -> Graph:
    """The graph A_ij = exp(-gamma ||x_i - x_j||^2) of all pairs of points.

    Args:
        X: (n, d) points.
        gamma: inverse squared length, > 0.
        representation: ``"dense"``, ``"tiled"``, ``"fourier"``, ``"sharded"`` or ``"auto"``, which
            stores every pair for small n, takes fast Gauss sums for up to three dimensions unless
            storing costs less than their modes, and tiles otherwise. Under ``torchrun`` the
            processes share the rows. Default: ``"auto"``.
        device: where tiles are computed, ``"cpu"`` or ``"cuda"``. Default: ``"cpu"``.
        reporter: may stop the computation of a stored matrix. Default: ``SILENT``.

    Returns:
        The graph; its ``representation`` names the one chosen.

    Raises:
        InputError: the representation is unknown or does not suit these points, or squares of
            distances, or ``gamma`` times them, overflow.

    >>> gaussian_graph(np.zeros((4, 2)), 1.0).representation
    'dense'
    """
    if representation not in get_args(Representation):
        raise InputError(
            f"representation={representation!r}; choose one of {get_args(Representation)}"
        )
    check_gamma_range(X, gamma)
    if representation == "auto":
        representation = _suitable(X, gamma)
    # Many points at few places are of so low a rank that no other representation resolves it.
    if representation in {"tiled", "fourier"} and n_places(X) <= min(len(X) // 2, DENSE_NODES):
        return ReplicatedGaussianGraph(X, gamma)
    if representation == "dense":
        return DenseGaussianGraph(X, gamma, reporter)
    if representation == "fourier":
        return FourierGraph(X, gamma)
    if representation == "sharded":
        tiles = len(X) <= DENSE_NODES or not is_suitable(X, gamma)
        return ShardedGraph(X, gamma) if tiles else ShardedFourierGraph(X, gamma)
    return TiledGraph(X, gamma, device=device)


def check_gamma_range(X: Any, gamma: float) -> None:
    """Raise an InputError if squares of distances, or ``gamma`` times them, overflow."""
    check_overflow(X)
    extent = float(np.square(np.ptp(X, axis=0).astype(np.float64)).sum())
    if not 1 / LARGEST <= gamma <= LARGEST / max(extent, 1):
        raise InputError(
            f"gamma={gamma:g} overflows; for points with squared distances of up to {extent:.3g} "
            f"expected {1 / LARGEST:.3g} to {LARGEST / max(extent, 1):.3g}"
        )


def _suitable(X: Any, gamma: float) -> Representation:
    n = len(X)
    if distributed.current().size > 1:
        return "sharded"
    if n <= DENSE_NODES:
        return "dense"
    by_modes = is_suitable(X, gamma)
    if n > MAX_DENSE_NODES:
        return "fourier" if by_modes else "tiled"
    return "fourier" if by_modes and PAIRS_PER_MODE * prod(n_modes(X, gamma)) <= n * n else "dense"
