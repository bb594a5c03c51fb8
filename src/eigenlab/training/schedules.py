"""Learning-rate schedules: pure functions from step to factor.

``schedule(step)`` multiplies the optimizer's own learning rates at the 0-based update ``step``: one
factor for all, or one for each group of parameters. A pure function needs no state in a checkpoint
and can be evaluated at any step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from eigenlab.errors import InputError

Schedule = Callable[[int], float | Sequence[float]]


def cosine(steps: int, *, final: float = 0.0) -> Callable[[int], float]:
    """Cosine decay from 1 to ``final`` over ``steps`` updates, constant afterwards.

    The factor at step t is ``final + (1 - final) (1 + cos(pi t / steps)) / 2``: Loshchilov and
    Hutter 2017, eq. 5, arXiv:1608.03983, without restarts.

    Args:
        steps: updates until ``final`` is reached, at least 1.
        final: last factor. Default: ``0.0``.

    Raises:
        InputError: ``steps`` is less than 1.

    >>> schedule = cosine(100)
    >>> [round(schedule(step), 3) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """
    _check_steps(steps)
    return lambda step: (
        final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))
    )


def one_cycle(
    steps: int, *, peak: float = 0.3, start: float = 0.04, final: float = 4e-6
) -> Callable[[int], float]:
    """One-cycle schedule: cosine increase from ``start`` to 1, then cosine decay to ``final``.

    The same as ``torch.optim.lr_scheduler.OneCycleLR``, whose ``max_lr`` is the optimizer's
    learning rate here. Source: Smith and Topin 2018, arXiv:1708.07120.

    Args:
        steps: updates of the cycle, at least 1.
        peak: fraction of ``steps`` at which the factor is 1, in (0, 1). Default: ``0.3``.
        start: first factor. Default: ``0.04``.
        final: factor of the last update. Default: ``4e-6``.

    Raises:
        InputError: ``steps`` is less than 1, or ``peak`` is not in (0, 1).

    >>> schedule = one_cycle(100, peak=0.5)
    >>> round(max(schedule(step) for step in range(100)), 3)
    1.0
    """
    _check_steps(steps)
    if not 0 < peak < 1:
        raise InputError(
            f"peak={peak} is the fraction of steps at which the factor is 1; give 0 < peak < 1"
        )
    # As in torch: the last update, steps - 1, has the final factor.
    top = peak * steps - 1
    end = max(steps - 1, 1)

    def factor(step: int) -> float:
        if step <= top:
            return _half_cosine(start, 1.0, step / top) if top > 0 else 1.0
        return _half_cosine(1.0, final, min((step - top) / (end - top), 1.0))

    return factor


def _half_cosine(begin: float, end: float, fraction: float) -> float:
    return end + (begin - end) * 0.5 * (1 + math.cos(math.pi * fraction))


def _check_steps(steps: int) -> None:
    if steps < 1:
        raise InputError(f"steps={steps} must be at least 1")
