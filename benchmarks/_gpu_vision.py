"""The part of the GPU benchmark on images: batches, a few updates, and a replayed update."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from _gpu import Row, Setting, check, part, timed
from eigenlab.vision import CifarLoader, PreparedTraining, Recipe, shapes32, train_cifar10

SAME = 1e-5
UPDATED = 5e-3
"""Tolerance of float32 weights after some updates, whose rounding each update magnifies."""


def _weights(model: nn.Module) -> Tensor:
    return torch.cat([value.detach().flatten().float() for value in model.parameters()])


@part
def vision(setting: Setting) -> Iterator[Row]:
    """Augmented batches, trained weights on both devices, and the time of a replayed training."""
    count = setting.size(2000, 200)
    data, test = shapes32(count), shapes32(count // 4, seed=1)
    options = {"flip": "alternating", "translate": 2, "cutout": 5, "contrast": 0.1}
    here = CifarLoader(data, count // 2, seed=0, **options)
    there = CifarLoader(data.to(setting.device), count // 2, seed=0, **options)
    yield check("batch of images", there(2), here(2), SAME)
    recipe = Recipe(width=16, epochs=1.5, batch_size=count // 2, precision="float32")
    recipe = recipe.replaced(learning_rate=0.02, bias_learning_rate=1.0, head_learning_rate=1.0)
    plain = train_cifar10(recipe, data, test)
    found = train_cifar10(recipe, data, test, device=setting.device)
    yield check("weights after 3 updates", _weights(found.model), _weights(plain.model), UPDATED)
    prepared = PreparedTraining(recipe, data, test, device=setting.device)
    again = [_weights(prepared(seed).model) for seed in (0, 1, 0)]
    yield check("the same, replayed", again[0], _weights(plain.model), 10 * UPDATED)
    yield check("the same seed again", again[2], again[0], SAME)
    if setting.on_cuda:
        half = recipe.replaced(width=64, precision="bfloat16")
        replayed = PreparedTraining(half, data, None, device=setting.device)
        ways = {
            "launched one by one": lambda: train_cifar10(half, data, device=setting.device),
            "replayed": replayed,
        }
        yield timed("3 updates of a new network", setting, ways)
