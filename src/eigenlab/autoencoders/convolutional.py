"""An autoencoder for images: strided convolutions before the linear layers, mirrored after them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral

import torch
from torch import nn

from eigenlab.autoencoders.corruption import Corruption
from eigenlab.autoencoders.models import Autoencoder, linear_layers, uninitialised
from eigenlab.errors import InputError


class ConvolutionalAutoencoder(Autoencoder):
    """An autoencoder whose first layers are convolutions.

    Each convolution (3 x 3, stride 2, padding 1) halves the image, rounding up; the result is
    flattened and passed through linear layers of ``hidden_sizes``. The decoder is the mirror
    image, with transposed convolutions. Samples are flattened images (n, height * width); losses
    and methods are those of :class:`Autoencoder`.

    A convolution responds to a pattern in the same way wherever it is in the image, which linear
    layers would have to learn (LeCun et al. 1989, doi:10.1162/neco.1989.1.4.541; as autoencoders:
    Masci et al. 2011, doi:10.1007/978-3-642-21735-7_7).

    Args:
        image_shape: (height, width).
        hidden_sizes: widths of the linear layers; the last one is the latent width.
        activation_cls: class of the activation between layers. Default: ``nn.ReLU``.
        channels: output channels of each convolution. Default: ``(32, 64, 128)``.
        corruption: function of samples and a generator that returns what the encoder is given in
            training. Default: ``None``, the samples themselves.
        generator: draws the initial weights, uniform in +-1/sqrt(fan in) as torch's layers do.
            Default: ``None``, torch's global generator.
        dtype: dtype of the weights. Default: ``None``, torch's default dtype.
        device: device of the weights. Default: ``None``, torch's default device.

    Raises:
        InputError: a size is not a positive integer, or a sequence is empty.

    >>> weights = torch.Generator().manual_seed(0)
    >>> model = ConvolutionalAutoencoder((28, 28), [64], channels=(8, 16), generator=weights)
    >>> x = torch.rand(5, 784)
    >>> model.encode(x).shape, model(x).shape, [tuple(size) for size in model.grids]
    (torch.Size([5, 64]), torch.Size([5, 784]), [(28, 28), (14, 14), (7, 7)])
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        hidden_sizes: Sequence[int],
        activation_cls: type[nn.Module] = nn.ReLU,
        *,
        channels: Sequence[int] = (32, 64, 128),
        corruption: Corruption | None = None,
        generator: torch.Generator | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        sizes = (*image_shape, *channels)
        whole = all(isinstance(size, Integral) and size >= 1 for size in sizes)
        if len(image_shape) != 2 or not channels or not whole:
            raise InputError(
                f"image_shape={tuple(image_shape)!r}, channels={tuple(channels)!r}; expected "
                "(height, width) and at least one number of channels, all positive integers"
            )
        self.image_shape = (int(image_shape[0]), int(image_shape[1]))
        self.channels = tuple(int(channel) for channel in channels)
        super().__init__(
            math.prod(self.image_shape),
            hidden_sizes,
            activation_cls,
            corruption=corruption,
            generator=generator,
            dtype=dtype,
            device=device,
        )
        # With channels last, a training step on a CPU takes three quarters of the time.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def grids(self) -> list[tuple[int, int]]:
        """(height, width) of the image and of the output of each convolution."""
        grids = [self.image_shape]
        for _ in self.channels:
            height, width = grids[-1]
            grids.append(((height + 1) // 2, (width + 1) // 2))
        return grids

    def _build(
        self, dtype: torch.dtype | None, device: torch.device | str | None
    ) -> tuple[nn.Sequential, nn.Sequential]:
        planes, grids, activation = (1, *self.channels), self.grids, self.activation_cls
        sizes = (planes[-1] * math.prod(grids[-1]), *self.hidden_sizes)
        # Axes are counted from the end, so that a single sample may be passed as well as a batch.
        encoder: list[nn.Module] = [nn.Unflatten(-1, (1, *grids[0]))]
        for before, after in pairwise(planes):
            convolution = uninitialised(
                nn.Conv2d, before, after, 3, stride=2, padding=1, dtype=dtype, device=device
            )
            encoder += [convolution, activation()]
        decoder: list[nn.Module] = [nn.Flatten(-3)]
        for level, (after, before) in enumerate(pairwise(planes)):
            # Sides of 2m - 1 and of 2m are both halved to m; this tells them apart.
            padding = [
                fine - (2 * coarse - 1)
                for fine, coarse in zip(grids[level], grids[level + 1], strict=True)
            ]
            expand = uninitialised(
                nn.ConvTranspose2d,
                before,
                after,
                3,
                stride=2,
                padding=1,
                output_padding=padding,
                dtype=dtype,
                device=device,
            )
            decoder = [expand, activation(), *decoder] if level else [expand, *decoder]
        inner = linear_layers(sizes, activation, dtype, device)
        outer = linear_layers(sizes[::-1], activation, dtype, device)
        shaped = nn.Unflatten(-1, (planes[-1], *grids[-1]))
        return (
            nn.Sequential(*encoder, nn.Flatten(-3), *inner),
            nn.Sequential(*outer, activation(), shaped, *decoder),
        )
