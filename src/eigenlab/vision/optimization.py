"""The optimizer of a recipe: groups of parameters and their learning rates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from eigenlab.vision.muon import Muon
from eigenlab.vision.recipe import Network, Recipe

Factor = Callable[[float], float]


def build_optimizer(
    network: Network, recipe: Recipe, *, dtype: torch.dtype | None = None, compile: bool = False
) -> tuple[torch.optim.Optimizer, list[Factor]]:
    """The optimizer, and for each of its groups the factor of the learning rate by the share of
    the updates that is done.

    Args:
        network: whose parameters are trained.
        recipe: learning rates and the rest.
        dtype: see :class:`Muon`. Default: ``None``.
        compile: see :class:`Muon`. Default: ``False``.
    """
    whiten = network.whiten
    first = [] if whiten is None or whiten.bias is None else [whiten.bias]
    trained = [p for p in network.parameters() if p.requires_grad]
    # Logits of speednet are divided by its width, and so are their gradients.
    scale = recipe.width / 64 if recipe.network == "speednet" else 1.0
    bias_rate = scale * (recipe.bias_learning_rate or recipe.learning_rate)
    head_rate = scale * (recipe.head_learning_rate or recipe.learning_rate)
    kinds = {
        "convolutions": ([p for p in trained if p.ndim == 4], recipe.learning_rate),
        "biases": (
            [p for p in trained if p.ndim == 1 and not any(p is other for other in first)],
            bias_rate,
        ),
        "head": ([network.head.weight], head_rate),
        "whitening": (first, bias_rate),
    }
    groups: list[dict[str, Any]] = []
    factors: list[Factor] = []
    for kind, (parameters, rate) in kinds.items():
        if not parameters:
            continue
        group = {"params": parameters, "lr": rate}
        group["weight_decay"] = recipe.weight_decay * recipe.learning_rate / rate
        group["momentum"] = recipe.momentum if kind == "convolutions" else recipe.side_momentum
        if recipe.optimizer == "muon":
            group["orthogonalize"] = kind == "convolutions"
        groups.append(group)
        ends = kind == "whitening" and recipe.network == "speednet"
        factors.append(recipe.whitening_rate if ends else recipe.rate)
    if recipe.optimizer == "muon":
        return Muon(groups, dtype=dtype, compile=compile), factors
    nesterov = recipe.momentum > 0 and recipe.side_momentum > 0
    return torch.optim.SGD(groups, momentum=recipe.momentum, nesterov=nesterov), factors
