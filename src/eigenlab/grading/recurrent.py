"""Checks of problem 1, parts 1a to 1d: a recurrent layer, its readout, the loss, its gradients."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from eigenlab.grading.comparison import Comparison
from eigenlab.grading.isolation.inside.known import (
    ConstantLayer,
    Echo,
    applied,
    identity,
    linear_recurrence,
)
from eigenlab.grading.parts import part

#: Axes of states, and of predictions.
STATES, OUTPUTS = ("sequence", "step", "unit"), ("sequence", "step", "output")
#: The inputs of the course's own tests, (2, 4, 2).
DATA = torch.tensor(
    [
        [[0.1, 0.15], [0.2, 0.25], [0.3, 0.35], [0.4, 0.45]],
        [[-0.1, -1.5], [-0.2, -2.5], [-0.3, -3.5], [-0.4, -0.45]],
    ]
)
#: Published hidden states of any of three equal units whose parameters are all -0.1, (2, 4).
LINEAR_STATES = ((-0.1250, -0.1075, -0.1328, -0.1452), (0.0600, 0.1520, 0.2344, -0.0853))
TANH_STATES = ((-0.1244, -0.1073, -0.1320, -0.1444), (0.0599, 0.1509, 0.2305, -0.0840))
#: Published state of one unit with the input 1 whose parameters are all 0.1.
ONE_STATE = ((0.1973753273487091,),)
#: Published predictions of any of four equal outputs that read those tanh units, (2, 4).
PREDICTIONS = ((-0.0627, -0.0678, -0.0604, -0.0567), (-0.1180, -0.1453, -0.1692, -0.0748))
#: Published losses of the predictions 0.1 to 0.6 and the targets -1.1 to -1.6.
LOSS_EVERY_STEP, LOSS_LAST_STEP = 3.0067, 3.7


def loop(
    x: Tensor, W_h: Tensor, W_x: Tensor, b: Tensor, sigma: Callable[[Tensor], Tensor]
) -> Tensor:
    """All hidden states (B, T, H) of h_t = sigma(W_h h_{t-1} + W_x x_t + b), h_0 = 0."""
    h, states = x.new_zeros(len(x), len(b)), []
    for x_t in x.unbind(1):
        h = sigma(h @ W_h.T + x_t @ W_x.T + b)
        states.append(h)
    return torch.stack(states, dim=1)


def alike(rows: Any, units: int) -> Tensor:
    """Published states of one unit, (B, T), for each of several equal units: (B, T, H)."""
    return torch.as_tensor(rows).unsqueeze(-1).repeat_interleave(units, dim=-1)


def fill(module: nn.Module, value: float) -> None:
    """Set every parameter to one number, as the course's own tests do."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)


def count(module: nn.Module) -> float:
    """Number of parameters."""
    return float(sum(parameter.numel() for parameter in module.parameters()))


def returned(label: str, what: str, value: Any, n: int = 2) -> Comparison:
    """Compare how many values came back with how many are wanted; more are welcome."""
    found = None if value is None else len(value) if isinstance(value, tuple | list) else 1
    return Comparison(
        f"the number of values that {label} returns",
        None if found is None else min(found, n),
        n,
        mistakes={f"expected {what}.": found},
    )


def gradient(value: Any, of: Tensor) -> Tensor:
    """d sum(value) / d ``of``; zeros where autograd finds no path."""
    if not isinstance(value, Tensor) or not value.requires_grad:
        return torch.zeros_like(of)
    (found,) = torch.autograd.grad(value.sum(), of, allow_unused=True)
    return torch.zeros_like(of) if found is None else found


