"""The course's normalisations of an affinity matrix, one function a formula (questions 5c to 5f).

Everything here is dense and exact, for numpy arrays and torch tensors alike. For graphs that do not
fit into memory :mod:`~eigenlab.graphs.embedding` does the same through products.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import Matrix


def degree_matrix(A: Matrix) -> Matrix:
    """``D = diag(d)`` with the degrees ``d_i = sum_j A_ij`` (question 5c).

    >>> degree_matrix(np.array([[1.0, 0.5], [0.5, 1.0]]))
    array([[1.5, 0. ],
           [0. , 1.5]])
    """
    _square("A", A)
    degrees = A.sum(1)
    return torch.diag(degrees) if isinstance(degrees, Tensor) else np.diag(degrees)


def symmetric_normalize(A: Matrix) -> Matrix:
    """``M = D^-1/2 A D^-1/2`` (question 5d).

    For a symmetric non-negative A the eigenvalues lie in [-1, 1] and the largest is 1, with
    eigenvector D^1/2 1; it is as often repeated as the graph has connected components. A node
    without any edge is given a loop of weight one, which makes it a component of its own.

    Raises:
        InputError: A is not square, or a row has a negative sum.

    >>> symmetric_normalize(np.array([[0.0, 2.0], [2.0, 0.0]]))
    array([[0., 1.],
           [1., 0.]])
    """
    _square("A", A)
    degrees = A.sum(1)
    if bool((degrees < 0).any()):
        raise InputError("A has a row with a negative sum, which has no root; weights must be >= 0")
    alone = degrees == 0
    if bool(alone.any()):
        loops = torch.diag(alone.to(A.dtype)) if isinstance(A, Tensor) else np.diag(alone)
        A, degrees = A + loops, degrees + alone
    scale = degrees**-0.5
    return scale[:, None] * A * scale


def stochastic_normalize(M: Matrix) -> Matrix:
    """``S = M C^-1``, C the diagonal of M's column sums: the columns of S sum to one (5f).

    >>> stochastic_normalize(np.array([[1.0, 1.0], [3.0, 1.0]]))
    array([[0.25, 0.5 ],
           [0.75, 0.5 ]])
    """
    _square("M", M)
    sums = M.sum(0)
    if bool((sums == 0).any()):
        raise InputError("M has a column of zeros, which cannot be scaled to sum to one")
    return M / sums


def row_normalize(V: Matrix) -> Matrix:
    """Each row of (n, k) ``V`` scaled to unit length; rows of zeros stay.

    Ng, Jordan and Weiss, On spectral clustering, NeurIPS 2001.

    >>> row_normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    lengths = (V * V).sum(1) ** 0.5
    return V / (lengths + (lengths == 0))[:, None]


def top_singular_vectors(M: Matrix, k: int) -> tuple[Matrix, Matrix]:
    """The ``k`` largest singular values of ``M`` and their left singular vectors (question 5e).

    Args:
        M: (n, m).
        k: 1 <= k <= min(n, m).

    Returns:
        (n, k) orthonormal vectors, of each the entry of largest modulus positive, and (k,) values,
        descending. For a symmetric positive semidefinite M these are eigenvectors and eigenvalues.

    >>> top_singular_vectors(np.array([[2.0, 1.0], [1.0, 2.0]]), 1)[1]
    array([3.])
    """
    if M.ndim != 2 or not 1 <= k <= min(M.shape):
        raise InputError(f"k={k!r} vectors of a matrix of shape {tuple(M.shape)}; 1 <= k <= min")
    if isinstance(M, Tensor):
        left, values, _ = torch.linalg.svd(M, full_matrices=False)
        left = left[:, :k]
        largest = left.abs().argmax(0)
        signs = torch.sign(left.gather(0, largest[None])[0])
        return left * signs, values[:k]
    left, values, _ = np.linalg.svd(M, full_matrices=False)
    left = left[:, :k]
    signs = np.sign(left[np.abs(left).argmax(axis=0), np.arange(k)])
    return left * signs, values[:k]


def is_undirected(A: Matrix, *, tolerance: float = 1e-12) -> bool:
    """Whether every edge weighs the same both ways: ``A = A^T`` up to ``tolerance`` (5b).

    >>> A = np.array([[0.0, 1.0], [0.0, 0.0]])
    >>> is_undirected(A), is_undirected(A + A.T)
    (False, True)
    """
    _square("A", A)
    return bool(abs(A - A.T).max() <= tolerance * abs(A).max())


def _square(name: str, matrix: Matrix) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"{name} has shape {tuple(matrix.shape)}; expected a square matrix (n, n)")
