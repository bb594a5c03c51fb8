"""Linear autoencoders: PCA, stationary points and L2 regularisation.

>>> import numpy as np
>>> from eigenlab.linear import LinearAutoencoder
>>> LinearAutoencoder(1).fit(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])).components_.round(3)
array([[0.707, 0.707]])
"""

from eigenlab.linear.autoencoder import LinearAutoencoder
from eigenlab.linear.descent import Trajectory, descend
from eigenlab.linear.eigenpairs import scatter_eigenpairs
from eigenlab.linear.objective import (
    covariance_gradients,
    covariance_loss,
    gradients,
    loss,
    regularized_gradients,
    regularized_loss,
)
from eigenlab.linear.regularized import RegularizedLinearAutoencoder
from eigenlab.linear.sgd import sgd_step
from eigenlab.linear.shrinkage import factor_penalty, predicted_singular_values, shrinkage
from eigenlab.linear.stationary import CriticalPoint, critical_points
from eigenlab.linear.synthetic import gaussian_factors, samples_with_spectrum

__all__ = [
    "CriticalPoint",
    "LinearAutoencoder",
    "RegularizedLinearAutoencoder",
    "Trajectory",
    "covariance_gradients",
    "covariance_loss",
    "critical_points",
    "descend",
    "factor_penalty",
    "gaussian_factors",
    "gradients",
    "loss",
    "predicted_singular_values",
    "regularized_gradients",
    "regularized_loss",
    "samples_with_spectrum",
    "scatter_eigenpairs",
    "sgd_step",
    "shrinkage",
]
