"""A probe without training: the vote of nearest neighbours."""

from __future__ import annotations

from torch import Tensor

from eigenlab.autoencoders.checks import check_labelled
from eigenlab.errors import InputError


def knn_accuracy(
    features: Tensor,
    labels: Tensor,
    test_features: Tensor,
    test_labels: Tensor,
    *,
    n_neighbors: int = 5,
) -> float:
    """Accuracy of a majority vote among the nearest labelled samples in Euclidean distance.

    Args:
        features: (n, k) floating-point features of the labelled samples.
        labels: (n,) their integer labels; at least two classes.
        test_features: (m, k) features of the samples that are classified.
        test_labels: (m,) their labels.
        n_neighbors: labelled samples that vote on each test sample; with fewer than that, all of
            them vote. Default: ``5``.

    Returns:
        Fraction of test samples classified correctly, in [0, 1].

    Raises:
        InputError: shapes disagree, values are not finite, labels have fewer than two classes, or
            ``n_neighbors`` is less than 1.

    >>> import torch
    >>> x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1])
    >>> knn_accuracy(x, y, torch.tensor([[0.9]]), torch.tensor([1]), n_neighbors=1)
    1.0
    """
    from sklearn.neighbors import KNeighborsClassifier

    labels = check_labelled(features, labels)
    if n_neighbors < 1:
        raise InputError(f"n_neighbors={n_neighbors} must be at least 1")
    known, unseen = features.detach().cpu().numpy(), test_features.detach().cpu().numpy()
    model = KNeighborsClassifier(min(n_neighbors, len(labels))).fit(known, labels.cpu())
    return float(model.score(unseen, test_labels.cpu()))
