"""The running average: an aligned many-to-many task whose answer is known at every step."""

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
        generator: source of randomness, on the device where the tensors shall live.
        distribution: ``"normal"`` (mean 0, variance 1) or ``"uniform"`` on [0, 1).
        last_step_only: return only y_T.
        dtype: floating type of both tensors.

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
