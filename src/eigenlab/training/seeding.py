"""Every random number has an address: a seed and a path, such as ``(seed, "batch", step)``.

A draw that depends only on its address can be repeated alone, in any order, on any worker.
"""

from __future__ import annotations

import hashlib
import random

import numpy as np
import torch


def derive_seed(seed: int, *path: int | str) -> int:
    """Return a seed in [0, 2^63) that depends on ``seed`` and every part of ``path``.

    The first eight bytes of a SHA-256 digest, so it is the same on every machine and Python, and
    neighbouring seeds or steps give unrelated numbers.

    >>> derive_seed(0, "batch", 1) == derive_seed(0, "batch", 1)
    True
    >>> len({derive_seed(0), derive_seed(1), derive_seed(0, 1), derive_seed(0, "1")})
    4
    """
    address = repr((int(seed), *path)).encode()
    return int.from_bytes(hashlib.sha256(address).digest()[:8], "big") >> 1


def generator(
    seed: int, *path: int | str, device: torch.device | str | None = None
) -> torch.Generator:
    """Return a fresh ``torch.Generator`` for the draw at ``(seed, *path)``.

    >>> a = torch.randn(2, generator=generator(7, "weights"))
    >>> torch.equal(a, torch.randn(2, generator=generator(7, "weights")))
    True
    """
    return torch.Generator(device or "cpu").manual_seed(derive_seed(seed, *path))


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch (all devices).

    Needed only for what draws from them, such as ``torch.nn`` initialisation and dropout; prefer
    :func:`generator` where one can be passed.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  numpy's global generator is the point here
    torch.manual_seed(seed)
