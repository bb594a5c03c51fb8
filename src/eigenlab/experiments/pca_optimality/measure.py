"""What ``pca-optimality`` measures: gradients, stationary points and gradient descent."""

from __future__ import annotations

from itertools import pairwise

import torch
from sklearn.decomposition import PCA
from torch import Tensor

from eigenlab.data import load_pixels
from eigenlab.errors import DataError, InputError
from eigenlab.experiments.pca_optimality.config import PCAOptimalityConfig
from eigenlab.experiments.pca_optimality.derivation import derivation  # noqa: F401  # a stage
from eigenlab.experiments.pca_optimality.records import (
    GradientErrors,
    GradientsRecord,
    ImagesAtComponents,
    OtherMinimum,
    PathPiece,
    PointsRecord,
    StaircaseRecord,
    StationaryPoint,
    TrainingRecord,
    Visit,
)
from eigenlab.lab import Context, NotRun, stage
from eigenlab.linear import (
    LinearAutoencoder,
    covariance_loss,
    critical_points,
    descend,
    gaussian_factors,
    loss,
    samples_with_spectrum,
    scatter_eigenpairs,
)
from eigenlab.linear import gradients as loss_gradients
from eigenlab.spectrum import principal_angles
from eigenlab.training import derive_seed, generator

#: Central differences of a polynomial of degree four: the truncation error falls as the square of
#: the step, rounding rises as its inverse.
STEP = 1e-4


@stage
def gradients(config: PCAOptimalityConfig, context: Context) -> GradientsRecord:
    """Compare the gradients by formula with automatic differentiation and central differences."""
    seeds = [derive_seed(config.seed, "gradients", i) for i in range(config.n_seeds)]
    rows = []
    for seed in seeds:
        draw = generator(seed)
        W1, W2 = gaussian_factors(3, 6, std=1.0, generator=draw)
        X = torch.randn(6, 20, dtype=torch.float64, generator=draw)
        formula = loss_gradients(W1, W2, X)
        weights = W1.requires_grad_(), W2.requires_grad_()
        automatic = torch.autograd.grad(loss(W1, W2, X), weights)
        with torch.no_grad():
            differences = [_finite_differences(W1, W2, X, which) for which in (0, 1)]
        for name, ours, auto, finite in zip(
            ("W1", "W2"), formula, automatic, differences, strict=True
        ):
            scale = ours.abs().max()
            rows.append(
                GradientErrors(
                    seed=seed,
                    weight=name,
                    autograd=(ours - auto).abs().max() / scale,
                    finite_differences=(ours - finite).abs().max() / scale,
                )
            )
    return GradientsRecord(seeds=seeds, rows=rows)


def _finite_differences(W1: Tensor, W2: Tensor, X: Tensor, which: int) -> Tensor:
    weights = [W1.detach().clone(), W2.detach().clone()]
    found = torch.empty_like(weights[which])
    for place in range(found.numel()):
        entry = weights[which].view(-1)
        kept = entry[place].item()
        sides = []
        for sign in (1, -1):
            entry[place] = kept + sign * STEP
            sides.append(loss(weights[0], weights[1], X))
        entry[place] = kept
        found.view(-1)[place] = (sides[0] - sides[1]) / (2 * STEP)
    return found


@stage
def points(config: PCAOptimalityConfig, context: Context) -> PointsRecord:
    """All stationary points of a small problem, with the Hessian by automatic differentiation.

    Also the gradient at the principal components of the images.
    """
    d, k = len(config.spectrum), config.spectrum_components
    if k > d:
        raise InputError(
            f"spectrum_components={k} is more than the {d} axes of spectrum; lower it or give more "
            "variances"
        )
    X = samples_with_spectrum(
        torch.tensor(config.spectrum, dtype=torch.float64),
        max(12, 2 * d),
        generator=generator(config.seed, "points"),
    )
    scale = float(X.square().sum())
    listed = critical_points(X, k)
    total = listed[-1].loss  # nothing is kept there
    found = []
    for point in listed:
        context.reporter.raise_if_cancelled()
        slopes = loss_gradients(point.W1, point.W2, X)
        index, nullity = _hessian_signs(point.W1, point.W2, X)
        found.append(
            StationaryPoint(
                subset=point.subset,
                loss=loss(point.W1, point.W2, X),
                discarded=point.loss,
                share=point.loss / total,
                gradient=max(float(s.abs().max()) for s in slopes) / scale,
                index=point.index,
                nullity=point.nullity,
                hessian_index=index,
                hessian_nullity=nullity,
            )
        )
        context.reporter.progress(len(found), len(listed), "stationary points")
    return PointsRecord(
        seed=config.seed,
        n_axes=d,
        n_components=k,
        points=found,
        path=_path(X, k),
        others=[_other_minimum(X, k, generator(config.seed, "C", i)) for i in range(3)],
        images=_at_components(config),
    )


