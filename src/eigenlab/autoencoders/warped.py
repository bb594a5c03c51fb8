"""A denoising autoencoder whose noise is geometric: turned, scaled, sheared and shifted images."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from eigenlab.autoencoders.models import Autoencoder
from eigenlab.errors import InputError


class WarpedAutoencoder(Autoencoder):
    """An autoencoder that sees a randomly warped image and is to return the image as it was.

    Additive noise asks which pixels belong together; a warp asks what stays the same when the pen
    or the paper moves a little, which is what a label depends on. Each image gets an affine map of
    its own: pixel (u, v), in units of half the image, is read at ``A (u, v) + b`` with

        A = [[s cos t, h - s sin t], [s sin t, s cos t]],
        t, log s, h, b uniform within +- rotation, log_scale, shear, 2 shift,

    by bilinear interpolation, zero outside. That any corruption may take the place of noise is
    due to Vincent et al. 2008, doi:10.1145/1390156.1390294.

    Args:
        image_shape: (height, width); samples are flattened images.
        rotation: largest angle, in radians.
        log_scale: largest absolute logarithm of the scale.
        shear: largest horizontal shift per unit of height.
        shift: largest translation, as a share of the image's side.

    >>> model = WarpedAutoencoder((4, 4), [8], rotation=0, log_scale=0, shear=0, shift=0)
    >>> x = torch.rand(2, 16)
    >>> torch.allclose(model.corrupt(x), x, atol=1e-6)
    True
    """

    def __init__(
        self,
        image_shape: tuple[int, int],
        hidden_sizes: Sequence[int],
        activation_cls: type[nn.Module] = nn.ReLU,
        *,
        rotation: float = 0.26,
        log_scale: float = 0.15,
        shear: float = 0.2,
        shift: float = 0.1,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__(math.prod(image_shape), hidden_sizes, activation_cls, generator=generator)
        strengths = {"rotation": rotation, "log_scale": log_scale, "shear": shear, "shift": shift}
        for name, value in strengths.items():
            if not 0 <= value < math.inf:
                raise InputError(f"{name}={value} must be finite and not negative")
        self.image_shape = tuple(image_shape)
        self.rotation, self.log_scale, self.shear, self.shift = strengths.values()

    def corrupt(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """``x`` (n, height * width) with every image warped by a map of its own."""
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
