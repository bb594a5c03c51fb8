"""What ``regularized-autoencoder`` measures: minima over lambda, and training sample by sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from eigenlab.data import load_pixels
from eigenlab.errors import DataError, InputError
from eigenlab.experiments.regularized_autoencoder.comparison import (
    Problem,
    compare,
    compare_decays,
    compare_full_batch,
)
from eigenlab.experiments.regularized_autoencoder.config import RegularizedAutoencoderConfig
from eigenlab.experiments.regularized_autoencoder.depth import compare_averages, compare_depths
from eigenlab.experiments.regularized_autoencoder.records import (
    Factors,
    LamsRecord,
    MinimaRecord,
    Minimum,
    ObjectiveRecord,
    PenaltyCurve,
    Predictions,
    TrainingRecord,
)
from eigenlab.lab import Context, NotRun, stage
from eigenlab.linear import (
    descend,
    factor_penalty,
    gaussian_factors,
    scatter_eigenpairs,
    sgd_step,
    shrinkage,
)
from eigenlab.spectrum import principal_angles
from eigenlab.training import TrainingDiverged, derive_seed, generator

#: Factors of one projection.
N_FACTORS = 5


@stage
def objective(config: RegularizedAutoencoderConfig, context: Context) -> ObjectiveRecord:
    """Compare the updates of every combination with the gradient of the objective."""
    problem = Problem(config)
    combinations = compare(problem)
    context.reporter.raise_if_cancelled()
    steps, k = config.full_batch_steps, config.objective_components
    summed, averaged = compare_decays(problem)
    return ObjectiveRecord(
        seed=config.seed,
        combinations=combinations,
        summed=summed,
        averaged=averaged,
        lam=problem.lam,
        variances=sorted(config.objective_spectrum, reverse=True),
        n_components=k,
        depths=compare_depths(problem, steps, config.seed),
        mse=compare_averages(problem, steps, config.seed),
        full_batch=compare_full_batch(problem, steps),
    )


@stage
def minima(config: RegularizedAutoencoderConfig, context: Context) -> MinimaRecord:
    """Gradient descent to the minimum for several lambda and starts, all at once."""
    X = _centred_images(config)
    k = config.n_components
    S = X @ X.T / X.shape[1]
    variances, axes = scatter_eigenpairs(X, mean=True)
    _check_varies("n_components", k, variances)
    between = float((variances[0] * variances[k - 1]).sqrt())
    lams = [min(lam * float(variances[k - 1]), between) for lam in sorted(config.lams)]
    seeds = [derive_seed(config.seed, "minima", i) for i in range(config.n_seeds)]
    rate = 0.15 / float(variances[0])
    kept = variances[:k]
    rows = _descend(S, lams, seeds, rate, kept, axes, config.steps)
    context.reporter.raise_if_cancelled()
    low, high = lams[0] / 1.5, lams[-1] * 1.5
    return MinimaRecord(
        seeds=seeds,
        variances=kept,
        decay=rate * config.steps * _smallest_curvature(variances, k, lams),
        rows=rows,
        curve=_predictions(kept, [low * (high / low) ** (i / 200) for i in range(201)]),
        corners=_predictions(kept, sorted([*lams, float(kept[-1])])),
        factors=[
            _factors(axes[:, :k], generator(config.seed, "factors", i), orthogonal=i == 0)
            for i in range(N_FACTORS)
        ],
        penalty=_penalty_curve([0.4 * (2.5 / 0.4) ** (i / 100) for i in range(101)]),
        measured_penalty=[
            _penalty_curve([s for start in row.decoder for s in start[: row.active]], row.lam)
            for row in dict.fromkeys((rows[0], rows[len(rows) // 2]))
        ],
    )


def _descend(
    S: Tensor,
    lams: Sequence[float],
    seeds: Sequence[int],
    rate: float,
    kept: Tensor,
    axes: Tensor,
    steps: int,
) -> list[Minimum]:
    """Gradient descent for each lambda from each start, all at once."""
    k, d = len(kept), len(S)
    starts = [gaussian_factors(k, d, std=0.5 * d**-0.5, generator=generator(s)) for s in seeds]
    W1, W2 = (
        torch.stack(list(part)).expand(len(lams), *(-1,) * 3).clone()
        for part in zip(*starts, strict=True)
    )
    penalties = torch.tensor(lams, dtype=torch.float64)[:, None]
    run = descend(W1, W2, S, lam=penalties, learning_rate=rate, steps=steps)
    return [
        _minimum(lam, encoders, decoders, kept, axes)
        for lam, encoders, decoders in zip(lams, run.W1[-1], run.W2[-1], strict=True)
    ]


#: Values of lambda in the figure with a slider, in units of sigma_k^2.
LAMS = (0.03, 0.06, 0.12, 0.25, 0.4, 0.6, 0.8, 0.95, 1.3, 1.7, 2.2, 3.0, 4.0)


@stage
def lams(config: RegularizedAutoencoderConfig, context: Context) -> LamsRecord:
    """The same from one start for more values of lambda."""
    X = _centred_images(config)
    variances, axes = scatter_eigenpairs(X, mean=True)
    _check_varies("n_components", config.n_components, variances)
    kept = variances[: config.n_components]
    values = [lam * float(kept[-1]) for lam in LAMS]
    seeds = [derive_seed(config.seed, "minima", 0)]
    rate = 0.15 / max(float(variances[0]), values[-1])
    S = X @ X.T / X.shape[1]
    minima = _descend(S, values, seeds, rate, kept, axes, config.steps)
    return LamsRecord(lams=LAMS, variances=kept, minima=minima)


def _centred_images(config: RegularizedAutoencoderConfig) -> Tensor:
    """The images in columns, (d, n) float64, each pixel with mean zero."""
    try:
        X = torch.as_tensor(load_pixels(config.data, max_samples=config.max_images)).T
    except DataError as error:
        raise NotRun(f"the images are not available: {error}") from error
    return X - X.mean(dim=1, keepdim=True)


def _check_varies(field: str, k: int, variances: Tensor) -> None:
    """Refuse more units than the directions in which the images vary."""
    rank = int((variances > 1e-12 * variances[0]).sum())
    if k > rank:
        raise InputError(
            f"{field}={k} is more than the {rank} directions in which the images vary; lower it"
        )


def _minimum(
    lam: float, encoders: Tensor, decoders: Tensor, variances: Tensor, axes: Tensor
) -> Minimum:
    k = len(variances)
    active = int((variances > lam).sum())
    overlaps = decoders.mT @ decoders - torch.eye(k, dtype=torch.float64)
    left = torch.linalg.svd(decoders, full_matrices=False)[0]
    products = decoders @ decoders.mT - decoders[0] @ decoders[0].mT
    return Minimum(
        lam=lam,
        active=active,
        predicted=shrinkage(variances, lam),
        encoder=torch.linalg.svdvals(encoders),
        decoder=torch.linalg.svdvals(decoders),
        asymmetry=(encoders - decoders.mT).abs().max(),
        deviation=torch.linalg.matrix_norm(overlaps, 2),
        span_angle=_largest_angle([(U[:, :active], axes[:, :active]) for U in left if active]),
        axis_angle=_largest_angle([(U[:, [i]], axes[:, [i]]) for U in left for i in range(active)]),
        column_angle=column_angle(decoders),
        product_difference=products.abs().max(),
        pseudo_inverse=torch.linalg.matrix_norm(encoders - _pseudo_inverse(decoders), 2),
    )


def _pseudo_inverse(decoders: Tensor) -> Tensor:
    """Weights that the penalty has brought close to zero count as zero."""
    return torch.linalg.pinv(decoders, rtol=1e-6)


def _factors(axes: Tensor, draw: torch.Generator, *, orthogonal: bool) -> Factors:
    k = axes.shape[1]
    C = torch.randn(k, k, dtype=torch.float64, generator=draw)
    C = torch.linalg.qr(C).Q if orthogonal else C + 2 * torch.eye(k, dtype=torch.float64)
    W1, W2 = torch.linalg.solve(C, axes.T), axes @ C
    values = torch.linalg.svdvals(W2)
    difference = torch.linalg.matrix_norm(W1 - _pseudo_inverse(W2), 2)
    return Factors(
        singular_values=values,
        penalty=W1.square().sum() + W2.square().sum(),
        formula=factor_penalty(values).sum(),
        pseudo_inverse=difference / torch.linalg.matrix_norm(W1, 2),
    )


def _largest_angle(pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Largest principal angle of all pairs of bases; zero without a pair."""
    return max((float(principal_angles(U, V).max()) for U, V in pairs), default=0.0)