def _other_minimum(X: Tensor, k: int, random: torch.Generator) -> OtherMinimum:
    """Weights with the least loss that are not the leading eigenvectors."""
    _, vectors = scatter_eigenpairs(X, mean=False)
    best = vectors[:, :k]
    C = _mixing(k, random)
    W1, W2 = torch.linalg.solve(C, best.T), best @ C
    scale = float(X.square().sum())
    least = float(torch.linalg.svdvals(X).square()[k:].sum())
    columns = W2 / W2.norm(dim=0)
    nearest = (best.T @ columns).abs().amax(dim=0)
    return OtherMinimum(
        excess=(loss(W1, W2, X) - least) / scale,
        gradient=max(float(s.abs().max()) for s in loss_gradients(W1, W2, X)) / scale,
        moved=(2 - 2 * nearest).clamp(min=0).sqrt().max(),
        angle=principal_angles(best, torch.linalg.qr(W2).Q).max(),
    )


def _mixing(k: int, random: torch.Generator) -> Tensor:
    """An invertible C."""
    return torch.randn(k, k, generator=random, dtype=torch.float64)


def _hessian_signs(W1: Tensor, W2: Tensor, X: Tensor) -> tuple[int, int]:
    """Numbers of negative and of zero eigenvalues."""
    k, d = W1.shape

    def flat(weights: Tensor) -> Tensor:
        return loss(weights[: k * d].reshape(k, d), weights[k * d :].reshape(d, k), X)

    at = torch.cat([W1.flatten(), W2.flatten()])
    curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(flat, at))
    threshold = 1e-9 * float(curvatures.abs().max())
    return int((curvatures < -threshold).sum()), int((curvatures.abs() <= threshold).sum())


def _path(X: Tensor, k: int, n_steps: int = 20) -> list[PathPiece]:
    """The loss while the subspace is rotated by equal angles from the last k axes to the first.

    Each piece replaces the axis of least variance by the next larger one.
    """
    _, vectors = scatter_eigenpairs(X, mean=False)
    total = float(X.square().sum())
    subsets = [tuple(range(first, first + k)) for first in range(len(X) - k, -1, -1)]
    pieces = []
    for place, (start, end) in enumerate(pairwise(subsets)):
        stays = vectors[:, start[0] : start[-1]]
        losses = []
        for turn in torch.linspace(0, torch.pi / 2, n_steps + 1, dtype=torch.float64):
            moving = turn.cos() * vectors[:, start[-1]] + turn.sin() * vectors[:, end[0]]
            W2 = torch.cat([stays, moving[:, None]], dim=1)
            losses.append(float(loss(W2.T, W2, X)) / total)
        angles = [90 * (place + step / n_steps) for step in range(n_steps + 1)]
        pieces.append(PathPiece(start=start, end=end, angles=angles, losses=losses))
    return pieces


def _at_components(config: PCAOptimalityConfig) -> ImagesAtComponents:
    X = _centred_images(config)
    rows = X.T.numpy()
    model = LinearAutoencoder(config.n_components).fit(rows)
    peer = PCA(config.n_components, svd_solver="full").fit(rows)
    basis = torch.as_tensor(model.components_)
    scale = float(X.square().sum())
    slopes = loss_gradients(basis, basis.T, X)
    angles = principal_angles(basis.T, torch.as_tensor(peer.components_.T.copy()))
    return ImagesAtComponents(
        gradient=max(float(s.abs().max()) for s in slopes) / scale,
        angle_to_pca=angles.max(),
        ratio_difference=abs(
            model.explained_variance_ratio_ - peer.explained_variance_ratio_
        ).max(),
        variance_difference=abs(model.explained_variance_ / peer.explained_variance_ - 1).max(),
        explained=model.explained_variance_ratio_.sum(),
    )


