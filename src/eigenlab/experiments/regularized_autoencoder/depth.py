"""Where training ends with other numbers of layers, and with ``nn.MSELoss``.

Networks are trained as their user would train them, with torch's SGD and weight decay, on all
samples at once, from the minimum of L with some noise. What stays there has that minimum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from eigenlab.experiments.regularized_autoencoder.comparison import Loss, Problem, _summed_square
from eigenlab.experiments.regularized_autoencoder.records import Averaged, Depth
from eigenlab.training import generator

NOISE = 0.01


def compare_depths(problem: Problem, steps: int, seed: int) -> list[Depth]:
    """End-to-end maps of no layer, and of one, two and three linear layers after training."""
    W1, W2 = problem.minimizer
    best, k = W2 @ W1, len(W1)
    starts: list[list[Tensor]] = [
        [],
        [best],
        [W1, W2],
        [W1, torch.eye(k, dtype=torch.float64), W2],
    ]
    rows = []
    for start in starts:
        reached = train(problem, start, _summed_square, 2 * problem.lam, 1.0, steps, seed)
        product = torch.eye(len(best), dtype=torch.float64)
        for W in reached:
            product = W @ product
        rows.append(
            Depth(
                n_layers=len(start),
                singular_values=_singular_values(product),
                distance=(product - best).norm() / best.norm(),
            )
        )
    return rows


def compare_averages(problem: Problem, steps: int, seed: int) -> list[Averaged]:
    """Two layers with ``nn.MSELoss``, whose gradient is d times smaller, and two weight decays."""
    d, lam = len(problem.X), problem.lam
    least = problem.objective(*problem.minimizer)
    rows = []
    for name, decay in (("2 λ / d", 2 * lam / d), ("2 λ", 2 * lam)):
        W1, W2 = train(
            problem, problem.minimizer, functional.mse_loss, decay, float(d), steps, seed
        )
        rows.append(
            Averaged(
                decay=name,
                singular_values=_singular_values(W2),
                excess=(problem.objective(W1, W2) - least) / least if _finite(W1, W2) else math.nan,
            )
        )
    return rows


def train(
    problem: Problem,
    start: Sequence[Tensor],
    loss: Loss,
    decay: float,
    rate: float,
    steps: int,
    seed: int,
) -> list[Tensor]:
    """The weights after ``steps``; ``rate`` is in units of one that suits the summed error."""
    if not start:
        return []
    draw = generator(seed, "depth", len(start))
    layers = [
        nn.Parameter(W + NOISE * torch.randn(W.shape, dtype=torch.float64, generator=draw))
        for W in start
    ]
    rate *= 0.2 / (problem.largest_variance + len(problem.X) * problem.lam)
    stepper = torch.optim.SGD(layers, lr=rate, weight_decay=decay)
    x = problem.X.T
    for _ in range(steps):
        stepper.zero_grad()
        output = x
        for W in layers:
            output = output @ W.T
        loss(output, x).backward()
        stepper.step()
    return [W.detach() for W in layers]


def _singular_values(matrix: Tensor) -> Tensor:
    """NaN where training diverged."""
    if not _finite(matrix):
        return matrix.new_full((min(matrix.shape),), torch.nan)
    return torch.linalg.svdvals(matrix)


def _finite(*matrices: Tensor) -> bool:
    return all(bool(torch.isfinite(matrix).all()) for matrix in matrices)
