"""How well a network classifies images: accuracy, by class, and where it is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.training import autocast
from eigenlab.vision.augment import pad_reflecting

M = TypeVar("M", bound=nn.Module)
TestTimeAugmentation = Literal["none", "mirror", "translate"]

#: Images that pass through the network together when it is judged.
TOGETHER = 1000


@torch.no_grad()
def predict_logits(
    model: nn.Module,
    images: Tensor,
    normalize: Callable[[Tensor], Tensor],
    *,
    tta: TestTimeAugmentation = "none",
    tta_below: float = 1.0,
    precision: Literal["float32", "bfloat16"] = "float32",
) -> Tensor:
    """Logits of each image, which depend on that image alone.

    Args:
        model: the network; it is used in evaluation mode and left in the mode it was in.
        images: uint8 (N, H, W, 3).
        normalize: maps bytes (B, 3, H, W) to what the network reads.
        tta: test-time augmentation, the same for every image: ``"none"``; ``"mirror"``, the mean
            over the image and its mirror image; ``"translate"``, half of that and half the mean
            over both, moved by one pixel to the upper left and to the lower right. Default:
            ``"none"``.
        tta_below: images whose largest probability is at least this without augmentation are left
            at that; whether is thus a matter of the image alone. Default: ``1.0``, none are.
        precision: of the matrix products. Default: ``"float32"``.

    Returns:
        float32 (N, n_classes).

    Raises:
        InputError: ``tta`` is unknown.
    """
    if tta not in get_args(TestTimeAugmentation):
        raise InputError(
            f"tta={tta!r} is unknown; choose {', '.join(get_args(TestTimeAugmentation))}"
        )
    with evaluating(model), autocast(precision, images.device):
        return torch.cat(
            [
                _logits(model, normalize(block.permute(0, 3, 1, 2)), tta, tta_below)
                for block in images.split(TOGETHER)
            ]
        )


def channels_last(model: M) -> M:
    """Store the weights of convolutions with the channels last, which is faster.

    Args:
        model: any module; it is changed.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            weight = module.weight
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return model


@contextlib.contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode for a while; one that is in it is not touched.

    Args:
        model: any module.
    """
    if not model.training:
        yield
        return
    model.eval()
    try:
        yield
    finally:
        model.train()


def normalize(images: Tensor, statistics: tuple[Tensor, Tensor]) -> Tensor:
    """Images as a network is given them.

    Args:
        images: uint8 (B, 3, H, W).
        statistics: mean and standard deviation of each colour, (3,) each.

    Returns:
        float32 (B, 3, H, W), channels last in memory.
    """
    mean, deviation = (values.view(1, 3, 1, 1) for values in statistics)
    scaled = images.contiguous(memory_format=torch.channels_last).float() / 255
    return (scaled - mean) / deviation.clamp(min=1e-6)


def _logits(model: nn.Module, images: Tensor, tta: TestTimeAugmentation, below: float) -> Tensor:
    plain: Tensor = model(images).float()
    if tta == "none":
        return plain
    if below >= 1:
        return augmented_logits(model, images, plain, tta)
    chosen = plain.softmax(1).amax(1) < below
    plain[chosen] = augmented_logits(model, images[chosen], plain[chosen], tta)
    return plain


def augmented_logits(
    model: Callable[[Tensor], Tensor], images: Tensor, plain: Tensor, tta: TestTimeAugmentation
) -> Tensor:
    """Logits with test-time augmentation.

    Args:
        model: the network, in evaluation mode.
        images: what it reads, (B, 3, H, W).
        plain: its logits for them, (B, n_classes).
        tta: as in :func:`predict_logits`, not ``"none"``.
    """
    both = (plain + model(images.flip(-1)).float()) / 2
    if tta == "mirror":
        return both
    height, width = images.shape[-2:]
    padded = pad_reflecting(images, 1)
    moved = [padded[:, :, at : at + height, at : at + width] for at in (0, 2)]
    mirrored = [(model(each).float() + model(each.flip(-1)).float()) / 2 for each in moved]
    return both / 2 + sum(mirrored) / 4


@dataclass(frozen=True)
class Judgement:
    """Predictions beside the labels.

    Args:
        logits: (N, n_classes).
        labels: (N,).
    """

    logits: Tensor
    labels: Tensor

    @property
    def accuracy(self) -> float:
        """Share of the images whose label has the largest logit."""
        return float((self.logits.argmax(1) == self.labels).double().mean())

    def confusion(self) -> Tensor:
        """Numbers of images by label (row) and prediction (column), int64."""
        count = self.logits.shape[1]
        flat = self.labels * count + self.logits.argmax(1)
        return flat.bincount(minlength=count * count).view(count, count)

    def by_class(self) -> Tensor:
        """Accuracy of each class, float64; NaN where it has no image."""
        table = self.confusion().double()
        return table.diagonal() / table.sum(1)

    def most_confused(self, count: int) -> Tensor:
        """Indices of the wrong images whose label is least probable, the worst first.

        Args:
            count: how many, at most.
        """
        probabilities = self.logits.double().softmax(1)
        own = probabilities[torch.arange(len(self.labels)), self.labels]
        wrong = (self.logits.argmax(1) != self.labels).nonzero().squeeze(1)
        return wrong[own[wrong].argsort(stable=True)][:count]
