"""Images of any shape in the one that a network reads."""

from __future__ import annotations

from torch import Tensor, nn

from eigenlab.errors import InputError


def crop_and_scale(images: Tensor, size: tuple[int, int] | int) -> Tensor:
    """Cut images to a shape about their centre, and scale what is left to the wanted pixels.

    Pixels are weighted means of those that they cover (``bilinear`` with antialiasing).

    Args:
        images: uint8 (n, height, width, 3).
        size: height and width in pixels, or one number for both.

    Returns:
        uint8 (n, height, width, 3).

    Raises:
        InputError: ``size`` is less than a pixel.

    >>> import torch
    >>> images = torch.arange(30, dtype=torch.uint8).view(1, 1, 10, 3).expand(1, 4, 10, 3)
    >>> crop_and_scale(images, 4)[0, 0, :, 0]
    tensor([ 9, 12, 15, 18], dtype=torch.uint8)
    """
    height, width = (size, size) if isinstance(size, int) else size
    if min(height, width) < 1:
        raise InputError(f"size={size} must be at least 1 pixel in each direction")
    tall, wide = images.shape[1:3]
    rows = max(1, min(tall, round(wide * height / width)))
    columns = max(1, min(wide, round(tall * width / height)))
    top, left = (tall - rows) // 2, (wide - columns) // 2
    cut = images[:, top : top + rows, left : left + columns]
    if (rows, columns) == (height, width):
        return cut.contiguous()
    scaled = nn.functional.interpolate(
        cut.permute(0, 3, 1, 2), (height, width), mode="bilinear", antialias=True
    )
    return scaled.permute(0, 2, 3, 1).contiguous()
