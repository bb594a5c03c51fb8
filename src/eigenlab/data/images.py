"""Small images as rows of pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from eigenlab.data.idx import load_mnist
from eigenlab.errors import InputError, nearest

if TYPE_CHECKING:  # imported when images are loaded, as in eigenlab.data.idx
    import numpy.typing as npt

IMAGES = ("digits", "mnist")


def load_pixels(
    name: Literal["digits", "mnist"], *, max_samples: int | None = None
) -> npt.NDArray[Any]:
    """Load images as rows of pixels in [0, 1].

    Args:
        name: ``"digits"``, 1,797 images of 8 x 8 that come with scikit-learn, or ``"mnist"``, the
            60,000 training images of 28 x 28.
        max_samples: number of images to load at most, the first ones. Default: ``None``, all.

    Returns:
        (n, 64) or (n, 784) float64.

    Raises:
        InputError: ``name`` is unknown.
        DataError: MNIST is not on this machine and cannot be downloaded, or a file is damaged.

    >>> load_pixels("digits", max_samples=100).shape
    (100, 64)
    """
    if name not in IMAGES:
        raise InputError(
            f"images '{name}' are unknown{nearest(str(name), IMAGES)}; choose {' or '.join(IMAGES)}"
        )
    if name == "mnist":
        images, _ = load_mnist("train")
        images = images[:max_samples]
        return images.reshape(len(images), -1).astype(float) / 255
    from sklearn.datasets import load_digits

    digits: npt.NDArray[Any] = load_digits().data[:max_samples]
    return digits / 16
