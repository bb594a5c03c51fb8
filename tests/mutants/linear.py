"""Mutants of questions 3b, 8a and 8b."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from eigenlab.experiments.pca_optimality import derivation
from eigenlab.experiments.pca_optimality.measure import _centred_images, _mixing
from eigenlab.experiments.regularized_autoencoder import comparison, depth
from eigenlab.linear import (
    LinearAutoencoder,
    covariance_gradients,
    critical_points,
    descend,
    factor_penalty,
    gaussian_factors,
    gradients,
    loss,
    regularized_gradients,
    scatter_eigenpairs,
    sgd_step,
    shrinkage,
)
from mutants import Mutant, replaced

POINTS = {"n_components": 4}
MINIMA = {"n_components": 2, "n_seeds": 2, "steps": 4000}
STEPS = {"full_batch_steps": 1, "objective_points": 1}
OBJECTIVE = {"full_batch_steps": 1500, "objective_points": 1}
SAMPLES = {"sgd_samples": 400, "sgd_epochs": 100}


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


def trailing_axes(original, X, *, mean):
    values, vectors = original(X, mean=mean)
    return values, vectors.flip(1)


def points(change):
    """``change`` has a point and the number of axes."""
    return replaced(critical_points, lambda f, X, k: [change(p, X, k) for p in f(X, k)])


def other_index(p, X, k):
    """Rotations towards axes of smaller variance."""
    others = set(range(len(X))) - set(p.subset)
    pairs = sum(j > i for i in p.subset for j in others)
    return replace(p, index=pairs + (k - len(p.subset)) * len(others))


def without_zero_units(p, X, k):
    return replace(p, index=p.index - (k - len(p.subset)) * (len(X) - len(p.subset)))


def kept_loss(p, X, k):
    return replace(p, loss=float(X.square().sum()) - p.loss)


def not_centred(original, config):
    X = original(config)
    return X + torch.linspace(0, 1, len(X), dtype=X.dtype)[:, None]


def once(original, W1, W2, S):
    constant, cross, square = original(W1, W2, S)
    return constant, cross / 2, square


def transposed_square(original, W1, W2, S):
    constant, cross, _ = original(W1, W2, S)
    product = W2 @ W1
    return constant, cross, (product @ product.T @ S).trace()


def without_scatter(original, W1, W2, X):
    _, by_W2 = original(W1, W2, X)
    residual = W2 @ W1 - torch.eye(len(X), dtype=torch.float64)
    return 2 * W2.T @ residual, by_W2


averaged = replaced(loss, lambda f, W1, W2, X: f(W1, W2, X) / X.shape[1])
transposed_decoder = replaced(derivation.stationary_encoder, lambda f, W1, W2, X: W2.T)


def optimizers(**others):
    """Other classes for some of the optimisers."""

    def patch(monkeypatch):
        for name, kind in others.items():
            monkeypatch.setitem(comparison.OPTIMIZERS, name, kind)

    return patch


class HalfDecay(torch.optim.SGD):
    def __init__(self, weights, lr, weight_decay):
        super().__init__(weights, lr=lr, weight_decay=weight_decay / 2)


class OneMatrix(torch.optim.SGD):
    """Weight decay of W1 only."""

    def __init__(self, weights, lr, weight_decay):
        groups = [{"params": [weights[0]], "weight_decay": weight_decay}, {"params": weights[1:]}]
        super().__init__(groups, lr=lr)


def mean_over_features(monkeypatch):
    monkeypatch.setitem(comparison.LOSSES, "squared error", functional.mse_loss)


def sum_over_features(monkeypatch):
    """With the learning rate that suits this loss."""
    mse = functional.mse_loss
    replaced(
        depth.train,
        lambda f, problem, start, loss, decay, rate, *args: f(
            problem, start, comparison._summed_square if loss is mse else loss, decay, 1.0, *args
        ),
    )(monkeypatch)


def one_layer_more(original, problem, start, *args):
    """Of k units, where there is a hidden layer."""
    if len(start) > 1:
        start = [start[0], torch.eye(len(start[0]), dtype=torch.float64), *start[1:]]
    return original(problem, start, *args)


def more_layers(monkeypatch):
    """In the comparison of depths only; elsewhere two matrices are expected."""

    def compare(original, *args):
        with pytest.MonkeyPatch.context() as inner:
            replaced(depth.train, one_layer_more)(inner)
            return original(*args)

    replaced(depth.compare_depths, compare)(monkeypatch)


def penalty_of_encoder(original, W1, W2, S, *, lam, learning_rate, steps, **options):
    """Gradient descent with the penalty of W1 only."""
    W1, W2 = W1.clone(), W2.clone()
    shrink = 1 - 2 * learning_rate * lam[..., None, None]
    for _ in range(500):
        by_W1, by_W2 = covariance_gradients(W1, W2, S)
        W1, W2 = shrink * W1 - learning_rate * by_W1, W2 - learning_rate * by_W2
    return original(W1, W2, S, lam=lam, learning_rate=learning_rate, steps=0, **options)


def transpose_for_inverse(monkeypatch):
    monkeypatch.setattr(torch.linalg, "pinv", lambda matrix, **options: matrix.mT)


def orthonormal_values(monkeypatch):
    monkeypatch.setattr(
        torch.linalg,
        "svdvals",
        lambda matrix, svdvals=torch.linalg.svdvals: svdvals(
            torch.linalg.svd(matrix, full_matrices=False).U
        ),
    )


def decay_of_encoder(original, W1, W2, x, rate, *, weight_decay):
    original(W1, W2, x, rate, weight_decay=weight_decay)
    W2 /= 1 - rate * weight_decay  # up to the square of the rate


one_start = replaced(
    gaussian_factors,
    lambda f, k, d, *, std, generator: f(k, d, std=std, generator=torch.Generator().manual_seed(1)),
)
half_penalty = replaced(descend, lambda f, *args, lam, **o: f(*args, lam=lam / 2, **o))
no_penalty = replaced(descend, lambda f, *args, lam, **o: f(*args, lam=0 * lam, **o))
half_decay = optimizers(SGD=HalfDecay)
one_matrix = optimizers(SGD=OneMatrix)
exchanged = optimizers(SGD=torch.optim.Adam, Adam=torch.optim.SGD)
not_shrunk = replaced(shrinkage, lambda f, variances, lam: torch.ones_like(variances))

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
    Mutant("a mean over the samples", ("3b.expansion",), averaged, POINTS),
    Mutant(
        "the cross term once", ("3b.expansion",), replaced(derivation.trace_terms, once), POINTS
    ),
    Mutant(
        "W2 W1 transposed in the last term",
        ("3b.expansion",),
        replaced(derivation.trace_terms, transposed_square),
        POINTS,
    ),
    Mutant(
        "no factor 2",
        ("3b.term-gradients",),
        replaced(gradients, lambda f, *args: tuple(g / 2 for g in f(*args))),
        POINTS,
    ),
    Mutant(
        "W2 and W1 exchanged",
        ("3b.term-gradients",),
        replaced(
            gradients,
            lambda f, W1, W2, X: tuple(g.T for g in reversed(f(W2.T, W1.T, X))),
        ),
        POINTS,
    ),
    Mutant(
        "a mean over the samples",
        ("3b.term-gradients",),
        replaced(gradients, lambda f, W1, W2, X: tuple(g / X.shape[1] for g in f(W1, W2, X))),
        POINTS,
    ),
    Mutant("without X Xᵀ", ("3b.condition",), replaced(gradients, without_scatter), POINTS),
    Mutant(
        "the transpose of the decoder as the encoder",
        ("3b.condition", "3b.projected-loss"),
        transposed_decoder,
        POINTS,
    ),
    Mutant("a mean over the samples", ("3b.projected-loss", "3b.optimum"), averaged, POINTS),
    Mutant(
        "the trailing eigenvectors",
        ("3b.optimum",),
        replaced(scatter_eigenpairs, trailing),
        POINTS,
    ),
    Mutant(
        "data that are not centred",
        ("3b.stationary",),
        replaced(_centred_images, not_centred),
        POINTS,
    ),
    Mutant("the kept eigenvalues for the discarded", ("3b.stationary",), points(kept_loss), POINTS),
    Mutant("a mean over the samples", ("3b.stationary",), averaged, POINTS),
    Mutant("rotations towards smaller variances", ("3b.saddles",), points(other_index), POINTS),
    Mutant("units with zero weights left out", ("3b.saddles",), points(without_zero_units), POINTS),
    Mutant(
        "C with signs only",
        ("3b.unique",),
        replaced(_mixing, lambda f, k, random: torch.diag(f(k, random).diagonal().sign())),
        POINTS,
    ),
    Mutant(
        "the trailing eigenvectors",
        ("3b.subspace", "3b.staircase"),
        replaced(scatter_eigenpairs, trailing_axes),
    ),
    Mutant(
        "only the encoder is trained",
        ("3b.subspace", "3b.staircase"),
        replaced(covariance_gradients, lambda f, *args: (f(*args)[0], 0 * f(*args)[1])),
    ),
    Mutant(
        "a start that is not small",
        ("3b.staircase",),
        replaced(
            gaussian_factors,
            lambda f, k, d, *, std, generator: f(k, d, std=0.3, generator=generator),
        ),
    ),
    Mutant(
        "weight decay λ for 2 λ",
        ("8a.exact-step", "8a.rest", "8a.full-batch"),
        half_decay,
        OBJECTIVE,
    ),
    Mutant(
        "weight decay of one matrix only",
        ("8a.exact-step", "8a.rest", "8a.full-batch"),
        one_matrix,
        OBJECTIVE,
    ),
    Mutant("Adam and SGD exchanged", ("8a.exact-step", "8a.rest"), exchanged, STEPS),
    Mutant(
        "Adam and AdamW exchanged",
        ("8a.full-batch",),
        optimizers(Adam=torch.optim.AdamW, AdamW=torch.optim.Adam),
        OBJECTIVE,
    ),
    Mutant("the error averaged over features", ("8a.exact-step",), mean_over_features, STEPS),
    Mutant("a minimum that is not shrunk", ("8a.rest", "8a.full-batch"), not_shrunk, OBJECTIVE),
    Mutant(
        "the error averaged over features",
        ("8a.decay",),
        replaced(comparison._summed_square, lambda f, *args: functional.mse_loss(*args)),
        STEPS,
    ),
    Mutant(
        "λ W for 2 λ W",
        ("8a.decay",),
        replaced(regularized_gradients, lambda f, W1, W2, X, lam: f(W1, W2, X, lam / 2)),
        STEPS,
    ),
    Mutant(
        "a sum over the samples",
        ("8a.decay",),
        replaced(
            regularized_gradients,
            lambda f, W1, W2, X, lam: tuple(X.shape[1] * g for g in f(W1, W2, X, lam)),
        ),
        STEPS,
    ),
    Mutant("a minimum that is not shrunk", ("8a.two-layers",), not_shrunk, OBJECTIVE),
    Mutant(
        "one hidden layer more",
        ("8a.two-layers",),
        more_layers,
        OBJECTIVE,
    ),
    Mutant(
        "the error summed over features", ("8a.mse", "8a.mse-decay"), sum_over_features, OBJECTIVE
    ),
    Mutant(
        "the penalty of one matrix only",
        ("8b.symmetry",),
        replaced(descend, penalty_of_encoder),
        MINIMA,
    ),
    Mutant("no penalty", ("8b.symmetry", "8b.identified"), no_penalty, MINIMA),
    Mutant("half of λ", ("8b.pseudo-inverse-limit",), half_penalty, MINIMA),
    Mutant(
        "variances over n - 1",
        ("8b.pseudo-inverse-limit",),
        replaced(scatter_eigenpairs, unbiased),
        MINIMA,
    ),
    Mutant(
        "the transpose for the pseudo-inverse",
        ("8b.pseudo-inverse", "8b.pseudo-inverse-limit", "8b.least-penalty"),
        transpose_for_inverse,
        MINIMA,
    ),
    Mutant(
        "σ + 1/σ, without the squares",
        ("8b.least-penalty",),
        replaced(factor_penalty, lambda f, s: s + 1 / s),
        MINIMA,
    ),
    Mutant("singular values of an orthonormal basis", ("8b.ones",), orthonormal_values, MINIMA),
    Mutant(
        "weight decay λ for 2 λ",
        ("8b.one-sample",),
        replaced(
            sgd_step,
            lambda f, *args, weight_decay: f(*args, weight_decay=weight_decay / 2),
        ),
        SAMPLES,
    ),
    Mutant(
        "weight decay of one matrix only",
        ("8b.one-sample",),
        replaced(sgd_step, decay_of_encoder),
        SAMPLES,
    ),
    Mutant(
        "singular values of the product",
        ("8b.one-sample",),
        replaced(shrinkage, lambda f, variances, lam: f(variances, lam) ** 2),
        SAMPLES,
    ),
    Mutant(
        "the trailing eigenvectors",
        ("8b.identified",),
        replaced(scatter_eigenpairs, trailing_axes),
        MINIMA,
    ),
    Mutant("the same start for every seed", ("8b.identified",), one_start, MINIMA),
]
