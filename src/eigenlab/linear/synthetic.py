"""Random linear autoencoders, and samples whose scatter matrix has a given spectrum."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.errors import InputError


def samples_with_spectrum(
    eigenvalues: Tensor, n_samples: int, *, generator: torch.Generator
) -> Tensor:
    """Samples X with given eigenvalues of X X^T / n and random eigenvectors.

    Both orthonormal factors of X are those of QR decompositions of Gaussian matrices. The samples
    are not centred.

    Args:
        eigenvalues: (d,) float64, at least 0, in any order.
        n_samples: number of samples n, at least d.
        generator: source of all random numbers.

    Returns:
        Samples in columns, (d, n) float64.

    Raises:
        InputError: there are fewer samples than eigenvalues.

    >>> values = torch.tensor([2.0, 1.0], dtype=torch.float64)
    >>> X = samples_with_spectrum(values, 5, generator=torch.Generator().manual_seed(0))
    >>> torch.linalg.eigvalsh(X @ X.T / 5).round(decimals=6)
    tensor([1., 2.], dtype=torch.float64)
    """
    d = len(eigenvalues)
    if n_samples < d:
        raise InputError(
            f"n_samples={n_samples} is less than the number of eigenvalues, {d}; a scatter matrix "
            "of fewer samples has a lower rank"
        )
    U, V = (
        torch.linalg.qr(torch.randn(rows, d, dtype=torch.float64, generator=generator))[0]
        for rows in (d, n_samples)
    )
    return U * (n_samples * eigenvalues).sqrt() @ V.T


def gaussian_factors(
    k: int, d: int, *, std: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw the weights of a linear autoencoder from a normal distribution with mean 0.

    Args:
        k: number of hidden units.
        d: number of features.
        std: standard deviation of every entry.
        generator: source of all random numbers.

    Returns:
        W1, (k, d), and W2, (d, k), float64.

    >>> [tuple(W.shape) for W in gaussian_factors(2, 5, std=0.1, generator=torch.Generator())]
    [(2, 5), (5, 2)]
    """
    W1 = std * torch.randn(k, d, dtype=torch.float64, generator=generator)
    W2 = std * torch.randn(d, k, dtype=torch.float64, generator=generator)
    return W1, W2
