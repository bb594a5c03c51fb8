"""A student's own recurrent model: copied, rescaled, run and traced, and never changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent import GradientTrace, RNNLayer, trace_gradients
from eigenlab.recurrent.named_states import NamedStates
from eigenlab.recurrent.observe import RECURRENT

#: Names of activations, the function and the module that a student may have.
ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], type[nn.Module]]] = {
    "tanh": (torch.tanh, nn.Tanh),
    "relu": (torch.relu, nn.ReLU),
    "identity": (lambda values: values, nn.Identity),
}
SHAPES = (
    "expected a model that returns (out, all_h), out (B, T, O) and all_h (B, T, H), or a recurrent "
    "network that returns all_h (B, T, H) first"
)


class WithReadout(nn.Module):
    """A bare recurrent network and a random readout of one output.

    Args:
        network: returns all hidden states (B, T, H), or (T, B, H) where its ``batch_first`` is
            false, as its first output.
        hidden_size: H.
    """

    def __init__(self, network: nn.Module, hidden_size: int) -> None:
        super().__init__()
        self.network, self.readout = network, nn.Linear(hidden_size, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Predictions (B, T, 1) and hidden states (B, T, H)."""
        if getattr(self.network, "batch_first", True):
            states = self.network(x)[0]
        else:
            states = self.network(x.transpose(0, 1))[0].transpose(0, 1)
        return self.readout(states), states


def as_model(module: nn.Module, input_size: int) -> nn.Module:
    """A copy of the module that returns (out, all_h): with a readout if it has none.

    Args:
        module: the student's.
        input_size: I, features per step.

    Raises:
        InputError: it does not run, or returns something else.
    """
    model = copied(module)
    outputs = _run(model, torch.zeros(2, 5, input_size, dtype=dtype_of(model)))
    first = outputs[0] if isinstance(outputs, tuple | list) and outputs else None
    if not isinstance(first, Tensor) or first.ndim != 3:
        raise InputError(f"model returned {_described(outputs)}; {SHAPES}")
    second = outputs[1] if len(outputs) > 1 else None
    if isinstance(second, Tensor) and second.ndim == 3 and second.shape[:2] == (2, 5):
        return model
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return WithReadout(model, first.shape[-1]).to(dtype_of(model))


def _run(model: nn.Module, x: Tensor) -> Any:
    try:
        with torch.enable_grad():
            return model(x)
    except NotImplementedError as error:
        raise InputError(f"model still has to be written: {error}") from error
    except Exception as error:  # a student's code may raise anything
        raise InputError(
            f"model(x) raised {type(error).__name__} for x of shape {tuple(x.shape)}: {error}; "
            "give input_size= if the model reads another number of features"
        ) from error


def _described(outputs: Any) -> str:
    if isinstance(outputs, tuple | list):
        return "(" + ", ".join(_described(value) for value in outputs) + ")"
    return f"{tuple(outputs.shape)}" if isinstance(outputs, Tensor) else type(outputs).__name__


def dtype_of(model: nn.Module) -> torch.dtype:
    """Floating type of the parameters."""
    floating = (p.dtype for p in model.parameters() if p.is_floating_point())
    return next(floating, torch.get_default_dtype())


def copied(module: nn.Module) -> nn.Module:
    """A deep copy; states that a forward pass has kept lose their graph, which cannot be copied."""
    known = {
        id(tensor): tensor.detach()
        for part in module.modules()
        for tensor in _tensors(vars(part))
        if not tensor.is_leaf
    }
    try:
        return copy.deepcopy(module, known)
    except Exception as error:
        raise InputError(f"model cannot be copied (copy.deepcopy): {error}") from error


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)


def scale(model: nn.Module, x: Tensor, weight_scale: float, bias_scale: float) -> None:
    """Multiply the recurrent part's weights and biases, in place.

    The recurrent part is every parameter that the hidden states depend on; the readout stays. A
    bias is a parameter with one axis, or a row or column that moves the first state although its
    input is zero.

    Args:
        model: returns (out, all_h).
        x: inputs, (B, T, I).
        weight_scale: factor of the weights.
        bias_scale: factor of the biases.
    """
    if weight_scale == bias_scale == 1:
        return
    parameters = [p for p in model.parameters() if p.requires_grad]
    at_zero = _gradients(model, torch.zeros_like(x[:1, :1]), parameters)
    used = _gradients(model, x, parameters)
    with torch.no_grad():
        for parameter, first, found in zip(parameters, at_zero, used, strict=True):
            if found is None:
                continue
            row = parameter.numel() == max(parameter.shape, default=1)
            bias = parameter.ndim < 2 or (row and first is not None and bool(first.any()))
            parameter.mul_(bias_scale if bias else weight_scale)


