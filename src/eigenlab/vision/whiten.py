"""A first layer that whitens image patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.spectrum import whitening

#: Images whose patches are the sample, as in airbench; more change the filters little.
IMAGES = 2000


class PatchWhitening(nn.Module):
    """A convolution with fixed filters whose outputs are uncorrelated, of variance 1 (question 4).

    Filter i is v_i / sqrt(lambda_i + eps), where the v_i are the principal components of image
    patches and lambda_i their variances, so that the network need not learn to undo the strong
    correlations of neighbouring pixels. Call :meth:`fit` before training; until then the filters
    are zero. Source: D. Page, How to train your ResNet 8: Bag of tricks (2019).

    Args:
        kernel_size: height and width of a patch.
        negated: whether each filter also occurs with the opposite sign, so that a nonlinearity
            loses nothing. Default: ``True``.
        bias: whether each filter has a trained bias. Default: ``True``.
        padding: pixels of zeros around the image. Default: ``0``.

    Attributes:
        weight: the filters, a buffer, (F, 3, kernel_size, kernel_size), those of largest variance
            first.
        out_channels: F, 3 kernel_size^2, twice as many if ``negated``.

    >>> layer = PatchWhitening(2)
    >>> layer.fit(torch.randn(10, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    >>> layer(torch.zeros(1, 3, 32, 32)).shape
    torch.Size([1, 24, 31, 31])
    """

    weight: Tensor

    def __init__(
        self, kernel_size: int, *, negated: bool = True, bias: bool = True, padding: int = 0
    ) -> None:
        super().__init__()
        count = 3 * kernel_size**2
        self.out_channels, self.negated, self.padding = count * (1 + negated), negated, padding
        self.register_buffer("weight", torch.zeros(self.out_channels, 3, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(self.out_channels)) if bias else None

    @torch.no_grad()
    def fit(self, images: Tensor, eps: float = 5e-4) -> None:
        """Set the filters from the patches of images.

        Args:
            images: float (N, 3, H, W), normalised as for the network; the first 2,000 are used.
            eps: see :func:`eigenlab.spectrum.whitening`. Default: ``5e-4``.

        Raises:
            InputError: the images are smaller than a patch, or not finite.
        """
        size = self.weight.shape[-1]
        if min(images.shape[-2:]) < size:
            raise InputError(
                f"images of {tuple(images.shape[-2:])} pixels are smaller than a patch of {size}"
            )
        patches = nn.functional.unfold(images[:IMAGES].float(), size).transpose(1, 2)
        found = whitening(patches.reshape(-1, 3 * size**2), eps=eps, center=False)
        filters = found.matrix.to(self.weight).view(-1, 3, size, size)
        self.weight.copy_(torch.cat([filters, -filters]) if self.negated else filters)

    def forward(self, images: Tensor) -> Tensor:
        """Convolve.

        Args:
            images: (B, 3, H, W).

        Returns:
            (B, F, H - kernel_size + 1 + 2 padding, W likewise).
        """
        return nn.functional.conv2d(images, self.weight, self.bias, padding=self.padding)