def column_angle(decoders: Tensor) -> float:
    """Angle between columns and those of the first start, up to order and sign.

    In radians, of the column whose nearest column is farthest, in the start that agrees most;
    ``decoders`` is (starts, d, k). Zero for a single start.
    """
    unit = decoders / decoders.norm(dim=1, keepdim=True)
    best = (unit[1:].mT @ unit[0]).abs().amax(2)  # (starts - 1, k)
    return float(best.clamp(max=1).amin(1).arccos().min()) if len(best) else 0.0


def _smallest_curvature(variances: Tensor, k: int, lams: Sequence[float]) -> float:
    """Smallest rate at which a distance from the minimum decays, over all lambda.

    W1 W1ᵀ - W2ᵀ W2 decays at the rate 4 lam, the weight along an axis at 2 |variance - lam|, and
    the rotation between two active axes at about the difference of their variances.
    """
    rates = []
    for lam in lams:
        active = int((variances[:k] > lam).sum())
        following = torch.cat([variances[1:], variances.new_zeros(1)])
        rates += [4 * lam, 2 * float((variances[:k] - lam).abs().min())]
        rates += (variances - following)[:active].tolist()
    return min(rates)


def _predictions(variances: Tensor, lams: Sequence[float]) -> Predictions:
    values = torch.stack([shrinkage(variances, lam) for lam in lams])
    return Predictions(lams=lams, singular_values=values, deviation=1 - values.square().amin(dim=1))


