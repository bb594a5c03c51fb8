"""What a trained network has learned: filters, features and their spectrum."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.spectrum import singular_values
from eigenlab.vision.evaluation import TOGETHER, evaluating
from eigenlab.vision.recipe import Network


@torch.no_grad()
def image_features(model: Network, images: Tensor, normalize: Callable[[Tensor], Tensor]) -> Tensor:
    """What the last layer reads of each image.

    Args:
        model: the network; it is used in evaluation mode and left as it was.
        images: uint8 (N, H, W, 3).
        normalize: maps bytes (B, 3, H, W) to what the network reads.

    Returns:
        float32 (N, n_features).
    """
    with evaluating(model):
        return torch.cat(
            [
                model.features(normalize(block.permute(0, 3, 1, 2))).float()
                for block in images.split(TOGETHER)
            ]
        )


def feature_spectrum(features: Tensor) -> Tensor:
    """Singular values of centred features, divided by sqrt(N): standard deviations along their
    principal axes.

    As training goes on, a classifier of C classes puts most of the variance into C - 1 directions
    (Papyan, Han and Donoho, Prevalence of neural collapse during the terminal phase of deep
    learning training, arXiv:2008.08186).

    Args:
        features: (N, n_features).

    Returns:
        float64 (min(N, n_features),), descending.

    >>> x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    >>> feature_spectrum(x)
    tensor([1., 0.], dtype=torch.float64)
    """
    centred = features.double() - features.double().mean(0)
    return singular_values(centred) / len(features) ** 0.5


def filters_as_images(weight: Tensor) -> Tensor:
    """Filters of a layer that reads colours, each scaled so that 0 is grey and its largest modulus
    black or a full colour.

    Args:
        weight: (F, 3, h, w).

    Returns:
        uint8 (F, h, w, 3).

    Raises:
        InputError: the filters do not read three colours.

    >>> filters_as_images(torch.tensor([1.0, 0.0, -1.0]).view(1, 3, 1, 1)).tolist()
    [[[[255, 128, 0]]]]
    """
    if weight.ndim != 4 or weight.shape[1] != 3:
        raise InputError(f"weight has shape {tuple(weight.shape)}; expected (F, 3, h, w)")
    values = weight.detach().double().cpu()
    largest = values.abs().amax(dim=(1, 2, 3), keepdim=True)
    scaled = values / torch.where(largest > 0, largest, torch.ones_like(largest))
    return (127.5 * (scaled + 1)).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def first_filters(model: Network) -> Tensor:
    """The filters of the first layer, (F, 3, h, w): whitening, or learned.

    Args:
        model: the network.
    """
    if model.whiten is not None:
        return model.whiten.weight
    return next(m.weight for m in model.modules() if isinstance(m, nn.Conv2d)).detach()
