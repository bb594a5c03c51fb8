"""Which ways of training step along the gradient of the regularised objective: by their updates.

Every way is run as its user would run it, with torch's own losses, layers and optimisers, on one
batch after another from the same weights. The mean of those updates is compared with the gradient
of L = (1/n) ||X - W2 W1 X||_F^2 + lam (||W1||_F^2 + ||W2||_F^2) over all samples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from eigenlab.experiments._linear_data import random_factors, with_spectrum
from eigenlab.linear import regularized_gradients, regularized_loss
from eigenlab.linear.objective import scatter_eigenpairs
from eigenlab.training import generator

LEARNING_RATE = 1e-3
DROPOUT, MASKS = 0.2, 24  # share of hidden units dropped, and draws averaged
SAMPLES, BATCH, FEATURES, HIDDEN = 48, 8, 6, 3
SPECTRUM = (4.0, 2.0, 1.0, 0.5, 0.25, 0.125)
LAM = 0.2


def _summed_l1(output: Tensor, x: Tensor) -> Tensor:
    return functional.l1_loss(output, x, reduction="sum") / len(x)


def _summed_square(output: Tensor, x: Tensor) -> Tensor:
    return functional.mse_loss(output, x, reduction="sum") / len(x)


def _cross_entropy(output: Tensor, x: Tensor) -> Tensor:
    return functional.cross_entropy(output, x.softmax(dim=1))


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "L1": _summed_l1,
    "squared error": _summed_square,
    "cross-entropy": _cross_entropy,
}
HIDDEN_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "weight decay": nn.Identity,
    "dropout": lambda: nn.Dropout(DROPOUT),
    "layer norm": lambda: nn.LayerNorm(HIDDEN, dtype=torch.float64),
    "batch norm": lambda: nn.BatchNorm1d(HIDDEN, dtype=torch.float64),
}
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "SGD": torch.optim.SGD,
    "Adam": torch.optim.Adam,
    "AdamW": torch.optim.AdamW,
}


class Problem:
    """Data, a few weights to compare at, and the minimiser of L."""

    def __init__(self, seed: int, n_points: int = 3) -> None:
        draw = generator(seed, "objective")
        self.X = with_spectrum(torch.tensor(SPECTRUM, dtype=torch.float64), SAMPLES, draw)
        self.points = [random_factors((), HIDDEN, FEATURES, 0.5, draw) for _ in range(n_points)]
        variances, axes = scatter_eigenpairs(self.X, mean=True)
        kept = (1 - LAM / variances[:HIDDEN]).clamp(min=0).sqrt()
        self.optimum = (kept[:, None] * axes[:, :HIDDEN].T, axes[:, :HIDDEN] * kept)

    def gradient(self, W1: Tensor, W2: Tensor) -> Tensor:
        """The whole gradient of L, flat."""
        return _flat(regularized_gradients(W1, W2, self.X, LAM))


def compare(seed: int) -> list[dict[str, Any]]:
    """One row per loss, regulariser and optimiser.

    ``mismatch``: sine of the angle between the mean updates and -gradient, all weights stacked, so
    that one common step size must serve them all. ``push``: at the minimiser of L, length of the
    mean update over the mean length of the updates; 0 where it stays.
    """
    problem = Problem(seed)
    targets = torch.cat([-problem.gradient(*point) for point in problem.points])
    rows = []
    for loss, regularizer, optimizer in _ways():
        updates = [
            _updates(problem, point, loss, regularizer, optimizer) for point in problem.points
        ]
        mean = torch.cat([update.mean(dim=0) for update in updates])
        at_rest = _updates(problem, problem.optimum, loss, regularizer, optimizer)
        rows.append(
            {
                "loss": loss,
                "regularizer": regularizer,
                "optimizer": optimizer,
                "mismatch": sine(mean, targets),
                "push": float(at_rest.mean(dim=0).norm() / at_rest.norm(dim=1).mean()),
            }
        )
    return rows


def _ways() -> Iterator[tuple[str, str, str]]:
    return ((a, b, c) for a in LOSSES for b in HIDDEN_LAYERS for c in OPTIMIZERS)


def _updates(
    problem: Problem, point: tuple[Tensor, Tensor], loss: str, regularizer: str, optimizer: str
) -> Tensor:
    """One row per batch (and mask): the first update of a fresh optimiser, flat."""
    decay = 2 * LAM if regularizer == "weight decay" else 0.0
    rows = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # dropout draws from the global generator
        for _ in range(MASKS if regularizer == "dropout" else 1):
            for batch in problem.X.T.split(BATCH):
                rows.append(
                    one_update(
                        point, batch, LOSSES[loss], OPTIMIZERS[optimizer], decay,
                        HIDDEN_LAYERS[regularizer](),
                    )
                )  # fmt: skip
    return torch.stack(rows)


def one_update(
    point: tuple[Tensor, Tensor],
    batch: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    optimizer: type[torch.optim.Optimizer],
    decay: float,
    hidden: nn.Module,
) -> Tensor:
    """What one step of ``optimizer`` adds to (W1, W2), flat; ``batch`` is (m, d)."""
    W1, W2 = (nn.Parameter(matrix.clone()) for matrix in point)
    steps: Any = optimizer
    stepper = steps([W1, W2], lr=LEARNING_RATE, weight_decay=decay)
    loss(hidden(batch @ W1.T) @ W2.T, batch).backward()
    stepper.step()
    return _flat((W1.detach() - point[0], W2.detach() - point[1]))


def compare_decays(seed: int) -> list[dict[str, Any]]:
    """SGD one sample at a time with several decays: mismatch, and length of the mean step.

    ``length`` is that of the mean update over ``LEARNING_RATE`` times the gradient's: 1 where the
    learning rate is that of descent on L.
    """
    problem = Problem(seed)
    targets = torch.cat([-problem.gradient(*point) for point in problem.points])
    d = FEATURES
    ways: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], float]] = {
        "error summed over features, decay 2 λ": (_summed_square, 2 * LAM),
        "error summed over features, decay λ": (_summed_square, LAM),
        "error summed over features, decay 4 λ": (_summed_square, 4 * LAM),
        "error summed over features, no decay": (_summed_square, 0.0),
        "error averaged over features, decay 2 λ / d": (functional.mse_loss, 2 * LAM / d),
        "error averaged over features, decay 2 λ": (functional.mse_loss, 2 * LAM),
    }
    rows = []
    for name, (loss, decay) in ways.items():
        mean = torch.cat(
            [
                torch.stack(
                    [
                        one_update(point, x[None], loss, torch.optim.SGD, decay, nn.Identity())
                        for x in problem.X.T
                    ]
                ).mean(dim=0)
                for point in problem.points
            ]
        )
        rows.append(
            {
                "way": name,
                "mismatch": sine(mean, targets),
                "length": float(mean.norm() / (LEARNING_RATE * targets.norm())),
            }
        )
    return rows


def compare_full_batch(seed: int, steps: int) -> list[dict[str, Any]]:
    """All samples at once, squared error and weight decay: how far above the minimum each ends.

    ``excess``: L at the end less L at its minimum, relative to the minimum. The learning rate
    falls to zero along a cosine, so that no optimiser circles around its goal.
    """
    problem = Problem(seed)
    best = float(regularized_loss(*problem.optimum, problem.X, LAM))
    rows = []
    for name, optimizer in OPTIMIZERS.items():
        W1, W2 = (nn.Parameter(matrix.clone()) for matrix in problem.points[0])
        kind: Any = optimizer
        stepper = kind([W1, W2], lr=0.03, weight_decay=2 * LAM)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(stepper, steps)
        for _ in range(steps):
            stepper.zero_grad()
            _summed_square(problem.X.T @ W1.T @ W2.T, problem.X.T).backward()
            stepper.step()
            schedule.step()
        reached = float(regularized_loss(W1.detach(), W2.detach(), problem.X, LAM))
        rows.append({"optimizer": name, "excess": (reached - best) / best})
    return rows


def sine(a: Tensor, b: Tensor) -> float:
    """Sine of the angle between two vectors, 1 if it exceeds a right angle."""
    a, b = a / a.norm(), b / b.norm()
    return float((a - (a @ b).clamp(min=0) * b).norm())


def _flat(matrices: tuple[Tensor, Tensor]) -> Tensor:
    return torch.cat([matrix.flatten() for matrix in matrices])
