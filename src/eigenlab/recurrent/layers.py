"""Recurrent layers and stacks of them, batch first.

Shapes use B for batch, T for length (at least 1), I for ``input_size``, H for ``hidden_size`` and
L for ``num_layers``. Every layer has **one** bias (``torch.nn`` has two whose sum is all that
matters); parameters start uniform in +-1/sqrt(H), as in ``torch.nn``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.nonlinearity import Nonlinearity, check_nonlinearity
from eigenlab.recurrent.unroll import unroll_lstm, unroll_rnn


class _Layer(nn.Module):
    """W_h (R, H), W_x (R, I) and b (R,), where R counts the rows of all gates."""

    gates = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        check_sizes(input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size = input_size, hidden_size
        rows = self.gates * hidden_size
        self.W_h = nn.Parameter(torch.empty(rows, hidden_size, dtype=dtype, device=device))
        self.W_x = nn.Parameter(torch.empty(rows, input_size, dtype=dtype, device=device))
        self.b = nn.Parameter(torch.empty(rows, dtype=dtype, device=device))
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Draw every parameter uniform in +-1/sqrt(hidden_size).

        Args:
            generator: source of randomness, on any device. Default: ``None``, torch's global one.
        """
        draw_uniform(self.parameters(), 1 / math.sqrt(self.hidden_size), generator)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return f"{self.input_size}, {self.hidden_size}"

    def _initial(self, state: Tensor | None, x: Tensor, name: str) -> Tensor:
        shape = (x.shape[0], self.hidden_size)
        if state is None:
            return x.new_zeros(shape)
        if tuple(state.shape) != shape:
            raise InputError(
                f"{name} has shape {tuple(state.shape)}, expected (batch, hidden_size) = {shape}"
            )
        return state


class RNNLayer(_Layer):
    r"""One recurrent layer, h_t = sigma(W_h h_{t-1} + W_x x_t + b) (question 1a).

    .. math::

        h_t = \sigma(W_h h_{t-1} + W_x x_t + b), \qquad h_0 = 0

    Args:
        input_size: I, features per step.
        hidden_size: H, units.
        nonlinearity: ``"tanh"``, ``"relu"``, ``"identity"``, or any differentiable elementwise
            function of a tensor (this last runs as a plain loop under autograd).
            Default: ``"tanh"``.
        dtype: floating type of the parameters. Default: torch's default type.
        device: device of the parameters. Default: torch's default device.

    Parameters are ``W_h`` (H, H), ``W_x`` (H, I) and ``b`` (H,).

    >>> layer = RNNLayer(1, 1)
    >>> for parameter in layer.parameters():
    ...     _ = torch.nn.init.constant_(parameter, 0.1)
    >>> hidden, last = layer(torch.ones(1, 1, 1))
    >>> round(last.item(), 6)
    0.197375
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        nonlinearity: Nonlinearity = "tanh",
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        check_nonlinearity(nonlinearity)
        super().__init__(input_size, hidden_size, dtype, device)
        self.nonlinearity = nonlinearity

    def extra_repr(self) -> str:
        """Sizes and nonlinearity, for ``print``."""
        return f"{super().extra_repr()}, nonlinearity={self.nonlinearity!r}"

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a batch of sequences.

        Args:
            x: inputs (B, T, I) in the dtype of the parameters, T >= 1.
            h0: state before the first step, (B, H). Default: zeros.

        Returns:
            All hidden states (B, T, H) and the last one (B, H).

        Raises:
            InputError: wrong shape, size or dtype, or an empty sequence.
        """
        check_input(x, self.input_size, self.W_h.dtype)
        h0 = self._initial(h0, x, "h0")
        states = unroll_rnn(x.transpose(0, 1), h0, self.W_x, self.W_h, self.b, self.nonlinearity)
        return states.transpose(0, 1), states[-1]


