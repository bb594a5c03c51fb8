import numpy as np
import pytest

from eigenlab.data import images, load_pixels
from eigenlab.errors import InputError


def test_digits_have_pixels_in_the_unit_interval():
    X = load_pixels("digits")
    assert X.shape == (1797, 64)
    assert (X.min(), X.max()) == (0, 1)


def test_mnist_comes_in_rows(monkeypatch):
    pixels = np.zeros((4, 28, 28), dtype=np.uint8)
    pixels[1, 0, 2] = 255
    monkeypatch.setattr(images, "load_mnist", lambda split: (pixels, np.arange(4)))
    X = load_pixels("mnist", max_samples=3)
    assert X.shape == (3, 784)
    assert X.dtype == np.float64
    assert (X[1, 2], X.sum()) == (1.0, 1.0)


def test_an_unknown_name_is_refused():
    with pytest.raises(InputError, match=r"unknown .did you mean 'digits'"):
        load_pixels("digit")
