"""All eigenpairs by LAPACK: exact, and the cheapest method for small matrices and large k."""

from __future__ import annotations

import numpy as np
import scipy.linalg
import scipy.sparse

from eigenlab.errors import InputError
from eigenlab.spectrum._findings import Findings
from eigenlab.spectrum._operators import CountingOperator, Floats

STORED, PRODUCTS, FORMED = 256, 96, 4096
"""Largest sizes for LAPACK: of a stored matrix, any operator, and one with k > n / 5."""


def is_small(operator: CountingOperator, k: int) -> bool:
    """Whether the whole spectrum by LAPACK costs less than a Krylov search for ``k`` pairs."""
    limit = STORED if operator.matrix is not None else PRODUCTS
    return operator.n <= (FORMED if 5 * k > operator.n else limit)


def decompose(operator: CountingOperator, metric: CountingOperator | None, k: int) -> Findings:
    """The top ``k`` of all eigenpairs."""
    A = _form(operator).astype(np.float64)
    basis: Floats | None = None
    if metric is not None:
        # G = B^-T B^-1 on its range, so B^T G A B is the operator in an orthonormal basis.
        d, U = scipy.linalg.eigh(_form(metric).astype(np.float64))
        positive = d > len(d) * np.finfo(metric.dtype).eps * max(d[-1], 0)
        if positive.sum() < k:
            raise InputError(f"k={k} exceeds the rank of the metric, {positive.sum()}")
        basis = U[:, positive] / np.sqrt(d[positive])
        A = (U[:, positive] * np.sqrt(d[positive])).T @ (A @ basis)
    if not _symmetric(A, operator.dtype):
        raise InputError(asymmetry_message(operator, metric))
    all_values, S = scipy.linalg.eigh((A + A.T) / 2, driver="evd")
    values, S = all_values[::-1][:k], S[:, ::-1][:, :k]
    residual = A @ S - S * values
    norms = np.linalg.norm(residual, axis=0)
    vectors = S if basis is None else basis @ S
    following = float(all_values[-1 - k]) if k < len(all_values) else -np.inf
    return Findings(
        values=values,
        vectors=vectors.astype(operator.dtype),
        residual_norms=norms,
        residual_size=float(np.linalg.norm(residual)),
        scale=float(np.abs(all_values).max()),
        next_value=following,
        # LAPACK's eigenvalues are off by a small multiple of eps ||A||; all of them are known.
        outside=following + len(A) * np.finfo(np.float64).eps * float(np.abs(all_values).max()),
        searched=True,
    )


def asymmetry_message(operator: CountingOperator, metric: CountingOperator | None) -> str:
    """Error message for an operator that is not self-adjoint."""
    if metric is None:
        return (
            f"operator must be symmetric: {operator.asymmetry()}; "
            "pass (A + A.T) / 2 if the symmetric part is meant"
        )
    return "operator must be self-adjoint in the metric: G A and its transpose differ"


def _symmetric(A: Floats, dtype: np.dtype) -> bool:
    return float(np.abs(A - A.T).max()) <= symmetry_tolerance(dtype) * float(np.abs(A).max())


def symmetry_tolerance(dtype: np.dtype) -> float:
    """Relative asymmetry that counts as rounding, also of an approximate operator."""
    return 1e-4 if dtype == np.float32 else 1e-9


def _form(operator: CountingOperator) -> Floats:
    if scipy.sparse.issparse(operator.matrix):
        dense: Floats = operator.matrix.toarray()
    elif operator.matrix is not None:
        dense = operator.matrix
    else:
        return operator.matmat(np.eye(operator.n, dtype=operator.dtype))
    if not np.isfinite(dense).all():
        raise InputError(f"{operator.name} holds NaN or infinite entries")
    return dense
