"""Objectives of the linear autoencoder and their gradients.

Samples are the *columns* of X (d, n) here, as in the formulas of the course; the estimators of this
package take samples in rows, as scikit-learn does.

Each objective can be evaluated from the samples X, or from a matrix S = X X^T (or X X^T / n), where
the cost does not depend on the number of samples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.linear.arrays import Matrices, as_inputs
from eigenlab.linear.checks import check_lam
from eigenlab.spectrum.matrices import Matrix, as_matrix


def loss(W1: Matrices, W2: Matrices, X: Matrices) -> Matrices:
    """Squared reconstruction error ``||X - W2 W1 X||_F^2`` (question 3b).

    The error is a sum over features and over samples.

    Args:
        W1: encoder, (k, d).
        W2: decoder, (d, k).
        X: samples in columns, (d, n), centred or not.

    Returns:
        A float64 scalar: a tensor with its autograd history if an argument is a tensor, else a
        NumPy scalar.

    Raises:
        InputError: the shapes do not match, or an entry is not finite.

    >>> float(loss([[1.0, 0.0]], [[1.0], [0.0]], [[3.0, 1.0], [2.0, 0.0]]))
    4.0
    """
    return as_inputs(_loss(*_check_matrices(W1, W2, X)), W1, W2, X)


def gradients(W1: Matrices, W2: Matrices, X: Matrices) -> tuple[Matrices, Matrices]:
    r"""Gradients of :func:`loss` with respect to ``W1`` and ``W2`` (question 3b).

    .. math::

        L(W_1, W_2) = \lVert X - W_2 W_1 X \rVert_F^2

    dL/dW1 = 2 W2^T (W2 W1 - I) X X^T and dL/dW2 = 2 (W2 W1 - I) X X^T W1^T (Baldi and Hornik,
    Neural Networks 2 (1989) 53-58, doi:10.1016/0893-6080(89)90014-2). They are computed from the
    residual W2 W1 X - X in O(n d k), without forming X X^T.

    Args:
        W1: encoder, (k, d).
        W2: decoder, (d, k).
        X: samples in columns, (d, n), centred or not.

    Returns:
        dL/dW1, (k, d), and dL/dW2, (d, k), float64; tensors if an argument is a tensor, else NumPy
        arrays.

    Raises:
        InputError: the shapes do not match, or an entry is not finite.

    >>> gradients([[1.0, 0.0]], [[1.0], [0.0]], [[3.0, 0.0], [0.0, 2.0]])[1].tolist()
    [[0.0], [0.0]]
    """
    by_W1, by_W2 = _gradients(*_check_matrices(W1, W2, X))
    return as_inputs(by_W1, W1, W2, X), as_inputs(by_W2, W1, W2, X)


def regularized_loss(W1: Matrices, W2: Matrices, X: Matrices, lam: float) -> Matrices:
    r"""``(1/n) ||X - W2 W1 X||_F^2 + lam ||W1||_F^2 + lam ||W2||_F^2`` (question 8a).

    .. math::

        L = \frac{1}{n} \lVert X - W_2 W_1 X \rVert_F^2 + \lambda (\lVert W_1 \rVert_F^2 + \lVert
        W_2 \rVert_F^2)

    The error is a sum over features and a *mean* over samples; with a sum over both, ``lam`` would
    have to be n times as large.

    Args:
        W1: encoder, (k, d).
        W2: decoder, (d, k).
        X: samples in columns, (d, n), centred or not.
        lam: weight of the squared Frobenius norms, at least 0, in the units of a variance.

    Returns:
        A float64 scalar: a tensor with its autograd history if an argument is a tensor, else a
        NumPy scalar.

    Raises:
        InputError: the shapes do not match, an entry is not finite, or ``lam`` is negative or not
            finite.

    >>> float(regularized_loss([[0.5]], [[0.5]], [[2.0, 2.0]], lam=1.0))
    2.75
    """
    lam = check_lam(lam)
    A, B, Y = _check_matrices(W1, W2, X)
    value = _loss(A, B, Y) / Y.shape[1] + lam * (A.square().sum() + B.square().sum())
    return as_inputs(value, W1, W2, X)


def regularized_gradients(
    W1: Matrices, W2: Matrices, X: Matrices, lam: float
) -> tuple[Matrices, Matrices]:
    """Gradients of :func:`regularized_loss` with respect to ``W1`` and ``W2`` (question 8a).

    Those of :func:`loss` divided by n, plus ``2 lam W1`` and ``2 lam W2``. ``2 lam W`` is what
    ``weight_decay=2 * lam`` adds to the gradient in ``torch.optim.SGD``, in every step and whatever
    the batch. With one sample at a time and its error summed over features, the mean of the steps
    over the samples is therefore exactly a step along the gradient of the whole objective.

    Args:
        W1: encoder, (k, d).
        W2: decoder, (d, k).
        X: samples in columns, (d, n), centred or not.
        lam: weight of the squared Frobenius norms, at least 0, in the units of a variance.

    Returns:
        dL/dW1, (k, d), and dL/dW2, (d, k), float64; tensors if an argument is a tensor, else NumPy
        arrays.

    Raises:
        InputError: as :func:`regularized_loss`.

    >>> regularized_gradients([[0.5]], [[0.5]], [[2.0, 2.0]], lam=3.0)[0].tolist()
    [[0.0]]
    """
    lam = check_lam(lam)
    A, B, Y = _check_matrices(W1, W2, X)
    by_W1, by_W2 = _gradients(A, B, Y)
    n = Y.shape[1]
    by_W1, by_W2 = by_W1 / n + 2 * lam * A, by_W2 / n + 2 * lam * B
    return as_inputs(by_W1, W1, W2, X), as_inputs(by_W2, W1, W2, X)


def covariance_loss(W1: Tensor, W2: Tensor, S: Tensor, lam: float | Tensor = 0.0) -> Tensor:
    """``tr((I - W2 W1) S (I - W2 W1)^T) + lam (||W1||_F^2 + ||W2||_F^2)`` (questions 3b and 8a).

    Equal to :func:`regularized_loss` for S = X X^T / n, and with ``lam = 0`` to :func:`loss` for
    S = X X^T. Arguments are not checked.

    Args:
        W1: encoders, (..., k, d); leading axes are independent networks.
        W2: decoders, (..., d, k).
        S: (d, d), symmetric.
        lam: weight of the squared Frobenius norms, a number or a tensor that broadcasts with (...).
            Default: ``0.0``.

    Returns:
        A tensor (...).

    >>> covariance_loss(torch.zeros(1, 2), torch.zeros(2, 1), torch.eye(2)).item()
    2.0
    """
    residual = W2 @ W1 - torch.eye(len(S), dtype=S.dtype, device=S.device)
    error = ((residual @ S) * residual).sum((-2, -1))
    return error + lam * (W1.square().sum((-2, -1)) + W2.square().sum((-2, -1)))


def covariance_gradients(W1: Tensor, W2: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of :func:`covariance_loss` without penalty (question 3b).

    2 W2^T (W2 W1 - I) S and 2 (W2 W1 - I) S W1^T, in O(d^2 k). A penalty adds ``2 lam W1`` and
    ``2 lam W2``. Arguments are not checked.

    Args:
        W1: encoders, (..., k, d); leading axes are independent networks.
        W2: decoders, (..., d, k).
        S: (d, d), symmetric.

    Returns:
        Tensors (..., k, d) and (..., d, k).

    >>> W1, W2 = torch.tensor([[0.5, 0.0]]), torch.tensor([[0.5], [0.0]])
    >>> covariance_gradients(W1, W2, torch.eye(2))[0]
    tensor([[-0.7500,  0.0000]])
    """
    # No product of two (d, d) matrices.
    seen = W1 @ S
    by_W1 = (W2.mT @ W2) @ seen - W2.mT @ S
    by_W2 = W2 @ (seen @ W1.mT) - seen.mT
    return 2 * by_W1, 2 * by_W2


def _loss(W1: Tensor, W2: Tensor, X: Tensor) -> Tensor:
    return (X - W2 @ (W1 @ X)).square().sum()


def _gradients(W1: Tensor, W2: Tensor, X: Tensor) -> tuple[Tensor, Tensor]:
    code = W1 @ X
    residual = W2 @ code - X
    return 2 * (W2.T @ residual) @ X.T, 2 * residual @ code.T


def _check_matrices(W1: Matrix, W2: Matrix, X: Matrix) -> tuple[Tensor, Tensor, Tensor]:
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
