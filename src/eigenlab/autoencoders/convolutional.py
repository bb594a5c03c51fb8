"""An autoencoder for images: strided convolutions before the linear layers, mirrored after them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral

import torch
from torch import nn

from eigenlab.autoencoders.corruption import Corruption
from eigenlab.autoencoders.models import Autoencoder, chain, unset
from eigenlab.errors import InputError


class ConvolutionalAutoencoder(Autoencoder):
    """An autoencoder whose first layers are convolutions.

    Each convolution (3 x 3, stride 2, padding 1) halves the image, rounding up; what is left is
    flattened and goes through linear layers of ``hidden_sizes``. The decoder is the mirror image,
    with transposed convolutions. Samples are flattened images, and all else (loss, ``encode``,
    ``decode``, ``train_step``) is as in :class:`Autoencoder`.

    A convolution treats a stroke alike wherever it is, which linear layers would have to learn
    (LeCun et al. 1989, doi:10.1162/neco.1989.1.4.541; as autoencoders: Masci et al. 2011,
    doi:10.1007/978-3-642-21735-7_7).

    Args:
        image_shape: (height, width).
        hidden_sizes: widths of the linear layers; the last one is the latent width.
        channels: of the convolutions, one after the other.
        activation_cls: class of the activation between layers.
        corruption: what the encoder sees in training; default: the image itself.
        generator: draws the initial weights, uniform in +-1/sqrt(fan in) as torch's layers do.

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
        )
        # On a CPU a step then takes three quarters of the time.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def grids(self) -> list[tuple[int, int]]:
        """(height, width) of the image and of what each convolution leaves."""
        grids = [self.image_shape]
        for _ in self.channels:
            height, width = grids[-1]
            grids.append(((height + 1) // 2, (width + 1) // 2))
        return grids

    def _build(self) -> tuple[nn.Sequential, nn.Sequential]:
        planes, grids, activation = (1, *self.channels), self.grids, self.activation_cls
        sizes = (planes[-1] * math.prod(grids[-1]), *self.hidden_sizes)
        # Counted from the end, so that a single sample passes as a batch does.
        encoder: list[nn.Module] = [nn.Unflatten(-1, (1, *grids[0]))]
        for before, after in pairwise(planes):
            encoder += [unset(nn.Conv2d, before, after, 3, stride=2, padding=1), activation()]
        decoder: list[nn.Module] = [nn.Flatten(-3)]
        for level, (after, before) in enumerate(pairwise(planes)):
            # An even side and the odd one below it are halved to the same: which it was is told.
            missing = [
                fine - (2 * coarse - 1)
                for fine, coarse in zip(grids[level], grids[level + 1], strict=True)
            ]
            expand = unset(
                nn.ConvTranspose2d, before, after, 3, stride=2, padding=1, output_padding=missing
            )
            decoder = [expand, activation(), *decoder] if level else [expand, *decoder]
        shaped = nn.Unflatten(-1, (planes[-1], *grids[-1]))
        return (
            nn.Sequential(*encoder, nn.Flatten(-3), *chain(sizes, activation)),
            nn.Sequential(*chain(sizes[::-1], activation), activation(), shaped, *decoder),
        )
