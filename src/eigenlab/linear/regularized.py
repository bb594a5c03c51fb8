"""The linear autoencoder with L2 regularisation as a scikit-learn estimator."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.linalg
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from eigenlab.errors import InputError
from eigenlab.linear.checks import (
    check_codes,
    check_lam,
    check_n_epochs,
    check_n_samples,
    check_width,
)
from eigenlab.linear.objective import regularized_loss
from eigenlab.linear.sgd import train_by_samples
from eigenlab.linear.shrinkage import shrinkage
from eigenlab.spectrum import fix_signs
from eigenlab.training.seeding import resolve_seed

Array = npt.NDArray[Any]


class RegularizedLinearAutoencoder(
    ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """Linear autoencoder with L2 regularisation (questions 8a and 8b).

    Minimises ``L = (1/n) ||X - W2 W1 X||_F^2 + lam ||W1||_F^2 + lam ||W2||_F^2``, with centred
    samples in the columns of X. With eigenpairs (sigma_i^2, u_i) of X X^T / n, the minima are
    ``W2 = U_k diag(sqrt(max(0, 1 - lam / sigma_i^2))) O`` and ``W1 = W2^T`` for any orthogonal
    (k, k) matrix O (Kunin, Bloom, Goeva and Seed, ICML 2019, arXiv:1901.08168). The columns of W2
    depend on O and are not determined. W2 W2^T does not depend on O: its eigenvectors, the left
    singular vectors of W2, are the principal axes u_i wherever the variances above ``lam`` differ.
    Without regularisation O may be any invertible matrix, and only the column space is determined.

    Args:
        n_components: number of hidden units k, 1...d. Default: ``None``, min(n_samples, d).
        lam: weight of ||W1||_F^2 and of ||W2||_F^2, at least 0, in the units of a variance.
            Default: ``0.01``.
        solver: ``"closed-form"``, with O = I, or ``"sgd"``, stochastic gradient descent on one
            sample at a time with the squared error summed over features and weight decay
            ``2 lam``. Default: ``'closed-form'``.
        center: whether to subtract the mean of the features; without it, second moments take the
            place of variances, as in the formulas of the course. Default: ``True``.
        learning_rate: initial learning rate of ``"sgd"``, in units of 1 / (mean squared norm of a
            sample); constant for half of the epochs, then decreasing linearly to zero, so that the
            noise of single samples averages out. Default: ``0.1``.
        n_epochs: passes of ``"sgd"`` over the samples, each in a new random order. Default: ``40``.
        random_state: seed or ``RandomState`` of the initial weights and the orders of ``"sgd"``;
            pass an int for reproducible results. Default: ``None``.

    Attributes:
        W1_: encoder, (k, d) float64.
        W2_: decoder, (d, k) float64.
        singular_values_: singular values of ``W2_``, (k,), descending.
        components_: left singular vectors of ``W2_`` in rows, (k, d); the entry of largest modulus
            of each row is positive. Rows whose singular value is zero are arbitrary.
        objective_: value of L.
        mean_: means of the features, (d,); zeros if ``center`` is False.
        n_components_: number of hidden units k.
        n_features_in_: number of features d.

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
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.lam = lam
        self.solver = solver
        self.center = center
        self.learning_rate = learning_rate
        self.n_epochs = n_epochs
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> RegularizedLinearAutoencoder:
        """Fit to the rows of ``X``.

        Args:
            X: samples in rows, (n_samples, d).
            y: ignored. Default: ``None``.

        Returns:
            The fitted estimator.

        Raises:
            InputError: a parameter is out of range, there are fewer than two samples, or training
                diverged.
            ValueError: ``X`` holds NaN or infinity, or is not a matrix of numbers.

        Warns:
            UserWarning: ``lam`` is at least the largest variance, so both matrices are zero.
        """
        lam = check_lam(self.lam)
        X = validate_data(self, X, dtype=[np.float64, np.float32]).astype(float)
        n, d = X.shape
        check_n_samples(n)
        k = self.n_components
        k = min(n, d) if k is None else check_width(k, d, "n_components")
        self.mean_ = X.mean(axis=0) if self.center else np.zeros(d)
        X = X - self.mean_
        if self.solver == "closed-form":
            axes, variances = _axes(X, k)
            self.W2_ = axes.T * shrinkage(variances, lam)
            self.W1_ = self.W2_.T.copy()
        elif self.solver == "sgd":
            self.W1_, self.W2_ = train_by_samples(
                X,
                k,
                lam,
                learning_rate=self.learning_rate,
                n_epochs=check_n_epochs(self.n_epochs),
                seed=resolve_seed(self.random_state),
            )
        else:
            raise InputError(f"solver={self.solver!r} is unknown; choose 'closed-form' or 'sgd'")
        left, self.singular_values_, _ = scipy.linalg.svd(self.W2_, full_matrices=False)
        self.components_ = fix_signs(left).T
        self.n_components_ = self._n_features_out = k
        self.objective_ = regularized_loss(self.W1_, self.W2_, X.T, lam).item()
        if lam > 0 and self.singular_values_[0] < 1e-12:
            warnings.warn(
                f"lam={lam:g} is at least the largest variance of the data, so both weight "
                "matrices are zero; take a smaller lam",
                stacklevel=2,
            )
        return self

    def transform(self, X: Any) -> Array:
        """Encode the rows of ``X``.

        Args:
            X: samples in rows, (n, d).

        Returns:
            Codes ``W1 (x - mean)`` in rows, (n, k), in the dtype of ``X``.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        return (X - self.mean_.astype(X.dtype)) @ self.W1_.T.astype(X.dtype)

    def inverse_transform(self, X: Any) -> Array:
        """Decode codes.

        Args:
            X: codes in rows, (n, k).

        Returns:
            Reconstructions ``W2 z + mean`` in rows, (n, d), in the dtype of ``X``.

        Raises:
            InputError: ``X`` has another number of columns.
        """
        check_is_fitted(self)
        Z = check_codes(X, self.n_components_)
        return Z @ self.W2_.T.astype(Z.dtype) + self.mean_.astype(Z.dtype)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _axes(X: Array, k: int) -> tuple[Array, Array]:
    """Return the k leading axes (k, d) in rows and the second moments (k,), with 1/n."""
    _, values, axes = scipy.linalg.svd(X, full_matrices=k > len(X))
    moments = np.zeros(k)
    moments[: len(values)] = values[:k] ** 2 / len(X)
    return fix_signs(axes[:k].T).T, moments
