"""Encoder and decoder of a linear autoencoder by numerical minimisation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
import torch
from sklearn.exceptions import ConvergenceWarning

from eigenlab.linear.objective import covariance_gradients, covariance_loss

Array = npt.NDArray[Any]
MAX_ITERATIONS = 10_000


def train_factors(gram: Array, k: int, *, seed: int) -> tuple[Array, Array]:
    """Minimise ``tr((I - W2 W1) G (I - W2 W1)^T)`` over W1 (k, d) and W2 (d, k) by L-BFGS.

    Every local minimum is global, and a random start does not converge to a saddle, so W2 W1
    becomes the projection onto the leading k eigenvectors. The basis depends on the seed.

    Args:
        gram: (d, d) float64, positive semidefinite.
        k: number of hidden units.
        seed: random seed of the initial weights, Gaussian with variance 1/d.

    Warns:
        ConvergenceWarning: L-BFGS stopped before the gradient was small.
    """
    d = len(gram)
    scale = np.trace(gram)
    S = torch.from_numpy(gram / scale if scale > 0 else gram)
    start = np.random.default_rng(seed).standard_normal(2 * k * d) / np.sqrt(d)

    def value_and_gradient(weights: Array) -> tuple[float, Array]:
        flat = torch.from_numpy(weights)
        W1, W2 = flat[: k * d].reshape(k, d), flat[k * d :].reshape(d, k)
        by_W1, by_W2 = covariance_gradients(W1, W2, S)
        value = covariance_loss(W1, W2, S).item()
        return value, torch.cat([by_W1.flatten(), by_W2.flatten()]).numpy()

    found = scipy.optimize.minimize(
        value_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_ITERATIONS, "maxfun": 2 * MAX_ITERATIONS, "ftol": 0, "gtol": 1e-10},
    )
    if np.abs(found.jac).max() > 1e-6:
        warnings.warn(
            f"training stopped with a gradient of {np.abs(found.jac).max():.1e} after "
            f"{found.nit} steps; the span may be off, use a closed form to compare",
            ConvergenceWarning,
            stacklevel=2,
        )
    return found.x[: k * d].reshape(k, d), found.x[k * d :].reshape(d, k)
