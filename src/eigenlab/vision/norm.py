"""Batch normalisation as the fast recipes use it."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation over groups of a batch, with a scale that may be fixed.

    Args:
        channels: C.
        ghost_size: images that are normalised together in training ("ghost batches": Hoffer,
            Hubara and Soudry, Train longer, generalize better, arXiv:1705.08741). Default:
            ``None``, the batch.
        frozen_scale: whether the scale stays 1, and only the shift is trained. Default: ``False``.
        eps: added to the variance. Default: ``1e-5``.
        momentum: weight of the newest statistics in the running ones. Default: ``0.1``.

    >>> layer = BatchNorm(3, ghost_size=2)
    >>> x = torch.randn(4, 3, 5, 5)
    >>> torch.allclose(layer(x)[:2], nn.BatchNorm2d(3)(x[:2]), atol=1e-6)
    True
    """

    def __init__(
        self,
        channels: int,
        *,
        ghost_size: int | None = None,
        frozen_scale: bool = False,
        eps: float = 1e-5,
        momentum: float = 0.1,
    ) -> None:
        super().__init__(channels, eps=eps, momentum=momentum)
        self.ghost_size = ghost_size
        self.weight.requires_grad_(not frozen_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise.

        Args:
            x: (B, C, H, W).
        """
        if not self.training or self.ghost_size is None or len(x) <= self.ghost_size:
            return super().forward(x)
        parts = len(x) // self.ghost_size  # a smaller rest would have worse statistics
        return torch.cat([super(BatchNorm, self).forward(part) for part in x.tensor_split(parts)])