def state_mistakes(
    x: Tensor, weights: tuple[Tensor, Tensor, Tensor], sigma: Callable[[Tensor], Tensor]
) -> Mapping[str, Tensor]:
    """What a layer with a likely mistake returns for all hidden states."""
    W_h, W_x, b = weights
    right = loop(x, W_h, W_x, b, sigma)
    zeros = torch.zeros_like(right[:, :1])
    return {
        "h_0 is in the list, and h_T is not: the states are shifted by one step.": torch.cat(
            [zeros, right[:, :-1]], dim=1
        ),
        "h_0 is in the list: T + 1 states came for T steps.": torch.cat([zeros, right], dim=1),
        "the bias is added twice (each nn.Linear brings one: give bias=False to all but one).": (
            loop(x, W_h, W_x, 2 * b, sigma)
        ),
        "the bias is missing.": loop(x, W_h, W_x, 0 * b, sigma),
        "the nonlinearity is not applied.": loop(x, W_h, W_x, b, identity),
        "tanh is applied whatever `nonlinearity` is.": loop(x, W_h, W_x, b, torch.tanh),
        "the next step reads the state before the nonlinearity.": sigma(
            loop(x, W_h, W_x, b, identity)
        ),
        "h_{t-1} is not used: every step starts from h_0.": loop(x, 0 * W_h, W_x, b, sigma),
        "batch and time are swapped: the recurrence runs over the sequences of the batch, "
        "x is (B, seq_len, input_size).": (
            loop(x.transpose(0, 1), W_h, W_x, b, sigma).transpose(0, 1)
        ),
        "batch and time are swapped in the result, its shape is (T, B, H): the layer is batch "
        "first, stack the states along dim=1.": (right.transpose(0, 1)),
        "only h_T is returned, not the state of every step.": right[:, -1],
    }


def last_mistakes(states: Tensor) -> Mapping[str, Tensor]:
    """What a layer returns as its last state if it takes another slice."""
    return {
        "it is the state of the first step.": states[:, 0],
        "it is the last sequence of the batch; time is the axis 1 of (B, seq_len, H).": states[-1],
        "it is the last unit of every step; time is the axis 1 of (B, seq_len, H).": states[
            ..., -1
        ],
        "it keeps the time axis; select the step by an index, not by a slice.": states[:, -1:],
        "it is all hidden states.": states,
    }


@part("1a", "RNNLayer", "RNNLayer")
def layer(RNNLayer: Callable[..., Any]) -> Iterator[Comparison]:
    """The published layers of three units and of one, then random weights and gradients."""
    linear, label = RNNLayer(2, 3, nonlinearity=identity), "RNNLayer(2, 3, nonlinearity=identity)"
    checked = returned("RNNLayer.forward", "the two values (all_h, last_h)", linear(DATA))
    yield checked
    if not checked.passed:
        return
    yield Comparison(
        "the number of parameters of RNNLayer(2, 3)",
        count(linear),
        18,
        mistakes={
            "no parameter is registered: hold the weights in nn.Linear or nn.Parameter.": 0,
            "the bias is missing: W_h has 9 numbers, W_x 6, b 3.": 15,
            "3 numbers too many: W_h has 9, W_x 6, b 3. Two nn.Linear have two biases (give one of "
            "them bias=False), and h_0 is zeros, not a parameter.": 21,
        },
        advice="W_h has 9, W_x 6, b 3.",
    )
    yield from _published(linear, label, DATA, -0.1, identity, LINEAR_STATES)
    default = RNNLayer(2, 3)
    yield from _published(default, "RNNLayer(2, 3)", DATA, -0.1, torch.tanh, TANH_STATES)
    one = RNNLayer(1, 1)
    yield from _published(one, "RNNLayer(1, 1)", torch.ones(1, 1, 1), 0.1, torch.tanh, ONE_STATE)
    yield from _random_weights(RNNLayer)
    x = DATA.clone().requires_grad_()
    # d sum(h_4) / dx_1 = 1^T W_h^3 W_x; W_h has the eigenvector 1 and the eigenvalue -0.3.
    yield Comparison(
        f"the gradient of the last state of {label} with respect to the first input",
        gradient(linear(x)[1], x)[:, 0],
        torch.full((2, 2), (-0.3) ** 3 * 3 * -0.1),
        mistakes={"it is zero: a state is detached from the graph.": torch.zeros(2, 2)},
        advice="keep the states in autograd's graph: no .detach(), .data, .item() or numpy.",
        tolerance=1e-6,
    )


