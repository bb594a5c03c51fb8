"""Linear probes of equal width stacked in shared tensors, and their gradients in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from eigenlab.autoencoders.classifier import LinearProbe
from eigenlab.autoencoders.features import LinearFeatures
from eigenlab.training import generator


def group_probes(
    features: Sequence[Tensor] | Sequence[LinearFeatures], order: Tensor, n_classes: int, seed: int
) -> list[ProbeGroup]:
    """Stack probes of equal width (and, for linear features, of the same ``x``)."""
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
        groups.append(ProbeGroup(found, rows, inner, width, n_classes, seed))
    return groups


class ProbeGroup:
    """M probes of one width k and C classes: weights (M, C, k), biases (M, C, 1).

    Logits are (M, C, B) with the samples of the batch last: a softmax over a few classes that are
    adjacent in memory takes longer than the matrix products.

    Args:
        places: positions of the probes' features in the list that the caller gave.
        rows: features (M, n, k), or samples and a column of ones (1, n, d + 1).
        inner: encoders (M, k, d + 1) to multiply ``rows`` by, or None where ``rows`` are features.
        width: number k of features.
        n_classes: number C of classes.
        seed: random seed of the initial weights.
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


def in_one_piece(groups: Sequence[ProbeGroup]) -> Tensor:
    """Return one tensor of which all weights and biases become views, likewise their gradients.

    One step of Adam is then a single call, however many shapes there are.
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
def set_shared_gradients(
    groups: Sequence[ProbeGroup], begin: int, end: int, targets: Tensor
) -> None:
    """Set the gradients of P probes of any width on linear features of one ``x``.

    Each probe's weights are multiplied by its encoder, so that one product of (B, d) by (d, P C)
    gives all logits, and another one all gradients.
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


def unstack(groups: Sequence[ProbeGroup], count: int) -> list[LinearProbe]:
    """Copies of the first ``count`` probes, in the order in which their features were given."""
    found: dict[int, LinearProbe] = {}
    for group in groups:
        weight, bias = group.weight.clone(), group.bias.clone()
        for index, place in enumerate(group.places):
            found[place] = LinearProbe(weight[index], bias[index, :, 0])
    return [found[place] for place in range(count)]
