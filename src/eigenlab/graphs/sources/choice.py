"""Which source of affinities the parameters of an estimator ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy import sparse

from eigenlab.graphs.affinity import scale_gamma
from eigenlab.graphs.affinity_source import AffinitySource
from eigenlab.graphs.sources.gaussian import GaussianAffinities
from eigenlab.graphs.sources.kernel import KernelAffinities
from eigenlab.graphs.sources.neighbors import NeighborAffinities
from eigenlab.graphs.sources.precomputed import PrecomputedAffinities, PrecomputedNeighbors
from eigenlab.graphs.sources.self_tuning import SelfTuningAffinities


def affinity_source(parameters: Mapping[str, Any], X: Any, seed: int = 0) -> AffinitySource:
    """The source of affinities for ``X``.

    Args:
        parameters: those of :class:`~eigenlab.graphs.SpectralClustering`, checked.
        X: (n, d) training points, from which ``gamma="scale"`` is computed.
        seed: random seed of an approximate search for neighbours. Default: ``0``.
    """
    affinity, gamma = parameters["affinity"], parameters["gamma"]
    gamma = 1.0 if gamma == "auto" else gamma
    if affinity == "precomputed":
        return PrecomputedAffinities()
    if affinity == "precomputed_nearest_neighbors":
        return PrecomputedNeighbors(parameters["n_neighbors"])
    if affinity == "nearest_neighbors":
        return NeighborAffinities(
            parameters["n_neighbors"],
            local=gamma == "local",
            seed=seed,
            n_jobs=parameters["n_jobs"],
        )
    if affinity == "rbf" and gamma == "local":
        return SelfTuningAffinities()
    if affinity == "rbf" and not sparse.issparse(X):
        return GaussianAffinities(
            scale_gamma(X) if gamma == "scale" else float(gamma),
            parameters["representation"],
            parameters["device"],
        )
    return KernelAffinities(
        affinity,
        gamma=gamma,
        degree=parameters["degree"],
        coef0=parameters["coef0"],
        parameters=parameters["kernel_params"],
    )
