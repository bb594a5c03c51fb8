"""Random recurrent networks whose every number comes from one generator."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.recurrent.layers import LSTM, RNN
from eigenlab.recurrent.nonlinearity import Nonlinearity
from eigenlab.recurrent.regressor import RecurrentRegressor


def gaussian_rnn(
    hidden_size: int,
    *,
    weight_scale: float,
    generator: torch.Generator,
    input_size: int = 1,
    bias_scale: float = 0.0,
    nonlinearity: Nonlinearity = "tanh",
    num_layers: int = 1,
    dtype: torch.dtype = torch.float64,
) -> RecurrentRegressor:
    """Return a regressor with one output and normal weights (question 1f).

    W_h has independent entries of variance weight_scale^2 / H, so by the circular law its
    eigenvalues fill a disc of radius about ``weight_scale``. W_x has variance 1 / I, W_f 1 / H,
    the recurrent bias bias_scale^2; the readout's bias is zero. Networks that differ only in
    scales or nonlinearity, from generators in the same state, share the underlying numbers.

    Args:
        hidden_size: H, units of each layer.
        weight_scale: standard deviation of the entries of W_h times sqrt(H).
        generator: source of all random numbers.
        input_size: I, features per step. Default: ``1``.
        bias_scale: standard deviation of the recurrent bias. Default: ``0.0``.
        nonlinearity: as for :class:`RNNLayer`. Default: ``"tanh"``.
        num_layers: L, layers stacked. Default: ``1``.
        dtype: of the parameters. Default: ``torch.float64``.

    >>> from eigenlab.spectrum import spectral_radius
    >>> model = gaussian_rnn(400, weight_scale=0.9, generator=torch.Generator().manual_seed(0))
    >>> round(float(spectral_radius(model.recurrent.layers[0].W_h.detach())), 1)
    0.9
    """
    model = RecurrentRegressor(RNN(input_size, hidden_size, num_layers, nonlinearity, dtype=dtype))
    _draw(model, weight_scale, bias_scale, generator)
    return model


def gaussian_lstm(
    hidden_size: int,
    *,
    weight_scale: float,
    generator: torch.Generator,
    input_size: int = 1,
    bias_scale: float = 0.0,
    num_layers: int = 1,
    dtype: torch.dtype = torch.float64,
) -> RecurrentRegressor:
    """Return a regressor on an LSTM with one output and normal weights (question 1h).

    Every block of W_h has independent entries of variance weight_scale^2 / H, W_x 1 / I, W_f 1 / H,
    the biases of all gates bias_scale^2; the readout's bias is zero.

    Args:
        hidden_size: H, units of each layer.
        weight_scale: standard deviation of the entries of W_h times sqrt(H).
        generator: source of all random numbers.
        input_size: I, features per step. Default: ``1``.
        bias_scale: standard deviation of the gates' biases. Default: ``0.0``.
        num_layers: L, layers stacked. Default: ``1``.
        dtype: of the parameters. Default: ``torch.float64``.

    >>> model = gaussian_lstm(4, weight_scale=0.9, generator=torch.Generator().manual_seed(0))
    >>> model.recurrent.layers[0].W_h.shape
    torch.Size([16, 4])
    """
    model = RecurrentRegressor(LSTM(input_size, hidden_size, num_layers, dtype=dtype))
    _draw(model, weight_scale, bias_scale, generator)
    return model


def _draw(
    model: RecurrentRegressor, weight_scale: float, bias_scale: float, generator: torch.Generator
) -> None:
    """Draw all weights; those of unit scale come first, so that scales do not change the draw."""
    with torch.no_grad():
        for layer in model.layers:
            hidden_size = layer.W_h.shape[1]
            layer.W_h.normal_(0, 1 / math.sqrt(hidden_size), generator=generator)
            layer.W_x.normal_(0, 1 / math.sqrt(layer.input_size), generator=generator)
            layer.b.normal_(0, 1, generator=generator)
            layer.W_h.mul_(weight_scale)
            layer.b.mul_(bias_scale)
        readout = model.readout
        readout.weight.normal_(0, 1 / math.sqrt(readout.in_features), generator=generator)
        readout.bias.zero_()


def with_spectral_radius(matrix: Tensor, radius: float) -> Tensor:
    """Return ``matrix``, (n, n), rescaled to the spectral radius ``radius``.

    Raises :class:`~eigenlab.errors.InputError` for a nilpotent matrix, whose radius stays zero.

    >>> with_spectral_radius(torch.diag(torch.tensor([1.0, -4.0])), 0.5)
    tensor([[ 0.1250,  0.0000],
            [ 0.0000, -0.5000]])
    """
    present = torch.linalg.eigvals(matrix).abs().max()
    if not present > 0:
        raise InputError("matrix has spectral radius 0; no multiple of it has another one")
    return matrix * (radius / present)
