"""The course's normalisations of an affinity matrix, one function a formula (questions 5b to 5g).

Everything here is dense and exact, for numpy arrays and torch tensors alike. For graphs that do not
fit into memory :mod:`~eigenlab.graphs.embedding` does the same through products. The row
normalisation of the rows, an extension of question 5g, is :func:`eigenlab.graphs.row_normalize`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.graphs.affinity import Matrix
from eigenlab.spectrum import fix_signs


def is_undirected(A: Matrix, *, tolerance: float = 1e-12) -> bool:
    """Whether every edge weighs the same both ways, ``A = A^T`` (question 5b).

    Args:
        A: (n, n) array or tensor of weights.
        tolerance: largest |A_ij - A_ji| that counts as equal, relative to the largest |A_ij|.
            Default: ``1e-12``.

    Raises:
        InputError: A is not square.

    >>> A = np.array([[0.0, 1.0], [0.0, 0.0]])
    >>> is_undirected(A), is_undirected(A + A.T)
    (False, True)
    """
    _check_square("A", A)
    return bool(abs(A - A.T).max() <= tolerance * abs(A).max())


def without_loops(A: Matrix) -> Matrix:
    """The affinity matrix of the same graph with ``A_ii = 0`` (a variant of question 5f).

    An outlier of a Gaussian graph is linked to little but itself. Without its loop all of its
    weight goes to its nearest neighbours.

    Args:
        A: (n, n) array or tensor.

    Returns:
        (n, n), of the same kind; a new matrix.

    Raises:
        InputError: A is not square.

    >>> without_loops(np.array([[1.0, 0.5], [0.5, 1.0]]))
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    _check_square("A", A)
    if isinstance(A, Tensor):
        return A - torch.diag(torch.diag(A))
    return A - np.diag(np.diag(A))


def degree_matrix(A: Matrix) -> Matrix:
    r"""``D = diag(d)`` with the degrees ``d_i = sum_j A_ij`` (question 5c).

    .. math::

        D = \mathrm{diag}(A \mathbf{1}), \qquad d_i = \sum_j A_{ij}

    Args:
        A: (n, n) array or tensor of weights.

    Returns:
        (n, n), of the same kind.

    Raises:
        InputError: A is not square.

    >>> degree_matrix(np.array([[1.0, 0.5], [0.5, 1.0]]))
    array([[1.5, 0. ],
           [0. , 1.5]])
    """
    _check_square("A", A)
    degrees = A.sum(1)
    return torch.diag(degrees) if isinstance(degrees, Tensor) else np.diag(degrees)


def symmetric_normalize(A: Matrix) -> Matrix:
    r"""``M = D^-1/2 A D^-1/2`` (questions 5d and 5e; its leading vectors are those of 5f).

    .. math::

        M = D^{-1/2} A D^{-1/2}, \qquad M_{ij} = \frac{A_{ij}}{\sqrt{d_i d_j}}

    For a symmetric non-negative A the eigenvalues lie in [-1, 1] and the largest is 1, with
    eigenvector :func:`leading_eigenvector`; it is as often repeated as the graph has connected
    components. A node without any edge is given a loop of weight one, which makes it a component of
    its own. M is the identity minus the normalised Laplacian.

    Args:
        A: (n, n) array or tensor of weights >= 0. A tensor is differentiated through.

    Returns:
        (n, n), of the same kind.

    Raises:
        InputError: A is not square, or a row has a negative sum.

    >>> symmetric_normalize(np.array([[0.0, 2.0], [2.0, 0.0]]))
    array([[0., 1.],
           [1., 0.]])
    """
    _check_square("A", A)
    degrees = A.sum(1)
    if bool((degrees < 0).any()):
        raise InputError("A has a row with a negative sum, which has no root; weights must be >= 0")
    isolated = degrees == 0
    if bool(isolated.any()):
        loops = torch.diag(isolated.to(A.dtype)) if isinstance(A, Tensor) else np.diag(isolated)
        A, degrees = A + loops, degrees + isolated
    scale = degrees**-0.5
    return scale[:, None] * A * scale


def leading_eigenvector(A: Matrix) -> Matrix:
    """The unit vector along ``D^1/2 1``, with ``M v = v`` for ``M`` of A (question 5d).

    Indeed M D^1/2 1 = D^-1/2 A 1 = D^-1/2 d = D^1/2 1.

    Args:
        A: (n, n) array or tensor of weights >= 0, not all zero.

    Returns:
        (n,) ``sqrt(d / sum(d))``, of the same kind.

    Raises:
        InputError: A is not square.

    >>> leading_eigenvector(np.array([[0.0, 2.0], [2.0, 0.0]])).round(4)
    array([0.7071, 0.7071])
    """
    _check_square("A", A)
    degrees = A.sum(1)
    root = torch.sqrt if isinstance(A, Tensor) else np.sqrt
    return root(degrees / degrees.sum())


def stochastic_normalize(M: Matrix) -> Matrix:
    r"""``S = M C^-1``, with C the diagonal of M's column sums (question 5g).

    .. math::

        S = M C^{-1}, \qquad S_{ij} = M_{ij} / \sum_i M_{ij}

    The columns of S sum to one: it is column-stochastic.

    Args:
        M: (n, n) array or tensor, usually from :func:`symmetric_normalize`.

    Returns:
        (n, n), of the same kind.

    Raises:
        InputError: M is not square, or a column sums to zero.

    >>> stochastic_normalize(np.array([[1.0, 1.0], [3.0, 1.0]]))
    array([[0.25, 0.5 ],
           [0.75, 0.5 ]])
    """
    _check_square("M", M)
    sums = M.sum(0)
    if bool((sums == 0).any()):
        raise InputError("M has a column of zeros, which cannot be scaled to sum to one")
    return M / sums


def top_singular_vectors(M: Matrix, k: int) -> tuple[Matrix, Matrix]:
    r"""The ``k`` largest singular values and their left singular vectors (questions 5f and 5g).

    .. math::

        M = U \Sigma V^\top

    For a symmetric positive semidefinite M these are eigenvalues and eigenvectors.

    Args:
        M: (n, m) array or tensor. A tensor is differentiated through.
        k: number of vectors, 1 <= k <= min(n, m).

    Returns:
        (k,) values, descending, and (n, k) orthonormal vectors, of each the entry of largest
        modulus positive.

    Raises:
        InputError: M does not have two axes, or k is out of range.

    >>> values, vectors = top_singular_vectors(np.array([[2.0, 1.0], [1.0, 2.0]]), 1)
    >>> values, vectors.shape
    (array([3.]), (2, 1))
    """
    if M.ndim != 2 or not 1 <= k <= min(M.shape):
        raise InputError(f"k={k!r} vectors of a matrix of shape {tuple(M.shape)}; 1 <= k <= min")
    svd = torch.linalg.svd if isinstance(M, Tensor) else np.linalg.svd
    left, values, _ = svd(M, full_matrices=False)
    return values[:k], fix_signs(left[:, :k])


def _check_square(name: str, matrix: Matrix) -> None:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"{name} has shape {tuple(matrix.shape)}; expected a square matrix (n, n)")
