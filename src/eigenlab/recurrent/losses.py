"""The loss of a traced prediction, step by step, and which of its axes is time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from eigenlab.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Losses:
    """L, and L_k at each step k where there are steps."""

    total: Tensor
    steps: Tensor | None


def custom_loss(loss: Loss, prediction: Tensor, y: object) -> Losses:
    """The owner's own loss of the whole prediction."""
    total = loss(prediction, y)  # type: ignore[arg-type]
    _check_scalar("loss", total)
    return Losses(total.reshape(()), None)


def mean_squared_loss(
    prediction: Tensor, y: Tensor, time: int | None, lengths: Tensor | None, last_step_only: bool
) -> Losses:
    """Mean squared error over every number that counts, or over those of the last steps."""
    squared = (prediction - y).square()
    if time is None:
        return Losses(squared.mean(), None)
    by_step = squared.movedim(time, 0)
    if lengths is None:
        steps = by_step.flatten(1).mean(dim=1)
        if last_step_only:
            squared = (prediction.select(time, -1) - y.select(time, -1)).square()
        return Losses(squared.mean(), steps)
    per_sequence = by_step.reshape(*by_step.shape[:2], -1).mean(dim=2)
    return _over_lengths(per_sequence, lengths, last_step_only)


def each_step(
    loss: Loss,
    prediction: Tensor,
    y: Tensor,
    time: int,
    lengths: Tensor | None,
    last_step_only: bool,
) -> Losses:
    """The owner's loss of the prediction at one step, at every step."""
    values, weights = [], []
    count = prediction.shape[time]
    for k in range(count):
        here, target = prediction.select(time, k), y.select(time, k)
        if lengths is not None:
            valid = (lengths > k).to(here.device)
            here, target = here[valid], target[valid]
        weights.append(len(here) if here.ndim else 1)
        value = loss(here, target) if weights[-1] else prediction.sum() * 0
        _check_scalar("step_loss", value)
        values.append(value.reshape(()))
    steps = torch.stack(values)
    if last_step_only:
        if lengths is not None and bool((lengths != count).any()):
            ends = lengths.to(prediction.device) - 1
            rows = torch.arange(len(ends), device=ends.device)
            here, target = (v.movedim(time, 0)[ends, rows] for v in (prediction, y))
            return Losses(loss(here, target).reshape(()), steps)
        return Losses(steps[-1], steps)
    if lengths is None:
        return Losses(steps.mean(), steps)
    share = torch.tensor(weights, dtype=steps.dtype, device=steps.device)
    return Losses((steps * share).sum() / share.sum(), steps)


def _over_lengths(per_sequence: Tensor, lengths: Tensor, last_step_only: bool) -> Losses:
    """Means of (T, B) losses over the steps that are valid."""
    lengths = lengths.to(per_sequence.device)
    valid = torch.arange(len(per_sequence), device=lengths.device).unsqueeze(1) < lengths
    kept = torch.where(valid, per_sequence, 0.0)
    steps = kept.sum(dim=1) / valid.sum(dim=1).clamp(min=1)
    if last_step_only:
        last = per_sequence.gather(0, (lengths - 1).unsqueeze(0))
        return Losses(last.mean(), steps)
    return Losses(kept.sum() / valid.sum(), steps)


def _check_scalar(name: str, value: object) -> None:
    if not isinstance(value, Tensor):
        raise InputError(f"{name} returned a {type(value).__name__}, expected a scalar tensor")
    if value.numel() != 1:
        raise InputError(
            f"{name} returned a tensor of shape {tuple(value.shape)}, expected a scalar; "
            "reduce it, e.g. by reduction='mean'"
        )


def time_axis(
    prediction: Tensor,
    batch: int,
    spans: Sequence[int],
    batch_first: bool | None,
    reads_first: Callable[[Tensor, int], bool],
) -> int | None:
    """The axis of the prediction that is time, or None where it has no steps.

    Args:
        prediction: of the model.
        batch: B of the recurrent part.
        spans: how many of the last steps the prediction may cover, T first: those of the last
            call, of the last two calls, ...
        batch_first: what the owner says, or None.
        reads_first: whether a part of the prediction reads the states of one step only, the first
            of so many last steps.

    Raises:
        InputError: batch and time cannot be told apart.
    """
    shape = tuple(prediction.shape)
    if batch_first is not None:
        axis = 1 if batch_first else 0
        if len(shape) <= axis:
            raise InputError(f"batch_first={batch_first}, but the prediction has shape {shape}")
        return axis
    found = [
        axis
        for axis, other in ((1, 0), (0, 1))
        if len(shape) > 1 and shape[other] == batch and shape[axis] in spans
    ]
    unbatched = batch == 1 and len(shape) <= 2 and shape and shape[0] in spans
    if unbatched and 0 not in found:
        found.append(0)
    per_sequence = len(shape) <= 2 and shape[:1] == (batch,)
    many_to_one = per_sequence and found and len(shape) == found[0] + 1 and spans[0] > 1
    if len(found) == 1 and not many_to_one:
        return found[0]
    if not found:
        return None
    if spans[0] == 1:
        return found[0]
    told = [axis for axis in found if reads_first(prediction.select(axis, 0), shape[axis])]
    if len(told) == 1:
        return told[0]
    if not told and per_sequence and len(shape) == 2 and (found == [1] or spans[0] not in shape):
        return None  # as many outputs as steps, but none of its own for the first step
    raise InputError(
        f"the prediction has shape {shape} for {batch} sequences of {spans[0]} steps, so batch and "
        "time cannot be told apart; say batch_first=True or batch_first=False"
    )


def padded(value: object, batch_first: bool) -> tuple[object, Tensor | None]:
    """A packed sequence as a padded batch with its lengths; anything else as it is."""
    if isinstance(value, PackedSequence):
        return pad_packed_sequence(value, batch_first=batch_first)
    return value, None


def check_lengths(lengths: Sequence[int] | Tensor, batch: int, steps: int) -> Tensor:
    """The lengths as a (B,) tensor of integers in 1 .. T."""
    values = torch.as_tensor(lengths)
    whole = not values.is_floating_point() and values.dtype != torch.bool
    if values.shape != (batch,) or not whole or values.min() < 1 or values.max() > steps:
        raise InputError(
            f"lengths={lengths!r}; expected {batch} integers in 1 to {steps}, one a sequence"
        )
    return values.long().cpu()
