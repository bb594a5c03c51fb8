"""Several short trainings inside one stage, seen from outside as one piece of work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from eigenlab.experiments._networks import redraw
from eigenlab.recurrent import RecurrentRegressor, regression_loss
from eigenlab.reporter import Reporter
from eigenlab.training import TrainingHistory, derive_seed, generated, generator, train

Draw = Callable[[torch.Generator], tuple[Tensor, Tensor]]


class Part(Reporter):
    """The ``index``-th (from 0) of ``count`` equal parts of the work that ``whole`` watches.

    Progress is that of the whole, and metrics carry the part's name, since each part counts its
    steps from one.

    >>> class Loud(Reporter):
    ...     def progress(self, done, total, message=""):
    ...         print(f"{done}/{total} {message}")
    >>> Part(Loud(), "LSTM", 1, 4).progress(50, 100, "loss 0.1")
    150/400 LSTM: loss 0.1
    """

    def __init__(self, whole: Reporter, name: str, index: int, count: int) -> None:
        self.whole, self.name, self.index, self.count = whole, name, index, count

    def progress(self, done: int, total: int, message: str = "") -> None:
        """Report where the whole work is."""
        done, total = self.index * total + done, self.count * total
        self.whole.progress(done, total, f"{self.name}: {message}")

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Stream the numbers under this part's name."""
        named = {f"{self.name}: {key}": value for key, value in values.items()}
        self.whole.metrics(named, step=step)

    def message(self, text: str) -> None:
        """Pass a message on."""
        self.whole.message(f"{self.name}: {text}")

    def cancel(self) -> None:
        """Cancel the whole work."""
        self.whole.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the whole work is cancelled."""
        return self.whole.cancelled


def fit(
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

    ``draw(generator) -> (x, y)`` makes one batch; everything follows from ``seed``.
    """
    redraw(model, generator(seed, "weights"))
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
