"""Generated images of ten shapes, so that everything runs without a download."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.training import generator
from eigenlab.vision.dataset import ImageDataset

SIZE = 32
#: Images that are drawn together.
BLOCK = 2048


def _polygon(u: Tensor, v: Tensor, corners: int) -> Tensor:
    """Regular polygon with its corners on the unit circle, one of them on the positive u axis."""
    sector = 2 * math.pi / corners
    angle = torch.atan2(v, u) - sector / 2
    folded = angle - sector * (angle / sector).round()
    return torch.hypot(u, v) * folded.cos() - math.cos(sector / 2)


def _star(u: Tensor, v: Tensor, points: int = 5, waist: float = 0.42) -> Tensor:
    sector = 2 * math.pi / points
    angle = torch.atan2(v, u)
    folded = (angle - sector * (angle / sector).round()).abs()
    x, y = torch.hypot(u, v) * folded.cos(), torch.hypot(u, v) * folded.sin()
    # The edge from the point (1, 0) to the inner corner at half the sector.
    edge_x, edge_y = waist * math.cos(sector / 2) - 1, waist * math.sin(sector / 2)
    return ((x - 1) * -edge_y + y * edge_x) / -math.hypot(edge_x, edge_y)


def _cross(u: Tensor, v: Tensor) -> Tensor:
    a, b = u.abs(), v.abs()
    return torch.minimum(torch.maximum(a - 0.32, b - 0.95), torch.maximum(b - 0.32, a - 0.95))


def _heart(u: Tensor, v: Tensor) -> Tensor:
    """A square and two discs on its upper sides, turned by 45 degrees."""
    a, b, side = (u + v) / math.sqrt(2), (v - u) / math.sqrt(2), 0.48
    square = torch.maximum(a.abs(), b.abs()) - side
    discs = torch.minimum(torch.hypot(a - side, b), torch.hypot(a, b - side)) - side
    return torch.minimum(square, discs)


def _disc(u: Tensor, v: Tensor) -> Tensor:
    return torch.hypot(u, v) - 0.9


#: Signed distance to the outline, negative inside, in units of the shape's radius.
SHAPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "disc": _disc,
    "ring": lambda u, v: (torch.hypot(u, v) - 0.72).abs() - 0.2,
    "half-disc": lambda u, v: torch.maximum(torch.hypot(u, v + 0.4) - 0.95, -(v + 0.4)),
    "crescent": lambda u, v: torch.maximum(_disc(u, v), 0.72 - torch.hypot(u - 0.45, v)),
    "triangle": lambda u, v: _polygon(u, v, 3),
    "square": lambda u, v: _polygon(u, v, 4),
    "pentagon": lambda u, v: _polygon(u, v, 5),
    "star": _star,
    "cross": _cross,
    "heart": _heart,
}


def shapes32(n_images: int = 12_000, seed: int = 0) -> ImageDataset:
    """Draw coloured shapes of ten classes on structured, noisy backgrounds, 32 x 32 pixels.

    Each shape is turned by any angle, moved by up to 5 pixels from the centre, and has a radius of
    7 to 12 pixels. Its colour and the background's two, between which there is a gradient, are
    random; a stripe of another colour crosses the image. So neither colour nor position tells the
    class: a linear classifier on the pixels is right on 12 % of unseen images.

    Args:
        n_images: number of images, the classes in turn and then shuffled. Default: ``12_000``.
        seed: random seed. Image k depends on it and on ``n_images``. Default: ``0``.

    Raises:
        InputError: ``n_images`` is less than 1.

    >>> data = shapes32(20, seed=0)
    >>> data.images.shape, data.classes[:3]
    (torch.Size([20, 32, 32, 3]), ('disc', 'ring', 'half-disc'))
    """
    if n_images < 1:
        raise InputError(f"n_images={n_images} must be at least 1")
    random = generator(seed, "shapes32")
    labels = torch.arange(n_images) % len(SHAPES)
    labels = labels[torch.randperm(n_images, generator=random)]
    images = torch.cat([_draw(block, random) for block in labels.split(BLOCK)])
    return ImageDataset(images, labels, tuple(SHAPES))


def _draw(labels: Tensor, random: torch.Generator) -> Tensor:
    count = len(labels)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=random)

    x, y = _pixel_centres()
    angle, radius = uniform(0, 2 * math.pi, 1, 1), uniform(0.44, 0.75, 1, 1)
    dx, dy = x - uniform(-0.31, 0.31, 1, 1), y - uniform(-0.31, 0.31, 1, 1)
    u = (dx * angle.cos() + dy * angle.sin()) / radius
    v = (dy * angle.cos() - dx * angle.sin()) / radius
    distance = torch.empty(count, SIZE, SIZE)
    for index, shape in enumerate(SHAPES.values()):
        mask = labels == index
        distance[mask] = shape(u[mask], v[mask])
    cover = _coverage(distance * radius)

    tilt, offset = uniform(0, 2 * math.pi, 1, 1), uniform(-0.7, 0.7, 1, 1)
    across = x * tilt.cos() + y * tilt.sin()
    stripe = _coverage((across - offset).abs() - uniform(0.04, 0.14, 1, 1))
    behind = _mix(uniform(0, 1, 1, 1, 3), uniform(0, 1, 1, 1, 3), (across.clamp(-1, 1) + 1) / 2)
    picture = _mix(behind, uniform(0, 1, 1, 1, 3), stripe)
    middle = behind.mean(dim=(1, 2), keepdim=True)
    picture = _mix(picture, _contrasting(middle, uniform(0, 1, 1, 1, 3)), cover)
    noise = torch.randn(count, SIZE, SIZE, 3, generator=random) * uniform(0.02, 0.12, 1, 1, 1)
    return ((picture + noise).clamp(0, 1) * 255).round().to(torch.uint8)


def _pixel_centres() -> tuple[Tensor, Tensor]:
    """x to the right and y upwards, from -1 to 1, (SIZE, SIZE) each."""
    places = (torch.arange(SIZE) + 0.5) * 2 / SIZE - 1
    return places.expand(SIZE, SIZE), -places.unsqueeze(1).expand(SIZE, SIZE)


def _coverage(distance: Tensor) -> Tensor:
    """Share of each pixel that is inside, from the signed distance of its centre."""
    return (0.5 - distance * SIZE / 2).clamp(0, 1)


def _mix(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    return first + (second - first) * share.unsqueeze(-1)


def _contrasting(background: Tensor, colour: Tensor) -> Tensor:
    """The colour, moved away from the background where it is less than 0.45 from it."""
    difference = colour - background
    distance = difference.norm(dim=-1, keepdim=True)
    away = torch.where(background > 0.5, -1.0, 1.0) * 0.6
    return torch.where(distance < 0.45, background + away, colour).clamp(0, 1)
