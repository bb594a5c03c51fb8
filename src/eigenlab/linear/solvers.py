"""Which algorithm computes the principal components."""

from __future__ import annotations

from typing import Literal

from eigenlab.errors import InputError
from eigenlab.linear.components import (
    PrincipalComponents,
    components_from_scatter,
    components_from_sketch,
    rayleigh_ritz,
)
from eigenlab.linear.scatter import RunningScatter, RunningSketch
from eigenlab.linear.trained import train_factors

Solver = Literal["auto", "gram", "svd", "randomized", "trained"]
SOLVERS = ("auto", "gram", "svd", "randomized", "trained")
#: Up to this many entries the SVD of the data takes milliseconds.
MAX_SVD_ENTRIES = 1_000_000
#: Up to this many features their Gram matrix (float64, 200 MB) is the fastest way.
MAX_GRAM_FEATURES = 5_000


def choose_solver(
    solver: str, *, n_features: int, n_components: int | float, n_samples: int | None
) -> str:
    """Return the solver to use for these sizes; ``n_samples`` is None for a stream.

    A share of the variance instead of a number of components needs the whole spectrum.
    """
    if solver not in SOLVERS:
        raise InputError(f"solver={solver!r} is unknown; choose from {', '.join(SOLVERS)}")
    if n_samples is None and solver == "svd":
        raise InputError(
            "solver='svd' needs all data at once; for chunks use 'gram' (exact) or 'randomized'"
        )
    share = isinstance(n_components, float)
    if share and solver in ("randomized", "trained"):
        raise InputError(
            f"n_components={n_components} is a share of the variance, which solver='{solver}' "
            "cannot find; take 'svd', 'gram' or 'auto', or give a whole number"
        )
    if solver != "auto":
        return solver
    if n_samples is not None and n_samples * n_features <= MAX_SVD_ENTRIES:
        return "svd"
    if n_features <= MAX_GRAM_FEATURES:
        return "gram"
    rank = n_features if n_samples is None else min(n_samples, n_features)
    if not share and 5 * n_components <= rank:
        return "randomized"
    return "gram" if n_samples is None else "svd"


def solve_stream(
    stream: RunningScatter | RunningSketch, k: int | float, *, solver: str, seed: int
) -> PrincipalComponents:
    """Return the top k components of the rows that ``stream`` has accumulated."""
    if isinstance(stream, RunningSketch):
        return components_from_sketch(stream, int(k))
    if solver == "trained":
        k = int(k)
        W1, W2 = train_factors(stream.matrix, k, seed=seed)
        return rayleigh_ritz(stream, W2)._replace(W1=W1, W2=W2)
    return components_from_scatter(stream, k)
