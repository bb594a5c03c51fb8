"""To and from ``torch.nn.RNN`` and ``torch.nn.LSTM``."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from eigenlab.errors import InputError
from eigenlab.recurrent.layers import LSTM, RNN, LSTMLayer, RNNLayer


def from_torch(module: nn.RNN | nn.LSTM) -> RNN | LSTM:
    """Copy a ``torch.nn.RNN`` or ``torch.nn.LSTM`` into ours; its two biases are summed.

    The copy is batch first whatever ``module.batch_first`` is.

    Raises:
        InputError: another kind of module, a bidirectional one, or one with ``proj_size``.

    >>> ours = from_torch(nn.RNN(2, 3, num_layers=2))
    >>> ours
    RNN(
      (layers): ModuleList(
        (0): RNNLayer(2, 3, nonlinearity='tanh')
        (1): RNNLayer(3, 3, nonlinearity='tanh')
      )
    )
    """
    if not isinstance(module, nn.RNN | nn.LSTM):
        raise InputError(
            f"module is a {type(module).__name__}, expected torch.nn.RNN or torch.nn.LSTM"
        )
    if module.bidirectional or module.proj_size:
        raise InputError(
            f"bidirectional={module.bidirectional} and proj_size={module.proj_size}; eigenlab's "
            "layers have one direction and no projection"
        )
    sizes = (module.input_size, module.hidden_size, module.num_layers)
    first = module.weight_ih_l0
    options: dict[str, Any] = {"dtype": first.dtype, "device": first.device}
    ours: RNN | LSTM
    if isinstance(module, nn.LSTM):
        ours = LSTM(*sizes, **options)
    else:
        ours = RNN(*sizes, nonlinearity=module.nonlinearity, **options)
    with torch.no_grad():
        for index in range(module.num_layers):
            for name, source in (("W_x", "weight_ih"), ("W_h", "weight_hh")):
                value = getattr(module, f"{source}_l{index}")
                ours.get_parameter(f"layers.{index}.{name}").copy_(value)
            bias = ours.get_parameter(f"layers.{index}.b").zero_()
            if module.bias:
                bias += getattr(module, f"bias_ih_l{index}") + getattr(module, f"bias_hh_l{index}")
    return ours


def to_torch(module: RNNLayer | LSTMLayer | RNN | LSTM) -> nn.RNN | nn.LSTM:
    """Copy ours into a batch-first ``torch.nn`` module, whose second bias is set to zero.

    Raises:
        InputError: another kind of module, or a nonlinearity that ``torch.nn.RNN`` lacks.

    >>> to_torch(RNNLayer(2, 3))
    RNN(2, 3, batch_first=True)
    """
    layers = list(module.layers) if isinstance(module, RNN | LSTM) else [module]
    first = layers[0]
    if not isinstance(first, RNNLayer | LSTMLayer):
        raise InputError(
            f"module is a {type(module).__name__}, expected RNNLayer, LSTMLayer, RNN or LSTM"
        )
    options: dict[str, Any] = {
        "num_layers": len(layers),
        "batch_first": True,
        "dtype": first.W_h.dtype,
        "device": first.W_h.device,
    }
    theirs: nn.RNN | nn.LSTM
    if isinstance(first, LSTMLayer):
        theirs = nn.LSTM(first.input_size, first.hidden_size, **options)
    elif first.nonlinearity in ("tanh", "relu"):
        options["nonlinearity"] = first.nonlinearity
        theirs = nn.RNN(first.input_size, first.hidden_size, **options)
    else:
        raise InputError(
            f"nonlinearity={first.nonlinearity!r} does not exist in torch.nn.RNN; "
            "it has tanh and relu"
        )
    with torch.no_grad():
        for index, layer in enumerate(layers):
            getattr(theirs, f"weight_ih_l{index}").copy_(layer.W_x)
            getattr(theirs, f"weight_hh_l{index}").copy_(layer.W_h)
            getattr(theirs, f"bias_ih_l{index}").copy_(layer.b)
            getattr(theirs, f"bias_hh_l{index}").zero_()
    return theirs
