"""Reading how the loss of the owner's model depends on its hidden states."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from eigenlab.errors import InputError
from eigenlab.recurrent.losses import (
    Loss,
    Losses,
    check_lengths,
    custom_loss,
    each_step,
    mean_squared_loss,
    time_axis,
)
from eigenlab.recurrent.pairs import Pairs
from eigenlab.recurrent.preserve import eager, unchanged
from eigenlab.recurrent.regressor import RecurrentRegressor
from eigenlab.recurrent.run_model import is_plain_tuple, run_model
from eigenlab.recurrent.runs import (
    EdgeGradients,
    LayerRun,
    States,
)


@dataclass(frozen=True)
class Options:
    """What the owner says about the loss and the layout; see ``trace_gradients``."""

    last_step_only: bool
    loss: Loss | None
    step_loss: Loss | None
    batch_first: bool | None
    lengths: Sequence[int] | Tensor | None

    def __post_init__(self) -> None:
        if self.loss is not None and self.step_loss is not None:
            raise InputError("loss and step_loss are both given; expected one of them")
        if self.loss is not None and self.last_step_only:
            raise InputError(
                "last_step_only=True does not apply to a loss of the whole prediction; give the "
                "loss of one step as step_loss=, or let loss read the last step"
            )


@dataclass(frozen=True)
class Reading:
    """The runs of the traced layers, the loss, and how it reads them.

    Attributes:
        runs: a row for each layer and direction.
        total: L.
        steps: L_k (K,), or None.
        direct: gradients of L at the edges of the runs.
        pairs: the gradients of each L_k.
        lengths: (B,) valid steps, or None.
        readout, residual: W_f and y_hat - y (B, O) at the last step where there is a closed form.
    """

    runs: list[States]
    total: Tensor
    steps: Tensor | None
    direct: EdgeGradients
    pairs: Pairs
    lengths: Tensor | None
    readout: Tensor | None
    residual: Tensor | None


def read(
    model: nn.Module,
    x: Any,
    y: Any,
    options: Options,
    recurrent: nn.Module | str | None,
    states: Callable[[Any], Any] | None,
) -> Reading:
    """Run the model and read its loss; see ``trace_gradients``."""
    _check_inputs(x=x, y=y)
    with unchanged(model), eager(), torch.enable_grad():
        runs, output = run_model(model, x, recurrent, states)
        prediction = output[0] if is_plain_tuple(output) else output
        prediction, y, lengths, batch_first = _unpacked(prediction, y, options.batch_first)
        time = None
        if options.loss is None:
            _check_prediction(prediction, y, same_shape=options.step_loss is None)
            time = _time_axis(prediction, runs, batch_first)
        lengths = _lengths(runs, lengths, time, options)
        losses = _losses(prediction, y, time, lengths, options)
        edges = list(dict.fromkeys(edge for run in runs for edge in run.edges))

        def gradients(value: Tensor) -> EdgeGradients:
            return _gradients(value, edges)

        direct = gradients(losses.total)
        _check_reached(losses.total, direct)
        known = None
        if losses.steps is not None and lengths is None and not options.last_step_only:
            known = {edge: g * len(losses.steps) for edge, g in direct.items()}
        pairs = Pairs(runs, losses.steps, lengths, gradients, known)
    readout = residual = None
    default = options.loss is None and options.step_loss is None and lengths is None
    if isinstance(model, RecurrentRegressor) and options.last_step_only and default:
        readout, residual = model.readout.weight.detach(), (prediction - y)[:, -1].detach()
    total = losses.total.detach()
    return Reading(runs, total, losses.steps, direct, pairs, lengths, readout, residual)


def _check_inputs(**values: Any) -> None:
    if torch.is_inference_mode_enabled():
        raise InputError(
            "torch.inference_mode() is on, in which autograd records nothing; call trace_gradients "
            "outside of it"
        )
    for name, value in values.items():
        for tensor in _tensors_in(value):
            if tensor.is_inference():
                raise InputError(
                    f"{name} was made under torch.inference_mode(), so autograd cannot use it; "
                    f"pass {name}.clone()"
                )
            if tensor.is_floating_point() and not tensor.isfinite().all():
                count = int((~tensor.isfinite()).sum())
                raise InputError(f"{name} holds {count} NaN or infinite values; remove them first")


def _tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor in nested tuples, lists, dicts and packed sequences."""
    if isinstance(value, PackedSequence):
        yield value.data
    elif isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors_in(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors_in(item)


def _unpacked(
    prediction: Any, y: Any, batch_first: bool | None
) -> tuple[Any, Any, Tensor | None, bool | None]:
    """Prediction and target as padded batches, with their lengths if they were packed."""
    if not isinstance(prediction, PackedSequence):
        if isinstance(y, PackedSequence):
            raise InputError("y is packed and the prediction is not; pass y as the prediction is")
        return prediction, y, None, batch_first
    first = True if batch_first is None else batch_first
    padded, lengths = pad_packed_sequence(prediction, batch_first=first)
    if isinstance(y, PackedSequence):
        y, target_lengths = pad_packed_sequence(y, batch_first=first)
        if not torch.equal(lengths, target_lengths):
            raise InputError("y is packed with other lengths than the prediction")
    elif batch_first is None and isinstance(y, Tensor):
        batch, steps = padded.shape[:2]
        if batch == steps and y.shape[:2] == (batch, steps):
            raise InputError(
                f"y has shape {tuple(y.shape)} for {batch} packed sequences of {steps} steps; say "
                "batch_first=True or batch_first=False, or pack y as well"
            )
        if y.shape[:2] == (steps, batch):
            first, padded = False, padded.transpose(0, 1)
    return padded, y, lengths, first


def _check_prediction(prediction: Any, y: Any, *, same_shape: bool) -> None:
    for name, value in (("the prediction", prediction), ("y", y)):
        if not isinstance(value, Tensor):
            raise InputError(
                f"{name} is a {type(value).__name__}, expected a tensor; pass loss= for a model "
                "with another output"
            )
    if prediction.numel() == 0:
        raise InputError(f"the prediction has shape {tuple(prediction.shape)}, without a number")
    if same_shape and prediction.shape != y.shape:
        raise InputError(
            f"the prediction has shape {tuple(prediction.shape)} and y {tuple(y.shape)}; expected "
            "equal shapes for the mean squared error, or pass loss= or step_loss="
        )


def _time_axis(prediction: Tensor, runs: Sequence[States], batch_first: bool | None) -> int | None:
    top = [run for run in runs if _calls(run)[-1:] == _calls(runs[-1])[-1:]]
    edges = list(dict.fromkeys(edge for run in top for edge in run.edges))
    total, batch, _ = runs[-1].hidden.shape
    ends = itertools.accumulate(reversed(runs[-1].call_steps))

    def reads_first(part: Tensor, span: int) -> bool:
        found = _gradients(part.sum(), edges)
        _check_reached(part, found)
        with torch.no_grad():
            by_time = [_direct_by_time(run, found) for run in top]
        reads = torch.stack([(part != 0).flatten(1).any(dim=1) for part in by_time]).any(dim=0)
        return reads.nonzero().flatten().tolist() == [total - span]

    return time_axis(prediction, batch, [total, *ends], batch_first, reads_first)


def _calls(run: States) -> list[Any]:
    return run.calls if isinstance(run, LayerRun) else [run]


def _direct_by_time(run: States, gradients: EdgeGradients) -> Tensor:
    if isinstance(run, LayerRun):
        return run.by_time([seed for seed, _ in run.direct(gradients)])
    return run.sweep(gradients).totals


def _lengths(
    runs: Sequence[States], packed: Tensor | None, time: int | None, options: Options
) -> Tensor | None:
    """The valid steps of each sequence: given, of a packed prediction, or of packed calls."""
    steps, batch, _ = runs[-1].hidden.shape
    if options.lengths is not None:
        return check_lengths(options.lengths, batch, steps)
    if packed is not None:
        return packed
    known = runs[-1].lengths
    if known is None or bool((known == steps).all()):
        return None
    if time is not None:
        raise InputError(
            f"the recurrent part reads sequences of {int(known.min())} to {steps} steps, and the "
            "prediction is padded; pass lengths= to leave the padding out of the loss, or loss= to "
            "say what counts"
        )
    return known


def _losses(
    prediction: Tensor, y: Any, time: int | None, lengths: Tensor | None, options: Options
) -> Losses:
    if options.loss is not None:
        return custom_loss(options.loss, prediction, y)
    if time is None and (options.step_loss is not None or options.last_step_only):
        name = "step_loss" if options.step_loss is not None else "last_step_only=True"
        raise InputError(
            f"{name} needs a prediction at every step, but its shape is {tuple(prediction.shape)}; "
            "leave it out, pass loss=, or say batch_first="
        )
    if options.step_loss is not None and time is not None:
        return each_step(options.step_loss, prediction, y, time, lengths, options.last_step_only)
    return mean_squared_loss(prediction, y, time, lengths, options.last_step_only)


def _gradients(value: Tensor, edges: Sequence[GradientEdge]) -> EdgeGradients:
    if not value.requires_grad or not edges:
        return {}
    found = torch.autograd.grad(value, edges, retain_graph=True, allow_unused=True)
    return {edge: g for edge, g in zip(edges, found, strict=True) if g is not None}


def _check_reached(value: Tensor, gradients: EdgeGradients) -> None:
    """Refuse a loss or prediction in which autograd finds no hidden state."""
    if gradients:
        return
    if not value.requires_grad:
        raise InputError(
            "the prediction does not require gradients: it is detached, or computed with "
            "autograd off (.detach(), .item(), torch.no_grad(), numpy); take this out of forward"
        )
    raise InputError(
        "the prediction does not depend on the hidden states through autograd: they are detached, "
        "or not read between the recurrent part and the prediction"
    )
