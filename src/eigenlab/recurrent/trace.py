"""Where do the gradients of a recurrent network go? (questions 1d to 1h)

The recurrent part of the model is run by the hand-written backward pass, which yields dL/dh_t at
every step and layer; what stands above it is read by :mod:`eigenlab.recurrent.head`. So a user's
own model needs no change.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.adapters import find_recurrent
from eigenlab.recurrent.closed_form import linear_gradients
from eigenlab.recurrent.head import Head, Loss
from eigenlab.recurrent.tape import RNNTape, Tape
from eigenlab.spectrum import eigenvalues, lyapunov_exponents


class GradientTrace:
    """Hidden states and their gradients, step by step and layer by layer.

    Made by :func:`trace_gradients`. Axes: L layers (bottom first), B batch, T steps, H hidden size,
    G recurrent blocks (gates). All tensors are detached and keep the model's dtype. *Norms* are
    Euclidean over the hidden units of one sequence, then averaged over the batch. A gradient is
    that of the loss as given, so with a mean over B sequences each row carries a factor 1/B.

    Attributes:
        loss: the traced loss, a float.
        step_losses: L_k (T,), the loss at each step k alone, or None for a custom loss.
        hidden: h_t (L, B, T, H).
        hidden_gradients: dL/dh_t (L, B, T, H), over every path.
        block_names: names of the recurrent blocks, ``("W_h",)`` or one per gate.
    """

    def __init__(self, head: Head) -> None:
        self._head, self._tapes = head, head.tapes
        tapes = head.tapes
        self.loss = float(head.loss)
        self.step_losses = head.step_losses
        self.block_names = tapes[0].block_names
        totals: list[Tensor] = []
        self._deltas: list[Tensor] = []
        grad = head.direct
        for tape in reversed(tapes):
            total, delta = tape.backward(grad)
            totals.insert(0, total)
            self._deltas.insert(0, delta)
            grad = delta @ tape.weights.w_x if tape is not tapes[0] else grad
        self.hidden = torch.stack([tape.hidden for tape in tapes]).transpose(1, 2)
        self.hidden_gradients = torch.stack(totals).transpose(1, 2)

    @cached_property
    def hidden_norms(self) -> Tensor:
        """|h_t|, (L, T)."""
        return _norms(self.hidden).mean(dim=1)

    @cached_property
    def gradient_norms(self) -> Tensor:
        """|dL/dh_t|, (L, T)."""
        return _norms(self.hidden_gradients).mean(dim=1)

    @cached_property
    def pairwise_norms(self) -> Tensor:
        """|dL_k/dh_t| at ``[layer, k, t]``, (L, T, T) (question 1g).

        It is zero for t > k, since L_k does not depend on a later h_t.
        One backward pass carries the gradients of all L_k side by side; memory grows with T B H,
        not with T^2 H. L_k is the loss at step k alone: the mean over batch and outputs of that
        step. A gradient that has shrunk to the edge of its dtype (1e-31 in float32) counts as zero.

        Raises :class:`~eigenlab.errors.InputError` for a custom loss or a head that mixes steps.
        """
        seeds = self._head.direct_per_step
        if seeds is None:
            raise InputError(
                "pairwise_norms needs a loss at every step: use the default loss and a model whose "
                "prediction at a step reads only that step's output"
            )
        with torch.no_grad():
            return _pairwise_norms(self._tapes, seeds)

    def weight_terms(self, layer: int = 0) -> dict[str, Tensor]:
        """Each step's term of the weight gradients; their sum over T is the gradient.

        Returns ``W_h`` (T, R, H), ``W_x`` (T, R, I) and ``b`` (T, R), where R counts the rows of
        all gates: dL/dW_h = sum_t delta_t h_{t-1}^T (question 1d).
        """
        tape, delta = self._layer(layer)
        return {
            "W_h": tape.recurrent_delta(delta).transpose(1, 2) @ tape.previous,
            "W_x": delta.transpose(1, 2) @ tape.x,
            "b": delta.sum(dim=1),
        }

    def weight_gradients(self, layer: int = 0) -> dict[str, Tensor]:
        """dL/dW_h (R, H), dL/dW_x (R, I) and dL/db (R,) of one layer."""
        tape, delta = self._layer(layer)
        w_x, w_h, b = tape.sums_over_time(delta)
        return {"W_h": w_h, "W_x": w_x, "b": b}

    def _layer(self, layer: int) -> tuple[Tape, Tensor]:
        if not 0 <= layer < len(self._tapes):
            raise InputError(
                f"layer={layer} is out of range; layers are 0 to {len(self._tapes) - 1}"
            )
        return self._tapes[layer], self._deltas[layer]

    @cached_property
    def eigenvalues(self) -> Tensor:
        """Eigenvalues of every recurrent block, complex (L, G, H), largest magnitude first."""
        return eigenvalues(torch.stack([tape.blocks for tape in self._tapes]))

    @cached_property
    def spectral_radius(self) -> Tensor:
        """Largest magnitude of an eigenvalue of each recurrent block, (L, G)."""
        return self.eigenvalues.abs().amax(dim=-1)

    @cached_property
    def closed_form_norms(self) -> Tensor | None:
        """|2 (y_hat - y) W_f W_h^(T-t)| for t = 1..T, (T,), or None where it does not apply.

        It applies to one linear recurrent layer under a linear readout with the loss at the last
        step; see :func:`linear_gradients` (question 1e).
        """
        head, tape = self._head, self._tapes[0]
        linear = isinstance(tape, RNNTape) and tape.weights.nonlinearity == "identity"
        if len(self._tapes) > 1 or not linear or head.readout is None or head.residual is None:
            return None
        gradients = linear_gradients(
            tape.weights.w_h, head.readout.weight.detach(), head.residual, len(tape.hidden)
        )
        return _norms(gradients).mean(dim=0)

    @cached_property
    def jacobian_bound(self) -> Tensor | None:
        """An upper bound of |dL/dh_t| for a single plain layer and a last-step loss, (T,).

        |dL/dh_T| times the product over s > t of the spectral norms of diag(sigma'(a_s)) W_h, per
        sequence, averaged over the batch. None for gates, stacks and losses at every step.
        """
        tape = self._tapes[0]
        if len(self._tapes) > 1 or not isinstance(tape, RNNTape) or self._head.direct[:-1].any():
            return None
        scaled = tape.derivative.unsqueeze(-1) * tape.weights.w_h
        steps = torch.linalg.matrix_norm(scaled[1:], ord=2)
        last = _norms(self._head.direct[-1])
        products = steps.flip(0).cumprod(dim=0).flip(0)
        return torch.cat([products * last, last.unsqueeze(0)]).mean(dim=1)

    def jacobians(self, layer: int = 0, sequence: int = 0) -> Tensor:
        """ds_t/ds_{t-1} for the layer's state s along one sequence, (T, S, S).

        The state is h (S = H), or (h, c) for an LSTM (S = 2H).

        Args:
            layer: index of the layer, the bottom one is 0. Default: ``0``.
            sequence: index of the sequence in the batch. Default: ``0``.
        """
        tape, _ = self._layer(layer)
        single = _one_sequence(tape, sequence)
        size = tape.hidden.shape[-1]
        states = 2 if tape.has_cell else 1
        seeds = torch.eye(states * size, dtype=tape.hidden.dtype, device=tape.hidden.device)
        grad_h = seeds[:, :size].unsqueeze(1)
        grad_c = seeds[:, size:].unsqueeze(1) if tape.has_cell else None
        rows = []
        for t in range(len(tape.hidden)):
            _, by_h, by_c = single.step_back(t, grad_h, grad_c)
            rows.append(by_h if by_c is None else torch.cat([by_h, by_c], dim=-1))
        return torch.stack(rows).squeeze(2)

    def lyapunov_exponents(self, layer: int = 0, sequence: int = 0) -> Tensor:
        """Finite-time Lyapunov exponents of the state along one sequence, nats per step, (S,).

        Descending. A positive first exponent: nearby states part, gradients explode; a negative
        one: both die out.

        Args:
            layer: index of the layer, the bottom one is 0. Default: ``0``.
            sequence: index of the sequence in the batch. Default: ``0``.

        Returns:
            The exponents, with S as in :meth:`jacobians`.
        """
        return lyapunov_exponents(self.jacobians(layer, sequence))


def trace_gradients(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    last_step_only: bool = False,
    *,
    loss: Loss | None = None,
    recurrent: nn.Module | None = None,
) -> GradientTrace:
    """Follow the gradient of a loss back through a recurrent network.

    Args:
        model: any module that holds one recurrent part: ``RNNLayer``, ``LSTMLayer``, ``RNN``,
            ``LSTM`` or ``torch.nn.RNN`` / ``LSTM`` / ``GRU``. ``model(x)`` returns the prediction,
            or a tuple that starts with it. A bare recurrent module predicts its hidden states.
        x: the model's input, batch first where the model is.
        y: target; the shape of the prediction for the default loss.
        last_step_only: whether the default loss counts only the last step. Default: ``False``.
        loss: ``loss(prediction, y) -> scalar``. Default: :func:`regression_loss`.
        recurrent: the module to trace, where ``model`` holds several. Default: the only one.

    Returns:
        A :class:`GradientTrace`. The model's ``.grad`` fields and mode are left alone.

    Raises:
        InputError: no or several recurrent parts, a bidirectional one, NaN or infinite input, or
            shapes that do not fit.

    >>> class Tagger(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.lstm = nn.LSTM(3, 16, batch_first=True)
    ...         self.head = nn.Linear(16, 1)
    ...
    ...     def forward(self, x):
    ...         return self.head(self.lstm(x)[0])
    >>> trace = trace_gradients(Tagger(), torch.randn(4, 20, 3), torch.randn(4, 20, 1))
    >>> trace.gradient_norms.shape, trace.pairwise_norms.shape
    (torch.Size([1, 20]), torch.Size([1, 20, 20]))
    """
    part = recurrent if recurrent is not None else find_recurrent(model)
    _check_finite(x=x, y=y)
    head = Head(model, part, x, y, last_step_only=last_step_only, loss=loss)
    with torch.no_grad():
        return GradientTrace(head)


def _norms(vectors: Tensor) -> Tensor:
    """Euclidean norms over the last axis.

    Accumulated in float64 (where the device has it): in float32 the squares of a gradient below
    1e-19 are already zero, and vanishing gradients are what we came to see.
    """
    wide = torch.float32 if vectors.device.type == "mps" else torch.float64
    return torch.linalg.vector_norm(vectors, dim=-1, dtype=wide).to(vectors.dtype)


def _check_finite(**tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            count = int((~tensor.isfinite()).sum())
            raise InputError(f"{name} holds {count} NaN or infinite values; remove them first")


def _pairwise_norms(tapes: list[Tape], seeds: Tensor) -> Tensor:
    """Sweep all L_k back at once. Row k of a carried block begins at step t = k.

    The rows of the last losses vanish first. Once nothing in a row is larger than the smallest
    normal number over the machine epsilon, it has no full precision left, and arithmetic on such
    numbers is many times slower than on others: the row is dropped and counts as zero.
    """
    steps, batch, _ = seeds.shape
    norms = seeds.new_zeros(len(tapes), steps, steps)
    carried = [seeds.new_zeros(steps, batch, tape.hidden.shape[-1]) for tape in tapes]
    cells = [torch.zeros_like(block) for block in carried] if tapes[0].has_cell else None
    carried[-1].copy_(seeds)
    end = steps
    for t in range(steps - 1, -1, -1):
        if t % _ROWS_CHECKED_EVERY == 0:
            blocks = [*carried, *(cells or [])]
            end = t + 1 + _rows_alive([block[t + 1 : end] for block in blocks])
        above: Tensor | None = None
        for index in range(len(tapes) - 1, -1, -1):
            tape, block = tapes[index], carried[index][t:end]
            cell = cells[index][t:end] if cells else None
            if above is not None:
                block += above
            column = norms[index, t:end, t]
            torch.mean(_norms(block), dim=-1, out=column)
            delta, grad_h, grad_c = tape.step_back(t, block, cell)
            if index > 0:
                above = delta @ tape.weights.w_x
            block.copy_(grad_h)
            if cell is not None and grad_c is not None:
                cell.copy_(grad_c)
    return norms


_ROWS_CHECKED_EVERY = 16


def _rows_alive(blocks: list[Tensor]) -> int:
    """How many leading rows to keep so that no row beyond them holds a number worth carrying."""
    largest = torch.stack([block.abs().flatten(1).amax(dim=1) for block in blocks]).amax(dim=0)
    limit = torch.finfo(largest.dtype)
    kept = (largest >= limit.tiny / limit.eps).nonzero()
    return int(kept[-1]) + 1 if len(kept) else 0


def _one_sequence(tape: Tape, sequence: int) -> Tape:
    batch = tape.hidden.shape[1]
    if not 0 <= sequence < batch:
        raise InputError(f"sequence={sequence} is out of range; the batch holds 0 to {batch - 1}")
    pick = slice(sequence, sequence + 1)
    return type(tape)(tape.weights, tape.x[:, pick], tape.h0[pick])


def norms_by_distance(pairwise_norms: Tensor) -> Tensor:
    """Geometric mean over k of |dL_k/dh_t| / |dL_k/dh_k| at each distance k - t (question 1g).

    Args:
        pairwise_norms: |dL_k/dh_t| of one layer, (T, T), as
            :attr:`GradientTrace.pairwise_norms` holds it.

    Returns:
        The means for the distances 0 to T - 1, (T,).

    >>> norms_by_distance(torch.tensor([[2.0, 0.0], [1.0, 4.0]]))
    tensor([1.0000, 0.2500])
    """
    relative = pairwise_norms / pairwise_norms.diagonal().unsqueeze(1)
    means = [relative.diagonal(-n).log().mean().exp() for n in range(len(pairwise_norms))]
    return torch.stack(means)
