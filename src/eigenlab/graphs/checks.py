"""Checks of the parameters of spectral clustering."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, get_args

import numpy as np

from eigenlab.errors import InputError
from eigenlab.graphs.assign import AssignLabels
from eigenlab.graphs.graph import NORMALIZATIONS

PRECOMPUTED = ("precomputed", "precomputed_nearest_neighbors")
"""Values of ``affinity`` for which X is a matrix of pairs."""
LOCAL_WIDTHS = ("rbf", "nearest_neighbors")
"""Values of ``affinity`` that ``gamma="local"`` has a meaning for."""


def check_parameters(parameters: Mapping[str, Any], shape: tuple[int, int]) -> None:
    """Raise an InputError that names the first parameter that does not fit.

    Args:
        parameters: those of :class:`~eigenlab.graphs.SpectralClustering`.
        shape: (n, d) of the data.
    """
    n = shape[0]
    _check_numbers(parameters, n)
    normalization = parameters["normalization"]
    if normalization not in NORMALIZATIONS:
        raise InputError(f"normalization={normalization!r}; choose one of {NORMALIZATIONS}")
    method = parameters["assign_labels"]
    if method not in get_args(AssignLabels):
        raise InputError(f"assign_labels={method!r}; choose one of {get_args(AssignLabels)}")
    _check_columns(method, parameters["n_components"], parameters["n_clusters"])
    _check_gamma(parameters["gamma"], parameters["affinity"])
    eigen_tolerance(parameters["eigen_tol"])
    if parameters["affinity"] in PRECOMPUTED and shape[1] != n:
        raise InputError(
            f"X has shape {shape}, but affinity={parameters['affinity']!r} needs a square (n, n) "
            "matrix"
        )


def _check_numbers(parameters: Mapping[str, Any], n: int) -> None:
    k = parameters["n_clusters"]
    if k != "auto" and not _is_positive_integer(k):
        raise InputError(f"n_clusters={k!r}; expected 'auto' or a whole number >= 1")
    for name in ("n_neighbors", "min_cluster_size"):
        if not _is_positive_integer(parameters[name]):
            raise InputError(f"{name}={parameters[name]!r}; expected a whole number >= 1")
    if k != "auto" and k > n:
        raise InputError(f"n_clusters={k} is more than n_samples={n}; ask for at most {n}")
    n_components = parameters["n_components"]
    if n_components is not None and not (_is_positive_integer(n_components) and n_components <= n):
        raise InputError(f"n_components={n_components!r}; expected None or 1 to n_samples={n}")


def _check_columns(method: str, n_components: Any, n_clusters: Any) -> None:
    if method != "kmeans" and n_components not in (None, n_clusters):
        raise InputError(
            f"assign_labels={method!r} makes a cluster of each vector, but n_components="
            f"{n_components} and n_clusters={n_clusters!r}; leave n_components out, or take "
            "assign_labels='kmeans'"
        )


def _check_gamma(gamma: Any, affinity: Any) -> None:
    if isinstance(gamma, str):
        if gamma not in {"auto", "scale", "local"}:
            raise InputError(f"gamma={gamma!r}; expected a number, 'auto', 'scale' or 'local'")
        ignored = callable(affinity) or affinity in PRECOMPUTED
        if gamma == "local" and not (ignored or affinity in LOCAL_WIDTHS):
            raise InputError(
                f"gamma='local' has no meaning for affinity={affinity!r}; "
                f"take a number or 'scale', or one of affinity={LOCAL_WIDTHS}"
            )
    elif not isinstance(gamma, Real) or not 0 < float(gamma) < np.inf:
        raise InputError(
            f"gamma={gamma!r}; expected a positive, finite number, 'auto', 'scale' or 'local'"
        )


def eigen_tolerance(eigen_tol: Any) -> float:
    """The number that ``eigen_tol`` stands for; raises an InputError if it is none in [0, 1).

    >>> eigen_tolerance("auto")
    1e-06
    """
    if isinstance(eigen_tol, str) and eigen_tol == "auto":
        return 1e-6
    if not isinstance(eigen_tol, Real) or not 0 <= float(eigen_tol) < 1:
        raise InputError(
            f"eigen_tol={eigen_tol!r}; expected a number, 0 <= eigen_tol < 1, or 'auto'"
        )
    return float(eigen_tol)


def _is_positive_integer(value: Any) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value >= 1)
