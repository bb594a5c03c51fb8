"""Training of the regularised linear autoencoder, one sample at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eigenlab.errors import InputError

Array = npt.NDArray[Any]


def train_by_samples(
    X: Array, k: int, lam: float, *, learning_rate: float, n_epochs: int, seed: int
) -> tuple[Array, Array]:
    """Return W1 (k, d) and W2 (d, k) after ``n_epochs`` passes over the rows of ``X`` (n, d)."""
    if not learning_rate > 0:
        raise InputError(f"learning_rate={learning_rate!r} must be positive")
    rng = np.random.default_rng(seed)
    n, d = X.shape
    size = np.vdot(X, X) / n
    rate = learning_rate / (size if size > 0 else 1.0)
    W1, W2 = (rng.standard_normal(shape) / np.sqrt(d) for shape in ((k, d), (d, k)))
    steps = n * n_epochs
    with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported below
        for epoch in range(n_epochs):
            for place, row in enumerate(rng.permutation(n)):
                left = 1 - (epoch * n + place) / steps
                sgd_step(W1, W2, X[row], rate * min(1.0, 2 * left), weight_decay=2 * lam)
    if not (np.isfinite(W1).all() and np.isfinite(W2).all()):
        raise InputError(
            f"training diverged with learning_rate={learning_rate:g}; take a smaller one"
        )
    return W1, W2


def sgd_step(W1: Array, W2: Array, x: Array, rate: float, *, weight_decay: float) -> None:
    """Make one step of ``torch.optim.SGD`` on ``||x - W2 W1 x||^2``, in place (question 8a).

    Weight decay is added to the gradient: W <- W - rate (dL/dW + weight_decay W). For one sample
    the gradients of :func:`~eigenlab.linear.gradients` have rank one: 2 (W2^T r) x^T and 2 r z^T
    with z = W1 x and r = W2 z - x. With ``weight_decay = 2 lam`` the mean of the steps over all
    samples is a step along the gradient of :func:`~eigenlab.linear.regularized_loss`.

    Args:
        W1: encoder, (k, d) float64; changed in place.
        W2: decoder, (d, k) float64; changed in place.
        x: one sample, (d,) float64.
        rate: learning rate.
        weight_decay: factor of W in the update.

    >>> W1, W2 = np.array([[0.5]]), np.array([[1.0]])
    >>> sgd_step(W1, W2, np.array([2.0]), 0.1, weight_decay=0.0)
    >>> W1.item(), W2.item()
    (0.9, 1.2)
    """
    code = W1 @ x
    residual = W2 @ code - x
    back = residual @ W2
    keep = 1 - rate * weight_decay
    W1 *= keep
    W1 -= np.multiply.outer((2 * rate) * back, x)
    W2 *= keep
    W2 -= np.multiply.outer((2 * rate) * residual, code)
