"""Random networks whose every number comes from one generator."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from torch import Tensor, nn

from eigenlab.recurrent import RNN, RecurrentRegressor, RNNLayer
from eigenlab.recurrent.nonlinearity import Nonlinearity


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
    """A regressor with one output and normal weights.

    W_h has independent entries of variance weight_scale^2 / H, so by the circular law its
    eigenvalues fill a disc of radius about ``weight_scale``. W_x has variance 1 / I, W_f 1 / H,
    the recurrent bias bias_scale^2; the readout's bias is zero. Networks that differ only in
    scales or nonlinearity, from generators in the same state, share the underlying numbers.
    """
    recurrent = RNN(input_size, hidden_size, num_layers, nonlinearity, dtype=dtype)
    model = RecurrentRegressor(recurrent)
    with torch.no_grad():
        for layer in layers_of(model):
            layer.W_h.normal_(0, 1 / math.sqrt(hidden_size), generator=generator)
            layer.W_x.normal_(0, 1 / math.sqrt(layer.input_size), generator=generator)
            layer.b.normal_(0, 1, generator=generator)
            layer.W_h.mul_(weight_scale)
            layer.b.mul_(bias_scale)
        model.readout.weight.normal_(0, 1 / math.sqrt(hidden_size), generator=generator)
        model.readout.bias.zero_()
    return model


def with_spectral_radius(matrix: Tensor, radius: float) -> Tensor:
    """Return ``matrix`` rescaled to the given spectral radius."""
    return matrix * (radius / torch.linalg.eigvals(matrix).abs().max())


def layers_of(model: RecurrentRegressor) -> list[RNNLayer]:
    """The layers of a regressor on an ``RNN``, bottom first."""
    return list(cast(Any, model.recurrent).layers)


def redraw(model: nn.Module, generator: torch.Generator) -> None:
    """Initialise a regressor as ``torch.nn`` would: everything uniform in +-1/sqrt(hidden_size)."""
    bound = 1 / math.sqrt(int(model.recurrent.hidden_size))  # type: ignore[union-attr, arg-type]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-bound, bound, generator=generator)
