import math

import pytest
import torch

from eigenlab.autoencoders import Autoencoder, Mask, Noise, Warp
from eigenlab.errors import InputError
from eigenlab.training import generator


def test_noise_and_masks_have_the_given_strength():
    x = torch.ones(400, 100)
    noise = Noise(0.3)(x, generator(0)) - x
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)
    kept = Mask(0.25)(x, generator(0))
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert kept.mean().item() == pytest.approx(0.75, abs=4 * math.sqrt(0.1875 / x.numel()))


@pytest.fixture
def at_the_limit(monkeypatch):
    """Every parameter of a warp is drawn at its upper limit."""
    monkeypatch.setattr(torch, "rand", lambda *size, **_: torch.ones(*size))


STILL = {"rotation": 0, "log_scale": 0, "shear": 0, "shift": 0}


def test_a_pure_shift_moves_an_image_by_whole_pixels(at_the_limit):
    """Shift 1/4 of a side of four pixels: one pixel, each way."""
    image = torch.zeros(1, 4, 4)
    image[0, 1, 2] = 1
    moved = Warp((4, 4), **STILL | {"shift": 0.25})(image.view(1, 16)).view(4, 4)
    expected = torch.zeros(4, 4)
    expected[0, 1] = 1
    torch.testing.assert_close(moved, expected, atol=1e-6, rtol=0)


def test_a_quarter_turn_is_exact(at_the_limit):
    """Pixels of a square fall on pixels: (u, v) is read at (-v, u)."""
    image = torch.arange(25.0).view(5, 5)
    turned = Warp((5, 5), **STILL | {"rotation": math.pi / 2})(image.view(1, 25)).view(5, 5)
    torch.testing.assert_close(turned, image.rot90(1), atol=1e-4, rtol=0)


def test_a_scale_of_two_reads_every_other_pixel(at_the_limit):
    """Read at twice the distance from the middle: of a side of 9 pixels the inner 4 are filled."""
    image = torch.arange(81.0).view(9, 9)
    small = Warp((9, 9), **STILL | {"log_scale": math.log(2)})(image.view(1, 81)).view(9, 9)
    torch.testing.assert_close(small[2:7, 2:7], image[::2, ::2], atol=1e-4, rtol=0)


def test_every_image_gets_its_own_warp():
    x = torch.rand(1, 64, generator=generator(1)).expand(3, 64)
    first, second, third = Warp((8, 8))(x, generator(2))
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)
    assert torch.equal(Warp((8, 8))(x, generator(2))[0], first)


def test_any_function_can_be_a_corruption():
    model = Autoencoder(4, [2], corruption=lambda x, generator: -x)
    x = torch.rand(3, 4, generator=generator(0))
    assert torch.equal(model.corrupt(x), -x)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: Noise(-1), "noise_std=-1"),
        (lambda: Mask(1.5), "mask_prob=1.5"),
        (lambda: Warp((2, 2), shear=math.nan), "shear=nan"),
        (lambda: Warp((2, 2))(torch.zeros(1, 5)), r"shape \(1, 5\).*\(n, 4\)"),
    ],
)
def test_invalid_arguments_are_refused(make, match):
    with pytest.raises(InputError, match=match):
        make()