def _centred_images(config: PCAOptimalityConfig) -> Tensor:
    """The images in columns, (d, n) float64, each pixel with mean zero."""
    try:
        X = torch.as_tensor(load_pixels(config.data, max_samples=config.max_images)).T
    except DataError as error:
        raise NotRun(f"the images are not available: {error}") from error
    if config.n_components > min(X.shape):
        raise InputError(
            f"n_components={config.n_components} is more than the {min(X.shape)} that "
            f"{X.shape[1]} images of {len(X)} pixels allow; lower it"
        )
    X = X - X.mean(dim=1, keepdim=True)
    variances, _ = scatter_eigenpairs(X, mean=True)
    rank = int((variances > 1e-12 * variances[0]).sum())
    if config.n_components > rank:
        raise InputError(
            f"n_components={config.n_components} is more than the {rank} directions in which the "
            "images vary; lower it"
        )
    return X


@stage
def training(config: PCAOptimalityConfig, context: Context) -> TrainingRecord:
    """Gradient descent from random starts: distance to the principal subspace."""
    X = _centred_images(config)
    S = X @ X.T / X.shape[1]
    values, vectors = scatter_eigenpairs(X, mean=True)
    k, d = config.n_components, len(S)
    seeds = [derive_seed(config.seed, "t", i) for i in range(config.n_seeds)]
    starts = [gaussian_factors(k, d, std=d**-0.5, generator=generator(seed)) for seed in seeds]
    steps = sorted({round(config.steps * (i / 40) ** 2) for i in range(41)})
    W1, W2 = (torch.stack(list(part)) for part in zip(*starts, strict=True))
    rate = 0.15 / float(values[0])
    run = descend(W1, W2, S, learning_rate=rate, steps=config.steps, record_at=steps)
    context.reporter.raise_if_cancelled()
    minimum = float(values[k:].sum())
    losses = covariance_loss(run.W1, run.W2, S)
    top = vectors[:, :k]
    angles = [[float(principal_angles(W, top).max()) for W in at] for at in run.W2]
    return TrainingRecord(
        seeds=seeds,
        steps=steps,
        minimum=minimum,
        decay=rate * config.steps * float(values[k - 1] - values[k : k + 1].sum()),
        excess=((losses - minimum) / float(values.sum())).T,
        angles=torch.tensor(angles).T,
    )


@stage
def staircase(config: PCAOptimalityConfig, context: Context) -> StaircaseRecord:
    """Descent from weights close to zero, with a plateau of the loss at each saddle."""
    eigenvalues = torch.tensor(sorted(config.staircase_spectrum, reverse=True), dtype=torch.float64)
    d, k = len(eigenvalues), config.staircase_components
    if k > d:
        raise InputError(
            f"staircase_components={k} is more than the {d} axes of staircase_spectrum; lower it"
        )
    draw = generator(config.seed, "staircase")
    X = samples_with_spectrum(eigenvalues, 5 * d, generator=draw)
    S = X @ X.T / X.shape[1]
    W1, W2 = gaussian_factors(k, d, std=config.staircase_start, generator=draw)
    stride = max(1, config.staircase_steps // 500)
    steps = list(range(0, config.staircase_steps + 1, stride))
    rate = 0.1 / float(eigenvalues[0])
    run = descend(W1, W2, S, learning_rate=rate, steps=steps[-1], record_at=steps)
    total = float(eigenvalues.sum())
    _, vectors = scatter_eigenpairs(X, mean=True)
    products = run.W2 @ run.W1
    slopes = [
        sum(float(part.square().sum()) for part in loss_gradients(a, b, X)) ** 0.5
        for a, b in zip(run.W1, run.W2, strict=True)
    ]
    visits = []
    for rank in range(k + 1):
        kept = vectors[:, :rank]
        distances = (products - kept @ kept.T).square().sum((-2, -1)).sqrt()
        nearest = int(distances.argmin())
        visits.append(
            Visit(
                n_axes=rank,
                plateau=float(eigenvalues[rank:].sum()) / total,
                step=steps[nearest],
                loss=float(covariance_loss(run.W1[nearest], run.W2[nearest], S)) / total,
                distance=distances[nearest],
            )
        )
    return StaircaseRecord(
        seed=config.seed,
        steps=steps,
        losses=covariance_loss(run.W1, run.W2, S) / total,
        gradient_norms=[slope / (X.shape[1] * total) for slope in slopes],
        visits=visits,
    )
