"""Eigen-tools: how much an operator stretches, turns and repeats."""

from eigenlab.spectrum.angles import principal_angles
from eigenlab.spectrum.eigenpairs import Eigenpairs, EigenpairsWarning, top_eigenpairs
from eigenlab.spectrum.eigenvalues import eigenvalues, singular_values, spectral_radius
from eigenlab.spectrum.lyapunov import lyapunov_exponents

__all__ = [
    "Eigenpairs",
    "EigenpairsWarning",
    "eigenvalues",
    "lyapunov_exponents",
    "principal_angles",
    "singular_values",
    "spectral_radius",
    "top_eigenpairs",
]
