"""Corruption of samples before they are encoded: noise, masks and geometric warps.

A corruption is a function of samples (n, features) and a generator. Any of them can replace the
noise of a denoising autoencoder (Vincent et al. 2008, doi:10.1145/1390156.1390294).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError

Corruption: TypeAlias = Callable[[Tensor, torch.Generator | None], Tensor]


@dataclass(frozen=True)
class Noise:
    """Add independent normal noise.

    Args:
        noise_std: standard deviation of the noise, in units of the data. Default: ``0.5``.

    Raises:
        InputError: ``noise_std`` is negative or not finite.

    >>> Noise(0.0)(torch.ones(1, 2))
    tensor([[1., 1.]])
    """

    noise_std: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.noise_std < math.inf:
            raise InputError(f"noise_std={self.noise_std} must be finite and not negative")

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return ``x`` plus noise.

        Args:
            x: (n, features) samples.
            generator: draws the noise. Default: ``None``, torch's global generator.
        """
        return x + self.noise_std * torch.randn(
            x.shape, generator=generator, dtype=x.dtype, device=x.device
        )


@dataclass(frozen=True)
class Mask:
    """Zero features at random; the remaining ones are not scaled up.

    Args:
        mask_prob: probability with which each feature of each sample is zeroed.
            Default: ``0.25``.

    Raises:
        InputError: ``mask_prob`` is not in [0, 1].

    >>> Mask(1.0)(torch.ones(1, 3))
    tensor([[0., 0., 0.]])
    """

    mask_prob: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.mask_prob <= 1:
            raise InputError(
                f"mask_prob={self.mask_prob} is a probability; give 0 <= mask_prob <= 1"
            )

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return ``x`` with each feature zeroed independently.

        Args:
            x: (n, features) samples.
            generator: draws the mask. Default: ``None``, torch's global generator.
        """
        kept = torch.rand(x.shape, generator=generator, dtype=x.dtype, device=x.device)
        return x * (kept >= self.mask_prob)


@dataclass(frozen=True)
class Warp:
    """Rotate, scale, shear and shift every image by a random affine map of its own.

    Such changes leave the label as it is, so an encoder that undoes them learns features that
    depend on the label more than on the position of the pen. Pixel (u, v), in units of half the
    image's side, is read at ``A (u, v) + b`` with

        A = [[s cos t, h - s sin t], [s sin t, s cos t]],
        t, log s, h, b uniform within +- rotation, log_scale, shear, 2 shift,

    by bilinear interpolation, zero outside.

    Args:
        image_shape: (height, width); samples are flattened images.
        rotation: largest angle, in radians. Default: ``0.4``.
        log_scale: largest absolute natural logarithm of the scale. Default: ``0.25``.
        shear: largest horizontal shift per unit of height. Default: ``0.35``.
        shift: largest translation, as a fraction of the image's side. Default: ``0.12``.

    Raises:
        InputError: a limit is negative or not finite.

    >>> x = torch.rand(2, 16)
    >>> still = Warp((4, 4), rotation=0, log_scale=0, shear=0, shift=0)
    >>> torch.allclose(still(x), x, atol=1e-6)
    True
    """

    image_shape: tuple[int, int]
    rotation: float = 0.4
    log_scale: float = 0.25
    shear: float = 0.35
    shift: float = 0.12

    def __post_init__(self) -> None:
        for name in ("rotation", "log_scale", "shear", "shift"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise InputError(f"{name}={value} must be finite and not negative")

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return ``x`` with every image warped.

        Args:
            x: (n, height * width) flattened images.
            generator: draws the affine maps. Default: ``None``, torch's global generator.

        Raises:
            InputError: ``x`` has another shape.
        """
        if x.dim() != 2 or x.shape[1] != math.prod(self.image_shape):
            raise InputError(
                f"x has shape {tuple(x.shape)}; expected flattened images of "
                f"image_shape={self.image_shape}: (n, {math.prod(self.image_shape)})"
            )
        limits = (self.rotation, self.log_scale, self.shear, 2 * self.shift, 2 * self.shift)
        uniform = torch.rand(
            len(limits), len(x), generator=generator, dtype=x.dtype, device=x.device
        )
        angle, log_s, h, right, down = (2 * uniform - 1) * torch.tensor(limits).to(x)[:, None]
        c, s = angle.cos() * log_s.exp(), angle.sin() * log_s.exp()
        maps = torch.stack([c, h - s, right, s, c, down], 1).view(-1, 2, 3)
        images = x.view(-1, 1, *self.image_shape)
        grid = nn.functional.affine_grid(maps, list(images.shape), align_corners=False)
        warped = nn.functional.grid_sample(images, grid, align_corners=False)
        return warped.view(x.shape)
