"""Where do the gradients of a recurrent network go? (questions 1d to 1h)

The model runs as its owner wrote it while :mod:`eigenlab.recurrent.observe` records its recurrent
calls. Autograd then tells how the loss reads each call's results; the paths through time inside a
call are followed by the hand-written backward sweep of :mod:`eigenlab.recurrent.tape`, which yields
dL/dh_t at every step and layer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from eigenlab.errors import InputError
from eigenlab.recurrent.closed_form import linear_gradients
from eigenlab.recurrent.losses import Loss, check_lengths
from eigenlab.recurrent.reading import Options, Reading, read
from eigenlab.recurrent.runs import LayerRun, States, Sweep, mean_over_valid
from eigenlab.recurrent.tape import RNNTape, full_precision, norms_of
from eigenlab.spectrum import eigenvalues, lyapunov_exponents

if TYPE_CHECKING:
    import plotly.graph_objects as go

if TYPE_CHECKING:
    pass


class GradientTrace:
    """Hidden states and their gradients, step by step and layer by layer.

    Made by :func:`trace_gradients`. Axes: L layers (bottom first; of a bidirectional layer the
    forward direction, then the reversed one), B batch, T steps, H hidden size, G recurrent blocks
    (gates). All tensors are detached and keep the dtype of the weights. *Norms* are Euclidean over
    the hidden units of one sequence, then averaged over the batch, at each step over the sequences
    that have this step. A gradient is that of the loss as given, so with a mean over B sequences
    each row carries a factor 1/B.

    Args:
        runs: the traced layers, as :func:`trace_gradients` finds them.
        reading: the loss and how it reads them.

    Attributes:
        loss: the traced loss, a float.
        step_losses: L_k (T,), the loss at each step k alone, or None where there is none.
        hidden: h_t (L, B, T, H).
        hidden_gradients: dL/dh_t (L, B, T, H), over every path.
        lengths: (B,) valid steps of each sequence, or None if all are valid.
        layer_names: the module of each layer, with its index in a stack.
        block_names: names of the recurrent blocks, ``("W_h",)`` or one per gate.
    """

    def __init__(self, runs: Sequence[States], reading: Reading) -> None:
        self._runs, self._reading = list(runs), reading
        self.loss = float(reading.total)
        self.step_losses = None if reading.steps is None else reading.steps.detach()
        self.lengths = reading.lengths
        self.layer_names = tuple(run.name for run in runs)
        first = runs[0]
        self.block_names = first.tapes[0].block_names if isinstance(first, LayerRun) else ()
        self._sweeps: list[Sweep] = [run.sweep(reading.direct) for run in runs]
        self.hidden = torch.stack([run.hidden for run in runs]).transpose(1, 2)
        totals = torch.stack([sweep.totals for sweep in self._sweeps])
        self.hidden_gradients = totals.transpose(1, 2)

    @cached_property
    def hidden_norms(self) -> Tensor:
        """|h_t|, (L, T)."""
        return mean_over_valid(norms_of(self.hidden), self.lengths)

    @cached_property
    def gradient_norms(self) -> Tensor:
        """|dL/dh_t|, (L, T)."""
        return mean_over_valid(norms_of(self.hidden_gradients), self.lengths)

    def norms_by_distance(self, lengths: Sequence[int] | Tensor | None = None) -> Tensor:
        """|dL/dh_t| by the distance of t from each sequence's own last step, (L, T).

        Entry d is the mean of |dL/dh| over the sequences longer than d, d steps before their end.

        Args:
            lengths: (B,) valid steps of each sequence. Default: ``None``, the lengths of the trace,
                or T for all.

        Raises:
            InputError: ``lengths`` are not B integers in 1 to T.
        """
        norms = norms_of(self.hidden_gradients)
        _, batch, steps = norms.shape
        if lengths is None:
            lengths = self.lengths if self.lengths is not None else torch.full((batch,), steps)
        ends = check_lengths(lengths, batch, steps).to(norms.device)
        index = ends.unsqueeze(1) - 1 - torch.arange(steps, device=norms.device)
        found = norms.gather(2, index.clamp(min=0).expand_as(norms))
        valid = index >= 0
        sums = torch.where(valid, found, 0.0).sum(dim=1)
        return (sums / valid.sum(dim=0))[:, : int(ends.max())]

    @cached_property
    def pairwise_norms(self) -> Tensor:
        r"""|dL_k/dh_t| at ``[layer, k, t]``, (L, K, T) with K = T steps of the loss (question 1g).

        .. math::

            \frac{\partial L}{\partial h_t} = \sum_{k \ge t} \frac{\partial L_k}{\partial h_t}

        It is zero for t > k where L_k does not depend on a later h_t.
        L_k is the loss at step k alone: the mean over batch and outputs of that step. Where the
        prediction at a step reads only that step's top state, one backward pass carries the
        gradients of all L_k side by side; memory grows with T B H, not with T^2 H. Elsewhere each
        L_k takes a backward pass of its own. A gradient that has shrunk to the edge of its dtype
        (1e-31 in float32) counts as zero.

        Raises:
            InputError: the loss is the owner's own function of the whole prediction (give the loss
                of one step as ``step_loss`` instead), or the prediction has no steps.
        """
        return self._reading.pairs.norms()

    def plot(self, what: Literal["norms", "pairs", "eigenvalues"] = "norms") -> go.Figure:
        """Draw the trace as the report does; needs plotly, which eigenlab installs.

        Args:
            what: ``"norms"``, |h_t| and |dL/dh_t| of every layer over time; ``"pairs"``,
                |dL_k/dh_t| of the top layer; or ``"eigenvalues"`` of its recurrent blocks in the
                complex plane. Default: ``"norms"``.

        Returns:
            A plotly figure, e.g. for ``.show()`` or ``.write_html("trace.html")``.

        Raises:
            InputError: ``what`` is unknown, or the quantity does not exist.
        """
        from eigenlab import plots

        if what == "norms":
            chart = plots.norms_chart()
            rows = zip(self.layer_names, self.hidden_norms, self.gradient_norms, strict=True)
            for index, (name, hidden, gradients) in enumerate(rows):
                plots.add_norms(chart, _drawn(hidden), _drawn(gradients), name, index=index)
            return chart
        if what == "pairs":
            return plots.pairwise_heatmap(_drawn(self.pairwise_norms[-1]))
        if what != "eigenvalues":
            raise InputError(f"what={what!r}; expected 'norms', 'pairs' or 'eigenvalues'")
        chart = plots.complex_plane()
        blocks = zip(self.block_names, self.eigenvalues[-1], strict=True)
        for index, (name, values) in enumerate(blocks):
            plots.add_eigenvalues(chart, _drawn(torch.view_as_real(values)), name, index=index)
        return chart

    @full_precision
    def weight_terms(self, layer: int = 0) -> dict[str, Tensor]:
        r"""Each step's term of the weight gradients; their sum over T is the gradient.

        .. math::

            \frac{\partial L}{\partial h_{t-1}} = \frac{\partial L_{t-1}}{\partial h_{t-1}} +
            W_h^\top \mathrm{diag}(\sigma'(a_t)) \frac{\partial L}{\partial h_t}

        .. math::

            \frac{\partial L}{\partial W_h} = \sum_{t=1}^{T} \mathrm{diag}(\sigma'(a_t))
            \frac{\partial L}{\partial h_t} h_{t-1}^\top

        Args:
            layer: index of the layer, the bottom one is 0. Default: ``0``.

        Returns:
            ``W_h`` (T, R, H), ``W_x`` (T, R, I) and ``b`` (T, R), where R counts the rows of all
            gates: dL/dW_h = sum_t delta_t h_{t-1}^T (question 1d). ``b`` is the one bias, or
            ``torch.nn``'s ``bias_ih``.
        """
        run, sweep = self._layer(layer)
        tapes = run.tapes
        delta = run.by_time(sweep.deltas)
        recurrent = run.by_time(
            [tape.recurrent_delta(d) for tape, d in zip(tapes, sweep.deltas, strict=True)]
        )
        previous = run.by_time([tape.previous for tape in tapes])
        return {
            "W_h": recurrent.transpose(1, 2) @ previous,
            "W_x": delta.transpose(1, 2) @ run.by_time([tape.x for tape in tapes]),
            "b": delta.sum(dim=1),
        }

    @full_precision
    def weight_gradients(self, layer: int = 0) -> dict[str, Tensor]:
        """dL/dW_h (R, H), dL/dW_x (R, I) and dL/db (R,) of one layer, over all its steps.

        Args:
            layer: index of the layer, the bottom one is 0. Default: ``0``.
        """
        run, sweep = self._layer(layer)
        sums = [tape.sums_over_time(d) for tape, d in zip(run.tapes, sweep.deltas, strict=True)]
        w_x, w_h, b = (sum(parts[1:], parts[0]) for parts in zip(*sums, strict=True))
        return {"W_h": w_h, "W_x": w_x, "b": b}

    def _layer(self, layer: int) -> tuple[LayerRun, Sweep]:
        if not 0 <= layer < len(self._runs):
            raise InputError(
                f"layer={layer} is out of range; layers are 0 to {len(self._runs) - 1}"
            )
        return _with_weights(self._runs[layer]), self._sweeps[layer]

    @cached_property
    def eigenvalues(self) -> Tensor:
        """Eigenvalues of every recurrent block, complex (L, G, H), largest magnitude first."""
        return eigenvalues(torch.stack([_with_weights(run).tape.blocks for run in self._runs]))

    @cached_property
    def spectral_radius(self) -> Tensor:
        """Largest magnitude of an eigenvalue of each recurrent block, (L, G)."""
        return self.eigenvalues.abs().amax(dim=-1)

    @cached_property
    @full_precision
    def closed_form_norms(self) -> Tensor | None:
        """|2 (y_hat - y) W_f W_h^(T-t)| for t = 1..T, (T,), or None where it does not apply.

        It applies to one linear recurrent layer under a linear readout with the loss at the last
        step; see :func:`linear_gradients` (question 1e).
        """
        run, readout, residual = (
            self._single_plain_run,
            self._reading.readout,
            self._reading.residual,
        )
        if run is None or readout is None or residual is None:
            return None
        if run.tape.weights.nonlinearity != "identity":
            return None
        gradients = linear_gradients(run.tape.weights.w_h, readout, residual, len(run.hidden))
        return norms_of(gradients).mean(dim=0)

    @cached_property
    @full_precision
    def jacobian_bound(self) -> Tensor | None:
        """An upper bound of |dL/dh_t| for a single plain layer and a last-step loss, (T,).

        |dL/dh_T| times the product over s > t of the spectral norms of diag(sigma'(a_s)) W_h, per
        sequence, averaged over the batch. None for gates, stacks and losses that read other steps.
        """
        run = self._single_plain_run
        if run is None:
            return None
        ((direct, _),) = run.direct(self._reading.direct)
        tape = run.tape
        if not isinstance(tape, RNNTape) or direct[:-1].any():
            return None
        scaled = tape.derivative.unsqueeze(-1) * tape.weights.w_h
        steps = torch.linalg.matrix_norm(scaled[1:], ord=2)
        last = norms_of(direct[-1])
        products = steps.flip(0).cumprod(dim=0).flip(0)
        return torch.cat([products * last, last.unsqueeze(0)]).mean(dim=1)

    @cached_property
    def _single_plain_run(self) -> LayerRun | None:
        """The one layer without gates, run in one call over sequences of one length."""
        run = self._runs[0]
        if len(self._runs) > 1 or not isinstance(run, LayerRun) or len(run.calls) > 1:
            return None
        plain = run.calls[0].kind is RNNTape and self.lengths is None and run.lengths is None
        return run if plain else None

    def jacobians(self, layer: int = 0, sequence: int = 0) -> Tensor:
        """ds_t/ds_{t-1} for the layer's state s along one sequence, (T, S, S).

        The state is h (S = H), or (h, c) for an LSTM (S = 2H). Of the reversed direction of a
        bidirectional layer, t counts in the order in which the state runs.

        Args:
            layer: index of the layer, the bottom one is 0. Default: ``0``.
            sequence: index of the sequence in the batch. Default: ``0``.

        Raises:
            InputError: no such layer or sequence; the weights are not known; or the model changes
                the state between calls.
        """
        run, _ = self._layer(layer)
        batch = run.hidden.shape[1]
        if not 0 <= sequence < batch:
            raise InputError(
                f"sequence={sequence} is out of range; the batch holds 0 to {batch - 1}"
            )
        return run.jacobians(sequence)

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
        return full_precision(lyapunov_exponents)(self.jacobians(layer, sequence))


def _drawn(values: Tensor) -> Any:
    """Numbers in nested lists."""
    return values.detach().double().cpu().tolist()


def _with_weights(run: States) -> LayerRun:
    if not isinstance(run, LayerRun):
        raise InputError(
            f"the weights of {run.name} are not known to the trace, only its states: terms of "
            "the weights, eigenvalues and Jacobians exist for torch's and eigenlab's layers"
        )
    return run


def trace_gradients(
    model: nn.Module,
    x: Any,
    y: Any,
    last_step_only: bool = False,
    *,
    loss: Loss | None = None,
    step_loss: Loss | None = None,
    recurrent: nn.Module | str | None = None,
    states: Callable[[Any], Any] | None = None,
    batch_first: bool | None = None,
    lengths: Sequence[int] | Tensor | None = None,
) -> GradientTrace:
    """Follow the gradient of a loss back through a recurrent network.

    The model runs once, as it is: in its mode, with its hooks, on its device, under autocast if
    that is on; afterwards its parameters, buffers, attributes and ``.grad`` fields are as before.
    Its recurrent calls are recorded wherever they are made: by ``torch.nn.RNN``, ``LSTM`` and
    ``GRU`` (any layout, packed sequences, bidirectional, ``proj_size``, dropout, first states,
    weights made at call time), by their cells in a loop, and by eigenlab's layers. Calls that
    continue one another, such as the steps of a loop over a cell, are one run over time.

    Args:
        model: any module that runs one recurrent part. Its output is the prediction, or a tuple
            that starts with it. A bare recurrent module predicts its hidden states.
        x: the model's input: a tensor or packed sequence; a tuple of positional arguments such as
            ``(x, lengths)``; or a dict of keyword arguments.
        y: target, in the layout of the prediction; of its shape for the default loss.
        last_step_only: whether the default loss, or ``step_loss``, counts only the last step.
            Default: ``False``.
        loss: ``loss(prediction, y) -> scalar`` of the whole prediction. Default: ``None``, the mean
            squared error as in :func:`regression_loss`.
        step_loss: ``step_loss(prediction, y) -> scalar`` of the prediction and target at one step,
            e.g. ``torch.nn.functional.cross_entropy``; L is its mean over the steps. Default:
            ``None``.
        recurrent: the module to trace, or its name, where ``model`` runs several; a module that
            holds several of equal size makes each a layer. Default: ``None``, the only one.
        states: for a recurrence written by hand in ``recurrent``, a function of that module's
            output that returns its hidden states: a list of T tensors (B, H), or one tensor in
            which they are stacked. Default: ``None``, its output or the first part of it.
        batch_first: whether the axes of the prediction start with batch, then time, or with time,
            then batch. Default: ``None``, as the shapes and the states that it reads tell.
        lengths: (B,) valid steps of each sequence; the default loss and ``step_loss`` leave out
            what lies beyond. Default: ``None``, all steps; known where the prediction is packed.

    Returns:
        A :class:`GradientTrace`.

    Raises:
        InputError: no recurrent call, or calls of several modules; autograd is off or does not
            reach the states; NaN or infinite input; shapes, lengths or arguments that do not fit;
            a prediction whose time axis cannot be told from the batch.

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
    options = Options(last_step_only, loss, step_loss, batch_first, lengths)
    reading = read(model, x, y, options, recurrent, states)
    return GradientTrace(reading.runs, reading)


def decay_by_distance(pairwise_norms: Tensor) -> Tensor:
    """Geometric mean over k of |dL_k/dh_t| / |dL_k/dh_k| at each distance k - t (question 1g).

    Args:
        pairwise_norms: |dL_k/dh_t| of one layer, (T, T), as
            :attr:`GradientTrace.pairwise_norms` holds it.

    Returns:
        The means for the distances 0 to T - 1, (T,).

    >>> decay_by_distance(torch.tensor([[2.0, 0.0], [1.0, 4.0]]))
    tensor([1.0000, 0.2500])
    """
    relative = pairwise_norms / pairwise_norms.diagonal().unsqueeze(1)
    means = [relative.diagonal(-n).log().mean().exp() for n in range(len(pairwise_norms))]
    return torch.stack(means)
