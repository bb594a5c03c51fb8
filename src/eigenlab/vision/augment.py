"""Augmentation of a whole batch at once, on any device: flips, translations, cutout and jitter.

Each function is given what to do to each image, so that the random choices are made in one place
(:mod:`eigenlab.vision.loader`) and each can be tested pixel by pixel. Images are (B, C, H, W).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError


def flip(images: Tensor, mask: Tensor) -> Tensor:
    """Mirror some images left to right.

    Args:
        images: (B, C, H, W).
        mask: which, bool (B,).

    >>> flip(torch.tensor([[[[1, 2, 3]]]]), torch.tensor([True]))
    tensor([[[[3, 2, 1]]]])
    """
    return torch.where(mask.view(-1, 1, 1, 1), images.flip(-1), images)


def pad_reflecting(images: Tensor, margin: int) -> Tensor:
    """Add a margin of mirrored pixels on each side; the outermost pixels are not repeated.

    Args:
        images: (B, C, H, W), of any dtype.
        margin: pixels, less than H and W.

    Raises:
        InputError: ``margin`` is negative or too large.

    >>> pad_reflecting(torch.arange(3).view(1, 1, 1, 3).expand(1, 1, 3, 3), 1)[0, 0, 0]
    tensor([1, 0, 1, 2, 1])
    """
    smallest = min(images.shape[-2:])
    if not 0 <= margin < smallest:
        raise InputError(
            f"margin={margin} must be at least 0 and less than the {smallest} pixels of an image"
        )
    if margin == 0:
        return images
    if images.is_floating_point():
        return nn.functional.pad(images, (margin,) * 4, mode="reflect")
    return images[..., _mirrored(images, -2, margin), :][..., _mirrored(images, -1, margin)]


def _mirrored(images: Tensor, axis: int, margin: int) -> Tensor:
    """Indices of the pixels along an axis with its margins; torch pads floating types only."""
    size = images.shape[axis]
    index = torch.arange(-margin, size + margin, device=images.device).abs()
    return torch.where(index < size, index, 2 * (size - 1) - index)


def crop(padded: Tensor, rows: Tensor, columns: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut a window out of each image.

    Args:
        padded: (B, C, H, W).
        rows: first row of each window, (B,).
        columns: first column of each, (B,).
        size: height and width of the windows.

    Returns:
        (B, C, height, width).

    >>> crop(torch.arange(9).view(1, 1, 3, 3), torch.tensor([1]), torch.tensor([0]), (2, 2))
    tensor([[[[3, 4],
              [6, 7]]]])
    """
    windows = padded.unfold(2, size[0], 1).unfold(3, size[1], 1)  # a view, (B, C, y, x, h, w)
    return windows[torch.arange(len(padded), device=padded.device), :, rows, columns]


def cutout(images: Tensor, rows: Tensor, columns: Tensor, size: int, fill: Tensor) -> Tensor:
    """Paint a square over each image.

    Source: DeVries and Taylor, Improved regularization of convolutional neural networks with
    cutout, arXiv:1708.04552 (2017); as there, squares may reach over the border if they are placed
    so.

    Args:
        images: (B, C, H, W).
        rows: first row of each square, (B,), which may be negative.
        columns: first column of each, (B,).
        size: pixels of a side.
        fill: the colour, (C,).

    >>> black = torch.zeros(1, dtype=torch.long)
    >>> cutout(torch.ones(1, 1, 2, 2, dtype=torch.long), black + 1, black, 1, black)
    tensor([[[[1, 1],
              [0, 1]]]])
    """
    inside = (
        _between(images.shape[2], rows, size)[:, None, :, None]
        & _between(images.shape[3], columns, size)[:, None, None, :]
    )
    return torch.where(inside, fill.to(images).view(1, -1, 1, 1), images)


def _between(length: int, first: Tensor, size: int) -> Tensor:
    places = torch.arange(length, device=first.device)
    return (places >= first.unsqueeze(1)) & (places < first.unsqueeze(1) + size)


def jitter(images: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Change the brightness of each image, and then its contrast.

    Args:
        images: floating point (B, C, H, W), normalised.
        shift: added to each image, (B,).
        scale: by which the result is multiplied, (B,).

    >>> jitter(torch.ones(1, 1, 1, 2), torch.tensor([0.5]), torch.tensor([2.0]))
    tensor([[[[3., 3.]]]])
    """
    return (images + shift.view(-1, 1, 1, 1)) * scale.view(-1, 1, 1, 1)
