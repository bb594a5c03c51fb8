"""The linear autoencoder's objectives and their gradients, as the course writes them.

Samples are the *columns* of X here, as in the formulas; the estimators of this package take samples
in rows, as scikit-learn does.
"""

from __future__ import annotations

from numbers import Real

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.spectrum.matrices import Matrix, as_matrix


def loss(W1: Matrix, W2: Matrix, X: Matrix) -> Tensor:
    """Squared reconstruction error ``||X - W2 W1 X||_F^2``, summed over entries and samples.

    Args:
        W1: (k, d), the encoder.
        W2: (d, k), the decoder.
        X: (d, n), samples in columns.

    Returns:
        a float64 scalar. Tensors keep their autograd history.

    Raises:
        InputError: shapes do not fit, or an entry is not finite.

    >>> loss([[1.0, 0.0]], [[1.0], [0.0]], [[3.0, 1.0], [2.0, 0.0]])
    tensor(4., dtype=torch.float64)
    """
    W1, W2, X = _checked(W1, W2, X)
    return (X - W2 @ (W1 @ X)).square().sum()


def gradients(W1: Matrix, W2: Matrix, X: Matrix) -> tuple[Tensor, Tensor]:
    """Gradients of :func:`loss` with respect to ``W1`` and ``W2``.

    dL/dW1 = 2 W2^T (W2 W1 - I) X X^T and dL/dW2 = 2 (W2 W1 - I) X X^T W1^T (Baldi and Hornik,
    Neural Networks 2 (1989) 53-58, doi:10.1016/0893-6080(89)90014-2). They are multiplied out from
    the residual, in O(n d k), so that X X^T is never formed.

    Args:
        W1, W2, X: as in :func:`loss`.

    Returns:
        (k, d) and (d, k), float64.

    Raises:
        InputError: as :func:`loss`.

    >>> gradients([[1.0, 0.0]], [[1.0], [0.0]], [[3.0, 0.0], [0.0, 2.0]])[1].flatten()
    tensor([0., 0.], dtype=torch.float64)
    """
    W1, W2, X = _checked(W1, W2, X)
    code = W1 @ X
    residual = W2 @ code - X
    return 2 * (W2.T @ residual) @ X.T, 2 * residual @ code.T


def regularized_loss(W1: Matrix, W2: Matrix, X: Matrix, lam: float) -> Tensor:
    """``(1/n) ||X - W2 W1 X||_F^2 + lam ||W1||_F^2 + lam ||W2||_F^2``, the course's objective.

    The error is a sum over features and a *mean* over samples; with a sum over both, ``lam`` would
    have to be n times as large.

    Args:
        W1, W2, X: as in :func:`loss`.
        lam: weight of the squared Frobenius norms, at least 0, in the units of a variance.

    Raises:
        InputError: as :func:`loss`, or ``lam`` is negative or not finite.

    >>> regularized_loss([[0.5]], [[0.5]], [[2.0, 2.0]], lam=1.0)
    tensor(2.7500, dtype=torch.float64)
    """
    lam = checked_lam(lam)
    W1, W2, X = _checked(W1, W2, X)
    return loss(W1, W2, X) / X.shape[1] + lam * (W1.square().sum() + W2.square().sum())


def regularized_gradients(W1: Matrix, W2: Matrix, X: Matrix, lam: float) -> tuple[Tensor, Tensor]:
    """Gradients of :func:`regularized_loss`: those of the error over n, plus ``2 lam W``.

    ``2 lam W`` is what ``weight_decay=2 * lam`` adds to the gradient in ``torch.optim.SGD``, once
    per step and whatever the batch: so one sample at a time, with its error summed over features,
    the mean of the steps is exactly a step on the whole objective.

    >>> regularized_gradients([[0.5]], [[0.5]], [[2.0, 2.0]], lam=3.0)[0]
    tensor([[0.]], dtype=torch.float64)
    """
    lam = checked_lam(lam)
    W1, W2, X = _checked(W1, W2, X)
    by_W1, by_W2 = gradients(W1, W2, X)
    n = X.shape[1]
    return by_W1 / n + 2 * lam * W1, by_W2 / n + 2 * lam * W2


def checked_lam(lam: float) -> float:
    """Return ``lam`` as a float, or say what it must be."""
    if isinstance(lam, bool) or not (isinstance(lam, Real) and 0 <= lam < float("inf")):
        raise InputError(f"lam={lam!r} must be a finite number that is not negative")
    return float(lam)


def _checked(W1: Matrix, W2: Matrix, X: Matrix) -> tuple[Tensor, Tensor, Tensor]:
    W1, W2, X = as_matrix("W1", W1), as_matrix("W2", W2), as_matrix("X", X)
    shapes = [tuple(matrix.shape) for matrix in (W1, W2, X)]
    fit = (
        all(len(shape) == 2 for shape in shapes)
        and shapes[0] == shapes[1][::-1]
        and shapes[0][1] == shapes[2][0]
    )
    if not fit:
        raise InputError(
            f"W1, W2 and X have shapes {shapes[0]}, {shapes[1]} and {shapes[2]}; expected (k, d), "
            "(d, k) and (d, n), samples in the columns of X"
        )
    return W1, W2, X


def scatter_eigenpairs(X: Matrix, *, mean: bool) -> tuple[Tensor, Tensor]:
    """Eigenvalues (d,) of X X^T, descending, and its eigenvectors (d, d) in columns.

    From the singular values of X, which keeps small eigenvalues exact relative to the largest one's
    square root. With ``mean``, the eigenvalues of X X^T / n. X is (d, n), float64.
    """
    X = as_matrix("X", X)
    if X.ndim != 2:
        raise InputError(f"X has shape {tuple(X.shape)}, expected (d, n), samples in columns")
    d, n = X.shape
    vectors, values, _ = torch.linalg.svd(X, full_matrices=d > n)
    eigenvalues = X.new_zeros(d)
    eigenvalues[: len(values)] = values.square() / (n if mean else 1)
    return eigenvalues, vectors


def checked_width(k: int, d: int, name: str = "k") -> int:
    """Return the number of hidden units ``k`` if a bottleneck of ``d`` features can have it."""
    if isinstance(k, bool) or not hasattr(k, "__index__") or not 1 <= int(k) <= d:
        raise InputError(
            f"{name}={k!r} hidden units; expected a whole number from 1 to the {d} features of X"
        )
    return int(k)
