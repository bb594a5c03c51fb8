"""Finding the recurrent part of anyone's model, and reading its weights layer by layer."""

from __future__ import annotations

from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.layers import LSTM, RNN, LSTMLayer, RNNLayer
from eigenlab.recurrent.tape import GRUTape, LSTMTape, RNNTape, Tape, Weights

OURS = (RNNLayer, LSTMLayer, RNN, LSTM)
SUPPORTED = "RNNLayer, LSTMLayer, RNN, LSTM, torch.nn.RNN, torch.nn.LSTM or torch.nn.GRU"


def find_recurrent(model: nn.Module) -> nn.Module:
    """Return the one recurrent module inside ``model`` (which may be ``model`` itself)."""
    found: list[nn.Module] = []

    def search(module: nn.Module) -> None:
        if isinstance(module, (*OURS, nn.RNNBase)):
            found.append(module)
            return
        for child in module.children():
            search(child)

    search(model)
    if len(found) != 1:
        raise InputError(
            f"model holds {len(found)} recurrent modules, expected one ({SUPPORTED}); "
            "name the one to trace with recurrent="
        )
    return found[0]


def layer_tapes(recurrent: nn.Module) -> list[tuple[type[Tape], Weights]]:
    """The kind and a copy of the weights of every layer, bottom first.

    Raises :class:`~eigenlab.errors.InputError` for what the trace does not cover: bidirectional
    networks, projections, and dropout between layers while training.
    """
    if isinstance(recurrent, RNN | LSTM):
        return [pair for layer in recurrent.layers for pair in layer_tapes(layer)]
    if isinstance(recurrent, RNNLayer):
        return [(RNNTape, _ours(recurrent, recurrent.nonlinearity))]
    if isinstance(recurrent, LSTMLayer):
        return [(LSTMTape, _ours(recurrent, "tanh"))]
    if isinstance(recurrent, nn.RNNBase):
        _check_supported(recurrent)
        return [_torch_layer(recurrent, layer) for layer in range(recurrent.num_layers)]
    raise InputError(f"recurrent is a {type(recurrent).__name__}, expected {SUPPORTED}")


def _ours(layer: RNNLayer | LSTMLayer, nonlinearity: object) -> Weights:
    return Weights(
        _copy(layer.W_x),
        _copy(layer.W_h),
        _copy(layer.b),
        nonlinearity=nonlinearity,  # type: ignore[arg-type]
    )


def _copy(parameter: Tensor) -> Tensor:
    """A copy, so that a trace read after the next training step still belongs to this one."""
    return parameter.detach().clone()


def _check_supported(recurrent: nn.RNNBase) -> None:
    if recurrent.bidirectional:
        raise InputError("a bidirectional network has no single direction of time to trace")
    if recurrent.proj_size:
        raise InputError(f"proj_size={recurrent.proj_size} is not supported; use proj_size=0")
    if recurrent.dropout and recurrent.training:
        raise InputError(
            f"dropout={recurrent.dropout} between layers makes each run different; "
            "call model.eval() before tracing"
        )


def _torch_layer(recurrent: nn.RNNBase, layer: int) -> tuple[type[Tape], Weights]:
    w_x: Tensor = _copy(getattr(recurrent, f"weight_ih_l{layer}"))
    w_h: Tensor = _copy(getattr(recurrent, f"weight_hh_l{layer}"))
    zero = w_x.new_zeros(w_x.shape[0])
    b = _copy(getattr(recurrent, f"bias_ih_l{layer}")) if recurrent.bias else zero
    b_h = _copy(getattr(recurrent, f"bias_hh_l{layer}")) if recurrent.bias else zero
    if recurrent.mode == "GRU":
        return GRUTape, Weights(w_x, w_h, b, b_h)
    if recurrent.mode == "LSTM":
        return LSTMTape, Weights(w_x, w_h, b + b_h)
    return RNNTape, Weights(w_x, w_h, b + b_h, nonlinearity=recurrent.mode[4:].lower())
