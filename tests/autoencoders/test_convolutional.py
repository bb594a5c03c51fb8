import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from eigenlab.autoencoders import ConvolutionalAutoencoder, Warp, fit
from eigenlab.errors import InputError
from eigenlab.training import generator


def test_convolutions_come_first_and_are_mirrored():
    model = ConvolutionalAutoencoder((5, 8), [6, 4], nn.Tanh, channels=(2, 3))
    assert model.grids == [(5, 8), (3, 4), (2, 2)]
    shapes = [tuple(value.shape) for name, value in model.state_dict().items() if "weight" in name]
    assert shapes == [
        (2, 1, 3, 3), (3, 2, 3, 3), (6, 12), (4, 6),
        (6, 4), (12, 6), (3, 2, 3, 3), (2, 1, 3, 3),
    ]  # fmt: skip
    for half in (model.encoder, model.decoder):
        layers = [layer for layer in half if not isinstance(layer, nn.Flatten | nn.Unflatten)]
        assert [isinstance(layer, nn.Tanh) for layer in layers] == [False, True] * 3 + [False]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))
def test_reconstructions_have_the_shape_of_the_input(height, width, depth):
    model = ConvolutionalAutoencoder((height, width), [3], channels=[2] * depth)
    x = torch.rand(4, height * width)
    assert model.encode(x).shape == (4, 3)
    assert model(x).shape == x.shape
    torch.testing.assert_close(model(x[0]), model(x)[0])


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 9))
def test_the_decoder_expands_as_the_encoder_reduces(height, width):
    """With the same kernel, no bias and no activation, they are transposes: <Cx, y> = <x, C'y>."""
    model = ConvolutionalAutoencoder((height, width), [1], nn.Identity, channels=(3, 2)).double()
    down = [layer for layer in model.encoder if isinstance(layer, nn.Conv2d)]
    up = [layer for layer in model.decoder if isinstance(layer, nn.ConvTranspose2d)]
    with torch.no_grad():
        for one, other in zip(down, reversed(up), strict=True):
            other.weight.copy_(one.weight)
            one.bias.zero_()
            other.bias.zero_()
    x = torch.rand(1, 1, height, width, dtype=torch.float64)
    y = torch.rand(1, 2, *model.grids[-1], dtype=torch.float64)
    reduced, expanded = nn.Sequential(*down)(x), nn.Sequential(*up)(y)
    torch.testing.assert_close((reduced * y).sum(), (x * expanded).sum())


@pytest.mark.parametrize("layer_cls", [nn.Conv2d, nn.ConvTranspose2d, nn.Linear])
def test_weights_start_within_the_bounds_of_torch(layer_cls):
    """Uniform in +-1/sqrt(fan in), as torch's own layers of the same shape are."""
    model = ConvolutionalAutoencoder((16, 16), [64], channels=(8, 32), generator=generator(0))
    torch.manual_seed(0)
    for layer in model.modules():
        if isinstance(layer, layer_cls):
            own = layer.weight.abs().max().item()
            layer.reset_parameters()
            assert own == pytest.approx(layer.weight.abs().max().item(), rel=0.05)


def test_results_depend_on_the_generators_only():
    x = torch.rand(70, 36, generator=generator(5))

    def trained(seed):
        model = ConvolutionalAutoencoder(
            (6, 6), [4], channels=(3,), corruption=Warp((6, 6)), generator=generator(seed)
        )
        return fit(model, x, n_epochs=2, seed=seed)

    torch.manual_seed(1)
    first = trained(0)
    torch.manual_seed(2)
    assert trained(0) == first != trained(1)
    assert first[1] < first[0]


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: ConvolutionalAutoencoder((0, 4), [2]), r"image_shape=\(0, 4\)"),
        (lambda: ConvolutionalAutoencoder((4,), [2]), r"expected \(height, width\)"),
        (lambda: ConvolutionalAutoencoder((4, 4), [2], channels=()), r"channels=\(\)"),
        (lambda: ConvolutionalAutoencoder((4, 4), [2], channels=[1.5]), r"channels=\(1.5,\)"),
        (lambda: ConvolutionalAutoencoder((4, 4), []), "at least one hidden size"),
        (lambda: ConvolutionalAutoencoder((4, 4), [2]).encode(torch.zeros(1, 4, 4)), "flatten"),
    ],
)
def test_invalid_arguments_are_refused(make, match):
    with pytest.raises(InputError, match=match):
        make()


def test_the_height_and_width_are_not_confused():
    """A bright row stays a row in the first convolution: rows of the plane differ, columns not."""
    model = ConvolutionalAutoencoder((6, 10), [2], channels=(1,), generator=generator(0))
    image = torch.zeros(6, 10)
    image[3] = 1
    with torch.no_grad():
        plane = model.encoder[:2](image.flatten())[0]
    assert plane.shape == (3, 5)
    inner = plane[:, 1:]  # the first column meets the border
    torch.testing.assert_close(inner, inner[:, :1].expand_as(inner))
    assert inner[:, 0].std() > 0.1 * math.sqrt(1 / 9)
