"""Models, functions and data with known values that checks pass to a student's code.

They are built in the student's process too, so that its autograd, optimizers and ``isinstance``
see the real things. Nothing here says what a right solution returns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def identity(values: Tensor) -> Tensor:
    """The nonlinearity of a linear network."""
    return values


class ConstantLayer(nn.Module):
    """A tanh layer whose parameters are all -0.1, for models that take a recurrent network."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.W_h = nn.Parameter(torch.full((hidden_size, hidden_size), -0.1))
        self.W_x = nn.Parameter(torch.full((hidden_size, input_size), -0.1))
        self.b = nn.Parameter(torch.full((hidden_size,), -0.1))

    @property
    def arguments(self) -> tuple[int, int]:
        """What ``__init__`` took."""
        return self.input_size, self.hidden_size

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """All hidden states (B, T, H) and the last one (B, H)."""
        h, states = x.new_zeros(len(x), self.hidden_size), []
        for x_t in x.unbind(1):
            h = torch.tanh(h @ self.W_h.T + x_t @ self.W_x.T + self.b)
            states.append(h)
        found = torch.stack(states, dim=1)
        return found, found[:, -1]


class Echo(nn.Module):
    """Returns its inputs as hidden states, and (h, c) as an LSTM does."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.input_size = self.hidden_size = size

    @property
    def arguments(self) -> tuple[int]:
        """What ``__init__`` took."""
        return (self.hidden_size,)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """``x`` itself, and its last step twice."""
        x = x if x.requires_grad else x.requires_grad_()
        return x, (x[:, -1], x[:, -1])


class Scores(nn.Module):
    """Logits from a table, a row for each letter; that of the last letter counts.

    The factor makes their gradients longer than those to which some clip.
    """

    arguments = ()
    FACTOR = 50.0

    def __init__(self) -> None:
        super().__init__()
        start = [[0.5, -1.0, 2.0], [1.0, 0.0, -0.5], [-2.0, 0.3, 0.1], [0.2, 0.4, -0.6]]
        self.table = nn.Parameter(torch.tensor(start) / self.FACTOR)

    def forward(self, x: Tensor, last_pos: Tensor) -> Tensor:
        """Logits (B, 3)."""
        return self.FACTOR * self.table[x[torch.arange(len(x)), last_pos]]


class Modes(nn.Module):
    """Logits that are right for five names of eight in eval mode, for two in training mode."""

    arguments = ()

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, last_pos: Tensor) -> Tensor:
        """Logits (B, 3)."""
        chosen = x[torch.arange(len(x)), last_pos]
        if self.training:
            chosen = (chosen + (torch.arange(len(x)) % 4 > 0)) % 3
        others = torch.arange(3) == (chosen[:, None] + 1) % 3
        return 2.0 * F.one_hot(chosen, 3) - 3.0 * others + self.unused


class ModeDependentEncoder(nn.Module):
    """Encodes a sample by its first two features, and by their negatives in training mode."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)
        with torch.no_grad():
            self.linear.weight.copy_(torch.eye(2, 4))
            self.linear.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Codes (n, 2)."""
        return self.linear(x) * (-1 if self.training else 1)


class KnownModel(nn.Module):
    """An autoencoder with that encoder."""

    arguments = ()

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = ModeDependentEncoder(), nn.Linear(2, 4)

    def encode(self, x: Tensor) -> Tensor:
        """Codes (n, 2)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Reconstructions (n, 4)."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions (n, 4)."""
        return self.decoder(self.encoder(x))

    def get_loss(self, x: Tensor) -> Tensor:
        """The squared error."""
        return (self(x) - x).square().sum(1).mean()


class Split(NamedTuple):
    """Samples (n, 4) and labels (n,)."""

    x: Tensor
    y: Tensor


class Splits(NamedTuple):
    """Training, validation and test samples."""

    train: Split
    validation: Split
    test: Split


class Recorder(nn.Module):
    """An activation that lets pass and records what it is given; see :func:`recorder`."""

    calls: list[tuple[int, Tensor]]

    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__()

    def forward(self, h: Tensor) -> Tensor:
        """``h`` itself."""
        self.calls.append((id(self), h.detach().clone()))
        return h


def recorder() -> type[Recorder]:
    """A class of activations with a list of its own of (which activation, what it was given)."""
    return type("Recorder", (Recorder,), {"calls": []})


def linear_recurrence(
    W_h: Tensor, W_f: Tensor, inputs: Tensor, y: Tensor, last: bool
) -> tuple[list[Tensor], Tensor]:
    """States of h_t = W_h h_{t-1} + x_t, in autograd's graph, and the loss of their readout."""
    h, states = torch.zeros(inputs.shape[1:], requires_grad=True), []
    for x_t in inputs:
        h = h @ W_h.T + x_t
        states.append(h)
    errors = (torch.stack(states) @ W_f.T - y)[-1 if last else 0 :]
    return states, errors.square().mean()


def applied(function: Callable[..., Any], build: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*build(*arguments))``; a function in another process builds them there.

    Values whose graph of autograd the student's code reads have to be built where it runs.
    """
    remote = getattr(function, "applied", None)
    return remote(build, *arguments) if remote else function(*build(*arguments))


FUNCTIONS = {f.__name__: f for f in (identity, linear_recurrence)}
MODELS = {c.__name__: c for c in (ConstantLayer, Echo, Scores, Modes, KnownModel, nn.Linear)}
RECORDS: dict[str, type[Any]] = {c.__name__: c for c in (Split, Splits)}


def arguments_of(model: Any) -> tuple[int, ...]:
    """What rebuilds a model of :data:`MODELS`."""
    if type(model) is nn.Linear:
        return model.in_features, model.out_features
    return tuple(model.arguments)


class State(NamedTuple):
    """Everything about a model that code may change and that checks look at."""

    values: list[Tensor]
    gradients: list[Tensor | None]
    trained: list[bool]
    modes: list[bool]

    def equals(self, other: State) -> bool:
        """Whether nothing differs."""
        return (
            self.trained == other.trained
            and self.modes == other.modes
            and all(map(_same, self.values, other.values))
            and all(map(_same, self.gradients, other.gradients))
        )


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and bool(torch.equal(a, b))


def state_of(model: nn.Module) -> State:
    """Copies of a model's parameters and gradients, which are trained, and the modes."""
    parameters = list(model.parameters())
    return State(
        [p.detach().clone() for p in parameters],
        [None if p.grad is None else p.grad.detach().clone() for p in parameters],
        [p.requires_grad for p in parameters],
        [module.training for module in model.modules()],
    )


def set_state(model: nn.Module, state: State) -> None:
    """Give a model another state of the same shapes; ValueError where they differ."""
    parameters, modules = list(model.parameters()), list(model.modules())
    lengths = {len(state.values), len(state.gradients), len(state.trained)}
    if lengths != {len(parameters)} or len(modules) != len(state.modes):
        raise ValueError("another number of parameters or modules")
    for p, value, grad in zip(parameters, state.values, state.gradients, strict=True):
        if any(t is not None and (t.shape, t.dtype) != (p.shape, p.dtype) for t in (value, grad)):
            raise ValueError("a parameter of another shape or type")
    everything = zip(parameters, state.values, state.gradients, state.trained, strict=True)
    for p, value, grad, trained in everything:
        p.data.copy_(value)
        p.requires_grad_(trained)
        p.grad = grad
    for module, mode in zip(modules, state.modes, strict=True):
        module.training = mode
