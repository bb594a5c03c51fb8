"""Point clouds with known clusters, to test clusterings on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Cloud = tuple[NDArray[np.float64], NDArray[np.int64]]

STRETCH = np.array([[-0.60834549, -0.63667341], [0.40887718, 0.85253229]])
"""Linear map that stretches round blobs (question 5a)."""


def stretched_blobs(
    n_samples: int = 2000, random_state: int = 170, *, noise_scale: float = 1.0
) -> Cloud:
    """The course's three anisotropic blobs, on which k-means fails (question 5a).

    Args:
        n_samples: number of points. Default: ``2000``.
        random_state: random seed. Default: ``170``.
        noise_scale: standard deviation of each blob before it is stretched. Default: ``1.0``.

    Returns:
        (n_samples, 2) points and (n_samples,) labels.

    >>> X, labels = stretched_blobs()
    >>> X.shape, np.bincount(labels)
    ((2000, 2), array([667, 667, 666]))
    """
    from sklearn.datasets import make_blobs

    X, labels = make_blobs(n_samples, cluster_std=noise_scale, random_state=random_state)
    return X @ STRETCH, labels.astype(np.int64)


def two_moons(n_samples: int = 600, random_state: int = 0, *, noise_scale: float = 1.0) -> Cloud:
    """Two interleaved half circles.

    Args:
        n_samples: number of points. Default: ``600``.
        random_state: random seed. Default: ``0``.
        noise_scale: factor on the standard deviation of the noise, which is 0.05. Default: ``1.0``.

    Returns:
        (n_samples, 2) points and (n_samples,) labels.

    >>> np.bincount(two_moons(10)[1])
    array([5, 5])
    """
    from sklearn.datasets import make_moons

    X, labels = make_moons(n_samples, noise=0.05 * noise_scale, random_state=random_state)
    return X, labels.astype(np.int64)


def two_circles(n_samples: int = 600, random_state: int = 0, *, noise_scale: float = 1.0) -> Cloud:
    """A circle within a circle of twice its radius.

    Args:
        n_samples: number of points. Default: ``600``.
        random_state: random seed. Default: ``0``.
        noise_scale: factor on the standard deviation of the noise, which is 0.05. Default: ``1.0``.

    Returns:
        (n_samples, 2) points and (n_samples,) labels.

    >>> np.bincount(two_circles(10)[1])
    array([5, 5])
    """
    from sklearn.datasets import make_circles

    X, labels = make_circles(
        n_samples, noise=0.05 * noise_scale, factor=0.5, random_state=random_state
    )
    return X, labels.astype(np.int64)


def nested_arcs(n_samples: int = 600, random_state: int = 0, *, noise_scale: float = 1.0) -> Cloud:
    """Three concentric arcs of three quarters of a circle, with equally many points each.

    Args:
        n_samples: number of points. Default: ``600``.
        random_state: random seed. Default: ``0``.
        noise_scale: factor on the standard deviation of the noise, which is 0.08. Default: ``1.0``.

    Returns:
        (n_samples, 2) points and (n_samples,) labels.

    >>> np.bincount(nested_arcs(12)[1])
    array([4, 4, 4])
    """
    random = np.random.default_rng(random_state)
    radii = np.array([1.0, 2.0, 3.0])
    labels = np.arange(n_samples) % 3
    angle = random.uniform(0, 1.5 * np.pi, n_samples)
    points = radii[labels, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return points + random.normal(scale=0.08 * noise_scale, size=points.shape), labels


def round_blobs(n_samples: int = 600, random_state: int = 0, *, noise_scale: float = 1.0) -> Cloud:
    """Three round blobs, which k-means separates.

    Args:
        n_samples: number of points. Default: ``600``.
        random_state: random seed. Default: ``0``.
        noise_scale: factor on the standard deviation of the blobs, which is 0.7. Default: ``1.0``.

    Returns:
        (n_samples, 2) points and (n_samples,) labels.

    >>> np.bincount(round_blobs(12)[1])
    array([4, 4, 4])
    """
    from sklearn.datasets import make_blobs

    centers = [[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]]
    X, labels = make_blobs(
        n_samples,
        centers=centers,
        cluster_std=0.7 * noise_scale,
        random_state=random_state,
    )
    return X, labels.astype(np.int64)


def unbalanced_blobs(
    n_samples: int = 600, random_state: int = 0, *, noise_scale: float = 1.0
) -> Cloud:
    """A wide blob beside two small, dense ones of about a fourteenth of all points each.

    Args:
        n_samples: number of points. Default: ``600``.
        random_state: random seed. Default: ``0``.
        noise_scale: factor on the standard deviations of the blobs, which are 1.2 of the wide one
            and 0.25 of the others. Default: ``1.0``.

    Returns:
        (n_samples, 2) points and (n_samples,) labels.

    >>> np.bincount(unbalanced_blobs(28)[1])
    array([24,  2,  2])
    """
    small = n_samples // 14
    sizes = [n_samples - 2 * small, small, small]
    random = np.random.default_rng(random_state)
    blobs = [
        random.normal(center, spread * noise_scale, size=(size, 2))
        for center, spread, size in zip(
            ([0.0, 0.0], [4.5, 0.0], [4.5, 2.0]), (1.2, 0.25, 0.25), sizes, strict=True
        )
    ]
    return np.concatenate(blobs), np.repeat(np.arange(3), sizes)
