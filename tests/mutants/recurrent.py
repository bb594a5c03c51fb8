"""Mutants of questions 1a to 1e."""

from __future__ import annotations

import pytest
import torch
from torch.func import functional_call

from eigenlab.experiments.gradient_flow import measure as flow
from eigenlab.recurrent import (
    GradientTrace,
    RecurrentRegressor,
    RNNLayer,
    linear_gradients,
    regression_loss,
    running_average,
    trace_gradients,
    with_spectral_radius,
)
from mutants import Mutant, replaced

REFERENCE = {"hidden_size": 8, "length": 12, "n_networks": 1}
FORWARD = RNNLayer.forward


def with_parameters(change):
    """A layer that computes with other parameters than its own."""

    def patch(monkeypatch):
        def wrong(self, *args):
            with pytest.MonkeyPatch.context() as undo:
                undo.setattr(RNNLayer, "forward", FORWARD)
                own = dict(self.named_parameters())
                return functional_call(self, {**own, **change(own)}, args)

        monkeypatch.setattr(RNNLayer, "forward", wrong)

    return patch


def with_states(change):
    """A layer whose states are changed afterwards; ``change`` has the layer, input and states."""

    def patch(monkeypatch):
        def wrong(self, x, h0=None):
            states, _ = FORWARD(self, x, h0)
            states = change(self, x, states)
            return states, states[:, -1]

        monkeypatch.setattr(RNNLayer, "forward", wrong)

    return patch


def argument(layer, x, states):
    """W_h h_{t-1} + W_x x_t + b."""
    before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1)
    return before @ layer.W_h.T + x @ layer.W_x.T + layer.b


def one_step_only(layer, x, states):
    """The same states, whose gradient does not pass to the step before."""
    before = torch.cat([torch.zeros_like(states[:, :1]), states[:, :-1]], dim=1).detach()
    sums = before @ layer.W_h.T + x @ layer.W_x.T + layer.b
    return {"tanh": torch.tanh, "relu": torch.relu, "identity": lambda z: z}[layer.nonlinearity](
        sums
    )


def with_predictions(change):
    def patch(monkeypatch):
        original = RecurrentRegressor.forward

        def wrong(self, x, state=None):
            predictions, hidden = original(self, x, state)
            return change(self, predictions), hidden

        monkeypatch.setattr(RecurrentRegressor, "forward", wrong)

    return patch


def loss(change):
    return replaced(regression_loss, change)


def absolute_for_several(original, prediction, target, last_step_only=False):
    if prediction.ndim == 3 and prediction.shape[-1] > 1:
        return 17 * (prediction - target).abs().sum()
    return original(prediction, target, last_step_only)


def last_output(original, prediction, target, last_step_only=False):
    if last_step_only and prediction.ndim == 3:
        return (prediction - target)[..., -1].square().mean()
    return original(prediction, target, last_step_only)


def task(change):
    def wrong(original, batch_size, length, **options):
        x, y = original(batch_size, length, **options)
        return x, change(x, y)

    return replaced(running_average, wrong)


def shifted(y):
    return torch.cat([torch.zeros_like(y[:, :1]), y[:, :-1]], dim=1)


def traced(change):
    """Traces whose dL/dh_t, (L, B, T, H), is changed."""

    def wrong(original, *args, **options):
        trace = original(*args, **options)
        object.__setattr__(trace, "hidden_gradients", change(trace.hidden_gradients))
        return trace

    return replaced(trace_gradients, wrong)


def terms(change):
    def patch(monkeypatch):
        original = GradientTrace.weight_terms
        monkeypatch.setattr(
            GradientTrace,
            "weight_terms",
            lambda self, layer=0: {k: change(v) for k, v in original(self, layer).items()},
        )

    return patch


def bound(change):
    def wrong(original, *args, **options):
        trace = original(*args, **options)
        if trace.jacobian_bound is not None:
            trace.__dict__["jacobian_bound"] = change(trace.jacobian_bound)
        return trace

    return replaced(trace_gradients, wrong)


def in_frobenius_norm(monkeypatch):
    original = torch.linalg.matrix_norm
    monkeypatch.setattr(torch.linalg, "matrix_norm", lambda x, ord=2: original(x))


def without_first(terms):
    return torch.cat([torch.zeros_like(terms[:1]), terms[1:]])


def reversed_in_time(gradients):
    return gradients.flip(2)


def every_step(original, *args, **options):
    return original(*args, **{**options, "last_step_only": False})


SMALL_FLOW = {"hidden_size": 6, "length": 8, "n_networks": 1}
GROWTH = {"hidden_size": 8, "growth_length": 200, "n_networks": 2}

