"""Generators that depend on a seed and a path, such as ``generator(seed, "batch", step)``.

A draw that depends on these alone can be repeated by itself, in any order, in any process.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import torch


def derive_seed(seed: int, *path: int | str) -> int:
    """Return a seed that depends on ``seed`` and every part of ``path``.

    It is the first 63 bits of a SHA-256 digest, so it is the same on every machine and Python, and
    neighbouring seeds or steps give unrelated numbers.

    Args:
        seed: random seed.
        path: what the derived seed is used for.

    Returns:
        An integer in [0, 2^63).

    >>> derive_seed(0, "batch", 1) == derive_seed(0, "batch", 1)
    True
    >>> len({derive_seed(0), derive_seed(1), derive_seed(0, 1), derive_seed(0, "1")})
    4
    """
    text = repr((int(seed), *path)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


def generator(
    seed: int, *path: int | str, device: torch.device | str | None = None
) -> torch.Generator:
    """Return a new ``torch.Generator`` seeded by ``derive_seed(seed, *path)``.

    Args:
        seed: random seed.
        path: what is drawn.
        device: device of the generator. Default: ``None``, the CPU.

    >>> a = torch.randn(2, generator=generator(7, "weights"))
    >>> torch.equal(a, torch.randn(2, generator=generator(7, "weights")))
    True
    """
    return torch.Generator(device or "cpu").manual_seed(derive_seed(seed, *path))


@contextlib.contextmanager
def seeded(seed: int, *path: int | str) -> Iterator[None]:
    """Seed torch's global generator on the CPU, and leave it as it was at the end.

    For modules that draw their initial weights from it.

    Args:
        seed: random seed.
        path: what is drawn.

    >>> with seeded(0, "weights"):
    ...     first = torch.nn.Linear(2, 1)
    >>> with seeded(0, "weights"):
    ...     second = torch.nn.Linear(2, 1)
    >>> torch.equal(first.weight, second.weight)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, *path))
        yield


def resolve_seed(random_state: Any = None) -> int:
    """Return the seed that a scikit-learn ``random_state`` stands for.

    Args:
        random_state: an integer is returned as it is; from a ``numpy.random.RandomState``, or with
            None from numpy's global generator, a seed in [0, 2^31 - 1) is drawn.
            Default: ``None``.

    >>> resolve_seed(7)
    7
    """
    from sklearn.utils import check_random_state

    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))
