"""Linear probes: how well a linear classifier reads labels from frozen features.

Two protocols. :func:`linear_probe` with ``method="adam"`` is the course's: a linear layer trained
for some epochs; what it says depends on how long it trained. ``method="convex"`` solves the
regularised problem to the end (:mod:`eigenlab.autoencoders.convex`), so that it depends on the
features alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from eigenlab.autoencoders.fit import check_numbers, check_tensor
from eigenlab.errors import InputError
from eigenlab.training import generator


class LinearFeatures(NamedTuple):
    """Features ``x @ weight.T + bias`` that are never written out: x (n, d), weight (k, d).

    A probe on a linear encoder's features costs (n, d) this way instead of (n, k) per pass; its
    own weights are the same, and it is trained in the same steps.
    """

    x: Tensor
    weight: Tensor
    bias: Tensor

    def values(self) -> Tensor:
        """The features as an (n, k) tensor."""
        return self.x @ self.weight.T + self.bias


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier: logits ``features @ weight.T + bias``.

    ``weight`` is (n_classes, n_features), ``bias`` (n_classes,); classes are 0...n_classes-1.
    """

    weight: Tensor
    bias: Tensor

    def logits(self, features: Tensor) -> Tensor:
        """(n, n_classes) unnormalised log probabilities."""
        return features @ self.weight.T + self.bias

    def accuracy(self, features: Tensor, labels: Tensor) -> float:
        """Share of the samples whose largest logit is that of their label."""
        return (self.logits(features).argmax(1) == labels).double().mean().item()


def linear_probe(
    features: Tensor,
    labels: Tensor,
    *,
    method: Literal["adam", "convex"] = "convex",
    n_classes: int | None = None,
    epochs: int = 50,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
) -> LinearProbe:
    """Fit a linear classifier on frozen ``features`` (n, k) with ``labels`` (n,) in 0...C-1.

    Args:
        method: ``"adam"`` trains for ``epochs`` by Adam, cross-entropy, batches of ``batch_size``
            in one shuffled order; ``"convex"`` is multinomial logistic regression to convergence
            with an L2 penalty chosen by cross-validation, and uses only ``seed`` of the arguments
            below.
        n_classes: default: one more than the largest label.

    Raises:
        InputError: shapes disagree, values are not finite, or labels have fewer than two classes.

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
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
        )
        return probes[0]
    if method != "convex":
        raise InputError(f"method='{method}' is unknown; choose 'adam' or 'convex'")
    from eigenlab.autoencoders.convex import convex_probe

    return convex_probe(features, labels, n_classes=n_classes, seed=seed).probe


def linear_probes(
    features: Sequence[Tensor] | Sequence[LinearFeatures],
    labels: Tensor,
    *,
    n_classes: int | None = None,
    epochs: int = 50,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    seed: int = 0,
    on_epoch: Callable[[int, list[LinearProbe]], None] | None = None,
) -> list[LinearProbe]:
    """Train one linear probe on each of ``features``, (n, k_i) with common ``labels``, at once.

    Probes of equal width share one batched matrix product, and probes on
    :class:`LinearFeatures` of one ``x`` never write their features out; each gets the numbers that
    ``linear_probe(..., method="adam")`` with the same ``seed`` gives it. The samples are shuffled
    once, not in every epoch, so that a batch is a slice and not a copy.

    >>> x = torch.randn(200, 4, generator=generator(0, "doc"))
    >>> probes = linear_probes([x, x[:, :2]], (x[:, 0] > 0).long(), epochs=60, learning_rate=0.1)
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
            _check_linear(block)
    check_numbers(epochs, batch_size, learning_rate)
    n_classes = class_count(labels, n_classes)
    order = torch.randperm(len(labels), generator=generator(seed, "probe order"))
    groups = _grouped(features, order, n_classes, seed)
    targets = torch.nn.functional.one_hot(labels[order], n_classes).to(groups[0].weight)
    alone = [group for group in groups if not hasattr(group, "inner")]
    shared: dict[int, list[_Group]] = {}
    for group in groups:
        if hasattr(group, "inner"):
            shared.setdefault(id(group.rows), []).append(group)
    optimizer = torch.optim.Adam([_in_one_piece(groups)], learning_rate, fused=True)
    for epoch in range(epochs):
        for begin in range(0, len(labels), batch_size):
            end = min(begin + batch_size, len(labels))
            for group in alone:
                group.set_gradients(begin, end, targets[begin:end])
            for same_x in shared.values():
                _set_shared_gradients(same_x, begin, end, targets[begin:end])
            optimizer.step()
        if on_epoch is not None:
            on_epoch(epoch + 1, _unstack(groups, len(features)))
    return _unstack(groups, len(features))


