"""Random networks: their spectra follow the circular law, their scales share the draw."""

from __future__ import annotations

import pytest
import torch

from eigenlab.recurrent import gaussian_lstm, gaussian_rnn
from eigenlab.spectrum import spectral_radius


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("make", [gaussian_rnn, gaussian_lstm])
def test_each_recurrent_block_fills_a_disc_of_radius_weight_scale(make):
    """Circular law: entries of variance g^2/H have eigenvalues in a disc of radius g, H -> inf."""
    layer = make(400, weight_scale=1.3, generator=seeded()).layers[0]
    for block in layer.W_h.detach().split(400):
        assert float(spectral_radius(block)) == pytest.approx(1.3, rel=0.08)


@pytest.mark.parametrize("make", [gaussian_rnn, gaussian_lstm])
def test_scales_multiply_the_same_draw(make):
    one = make(5, weight_scale=1.0, bias_scale=1.0, generator=seeded())
    two = make(5, weight_scale=2.0, bias_scale=3.0, generator=seeded())
    torch.testing.assert_close(two.layers[0].W_h, 2 * one.layers[0].W_h)
    torch.testing.assert_close(two.layers[0].b, 3 * one.layers[0].b)
    torch.testing.assert_close(two.layers[0].W_x, one.layers[0].W_x)
    torch.testing.assert_close(two.readout.weight, one.readout.weight)


def test_stacked_lstm_has_the_layers_asked_for():
    model = gaussian_lstm(3, weight_scale=1.0, generator=seeded(), num_layers=2, input_size=2)
    assert [tuple(layer.W_x.shape) for layer in model.layers] == [(12, 2), (12, 3)]
