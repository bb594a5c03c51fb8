"""Linear probes: how well a linear classifier reads labels from frozen features.

Two protocols. ``method="adam"`` is the course's: a linear layer trained for some epochs
(:mod:`eigenlab.autoencoders.adam_probes`); its accuracy depends on how long it trained.
``method="convex"`` solves the regularised problem to convergence
(:mod:`eigenlab.autoencoders.convex`), so that the accuracy depends on the features alone.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from eigenlab.autoencoders.adam_probes import linear_probes
from eigenlab.autoencoders.classifier import LinearProbe
from eigenlab.autoencoders.convex import convex_probe
from eigenlab.errors import InputError


def linear_probe(
    features: Tensor,
    labels: Tensor,
    *,
    method: Literal["adam", "convex"] = "convex",
    n_classes: int | None = None,
    n_epochs: int = 50,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> LinearProbe:
    """Fit a linear classifier on frozen features (questions 3a and 3a').

    Args:
        features: (n, k) floating-point features.
        labels: (n,) integers in 0...n_classes-1; at least two classes.
        method: ``"convex"`` is multinomial logistic regression, solved to convergence, with an L2
            penalty chosen by cross-validation (:func:`convex_probe`); ``"adam"`` minimises the
            cross-entropy by Adam for ``n_epochs`` (:func:`linear_probes`).
            Default: ``"convex"``.
        n_classes: number of classes. Default: ``None``, one more than the largest label.
        n_epochs: passes over the samples; used by ``"adam"`` only. Default: ``50``.
        batch_size: samples per update; used by ``"adam"`` only. Default: ``256``.
        learning_rate: step size; used by ``"adam"`` only. Default: ``1e-3``.
        seed: random seed of the folds, or of initial weights and order. Default: ``0``.

    Returns:
        The classifier, in the dtype and on the device of ``features``.

    Raises:
        InputError: shapes disagree, values are not finite, labels have fewer than two classes, or
            a setting is out of range.

    >>> import torch
    >>> x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    >>> y = torch.tensor([0, 0, 1, 1])
    >>> linear_probe(x, y).accuracy(x, y)
    1.0
    """
    if method == "adam":
        probes = linear_probes(
            [features],
            labels,
            n_classes=n_classes,
            n_epochs=n_epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
        )
        return probes[0]
    if method != "convex":
        raise InputError(f"method='{method}' is unknown; choose 'adam' or 'convex'")
    return convex_probe(features, labels, n_classes=n_classes, seed=seed).probe
