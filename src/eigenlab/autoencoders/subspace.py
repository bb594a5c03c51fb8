"""Synthetic data whose labels depend on a subspace of large variance (question 3a)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.stats
import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.training import generator


class Split(NamedTuple):
    """Samples with labels.

    Args:
        x: (n, d) samples.
        y: (n,) int64 labels.
    """

    x: Tensor
    y: Tensor


class SubspaceData(NamedTuple):
    """Data for question 3a and the covariance it was drawn from.

    Args:
        train: 70 % of the samples.
        validation: 20 % of the samples.
        test: 10 % of the samples.
        eigenvalues: (d,) eigenvalues of the true covariance, descending.
    """

    train: Split
    validation: Split
    test: Split
    eigenvalues: Tensor

    def discarded(self, k: int) -> float:
        r"""Return the discarded variance: the smallest loss of a linear autoencoder (question 3a).

        .. math::

            L \ge \sum_{j > k} \lambda_j

        It is the expected squared error, summed over features, and equals the sum of the
        eigenvalues from the (k+1)-th on (Eckart and Young 1936, doi:10.1007/BF02288367).

        Args:
            k: latent width.
        """
        return self.eigenvalues[k:].sum().item()


def subspace_data(
    n_samples: int = 20_000,
    n_features: int = 100,
    n_signal: int = 20,
    *,
    variance_ratio: float = 10.0,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
) -> SubspaceData:
    """Draw normal samples with ``n_signal`` directions of ``variance_ratio`` times the variance.

    The data of question 3a. Before a random rotation, the first ``n_signal`` coordinates have
    variance ``variance_ratio`` and the others 1, and the label is 1 where the sum of the first
    ones is positive, else 0. After the rotation no single feature determines the label.

    Args:
        n_samples: samples in total, at least 10. Default: ``20_000``.
        n_features: dimension d of a sample. Default: ``100``.
        n_signal: directions of large variance. Default: ``20``.
        variance_ratio: variance of those directions over that of the others. Default: ``10.0``.
        seed: random seed; samples and rotation are drawn by ``generator(seed, "subspace")``.
            Default: ``0``.
        dtype: dtype of the samples. Default: ``torch.float32``.

    Returns:
        Samples and labels, split 70/20/10 %, and the eigenvalues of the covariance.

    Raises:
        InputError: there are fewer than 10 samples, ``n_signal`` is not in 1...n_features, or
            ``variance_ratio`` is not positive.

    >>> data = subspace_data(1000)
    >>> len(data.train.x), len(data.validation.x), len(data.test.x), data.discarded(20)
    (700, 200, 100, 80.0)
    """
    if n_samples < 10 or not 1 <= n_signal <= n_features or not variance_ratio > 0:
        raise InputError(
            f"n_samples={n_samples}, n_features={n_features}, n_signal={n_signal}, "
            f"variance_ratio={variance_ratio}; give n_samples >= 10, "
            "1 <= n_signal <= n_features and variance_ratio > 0"
        )
    rng = generator(seed, "subspace")
    variances = torch.ones(n_features, dtype=dtype)
    variances[:n_signal] = variance_ratio
    x = torch.randn(n_samples, n_features, generator=rng, dtype=dtype) * variances.sqrt()
    y = (x[:, :n_signal].sum(1) > 0).long()
    # Q of a Gaussian matrix is uniformly distributed once R's diagonal is made positive.
    q, r = torch.linalg.qr(torch.randn(n_features, n_features, generator=rng, dtype=dtype))
    x = x @ (q * r.diagonal().sign())
    ends = n_samples * 7 // 10, n_samples * 9 // 10
    train, validation, test = (
        Split(x[a:b].contiguous(), y[a:b])
        for a, b in zip((0, *ends), (*ends, n_samples), strict=True)
    )
    return SubspaceData(train, validation, test, variances.sort(descending=True).values)


def attainable_accuracy(k: int, n_signal: int = 20, *, quantile: float | None = None) -> float:
    """Accuracy a linear probe can reach on ``k`` signal directions (question 3a).

    The label of :func:`subspace_data` is the sign of a sum u, a normal variable along one direction
    of the signal subspace. What a projection of that subspace to k dimensions keeps of u is again
    normal and correlates with u by rho, the length of the projected unit direction; two normal
    variables agree in sign with probability ``1 - arccos(rho) / pi`` (Sheppard 1899,
    doi:10.1098/rsta.1899.0003). Equal variances leave open which k directions an autoencoder
    keeps. For a random k-dimensional subspace rho^2 is Beta(k/2, (n_signal - k)/2) distributed.

    Args:
        k: directions that are kept, at least 1; from ``n_signal`` on nothing is lost.
        n_signal: dimension of the signal subspace. Default: ``20``, as in :func:`subspace_data`.
        quantile: in (0, 1), the quantile of the accuracy over random subspaces to return.
            Default: ``None``, the mean.

    Returns:
        Accuracy in [1/2, 1].

    Raises:
        InputError: ``k`` or ``n_signal`` is less than 1, or ``quantile`` is not in (0, 1).

    >>> [round(attainable_accuracy(5, quantile=q), 2) for q in (None, 0.025, 0.975)]
    [0.66, 0.57, 0.76]
    """
    if k < 1 or n_signal < 1:
        raise InputError(f"k={k}, n_signal={n_signal}; both must be at least 1")
    if quantile is not None and not 0 < quantile < 1:
        raise InputError(f"quantile={quantile} must be between 0 and 1")
    if k >= n_signal:
        return 1.0
    squared = scipy.stats.beta(k / 2, (n_signal - k) / 2)
    if quantile is None:
        return float(squared.expect(lambda rho2: 1 - np.arccos(np.sqrt(rho2)) / np.pi))
    return float(1 - np.arccos(np.sqrt(squared.ppf(quantile))) / np.pi)
