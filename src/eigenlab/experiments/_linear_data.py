"""The images that the linear experiments decompose, as centred columns in double precision."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.data import load_mnist
from eigenlab.errors import DataError
from eigenlab.lab import NotRun


def centred_images(name: str) -> Tensor:
    """(d, n) float64, each feature with mean zero; pixels are in [0, 1] before.

    ``"digits"``: 1,797 images of 8 x 8 that come with scikit-learn. ``"mnist"``: the first 50,000
    training images of 28 x 28; raises NotRun where they are not at hand.
    """
    if name == "mnist":
        try:
            images, _ = load_mnist("train")
        except DataError as error:
            raise NotRun(f"MNIST is not at hand: {error}") from error
        X = torch.as_tensor(images[:50_000].reshape(-1, 784)).double().T / 255
    else:
        from sklearn.datasets import load_digits

        X = torch.as_tensor(load_digits().data).double().T / 16
    return X - X.mean(dim=1, keepdim=True)


def with_spectrum(eigenvalues: Tensor, n: int, draw: torch.Generator) -> Tensor:
    """(d, n) float64 whose X X^T / n has the given eigenvalues and random axes; n >= d."""
    d = len(eigenvalues)
    U, V = (
        torch.linalg.qr(torch.randn(rows, d, dtype=torch.float64, generator=draw))[0]
        for rows in (d, n)
    )
    return U * (n * eigenvalues).sqrt() @ V.T


def random_factors(
    shape: tuple[int, ...], k: int, d: int, scale: float, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """W1 (*shape, k, d) and W2 (*shape, d, k), Gaussian with standard deviation ``scale``."""
    W1 = scale * torch.randn(*shape, k, d, dtype=torch.float64, generator=draw)
    W2 = scale * torch.randn(*shape, d, k, dtype=torch.float64, generator=draw)
    return W1, W2
