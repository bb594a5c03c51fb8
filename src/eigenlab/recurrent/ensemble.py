"""Several regressors of one shape trained at once by batched matrix products.

A step of one small network costs calls, not arithmetic; the same calls serve a stack of networks.
Every member has the weights, batches, loss and optimiser steps that :func:`fit_regressor` gives
it, and the same result up to rounding.

This module has a loop of its own instead of ``training.train``, which clips the gradient of one
model and logs one loss: here each member has its own of both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from eigenlab.errors import InputError
from eigenlab.recurrent.fit import Draw
from eigenlab.recurrent.layers import LSTMLayer, RNNLayer
from eigenlab.recurrent.regressor import RecurrentRegressor
from eigenlab.recurrent.unroll import UnrollLSTM, UnrollRNN
from eigenlab.reporter import SILENT, Reporter
from eigenlab.training import TrainingDiverged, derive_seed, generator

Initialize = Callable[[RecurrentRegressor, torch.Generator], None]


class LossCurve(NamedTuple):
    """Training losses of one network.

    Args:
        steps: logged updates, from 1.
        losses: the loss of each of them, before its update.
    """

    steps: list[int]
    losses: list[float]


def fit_regressors(
    models: Sequence[RecurrentRegressor],
    draw: Draw,
    *,
    seeds: Sequence[int],
    steps: int,
    learning_rate: float,
    last_step_only: bool,
    initialize: Initialize = RecurrentRegressor.reset_parameters,
    clip_norm: float | None = None,
    log_every: int | None = None,
    observe: Callable[[int], None] | None = None,
    observe_at: Collection[int] = (),
    reporter: Reporter = SILENT,
) -> list[LossCurve]:
    """Draw the weights of every model anew and train all at once with Adam on fresh batches.

    Args:
        models: regressors on recurrent parts of one kind and one size, on one device.
        draw: ``draw(generator) -> (x, y)`` makes one batch, x (B, T, I) and y (B, T, O).
        seeds: random seed of the weights and batches of each model.
        steps: number of updates.
        learning_rate: Adam's.
        last_step_only: count the loss at the last step only.
        initialize: ``initialize(model, generator)`` draws the weights of one model. Default: the
            method ``reset_parameters``, all uniform in +-1/sqrt(hidden_size).
        clip_norm: largest Euclidean norm of the gradient of one model. Default: ``None``, no
            clipping.
        log_every: updates between two logged losses, besides the first and the last one.
            Default: ``None``, about 100 losses.
        observe: ``observe(step)`` is called while the models have the weights after ``step``
            updates. Default: ``None``.
        observe_at: the numbers of updates after which it is called. Default: ``()``.
        reporter: receives progress and may cancel. Default: ``SILENT``.

    Returns:
        The logged losses of each model.

    Raises:
        InputError: the models differ in kind, size or dtype, or are not as many as ``seeds``.
        TrainingDiverged: a loss is not finite.
        Cancelled: the reporter was cancelled.

    >>> from eigenlab.recurrent import RNN, running_average
    >>> models = [RecurrentRegressor(RNN(1, 4)) for _ in range(3)]
    >>> curves = fit_regressors(models, lambda g: running_average(8, 5, generator=g),
    ...     seeds=[0, 1, 2], steps=10, learning_rate=1e-2, last_step_only=False)
    >>> len(curves), curves[0].steps[-1]
    (3, 10)
    """
    if len(models) != len(seeds) or not models:
        raise InputError(f"{len(models)} models and {len(seeds)} seeds; give one seed per model")
    for model, seed in zip(models, seeds, strict=True):
        initialize(model, generator(seed, "weights"))
    stack = _Stack(models)
    optimizer = torch.optim.Adam(stack.parameters, lr=learning_rate)
    batch_seeds = [derive_seed(seed, "batches") for seed in seeds]
    curves = [LossCurve([], []) for _ in models]
    every = log_every or max(1, steps // 100)
    for step in range(steps):
        batches = [draw(generator(s, "step", step, device=stack.device)) for s in batch_seeds]
        x, y = (torch.stack(tensors) for tensors in zip(*batches, strict=True))
        losses = stack.losses(x, y, last_step_only)
        optimizer.zero_grad()
        losses.sum().backward()  # each weight belongs to one member, so the sum separates
        if clip_norm is not None:
            stack.clip(clip_norm)
        if step + 1 in (1, steps) or (step + 1) % every == 0:
            _log(curves, step + 1, losses, reporter, steps)
        optimizer.step()
        if observe is not None and step + 1 in observe_at:
            stack.copy_back()
            observe(step + 1)
        reporter.raise_if_cancelled()
    stack.copy_back()
    return curves


def _log(
    curves: Sequence[LossCurve], step: int, losses: Tensor, reporter: Reporter, steps: int
) -> None:
    values = losses.tolist()
    for place, (curve, loss) in enumerate(zip(curves, values, strict=True)):
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"the loss of model {place} is {loss} at step {step}; lower learning_rate, or "
                "give clip_norm"
            )
        curve.steps.append(step)
        curve.losses.append(loss)
    reporter.progress(step, steps, f"{len(curves)} networks, loss {max(values):.3g} at most")


def _description(model: RecurrentRegressor) -> tuple[list[Any], list[Any]]:
    """What models must have in common: kinds of layers, shapes and dtypes of parameters."""
    layers = [(type(layer), getattr(layer, "nonlinearity", "")) for layer in model.layers]
    return layers, [(parameter.shape, parameter.dtype) for parameter in model.parameters()]


class _Stack:
    """The parameters of models of one shape, each stacked along a first axis of S members."""

    def __init__(self, models: Sequence[RecurrentRegressor]) -> None:
        first = models[0]
        kinds = [type(layer) for layer in first.layers]
        if any(_description(model) != _description(first) for model in models):
            raise InputError("models differ in kind, size or dtype; train equal ones together")
        self.models = models
        self.is_lstm = [issubclass(kind, LSTMLayer) for kind in kinds]
        self.nonlinearities = [
            layer.nonlinearity if isinstance(layer, RNNLayer) else "" for layer in first.layers
        ]
        if not all(isinstance(name, str) for name in self.nonlinearities):
            raise InputError("nonlinearity is a function; only named ones can be trained together")
        self.device = next(first.parameters()).device
        together = zip(*(model.parameters() for model in models), strict=True)
        self.parameters = [torch.stack([p.detach() for p in group]) for group in together]
        for parameter in self.parameters:
            parameter.requires_grad_()
        named = dict(
            zip((name for name, _ in first.named_parameters()), self.parameters, strict=True)
        )
        prefix = "recurrent." if not hasattr(first.recurrent, "layers") else "recurrent.layers.{}."
        self.layers = [
            tuple(named[prefix.format(place) + name] for name in ("W_x", "W_h", "b"))
            for place in range(len(kinds))
        ]
        self.readout = named["readout.weight"], named["readout.bias"]

    def losses(self, x: Tensor, y: Tensor, last_step_only: bool) -> Tensor:
        """Mean squared error of each member, (S,), as :func:`regression_loss` has it."""
        hidden = x.permute(2, 0, 1, 3)  # (S, B, T, I) -> (T, S, B, I)
        for place, (w_x, w_h, b) in enumerate(self.layers):
            zero = hidden.new_zeros(*hidden.shape[1:-1], w_h.shape[-1])
            inputs = (w_x, w_h, b.unsqueeze(1))
            if self.is_lstm[place]:
                hidden, _ = UnrollLSTM.apply(hidden, zero, zero, *inputs)
            else:
                hidden = UnrollRNN.apply(hidden, zero, *inputs, self.nonlinearities[place])
        weight, bias = self.readout
        target = y.permute(2, 0, 1, 3)
        if last_step_only:
            hidden, target = hidden[-1:], target[-1:]
        error = hidden @ weight.mT + bias.unsqueeze(1) - target
        return error.square().mean(dim=(0, 2, 3))

    def clip(self, max_norm: float) -> None:
        """Scale down the gradient of each member whose norm exceeds ``max_norm``."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in gradients]).norm(dim=0)
        factors = (max_norm / (norms + 1e-6)).clamp(max=1.0)  # as torch's clip_grad_norm_
        for gradient in gradients:
            gradient.mul_(factors.view(-1, *[1] * (gradient.ndim - 1)))

    def copy_back(self) -> None:
        """Give every model its trained parameters."""
        with torch.no_grad():
            for place, model in enumerate(self.models):
                for parameter, stacked in zip(model.parameters(), self.parameters, strict=True):
                    parameter.copy_(stacked[place])
