"""Checks of problem 1 accept every right solution and say which mistake a wrong one makes."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from eigenlab.grading import check

#: Part -> its right solutions, and its wrong ones with words of the hint.
RIGHT: dict[str, list] = {}
WRONG: dict[str, list] = {}


class Layer(nn.Module):
    """1a with one nn.Linear; subclasses change one line."""

    def __init__(self, input_size, hidden_size, nonlinearity=torch.tanh):
        super().__init__()
        self.input_size, self.hidden_size = input_size, hidden_size
        self.nonlinearity = nonlinearity
        self.make()

    def make(self):
        self.linear = nn.Linear(self.input_size + self.hidden_size, self.hidden_size)

    def total(self, x_t, h):
        return self.linear(torch.cat([x_t, h], dim=1))

    def step(self, x_t, h):
        return self.nonlinearity(self.total(x_t, h))

    def forward(self, x):
        h, states = torch.zeros(len(x), self.hidden_size), []
        for t in range(x.shape[1]):
            h = self.step(x[:, t], h)
            states.append(h)
        return self.result(states, h)

    def result(self, states, h):
        return torch.stack(states, dim=1), h


class TwoLinears(Layer):
    def make(self):
        self.from_x = nn.Linear(self.input_size, self.hidden_size, bias=False)
        self.from_h = nn.Linear(self.hidden_size, self.hidden_size)

    def total(self, x_t, h):
        return self.from_x(x_t) + self.from_h(h)


class RawParameters(Layer):
    """Rows on the left, a bias of shape (1, H), and a buffer that is written in place."""

    def make(self):
        self.A = nn.Parameter(torch.zeros(self.hidden_size, self.hidden_size))
        self.B = nn.Parameter(torch.zeros(self.input_size, self.hidden_size))
        self.bias = nn.Parameter(torch.zeros(1, self.hidden_size))

    def forward(self, x):
        states = torch.zeros(len(x), x.shape[1], self.hidden_size)
        h = torch.zeros(len(x), self.hidden_size)
        for t in range(x.shape[1]):
            h = self.nonlinearity(h @ self.A + x[:, t] @ self.B + self.bias)
            states[:, t] = h
        return states, states[:, -1], "more"


class OneSampleAtATime(TwoLinears):
    def forward(self, x):
        found = []
        for sample in x:
            h, states = torch.zeros(1, self.hidden_size), []
            for x_t in sample:
                h = self.step(x_t.unsqueeze(0), h)
                states.append(h)
            found.append(torch.cat(states))
        return torch.stack(found), torch.stack([states[-1] for states in found])


class Lazy(Layer):
    def make(self):
        self.from_x = nn.LazyLinear(self.hidden_size)
        self.from_h = nn.Linear(self.hidden_size, self.hidden_size, bias=False)

    total = TwoLinears.total


class Registered(Layer):
    """Keeps its states, and their gradients, as the course's template does."""

    def result(self, states, h):
        for state in states:
            state.retain_grad()
        self.h_list = states
        return super().result(states, h)


RIGHT["1a"] = [Layer, TwoLinears, RawParameters, OneSampleAtATime, Registered, Lazy]


@pytest.mark.parametrize("layer", RIGHT["1a"], ids=lambda c: c.__name__)
def test_right_layers_pass(layer):
    result = check("1a", layer)
    assert result, result
    assert result.compared > 8
    assert result.max_error <= 1e-4


class Unwritten(Layer):
    def forward(self, x):
        raise NotImplementedError("RNNLayer.forward")


class NothingReturned(Layer):
    def result(self, states, h):
        pass


class OneReturned(Layer):
    def result(self, states, h):
        return torch.stack(states, dim=1)


class ShiftedStates(Layer):
    def result(self, states, h):
        return super().result([torch.zeros_like(h), *states[:-1]], h)


class WithFirstState(Layer):
    def result(self, states, h):
        return super().result([torch.zeros_like(h), *states], h)


class TwoBiases(TwoLinears):
    def make(self):
        super().make()
        self.from_x = nn.Linear(self.input_size, self.hidden_size)


class LearnedBiasTwice(Layer):
    def total(self, x_t, h):
        return super().total(x_t, h) + self.linear.bias


class NoBias(Layer):
    def make(self):
        self.linear = nn.Linear(self.input_size + self.hidden_size, self.hidden_size, bias=False)


