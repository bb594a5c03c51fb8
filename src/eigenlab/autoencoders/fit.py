"""Train one autoencoder by ``training.train``: shuffled batches, Adam, losses per epoch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from eigenlab.autoencoders.batches import EpochBatches
from eigenlab.autoencoders.checks import check_training
from eigenlab.autoencoders.models import Autoencoder
from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import Batch, Schedule, TrainingDiverged, train


def fit(
    model: Autoencoder,
    x: Tensor,
    *,
    n_epochs: int,
    seed: int = 0,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    schedule: Schedule | None = None,
    on_epoch: Callable[[int], None] | None = None,
    reporter: Reporter = SILENT,
) -> list[float]:
    """Train a model in place with Adam; the objective is ``model.get_loss`` (question 3a).

    Args:
        model: any autoencoder; it decides how samples are corrupted.
        x: (n, input_size) samples, in the dtype and on the device of the model.
        n_epochs: passes over the samples.
        seed: random seed. The order of an epoch (from 0) is drawn by
            ``generator(seed, "order", epoch)``, its corruption by
            ``generator(seed, "corruption", epoch)``. Default: ``0``.
        batch_size: samples per update; the last batch of an epoch may be smaller.
            Default: ``64``.
        learning_rate: step size of Adam. Default: ``1e-3``.
        schedule: ``schedule(step)`` multiplies the learning rate at the 0-based update.
            Default: ``None``, constant.
        on_epoch: called after each epoch with the number of finished epochs. Default: ``None``.
        reporter: receives progress in epochs and may cancel between two updates.
            Default: ``SILENT``.

    Returns:
        Mean training loss of each epoch: that of each corrupted batch before its update (in a
        process group, of the samples of the first process).

    Raises:
        InputError: ``x`` is empty, not (n, input_size), not finite or not of the model's dtype, or
            a setting is out of range.
        TrainingDiverged: a loss, or a weight after an epoch, is not finite.
        Cancelled: the reporter was cancelled.

    >>> from eigenlab.training import generator
    >>> x = torch.randn(64, 3, generator=generator(0, "doc"))
    >>> losses = fit(Autoencoder(3, [3], generator=generator(0)), x, n_epochs=3)
    >>> losses[0] > losses[2]
    True
    """
    check_training(x, model.input_size, n_epochs, batch_size, learning_rate)
    dtype = next(model.parameters()).dtype
    if x.dtype != dtype:
        raise InputError(f"x is {x.dtype}, the model's weights are {dtype}; give x.to({dtype})")
    return train_epochs(
        model,
        EpochBatches(x, batch_size=batch_size, seed=seed),
        n_epochs=n_epochs,
        optimizer=torch.optim.Adam(model.parameters(), learning_rate, fused=True),
        schedule=schedule,
        loss_dtype=x.dtype,  # not every device has float64
        on_epoch=on_epoch,
        reporter=reporter,
    )


def train_epochs(
    model: Autoencoder,
    batches: EpochBatches,
    *,
    n_epochs: int,
    optimizer: torch.optim.Optimizer,
    loss_dtype: torch.dtype,
    schedule: Schedule | None = None,
    on_epoch: Callable[[int], None] | None = None,
    reporter: Reporter = SILENT,
) -> list[float]:
    """Train a model for whole epochs and return the mean training loss of each.

    Args:
        model: any autoencoder; changed in place.
        batches: shuffled samples.
        n_epochs: passes over the samples.
        optimizer: over the parameters of ``model``.
        loss_dtype: dtype in which the losses of an epoch are summed.
        schedule: factor of the learning rate at each update. Default: ``None``, constant.
        on_epoch: called after each epoch with the number of finished epochs. Default: ``None``.
        reporter: receives progress in epochs and may cancel. Default: ``SILENT``.
    """
    finished = 0

    def objective(model: Autoencoder, batch: Batch) -> Tensor:
        loss = model.get_loss(batch[0], batches.corruption)
        batches.losses.append((len(batch[0]), loss.detach()))
        return loss

    def evaluate(model: Autoencoder) -> dict[str, float]:
        nonlocal finished
        finished += 1
        check_weights(model, batches.first_epoch + finished, optimizer.defaults["lr"])
        loss = batches.mean_loss(loss_dtype)
        if on_epoch is not None:
            with torch.enable_grad():  # it may train something, such as a probe
                on_epoch(finished)
        reporter.progress(finished, n_epochs, f"loss {loss:.4g}")
        return {"epoch_loss": loss}

    history = train(
        model,
        objective,
        batches,
        optimizer=optimizer,
        steps=n_epochs * batches.steps_per_epoch,
        schedule=schedule,
        evaluate=evaluate,
        evaluate_every=batches.steps_per_epoch,
        log_every=batches.steps_per_epoch,
        reporter=_CancelOnly(reporter),
    )
    return [values["epoch_loss"] for _, values in history.evaluations]


class _CancelOnly(Reporter):
    """Passes requests to cancel on to ``train``; progress is reported in epochs, not in steps."""

    def __init__(self, inner: Reporter) -> None:
        self.inner = inner

    @property
    def cancelled(self) -> bool:
        return self.inner.cancelled


def check_weights(
    model: Autoencoder, epoch: int, learning_rate: float, name: object = "the autoencoder"
) -> None:
    """Raise :class:`~eigenlab.training.TrainingDiverged` if a weight is not finite."""
    if not all(torch.isfinite(weight).all() for weight in model.parameters()):
        raise TrainingDiverged(
            f"training of {name} diverged: a weight is not finite after epoch {epoch}; "
            f"take a smaller learning_rate than {learning_rate:g}"
        )
