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


def two_moons(n_samples: int = 600, random_state: int = 0) -> Cloud:
    """Two interleaved half circles.

    >>> np.bincount(two_moons(10)[1])
    array([5, 5])
    """
    from sklearn.datasets import make_moons

    X, labels = make_moons(n_samples, noise=0.05, random_state=random_state)
    return X, labels.astype(np.int64)


def two_circles(n_samples: int = 600, random_state: int = 0) -> Cloud:
    """A circle within a circle of twice its radius."""
    from sklearn.datasets import make_circles

    X, labels = make_circles(n_samples, noise=0.05, factor=0.5, random_state=random_state)
    return X, labels.astype(np.int64)


def nested_arcs(n_samples: int = 600, random_state: int = 0) -> Cloud:
    """Three arcs of three quarters of a turn, one within the other, equally dense along each."""
    random = np.random.default_rng(random_state)
    radii = np.array([1.0, 2.0, 3.0])
    labels = np.arange(n_samples) % 3
    angle = random.uniform(0, 1.5 * np.pi, n_samples)
    points = radii[labels, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + random.normal(scale=0.08, size=points.shape), labels


def round_blobs(n_samples: int = 600, random_state: int = 0) -> Cloud:
    """Three round blobs, for which k-means is made."""
    from sklearn.datasets import make_blobs

    centers = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]
    X, labels = make_blobs(n_samples, centers=centers, cluster_std=0.7, random_state=random_state)
    return X, labels.astype(np.int64)


def unbalanced_blobs(n_samples: int = 600, random_state: int = 0) -> Cloud:
    """A wide blob beside two small, dense ones of a twelfth of its points each."""
    small = n_samples // 14
    sizes = [n_samples - 2 * small, small, small]
    random = np.random.default_rng(random_state)
    blobs = [
        random.normal(center, spread, size=(size, 2))
        for center, spread, size in zip(
            ([0.0, 0.0], [4.5, 0.0], [4.5, 2.0]), (1.2, 0.25, 0.25), sizes, strict=True
        )
    ]
    return np.concatenate(blobs), np.repeat(np.arange(3), sizes)
