"""A linear probe that has one answer: regularised logistic regression, solved to convergence."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from eigenlab.autoencoders.checks import check_labelled, class_count
from eigenlab.autoencoders.classifier import LinearProbe
from eigenlab.errors import InputError

CS = (0.1, 1.0, 10.0, 100.0, 1000.0)


class ConvexProbe(NamedTuple):
    """A converged linear probe and how it was regularised.

    Args:
        probe: the fitted classifier.
        C: the inverse penalty strength that was chosen for it.
    """

    probe: LinearProbe
    C: float


def convex_probe(
    features: Tensor,
    labels: Tensor,
    *,
    n_classes: int | None = None,
    Cs: Sequence[float] = CS,
    seed: int = 0,
) -> ConvexProbe:
    """Multinomial logistic regression with an L2 penalty, solved to convergence (question 3a').

    It minimises ``C sum_i cross_entropy_i + ||W||^2 / 2`` over weights W for features that are
    centred and divided by one number, their root mean squared length, so that ``C`` means the same
    for all features. The returned weights are those of the features as given.

    The best weights lie in the span of the n samples (representer theorem: the penalty shrinks
    whatever is orthogonal to them), so k > n features cost no more than n.

    Args:
        features: (n, k) floating-point frozen features.
        labels: (n,) integers in 0...n_classes-1; at least two classes.
        n_classes: number of classes. Default: ``None``, one more than the largest label. A class
            without a label is never predicted.
        Cs: candidate inverse penalty strengths. The best one in stratified cross-validation on
            the given labels is used: 5 folds, or as many as the rarest class has samples; with a
            single sample in a class, the middle candidate is used without cross-validation.
            Default: ``(0.1, 1.0, 10.0, 100.0, 1000.0)``.
        seed: random seed of the folds. Default: ``0``.

    Returns:
        The probe, in the dtype and on the device of ``features``, and the chosen ``C``.

    Raises:
        InputError: shapes disagree, features are constant or not finite, labels have fewer than
            two classes, or ``Cs`` is empty.

    >>> x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    >>> convex_probe(x, torch.tensor([0, 0, 1, 1])).probe.accuracy(x, torch.tensor([0, 0, 1, 1]))
    1.0
    """
    labels = check_labelled(features, labels)
    n_classes = class_count(labels, n_classes)
    if not Cs:
        raise InputError("Cs is empty; give at least one value of C")
    x, y = features.detach().double(), labels.cpu().numpy()
    if (x == x[0]).all():
        raise InputError("features are constant; give features that differ between samples")
    mean = x.mean(0)
    scale = (x - mean).square().sum(1).mean().sqrt().item()
    centred = (x - mean) / scale
    # (k, r), r the numerical rank: in directions without variance the best weight is zero.
    basis = _row_space(centred, 10 * torch.finfo(features.dtype).eps)
    inner = (centred @ basis).cpu().numpy()
    C = _choose(inner, y, sorted(Cs), seed)
    model = _logistic(inner, y, tol=1e-8)(C)
    weight = torch.zeros(n_classes, x.shape[1], dtype=torch.float64)
    # A class that no label has gets no probability at all.
    bias = torch.full((n_classes,), -torch.inf, dtype=torch.float64)
    rows, offsets = model.coef_, model.intercept_
    if len(model.classes_) == 2 and len(rows) == 1:  # scikit-learn stores their difference
        rows, offsets = np.vstack([-rows, rows]) / 2, np.concatenate([-offsets, offsets]) / 2
    places = torch.as_tensor(model.classes_)
    weight[places] = torch.as_tensor(rows) @ basis.cpu().T / scale
    bias[places] = torch.as_tensor(offsets) - weight[places] @ mean.cpu()
    return ConvexProbe(LinearProbe(weight.to(features), bias.to(features)), C)


def _row_space(x: Tensor, tolerance: float) -> Tensor:
    """Right singular vectors (k, r) of float64 ``x`` (n, k), of values above a relative tolerance.

    With many samples, those of the triangular factor, which are the same and cost less.
    """
    if len(x) > x.shape[1]:
        x = torch.linalg.qr(x, mode="r").R
    _, sizes, axes = torch.linalg.svd(x, full_matrices=False)
    return axes[sizes > tolerance * sizes[0]].T


def _choose(x: np.ndarray, y: np.ndarray, Cs: Sequence[float], seed: int) -> float:
    """The best of ascending ``Cs`` in cross-validation; the smallest of equals."""
    from sklearn.model_selection import StratifiedKFold

    folds = min(5, int(np.unique(y, return_counts=True)[1].min()))
    if folds < 2 or len(Cs) == 1:
        return Cs[len(Cs) // 2]
    splits = StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32).split(x, y)
    scores = np.zeros(len(Cs))
    for known, unseen in splits:
        solve = _logistic(x[known], y[known], tol=1e-4)
        scores += [solve(C).score(x[unseen], y[unseen]) for C in Cs]
    return Cs[int(np.argmax(scores))]


def _logistic(x: np.ndarray, y: np.ndarray, tol: float) -> Callable[[float], Any]:
    """Return ``solve(C)``, which fits logistic regression and returns scikit-learn's model.

    Each call starts from the weights of the previous one. Along ascending values of C these are
    close to the solution, which halves the number of iterations.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    binary = len(np.unique(y)) == 2
    # With many more samples than features a few Newton steps replace hundreds of others; with few
    # samples the Hessian costs more than it saves.
    solver = "newton-cholesky" if binary and len(x) > 20 * x.shape[1] else "lbfgs"
    model = LogisticRegression(tol=tol, max_iter=5000, warm_start=True, solver=solver)
    # For two classes scikit-learn penalises w^2 / 2 of their difference w; with rows -w/2 and w/2
    # ||W||^2 / 2 is half of that.
    factor = 2 if binary else 1

    def solve(C: float) -> Any:
        with warnings.catch_warnings():
            # Separable samples under a weak penalty: the accuracy no longer changes.
            warnings.simplefilter("ignore", ConvergenceWarning)
            return model.set_params(C=factor * C).fit(x, y)

    return solve
