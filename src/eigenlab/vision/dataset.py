"""Labelled images of one size."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from eigenlab.errors import InputError


@dataclass(frozen=True)
class ImageDataset:
    """Images as bytes, their labels, and the names of the classes.

    Args:
        images: uint8 (N, height, width, 3), red, green and blue from 0 to 255.
        labels: int64 (N,), indices into ``classes``.
        classes: their names.

    Raises:
        InputError: shapes, dtypes or labels do not fit.

    >>> data = ImageDataset(
    ...     torch.zeros(2, 32, 32, 3, dtype=torch.uint8), torch.tensor([0, 1]), ("a", "b")
    ... )
    >>> len(data), data.size
    (2, (32, 32))
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        shape, dtype = tuple(self.images.shape), self.images.dtype
        if self.images.ndim != 4 or shape[-1] != 3 or 0 in shape or dtype != torch.uint8:
            raise InputError(
                f"images has shape {shape} and dtype {dtype}; expected uint8 (N, height, width, 3) "
                "with at least one image"
            )
        if tuple(self.labels.shape) != shape[:1] or self.labels.dtype != torch.int64:
            raise InputError(
                f"labels has shape {tuple(self.labels.shape)} and dtype {self.labels.dtype}; "
                f"expected int64 ({shape[0]},), one for each image"
            )
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= len(self.classes):
            raise InputError(
                f"labels are from {low} to {high}; expected 0 to {len(self.classes) - 1}, the "
                f"indices of {len(self.classes)} classes"
            )

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.images.shape[1], self.images.shape[2]

    def subset(self, chosen: Tensor | Sequence[int] | slice) -> ImageDataset:
        """Some of the images, in the given order.

        Args:
            chosen: indices, a boolean mask or a slice.
        """
        index = torch.as_tensor(chosen) if not isinstance(chosen, slice | Tensor) else chosen
        return ImageDataset(self.images[index], self.labels[index], self.classes)

    def to(self, device: torch.device | str) -> ImageDataset:
        """The same on a device.

        Args:
            device: where images and labels are to be.
        """
        return ImageDataset(self.images.to(device), self.labels.to(device), self.classes)


def digest_of_images(images: Tensor, labels: Tensor, classes: Sequence[str]) -> str:
    """SHA-256 of images, labels and classes, with their order; equal data have equal digests.

    Args:
        images: uint8.
        labels: int64.
        classes: names.

    >>> images, labels = torch.zeros(2, 4, 4, 3, dtype=torch.uint8), torch.tensor([0, 1])
    >>> digests = [digest_of_images(images, labels, names) for names in ("ab", "ac", "ab")]
    >>> digests[0] == digests[1], digests[0] == digests[2]
    (False, True)
    """
    header = [list(images.shape), list(labels.shape), list(classes)]
    digest = hashlib.sha256(json.dumps(header).encode())
    for tensor in (images, labels):
        digest.update(tensor.cpu().contiguous().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def channel_statistics(images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each colour over all pixels, in units of 1 = 255.

    Args:
        images: uint8 (N, height, width, 3).

    Returns:
        Two float32 tensors (3,).

    >>> images = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 4, 4, 3)
    >>> channel_statistics(images)
    (tensor([0.5000, 0.5000, 0.5000]), tensor([0.5000, 0.5000, 0.5000]))
    """
    counts = torch.stack(
        [channel.flatten().bincount(minlength=256) for channel in images.unbind(-1)]
    )
    levels = torch.arange(256, device=images.device, dtype=torch.float64) / 255
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ levels
    return mean.float(), (shares @ levels.square() - mean.square()).clamp(min=0).sqrt().float()


def split_images(
    data: ImageDataset, share: float, generator: torch.Generator
) -> tuple[ImageDataset, ImageDataset | None]:
    """Hold out a share of each class, drawn at random.

    Args:
        data: labelled images.
        share: of each class, rounded, in [0, 1); one image of a class is never held out.
        generator: source of randomness, on the CPU.

    Returns:
        What is left, and what is held out, or None if nothing is; both in the order of ``data``.

    Raises:
        InputError: ``share`` is out of range.

    >>> data = ImageDataset(
    ...     torch.zeros(4, 8, 8, 3, dtype=torch.uint8), torch.tensor([0, 0, 1, 1]), ("a", "b")
    ... )
    >>> [part.labels.tolist() for part in split_images(data, 0.5, torch.Generator())]
    [[0, 1], [0, 1]]
    """
    if not 0 <= share < 1:
        raise InputError(f"share={share} must be in [0, 1)")
    held_out = torch.zeros(len(data), dtype=torch.bool)
    labels = data.labels.cpu()
    for label in range(len(data.classes)):
        places = (labels == label).nonzero().squeeze(1)
        count = min(round(share * len(places)), len(places) - 1)
        if count > 0:
            held_out[places[torch.randperm(len(places), generator=generator)[:count]]] = True
    if not held_out.any():
        return data, None
    return data.subset(~held_out), data.subset(held_out)
