"""Both factors of a linear autoencoder by training, as a network would find them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning

Array = npt.NDArray[Any]
MAX_STEPS = 10_000


def train_factors(gram: Array, k: int, *, seed: int) -> tuple[Array, Array]:
    """Minimise ``tr((I - W2 W1) G (I - W2 W1)^T)`` over W1 (k, d) and W2 (d, k) by L-BFGS.

    The gradients are those of :func:`eigenlab.linear.gradients` with X X^T = G. There are no
    local minima, and a random start leaves every saddle, so this ends at the projection on the
    top k eigenvectors; which basis of them, depends on the seed.

    Args:
        gram: (d, d) float64, positive semidefinite.
        k: hidden units.
        seed: of the Gaussian start with entries of variance 1/d.

    Warns:
        ConvergenceWarning: L-BFGS stopped before the gradient was small.
    """
    d = len(gram)
    scale = np.trace(gram)
    S = gram / scale if scale > 0 else gram
    start = np.random.default_rng(seed).standard_normal(2 * k * d) / np.sqrt(d)

    def value_and_gradient(weights: Array) -> tuple[float, Array]:
        W1, W2 = weights[: k * d].reshape(k, d), weights[k * d :].reshape(d, k)
        gap = W2 @ W1 - np.eye(d)
        slope = gap @ S
        value = float(np.vdot(slope, gap))
        return value, 2 * np.concatenate([(W2.T @ slope).ravel(), (slope @ W1.T).ravel()])

    found = scipy.optimize.minimize(
        value_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MAX_STEPS, "maxfun": 2 * MAX_STEPS, "ftol": 0, "gtol": 1e-10},
    )
    if np.abs(found.jac).max() > 1e-6:
        warnings.warn(
            f"training stopped with a gradient of {np.abs(found.jac).max():.1e} after "
            f"{found.nit} steps; the span may be off, use a closed form to compare",
            ConvergenceWarning,
            stacklevel=2,
        )
    return found.x[: k * d].reshape(k, d), found.x[k * d :].reshape(d, k)
