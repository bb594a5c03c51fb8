"""Features for a probe: those of a linear encoder, and signed parts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from eigenlab.errors import InputError


def signed_parts(features: Tensor) -> Tensor:
    """Split each feature into its positive and its negative part, (n, k) to (n, 2k).

    An encoder's last layer has no activation; this is one, the concatenated ReLU (Shang et al.
    2016, arXiv:1603.05201). A linear probe can then give positive and negative values of a
    feature different weights.

    Args:
        features: (n, k).

    Returns:
        (n, 2k): ``max(features, 0)`` and then ``max(-features, 0)``.

    >>> signed_parts(torch.tensor([[2.0, -3.0]])).tolist()
    [[2.0, 0.0, 0.0, 3.0]]
    """
    return torch.cat([features.clamp(min=0), (-features).clamp(min=0)], dim=1)


class LinearFeatures(NamedTuple):
    """Features ``x @ weight.T + bias`` of a linear encoder that are never stored.

    For k > d a probe on them costs less than on the stored features, with the same result: per
    epoch it reads n d numbers instead of n k.

    Args:
        x: (n, d) samples.
        weight: (k, d) weight of the encoder.
        bias: (k,) bias of the encoder.

    >>> LinearFeatures(torch.eye(2), torch.tensor([[1.0, 2.0]]), torch.zeros(1)).values()
    tensor([[1.],
            [2.]])
    """

    x: Tensor
    weight: Tensor
    bias: Tensor

    def values(self) -> Tensor:
        """Return the features as an (n, k) tensor."""
        return self.x @ self.weight.T + self.bias


def check_linear(features: LinearFeatures) -> None:
    """Raise an :class:`~eigenlab.errors.InputError` unless the three tensors fit together."""
    x, weight, bias = features
    if weight.dim() != 2 or weight.shape[1] != x.shape[1] or bias.shape != weight.shape[:1]:
        raise InputError(
            f"LinearFeatures have x {tuple(x.shape)}, weight {tuple(weight.shape)} and bias "
            f"{tuple(bias.shape)}; expected (n, d), (k, d) and (k,)"
        )
    if not x.dtype == weight.dtype == bias.dtype:
        raise InputError(
            f"LinearFeatures have x {x.dtype}, weight {weight.dtype} and bias {bias.dtype}; "
            "expected one dtype"
        )
    if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise InputError(
            "LinearFeatures hold NaN or infinite weights; check whether the autoencoder's "
            "training diverged"
        )
