"""The residual networks of question 4: a ResNet-18 and Page's nine layers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.vision.norm import BatchNorm
from eigenlab.vision.whiten import PatchWhitening

Activation = Literal["relu", "celu", "gelu", "silu"]
PoolPlace = Literal["last", "before-activation", "before-norm"]


def activation_module(name: Activation, celu_alpha: float = 0.075) -> nn.Module:
    """The module of a nonlinearity.

    Args:
        name: ``"relu"``, ``"celu"``, ``"gelu"`` or ``"silu"``.
        celu_alpha: of CELU, max(0, x) + min(0, alpha (exp(x / alpha) - 1)). Default: ``0.075``.

    Raises:
        InputError: the name is unknown.
    """
    if name not in get_args(Activation):
        raise InputError(
            f"activation={name!r} is unknown; choose {', '.join(get_args(Activation))}"
        )
    modules = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU}
    return nn.CELU(celu_alpha) if name == "celu" else modules[name]()


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


def spatial_maximum(x: Tensor) -> Tensor:
    """The largest value of each channel.

    Its gradient goes to one place. That of ``amax`` is shared among equal values, which are found
    by comparison; a compiled backward pass in bfloat16 compares numbers before and after rounding,
    finds none and divides by 0.

    Args:
        x: (B, C, H, W).

    Returns:
        (B, C).
    """
    return x.flatten(2).max(dim=2).values


class _PreActivationBlock(nn.Module):
    """Two convolutions, each after batch norm and ReLU, and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = BatchNorm(inputs), _conv(inputs, outputs, 3, stride)
        self.norm2, self.conv2 = BatchNorm(outputs), _conv(outputs, outputs)
        changes = stride != 1 or inputs != outputs
        self.shortcut = _conv(inputs, outputs, 1, stride) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        activated = torch.relu(self.norm1(x))
        hidden = torch.relu(self.norm2(self.conv1(activated)))
        return self.shortcut(activated) + self.conv2(hidden)


class ResNet18(nn.Module):
    """The network with which the ladder begins, that of DAWNBench's fastest entry of 2018.

    Eight pre-activation blocks of two 3 x 3 convolutions in four stages; at the end the maximum
    and the mean over the image side by side. After D. Page, How to train your ResNet 1 (2018), and
    He et al., Identity mappings in deep residual networks, arXiv:1603.05027.

    Args:
        n_classes: number of classes. Default: ``10``.
        width: channels of the first stage; the others have 2, 4 and 4 times as many. Default:
            ``64``.

    >>> ResNet18(width=4)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(self, n_classes: int = 10, *, width: int = 64) -> None:
        super().__init__()
        widths = [width, width, 2 * width, 4 * width, 4 * width]
        self.whiten: PatchWhitening | None = None
        self.first = _conv(3, width)
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    _PreActivationBlock(inputs, outputs, 1 if stage == 0 else 2),
                    _PreActivationBlock(outputs, outputs, 1),
                )
                for stage, (inputs, outputs) in enumerate(itertools.pairwise(widths))
            )
        )
        self.head = nn.Linear(8 * width, n_classes)

    def features(self, images: Tensor) -> Tensor:
        """What the last layer reads, (B, 8 width).

        Args:
            images: (B, 3, H, W), normalised.
        """
        x = self.blocks(self.first(images))
        return torch.cat([spatial_maximum(x), x.mean(dim=(2, 3))], dim=1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, n_classes).

        Args:
            images: (B, 3, H, W), normalised.
        """
        return self.head(self.features(images))


class _ConvNorm(nn.Module):
    """A convolution, batch norm and activation, with pooling at one of three places."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        norm: Callable[[int], nn.Module],
        activation: Callable[[], nn.Module],
        pool: PoolPlace | None = None,
        size: int = 3,
    ) -> None:
        super().__init__()
        steps: list[nn.Module] = [_conv(inputs, outputs, size), norm(outputs), activation()]
        if pool is not None:
            place = {"before-norm": 1, "before-activation": 2, "last": 3}[pool]
            steps.insert(place, nn.MaxPool2d(2))
        self.steps = nn.Sequential(*steps)

    def forward(self, x: Tensor) -> Tensor:
        return self.steps(x)


class _Residual(nn.Module):
    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(self.first(x))


class ResNet9(nn.Module):
    """Page's eight convolutions and a linear layer, with the options of his ladder (question 4).

    Widths 64, 128, 256 and 512 with max pooling in between, and residual blocks at 128 and 512.
    Source: D. Page, How to train your ResNet 4: Architecture (2018) and 8: Bag of tricks (2019).

    Args:
        n_classes: number of classes. Default: ``10``.
        width: channels of the first layer; the others have 2, 4 and 8 times as many. Default:
            ``64``.
        pool: where a layer pools: ``"last"``, after the activation, as published first;
            ``"before-activation"``, which computes the same where the activation is monotonic;
            or ``"before-norm"``, which is cheaper. Default: ``"last"``.
        activation: ``"relu"``, ``"celu"``, ``"gelu"`` or ``"silu"``. Default: ``"relu"``.
        ghost_size: see :class:`BatchNorm`. Default: ``None``.
        frozen_scales: whether the scales of batch norm stay 1; the logits are then divided by 16,
            not 8, and CELU has alpha 0.3, not 0.075, as published. Default: ``False``.
        whitening: whether the first layer is :class:`PatchWhitening` of 3 x 3 patches and a
            1 x 1 convolution. Default: ``False``.

    Raises:
        InputError: an option is unknown.

    >>> ResNet9(width=4)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        n_classes: int = 10,
        *,
        width: int = 64,
        pool: PoolPlace = "last",
        activation: Activation = "relu",
        ghost_size: int | None = None,
        frozen_scales: bool = False,
        whitening: bool = False,
    ) -> None:
        super().__init__()
        if pool not in get_args(PoolPlace):
            raise InputError(f"pool={pool!r} is unknown; choose {', '.join(get_args(PoolPlace))}")
        alpha = 0.3 if frozen_scales else 0.075

        def layer(inputs: int, outputs: int, pools: bool = False, size: int = 3) -> _ConvNorm:
            return _ConvNorm(
                inputs,
                outputs,
                lambda channels: BatchNorm(
                    channels, ghost_size=ghost_size, frozen_scale=frozen_scales
                ),
                lambda: activation_module(activation, alpha),
                pool if pools else None,
                size,
            )

        def residual(channels: int) -> _Residual:
            return _Residual(layer(channels, channels), layer(channels, channels))

        self.whiten: PatchWhitening | None = None
        if whitening:
            self.whiten = PatchWhitening(3, negated=False, bias=False, padding=1)
        first = layer(27, width, size=1) if whitening else layer(3, width)
        self.blocks = nn.Sequential(
            first,
            nn.Sequential(layer(width, 2 * width, pools=True), residual(2 * width)),
            layer(2 * width, 4 * width, pools=True),
            nn.Sequential(layer(4 * width, 8 * width, pools=True), residual(8 * width)),
        )
        self.head = nn.Linear(8 * width, n_classes, bias=False)
        self.scale = 1 / 16 if frozen_scales else 1 / 8

    def features(self, images: Tensor) -> Tensor:
        """What the last layer reads, (B, 8 width).

        Args:
            images: (B, 3, H, W), normalised.
        """
        x = images if self.whiten is None else self.whiten(images)
        return spatial_maximum(self.blocks(x))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, n_classes).

        Args:
            images: (B, 3, H, W), normalised.
        """
        return self.head(self.features(images)) * self.scale
