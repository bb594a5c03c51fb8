"""Train one autoencoder: shuffled batches, Adam, every random number with an address."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral

import torch
from torch import Tensor

from eigenlab.autoencoders.models import Autoencoder
from eigenlab.errors import InputError
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import TrainingDiverged, generator
from eigenlab.training.schedules import Schedule


def fit(
    model: Autoencoder,
    x: Tensor,
    *,
    epochs: int,
    seed: int = 0,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    schedule: Schedule | None = None,
    on_epoch: Callable[[int], None] | None = None,
    reporter: Reporter = SILENT,
) -> list[float]:
    """Train ``model`` in place on ``x`` (n, input_size) with Adam.

    Args:
        seed: the order of the samples in an epoch is drawn at the address
            ``(seed, "order", epoch)``, the corruption at ``(seed, "corruption", epoch)``.
        batch_size: samples per update; what is left of an epoch makes a smaller last batch.
        schedule: factor of the learning rate at each update (from 0); default: constant.
        on_epoch: called with the number of epochs done after each one.

    Returns:
        Mean training loss of each epoch (of the batches as they were met, corrupted).

    Raises:
        InputError: ``x`` is empty, is not (n, input_size), finite and of the model's dtype, or a
            number is not positive.
        TrainingDiverged: a weight is not finite after an epoch.
        Cancelled: the reporter was cancelled; checked after each epoch.

    >>> x = torch.randn(64, 3, generator=generator(0, "doc"))
    >>> losses = fit(Autoencoder(3, [3], generator=generator(0)), x, epochs=3)
    >>> losses[0] > losses[2]
    True
    """
    check_training(x, model.input_size, epochs, batch_size, learning_rate)
    dtype = next(model.parameters()).dtype
    if x.dtype != dtype:
        raise InputError(f"x is {x.dtype}, the model's weights are {dtype}; give x.to({dtype})")
    optimizer = torch.optim.Adam(model.parameters(), learning_rate, fused=True)
    losses: list[float] = []
    step = 0
    for epoch in range(epochs):
        noise = generator(seed, "corruption", epoch, device=x.device)
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        for batch in epoch_order(len(x), seed, epoch).to(x.device).split(batch_size):
            if schedule is not None:
                optimizer.param_groups[0]["lr"] = learning_rate * schedule(step)
            step += 1
            total += len(batch) * model.train_step(x[batch], optimizer, noise)
        losses.append(total.item() / len(x))
        check_weights(model, epoch + 1, learning_rate)
        if on_epoch is not None:
            on_epoch(epoch + 1)
        reporter.progress(epoch + 1, epochs, f"loss {losses[-1]:.4g}")
        reporter.raise_if_cancelled()
    return losses


def epoch_order(n_samples: int, seed: int, epoch: int) -> Tensor:
    """Permutation of ``n_samples`` for one epoch; the same for every model of one seed."""
    return torch.randperm(n_samples, generator=generator(seed, "order", epoch))


def check_training(
    x: Tensor, input_size: int | None, epochs: int, batch_size: int, learning_rate: float
) -> None:
    """Raise one :class:`~eigenlab.errors.InputError` for the first thing that is wrong."""
    check_tensor("x", x)
    if x.dim() != 2 or input_size not in (None, x.shape[1]) or len(x) == 0:
        wanted = "" if input_size is None else f"{input_size} "
        raise InputError(
            f"x has shape {tuple(x.shape)}; expected (n_samples >= 1, {wanted}features)"
        )
    if not x.is_floating_point():
        raise InputError(f"x is {x.dtype}; give floating-point samples, such as pixels / 255")
    if not torch.isfinite(x).all():
        raise InputError("x holds NaN or infinity; remove or impute these samples first")
    check_numbers(epochs, batch_size, learning_rate)


def check_tensor(name: str, value: object) -> None:
    """Raise an :class:`~eigenlab.errors.InputError` if ``value`` is no tensor."""
    if not isinstance(value, Tensor):
        raise InputError(
            f"{name} is a {type(value).__name__}, expected a tensor; give torch.as_tensor({name})"
        )


def check_numbers(epochs: int, batch_size: int, learning_rate: float) -> None:
    """Raise an :class:`~eigenlab.errors.InputError` unless training can go by these numbers."""
    numbers = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    for name, value in numbers.items():
        if not value > 0:
            raise InputError(f"{name}={value} must be positive")
        if name != "learning_rate" and not isinstance(value, Integral):
            raise InputError(f"{name}={value} must be a whole number")


def check_weights(
    model: Autoencoder, epoch: int, learning_rate: float, name: object = "the autoencoder"
) -> None:
    """Raise :class:`~eigenlab.training.TrainingDiverged` if a weight is no longer finite."""
    if not all(torch.isfinite(weight).all() for weight in model.parameters()):
        raise TrainingDiverged(
            f"training of {name} diverged: a weight is not finite after epoch {epoch}; "
            f"take a smaller learning_rate than {learning_rate:g}"
        )
