"""Probes that have one answer: logistic regression to convergence, and nearest neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from eigenlab.autoencoders.probe import LinearProbe, check_labelled, class_count
from eigenlab.errors import InputError

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)


class ConvexProbe(NamedTuple):
    """A converged linear probe and the inverse penalty ``C`` that was chosen for it."""

    probe: LinearProbe
    C: float


def unit_rows(features: Tensor) -> Tensor:
    """Scale each sample (row) to unit length; rows of zeros stay zero.

    >>> unit_rows(torch.tensor([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    norms = features.norm(dim=1, keepdim=True)
    return features / torch.where(norms > 0, norms, torch.ones_like(norms))


def signed_parts(features: Tensor) -> Tensor:
    """The positive and the negative part of each feature, (n, k) to (n, 2k).

    The activation that an encoder's last layer does not have. A linear probe may then weigh the two
    sides of zero differently (concatenated ReLU: Shang et al. 2016, arXiv:1603.05201).

    >>> signed_parts(torch.tensor([[2.0, -3.0]])).tolist()
    [[2.0, 0.0, 0.0, 3.0]]
    """
    return torch.cat([features.clamp(min=0), (-features).clamp(min=0)], dim=1)


def convex_probe(
    features: Tensor,
    labels: Tensor,
    *,
    n_classes: int | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> ConvexProbe:
    """Multinomial logistic regression with an L2 penalty, solved to convergence.

    Minimises ``C sum_i cross_entropy_i + ||W||^2 / 2`` over weights for features that are centred
    and divided by one number, their root mean squared length, so that ``C`` means the same for
    all features. ``C`` is the best of ``strengths`` in stratified cross-validation on the given
    labels only (5 folds, or as many as the rarest class allows; the middle one where that is one).

    The best weights lie in the span of the n samples (representer theorem: the penalty shrinks
    whatever is orthogonal to them), so k > n features cost no more than n.

    Raises :class:`~eigenlab.errors.InputError` as :func:`~eigenlab.autoencoders.linear_probe`.

    >>> x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    >>> convex_probe(x, torch.tensor([0, 0, 1, 1])).probe.accuracy(x, torch.tensor([0, 0, 1, 1]))
    1.0
    """
    labels = check_labelled(features, labels)
    n_classes = class_count(labels, n_classes)
    if not strengths:
        raise InputError("strengths is empty; give at least one value of C")
    x, y = features.detach().double(), labels.cpu().numpy()
    if (x == x[0]).all():
        raise InputError("features are constant; there is nothing to probe")
    mean = x.mean(0)
    scale = (x - mean).square().sum(1).mean().sqrt().item()
    centred = (x - mean) / scale
    _, sizes, axes = torch.linalg.svd(centred, full_matrices=False)
    # (k, r), r the rank up to rounding: where no sample differs the best weight is zero.
    basis = axes[sizes > 10 * torch.finfo(features.dtype).eps * sizes[0]].T
    inner = (centred @ basis).cpu().numpy()
    strength = _choose(inner, y, sorted(strengths), seed)
    model = _logistic(inner, y, tol=1e-8)(strength)
    weight = torch.zeros(n_classes, x.shape[1], dtype=torch.float64)
    # A class that no label has gets no probability at all.
    bias = torch.full((n_classes,), -torch.inf, dtype=torch.float64)
    rows, offsets = model.coef_, model.intercept_
    if len(model.classes_) == 2 and len(rows) == 1:  # scikit-learn stores their difference
        rows, offsets = np.vstack([-rows, rows]) / 2, np.concatenate([-offsets, offsets]) / 2
    places = torch.as_tensor(model.classes_)
    weight[places] = torch.as_tensor(rows) @ basis.cpu().T / scale
    bias[places] = torch.as_tensor(offsets) - weight[places] @ mean.cpu()
    return ConvexProbe(LinearProbe(weight.to(features), bias.to(features)), strength)


def knn_accuracy(
    features: Tensor, labels: Tensor, test_features: Tensor, test_labels: Tensor, *, k: int = 5
) -> float:
    """Accuracy of a vote among the ``k`` nearest labelled samples in Euclidean distance.

    With fewer than ``k`` labelled samples all of them vote.

    >>> x, y = torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1])
    >>> knn_accuracy(x, y, torch.tensor([[0.9]]), torch.tensor([1]), k=1)
    1.0
    """
    from sklearn.neighbors import KNeighborsClassifier

    labels = check_labelled(features, labels)
    if k < 1:
        raise InputError(f"k={k} must be at least 1")
    known, unseen = features.detach().cpu().numpy(), test_features.detach().cpu().numpy()
    model = KNeighborsClassifier(min(k, len(labels))).fit(known, labels.cpu())
    return float(model.score(unseen, test_labels.cpu()))


def _choose(x: np.ndarray, y: np.ndarray, strengths: Sequence[float], seed: int) -> float:
    """The best of ascending ``strengths`` in cross-validation; the weakest of equals."""
    from sklearn.model_selection import StratifiedKFold

    folds = min(5, int(np.unique(y, return_counts=True)[1].min()))
    if folds < 2 or len(strengths) == 1:
        return strengths[len(strengths) // 2]
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32).split(x, y)
    scores = np.zeros(len(strengths))
    for known, unseen in splits:
        solve = _logistic(x[known], y[known], tol=1e-4)
        scores += [solve(strength).score(x[unseen], y[unseen]) for strength in strengths]
    return strengths[int(np.argmax(scores))]


def _logistic(x: np.ndarray, y: np.ndarray, tol: float) -> Callable[[float], Any]:
    """A solver of logistic regression for one strength after the other.

    Each starts from the weights of the one before, which are near where it ends: along ascending
    strengths that takes half of the steps.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(tol=tol, max_iter=5000, warm_start=True)
    # For two classes scikit-learn penalises w^2 / 2 of their difference w; with rows -w/2 and w/2
    # ||W||^2 / 2 is half of that.
    factor = 2 if len(np.unique(y)) == 2 else 1

    def solve(strength: float) -> Any:
        with warnings.catch_warnings():
            # Separable samples under a weak penalty: the accuracy has long settled.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.set_params(C=factor * strength).fit(x, y)

    return solve
