"""Lyapunov exponents of a product of Jacobians."""

from __future__ import annotations

import torch
from torch import Tensor

from eigenlab.spectrum.matrices import Matrix, as_matrix


def lyapunov_exponents(jacobians: Matrix) -> Tensor:
    """Finite-time Lyapunov exponents of ``J_T ⋯ J_2 J_1``, in nats per step, descending.

    The product itself overflows or loses all but its largest direction, so it is taken one factor
    at a time: ``Q_t R_t = J_t Q_{t-1}`` with ``Q_0 = I``, and exponent i is the mean over t of
    ``log |R_t[i, i]|``. Benettin et al., Meccanica 15 (1980) 9-30, doi:10.1007/BF02128237; this
    form: Geist, Parlitz and Lauterborn, Prog. Theor. Phys. 83 (1990) 875, doi:10.1143/PTP.83.875.

    For a recurrent network with ``J_t = dh_t / dh_{t-1}`` the largest exponent is the rate at
    which gradients grow (> 0) or vanish (< 0) per step back in time.

    Args:
        jacobians: (..., T, H, H) tensor or array, first factor first. A constant J gives
            log |eigenvalues| as T grows, with an error of order 1/T.

    Returns:
        (..., H) float64; -inf where a Jacobian is singular (a dead ReLU unit). The sum is exactly
        the mean of ``log |det J_t|``, up to rounding.

    Raises:
        InputError: the last two axes differ, an axis is empty, or an entry is not finite.

    >>> import math
    >>> half_and_double = [[[0.5, 0.0], [0.0, 2.0]]] * 10
    >>> [round(x, 3) for x in (lyapunov_exponents(half_and_double) / math.log(2)).tolist()]
    [1.0, -1.0]
    """
    factors = as_matrix("jacobians", jacobians, square=True, stacked=True)
    steps, size = factors.shape[-3], factors.shape[-1]
    basis = torch.eye(size, dtype=factors.dtype, device=factors.device)
    growth = torch.zeros(*factors.shape[:-3], size, dtype=torch.float64, device=factors.device)
    for factor in factors.unbind(-3):
        basis, triangle = torch.linalg.qr(factor @ basis)
        growth = growth + triangle.diagonal(dim1=-2, dim2=-1).abs().log()
    return (growth / steps).sort(dim=-1, descending=True).values
