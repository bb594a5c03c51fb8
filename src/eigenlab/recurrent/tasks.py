"""Tasks whose answer is known at every step: a short one, and two that ask far back."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from eigenlab.errors import InputError, nearest
from eigenlab.recurrent.layers import check_sizes

DISTRIBUTIONS = ("normal", "uniform")


def running_average(
    batch_size: int,
    length: int,
    *,
    generator: torch.Generator,
    distribution: Literal["normal", "uniform"] = "normal",
    last_step_only: bool = False,
    dtype: torch.dtype = torch.float32,
) -> tuple[Tensor, Tensor]:
    """Sequences of independent numbers and the mean of what has been seen so far.

    y_t = (x_1 + ... + x_t) / t. With ``last_step_only`` the task is many-to-one: one target.

    Args:
        batch_size: B.
        length: T.
        generator: source of randomness, on the device of the tensors.
        distribution: ``"normal"`` (mean 0, variance 1) or ``"uniform"`` on [0, 1).
            Default: ``"normal"``.
        last_step_only: return only y_T. Default: ``False``.
        dtype: floating type of both tensors. Default: ``torch.float32``.

    Returns:
        x (B, T, 1) and y (B, T, 1), or y (B, 1, 1) with ``last_step_only``.

    >>> x, y = running_average(2, 5, generator=torch.Generator().manual_seed(0))
    >>> torch.allclose(y[:, -1], x.mean(dim=1))
    True
    """
    check_sizes(batch_size=batch_size, length=length)
    if distribution not in DISTRIBUTIONS:
        raise InputError(
            f"distribution={distribution!r} is unknown{nearest(distribution, DISTRIBUTIONS)}; "
            f"expected {' or '.join(DISTRIBUTIONS)}"
        )
    draw = torch.randn if distribution == "normal" else torch.rand
    x = draw(batch_size, length, 1, generator=generator, dtype=dtype, device=generator.device)
    count = torch.arange(1, length + 1, dtype=dtype, device=x.device).view(1, -1, 1)
    y = x.cumsum(dim=1) / count
    return x, y[:, -1:] if last_step_only else y


def delayed_copy(
    batch_size: int,
    lag: int,
    *,
    generator: torch.Generator,
    dtype: torch.dtype = torch.float32,
    answers: int = 3,
) -> tuple[Tensor, Tensor]:
    """y_t = x_{t - lag}, and zero before: every scored answer is ``lag`` steps old (question 1g).

    Args:
        batch_size: B.
        lag: distance of each target from the input it depends on, in steps; at least 1.
        generator: source of randomness, on the device of the tensors.
        dtype: floating type of both tensors. Default: ``torch.float32``.
        answers: number of targets that are inputs, at the end of each sequence; at least 1.
            Default: ``3``.

    Returns:
        x and y, each (B, lag + answers, 1); inputs are standard normal.

    >>> x, y = delayed_copy(2, 5, generator=torch.Generator().manual_seed(0))
    >>> torch.equal(y[:, 5:], x[:, :3])
    True
    """
    check_sizes(batch_size=batch_size, lag=lag, answers=answers)
    shape = (batch_size, lag + answers, 1)
    x = torch.randn(shape, generator=generator, dtype=dtype, device=generator.device)
    y = torch.zeros_like(x)
    y[:, lag:] = x[:, :-lag]
    return x, y


def hold_first(
    batch_size: int, lag: int, *, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> tuple[Tensor, Tensor]:
    """y_t = x_1: every step asks for the first input, so early steps ask for a recent one.

    Args:
        batch_size: B.
        lag: distance of the last target from the first input, in steps; at least 1.
        generator: source of randomness, on the device of the tensors.
        dtype: floating type of both tensors. Default: ``torch.float32``.

    Returns:
        x and y, each (B, lag + 1, 1); inputs are standard normal. The source is question 1g.

    >>> x, y = hold_first(2, 5, generator=torch.Generator().manual_seed(0))
    >>> torch.equal(y, x[:, :1].expand_as(x))
    True
    """
    check_sizes(batch_size=batch_size, lag=lag)
    shape = (batch_size, lag + 1, 1)
    x = torch.randn(shape, generator=generator, dtype=dtype, device=generator.device)
    return x, x[:, :1].expand_as(x).contiguous()
