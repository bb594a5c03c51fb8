"""Which combinations of loss, regulariser and optimiser step along the gradient of L.

Every combination is run as its user would run it, with torch's own losses, layers and optimisers,
on one batch after another from the same weights. The mean of those updates is compared with the
gradient of L = (1/n) ||X - W2 W1 X||_F^2 + lam (||W1||_F^2 + ||W2||_F^2) over all samples.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from eigenlab.errors import InputError
from eigenlab.experiments.regularized_autoencoder.config import RegularizedAutoencoderConfig
from eigenlab.experiments.regularized_autoencoder.records import Combination, Decay
from eigenlab.linear import (
    gaussian_factors,
    regularized_gradients,
    regularized_loss,
    samples_with_spectrum,
    scatter_eigenpairs,
    shrinkage,
)
from eigenlab.training import generator

LEARNING_RATE = 1e-3
DROPOUT, N_MASKS = 0.2, 24  # probability of dropping a hidden unit, and draws averaged

Loss = Callable[[Tensor, Tensor], Tensor]


def _summed_l1(output: Tensor, x: Tensor) -> Tensor:
    return functional.l1_loss(output, x, reduction="sum") / len(x)


def _summed_square(output: Tensor, x: Tensor) -> Tensor:
    return functional.mse_loss(output, x, reduction="sum") / len(x)


def _cross_entropy(output: Tensor, x: Tensor) -> Tensor:
    return functional.cross_entropy(output, x.softmax(dim=1))


LOSSES: dict[str, Loss] = {
    "L1": _summed_l1,
    "squared error": _summed_square,
    "cross-entropy": _cross_entropy,
}
#: What is between the layers; the argument is the number of hidden units.
HIDDEN_LAYERS: dict[str, Callable[[int], nn.Module]] = {
    "weight decay": lambda k: nn.Identity(),
    "dropout": lambda k: nn.Dropout(DROPOUT),
    "layer norm": lambda k: nn.LayerNorm(k, dtype=torch.float64),
    "batch norm": lambda k: nn.BatchNorm1d(k, dtype=torch.float64),
}
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}


class Problem:
    """Samples, a few weights to compare at, and the minimiser of L."""

    def __init__(self, config: RegularizedAutoencoderConfig) -> None:
        d, k = len(config.objective_spectrum), config.objective_components
        n = config.objective_batches * config.objective_batch_size
        if k > d or n < d:
            raise InputError(
                f"objective_components={k} and {n} samples (objective_batches x "
                f"objective_batch_size) with {d} variances in objective_spectrum; expected at most "
                f"{d} components and at least {d} samples"
            )
        self.lam, self.batch_size = config.objective_lam, config.objective_batch_size
        draw = generator(config.seed, "objective")
        spectrum = torch.tensor(config.objective_spectrum, dtype=torch.float64)
        self.X = samples_with_spectrum(spectrum, n, generator=draw)
        self.points = [
            gaussian_factors(k, d, std=0.5, generator=draw) for _ in range(config.objective_points)
        ]
        variances, axes = scatter_eigenpairs(self.X, mean=True)
        kept = shrinkage(variances[:k], self.lam)
        self.minimizer = (kept[:, None] * axes[:, :k].T, axes[:, :k] * kept)
        self.largest_variance = float(spectrum.max())

    def gradient(self, W1: Tensor, W2: Tensor) -> Tensor:
        """The whole gradient of L, flat."""
        return _flat(regularized_gradients(W1, W2, self.X, self.lam))

    def descent_directions(self) -> Tensor:
        """-gradient of L at every point, stacked."""
        return torch.cat([-self.gradient(*point) for point in self.points])

    def objective(self, W1: Tensor, W2: Tensor) -> float:
        """L."""
        return float(regularized_loss(W1, W2, self.X, self.lam))


def compare(problem: Problem) -> list[Combination]:
    """The updates of every combination, one each."""
    targets = problem.descent_directions()
    rows = []
    for loss, regularizer, optimizer in product(LOSSES, HIDDEN_LAYERS, OPTIMIZERS):
        updates = [
            _updates(problem, point, loss, regularizer, optimizer) for point in problem.points
        ]
        mean = torch.cat([update.mean(dim=0) for update in updates])
        at_rest = _updates(problem, problem.minimizer, loss, regularizer, optimizer)
        rows.append(
            Combination(
                loss=loss,
                regularizer=regularizer,
                optimizer=optimizer,
                angle_sine=sine(mean, targets),
                update_at_minimum=float(at_rest.mean(dim=0).norm() / at_rest.norm(dim=1).mean()),
            )
        )
    return rows


def _updates(
    problem: Problem, point: tuple[Tensor, Tensor], loss: str, regularizer: str, optimizer: str
) -> Tensor:
    """One row per batch (and mask): the first update of a fresh optimiser, flat."""
    decay = 2 * problem.lam if regularizer == "weight decay" else 0.0
    rows = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # dropout draws from the global generator
        for _ in range(N_MASKS if regularizer == "dropout" else 1):
            for batch in problem.X.T.split(problem.batch_size):
                hidden = HIDDEN_LAYERS[regularizer](len(point[0]))
                rows.append(
                    one_update(point, batch, LOSSES[loss], OPTIMIZERS[optimizer], decay, hidden)
                )
    return torch.stack(rows)


def one_update(
    point: tuple[Tensor, Tensor],
    batch: Tensor,
    loss: Loss,
    optimizer: type[torch.optim.Optimizer],
    decay: float,
    hidden: nn.Module,
) -> Tensor:
    """What one step of ``optimizer`` adds to (W1, W2), flat; ``batch`` is (m, d)."""
    W1, W2 = (nn.Parameter(matrix.clone()) for matrix in point)
    kind: Any = optimizer
    stepper = kind([W1, W2], lr=LEARNING_RATE, weight_decay=decay)
    loss(hidden(batch @ W1.T) @ W2.T, batch).backward()
    stepper.step()
    return _flat((W1.detach() - point[0], W2.detach() - point[1]))


def compare_decays(problem: Problem) -> tuple[list[Decay], list[Decay]]:
    """SGD on one sample at a time: error summed, and averaged, over features."""
    lam, d = problem.lam, len(problem.X)
    summed = {"decay 2 λ": 2 * lam, "decay λ": lam, "decay 4 λ": 4 * lam, "no decay": 0.0}
    averaged = {"decay 2 λ / d": 2 * lam / d, "decay 2 λ": 2 * lam}
    return (
        [
            _decay(problem, f"error summed over features, {name}", _summed_square, decay)
            for name, decay in summed.items()
        ],
        [
            _decay(problem, f"error averaged over features, {name}", functional.mse_loss, decay)
            for name, decay in averaged.items()
        ],
    )


def _decay(problem: Problem, method: str, loss: Loss, decay: float) -> Decay:
    targets = problem.descent_directions()
    sgd, hidden = torch.optim.SGD, nn.Identity()
    updates = [
        torch.stack([one_update(point, x[None], loss, sgd, decay, hidden) for x in problem.X.T])
        for point in problem.points
    ]
    mean = torch.cat([update.mean(dim=0) for update in updates])
    length = float(mean.norm() / (LEARNING_RATE * targets.norm()))
    return Decay(method=method, angle_sine=sine(mean, targets), length=length)


def compare_full_batch(problem: Problem, steps: int) -> dict[str, float]:
    """How far above the minimum of L each optimiser ends on all samples at once, relative.

    With squared error and weight decay. The learning rate falls to zero along a cosine, so that no
    optimiser oscillates around its limit.
    """
    best = problem.objective(*problem.minimizer)
    excess = {}
    for name, optimizer in OPTIMIZERS.items():
        W1, W2 = (nn.Parameter(matrix.clone()) for matrix in problem.points[0])
        kind: Any = optimizer
        rate = 0.12 / problem.largest_variance
        stepper = kind([W1, W2], lr=rate, weight_decay=2 * problem.lam)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(stepper, steps)
        for _ in range(steps):
            stepper.zero_grad()
            _summed_square(problem.X.T @ W1.T @ W2.T, problem.X.T).backward()
            stepper.step()
            schedule.step()
        reached = problem.objective(W1.detach(), W2.detach())
        excess[name] = (reached - best) / best
    return excess


def sine(a: Tensor, b: Tensor) -> float:
    """Sine of the angle between two vectors, 1 if it exceeds a right angle."""
    a, b = a / a.norm(), b / b.norm()
    return float((a - (a @ b).clamp(min=0) * b).norm())


def _flat(matrices: tuple[Tensor, Tensor]) -> Tensor:
    return torch.cat([matrix.flatten() for matrix in matrices])