class ConstantBias(Layer):
    """The right number of parameters, but the bias is not used."""

    def total(self, x_t, h):
        return super().total(x_t, h) - self.linear.bias


class AlwaysTanh(Layer):
    def step(self, x_t, h):
        return self.total(x_t, h).tanh()


class NeverTanh(Layer):
    def step(self, x_t, h):
        return self.total(x_t, h)


class CarriesTheSum(Layer):
    def step(self, x_t, h):
        return self.total(x_t, h)

    def result(self, states, h):
        return torch.stack([self.nonlinearity(s) for s in states], dim=1), self.nonlinearity(h)


class NoRecurrence(Layer):
    def total(self, x_t, h):
        return super().total(x_t, 0 * h)


class TimeFirst(Layer):
    def forward(self, x):
        states, _ = super().forward(x.transpose(0, 1))
        return states.transpose(0, 1), states[-1]


class StackedFirst(Layer):
    def result(self, states, h):
        return torch.stack(states), h


class LastOfTheBatch(Layer):
    def result(self, states, h):
        stacked = torch.stack(states, dim=1)
        return stacked, stacked[-1]


class LastUnit(LastOfTheBatch):
    def result(self, states, h):
        stacked = torch.stack(states, dim=1)
        return stacked, stacked[..., -1]


class KeepsTheAxis(Layer):
    def result(self, states, h):
        stacked = torch.stack(states, dim=1)
        return stacked, stacked[:, -1:]


class NotRegistered(Layer):
    def make(self):
        linear = nn.Linear(self.input_size + self.hidden_size, self.hidden_size)
        self.hidden = [linear]

    def total(self, x_t, h):
        return self.hidden[0](torch.cat([x_t, h], dim=1))


class Detached(Layer):
    def total(self, x_t, h):
        return super().total(x_t, h.detach())


class RunsPerUnit(Layer):
    """Each unit reads the mean of the states: the same while all weights are equal."""

    def total(self, x_t, h):
        return super().total(x_t, h.mean(dim=1, keepdim=True).expand_as(h))


WRONG["1a"] = [
    (Unwritten, "RNNLayer.forward still has to be written"),
    (NothingReturned, "`return`"),
    (OneReturned, "expected the two values (all_h, last_h)"),
    (ShiftedStates, "shifted by one step"),
    (WithFirstState, "T + 1 states"),
    (TwoBiases, "Two nn.Linear have two biases"),
    (LearnedBiasTwice, "the bias is added twice"),
    (NoBias, "the bias is missing"),
    (ConstantBias, "the bias is missing"),
    (AlwaysTanh, "tanh is applied whatever"),
    (NeverTanh, "the nonlinearity is not applied"),
    (CarriesTheSum, "before the nonlinearity"),
    (NoRecurrence, "h_{t-1} is not used"),
    (TimeFirst, "batch and time are swapped: the recurrence"),
    (StackedFirst, "stack the states along dim=1"),
    (LastOfTheBatch, "last sequence of the batch"),
    (LastUnit, "last unit of every step"),
    (KeepsTheAxis, "keeps the time axis"),
    (NotRegistered, "no parameter is registered"),
    (Detached, "detached from the graph"),
]


@pytest.mark.parametrize(
    ("layer", "hint"), WRONG["1a"], ids=lambda value: getattr(value, "__name__", "")
)
def test_wrong_layers_are_told_their_mistake(layer, hint):
    result = check("1a", layer)
    assert not result
    assert hint in result.hint, result


def test_units_that_are_mixed_wrongly_are_found_by_random_weights():
    result = check("1a", RunsPerUnit)
    assert not result
    assert "rank of W_h" in result.hint


class Model(nn.Module):
    """1b; subclasses change one line."""

    def __init__(self, recurrent_net, output_dim=1):
        super().__init__()
        self.recurrent_net = recurrent_net
        self.readout = nn.Linear(recurrent_net.hidden_size, output_dim)

    def forward(self, x):
        all_h, _ = self.recurrent_net(x)
        return self.read(all_h), all_h

    def read(self, all_h):
        return self.readout(all_h)


class Reshaped(Model):
    def read(self, all_h):
        flat = self.readout(all_h.reshape(-1, all_h.shape[-1]))
        return flat.reshape(*all_h.shape[:2], -1)


