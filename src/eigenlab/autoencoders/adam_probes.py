"""Many linear probes trained at once by Adam.

This module has a loop of its own instead of ``training.train``, which computes the gradient of one
model by autograd. Here all probes share the batches, and their gradients are computed in closed
form by a few batched matrix products; that is what makes many probes cheap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from eigenlab.autoencoders.checks import check_labelled, check_numbers, class_count
from eigenlab.autoencoders.classifier import LinearProbe
from eigenlab.autoencoders.features import LinearFeatures, check_linear
from eigenlab.autoencoders.probe_stack import (
    ProbeGroup,
    group_probes,
    in_one_piece,
    set_shared_gradients,
    unstack,
)
from eigenlab.errors import InputError
from eigenlab.training import generator


def linear_probes(
    features: Sequence[Tensor] | Sequence[LinearFeatures],
    labels: Tensor,
    *,
    n_classes: int | None = None,
    n_epochs: int = 50,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    on_epoch: Callable[[int, list[LinearProbe]], None] | None = None,
) -> list[LinearProbe]:
    """Train one linear probe per feature matrix, all at once, on common labels (question 3a).

    Each minimises the mean cross-entropy by Adam, and gets the same result, up to rounding, as
    from ``linear_probe(..., method="adam")`` with the same ``seed``. Probes of equal width share
    one batched matrix product. The samples are shuffled once and not in every epoch, so that a
    batch is a slice and not a copy.

    Args:
        features: feature matrices (n, k_i), or :class:`LinearFeatures`, which are never stored.
        labels: (n,) integers in 0...n_classes-1; at least two classes.
        n_classes: number of classes. Default: ``None``, one more than the largest label.
        n_epochs: passes over the samples. Default: ``50``.
        batch_size: samples per update; the last batch may be smaller. Default: ``256``.
        learning_rate: step size of Adam. Default: ``1e-3``.
        seed: random seed; the order is drawn by ``generator(seed, "probe order")``, the initial
            weights by ``generator(seed, "probe weights")``, uniform as in ``nn.Linear``.
            Default: ``0``.
        on_epoch: called after each epoch as ``on_epoch(finished epochs, probes)``.
            Default: ``None``.

    Returns:
        One probe per feature matrix, in the same order.

    Raises:
        InputError: ``features`` is empty, shapes or dtypes disagree, values are not finite, labels
            have fewer than two classes, or a setting is out of range.

    >>> x = torch.randn(200, 4, generator=generator(0, "doc"))
    >>> probes = linear_probes([x, x[:, :2]], (x[:, 0] > 0).long(), n_epochs=60, learning_rate=0.1)
    >>> [probe.accuracy(x[:, :k], (x[:, 0] > 0).long()) > 0.95 for probe, k in zip(probes, (4, 2))]
    [True, True]
    """
    if not features:
        raise InputError("features is empty; give at least one (n, k) tensor")
    sources = [block.x if isinstance(block, LinearFeatures) else block for block in features]
    checked = [
        check_labelled(source, labels)
        for source in {id(source): source for source in sources}.values()
    ]
    labels = checked[0]
    for block in features:
        if isinstance(block, LinearFeatures):
            check_linear(block)
    check_numbers(n_epochs, batch_size, learning_rate)
    n_classes = class_count(labels, n_classes)
    order = torch.randperm(len(labels), generator=generator(seed, "probe order"))
    groups = group_probes(features, order, n_classes, seed)
    targets = torch.nn.functional.one_hot(labels[order], n_classes).to(groups[0].weight)
    alone = [group for group in groups if not hasattr(group, "inner")]
    shared: dict[int, list[ProbeGroup]] = {}
    for group in groups:
        if hasattr(group, "inner"):
            shared.setdefault(id(group.rows), []).append(group)
    optimizer = torch.optim.Adam([in_one_piece(groups)], learning_rate, fused=True)
    for epoch in range(n_epochs):
        for begin in range(0, len(labels), batch_size):
            end = min(begin + batch_size, len(labels))
            for group in alone:
                group.set_gradients(begin, end, targets[begin:end])
            for same_x in shared.values():
                set_shared_gradients(same_x, begin, end, targets[begin:end])
            optimizer.step()
        if on_epoch is not None:
            on_epoch(epoch + 1, unstack(groups, len(features)))
    return unstack(groups, len(features))
