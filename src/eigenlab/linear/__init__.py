"""Linear autoencoders: PCA, stationary points and L2 regularisation.

>>> import numpy as np
>>> from eigenlab.linear import LinearAutoencoder
>>> LinearAutoencoder(1).fit(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])).components_.round(3)
array([[0.707, 0.707]])
"""

from eigenlab.linear.autoencoder import LinearAutoencoder
from eigenlab.linear.descent import Trajectory, descend
from eigenlab.linear.objective import gradients, loss, regularized_gradients, regularized_loss
from eigenlab.linear.regularized import RegularizedLinearAutoencoder, predicted_singular_values
from eigenlab.linear.stationary import CriticalPoint, critical_points

__all__ = [
    "CriticalPoint",
    "LinearAutoencoder",
    "RegularizedLinearAutoencoder",
    "Trajectory",
    "critical_points",
    "descend",
    "gradients",
    "loss",
    "predicted_singular_values",
    "regularized_gradients",
    "regularized_loss",
]