def _gradients(model: nn.Module, x: Tensor, parameters: list[nn.Parameter]) -> Any:
    states = _run(model, x)[1]
    return torch.autograd.grad(states.sum(), parameters, allow_unused=True)


def set_activation(model: nn.Module, name: str) -> None:
    """Replace the attribute ``nonlinearity`` of every part that has one, in place."""
    function, module = ACTIVATIONS[name]
    for part in model.modules():
        present = getattr(part, "nonlinearity", None)
        if isinstance(part, RNNLayer):
            part.nonlinearity = name
        elif isinstance(present, nn.Module):
            part.nonlinearity = module()
        elif callable(present):
            part.nonlinearity = function  # type: ignore[assignment]


def has_activation(model: nn.Module, input_size: int) -> bool:
    """Whether the model calls its attribute ``nonlinearity``: another one then has an effect."""
    x = torch.randn(2, 4, input_size, dtype=dtype_of(model), generator=torch.Generator())
    states = []
    for name in ACTIVATIONS:
        changed = copied(model)
        set_activation(changed, name)
        states.append(_run(changed, x)[1].detach())
    return not torch.equal(states[0], states[2]) or not torch.equal(states[1], states[2])


def trace(model: nn.Module, x: Tensor, y: Tensor, last_step_only: bool) -> GradientTrace:
    """The gradients through time of a model that returns (out, all_h)."""
    if runs_known_layers(model):
        return trace_gradients(model, x, y, last_step_only)

    def states(outputs: Any) -> Any:
        return kept_states(model, outputs[1])

    try:
        return trace_gradients(model, x, y, last_step_only, recurrent=model, states=states)
    except InputError as error:
        raise InputError(
            f"the hidden states cannot be followed: {error} (collect them in a list h_list, return "
            "torch.stack(h_list, dim=1); with ReLU, no unit may be active)"
        ) from error


def runs_known_layers(model: nn.Module) -> bool:
    """Whether the model has layers of torch or eigenlab, whose weights are known."""
    return any(isinstance(part, RECURRENT) for part in model.modules())


def kept_states(model: nn.Module, all_h: Tensor) -> Any:
    """The list ``h_list`` of the part that returned ``all_h``, or ``all_h``."""
    for part in model.modules():
        kept = getattr(part, "h_list", None)
        if isinstance(kept, list) and len(kept) == all_h.shape[1]:
            stacked = torch.stack(kept, dim=1)
            if stacked.shape == all_h.shape and torch.equal(stacked, all_h):
                return kept
    return all_h


def pairwise_norms(model: nn.Module, x: Tensor, y: Tensor, traced: GradientTrace) -> Tensor:
    """|dL_k/dh_t| of the top layer at ``[k, t]``, (T, T), as ``traced.pairwise_norms[-1]``.

    For a recurrence written by hand the trace takes a backward pass for each k; here one pass
    carries them side by side, where autograd can batch the model's operations.
    """
    if not runs_known_layers(model):
        out, all_h = model(x)[:2]
        losses = (out - y).square().mean(dim=(0, 2))
        edges = NamedStates("", kept_states(model, all_h)).edges
        rows = torch.eye(len(losses), dtype=losses.dtype)
        try:
            found = torch.autograd.grad(losses, edges, rows, is_grads_batched=True)
        except RuntimeError:  # an operation of the student's that cannot be batched
            return traced.pairwise_norms[-1]
        return torch.stack([gradient.norm(dim=-1).mean(dim=-1) for gradient in found], dim=1)
    return traced.pairwise_norms[-1]


def jacobian(model: nn.Module, x: Tensor) -> Tensor:
    """dh_T/dh_{T-1} of the top layer for the first sequence, (H, H).

    Without a nonlinearity it is W_h of a plain layer.
    """
    all_h = _run(model, x[:1])[1]
    states = NamedStates(type(model).__name__, kept_states(model, all_h))
    before = states.edges[-2]
    rows = [
        torch.autograd.grad(unit, [before], retain_graph=True, allow_unused=True)[0]
        for unit in all_h[0, -1]
    ]
    return torch.stack([torch.zeros_like(all_h[0, -1]) if r is None else r[0] for r in rows])