class StepByStep(Model):
    def __init__(self, recurrent_net, output_dim=1):
        super().__init__(recurrent_net, output_dim)
        self.readout = None
        self.W = nn.Parameter(torch.zeros(recurrent_net.hidden_size, output_dim))
        self.b = nn.Parameter(torch.zeros(output_dim))

    def read(self, all_h):
        return torch.stack([h @ self.W + self.b for h in all_h.unbind(1)], dim=1)


RIGHT["1b"] = [Model, Reshaped, StepByStep]


@pytest.mark.parametrize("model", RIGHT["1b"])
def test_right_models_pass(model):
    result = check("1b", model)
    assert result, result


class SwappedOrder(Model):
    def forward(self, x):
        return super().forward(x)[::-1]


class Squashed(Model):
    def read(self, all_h):
        return self.readout(all_h).tanh()


class SquashedStates(Model):
    def read(self, all_h):
        return self.readout(all_h.tanh())


class LastOnly(Model):
    def read(self, all_h):
        return self.readout(all_h[:, -1])


class LastEverywhere(Model):
    def read(self, all_h):
        return self.readout(all_h[:, -1:]).expand(-1, all_h.shape[1], -1)


class ReadoutWithoutBias(Model):
    def __init__(self, recurrent_net, output_dim=1):
        super().__init__(recurrent_net, output_dim)
        self.readout = nn.Linear(recurrent_net.hidden_size, output_dim, bias=False)


class ReturnsLastState(Model):
    def forward(self, x):
        out, all_h = super().forward(x)
        return out, all_h[:, -1]


class DetachedStates(Model):
    def read(self, all_h):
        return self.readout(all_h.detach())


WRONG["1b"] = [
    (SwappedOrder, "the order is (out, all_h)"),
    (Squashed, "passes through the nonlinearity"),
    (SquashedStates, "once more"),
    (LastOnly, "only the last step is read"),
    (LastEverywhere, "stands at every step"),
    (ReadoutWithoutBias, "the bias of the readout is missing"),
    (ReturnsLastState, "last hidden state only"),
    (DetachedStates, "detached from the graph"),
]


@pytest.mark.parametrize(("model", "hint"), WRONG["1b"])
def test_wrong_models_are_told_their_mistake(model, hint):
    result = check("1b", model)
    assert not result
    assert hint in result.hint, result


def mse(pred, y, last_timestep_only=False):
    return F.mse_loss(pred[:, -1], y[:, -1]) if last_timestep_only else F.mse_loss(pred, y)


def written_out(pred, y, last_timestep_only=False):
    if last_timestep_only:
        pred, y = pred[:, -1, :], y[:, -1, :]
    return ((pred - y) ** 2).sum() / pred.numel()


def sliced(pred, y, last_timestep_only=False):
    start = pred.size(1) - 1 if last_timestep_only else 0
    return torch.mean((pred[:, start:] - y[:, start:]).pow(2))


RIGHT["1c"] = [mse, written_out, sliced]


@pytest.mark.parametrize("loss", RIGHT["1c"])
def test_right_losses_pass(loss):
    assert check("1c", loss)


WRONG["1c"] = [
    (lambda p, y, last_timestep_only=False: ((p - y) ** 2).sum(), "summed; take their mean"),
    (
        lambda p, y, last_timestep_only=False: ((p - y) ** 2).sum(1).mean(),
        "averages over the batch but not over time",
    ),
    (lambda p, y, last_timestep_only=False: F.mse_loss(p, y), "has no effect"),
    (
        lambda p, y, last_timestep_only=False: (
            F.mse_loss(p[..., -1], y[..., -1]) if last_timestep_only else F.mse_loss(p, y)
        ),
        "another axis than time",
    ),
    (
        lambda p, y, last_timestep_only=False: (
            F.mse_loss(p[-1], y[-1]) if last_timestep_only else F.mse_loss(p, y)
        ),
        "last sequence of the batch",
    ),
    (lambda p, y, last_timestep_only=False: mse(p, y, not last_timestep_only), "only the last"),
    (lambda p, y, last_timestep_only=False: mse(p, y, last_timestep_only) / 2, "half"),
    (lambda p, y, last_timestep_only=False: mse(p, y, last_timestep_only).sqrt(), "root"),
    (lambda p, y, last_timestep_only=False: mse(p, y, last_timestep_only).item(), ".item()"),
    (lambda p, y, last_timestep_only=True: mse(p, y, last_timestep_only), "third argument"),
    (lambda p, y, last_timestep_only=False: None, "code is still missing"),
]


