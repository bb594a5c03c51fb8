"""Whitening: a linear map after which features are uncorrelated with variance 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.spectrum.matrices import as_tensor
from eigenlab.spectrum.vectors import fix_signs

#: Rows that are converted to float64 at a time.
ROWS = 1 << 16


@dataclass(frozen=True)
class Whitening:
    """The eigenpairs of a covariance, and the linear maps that whiten with them.

    Args:
        mean: of the samples, or zeros, float64 (n,).
        values: eigenvalues of the covariance, variances along the principal axes, descending,
            float64 (n,).
        vectors: the eigenvectors in columns, with :func:`fix_signs`, float64 (n, n).
        eps: what is added to the eigenvalues.
    """

    mean: Tensor
    values: Tensor
    vectors: Tensor
    eps: float

    @property
    def matrix(self) -> Tensor:
        """PCA whitening, (n, n): row i is v_i / sqrt(lambda_i + eps)."""
        return (self.vectors / (self.values + self.eps).sqrt()).T

    @property
    def zca(self) -> Tensor:
        """ZCA whitening, (n, n): the symmetric map, which moves the samples least."""
        return self.vectors @ self.matrix

    def __call__(self, samples: Tensor) -> Tensor:
        """Whiten samples.

        Args:
            samples: (..., n).

        Returns:
            (..., n): coordinates along the principal axes, divided by their standard deviations.
        """
        mean, matrix = self.mean.to(samples), self.matrix.to(samples)
        return (samples - mean) @ matrix.T


def whitening(samples: Tensor | ArrayLike, *, eps: float = 0.0, center: bool = True) -> Whitening:
    """Eigenpairs of the covariance of samples, to whiten with.

    The covariance is (1/N) sum_i (x_i - m)(x_i - m)^T over the N samples, computed in float64 in
    blocks of rows. Source: Kessy, Lewin and Strimmer, Optimal whitening and decorrelation, The
    American Statistician 72 (2018) 309-314, arXiv:1512.00809; of image patches as the first
    layer of a network: D. Page, How to train your ResNet 8 (2019), where question 4 takes it from.

    Args:
        samples: (N, n) tensor or array.
        eps: added to each eigenvalue; it limits how much directions of little variance, which are
            often noise, are amplified. Default: ``0.0``.
        center: whether the mean m is subtracted; else m = 0. Default: ``True``.

    Raises:
        InputError: ``samples`` does not have two axes or is empty, an entry is not finite, ``eps``
            is negative or not finite, or it is 0 and the covariance is singular up to rounding.

    >>> x = torch.randn(1000, 3, generator=torch.Generator().manual_seed(0)) @ torch.rand(3, 3)
    >>> white = whitening(x)(x)
    >>> torch.allclose(white.T @ white / 1000, torch.eye(3), atol=1e-4)
    True
    """
    try:
        table = samples if isinstance(samples, Tensor) else as_tensor(np.asarray(samples))
    except TypeError:
        raise InputError("samples is not an array of numbers (n_samples, n_features)") from None
    if table.ndim != 2 or 0 in table.shape or table.is_complex():
        raise InputError(
            f"samples has shape {tuple(table.shape)} and dtype {table.dtype}; expected real "
            "numbers (n_samples, n_features)"
        )
    if not (math.isfinite(eps) and eps >= 0):
        raise InputError(f"eps={eps} must be a finite number of at least 0")
    if table.device.type == "mps":
        table = table.cpu()  # has no float64
    mean = _sum(table, None) / len(table) if center else table.new_zeros(table.shape[1]).double()
    covariance = _sum(table, mean) / len(table)
    if not bool(torch.isfinite(covariance).all()):
        raise InputError("samples holds NaN or infinite entries; remove these rows")
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp(min=0).flip(0)
    smallest = len(values) * torch.finfo(torch.float64).eps * float(values[0])
    rank = int((values > smallest).sum())
    if eps == 0 and rank < len(values):
        raise InputError(
            f"samples vary in {rank} of {len(values)} directions, so that the others cannot be "
            "scaled to variance 1; give eps > 0, or leave out features that depend on others"
        )
    return Whitening(mean, values, fix_signs(vectors.flip(1)), float(eps))


def _sum(table: Tensor, mean: Tensor | None) -> Tensor:
    """The sum of the rows, or of the outer products of the rows less their mean; float64."""
    total: Tensor | None = None
    for block in table.split(ROWS):
        rows = block.double()
        part = rows.sum(0) if mean is None else (rows - mean).T @ (rows - mean)
        total = part if total is None else total + part
    assert total is not None
    return total
