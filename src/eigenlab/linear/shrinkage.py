"""Singular values of a linear autoencoder's weights at the regularised minimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from eigenlab.linear.arrays import Matrices
from eigenlab.linear.checks import check_lam, check_width
from eigenlab.linear.eigenpairs import scatter_eigenpairs


def shrinkage(variances: Matrices, lam: float) -> Matrices:
    r"""``sqrt(max(0, 1 - lam / sigma_i^2))``, the singular values at the minimum (question 8b).

    .. math::

        \sigma_i(W_1) = \sigma_i(W_2) = \sqrt{\max(0, 1 - \lambda / \sigma_i^2)}

    Both W1 and W2 have these singular values where the regularised objective is smallest. Along a
    principal axis with variance sigma^2 and both weights p, the objective is
    ``sigma^2 (1 - p^2)^2 + 2 lam p^2``; its derivative in p^2 vanishes at ``p^2 = 1 - lam /
    sigma^2``, which is the minimum while it is positive. Source: Kunin, Bloom, Goeva and Seed,
    ICML 2019, arXiv:1901.08168.

    Args:
        variances: sigma_i^2, (k,) float64, at least 0.
        lam: weight of the squared norms, at least 0, in the units of a variance.

    Returns:
        (k,) float64 in [0, 1], a tensor if ``variances`` is one, else a NumPy array. A variance
        that is zero up to rounding gives 0, for ``lam = 0`` too.

    Raises:
        InputError: ``lam`` is negative or not finite.

    >>> shrinkage(np.array([4.0, 1.0, 0.5]), lam=0.75).round(4).tolist()
    [0.9014, 0.5, 0.0]
    """
    if isinstance(variances, Tensor):
        values = _shrinkage(variances.detach().cpu().numpy(), check_lam(lam))
        return torch.from_numpy(values).to(variances.device)
    return _shrinkage(np.asarray(variances), check_lam(lam))


def predicted_singular_values(X: Matrices, k: int, lam: float) -> Matrices:
    """Singular values of W1 and of W2 at the regularised minimum, from samples (question 8b).

    They are :func:`shrinkage` of the k largest eigenvalues of X X^T / n.

    Args:
        X: samples in columns, (d, n), centred or not.
        k: number of hidden units, 1...d.
        lam: weight of the squared norms, at least 0, in the units of a variance.

    Returns:
        (k,) float64 in [0, 1], descending; a tensor if ``X`` is one, else a NumPy array.

    Raises:
        InputError: ``k`` or ``lam`` is out of range, or an entry is not finite.

    >>> predicted_singular_values([[2.0, -2.0], [1.0, 1.0]], 2, lam=0.75).round(4).tolist()
    [0.9014, 0.5]
    """
    variances, _ = scatter_eigenpairs(X, mean=True)
    return shrinkage(variances[: check_width(k, len(variances))], lam)


def factor_penalty(singular_values: Matrices) -> Matrices:
    """``s^2 + 1 / s^2``, the smallest penalty of two factors of a projection (question 8b).

    If W2 W1 is an orthogonal projection, a singular value s of W2 is accompanied by one of at least
    1 / s in W1, and their squares add up to this. It is smallest at s = 1, so that an arbitrarily
    small penalty selects orthonormal columns.

    Args:
        singular_values: s, (k,) float64, positive.

    Returns:
        (k,) float64, a tensor if ``singular_values`` is one, else a NumPy array.

    >>> factor_penalty([0.5, 1.0, 2.0]).tolist()
    [4.25, 2.0, 4.25]
    """
    s = singular_values if isinstance(singular_values, Tensor) else np.asarray(singular_values)
    return s**2 + s**-2.0


def _shrinkage(variances: npt.NDArray[Any], lam: float) -> npt.NDArray[Any]:
    rounding = variances.max(initial=0) * len(variances) * np.finfo(float).eps
    varies = variances > rounding
    ratio = np.divide(lam, variances, out=np.full(len(variances), np.inf), where=varies)
    return np.sqrt(np.maximum(0, 1 - ratio))