@pytest.mark.parametrize(("loss", "hint"), WRONG["1c"])
def test_wrong_losses_are_told_their_mistake(loss, hint):
    result = check("1c", loss)
    assert not result
    assert hint in result.hint, result


def averages(seq_len=10, batch_size=1):
    x = torch.randn(batch_size, seq_len, 1)
    return x, x.cumsum(dim=1) / torch.arange(1, seq_len + 1).view(1, -1, 1)


def in_a_loop(seq_len=10, batch_size=1):
    x = torch.normal(0.0, torch.ones(batch_size, seq_len, 1))
    return x, torch.stack([x[:, :t].mean(dim=1) for t in range(1, seq_len + 1)], dim=1)


def recursive(seq_len=10, batch_size=1):
    x = torch.randn(batch_size, seq_len, 1)
    y = x.clone()
    for t in range(1, seq_len):
        y[:, t] = (t * y[:, t - 1] + x[:, t]) / (t + 1)
    return [x, y]


def drawn_by(draw):
    def generate_batch(seq_len=10, batch_size=1):
        x = draw(batch_size, seq_len, 1)
        return x, x.cumsum(dim=1) / torch.arange(1, seq_len + 1).view(1, -1, 1)

    return generate_batch


def by_numpy(*shape):
    return torch.tensor(np.random.default_rng().standard_normal(shape), dtype=torch.float32)


RIGHT["1c-data"] = [
    averages,
    in_a_loop,
    recursive,
    drawn_by(by_numpy),
    drawn_by(lambda *shape: torch.empty(shape).normal_()),
]


@pytest.mark.parametrize("make", RIGHT["1c-data"])
def test_right_batches_pass(make):
    assert check("1c-data", make)


def running_sums(seq_len=10, batch_size=1):
    x = torch.randn(batch_size, seq_len, 1)
    return x, x.cumsum(dim=1)


def divided_by_length(seq_len=10, batch_size=1):
    x = torch.randn(batch_size, seq_len, 1)
    return x, x.cumsum(dim=1) / seq_len


def over_the_batch(seq_len=10, batch_size=1):
    x = torch.randn(batch_size, seq_len, 1)
    return x, x.cumsum(dim=0) / torch.arange(1, seq_len + 1).view(1, -1, 1)


def counted_from_zero(seq_len=10, batch_size=1):
    x = torch.randn(batch_size, seq_len, 1)
    return x, x.cumsum(dim=1) / torch.arange(seq_len).view(1, -1, 1)


def whole_mean(seq_len=10, batch_size=1):
    x = torch.randn(batch_size, seq_len, 1)
    return x, x.mean(dim=1, keepdim=True).expand_as(x)


def time_first(seq_len=10, batch_size=1):
    return tuple(value.transpose(0, 1) for value in averages(seq_len, batch_size))


def same_seed(seq_len=10, batch_size=1):
    torch.manual_seed(1)
    return averages(seq_len, batch_size)


WRONG["1c-data"] = [
    (drawn_by(torch.rand), "the numbers are uniform"),
    (drawn_by(lambda *shape: 12**0.5 * (torch.rand(shape) - 0.5)), "the numbers are uniform"),
    (drawn_by(lambda *shape: 2 * torch.randn(shape)), "mean 0 and standard deviation 1"),
    (drawn_by(lambda *shape: 1 + torch.randn(shape)), "mean 0 and standard deviation 1"),
    (running_sums, "running sums"),
    (divided_by_length, "divided by T"),
    (over_the_batch, "over the batch"),
    (counted_from_zero, "t - 1"),
    (whole_mean, "mean of the whole sequence"),
    (time_first, "batch and time are swapped"),
    (same_seed, "do not fix the seed"),
]


@pytest.mark.parametrize(("make", "hint"), WRONG["1c-data"])
def test_wrong_batches_are_told_their_mistake(make, hint):
    result = check("1c-data", make)
    assert not result
    assert hint in result.hint, result


def by_grad(h_list, loss):
    return torch.stack(torch.autograd.grad(loss, h_list, retain_graph=True))


def by_retain_grad(h_list, loss):
    for h in h_list:
        h.retain_grad()
    loss.backward()
    return torch.stack([h.grad for h in h_list])


def one_by_one(h_list, loss):
    return [torch.autograd.grad(loss, h, retain_graph=True)[0] for h in h_list]


RIGHT["1d"] = [by_grad, by_retain_grad, one_by_one]


