"""Eigenvalues, singular values and vectors of operators, and what is derived from them."""

from eigenlab.spectrum.angles import principal_angles
from eigenlab.spectrum.covariance import Whitening, whitening
from eigenlab.spectrum.eigenpairs import Eigenpairs, EigenpairsWarning, top_eigenpairs
from eigenlab.spectrum.eigenvalues import eigenvalues, singular_values, spectral_radius
from eigenlab.spectrum.lyapunov import lyapunov_exponents
from eigenlab.spectrum.polar import (
    orthogonalization_coefficients,
    orthogonalization_error,
    orthogonalize,
)
from eigenlab.spectrum.vectors import fix_signs, participation_ratio, row_normalize

__all__ = [
    "Eigenpairs",
    "EigenpairsWarning",
    "Whitening",
    "eigenvalues",
    "fix_signs",
    "lyapunov_exponents",
    "orthogonalization_coefficients",
    "orthogonalization_error",
    "orthogonalize",
    "participation_ratio",
    "principal_angles",
    "row_normalize",
    "singular_values",
    "spectral_radius",
    "top_eigenpairs",
    "whitening",
]