def _grouped(
    features: Sequence[Tensor] | Sequence[LinearFeatures], order: Tensor, n_classes: int, seed: int
) -> list[_Group]:
    """Stack what has the same width (and, for linear features, the same ``x``)."""
    places: dict[tuple[int, int], list[int]] = {}
    for place in range(len(features)):
        block = features[place]
        if isinstance(block, LinearFeatures):
            key = len(block.weight), id(block.x)
        else:
            key = block.size(1), 0
        places.setdefault(key, []).append(place)
    groups = []
    shuffled: dict[int, Tensor] = {}
    for (width, source), found in places.items():
        blocks = [features[place] for place in found]
        linear = [block for block in blocks if isinstance(block, LinearFeatures)]
        inner = None
        if linear:
            x = linear[0].x[order]
            rows = shuffled.setdefault(source, torch.cat([x, torch.ones_like(x[:, :1])], 1)[None])
            inner = torch.stack([torch.cat([b.weight, b.bias[:, None]], 1) for b in linear])
        else:
            plain = [block for block in blocks if isinstance(block, Tensor)]
            rows = torch.stack([block[order] for block in plain])
        groups.append(_Group(found, rows, inner, width, n_classes, seed))
    return groups


class _Group:
    """M probes of one width k: weights (M, C, k), biases (M, C, 1).

    Samples come last in all that is (..., C, B): a softmax over a leading axis runs over samples,
    while one over two or ten neighbouring numbers takes longer than the products.

    Their features are ``rows`` (M, n, k), or ``rows`` (1, n, d) times each of ``inner`` (M, k, d)
    transposed.
    """

    def __init__(
        self,
        places: list[int],
        rows: Tensor,
        inner: Tensor | None,
        width: int,
        n_classes: int,
        seed: int,
    ) -> None:
        self.places, self.rows = places, rows
        if inner is not None:
            self.inner, self.inner_t = inner, inner.transpose(1, 2).contiguous()
        rng = generator(seed, "probe weights")
        bound = 1 / math.sqrt(width)  # as nn.Linear
        weight = torch.empty(width, n_classes).uniform_(-bound, bound, generator=rng)
        bias = torch.empty(1, n_classes).uniform_(-bound, bound, generator=rng)
        self.weight = weight.T.to(rows).repeat(len(places), 1, 1)
        self.bias = bias.T.to(rows).repeat(len(places), 1, 1)
        self.weight_grad = torch.empty(0)
        self.bias_grad = torch.empty(0)

    @torch.no_grad()
    def set_gradients(self, begin: int, end: int, targets: Tensor) -> None:
        """Gradient of the mean cross-entropy: (softmax(logits) - targets) features / B."""
        batch = self.rows[:, begin:end]
        logits = torch.baddbmm(self.bias, self.weight, batch.transpose(1, 2))
        residual = _residual(logits, targets.T, 1)
        torch.bmm(residual, batch, out=self.weight_grad)
        torch.sum(residual, 2, keepdim=True, out=self.bias_grad)


def _in_one_piece(groups: Sequence[_Group]) -> Tensor:
    """One tensor of which all weights and biases are views, and likewise their gradients.

    So a step of Adam costs one call, however many shapes there are.
    """
    parts = [tensor for group in groups for tensor in (group.weight, group.bias)]
    sizes = [part.numel() for part in parts]
    flat = torch.cat([part.flatten() for part in parts]).requires_grad_()
    flat.grad = torch.zeros_like(flat)
    values, gradients = flat.detach().split(sizes), flat.grad.split(sizes)
    for place, group in enumerate(groups):
        shapes = group.weight.shape, group.bias.shape
        both = slice(2 * place, 2 * place + 2)
        group.weight, group.bias = (v.view(s) for v, s in zip(values[both], shapes, strict=True))
        group.weight_grad, group.bias_grad = (
            g.view(s) for g, s in zip(gradients[both], shapes, strict=True)
        )
    return flat