@pytest.mark.parametrize("gradients", RIGHT["1d"])
def test_right_gradients_pass(gradients):
    assert check("1d", gradients)


def not_retained(collect):
    def hidden_gradients(h_list, loss):
        loss.backward()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's, that grad of these tensors is empty
            return collect([h.grad for h in h_list])

    return hidden_gradients


WRONG["1d"] = [
    (not_retained(list), "call h.retain_grad() before backward()"),
    (not_retained(tuple), "call h.retain_grad() before backward()"),
    (not_retained(torch.stack), "call h.retain_grad() before backward()"),
    (lambda h, loss: torch.stack([None, *h]), "TypeError"),
    (lambda h, loss: by_grad(h, loss).transpose(0, 1), "(seq_len, B, H)"),
    (lambda h, loss: by_grad(h, loss).flip(0), "reversed"),
    (lambda h, loss: torch.stack(h), "these are the states"),
    (lambda h, loss: by_grad(h, loss).norm(dim=-1), "norms"),
    (lambda h, loss: by_grad([torch.stack(h)], loss), "RuntimeError"),
]


@pytest.mark.parametrize(("gradients", "hint"), WRONG["1d"])
def test_wrong_gradients_are_told_their_mistake(gradients, hint):
    result = check("1d", gradients)
    assert not result
    assert hint in result.hint, result


class FusedLSTM(nn.Module):
    """1h with the gates in one nn.Linear; subclasses change one line."""

    def __init__(self, input_size, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.linear = nn.Linear(input_size + hidden_size, 4 * hidden_size)

    def gates(self, x_t, h):
        return self.linear(torch.cat([x_t, h], dim=1)).chunk(4, dim=1)

    def activated(self, i, f, g, o):
        return i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()

    def cell(self, c, i, f, g):
        return f * c + i * g

    def out(self, o, c):
        return o * c.tanh()

    def forward(self, x, hc0=None):
        h, c = (torch.zeros(len(x), self.hidden_size),) * 2 if hc0 is None else hc0
        states, cells = [], []
        for x_t in x.unbind(1):
            i, f, g, o = self.activated(*self.gates(x_t, h))
            c = self.cell(c, i, f, g)
            h = self.out(o, c)
            states.append(h)
            cells.append(c)
        return self.result(states, cells)

    def result(self, states, cells):
        return torch.stack(states, dim=1), (states[-1], cells[-1])


class EightLinears(FusedLSTM):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        del self.linear
        self.from_x = nn.ModuleList(nn.Linear(input_size, hidden_size) for _ in range(4))
        self.from_h = nn.ModuleList(
            nn.Linear(hidden_size, hidden_size, bias=False) for _ in range(4)
        )

    def gates(self, x_t, h):
        return [a(x_t) + b(h) for a, b in zip(self.from_x, self.from_h, strict=True)]


class OtherOrder(FusedLSTM):
    """The rows of the gates in the order o, g, f, i, raw parameters, no first states."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        del self.linear
        self.W = nn.Parameter(torch.zeros(input_size + hidden_size, 4 * hidden_size))
        self.b = nn.Parameter(torch.zeros(4 * hidden_size))

    def gates(self, x_t, h):
        o, g, f, i = (torch.cat([x_t, h], dim=1) @ self.W + self.b).chunk(4, dim=1)
        return i, f, g, o

    def forward(self, x):
        return super().forward(x)


class OneMatrixForEachGate(FusedLSTM):
    """Rows of W_x, W_h and b side by side, a product for each sample, and the state in a list."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        del self.linear
        shape = (hidden_size, input_size + hidden_size + 1)
        self.of = nn.ParameterDict({gate: nn.Parameter(torch.rand(shape)) for gate in "ofig"})

    def gates(self, x_t, h):
        rows = torch.cat([x_t, h, torch.ones(len(x_t), 1)], dim=1)
        return [torch.stack([self.of[gate] @ row for row in rows]) for gate in "ifgo"]


class OneVector(FusedLSTM):
    """All numbers of the layer in one parameter; the features are read from the last to the first.

    Which feature a weight belongs to is a matter of its name.
    """

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        del self.linear
        self.rows = input_size + hidden_size + 1
        self.theta = nn.Parameter(torch.zeros(4 * hidden_size * self.rows))

    def gates(self, x_t, h):
        inputs = torch.cat([h, torch.ones(len(x_t), 1), x_t.flip(1)], dim=1)
        return (inputs @ self.theta.view(self.rows, -1)).chunk(4, dim=1)


RIGHT["1h-lstm-layer"] = [FusedLSTM, EightLinears, OtherOrder, OneMatrixForEachGate, OneVector]


@pytest.mark.parametrize("layer", RIGHT["1h-lstm-layer"])
def test_right_lstm_layers_pass(layer):
    result = check("1h-lstm-layer", layer)
    assert result, result


class MixedGates(FusedLSTM):
    """The rows are read in the order i, f, o, g after they were activated as i, f, g, o."""

    def activated(self, i, f, g, o):
        i, f, o, g = super().activated(i, f, g, o)
        return i, f, g, o


class CellAsState(FusedLSTM):
    def result(self, states, cells):
        return torch.stack(cells, dim=1), (cells[-1], states[-1])


class SwappedLast(FusedLSTM):
    def result(self, states, cells):
        return torch.stack(states, dim=1), (cells[-1], states[-1])


class NoTanh(FusedLSTM):
    def out(self, o, c):
        return o * c


class NoForgetting(FusedLSTM):
    def cell(self, c, i, f, g):
        return c + i * g


class SigmoidCandidate(FusedLSTM):
    def activated(self, i, f, g, o):
        return i.sigmoid(), f.sigmoid(), g.sigmoid(), o.sigmoid()


class NoHidden(FusedLSTM):
    def gates(self, x_t, h):
        return super().gates(x_t, 0 * h)


class TwoBiasesEach(EightLinears):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.from_h = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in range(4))


