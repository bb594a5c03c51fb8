"""Point clouds on which clusterings win and fail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Cloud = tuple[NDArray[np.float64], NDArray[np.int64]]

STRETCH = np.array([[-0.60834549, -0.63667341], [0.40887718, 0.85253229]])
"""The linear map that turns round blobs into long, slanted ones (question 5)."""


def stretched_blobs(n_samples: int = 2000, random_state: int = 170) -> Cloud:
    """The course's three anisotropic blobs: (n, 2) points and (n,) labels (question 5a).

    >>> X, labels = stretched_blobs()
    >>> X.shape, np.bincount(labels)
    ((2000, 2), array([667, 667, 666]))
    """
    from sklearn.datasets import make_blobs

    X, labels = make_blobs(n_samples, random_state=random_state)
    return X @ STRETCH, labels.astype(np.int64)
