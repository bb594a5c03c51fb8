"""Eigenvalues, spectral radius and singular values of small dense operators."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.spectrum.matrices import Matrix, as_matrix


def eigenvalues(W: Matrix) -> Tensor:
    """Eigenvalues of square matrices, largest magnitude first.

    A complex pair of a real matrix comes with the positive imaginary part first; among other
    eigenvalues of equal magnitude the order is not defined.

    Args:
        W: (..., n, n) tensor or array, real or complex.

    Returns:
        (..., n) complex128. Errors are of order ``cond * eps * ||W||``, eps = 2.2e-16, where
        ``cond`` is the condition number of the eigenvalue: 1 for a normal matrix, while a
        defective eigenvalue of multiplicity m moves by about ``(eps ||W||)^(1/m)`` (Golub and
        Van Loan, Matrix Computations, 4th ed., sec. 7.2).

    Raises:
        InputError: W is not square, is empty or has an entry that is not finite.

    >>> eigenvalues([[1.0, 0.0], [5.0, -3.0]]).real
    tensor([-3.,  1.], dtype=torch.float64)
    """
    values: Tensor = torch.linalg.eigvals(as_matrix("W", W, square=True))
    # Stable: LAPACK gives a pair's positive imaginary part first, and its magnitudes are equal.
    return values.gather(-1, torch.argsort(values.abs(), dim=-1, descending=True, stable=True))


def spectral_radius(W: Matrix) -> Tensor:
    """Largest magnitude of an eigenvalue, ``max |lambda_i(W)|``.

    Powers ``W^k`` grow or shrink like ``rho^k``: with ``W`` = ``W_h`` of a linear recurrent
    network, gradients vanish for rho < 1 and explode for rho > 1.

    Args:
        W: (..., n, n) tensor or array, real or complex.

    Returns:
        (...) float64.

    Raises:
        InputError: W is not square, is empty or has an entry that is not finite.

    >>> spectral_radius([[0.5, 100.0], [0.0, -0.8]])
    tensor(0.8000, dtype=torch.float64)
    """
    return eigenvalues(W)[..., 0].abs()


def singular_values(W: Matrix) -> Tensor:
    """Singular values of matrices of any shape, descending.

    Args:
        W: (..., m, n) tensor or array, real or complex.

    Returns:
        (..., min(m, n)) float64, each with an absolute error of order ``eps * ||W||``.

    Raises:
        InputError: W is empty or has an entry that is not finite.

    >>> singular_values([[3.0, 0.0], [0.0, -4.0], [0.0, 0.0]])
    tensor([4., 3.], dtype=torch.float64)
    """
    return torch.linalg.svdvals(as_matrix("W", W))
