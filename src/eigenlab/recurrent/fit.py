"""Training a regressor on fresh random batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from eigenlab.recurrent.regressor import RecurrentRegressor, regression_loss
from eigenlab.reporter import Reporter
from eigenlab.training import TrainingHistory, derive_seed, generated, generator, train

Draw = Callable[[torch.Generator], tuple[Tensor, Tensor]]


def fit_regressor(
    model: RecurrentRegressor,
    draw: Draw,
    *,
    seed: int,
    steps: int,
    learning_rate: float,
    last_step_only: bool,
    device: torch.device,
    reporter: Reporter,
    checkpoint: Path | None,
    clip_norm: float | None = None,
    log_every: int | None = None,
) -> TrainingHistory:
    """Draw the weights of ``model`` as ``torch.nn`` does and train it with Adam on fresh batches.

    Args:
        model: its parameters are drawn anew, uniform in +-1/sqrt(hidden_size).
        draw: ``draw(generator) -> (x, y)`` makes one batch, x (B, T, I) and y (B, T, O).
        seed: random seed of weights and batches.
        steps: number of updates.
        learning_rate: Adam's.
        last_step_only: count the loss at the last step only.
        device: where the model is trained.
        reporter: receives progress and may cancel.
        checkpoint: file (without suffix) from which an interrupted training resumes, or None.
        clip_norm: largest Euclidean norm of the gradient; None does not clip. Default: ``None``.
        log_every: updates between two logged losses. Default: that of
            :func:`~eigenlab.training.train`.

    Returns:
        The logged losses.
    """
    model.reset_parameters(generator(seed, "weights"))
    model.to(device)

    def objective(model: RecurrentRegressor, batch: tuple[Tensor, ...]) -> Tensor:
        x, y = batch
        return regression_loss(model(x)[0], y, last_step_only=last_step_only)

    return train(
        model,
        objective,
        generated(draw, derive_seed(seed, "batches"), device=device),
        optimizer=torch.optim.Adam(model.parameters(), lr=learning_rate),
        steps=steps,
        clip_norm=clip_norm,
        log_every=log_every,
        reporter=reporter,
        checkpoint=checkpoint,
    )