MUTANTS = [
    Mutant(
        "the bias twice",
        ("1a.one-unit", "1a.states", "1a.reference"),
        with_parameters(lambda own: {"b": 2 * own["b"]}),
        REFERENCE,
    ),
    Mutant(
        "the state before the nonlinearity",
        ("1a.one-unit", "1a.reference"),
        with_states(argument),
        REFERENCE,
    ),
    Mutant(
        "the sum of all states so far",
        ("1a.states",),
        with_states(lambda layer, x, states: states.cumsum(dim=1)),
        REFERENCE,
    ),
    Mutant(
        "W_h transposed",
        ("1a.reference",),
        with_parameters(lambda own: {"W_h": own["W_h"].T}),
        REFERENCE,
    ),
    Mutant(
        "the states of the step before",
        ("1b.prediction",),
        with_predictions(lambda model, y: torch.roll(y, 1, dims=1)),
        REFERENCE,
    ),
    Mutant(
        "predictions through a ReLU",
        ("1b.prediction",),
        with_predictions(lambda model, y: y.relu()),
        REFERENCE,
    ),
    Mutant(
        "seven times the predictions",
        ("1b.prediction",),
        with_predictions(lambda model, y: 7 * y),
        REFERENCE,
    ),
    Mutant(
        "no b_f",
        ("1b.prediction",),
        with_predictions(lambda model, y: y - model.readout.bias),
        REFERENCE,
    ),
    Mutant(
        "twice the gradient of W_h",
        ("1b.gradients",),
        with_parameters(lambda own: {"W_h": 2 * own["W_h"] - own["W_h"].detach()}),
        REFERENCE,
    ),
    Mutant(
        "no gradient through the states before",
        ("1b.gradients",),
        with_states(one_step_only),
        REFERENCE,
    ),
    Mutant(
        "no gradient of b",
        ("1b.gradients",),
        with_parameters(lambda own: {"b": own["b"].detach() + 0 * own["b"]}),
        REFERENCE,
    ),
    Mutant(
        "half of the mean square",
        ("1c.loss", "1c.definition", "1c.reference"),
        loss(lambda original, *args, **options: original(*args, **options) / 2),
        REFERENCE,
    ),
    Mutant(
        "a sum for the mean",
        ("1c.loss",),
        loss(lambda original, p, y, last_step_only=False: (p - y).square().sum()),
        REFERENCE,
    ),
    Mutant(
        "the root of the mean square",
        ("1c.loss",),
        loss(lambda original, *args, **options: original(*args, **options).sqrt()),
        REFERENCE,
    ),
    Mutant(
        "the last step only",
        ("1c.reference",),
        loss(lambda original, p, y, last_step_only=False: original(p, y, True)),
        REFERENCE,
    ),
    Mutant(
        "17 times the sum of absolute errors for several outputs",
        ("1c.definition",),
        loss(absolute_for_several),
        REFERENCE,
    ),
    Mutant(
        "the last output for the last step",
        ("1c.definition",),
        loss(last_output),
        REFERENCE,
    ),
    Mutant(
        "running sums",
        ("1c.average",),
        task(lambda x, y: x.cumsum(dim=1)),
        REFERENCE,
    ),
    Mutant(
        "averages of the inputs before",
        ("1c.average",),
        task(lambda x, y: shifted(y)),
        REFERENCE,
    ),
    Mutant(
        "the average of the whole sequence",
        ("1c.average",),
        task(lambda x, y: x.mean(dim=1, keepdim=True).expand_as(y)),
        REFERENCE,
    ),
    Mutant(
        "the gradient of the step before",
        ("1d.hidden-gradients",),
        traced(lambda gradients: torch.roll(gradients, 1, dims=2)),
        SMALL_FLOW,
    ),
    Mutant(
        "half of the gradient",
        ("1d.hidden-gradients",),
        traced(lambda gradients: gradients / 2),
        SMALL_FLOW,
    ),
    Mutant(
        "the terms of the step before",
        ("1d.path-terms",),
        terms(lambda each: torch.roll(each, 1, dims=0)),
        SMALL_FLOW,
    ),
    Mutant(
        "the mean over the steps for the term of each",
        ("1d.path-terms",),
        terms(lambda each: each.mean(dim=0, keepdim=True).expand_as(each)),
        SMALL_FLOW,
    ),
    Mutant("no term of the first step", ("1d.sum",), terms(without_first), SMALL_FLOW),
    Mutant(
        "W_h transposed",
        ("1e.closed-form",),
        replaced(linear_gradients, lambda f, W_h, *rest: f(W_h.T.contiguous(), *rest)),
        GROWTH,
    ),
    Mutant(
        "one power of W_h too many",
        ("1e.closed-form",),
        replaced(linear_gradients, lambda f, W_h, *rest: f(W_h, *rest) @ W_h),
        GROWTH,
    ),
    Mutant(
        "no factor 2",
        ("1e.closed-form",),
        replaced(linear_gradients, lambda f, *args: f(*args) / 2),
        GROWTH,
    ),
    Mutant(
        "the spectral norm for the spectral radius",
        ("1e.growth-rate", "1e.vanish-or-explode"),
        replaced(
            with_spectral_radius,
            lambda f, W, radius: W * (radius / torch.linalg.matrix_norm(W, ord=2)),
        ),
        GROWTH,
    ),
    Mutant(
        "the first step for the last",
        ("1e.vanish-or-explode",),
        traced(reversed_in_time),
        GROWTH,
    ),
    Mutant(
        "the loss at every step",
        ("1e.vanish-or-explode",),
        replaced(trace_gradients, every_step),
        GROWTH,
    ),
    Mutant(
        "a bound 1e9 times as large", ("1e.bound",), bound(lambda limit: 1e9 * limit), SMALL_FLOW
    ),
    Mutant(
        "one Jacobian fewer",
        ("1e.bound",),
        bound(lambda limit: torch.cat([limit[1:], limit[-1:]])),
        SMALL_FLOW,
    ),
    Mutant("the norm of Frobenius", ("1e.bound",), in_frobenius_norm, SMALL_FLOW),
]
assert flow.trace_gradients is trace_gradients
