"""The derivation of question 3b, step by step, in numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.experiments.pca_optimality.config import PCAOptimalityConfig
from eigenlab.experiments.pca_optimality.records import (
    Condition,
    DerivationRecord,
    Expansion,
    Optimum,
)
from eigenlab.lab import Context, stage
from eigenlab.linear import gaussian_factors, loss, samples_with_spectrum, scatter_eigenpairs
from eigenlab.linear import gradients as loss_gradients
from eigenlab.training import derive_seed, generator

#: Hidden units, features and samples of the random problems, and the rank of the degenerate one.
UNITS, FEATURES, SAMPLES, LOW_RANK = 3, 6, 20, 4
N_SUBSPACES = 200


@stage
def derivation(config: PCAOptimalityConfig, context: Context) -> DerivationRecord:
    """The expanded loss, the gradients of its terms, the best encoder, and the best subspace."""
    seeds = [derive_seed(config.seed, "derivation", i) for i in range(config.n_seeds)]
    return DerivationRecord(
        seeds=seeds,
        expansions=[_expansion(generator(seed)) for seed in seeds],
        conditions=[
            _condition(rank, generator(seed, "condition"))
            for rank in (FEATURES, LOW_RANK)
            for seed in seeds
        ],
        optimum=_optimum(config),
    )


def trace_terms(W1: Tensor, W2: Tensor, S: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """tr(S), tr(W2 W1 S) and tr(W1ᵀ W2ᵀ W2 W1 S), of which the loss is a sum with 1, -2 and 1."""
    product = W2 @ W1
    return S.trace(), (product @ S).trace(), (product.T @ product @ S).trace()


def term_gradients(
    W1: Tensor, W2: Tensor, S: Tensor
) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Gradients of the second and of the third term with respect to W1 and W2."""
    return (
        (W2.T @ S, S @ W1.T),
        (2 * W2.T @ W2 @ W1 @ S, 2 * W2 @ W1 @ S @ W1.T),
    )


def _expansion(draw: torch.Generator) -> Expansion:
    W1, W2 = gaussian_factors(UNITS, FEATURES, std=1.0, generator=draw)
    X = torch.randn(FEATURES, SAMPLES, dtype=torch.float64, generator=draw)
    S = X @ X.T
    weights = W1.requires_grad_(), W2.requires_grad_()
    terms = trace_terms(W1, W2, S)
    automatic = [torch.autograd.grad(term, weights, retain_graph=True) for term in terms[1:]]
    with torch.no_grad():
        formulas = term_gradients(W1, W2, S)
        whole = loss_gradients(W1, W2, X)
        value = float(loss(W1, W2, X))
        summed = [square - 2 * cross for cross, square in zip(*formulas, strict=True)]
        return Expansion(
            loss=value,
            constant=terms[0],
            cross=terms[1],
            square=terms[2],
            cross_errors=[_error(*pair) for pair in zip(formulas[0], automatic[0], strict=True)],
            square_errors=[_error(*pair) for pair in zip(formulas[1], automatic[1], strict=True)],
            sum_errors=[_error(*pair) for pair in zip(whole, summed, strict=True)],
        )


def _error(found: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest entry."""
    return float((found - expected).abs().max() / expected.abs().max())


def stationary_encoder(W1: Tensor, W2: Tensor, X: Tensor) -> Tensor:
    """The nearest W1 at which the loss is stationary in W1: one Newton step, without a formula.

    The loss is quadratic in W1, and its curvature is zero where W1 meets no sample.
    """

    def flat(weights: Tensor) -> Tensor:
        return loss(weights.view_as(W1), W2, X)

    start = W1.flatten()
    slope = torch.autograd.functional.jacobian(flat, start)
    curvature = torch.autograd.functional.hessian(flat, start)
    step = torch.linalg.pinv(curvature, rtol=1e-10, hermitian=True) @ slope
    return (start - step).view_as(W1)


def _condition(rank: int, draw: torch.Generator) -> Condition:
    """Compare dL/dW1 = 0 with W2ᵀ W2 W1 = W2ᵀ, for samples of one rank."""
    start, W2 = gaussian_factors(UNITS, FEATURES, std=1.0, generator=draw)
    axes = torch.linalg.qr(torch.randn(FEATURES, rank, dtype=torch.float64, generator=draw)).Q
    X = axes @ torch.randn(rank, SAMPLES, dtype=torch.float64, generator=draw)
    W1 = stationary_encoder(start, W2, X)
    residual = W2.T @ W2 @ W1 - W2.T
    projection = W2 @ torch.linalg.inv(W2.T @ W2) @ W2.T
    S, size = X @ X.T, float(W2.square().sum())
    scale = float(X.square().sum()) * size**0.5
    return Condition(
        rank=rank,
        gradient=loss_gradients(W1, W2, X)[0].abs().max() / scale,
        on_range=(residual @ axes).abs().max() / size,
        anywhere=residual.abs().max() / size,
        gradient_elsewhere=loss_gradients(start, W2, X)[0].abs().max() / scale,
        on_range_elsewhere=((W2.T @ W2 @ start - W2.T) @ axes).abs().max() / size,
        projection=((W2 @ W1 - projection) @ axes).abs().max(),
        loss=float(loss(W1, W2, X)) / float(S.trace()),
        left=float(((torch.eye(FEATURES, dtype=torch.float64) - projection) @ S).trace())
        / float(S.trace()),
    )


def _optimum(config: PCAOptimalityConfig) -> Optimum:
    """Losses of random subspaces, beside that of the leading eigenvectors."""
    d = len(config.spectrum)
    k = min(config.spectrum_components, d)
    draw = generator(config.seed, "optimum")
    variances = torch.tensor(config.spectrum, dtype=torch.float64)
    X = samples_with_spectrum(variances, max(12, 2 * d), generator=draw)
    _, vectors = scatter_eigenpairs(X, mean=True)
    total = float(X.square().sum())
    bases = torch.linalg.qr(torch.randn(N_SUBSPACES, d, k, dtype=torch.float64, generator=draw)).Q
    kept = torch.linalg.eigvalsh(bases.mT @ (X @ X.T / X.shape[1]) @ bases).flip(-1)
    best = vectors[:, :k]
    return Optimum(
        spectrum=sorted(config.spectrum, reverse=True),
        n_components=k,
        least=loss(best.T, best, X) / total,
        losses=[float(loss(U.T, U, X)) / total for U in bases],
        kept=kept,
    )
