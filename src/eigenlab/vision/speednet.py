"""The fastest network: whitened patches, six convolutions and a linear layer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.vision.fused import pool_norm_activation, whitened_activation
from eigenlab.vision.networks import Activation, activation_module, spatial_maximum
from eigenlab.vision.norm import BatchNorm
from eigenlab.vision.whiten import PatchWhitening


class _Group(nn.Module):
    """Convolution, pooling, batch norm, activation, convolution, batch norm, activation."""

    def __init__(self, inputs: int, outputs: int, activation: Activation) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = _norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = _norm(outputs)
        self.activation = activation_module(activation)
        with torch.no_grad():
            for conv in (self.conv1, self.conv2):  # the first outputs begin as the inputs
                nn.init.dirac_(conv.weight[: conv.in_channels])

    def forward(self, x: Tensor) -> Tensor:
        x = pool_norm_activation(self.conv1(x), self.norm1, self.activation, pool=True)
        return pool_norm_activation(self.conv2(x), self.norm2, self.activation, pool=False)


def _norm(channels: int) -> BatchNorm:
    return BatchNorm(channels, frozen_scale=True, eps=1e-12, momentum=0.4)


class SpeedNet(nn.Module):
    """The network at the top of the ladder.

    :class:`PatchWhitening` of 2 x 2 patches, three groups of two convolutions that each halve the
    image, the maximum over what is left, and a linear layer. Convolutions begin as the identity as
    far as they have channels. The design is that of airbench (K. Jordan, 94 % on CIFAR-10 in 3.29
    seconds on a single GPU, arXiv:2404.00498), which goes back to T. Sy's hlb-CIFAR10 and
    D. Page's ResNet-9.

    Args:
        n_classes: number of classes. Default: ``10``.
        widths: channels of the groups. Default: ``(64, 256, 256)``.
        activation: ``"gelu"``, ``"silu"``, ``"relu"`` or ``"celu"``. Default: ``"gelu"``.

    Attributes:
        frozen_stages: number of stages at the beginning, of which the whitening is the first and
            the groups are the others, that are not trained; the backward pass ends there.
            Default: ``0``.

    Raises:
        InputError: there is no group, or the activation is unknown.

    >>> SpeedNet(widths=(8, 8, 8))(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int = 10,
        *,
        widths: Sequence[int] = (64, 256, 256),
        activation: Activation = "gelu",
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1:
            raise InputError(f"widths={tuple(widths)} must hold at least one positive number")
        self.whiten = PatchWhitening(2)
        self.activation = activation_module(activation)
        sizes = [self.whiten.out_channels, *widths]
        self.blocks = nn.ModuleList(
            _Group(inputs, outputs, activation) for inputs, outputs in itertools.pairwise(sizes)
        )
        self.head = nn.Linear(widths[-1], n_classes, bias=False)
        with torch.no_grad():
            self.head.weight.div_(self.head.weight.std())
        self.scale = 1 / widths[-1]
        self.frozen_stages = 0

    def features(self, images: Tensor) -> Tensor:
        """What the last layer reads, (B, widths[-1]).

        Args:
            images: (B, 3, H, W), normalised.
        """
        enabled = torch.is_grad_enabled()
        with torch.set_grad_enabled(enabled and self.frozen_stages == 0):
            x = whitened_activation(images, self.whiten, self.activation)
        for stage, group in enumerate(self.blocks, 1):
            with torch.set_grad_enabled(enabled and stage >= self.frozen_stages):
                x = group(x)
        return spatial_maximum(x)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, n_classes).

        Args:
            images: (B, 3, H, W), normalised.
        """
        return self.head(self.features(images)) * self.scale
