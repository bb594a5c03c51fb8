"""Synthetic data whose labels live in a subspace of large variance."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.training import generator


class Split(NamedTuple):
    """Samples x (n, d) with integer labels y (n,)."""

    x: Tensor
    y: Tensor


class SubspaceData(NamedTuple):
    """Three parts of one sample, and the eigenvalues (d,), descending, of its true covariance."""

    train: Split
    validation: Split
    test: Split
    eigenvalues: Tensor

    def discarded(self, k: int) -> float:
        """Smallest expected loss of any linear autoencoder of width ``k``.

        The sum of the eigenvalues from the (k+1)-th on (Eckart and Young 1936,
        doi:10.1007/BF02288367).
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

    In their own basis the first ``n_signal`` coordinates have variance ``variance_ratio`` and the
    others 1; the label is 1 where the sum of the first ones is positive, else 0; then all is
    turned by a random rotation, so that no single feature tells the label. Split 0.7/0.2/0.1.

    Raises :class:`~eigenlab.errors.InputError` for sizes that leave a part empty.

    >>> data = subspace_data(1000)
    >>> len(data.train.x), len(data.validation.x), len(data.test.x), data.discarded(20)
    (700, 200, 100, 80.0)
    """
    if n_samples < 10 or not 1 <= n_signal <= n_features or not variance_ratio > 0:
        raise InputError(
            f"n_samples={n_samples}, n_features={n_features}, n_signal={n_signal}, "
            f"variance_ratio={variance_ratio}; expected n_samples >= 10, "
            "1 <= n_signal <= n_features and a positive ratio"
        )
    rng = generator(seed, "subspace")
    variances = torch.ones(n_features, dtype=dtype)
    variances[:n_signal] = variance_ratio
    x = torch.randn(n_samples, n_features, generator=rng, dtype=dtype) * variances.sqrt()
    y = (x[:, :n_signal].sum(1) > 0).long()
    # The Q of a Gaussian matrix is uniform over rotations once R's diagonal is positive.
    q, r = torch.linalg.qr(torch.randn(n_features, n_features, generator=rng, dtype=dtype))
    x = x @ (q * r.diagonal().sign())
    ends = n_samples * 7 // 10, n_samples * 9 // 10
    train, validation, test = (
        Split(x[a:b].contiguous(), y[a:b])
        for a, b in zip((0, *ends), (*ends, n_samples), strict=True)
    )
    return SubspaceData(train, validation, test, variances.sort(descending=True).values)
