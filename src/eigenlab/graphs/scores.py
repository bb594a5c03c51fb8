"""How well clusters match known classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def matched_accuracy(confusion: ArrayLike) -> float:
    """Share of points in the right cluster, under the best naming of clusters.

    Clusters have no names, so each is matched with one class such that as many points as possible
    agree (the Hungarian method).

    Args:
        confusion: (classes, clusters) numbers of points, for instance from
            :func:`sklearn.metrics.confusion_matrix`.

    Returns:
        Accuracy in [0, 1].

    >>> matched_accuracy([[0, 3], [4, 1]])
    0.875
    """
    from scipy.optimize import linear_sum_assignment

    table = np.array(confusion)
    rows, columns = linear_sum_assignment(-table)
    return float(table[rows, columns].sum() / table.sum())