@torch.no_grad()
def _set_shared_gradients(groups: Sequence[_Group], begin: int, end: int, targets: Tensor) -> None:
    """The same for P probes of any width on linear features of one ``x``.

    Each probe's weights are carried through its encoder to the d columns of ``x``, so that one
    product of (B, d) by (d, P C) has all logits, and another one all gradients.
    """
    batch = groups[0].rows[0, begin:end]
    outer = torch.cat([torch.bmm(g.weight, g.inner) for g in groups]).transpose(0, 1)  # (C, P, d)
    n_classes, n_probes, size = outer.shape
    flat = outer.reshape(n_classes * n_probes, size) @ batch.T
    bias = torch.cat([group.bias for group in groups]).transpose(0, 1)  # (C, P, 1)
    logits = flat.view(n_classes, n_probes, -1) + bias
    residual = _residual(logits, targets.T[:, None], 0)
    back = residual.view(n_classes * n_probes, -1) @ batch
    back = back.view(n_classes, n_probes, size).transpose(0, 1)
    totals = residual.sum(2).T[:, :, None]
    counts = [len(group.places) for group in groups]
    for group, own, total in zip(groups, back.split(counts), totals.split(counts), strict=True):
        torch.bmm(own.contiguous(), group.inner_t, out=group.weight_grad)
        group.bias_grad.copy_(total)


def _residual(logits: Tensor, targets: Tensor, axis: int) -> Tensor:
    """Gradient of the mean cross-entropy in the logits, classes along ``axis``, samples last."""
    return logits.softmax(axis).sub_(targets).div_(targets.shape[-1])


def _unstack(groups: Sequence[_Group], count: int) -> list[LinearProbe]:
    found: dict[int, LinearProbe] = {}
    for group in groups:
        weight, bias = group.weight.clone(), group.bias.clone()
        for index, place in enumerate(group.places):
            found[place] = LinearProbe(weight[index], bias[index, :, 0])
    return [found[place] for place in range(count)]


def check_labelled(features: Tensor, labels: Tensor) -> Tensor:
    """The labels as int64; :class:`~eigenlab.errors.InputError` unless the two can be probed."""
    check_tensor("features", features)
    check_tensor("labels", labels)
    fit = features.dim() == 2 and labels.dim() == 1 and len(features) == len(labels)
    if not fit or features.shape[1] == 0:
        raise InputError(
            f"features have shape {tuple(features.shape)}, labels {tuple(labels.shape)}; expected "
            "(n, k >= 1) and (n,)"
        )
    if not features.is_floating_point():
        raise InputError(
            f"features are {features.dtype}; give floating-point ones, such as pixels / 255"
        )
    if not torch.isfinite(features).all():
        raise InputError("features hold NaN or infinity; did the autoencoder's training diverge?")
    whole = not (labels.is_floating_point() or labels.is_complex())
    labels = labels.long() if whole else labels
    if not whole or (len(labels) > 0 and labels.min() < 0):
        raise InputError(
            "labels must be integers from 0 on; encode them, for example with "
            "sklearn.preprocessing.LabelEncoder"
        )
    if len(torch.unique(labels)) < 2:
        raise InputError(
            f"labels hold {len(torch.unique(labels))} class; a probe needs at least two to tell "
            "apart"
        )
    return labels


def class_count(labels: Tensor, n_classes: int | None) -> int:
    """``n_classes``, or one more than the largest label; an InputError if that is too few."""
    found = int(labels.max()) + 1
    if n_classes is None:
        return found
    if not isinstance(n_classes, Integral):
        raise InputError(f"n_classes={n_classes!r} must be a whole number")
    if n_classes < found:
        raise InputError(f"n_classes={n_classes} but a label is {found - 1}")
    return int(n_classes)


def _check_linear(features: LinearFeatures) -> None:
    x, weight, bias = features
    if weight.dim() != 2 or weight.shape[1] != x.shape[1] or bias.shape != weight.shape[:1]:
        raise InputError(
            f"LinearFeatures have x {tuple(x.shape)}, weight {tuple(weight.shape)} and bias "
            f"{tuple(bias.shape)}; expected (n, d), (k, d) and (k,)"
        )
    if not x.dtype == weight.dtype == bias.dtype:
        raise InputError(
            f"LinearFeatures have x {x.dtype}, weight {weight.dtype} and bias {bias.dtype}; "
            "expected one dtype"
        )
    if not (torch.isfinite(weight).all() and torch.isfinite(bias).all()):
        raise InputError(
            "LinearFeatures hold NaN or infinite weights; did the autoencoder's training diverge?"
        )