class OneGate(FusedLSTM):
    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.linear = nn.Linear(input_size + hidden_size, hidden_size)

    def gates(self, x_t, h):
        return [self.linear(torch.cat([x_t, h], dim=1))] * 4


class FlatResult(FusedLSTM):
    def result(self, states, cells):
        return torch.stack(states, dim=1), states[-1]


class DetachedState(FusedLSTM):
    def gates(self, x_t, h):
        return super().gates(x_t, h.detach())

    def cell(self, c, i, f, g):
        return super().cell(c.detach(), i, f, g)


class AllOfOneGate(EightLinears):
    def gates(self, x_t, h):
        return [self.from_x[0](x_t) + self.from_h[0](h)] * 4


class ForgetGateOfTheInputGate(EightLinears):
    def gates(self, x_t, h):
        i, _, g, o = super().gates(x_t, h)
        return i, i, g, o


class MeanOfTheStates(FusedLSTM):
    def gates(self, x_t, h):
        return super().gates(x_t, h.mean(dim=1, keepdim=True).expand_as(h))


class FirstUnitOnly(EightLinears):
    """The output gate alone reads the state of the first unit in the place of each."""

    def gates(self, x_t, h):
        i, f, g, _ = super().gates(x_t, h)
        o = super().gates(x_t, h[:, :1] + 0 * h)[3]
        return i, f, g, o


class FirstStatesIgnored(FusedLSTM):
    def forward(self, x, hc0=None):
        return super().forward(x)


class FirstStatesSwapped(FusedLSTM):
    def forward(self, x, hc0=None):
        return super().forward(x, hc0 and hc0[::-1])


class FirstCellIgnored(FusedLSTM):
    def forward(self, x, hc0=None):
        return super().forward(x, hc0 and (hc0[0], torch.zeros_like(hc0[1])))


class FailsWithFirstStates(FusedLSTM):
    def forward(self, x, hc0=None):
        return super().forward(x, hc0 and (hc0.h, hc0.c))


WRONG["1h-lstm-layer"] = [
    (MixedGates, "the order of the gates is mixed up"),
    (CellAsState, "the cell states are returned for the hidden states"),
    (SwappedLast, "it is c_last"),
    (NoTanh, "the tanh is missing"),
    (NoForgetting, "forget gate"),
    (SigmoidCandidate, "the candidate g takes tanh"),
    (NoHidden, "do not read h_{t-1}"),
    (TwoBiasesEach, "two biases"),
    (OneGate, "share their weights"),
    (FlatResult, "the pair (h_last, c_last)"),
    (DetachedState, "a state is detached from the graph"),
    (AllOfOneGate, "54 have none: each gate uses weights of its own"),
    (ForgetGateOfTheInputGate, "18 have none: each gate uses weights of its own"),
    (MeanOfTheStates, "the units read the mean of h_{t-1}"),
    (FirstUnitOnly, "stands in the place of another"),
    (FirstStatesIgnored, "hc0 is ignored"),
    (FirstStatesSwapped, "h0 and c0 are swapped"),
    (FirstCellIgnored, "c0 is ignored"),
    (FailsWithFirstStates, "AttributeError"),
]


