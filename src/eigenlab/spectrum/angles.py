"""Angles between subspaces."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.spectrum.matrices import Matrix, as_matrix


def principal_angles(U: Matrix, V: Matrix) -> Tensor:
    """Principal angles between the column spaces of ``U`` and ``V``, ascending.

    With orthonormal bases Q_U, Q_V the cosines are the singular values of ``Q_U^T Q_V``. A cosine
    cannot tell angles below about 1e-8 from zero, so angles under 45 degrees are taken from the
    sines, the singular values of ``Q_V - Q_U Q_U^T Q_V``: algorithm 3.2 of Knyazev and Argentati,
    SIAM J. Sci. Comput. 23 (2002) 2008-2040, doi:10.1137/S1064827500377332. Absolute errors are
    then of order eps for every angle, times the condition number of the given basis.

    Args:
        U: (..., n, p) tensor or array of linearly independent columns, not necessarily orthonormal.
        V: (..., n, q) tensor or array of the same kind.

    Returns:
        (..., min(p, q)) float64, radians in [0, pi/2].

    Raises:
        InputError: shapes do not fit, an entry is not finite, or columns are linearly dependent.

    >>> principal_angles([[1.0], [0.0]], [[1.0], [1.0]])
    tensor([0.7854], dtype=torch.float64)
    """
    larger, smaller = _orthonormal("U", U), _orthonormal("V", V)
    if larger.shape[-2] != smaller.shape[-2]:
        raise InputError(
            f"U and V have vectors of {larger.shape[-2]} and {smaller.shape[-2]} entries; "
            "they must lie in the same space"
        )
    if larger.shape[-1] < smaller.shape[-1]:
        larger, smaller = smaller, larger
    overlap = larger.mH @ smaller
    cosines = torch.linalg.svdvals(overlap)
    # The residual has more rows than columns or is square, so it has as many singular values.
    sines = torch.linalg.svdvals(smaller - larger @ overlap).flip(-1)
    return torch.where(cosines**2 >= 0.5, sines.clamp(max=1).asin(), cosines.clamp(max=1).acos())


def _orthonormal(name: str, columns: Matrix) -> Tensor:
    basis = as_matrix(name, columns)
    rows, count = basis.shape[-2:]
    left, values, _ = torch.linalg.svd(basis, full_matrices=False)
    threshold = values[..., :1] * max(rows, count) * torch.finfo(torch.float64).eps
    rank = int((values > threshold).sum(-1).min())
    if rank < count:
        raise InputError(
            f"{name} has shape {tuple(basis.shape)} but rank {rank}; "
            "pass linearly independent columns"
        )
    return left
