"""What ``regularized-autoencoder`` measures: minima over lambda, and training sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from eigenlab.experiments import _objective_comparison as comparison
from eigenlab.experiments._linear_data import centred_images, random_factors
from eigenlab.lab import Context
from eigenlab.lab.claim import Record
from eigenlab.linear import descend
from eigenlab.linear.objective import scatter_eigenpairs
from eigenlab.linear.regularized import sgd_step, shrinkage
from eigenlab.spectrum import principal_angles
from eigenlab.training import TrainingDiverged, derive_seed, generator

if TYPE_CHECKING:
    from eigenlab.experiments.regularized_autoencoder import RegularizedAutoencoderConfig

#: lambda over the last kept variance sigma_k^2; the last switches some units off, but not all.
FRACTIONS = (0.03, 0.06, 0.12, 0.25, 0.5, 1.3)


def measure_objective(config: RegularizedAutoencoderConfig, context: Context) -> Record:
    """Updates of every way of training beside the gradient of the objective."""
    return {
        "seed": config.seed,
        "ways": comparison.compare(config.seed),
        "decays": comparison.compare_decays(config.seed),
        "full_batch": comparison.compare_full_batch(config.seed, 1500),
    }


def measure_minima(config: RegularizedAutoencoderConfig, context: Context) -> Record:
    """Gradient descent to the minimum for several lambda and starts, all at once."""
    X = centred_images(config.data)
    k, d = config.n_components, len(X)
    S = X @ X.T / X.shape[1]
    variances, axes = scatter_eigenpairs(X, mean=True)
    between = float((variances[0] * variances[k - 1]).sqrt())
    lams = [min(fraction * float(variances[k - 1]), between) for fraction in FRACTIONS]
    seeds = [derive_seed(config.seed, "minima", i) for i in range(config.n_seeds)]
    starts = [random_factors((), k, d, 0.5 * d**-0.5, generator(seed)) for seed in seeds]
    W1, W2 = (
        torch.stack(list(part)).expand(len(lams), *(-1,) * 3).clone()
        for part in zip(*starts, strict=True)
    )
    run = descend(
        W1, W2, S, lam=torch.tensor(lams, dtype=torch.float64)[:, None],
        learning_rate=0.15 / float(variances[0]), steps=config.steps,
    )  # fmt: skip
    context.reporter.raise_if_cancelled()
    rows = []
    for lam, encoders, decoders in zip(lams, run.W1[-1], run.W2[-1], strict=True):
        active = int((variances[:k] > lam).sum())
        overlaps = decoders.mT @ decoders - torch.eye(k, dtype=torch.float64)
        left = torch.linalg.svd(decoders, full_matrices=False)[0]
        rows.append(
            {
                "lam": lam,
                "active": active,
                "predicted": shrinkage(variances[:k].numpy(), lam).tolist(),
                "encoder": torch.linalg.svdvals(encoders).tolist(),
                "decoder": torch.linalg.svdvals(decoders).tolist(),
                "asymmetry": float((encoders - decoders.mT).abs().max()),
                "deviation": torch.linalg.matrix_norm(overlaps, 2).tolist(),
                "span_angle": max(
                    float(principal_angles(U[:, :active], axes[:, :active]).max()) for U in left
                ),
                "axis_angle": max(
                    float(principal_angles(U[:, [i]], axes[:, [i]]).max())
                    for U in left
                    for i in range(active)
                ),
                "column_angle": column_angle(decoders),
                "product_difference": float(
                    (decoders @ decoders.mT - decoders[0] @ decoders[0].mT).abs().max()
                ),
            }
        )
    return {"seeds": seeds, "variances": variances[:k].tolist(), "rows": rows}


def column_angle(decoders: Tensor) -> float:
    """How far columns are from those of the first start, whatever their order and signs.

    Angle in radians of the column whose best partner is farthest, in the start that agrees most;
    ``decoders`` is (starts, d, k). Zero for a single start.
    """
    unit = decoders / decoders.norm(dim=1, keepdim=True)
    best = (unit[1:].mT @ unit[0]).abs().amax(2)  # (starts - 1, k)
    return float(best.clamp(max=1).amin(1).arccos().min()) if len(best) else 0.0


def measure_training(config: RegularizedAutoencoderConfig, context: Context) -> Record:
    """Stochastic descent, one sample at a time with weight decay 2 lambda, epoch by epoch."""
    X = centred_images(config.data)
    if X.shape[1] > MOST_SAMPLES:  # a step is a Python call; these are enough to see it converge
        X = X[:, :MOST_SAMPLES] - X[:, :MOST_SAMPLES].mean(dim=1, keepdim=True)
    k = config.sgd_components
    variances, _ = scatter_eigenpairs(X, mean=True)
    lam = 0.25 * float(variances[k - 1])
    seed = derive_seed(config.seed, "sgd")
    rng = np.random.default_rng(seed)
    W1, W2 = (matrix.numpy() for matrix in random_factors((), k, len(X), 0.01, generator(seed)))
    samples, n = X.T.contiguous().numpy(), X.shape[1]
    history = [np.linalg.svd(W2, compute_uv=False).tolist()]
    for epoch in range(config.sgd_epochs):
        context.reporter.raise_if_cancelled()
        # Constant for a third of the way, then to zero as a square, for the noise to average out.
        left = min(1.0, 1.5 * (1 - epoch / config.sgd_epochs))
        rate = config.sgd_learning_rate / float(variances.sum()) * left**2
        with np.errstate(over="ignore", invalid="ignore"):  # divergence is reported below
            for place in rng.permutation(n):
                sgd_step(W1, W2, samples[place], rate, weight_decay=2 * lam)
        if not (np.isfinite(W1).all() and np.isfinite(W2).all()):
            raise TrainingDiverged(
                f"a weight is not finite after epoch {epoch + 1}; take a smaller "
                f"sgd_learning_rate than {config.sgd_learning_rate:g}"
            )
        history.append(np.linalg.svd(W2, compute_uv=False).tolist())
        context.reporter.progress(epoch + 1, config.sgd_epochs, "epochs")
    return {
        "seed": seed,
        "lam": lam,
        "predicted": shrinkage(variances[:k].numpy(), lam).tolist(),
        "history": history,
        "asymmetry": float(np.abs(W1 - W2.T).max()),
    }


MOST_SAMPLES = 2000
