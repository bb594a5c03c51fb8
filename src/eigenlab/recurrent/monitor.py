"""Watching where gradients go during a training that happens anyway."""

from __future__ import annotations

import contextlib
import csv
import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge

from eigenlab.errors import InputError
from eigenlab.recurrent.calls import LayerCall
from eigenlab.recurrent.diagnosis import FlowRecord, LayerFlow, describe
from eigenlab.recurrent.growth import sweep_with_growth
from eigenlab.recurrent.layers import check_sizes
from eigenlab.recurrent.observe import Observer
from eigenlab.recurrent.preserve import eager, outside_compilation
from eigenlab.recurrent.runs import LayerRun, calls_within, layer_runs, part_name
from eigenlab.recurrent.tape import norms_of
from eigenlab.spectrum import eigenvalues

if TYPE_CHECKING:
    import plotly.graph_objects as go

CSV_COLUMNS = (
    "update",
    "layer",
    "time_step",
    "hidden_norm",
    "gradient_norm",
    "lyapunov_exponent",
    "spectral_radius",
)
SPECTRA_EVERY = 10
"""Spectral radii are computed at every tenth observed training step: they change slowly."""


class ScalarWriter(Protocol):
    """What ``torch.utils.tensorboard.SummaryWriter`` offers."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        """Write one number."""


class GradientMonitor:
    """Records |h_t|, |dL/dh_t| and Lyapunov exponents every n updates of a training.

    Attach it to a model in a training loop of your own. At every n-th forward pass in training mode
    it records the recurrent calls and, on the backward pass that follows, the gradients that arrive
    at their results; torch's own kernels compute both passes, so the training is the same. From
    these it computes what :func:`trace_gradients` would show. The largest Lyapunov exponent tells
    whether gradients vanish (well below 0 a time step) or explode; the spectral radius of one gate
    does not.

    Args:
        model: the module in training, called as ``model(...)``. A model compiled before it is
            attached runs eagerly at observed updates.
        every: int >= 1. Forward passes in training mode from one observed to the next; the first is
            observed. Default: ``10``.
        recurrent: the module to observe, or its name. Default: ``None``, all recurrent layers.
        max_sequences: int >= 1 or None. Sequences of a batch whose states and gradients are
            followed, the first ones; None for all, which costs more. Default: ``8``.
        callback: function of a :class:`FlowRecord`, called when one is complete. Default: ``None``.
        csv: path of a file to which a row is added for each layer and time step. Default: ``None``.
        tensorboard: a ``torch.utils.tensorboard.SummaryWriter``, or an object with its
            ``add_scalar``. Default: ``None``.
        loss_scale: function that returns the factor the loss is multiplied by before the backward
            pass, such as ``torch.amp.GradScaler.get_scale``. Default: ``None``, a factor of 1.

    Attributes:
        updates: number of forward passes in training mode so far.
        records: a :class:`FlowRecord` for each observed update.

    A record is complete when the next forward pass begins, or when ``records`` is read. Gradients
    of several backward passes before that are summed, as in ``.grad``. Where no recurrent call or
    no backward pass happens, nothing is recorded; the first such update warns.

    Raises:
        InputError: ``every`` or ``max_sequences`` is below 1, or ``recurrent`` is no part of the
            model.

    >>> model = nn.GRU(1, 8, batch_first=True)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with GradientMonitor(model, every=2) as monitor:
    ...     for _ in range(4):
    ...         loss = model(torch.randn(2, 20, 1))[0].square().mean()
    ...         optimizer.zero_grad()
    ...         loss.backward()
    ...         optimizer.step()
    >>> [record.update for record in monitor.records]
    [1, 3]
    >>> len(monitor.records[0].layers["GRU"].gradient_norms)
    20
    """

    def __init__(
        self,
        model: nn.Module,
        every: int = 10,
        *,
        recurrent: nn.Module | str | None = None,
        max_sequences: int | None = 8,
        callback: Callable[[FlowRecord], None] | None = None,
        csv: str | Path | None = None,
        tensorboard: ScalarWriter | None = None,
        loss_scale: Callable[[], float] | None = None,
    ) -> None:
        check_sizes(every=every)
        if max_sequences is not None:
            check_sizes(max_sequences=max_sequences)
        self._sequences = max_sequences
        self._model, self._every = model, every
        self._part = None if recurrent is None else part_name(model, recurrent)
        self._loss_scale = loss_scale
        self._sinks: list[Callable[[FlowRecord], None]] = []
        if csv is not None:
            self._sinks.append(_CsvFile(Path(csv)))
        if tensorboard is not None:
            self._sinks.append(_Scalars(tensorboard))
        if callback is not None:
            self._sinks.append(callback)
        self.updates = 0
        self._records: list[FlowRecord] = []
        self._pending: _Pending | None = None
        self._active: contextlib.ExitStack | None = None
        self._observer: Observer | None = None
        before, after = (outside_compilation(hook) for hook in (self._before, self._after))
        self._handles = [
            model.register_forward_pre_hook(before, with_kwargs=True),
            model.register_forward_hook(after, always_call=True),
        ]

    def __enter__(self) -> GradientMonitor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def records(self) -> list[FlowRecord]:
        """A record for each observed update."""
        self._complete()
        return self._records

    def close(self) -> None:
        """Complete the last record and detach from the model."""
        self._complete()
        for handle in self._handles:
            handle.remove()

    def describe(self) -> str:
        """In words: which layer's gradients vanish or explode, since when, and what helps."""
        return describe(self.records)

    def plot(self, layer: str | None = None) -> go.Figure:
        """Draw |dL/dh_t| as a heat map of training steps and time steps.

        Args:
            layer: name of the layer. Default: ``None``, the top one.

        Returns:
            A plotly figure.

        Raises:
            InputError: nothing was recorded, or there is no such layer.
        """
        from eigenlab import plots

        records = self.records
        if not records:
            raise InputError("no training step was observed yet; there is nothing to plot")
        names = list(records[-1].layers)
        name = names[-1] if layer is None else layer
        if name not in names:
            raise InputError(f"layer={name!r}; expected one of {', '.join(map(repr, names))}")
        rows = [record for record in records if name in record.layers]
        return plots.training_heatmap(
            [record.layers[name].gradient_norms for record in rows],
            [record.update for record in rows],
        )

    def _before(self, module: nn.Module, args: Any, kwargs: Any) -> None:
        if torch.compiler.is_compiling():  # compiled later than this hook was attached
            return
        if not module.training or not torch.is_grad_enabled() or self._active is not None:
            return
        self._complete()
        self.updates += 1
        if (self.updates - 1) % self._every:
            return
        stack = contextlib.ExitStack()
        stack.enter_context(eager())
        inputs = (args, kwargs)
        self._observer = Observer(module, inputs, anchored=False, sequences=self._sequences)
        stack.enter_context(self._observer)
        self._active = stack

    def _after(self, module: nn.Module, args: Any, output: Any) -> None:
        if torch.compiler.is_compiling() or self._active is None or self._observer is None:
            return
        self._active.close()
        calls, self._active, self._observer = self._observer.calls, None, None
        if output is None:  # forward has raised
            return
        if self._part is not None:
            calls = calls_within(calls, self._part)
        calls = [call for call in calls if any(edge is not None for edge in call.edges)]
        if not calls:
            warnings.warn(
                "the monitor saw no differentiable recurrent call in the model's forward pass; it "
                "sees torch.nn.RNN, LSTM, GRU, their cells and eigenlab's layers, but not what "
                "runs in other threads or is scripted",
                stacklevel=2,
            )
            return
        scale = 1.0 if self._loss_scale is None else float(self._loss_scale())
        spectra = (self.updates - 1) // self._every % SPECTRA_EVERY == 0
        self._pending = _Pending(self.updates, calls, scale, spectra)

    def _complete(self) -> None:
        pending, self._pending = self._pending, None
        if pending is None or not pending.gradients:
            return
        record = pending.record()
        self._records.append(record)
        for sink in self._sinks:
            sink(record)


