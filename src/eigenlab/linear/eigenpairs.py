"""Eigenvalues and eigenvectors of X X^T."""

from __future__ import annotations

import torch

from eigenlab.errors import InputError
from eigenlab.linear.arrays import Matrices, as_inputs
from eigenlab.spectrum.matrices import as_matrix


def scatter_eigenpairs(X: Matrices, *, mean: bool) -> tuple[Matrices, Matrices]:
    """Eigenvalues and eigenvectors of X X^T.

    They are computed from the singular values of X, so that an eigenvalue has an absolute error of
    about eps times the square root of its product with the largest one.

    Args:
        X: samples in columns, (d, n), centred or not.
        mean: whether to return the eigenvalues of X X^T / n instead of X X^T.

    Returns:
        Eigenvalues (d,), descending, and eigenvectors (d, d) in columns, float64; tensors if ``X``
        is a tensor, else NumPy arrays.

    Raises:
        InputError: ``X`` is not a matrix, or an entry is not finite.

    >>> values, vectors = scatter_eigenpairs([[2.0, -2.0], [1.0, 1.0]], mean=True)
    >>> values.round(6).tolist(), abs(vectors).round(6).tolist()
    ([4.0, 1.0], [[1.0, 0.0], [0.0, 1.0]])
    """
    matrix = as_matrix("X", X)
    if matrix.ndim != 2:
        raise InputError(f"X has shape {tuple(matrix.shape)}, expected (d, n), samples in columns")
    d, n = matrix.shape
    vectors, values, _ = torch.linalg.svd(matrix, full_matrices=d > n)
    eigenvalues = matrix.new_zeros(d)
    eigenvalues[: len(values)] = values.square() / (n if mean else 1)
    return as_inputs(eigenvalues, X), as_inputs(vectors, X)