@pytest.mark.parametrize(("layer", "hint"), WRONG["1h-lstm-layer"])
def test_wrong_lstm_layers_are_told_their_mistake(layer, hint):
    result = check("1h-lstm-layer", layer)
    assert not result
    assert hint in result.hint, result


class Stack(nn.Module):
    """1h; subclasses change one line."""

    kind: type[nn.Module] = Layer

    def __init__(self, input_size, hidden_size, num_layers):
        super().__init__()
        sizes = [input_size, *[hidden_size] * (num_layers - 1)]
        self.layers = nn.ModuleList(self.kind(size, hidden_size) for size in sizes)

    def forward(self, x):
        last = []
        for layer in self.layers:
            x, h = layer(x)[:2]
            last.append(h)
        return self.result(x, last)

    def result(self, x, last):
        return x, torch.stack(last)


class StackOfTwoLinears(Stack):
    kind = TwoLinears


class StackOfRaw(Stack):
    kind = RawParameters


class FromTheTop(StackOfRaw):
    """The layers are registered from the top to the bottom, and write into one tensor."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.layers = nn.ModuleList(reversed(self.layers))

    def forward(self, x):
        last = torch.zeros(len(self.layers), len(x), self.layers[0].hidden_size)
        for index, layer in enumerate(reversed(self.layers)):
            x, last[index] = layer(x)[:2]
        return x, last


RIGHT["1h-rnn"] = [Stack, StackOfTwoLinears, StackOfRaw, FromTheTop]


@pytest.mark.parametrize("stack", RIGHT["1h-rnn"])
def test_right_stacks_pass(stack):
    result = check("1h-rnn", stack)
    assert result, result


class FedWithX(Stack):
    def forward(self, x):
        outputs = [layer(x) for layer in self.layers]
        return outputs[-1][0], torch.stack([h for _, h in outputs])


class TopOnly(Stack):
    def result(self, x, last):
        return x, last[-1]


class Reversed(Stack):
    def result(self, x, last):
        return x, torch.stack(last[::-1])


class StackedOnDim1(Stack):
    def result(self, x, last):
        return x, torch.stack(last, dim=1)


class Joined(Stack):
    def result(self, x, last):
        return x, torch.cat(last)


class PlainList(Stack):
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.plain = list(self.layers)
        del self.layers

    def forward(self, x):
        last = []
        for layer in self.plain:
            x, h = layer(x)
            last.append(h)
        return x, torch.stack(last)


class SharedLayer(Stack):
    def __init__(self, input_size, hidden_size, num_layers):
        super().__init__(input_size, hidden_size, num_layers)
        if input_size == hidden_size:
            self.layers = nn.ModuleList([self.layers[0]] * num_layers)


class SecondForAllAbove(Stack):
    def forward(self, x):
        last = []
        for index in range(len(self.layers)):
            x, h = self.layers[min(index, 1)](x)
            last.append(h)
        return self.result(x, last)


class StackOfMeans(Stack):
    """The layers read the mean of their states."""

    class kind(Layer):
        def total(self, x_t, h):
            return super().total(x_t, h.mean(dim=1, keepdim=True).expand_as(h))


class ShuffledBetweenSteps(Stack):
    """Each layer reads the states below as they are, save the top one, which reads them summed."""

    def forward(self, x):
        last = []
        for index, layer in enumerate(self.layers):
            if index == 2:
                x = x.mean(dim=2, keepdim=True).expand_as(x)
            x, h = layer(x)
            last.append(h)
        return self.result(x, last)


WRONG["1h-rnn"] = [
    (FedWithX, "the layers above read x"),
    (TopOnly, "top layer's only"),
    (Reversed, "the bottom layer comes first"),
    (StackedOnDim1, "along dim=0"),
    (Joined, "use torch.stack"),
    (PlainList, "nn.ModuleList"),
    (SharedLayer, "share their weights"),
    (SecondForAllAbove, "21 have none: each layer uses weights of its own"),
    (StackOfMeans, "the units read the mean of h_{t-1}"),
    (ShuffledBetweenSteps, "stands in the place of another"),
]


@pytest.mark.parametrize(("stack", "hint"), WRONG["1h-rnn"])
def test_wrong_stacks_are_told_their_mistake(stack, hint):
    result = check("1h-rnn", stack)
    assert not result
    assert hint in result.hint, result


class LSTMStack(Stack):
    kind = FusedLSTM

    def start(self, hc0, index):
        return None if hc0 is None else (hc0[0][index], hc0[1][index])

    def forward(self, x, hc0=None):
        last = []
        for index, layer in enumerate(self.layers):
            x, hc = layer(x, self.start(hc0, index))
            last.append(hc)
        return self.result(x, last)

    def result(self, x, last):
        h, c = zip(*last, strict=True)
        return x, (torch.stack(h), torch.stack(c))


class StackOfEight(LSTMStack):
    kind = EightLinears


class StepwiseLSTM(LSTMStack):
    """All layers advance one step at a time."""

    def forward(self, x, hc0=None):
        states = [self.start(hc0, index) for index in range(len(self.layers))]
        top = []
        for x_t in x.unbind(1):
            below = x_t.unsqueeze(1)
            for index, layer in enumerate(self.layers):
                below, states[index] = layer(below, states[index])
            top.append(below)
        return self.result(torch.cat(top, dim=1), states)


class StackOfMatrices(LSTMStack):
    kind = OneMatrixForEachGate


RIGHT["1h-lstm"] = [LSTMStack, StackOfEight, StepwiseLSTM, StackOfMatrices]


@pytest.mark.parametrize("stack", RIGHT["1h-lstm"])
def test_right_lstm_stacks_pass(stack):
    result = check("1h-lstm", stack)
    assert result, result


class IgnoresFirstStates(LSTMStack):
    def start(self, hc0, index):
        return None


class SwapsFirstStates(LSTMStack):
    def start(self, hc0, index):
        return None if hc0 is None else (hc0[1][index], hc0[0][index])


class SwapsLastStates(LSTMStack):
    def result(self, x, last):
        x, (h, c) = super().result(x, last)
        return x, (c, h)


class FedWithXAgain(LSTMStack):
    def forward(self, x, hc0=None):
        outputs = [layer(x) for layer in self.layers]
        return self.result(outputs[-1][0], [hc for _, hc in outputs])


class SecondForAllAboveAgain(LSTMStack):
    def forward(self, x, hc0=None):
        last = []
        for index in range(len(self.layers)):
            x, hc = self.layers[min(index, 1)](x, self.start(hc0, index))
            last.append(hc)
        return self.result(x, last)


class StackOfMixedStates(LSTMStack):
    kind = MeanOfTheStates


class FirstStatesOfTheBottom(LSTMStack):
    def start(self, hc0, index):
        return None if hc0 is None else (hc0[0][0], hc0[1][0])


class FirstStatesReversed(LSTMStack):
    def start(self, hc0, index):
        return super().start(hc0, -1 - index)


WRONG["1h-lstm"] = [
    (IgnoresFirstStates, "hc0 is ignored"),
    (SwapsFirstStates, "h0 and c0 are swapped"),
    (SwapsLastStates, "the order is (h, c)"),
    (FedWithXAgain, "the layers above read x"),
    (SecondForAllAboveAgain, "84 have none: each gate of each layer uses weights of its own"),
    (StackOfMixedStates, "the units read the mean of h_{t-1}"),
    (FirstStatesOfTheBottom, "layer l starts from (h0[l], c0[l])"),
    (FirstStatesReversed, "the layers of hc0 are in reversed order"),
]


@pytest.mark.parametrize(("stack", "hint"), WRONG["1h-lstm"])
def test_wrong_lstm_stacks_are_told_their_mistake(stack, hint):
    result = check("1h-lstm", stack)
    assert not result
    assert hint in result.hint, result


@pytest.mark.parametrize(
    "part", ["1a", "1b", "1c", "1c-data", "1d", "1h-lstm-layer", "1h-rnn", "1h-lstm"]
)
def test_an_empty_cell_is_told_what_is_missing(part):
    class Empty(nn.Module):
        hidden_size = 3

        def __init__(self, *_, **__):
            super().__init__()

        def forward(self, *_, **__):
            raise NotImplementedError("forward")

    def empty(*_, **__):
        raise NotImplementedError("the function")

    result = check(part, empty if part in ("1c", "1c-data", "1d") else Empty)
    assert not result
    assert "still has to be written" in result.hint