def _published(
    layer: Any,
    label: str,
    x: Tensor,
    value: float,
    sigma: Callable[[Tensor], Tensor],
    published: Any,
) -> Iterator[Comparison]:
    units, inputs = 3 if x.shape[-1] == 2 else 1, x.shape[-1]
    layer(x)  # parameters of lazy modules exist after the first call
    fill(layer, value)
    all_h, last_h = layer(x)[:2]
    expected = alike(published, units)
    W_h, W_x, b = (
        torch.full(shape, value) for shape in ((units, units), (units, inputs), (units,))
    )
    yield Comparison(
        f"all_h of {label} with every parameter {value}",
        all_h,
        expected,
        axes=STATES,
        mistakes=state_mistakes(x, (W_h, W_x, b), sigma),
        advice="h_t = nonlinearity(W_h h_{t-1} + W_x x_t + b) with h_0 = 0.",
    )
    yield Comparison(
        f"last_h of {label} with every parameter {value}",
        last_h,
        expected[:, -1],
        mistakes=last_mistakes(expected),
    )


def _random_weights(RNNLayer: Callable[..., Any]) -> Iterator[Comparison]:
    """The maps are read off a linear layer's outputs; torch.nn.RNN then runs with them."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(4, 6, 3, generator=draw)
    linear = RNNLayer(3, 3, nonlinearity=identity)
    linear(x)
    draws = [_random_maps(linear, draw) for _ in range(8)]
    parameters, (W_h, W_x, b) = min(draws, key=lambda found: _condition(*found[1]))
    yield Comparison(
        "the rank of W_h, all of its numbers random",
        float(torch.linalg.matrix_rank(W_h.double(), rtol=1e-3)),
        3.0,
        advice="every unit reads every unit of h_{t-1} through a (3, 3) matrix.",
    )
    for name, sigma in (("tanh", torch.tanh), ("relu", torch.relu)):
        layer = RNNLayer(3, 3, nonlinearity=sigma)
        layer(x)
        peer = nn.RNN(3, 3, nonlinearity=name, batch_first=True)
        set_parameters(layer, parameters)
        set_parameters(peer, [W_x, W_h, b, torch.zeros(3)])
        yield Comparison(
            f"all_h of RNNLayer(3, 3, nonlinearity=th.{name}) with random weights",
            layer(x)[0],
            peer(x)[0],
            axes=STATES,
            mistakes=state_mistakes(x, (W_h, W_x, b), sigma),
            advice="the nonlinearity acts on the whole sum W_h h_{t-1} + W_x x_t + b.",
        )


def set_parameters(module: nn.Module, values: list[Tensor]) -> None:
    """Copy values into the parameters, in their order."""
    with torch.no_grad():
        for parameter, value in zip(module.parameters(), values, strict=True):
            parameter.copy_(value)


def _random_maps(
    linear: Any, draw: torch.Generator
) -> tuple[list[Tensor], tuple[Tensor, Tensor, Tensor]]:
    """Random parameters of a linear layer of three inputs and units, and its W_h, W_x, b.

    Autograd stays on, since a student's layer may call ``retain_grad``.
    """
    shapes = [parameter.shape for parameter in linear.parameters()]
    parameters = [0.7 * torch.randn(shape, generator=draw) for shape in shapes]
    set_parameters(linear, parameters)
    b = linear(torch.zeros(1, 1, 3))[0][0, 0].detach()
    W_x = (linear(torch.eye(3).unsqueeze(1))[0][:, 0].detach() - b).T
    x = torch.randn(64, 2, 3, generator=draw)
    x[:, 1] = 0
    first, second = linear(x)[0].detach().double().unbind(1)
    W_h = torch.linalg.lstsq(first, second - b).solution.T.float()
    return parameters, (W_h, W_x, b)


def _condition(W_h: Tensor, W_x: Tensor, b: Tensor) -> float:
    """How badly W_h can be told from outputs in single precision."""
    return float(torch.linalg.cond(W_x.double()) + torch.linalg.cond(W_h.double()))


@part("1b", "RecurrentRegressionModel", "RecurrentRegressionModel")
def readout(RecurrentRegressionModel: Callable[..., Any]) -> Iterator[Comparison]:
    """The published predictions, then a random readout of states that are known."""
    model = RecurrentRegressionModel(ConstantLayer(2, 3), 4)
    found = model(DATA)
    checked = returned("RecurrentRegressionModel.forward", "the two values (out, all_h)", found)
    yield checked
    if not checked.passed:
        return
    fill(model, -0.1)
    out, all_h = model(DATA)[:2]
    right, states = alike(PREDICTIONS, 4), alike(TANH_STATES, 3)
    label = "RecurrentRegressionModel(RNNLayer(2, 3), 4)"
    yield Comparison(
        f"out of {label} with every parameter -0.1",
        out,
        right,
        axes=OUTPUTS,
        mistakes={
            "it is the hidden states; the order is (out, all_h).": states,
            "the prediction passes through the nonlinearity; the readout is linear.": right.tanh(),
            "the states pass through the nonlinearity once more before they are read.": (
                -0.3 * alike(TANH_STATES, 4).tanh() - 0.1
            ),
            "the bias of the readout is missing.": right + 0.1,
            "only the last step is read; predict at every step.": right[:, -1],
            "the same prediction, that of the last step, stands at every step.": (
                right[:, -1:].expand_as(right)
            ),
            "batch and time are swapped.": right.transpose(0, 1),
        },
        advice="out_t = W_f h_t + b_f at every step, one nn.Linear.",
    )
    yield Comparison(
        f"all_h of {label}",
        all_h,
        states,
        mistakes={
            "it is the last hidden state only.": states[:, -1],
            "it is the predictions; the order is (out, all_h).": right,
        },
    )
    yield Comparison(
        f"the number of parameters of {label}",
        count(model),
        34,
        mistakes={
            "the readout is not registered: hold it in nn.Linear.": 18,
            "recurrent_net is not registered: assign it to an attribute of self.": 16,
            "the bias of the readout is missing.": 30,
        },
        advice="18 of the layer, 12 + 4 of the readout.",
    )
    yield from _random_readout(RecurrentRegressionModel)


def _random_readout(RecurrentRegressionModel: Callable[..., Any]) -> Iterator[Comparison]:
    draw = torch.Generator().manual_seed(0)
    model, h = RecurrentRegressionModel(Echo(3), 2), torch.randn(4, 5, 3, generator=draw)
    model(h)
    set_parameters(model, [torch.randn(p.shape, generator=draw) for p in model.parameters()])
    b_f = model(torch.zeros(1, 1, 3))[0][0, 0].detach()
    W_f = (model(torch.eye(3).unsqueeze(1))[0][:, 0].detach() - b_f).T
    yield Comparison(
        "out of RecurrentRegressionModel with a random readout of known states",
        model(h)[0],
        h @ W_f.T + b_f,
        axes=OUTPUTS,
        mistakes={
            "the same prediction, that of the last step, stands at every step.": (
                (h @ W_f.T + b_f)[:, -1:].expand(4, 5, 2)
            )
        },
        advice="out_t = W_f h_t + b_f: linear, the same map at every step and in every sequence.",
    )
    h.requires_grad_()
    yield Comparison(
        "the gradient of out with respect to the hidden states",
        gradient(model(h)[0], h),
        W_f.sum(dim=0).expand_as(h),
        mistakes={"it is zero: the states are detached from the graph.": torch.zeros_like(h)},
    )


@part("1c", "loss_fn", "loss_fn")
def loss(loss_fn: Callable[..., Any]) -> Iterator[Comparison]:
    """The published losses, and the gradients 2 (pred - y) / N."""
    pred = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]).unsqueeze(-1)
    y = torch.tensor([[-1.1, -1.2, -1.3], [-1.4, -1.5, -1.6]]).unsqueeze(-1)
    for last, expected in ((False, LOSS_EVERY_STEP), (True, LOSS_LAST_STEP)):
        label = f"loss_fn(pred, y, last_timestep_only={last})"
        yield Comparison(
            label,
            loss_fn(pred, y, last_timestep_only=last),
            expected,
            mistakes=_loss_mistakes(pred, y, last),
            advice="the mean of (pred - y)^2 over sequences and steps, or at the last step.",
        )
    yield Comparison(
        "loss_fn(pred, y)",
        loss_fn(pred, y),
        LOSS_EVERY_STEP,
        mistakes={"without the third argument every step counts.": LOSS_LAST_STEP},
    )
    for last in (False, True):
        leaf = pred.clone().requires_grad_()
        right = 2 * (pred - y) / (2 if last else 6)
        if last:
            right[:, :-1] = 0
        zeros = torch.zeros_like(right)
        yield Comparison(
            f"the gradient of loss_fn(pred, y, last_timestep_only={last}) with respect to pred",
            gradient(loss_fn(leaf, y, last_timestep_only=last), leaf),
            right,
            mistakes={"it is zero: return the tensor, without .item() or .detach().": zeros},
        )


def _loss_mistakes(pred: Tensor, y: Tensor, last: bool) -> Mapping[str, Tensor]:
    squares = (pred - y).square()[..., 0]
    chosen = squares[:, -1:] if last else squares
    mistakes = {
        "the squares are summed; take their mean.": chosen.sum(),
        "it averages over the batch but not over time: the squares are summed over the steps.": (
            squares.sum(dim=1).mean()
        ),
        "it is half of the mean square.": chosen.mean() / 2,
        "it is the root of the mean square.": chosen.mean().sqrt(),
        "it is the mean of the absolute errors.": chosen.sqrt().mean(),
        "the squared errors are not averaged.": squares,
        "it is the loss of each sequence; average over the batch.": chosen.mean(dim=1),
        "it is the loss of the last sequence of the batch; time is the axis 1.": squares[-1].mean(),
    }
    if last:
        return {
            "every step counts: last_timestep_only has no effect, or the last index was taken of "
            "another axis than time, the axis 1 of (batch, seq_len, 1).": squares.mean(),
            "it is the loss of the first step.": squares[:, 0].mean(),
            "it is divided by the number of all steps.": squares[:, -1].sum() / squares.numel(),
            **mistakes,
        }
    return {"only the last step counts.": squares[:, -1].mean(), **mistakes}


@part("1c-data", "generate_batch", "generate_batch")
def batch(generate_batch: Callable[..., Any]) -> Iterator[Comparison]:
    """Targets y_t = (x_1 + ... + x_t) / t."""
    found = generate_batch(seq_len=5, batch_size=3)
    checked = returned("generate_batch", "the two values (data, target)", found)
    yield checked
    if not checked.passed:
        return
    data, target = found[:2]
    for name, value in (("data", data), ("target", target)):
        yield Comparison(
            f"the shape of {name} of generate_batch(seq_len=5, batch_size=3)",
            [float(n) for n in np.shape(value)],
            [3, 5, 1],
            mistakes={"batch and time are swapped.": [5, 3, 1]},
            advice="(batch_size, seq_len, 1).",
        )
    if np.shape(data) != (3, 5, 1):
        return
    x = torch.as_tensor(data).double()
    sums, steps = x.cumsum(dim=1), torch.arange(1.0, 6.0).view(1, 5, 1)
    yield Comparison(
        "target of generate_batch",
        target,
        torch.stack([x[:, : t + 1].mean(dim=1) for t in range(5)], dim=1),
        axes=("sequence", "step", "feature"),
        mistakes={
            "these are the running sums; divide by t.": sums,
            "the sums are divided by T, not by t.": sums / 5,
            "the sums are divided by t + 1 (steps are numbered from 1).": sums / (steps + 1),
            "the sums are divided by t - 1 (steps are numbered from 1).": sums / (steps - 1),
            "the sum runs over the batch, not over time.": x.cumsum(dim=0) / steps,
            "it is the mean of the whole sequence at every step.": x.mean(1, True).expand_as(x),
            "it is the data.": x,
        },
        advice="y_t = (x_1 + ... + x_t) / t.",
    )
    again = torch.as_tensor(generate_batch(seq_len=5, batch_size=3)[0]).double()
    yield Comparison(
        "the share of numbers that a second batch repeats",
        float((again == x).double().mean()),
        0.0,
        mistakes={"both batches are the same: do not fix the seed inside.": 1.0},
    )
    yield from _standard_normal(generate_batch)


def _standard_normal(generate_batch: Callable[..., Any]) -> Iterator[Comparison]:
    """Moments of 10,000 numbers, with bounds of at least five standard errors."""
    x = torch.as_tensor(generate_batch(seq_len=5, batch_size=2000)[0]).double()
    where = "of the data of generate_batch(seq_len=5, batch_size=2000)"
    uniform = "the numbers are uniform, as torch.rand draws them; draw normal ones by torch.randn."
    for name, given, right, of_uniform, bound in (
        ("mean", x.mean(), 0.0, 0.5, 0.05),
        ("standard deviation", x.std(), 1.0, 12**-0.5, 0.04),
        # Its standard error is the root of 96 / n.
        ("mean fourth power of the standardised values", _fourth(x), 3.0, 1.8, 0.5),
    ):
        is_uniform = abs(float(given) - of_uniform) <= bound
        yield Comparison(
            f"the {name} {where}",
            given,
            right,
            mistakes={uniform: given if is_uniform else None},
            advice="The numbers are standard normal, with mean 0 and standard deviation 1.",
            tolerance=bound,
        )


def _fourth(x: Tensor) -> Tensor:
    return ((x - x.mean()) / x.std()).pow(4).mean()


#: What an empty ``grad`` means.
NOT_RETAINED = (
    "h.grad is None: call h.retain_grad() before backward(), since h is not a leaf of the graph."
)
#: An attribute ``grad``, not the function of torch.autograd.
GRAD = re.compile(r"\.grad\b(?!\()")


@part("1d", "hidden_gradients", "hidden_gradients")
def through_time(hidden_gradients: Callable[..., Any]) -> Iterator[Comparison]:
    """Without a nonlinearity dL_k/dh_t = 2 (out_k - y_k) W_f W_h^(k-t) / N."""
    draw = torch.Generator().manual_seed(0)
    W_h, W_f = torch.randn(3, 3, generator=draw), torch.randn(1, 3, generator=draw)
    inputs, y = torch.randn(4, 2, 3, generator=draw), torch.randn(4, 2, 1, generator=draw)
    for last in (True, False):
        states, _ = linear_recurrence(W_h, W_f, inputs, y, last)
        errors = (torch.stack(states) @ W_f.T - y)[3 if last else 0 :]
        direct = torch.zeros(4, 2, 3)
        direct[3 if last else 0 :] = (2 * errors / errors.numel() @ W_f).detach()
        total = [direct[3]]
        for t in (2, 1, 0):
            total.insert(0, direct[t] + total[0] @ W_h)
        right = torch.stack(total)
        label = f"hidden_gradients(h_list, loss) {'at the last step' if last else 'at every step'}"
        found = _gradients(hidden_gradients, (W_h, W_f, inputs, y, last))
        if isinstance(found, list | tuple) and any(g is None for g in found):
            yield Comparison(
                f"the number of gradients of {label} that are None",
                float(sum(g is None for g in found)),
                0.0,
                mistakes={NOT_RETAINED: float(sum(g is None for g in found))},
            )
            return
        yield Comparison(
            label,
            found,
            right,
            axes=("step", "sequence", "unit"),
            mistakes={
                "only the direct part is there: a gradient with respect to stacked copies of the "
                "states misses the paths through later states.": direct,
                "batch comes first; stack the gradients along dim=0, (seq_len, B, H).": (
                    right.transpose(0, 1)
                ),
                "the steps are in reversed order.": right.flip(0),
                "these are the states.": torch.stack(states),
                "these are the norms.": right.norm(dim=-1),
            },
            advice="row t is dL/dh_t, over every path from h_t to the loss.",
        )


def _gradients(hidden_gradients: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """What the function returns; a list of None if it joins gradients that are None."""
    try:
        return applied(hidden_gradients, linear_recurrence, *arguments)
    except Exception as error:
        words = getattr(error, "explanation", str(error))
        if "NoneType" in words and GRAD.search("\n".join([words, *_lines(error)])):
            return [None]
        raise


def _lines(error: BaseException) -> list[str]:
    """The lines of code that an exception came through."""
    return [frame.line or "" for frame in traceback.extract_tb(error.__traceback__)]
