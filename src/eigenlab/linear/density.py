"""The Gaussian density of probabilistic PCA.

The samples are modelled as normal with mean ``mean`` and covariance
``V diag(variances - noise) V^T + noise I``: the variances of the data along the principal axes V,
and one variance in all other directions, at its maximum-likelihood value (Tipping and Bishop 1999,
doi:10.1111/1467-9868.00196).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from eigenlab.errors import InputError
from eigenlab.linear.components import PrincipalComponents

Array = npt.NDArray[Any]


class GaussianModel(NamedTuple):
    """Mean (d,), axes (k, d), their variances (k,), and the variance of the other directions.

    ``negligible`` bounds the rounding error of the variances.
    """

    mean: Array
    axes: Array
    variances: Array
    noise: float
    negligible: float

    @classmethod
    def of(cls, found: PrincipalComponents) -> GaussianModel:
        """Return the model of fitted components."""
        k, d = found.vectors.shape
        freedom = found.n_samples - 1
        others = min(found.n_samples, d) - k
        rest = max(found.total - float(found.values.sum()), 0.0)
        noise = rest / freedom / others if others > 0 else 0.0
        return cls(
            found.mean, found.vectors, found.values / freedom, noise, found.negligible / freedom
        )

    def covariance(self) -> Array:
        """Return the covariance, (d, d)."""
        spread = (self.axes.T * np.maximum(self.variances - self.noise, 0)) @ self.axes
        spread.flat[:: len(spread) + 1] += self.noise
        return spread

    def log_likelihoods(self, X: Array) -> Array:
        """Return the natural logarithm of the density at the rows of ``X`` (n, d).

        From the codes z along the axes and the rest r, without an inverse:
        ``-(sum z_i^2 / variance_i + |r|^2 / noise + log det + d log 2 pi) / 2``.
        """
        k, d = self.axes.shape
        variances = np.maximum(self.variances, self.noise)
        least = min(variances.min(), self.noise) if k < d else variances.min()
        if least <= self.negligible:
            raise InputError(
                "the covariance is singular, so the samples have no density: the data vary in "
                "fewer directions than they have features; take fewer n_components, or leave out "
                "features that are constant or sums of others"
            )
        centred = X - self.mean
        codes = centred @ self.axes.T
        distances = np.sum(codes**2 / variances, axis=1)
        log_det = float(np.log(variances).sum())
        if k < d:
            rest = centred - codes @ self.axes
            distances += np.sum(rest**2, axis=1) / self.noise
            log_det += (d - k) * float(np.log(self.noise))
        found: Array = -(distances + log_det + d * np.log(2 * np.pi)) / 2
        return found
