"""Learning-rate schedules: pure functions from step to factor.

``schedule(step)`` multiplies the optimizer's own learning rate at the 0-based update ``step``. A
pure function needs no state in a checkpoint, and any point of it can be drawn or tested alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from eigenlab.errors import InputError

Schedule = Callable[[int], float]


def constant() -> Schedule:
    """The factor 1 at every step."""
    return lambda step: 1.0


def cosine(steps: int, *, final: float = 0.0) -> Schedule:
    """Fall from 1 to ``final`` over ``steps`` steps along half a cosine, then stay.

    ``final + (1 - final) (1 + cos(pi t / steps)) / 2``: Loshchilov and Hutter 2017, eq. 5,
    arXiv:1608.03983, without restarts.

    >>> schedule = cosine(100)
    >>> [round(schedule(step), 3) for step in (0, 50, 100)]
    [1.0, 0.5, 0.0]
    """
    _positive("steps", steps)
    return lambda step: (
        final + (1 - final) * 0.5 * (1 + math.cos(math.pi * min(step, steps) / steps))
    )


def linear_warmup(steps: int, then: Schedule | None = None) -> Schedule:
    """Rise linearly, ``(step + 1) / steps``, to 1, then follow ``then`` counted from that point.

    >>> schedule = linear_warmup(4, then=cosine(10))
    >>> [schedule(step) for step in (0, 1, 2, 3, 4)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    _positive("steps", steps)
    after = then or constant()
    return lambda step: (step + 1) / steps if step < steps else after(step - steps)


def one_cycle(
    steps: int, *, peak: float = 0.3, start: float = 0.04, final: float = 4e-6
) -> Schedule:
    """Rise from ``start`` to 1 at the fraction ``peak`` of ``steps``, fall to ``final`` at the end.

    Both arms are half cosines; the defaults are those of ``torch.optim.lr_scheduler.OneCycleLR``
    (the optimizer's learning rate is the highest of the cycle). Source: Smith and Topin 2018,
    arXiv:1708.07120.

    >>> schedule = one_cycle(100, peak=0.5)
    >>> round(max(schedule(step) for step in range(100)), 3)
    1.0
    """
    _positive("steps", steps)
    if not 0 < peak < 1:
        raise InputError(f"peak={peak} is the fraction of steps at the top; give 0 < peak < 1")
    # As in torch: the last update, steps - 1, has the final factor.
    top = peak * steps - 1
    end = max(steps - 1, 1)

    def factor(step: int) -> float:
        if step <= top:
            return _arc(start, 1.0, step / top) if top > 0 else 1.0
        return _arc(1.0, final, min((step - top) / (end - top), 1.0))

    return factor


def _arc(begin: float, end: float, fraction: float) -> float:
    return end + (begin - end) * 0.5 * (1 + math.cos(math.pi * fraction))


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise InputError(f"{name}={value} must be at least 1")