class LSTMLayer(_Layer):
    r"""One LSTM layer with the gates i, f, g, o stacked in the rows, as in ``torch.nn.LSTM``.

    .. math::

        c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)

    c_t = f * c_{t-1} + i * g and h_t = o * tanh(c_t), where i, f, o are logistic and g is tanh of
    W_h h_{t-1} + W_x x_t + b (question 1h).

    Args:
        input_size: I, features per step.
        hidden_size: H, units.
        dtype: floating type of the parameters. Default: torch's default type.
        device: device of the parameters. Default: torch's default device.

    Parameters are ``W_h`` (4H, H), ``W_x`` (4H, I) and ``b`` (4H,).

    >>> hidden, (h, c) = LSTMLayer(3, 5)(torch.zeros(2, 4, 3))
    >>> hidden.shape, h.shape, c.shape
    (torch.Size([2, 4, 5]), torch.Size([2, 5]), torch.Size([2, 5]))
    """

    gates = 4

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run over a batch of sequences.

        Args:
            x: inputs (B, T, I) in the dtype of the parameters, T >= 1.
            state: (h_0, c_0), each (B, H). Default: zeros.

        Returns:
            All hidden states (B, T, H) and (h_T, c_T), each (B, H).

        Raises:
            InputError: wrong shape, size or dtype, or an empty sequence.
        """
        check_input(x, self.input_size, self.W_h.dtype)
        h0, c0 = state if state is not None else (None, None)
        h0, c0 = self._initial(h0, x, "h_0"), self._initial(c0, x, "c_0")
        states, c_last = unroll_lstm(x.transpose(0, 1), h0, c0, self.W_x, self.W_h, self.b)
        return states.transpose(0, 1), (states[-1], c_last)


class RNN(nn.Module):
    """``num_layers`` :class:`RNNLayer` on top of each other: layer l reads layer l - 1's states.

    Args:
        input_size: I, features per step.
        hidden_size: H, units of each layer.
        num_layers: L, layers stacked. Default: ``1``.
        nonlinearity: of every layer, as for :class:`RNNLayer`. Default: ``"tanh"``.
        dtype: floating type of the parameters. Default: torch's default type.
        device: device of the parameters. Default: torch's default device.

    >>> hidden, last = RNN(2, 3, num_layers=2)(torch.zeros(1, 4, 2))
    >>> hidden.shape, last.shape
    (torch.Size([1, 4, 3]), torch.Size([2, 1, 3]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Nonlinearity = "tanh",
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        check_sizes(num_layers=num_layers)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers, self.nonlinearity = num_layers, nonlinearity
        self.layers = nn.ModuleList(
            RNNLayer(size, hidden_size, nonlinearity, dtype, device)
            for size in (input_size, *[hidden_size] * (num_layers - 1))
        )

    def forward(self, x: Tensor, h0: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Run over a batch of sequences.

        Args:
            x: inputs, (B, T, I).
            h0: states before the first step, (L, B, H). Default: zeros.

        Returns:
            The last layer's states (B, T, H) and every layer's last step (L, B, H).

        Raises:
            InputError: as :meth:`RNNLayer.forward`.
        """
        h0 = _per_layer(h0, self.num_layers, "h0")
        last = []
        for layer, initial in zip(self.layers, h0, strict=True):
            x, final = layer(x, initial)
            last.append(final)
        return x, torch.stack(last)


class LSTM(nn.Module):
    """``num_layers`` :class:`LSTMLayer` on top of each other.

    Args:
        input_size: I, features per step.
        hidden_size: H, units of each layer.
        num_layers: L, layers stacked. Default: ``1``.
        dtype: floating type of the parameters. Default: torch's default type.
        device: device of the parameters. Default: torch's default device.

    >>> hidden, (h, c) = LSTM(2, 3, num_layers=2)(torch.zeros(1, 4, 2))
    >>> hidden.shape, h.shape, c.shape
    (torch.Size([1, 4, 3]), torch.Size([2, 1, 3]), torch.Size([2, 1, 3]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
    ) -> None:
        super().__init__()
        check_sizes(num_layers=num_layers)
        self.input_size, self.hidden_size = input_size, hidden_size
        self.num_layers = num_layers
        self.layers = nn.ModuleList(
            LSTMLayer(size, hidden_size, dtype, device)
            for size in (input_size, *[hidden_size] * (num_layers - 1))
        )

    def forward(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Run over a batch of sequences.

        Args:
            x: inputs, (B, T, I).
            state: (h_0, c_0) before the first step, each (L, B, H). Default: zeros.

        Returns:
            The last layer's states (B, T, H) and (h_T, c_T), each (L, B, H).

        Raises:
            InputError: as :meth:`LSTMLayer.forward`.
        """
        h0, c0 = state if state is not None else (None, None)
        h0, c0 = _per_layer(h0, self.num_layers, "h_0"), _per_layer(c0, self.num_layers, "c_0")
        last_h, last_c = [], []
        for layer, h, c in zip(self.layers, h0, c0, strict=True):
            initial = (h, c) if h is not None and c is not None else None
            x, (h_final, c_final) = layer(x, initial)
            last_h.append(h_final)
            last_c.append(c_final)
        return x, (torch.stack(last_h), torch.stack(last_c))


def draw_uniform(
    parameters: Iterable[Tensor], bound: float, generator: torch.Generator | None
) -> None:
    """Draw parameters uniform in +-bound, on the generator's device where that is another one."""
    for parameter in parameters:
        if generator is None or generator.device.type == parameter.device.type:
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        else:
            drawn = torch.empty_like(parameter, device=generator.device)
            with torch.no_grad():
                parameter.copy_(drawn.uniform_(-bound, bound, generator=generator))


def _per_layer(state: Tensor | None, num_layers: int, name: str) -> Any:
    if state is None:
        return [None] * num_layers
    if state.ndim != 3 or state.shape[0] != num_layers:
        raise InputError(
            f"{name} has shape {tuple(state.shape)}, expected "
            f"(num_layers, batch, hidden_size) with num_layers={num_layers}"
        )
    return state.unbind(0)


def check_sizes(**sizes: int) -> None:
    """Raise :class:`~eigenlab.errors.InputError` unless every size is a positive integer."""
    for name, size in sizes.items():
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise InputError(f"{name}={size!r} must be an integer of at least 1")


def check_input(x: Tensor, input_size: int, dtype: torch.dtype) -> None:
    """Raise :class:`~eigenlab.errors.InputError` unless ``x`` is a (B, T, I) batch of numbers."""
    if x.ndim != 3 or x.shape[-1] != input_size:
        raise InputError(
            f"x has shape {tuple(x.shape)}, expected (batch, length, input_size) with "
            f"input_size={input_size}; add a batch axis with x.unsqueeze(0) if it lacks one"
        )
    if x.shape[1] == 0 or x.shape[0] == 0:
        raise InputError(f"x has shape {tuple(x.shape)}; batch and length must be at least 1")
    cast = x.is_floating_point() and torch.is_autocast_enabled(x.device.type)
    if x.dtype != dtype and not cast:
        raise InputError(f"x has dtype {x.dtype}, the parameters {dtype}; use x.to({dtype})")