def _penalty_curve(values: Sequence[float], lam: float | None = None) -> PenaltyCurve:
    return PenaltyCurve(lam=lam, singular_values=values, penalty=factor_penalty(np.asarray(values)))


@stage
def training(config: RegularizedAutoencoderConfig, context: Context) -> TrainingRecord:
    """Stochastic descent, one sample at a time with weight decay 2 lambda, epoch by epoch."""
    X = _centred_images(config)
    if X.shape[1] > config.sgd_samples:  # a step is a Python call; a few samples are enough
        X = X[:, : config.sgd_samples]
        X = X - X.mean(dim=1, keepdim=True)
    k = config.sgd_components
    variances, _ = scatter_eigenpairs(X, mean=True)
    _check_varies("sgd_components", k, variances)
    lam = config.sgd_lam * float(variances[k - 1])
    seed = derive_seed(config.seed, "sgd")
    rng = np.random.default_rng(seed)
    W1, W2 = (
        matrix.numpy()
        for matrix in gaussian_factors(k, len(X), std=0.01, generator=generator(seed))
    )
    samples, n = X.T.contiguous().numpy(), X.shape[1]
    history = [np.linalg.svd(W2, compute_uv=False)]
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
        history.append(np.linalg.svd(W2, compute_uv=False))
        context.reporter.progress(epoch + 1, config.sgd_epochs, "epochs")
    return TrainingRecord(
        seed=seed,
        lam=lam,
        predicted=shrinkage(variances[:k].numpy(), lam),
        history=history,
        asymmetry=np.abs(W1 - W2.T).max(),
    )