class _Pending:
    """The calls of one observed forward pass, and the gradients that have arrived at them."""

    def __init__(
        self, update: int, calls: list[LayerCall], loss_scale: float, spectra: bool
    ) -> None:
        self._update, self._calls, self._scale, self._spectra = update, calls, loss_scale, spectra
        self.gradients: dict[GradientEdge, Tensor] = {}
        for edge in {edge: None for call in calls for edge in call.edges if edge is not None}:
            edge.node.register_prehook(self._keeper(edge))

    def _keeper(self, edge: GradientEdge) -> Callable[[Any], None]:
        def keep(gradients: Any) -> None:
            gradient = gradients[edge.output_nr]
            if gradient is not None:
                kept = gradient.detach().clone()
                before = self.gradients.get(edge)
                self.gradients[edge] = kept if before is None else before + kept

        return keep

    def record(self) -> FlowRecord:
        """Follow the gradients through time."""
        runs = layer_runs(self._calls)
        return FlowRecord(self._update, {run.name: self._flow(run) for run in runs})

    @torch.no_grad()
    def _flow(self, run: LayerRun) -> LayerFlow:
        sweep, rate = sweep_with_growth(run, self.gradients)
        totals = sweep.totals / self._scale
        return LayerFlow(
            hidden_norms=run.mean_over_batch(norms_of(run.hidden)).tolist(),
            gradient_norms=run.mean_over_batch(norms_of(totals)).tolist(),
            lyapunov_exponent=rate,
            spectral_radius=_radii(run) if self._spectra else {},
            kind=run.kind,
        )


def _radii(run: LayerRun) -> dict[str, float]:
    if not run.has_square_blocks:
        return {}
    radii = eigenvalues(run.tape.blocks).abs().amax(dim=-1)
    return dict(zip(run.tape.block_names, radii.tolist(), strict=True))


class _CsvFile:
    """Adds rows to a CSV file; what is written stays readable if the training is interrupted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists() or path.stat().st_size == 0:
            self._write([CSV_COLUMNS])

    def __call__(self, record: FlowRecord) -> None:
        rows: list[tuple[object, ...]] = []
        for name, flow in record.layers.items():
            radius = max(flow.spectral_radius.values(), default="")
            norms = zip(flow.hidden_norms, flow.gradient_norms, strict=True)
            rows += [
                (record.update, name, t, hidden, gradient, flow.lyapunov_exponent, radius)
                for t, (hidden, gradient) in enumerate(norms, start=1)
            ]
        self._write(rows)

    def _write(self, rows: list[tuple[object, ...]]) -> None:
        with self._path.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)


class _Scalars:
    """Writes a few numbers of each record to TensorBoard."""

    def __init__(self, writer: ScalarWriter) -> None:
        self._writer = writer

    def __call__(self, record: FlowRecord) -> None:
        for name, flow in record.layers.items():
            numbers = {
                "lyapunov_exponent": flow.lyapunov_exponent,
                "gradient_norm/first_step": flow.gradient_norms[0],
                "gradient_norm/last_step": flow.gradient_norms[-1],
                "hidden_norm/last_step": flow.hidden_norms[-1],
            }
            numbers |= {f"spectral_radius/{k}": v for k, v in flow.spectral_radius.items()}
            for tag, value in numbers.items():
                self._writer.add_scalar(f"{name}/{tag}", value, record.update)
