"""Mutants of questions 3b and 8b."""

from __future__ import annotations

import numpy as np

from eigenlab.linear import LinearAutoencoder, gradients, scatter_eigenpairs, shrinkage
from mutants import Mutant, replaced

POINTS = {"n_components": 4}
MINIMA = {"n_components": 2, "n_seeds": 2, "steps": 4000}


def explained(change):
    def patch(monkeypatch):
        original = LinearAutoencoder.explained_variance_.fget
        monkeypatch.setattr(
            LinearAutoencoder,
            "explained_variance_",
            property(lambda self: change(self, original(self))),
        )

    return patch


def unbiased(original, X, *, mean):
    values, vectors = original(X, mean=mean)
    n = X.shape[1]
    return (values * n / (n - 1) if mean else values), vectors


def trailing(original, X, *, mean):
    values, vectors = original(X, mean=mean)
    return values.flip(0), vectors.flip(1)


MUTANTS = [
    Mutant(
        "no factor 2",
        ("3b.gradients",),
        replaced(gradients, lambda f, *args: tuple(g / 2 for g in f(*args))),
        POINTS,
    ),
    Mutant(
        "W2 and W1 exchanged",
        ("3b.gradients",),
        replaced(
            gradients,
            lambda f, W1, W2, X: tuple(g.T for g in reversed(f(W2.T, W1.T, X))),
        ),
        POINTS,
    ),
    Mutant(
        "a mean over the samples",
        ("3b.gradients",),
        replaced(gradients, lambda f, W1, W2, X: tuple(g / X.shape[1] for g in f(W1, W2, X))),
        POINTS,
    ),
    Mutant(
        "variances over n",
        ("3b.pca",),
        explained(lambda self, found: found * (1 - 1 / self.n_samples_seen_)),
        POINTS,
    ),
    Mutant(
        "the variance of each axis taken from the next",
        ("3b.pca",),
        explained(lambda self, found: np.roll(found, 1)),
        POINTS,
    ),
    Mutant(
        "the trailing eigenvectors",
        ("3b.unique-subspace",),
        replaced(scatter_eigenpairs, trailing),
        POINTS,
    ),
    Mutant(
        "variances over n - 1",
        ("8b.singular-values", "8b.orthonormal"),
        replaced(scatter_eigenpairs, unbiased),
        MINIMA,
    ),
    Mutant(
        "1 - λ/σ², without the root",
        ("8b.singular-values",),
        replaced(shrinkage, lambda f, variances, lam: f(variances, lam) ** 2),
        MINIMA,
    ),
    Mutant(
        "λ/σ for λ/σ²",
        ("8b.singular-values",),
        replaced(shrinkage, lambda f, variances, lam: f(variances**0.5, lam)),
        MINIMA,
    ),
    Mutant(
        "half of λ",
        ("8b.singular-values",),
        replaced(shrinkage, lambda f, variances, lam: f(variances, lam / 2)),
        MINIMA,
    ),
]
