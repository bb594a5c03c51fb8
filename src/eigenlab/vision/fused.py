"""Pooling, batch norm and activation in as few passes over the memory of a GPU as can be.

Between two convolutions a training step does little arithmetic on many numbers: its time is that of
reading and writing them. Each operation of torch is a pass of its own; the kernels of
:mod:`eigenlab.vision.fused_kernels` read once what they need and write once what they give. They
are in Triton, which comes with torch for NVIDIA GPUs. Where it is missing, on every other device,
and within ``torch.compile``, the operations of torch are used.
"""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from eigenlab.vision.norm import BatchNorm
from eigenlab.vision.whiten import PatchWhitening

AVAILABLE = importlib.util.find_spec("triton") is not None
#: The activations that the kernels know.
ACTIVATIONS: dict[type, str] = {nn.ReLU: "relu", nn.GELU: "gelu", nn.SiLU: "silu"}
#: They compute in float32, which would lose digits of float64.
DTYPES = (torch.float32, torch.bfloat16, torch.float16)
#: Their offsets are 32-bit numbers.
MOST_NUMBERS = 2**31 - 1


def pool_norm_activation(x: Tensor, norm: BatchNorm, activation: nn.Module, pool: bool) -> Tensor:
    """Maximum over 2 x 2 pixels, batch norm and activation.

    Args:
        x: (B, C, H, W).
        norm: the batch norm; the kernels are for one with ``frozen_scale``.
        activation: applied last.
        pool: whether there is a maximum; without it, batch norm comes first.
    """
    if not (_runs_here(x, activation) and _is_plain(norm) and _fits(x, pool)):
        return activation(norm(nn.functional.max_pool2d(x, 2) if pool else x))
    name = ACTIVATIONS[type(activation)]
    if norm.training:
        return _PoolNormActivation.apply(x, norm.bias, norm, name, pool)
    return predict(x, norm, name, pool)


def whitened_activation(images: Tensor, layer: PatchWhitening, activation: nn.Module) -> Tensor:
    """Whitened patches and an activation.

    Args:
        images: (B, 3, H, W).
        layer: the whitening.
        activation: applied to its outputs.
    """
    plain = layer.bias is not None and not layer.padding and not torch.is_grad_enabled()
    plain = plain and len(images) * layer.out_channels * images.shape[-2:].numel() <= MOST_NUMBERS
    if not (plain and _runs_here(images, activation)):
        return activation(layer(images))
    return whiten(images, layer, ACTIVATIONS[type(activation)])


def usable(activation: nn.Module, device: torch.device) -> bool:
    """Whether there are kernels for an activation on a device.

    Args:
        activation: of the network.
        device: where it runs.
    """
    return (
        AVAILABLE
        and device.type == "cuda"
        and type(activation) in ACTIVATIONS
        and getattr(activation, "approximate", "none") == "none"
    )


def predict(x: Tensor, norm: BatchNorm, activation: str, pool: bool) -> Tensor:
    """What :func:`pool_norm_activation` computes by running statistics, without a gradient.

    Args:
        x: (B, C, H, W).
        norm: statistics and shift.
        activation: its name.
        pool: whether there is a maximum.
    """
    kernels = _kernels()
    x = x.contiguous(memory_format=torch.channels_last)
    running = norm.running_mean, norm.running_var
    found: Tensor = kernels.predict(
        x, running, norm.bias, norm.eps, kernels.Shape(*x.shape, pool), activation
    )
    return found


def whiten(images: Tensor, layer: PatchWhitening, activation: str) -> Tensor:
    """What :func:`whitened_activation` computes, without a gradient.

    Args:
        images: (B, 3, H, W).
        layer: filters and shifts.
        activation: its name.
    """
    dtype, kind = images.dtype, images.device.type
    if torch.is_autocast_enabled(kind):
        dtype = torch.get_autocast_dtype(kind)
    images = images.contiguous(memory_format=torch.channels_last)
    found: Tensor = _kernels().whiten(images, layer.weight, layer.bias, activation, dtype)
    return found


def _kernels() -> ModuleType:
    """The kernels, which are compiled, and Triton imported, where they are first used."""
    return importlib.import_module("eigenlab.vision.fused_kernels")


def _runs_here(x: Tensor, activation: nn.Module) -> bool:
    known = x.dtype in DTYPES and usable(activation, x.device)
    return known and not torch.compiler.is_compiling()


def _is_plain(norm: BatchNorm) -> bool:
    """Whether a layer is what the kernels compute; they have no gradient in evaluation mode."""
    return (
        not norm.weight.requires_grad
        and norm.weight.dtype == torch.float32
        and norm.ghost_size is None
        and norm.track_running_stats
        and norm.momentum is not None
        and (norm.training or not torch.is_grad_enabled())
    )


def _fits(x: Tensor, pool: bool) -> bool:
    """Whether there are at least two numbers for each channel, and not too many in all."""
    halves = 2 if pool else 1
    rows = len(x) * (x.shape[2] // halves) * (x.shape[3] // halves)
    return rows > 1 and x.numel() <= MOST_NUMBERS


class _PoolNormActivation(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, bias: Tensor, norm: BatchNorm, name: str, pool: bool
    ) -> Tensor:
        kernels = _kernels()
        x = x.contiguous(memory_format=torch.channels_last)
        shape = kernels.Shape(*x.shape, pool)
        running = norm.running_mean, norm.running_var, norm.num_batches_tracked
        pooled, places, found = kernels.statistics(x, shape, running, norm.eps, norm.momentum)
        ctx.save_for_backward(pooled, places, found, bias)
        ctx.shape, ctx.name = shape, name
        result: Tensor = kernels.activate(pooled, found, bias, shape, name)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        upstream = upstream.contiguous(memory_format=torch.channels_last)
        x, shift = _kernels().gradient(upstream, *ctx.saved_tensors, ctx.shape, ctx.name)
        return x, shift, None, None, None
