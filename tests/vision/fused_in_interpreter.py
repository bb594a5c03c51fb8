"""The Triton kernels, interpreted on a CPU, beside torch's operations in double precision.

Triton decides when it is imported whether it interprets, so that test_fused.py runs this file in a
process of its own.
"""

import copy

import pytest
import torch
from torch import nn

from eigenlab.vision import fused, fused_kernels
from eigenlab.vision.norm import BatchNorm
from eigenlab.vision.whiten import PatchWhitening

#: Rounding of results in the dtype of the input, and of sums in float32.
TOLERANCE = {torch.float32: (2e-6, 2e-6), torch.bfloat16: (6e-3, 2e-6)}
ACTIVATIONS = [nn.ReLU(), nn.GELU(), nn.SiLU()]


@pytest.fixture(params=["one part", "several parts"])
def shape(request, monkeypatch):
    """Sizes of images: with sums over all rows at once, and over parts of two tiles."""
    if request.param == "one part":
        return (9, 5, 7, 9)
    monkeypatch.setattr(fused_kernels, "PARTS", 3)
    monkeypatch.setattr(fused_kernels, "ADDED", 2)
    monkeypatch.setattr(fused_kernels, "FEW", 4)
    return (3, 70, 8, 6)


def norm_of(channels):
    norm = BatchNorm(channels, frozen_scale=True, eps=1e-12, momentum=0.4)
    nn.init.normal_(norm.bias)
    return norm


def distance(found, expected):
    return float((found.detach().double() - expected.detach()).norm() / expected.detach().norm())


def reference(x, norm, activation, pool):
    return activation(norm(nn.functional.max_pool2d(x, 2) if pool else x))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("pool", [True, False], ids=["pool", "no pool"])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_values_gradients_and_statistics_are_those_of_torch(activation, pool, dtype, shape):
    # A mean of many standard deviations: sums of squares would lose the variance.
    torch.manual_seed(4)  # none so near to 0 that rounding decides on which side of it
    layout = torch.channels_last
    x = (torch.randn(shape) + 40).to(dtype).contiguous(memory_format=layout).requires_grad_()
    exact = x.detach().double().requires_grad_()
    norm = norm_of(shape[1])
    exact_norm = copy.deepcopy(norm).double()
    name = fused.ACTIVATIONS[type(activation)]

    found = fused._PoolNormActivation.apply(x, norm.bias, norm, name, pool)
    expected = reference(exact, exact_norm, activation, pool)
    upstream = torch.randn(expected.shape).to(dtype)
    found.backward(upstream)
    expected.backward(upstream.double())

    rounded, summed = TOLERANCE[dtype]
    assert found.dtype == dtype
    assert distance(found, expected) < rounded + 40 * summed
    assert distance(x.grad, exact.grad) < rounded + 40 * summed
    assert distance(norm.bias.grad, exact_norm.bias.grad) < 40 * summed
    assert distance(norm.running_mean, exact_norm.running_mean) < summed
    assert distance(norm.running_var, exact_norm.running_var) < 40 * summed
    assert int(norm.num_batches_tracked) == 1


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
@pytest.mark.parametrize("pool", [True, False], ids=["pool", "no pool"])
def test_predictions_are_those_of_torch(activation, pool):
    torch.manual_seed(1)
    norm = norm_of(6).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    x = torch.randn(4, 6, 5, 7)
    found = fused.predict(x, norm, fused.ACTIVATIONS[type(activation)], pool)
    expected = reference(x.double(), copy.deepcopy(norm).double(), activation, pool)
    assert distance(found, expected) < 2e-6


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_whitened_patches_are_those_of_torch(activation):
    torch.manual_seed(2)
    layer, images = PatchWhitening(2), torch.randn(20, 3, 12, 9)
    layer.fit(images)
    nn.init.normal_(layer.bias)
    found = fused.whiten(images, layer, fused.ACTIVATIONS[type(activation)])
    with torch.no_grad():
        expected = activation(layer.double()(images.double()))
    assert distance(found, expected) < 2e-6


def test_among_equal_pixels_the_first_has_the_gradient():
    # As in torch, so that a network is trained alike on every device.
    x = torch.zeros(2, 1, 2, 2)
    x[1] = 1.0
    x.requires_grad_()
    norm = norm_of(1)
    fused._PoolNormActivation.apply(x, norm.bias, norm, "silu", True)[0].sum().backward()
    assert x.grad.flatten(1)[:, 1:].abs().max() == 0


def test_a_pixel_that_is_not_a_number_is_seen():
    for place in range(4):
        x = torch.zeros(2, 1, 2, 2)
        x[0, 0, place // 2, place % 2] = torch.nan
        found = fused.predict(x, norm_of(1).eval(), "silu", True)
        assert found[0].isnan().all()
        assert not found[1].isnan().any()
