"""How fast a recipe trains, and the precision in which it is fastest."""

from __future__ import annotations

import time
from typing import Literal

import torch

from eigenlab.reporter import Reporter
from eigenlab.training import distributed, resolve_precision
from eigenlab.training.precision import multiplies_bfloat16
from eigenlab.vision.dataset import ImageDataset
from eigenlab.vision.recipe import Recipe
from eigenlab.vision.single_run import SingleRun


def choose_precision(
    recipe: Recipe, data: ImageDataset, reporter: Reporter
) -> Literal["float32", "bfloat16"]:
    """The precision of a training; ``"auto"`` is the faster one, measured on a CPU.

    Processes that train together take what the first one found.

    Args:
        recipe: what it asks for.
        data: images, on the device of the training.
        reporter: is told of what was measured, and of a precision that the device lacks.
    """
    device = data.images.device
    if recipe.precision == "bfloat16" and not multiplies_bfloat16(device):
        reporter.message(f"{device} does not multiply bfloat16; training in float32")
        return "float32"
    chosen = resolve_precision(recipe.precision, device)
    if recipe.precision != "auto" or device.type != "cpu" or chosen == "float32":
        return chosen
    names: tuple[Literal["float32", "bfloat16"], ...] = ("float32", "bfloat16")
    rates = {name: images_per_second(recipe, data, name) for name in names}
    fastest = max(names, key=lambda name: rates[name])
    agreed = distributed.current().broadcast_bytes(fastest.encode()).decode()
    fastest = "bfloat16" if agreed == "bfloat16" else "float32"
    measured = ", ".join(f"{rate:.0f} images/s in {name}" for name, rate in rates.items())
    reporter.message(f"{measured}; training in {fastest}")
    return fastest


def images_per_second(recipe: Recipe, data: ImageDataset, precision: str) -> float:
    """Speed of forward and backward passes, the fastest of three.

    Args:
        recipe: network, and the images that pass through it together.
        data: images; those that are there are used.
        precision: ``"float32"`` or ``"bfloat16"``.
    """
    size = min(recipe.micro_batch_size or recipe.batch_size, 250, len(data))
    part = data.subset(slice(0, size))
    run = SingleRun(recipe.replaced(batch_size=size, compile=False), part, 0, precision)
    batch = run.loader(0)
    seconds = []
    for _ in range(4):
        begin = now(data.images.device)
        run.loss(run.trainee, batch).backward()
        seconds.append(now(data.images.device) - begin)
    return size / min(seconds[1:])


def now(device: torch.device) -> float:
    """Seconds on a clock, when all that a device was asked for is done.

    Args:
        device: a CPU or a GPU.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
