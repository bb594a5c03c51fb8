"""What ``pca-optimality`` measures: gradients, stationary points, training, and a staircase."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from eigenlab.experiments._linear_data import centred_images, random_factors, with_spectrum
from eigenlab.lab import Context
from eigenlab.lab.claim import Record
from eigenlab.linear import critical_points, descend, gradients, loss
from eigenlab.linear.descent import objective
from eigenlab.linear.objective import scatter_eigenpairs
from eigenlab.spectrum import principal_angles
from eigenlab.training import derive_seed, generator

if TYPE_CHECKING:
    from eigenlab.experiments.pca_optimality import PCAOptimalityConfig

#: Central differences of a polynomial of degree four: the truncation error falls as the square of
#: the step, rounding rises as its inverse.
STEP = 1e-4


def measure_gradients(config: PCAOptimalityConfig, context: Context) -> Record:
    """Largest differences of the formulas from autograd and from differences, relative."""
    seeds = [derive_seed(config.seed, "gradients", i) for i in range(config.n_seeds)]
    rows = []
    for seed in seeds:
        draw = generator(seed)
        W1, W2 = random_factors((), 3, 6, 1.0, draw)
        X = torch.randn(6, 20, dtype=torch.float64, generator=draw)
        ours = gradients(W1, W2, X)
        weights = W1.requires_grad_(), W2.requires_grad_()
        automatic = torch.autograd.grad(loss(W1, W2, X), weights)
        with torch.no_grad():
            nudged = [_differences(W1, W2, X, which) for which in (0, 1)]
        for name, mine, auto, finite in zip(("W1", "W2"), ours, automatic, nudged, strict=True):
            scale = mine.abs().max()
            rows.append(
                {
                    "weight": name,
                    "autograd": float((mine - auto).abs().max() / scale),
                    "differences": float((mine - finite).abs().max() / scale),
                }
            )
    return {"seeds": seeds, "rows": rows}


def _differences(W1: Tensor, W2: Tensor, X: Tensor, which: int) -> Tensor:
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


def measure_points(config: PCAOptimalityConfig, context: Context) -> Record:
    """Every stationary point of a small problem, with the Hessian computed by autograd.

    And the gradient at the principal components of the images, where k is the config's.
    """
    X = with_spectrum(
        torch.tensor(SMALL_SPECTRUM, dtype=torch.float64), 12, generator(config.seed, "points")
    )
    scale = float(X.square().sum())
    points = []
    for point in critical_points(X, SMALL_WIDTH):
        slopes = gradients(point.W1, point.W2, X)
        index, nullity = _hessian_signs(point.W1, point.W2, X)
        points.append(
            {
                "subset": list(point.subset),
                "loss": point.loss,
                "loss_by_formula": float(loss(point.W1, point.W2, X)),
                "gradient": max(float(s.abs().max()) for s in slopes) / scale,
                "index": point.index,
                "nullity": point.nullity,
                "hessian_index": index,
                "hessian_nullity": nullity,
            }
        )
    return {
        "seed": config.seed,
        "points": points,
        "paths": _paths(X),
        "images": _gradient_at_components(config),
    }


SMALL_SPECTRUM = (5.0, 3.0, 2.0, 1.0, 0.5)
SMALL_WIDTH = 2


def _hessian_signs(W1: Tensor, W2: Tensor, X: Tensor) -> tuple[int, int]:
    k, d = W1.shape

    def flat(weights: Tensor) -> Tensor:
        return loss(weights[: k * d].reshape(k, d), weights[k * d :].reshape(d, k), X)

    at = torch.cat([W1.flatten(), W2.flatten()])
    curvatures = torch.linalg.eigvalsh(torch.autograd.functional.hessian(flat, at))
    threshold = 1e-9 * float(curvatures.abs().max())
    return int((curvatures < -threshold).sum()), int((curvatures.abs() <= threshold).sum())


#: Each step of the path swaps one kept axis for a better one.
PATH = ((3, 4), (2, 3), (1, 2), (0, 1))


def _paths(X: Tensor, steps: int = 20) -> list[dict[str, Any]]:
    """Loss where the kept plane turns from one subset's to the next's, by equal angles."""
    _, vectors = scatter_eigenpairs(X, mean=False)
    total = float(X.square().sum())
    pieces = []
    for start, end in pairwise(PATH):
        (leaves,), (enters,) = set(start) - set(end), set(end) - set(start)
        (stays,) = set(start) & set(end)
        losses = []
        for turn in torch.linspace(0, torch.pi / 2, steps + 1, dtype=torch.float64):
            moving = turn.cos() * vectors[:, leaves] + turn.sin() * vectors[:, enters]
            W2 = torch.stack([vectors[:, stays], moving], dim=1)
            losses.append(float(loss(W2.T, W2, X)) / total)
        pieces.append({"start": list(start), "end": list(end), "losses": losses})
    return pieces


def _gradient_at_components(config: PCAOptimalityConfig) -> dict[str, Any]:
    """Relative gradient at principal components from LinearAutoencoder and from PCA."""
    from sklearn.decomposition import PCA

    from eigenlab.linear import LinearAutoencoder

    X = centred_images(config.data)
    rows = X.T.numpy()
    model = LinearAutoencoder(config.n_components).fit(rows)
    peer = PCA(config.n_components, svd_solver="full").fit(rows)
    basis = torch.as_tensor(model.components_)
    scale = float(X.square().sum())
    slopes = gradients(basis, basis.T, X)
    angles = principal_angles(basis.T, torch.as_tensor(peer.components_.T.copy()))
    return {
        "gradient": max(float(s.abs().max()) for s in slopes) / scale,
        "angle_to_pca": float(angles.max()),
        "ratio_difference": float(
            abs(model.explained_variance_ratio_ - peer.explained_variance_ratio_).max()
        ),
        "explained": float(model.explained_variance_ratio_.sum()),
    }


def measure_training(config: PCAOptimalityConfig, context: Context) -> Record:
    """Gradient descent from several random starts: distance to the principal subspace."""
    X = centred_images(config.data)
    S = X @ X.T / X.shape[1]
    values, vectors = scatter_eigenpairs(X, mean=True)
    k, seeds = (
        config.n_components,
        [derive_seed(config.seed, "t", i) for i in range(config.n_seeds)],
    )
    starts = [random_factors((), k, len(S), len(S) ** -0.5, generator(seed)) for seed in seeds]
    steps = sorted({round(config.steps * (i / 40) ** 2) for i in range(41)})
    W1, W2 = (torch.stack(list(part)) for part in zip(*starts, strict=True))
    run = descend(
        W1, W2, S, learning_rate=0.15 / float(values[0]), steps=config.steps, record_at=steps
    )
    context.reporter.raise_if_cancelled()
    floor = float(values[k:].sum())
    losses = objective(run.W1, run.W2, S)
    top = vectors[:, :k]
    angles = [[float(principal_angles(W, top).max()) for W in at] for at in run.W2]
    return {
        "seeds": seeds,
        "steps": steps,
        "floor": floor,
        "excess": ((losses - floor) / float(values.sum())).T.tolist(),
        "angles": torch.tensor(angles).T.tolist(),
    }


def measure_staircase(config: PCAOptimalityConfig, context: Context) -> Record:
    """Descent from almost zero, where each eigenvector is found after a long wait at a saddle."""
    d, k = 8, 4
    eigenvalues = 2.0 ** -torch.arange(d, dtype=torch.float64)
    draw = generator(config.seed, "staircase")
    X = with_spectrum(eigenvalues, 40, draw)
    S = X @ X.T / X.shape[1]
    W1, W2 = random_factors((), k, d, 1e-8, draw)
    steps = list(range(0, 2001, 4))
    run = descend(W1, W2, S, learning_rate=0.1, steps=steps[-1], record_at=steps)
    total = float(eigenvalues.sum())
    _, vectors = scatter_eigenpairs(X, mean=True)
    products = run.W2 @ run.W1
    slopes = [
        sum(float(part.square().sum()) for part in gradients(a, b, X)) ** 0.5
        for a, b in zip(run.W1, run.W2, strict=True)
    ]
    visits = []
    for rank in range(k + 1):
        kept = vectors[:, :rank]
        distances = (products - kept @ kept.T).square().sum((-2, -1)).sqrt()
        nearest = int(distances.argmin())
        visits.append(
            {
                "rank": rank,
                "plateau": float(eigenvalues[rank:].sum()) / total,
                "step": steps[nearest],
                "loss": float(objective(run.W1[nearest], run.W2[nearest], S)) / total,
                "distance": float(distances[nearest]),
            }
        )
    return {
        "seed": config.seed,
        "steps": steps,
        "losses": (objective(run.W1, run.W2, S) / total).tolist(),
        "gradient": [slope / (X.shape[1] * total) for slope in slopes],
        "visits": visits,
    }
