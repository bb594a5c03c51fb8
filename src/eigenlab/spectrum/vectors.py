"""Conventions for matrices of eigenvectors or singular vectors, which stand in columns."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from eigenlab.errors import InputError

Vectors = TypeVar("Vectors", np.ndarray, Tensor)


def fix_signs(vectors: Vectors) -> Vectors:
    """Flip columns so that the entry of largest modulus of each is positive.

    An eigenvector or singular vector is determined only up to its sign, and LAPACK's choice depends
    on the machine. With this convention results are reproducible and comparable. Of several entries
    of equal modulus the first counts; columns of zeros stay as they are.

    Args:
        vectors: (n, k) real array or tensor; each column is a vector. A tensor is differentiated
            through.

    Returns:
        (n, k), of the same kind and dtype; a new array.

    Raises:
        InputError: ``vectors`` does not have two axes or has no row.

    >>> fix_signs(np.array([[0.6, -0.8], [-0.8, -0.6]]))
    array([[-0.6,  0.8],
           [ 0.8,  0.6]])
    """
    _check_columns(vectors)
    if isinstance(vectors, Tensor):
        largest = vectors.abs().argmax(0, keepdim=True)
        flipped = vectors.detach().gather(0, largest) < 0
        return vectors * torch.where(flipped, -1, 1).to(vectors.dtype)
    largest = np.abs(vectors).argmax(axis=0)[None]
    flipped = np.take_along_axis(vectors, largest, axis=0) < 0
    return vectors * np.where(flipped, -1, 1).astype(vectors.dtype)


def participation_ratio(vectors: Vectors) -> Vectors:
    """Number of entries on which each column is localised: ``1 / sum_i u_i^4``.

    It is n for a vector that is spread evenly over n entries, m if it is even on m entries and zero
    elsewhere, and 1 for a unit coordinate vector. (Inverse participation ratio of localisation
    theory: R. Bell and P. Dean, Discuss. Faraday Soc. 50 (1970) 55-61.)

    Args:
        vectors: (n, k) real array or tensor of unit columns.

    Returns:
        (k,) numbers in [1, n], of the same kind.

    Raises:
        InputError: ``vectors`` does not have two axes or has no row.

    >>> participation_ratio(np.array([[1.0, 0.6], [0.0, 0.8]])).round(3)
    array([1.   , 1.855])
    """
    _check_columns(vectors)
    squares = vectors * vectors
    ratio: Any = 1 / (squares * squares).sum(0)
    return ratio


def row_normalize(vectors: Vectors) -> Vectors:
    """Scale each row to unit Euclidean length; rows of zeros stay zero (extends question 5g).

    Applied to the leading eigenvectors of a normalised affinity matrix this is the embedding of
    Ng, Jordan and Weiss (On spectral clustering: analysis and an algorithm, NeurIPS 2001).

    Args:
        vectors: (n, k) real array or tensor. A tensor is differentiated through.

    Returns:
        (n, k), of the same kind and dtype.

    Raises:
        InputError: ``vectors`` does not have two axes or has no row.

    >>> row_normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    _check_columns(vectors)
    if isinstance(vectors, Tensor):
        norms = vectors.norm(dim=1, keepdim=True)
        return vectors / torch.where(norms > 0, norms, torch.ones_like(norms))
    lengths = (vectors * vectors).sum(1) ** 0.5
    return vectors / (lengths + (lengths == 0))[:, None]


def _check_columns(vectors: Any) -> None:
    if vectors.ndim != 2 or not len(vectors):
        raise InputError(
            f"vectors has shape {tuple(vectors.shape)}; expected (n, k) with n >= 1, "
            "one vector in each column"
        )
