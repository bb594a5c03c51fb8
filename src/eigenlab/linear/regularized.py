"""What L2 regularisation adds to the linear autoencoder: known singular values, and axes.

L = (1/n) ||X - W2 W1 X||_F^2 + lam ||W1||_F^2 + lam ||W2||_F^2. With sigma_i^2, u_i the eigenpairs
of X X^T / n, the minima are, for any orthogonal (k, k) matrix O,

    W2 = U_k diag(sqrt(max(0, 1 - lam / sigma_i^2))) O,    W1 = W2^T

(Kunin, Bloom, Goeva and Seed, ICML 2019, arXiv:1901.08168). O turns the columns of W2, so no single
column means anything. W2 W2^T does not contain O: its eigenvectors, the left singular vectors of
W2, are the principal axes u_i wherever the sigma_i above sqrt(lam) differ, and their order is that
of the singular values. Without regularisation O may be any invertible matrix, and only the column
space remains.
"""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.linalg
import torch
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.linear import components as top
from eigenlab.linear.autoencoder import checked_codes
from eigenlab.linear.objective import checked_lam, checked_width, scatter_eigenpairs
from eigenlab.spectrum.matrices import Matrix

Array = npt.NDArray[Any]


def predicted_singular_values(X: Matrix, k: int, lam: float) -> Tensor:
    """Singular values of W1 and of W2 at the minimum: ``sqrt(max(0, 1 - lam / sigma_i^2))``.

    Along u_i with both weights p, the objective is sigma_i^2 (1 - p^2)^2 + 2 lam p^2; its
    derivative in p^2 vanishes at p^2 = 1 - lam / sigma_i^2, the minimum while that is positive.

    Args:
        X: (d, n), samples in columns, centred or not; sigma_i^2 are the eigenvalues of X X^T / n.
        k: hidden units, 1...d.
        lam: weight of the squared norms, at least 0, in the units of sigma^2.

    Returns:
        (k,) float64, descending, in [0, 1]. A direction without variance (to rounding) has 0. For
        ``lam = 0`` it is the limit: there any invertible O gives a minimum.

    Raises:
        InputError: ``k`` or ``lam`` is out of range, or an entry is not finite.

    >>> predicted_singular_values([[2.0, -2.0], [1.0, 1.0]], 2, lam=0.75)
    tensor([0.9014, 0.5000], dtype=torch.float64)
    """
    variances, _ = scatter_eigenpairs(X, mean=True)
    kept = variances[: checked_width(k, len(variances))]
    return torch.as_tensor(shrinkage(kept.detach().numpy(), checked_lam(lam)))


def shrinkage(variances: Array, lam: float) -> Array:
    """``sqrt(max(0, 1 - lam / variance))``, and 0 where the variance is zero to rounding."""
    rounding = variances.max(initial=0) * len(variances) * np.finfo(float).eps
    varies = variances > rounding
    ratio = np.divide(lam, variances, out=np.full(len(variances), np.inf), where=varies)
    return np.sqrt(np.maximum(0, 1 - ratio))


class RegularizedLinearAutoencoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Minimiser of the regularised objective, in closed form or trained one sample at a time.

    Args:
        n_components: hidden units k, 1...d; None means min(n, d).
        lam: weight of ||W1||^2 and of ||W2||^2, at least 0, in the units of a variance.
        solver: ``"closed-form"`` takes O = I. ``"sgd"`` shows one sample at a time, with squared
            error summed over features and weight decay ``2 lam``.
        center: subtract the mean of the features first; without it the second moments take the
            place of variances, as in the course's formulas.
        learning_rate: of ``"sgd"``, in units of 1 / (mean squared norm of a sample); constant for
            half of the epochs, then falling linearly to zero, so that the noise of single samples
            averages out.
        n_epochs: passes of ``"sgd"`` over the samples, each in a new random order.
        random_state: seed of the start and of the orders.

    Attributes:
        W1_, W2_: encoder (k, d) and decoder (d, k), float64.
        singular_values_: (k,) singular values of W2, descending.
        components_: (k, d) left singular vectors of W2 in rows, the entry of largest modulus
            positive; rows whose singular value is zero are arbitrary.
        objective_: the value of L.
        mean_: (d,), zeros without ``center``.
        n_components_, n_features_in_: counts.

    Warns:
        UserWarning: ``lam`` is at least the largest variance, so that both matrices are zero.

    Raises:
        InputError: a parameter is out of range, the samples are fewer than two, or training
            diverged.

    >>> X = np.array([[2.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [-2.0, -1.0]])
    >>> RegularizedLinearAutoencoder(2, lam=0.75).fit(X).singular_values_.round(4)
    array([0.9014, 0.5   ])
    """

    def __init__(
        self,
        n_components: int | None = None,
        lam: float = 0.01,
        *,
        solver: Literal["closed-form", "sgd"] = "closed-form",
        center: bool = True,
        learning_rate: float = 0.1,
        n_epochs: int = 40,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.lam = lam
        self.solver = solver
        self.center = center
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> RegularizedLinearAutoencoder:
        """Fit to the rows of ``X`` (n, d)."""
        lam = checked_lam(self.lam)
        X = validate_data(self, X, dtype=[np.float64, np.float32]).astype(float)
        n, d = X.shape
        if n < 2:
            raise InputError(f"n_samples = {n}: a variance needs at least 2 samples")
        k = self.n_components
        k = min(n, d) if k is None else checked_width(k, d, "n_components")
        self.mean_ = X.mean(axis=0) if self.center else np.zeros(d)
        X = X - self.mean_
        if self.solver == "closed-form":
            axes, variances = _axes(X, k)
            self.W2_ = axes.T * shrinkage(variances, lam)
            self.W1_ = self.W2_.T.copy()
        elif self.solver == "sgd":
            self.W1_, self.W2_ = self._train(X, k, lam)
        else:
            raise InputError(f"solver={self.solver!r} is unknown; choose 'closed-form' or 'sgd'")
        left, self.singular_values_, _ = scipy.linalg.svd(self.W2_, full_matrices=False)
        self.components_ = top.signed(left.T)
        self.n_components_ = self._n_features_out = k
        error = X - (X @ self.W1_.T) @ self.W2_.T
        norms = np.vdot(self.W1_, self.W1_) + np.vdot(self.W2_, self.W2_)
        self.objective_ = float(np.vdot(error, error) / n + lam * norms)
        if lam > 0 and self.singular_values_[0] < 1e-12:
            warnings.warn(
                f"lam={lam:g} is at least the largest variance of the data, so both weight "
                "matrices are zero; take a smaller lam",
                stacklevel=2,
            )
        return self

    def transform(self, X: Any) -> Array:
        """Codes ``W1 (x - mean)``, (n, k), in the dtype of ``X``."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return (X - self.mean_.astype(X.dtype)) @ self.W1_.T.astype(X.dtype)

    def inverse_transform(self, X: Any) -> Array:
        """Reconstructions ``W2 z + mean``, (n, d), of the codes in the rows of ``X`` (n, k)."""
        check_is_fitted(self)
        Z = checked_codes(X, self.n_components_)
        return Z @ self.W2_.T.astype(Z.dtype) + self.mean_.astype(Z.dtype)

    def _train(self, X: Array, k: int, lam: float) -> tuple[Array, Array]:
        if not self.learning_rate > 0:
            raise InputError(f"learning_rate={self.learning_rate!r} must be positive")
        if not isinstance(self.n_epochs, Integral) or self.n_epochs < 1:
            raise InputError(f"n_epochs={self.n_epochs!r} must be a positive integer")
        rng = np.random.default_rng(self.random_state)
        n, d = X.shape
        size = np.vdot(X, X) / n
        rate = self.learning_rate / (size if size > 0 else 1.0)
        W1, W2 = (rng.standard_normal(shape) / np.sqrt(d) for shape in ((k, d), (d, k)))
        steps = n * int(self.n_epochs)
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported below
            for epoch in range(int(self.n_epochs)):
                for place, row in enumerate(rng.permutation(n)):
                    left = 1 - (epoch * n + place) / steps
                    sgd_step(W1, W2, X[row], rate * min(1.0, 2 * left), weight_decay=2 * lam)
        if not (np.isfinite(W1).all() and np.isfinite(W2).all()):
            raise InputError(
                f"training diverged with learning_rate={self.learning_rate:g}; take a smaller one"
            )
        return W1, W2

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def sgd_step(W1: Array, W2: Array, x: Array, rate: float, *, weight_decay: float) -> None:
    """One step, in place, on ``||x - W2 W1 x||^2`` with weight decay as ``torch.optim.SGD`` has it.

    The decay is added to the gradient: W <- W - rate (dL/dW + weight_decay W). The gradients are
    rank one: 2 (W2^T r) x^T and 2 r z^T, for z = W1 x and r = W2 z - x.
    """
    code = W1 @ x
    residual = W2 @ code - x
    back = residual @ W2
    keep = 1 - rate * weight_decay
    W1 *= keep
    W1 -= np.multiply.outer((2 * rate) * back, x)
    W2 *= keep
    W2 -= np.multiply.outer((2 * rate) * residual, code)


def _axes(X: Array, k: int) -> tuple[Array, Array]:
    """Top k axes (k, d) in rows and second moments (k,), 1/n, of the rows as they are."""
    _, values, axes = scipy.linalg.svd(X, full_matrices=k > len(X))
    moments = np.zeros(k)
    moments[: len(values)] = values[:k] ** 2 / len(X)
    return top.signed(axes[:k]), moments
