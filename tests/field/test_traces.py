"""Promises: a trace shows what the owner's model computes, whatever the model is.

The right values come from plain autograd: ``loss.backward()`` of the model itself gives dL/dW, and
a textbook loop of one step at a time gives dL/dh_t by ``retain_grad``. Everything is in float64.
"""

import copy
import functools

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import (
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
)

from eigenlab.errors import InputError
from eigenlab.recurrent import LSTMLayer, RNNLayer, trace_gradients

D = torch.float64
B, T, I, H = 4, 9, 3, 5  # noqa: E741
KINDS = {
    "RNN": nn.RNN,
    "RNN relu": functools.partial(nn.RNN, nonlinearity="relu"),
    "LSTM": nn.LSTM,
    "GRU": nn.GRU,
}
close = functools.partial(torch.testing.assert_close, rtol=1e-9, atol=1e-12)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def randn(*shape):
    return torch.randn(*shape, dtype=D)


def loop(module, x, state=None, layer="l0"):
    """The textbook recurrence of a torch module over (T, B, I), with every h_t kept."""
    w_x, w_h = getattr(module, f"weight_ih_{layer}"), getattr(module, f"weight_hh_{layer}")
    b_x, b_h = getattr(module, f"bias_ih_{layer}"), getattr(module, f"bias_hh_{layer}")
    h = x.new_zeros(x.shape[1], w_h.shape[1])
    c = torch.zeros_like(h)
    if state is not None:
        h, c = state if isinstance(state, tuple) else (state, c)
    states = []
    for x_t in x:
        a, u = x_t @ w_x.T + b_x, h @ w_h.T + b_h
        if isinstance(module, nn.LSTM):
            i, f, g, o = (a + u).chunk(4, -1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        elif isinstance(module, nn.GRU):
            (a_r, a_z, a_n), (u_r, u_z, u_n) = a.chunk(3, -1), u.chunk(3, -1)
            z = (a_z + u_z).sigmoid()
            h = (1 - z) * (a_n + (a_r + u_r).sigmoid() * u_n).tanh() + z * h
        else:
            h = torch.tanh(a + u) if module.nonlinearity == "tanh" else torch.relu(a + u)
        h.retain_grad()
        states.append(h)
    return states, c


def gradients(states):
    return torch.stack([state.grad for state in states], dim=1)  # (B, T, H)


def weights_agree(trace, layer, w_h, w_x):
    found = trace.weight_gradients(layer)
    close(found["W_h"], w_h.grad)
    close(found["W_x"], w_x.grad)
    close(trace.weight_terms(layer)["W_h"].sum(0), w_h.grad)


class Tagger(nn.Module):
    def __init__(self, recurrent, width=H, outputs=1):
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(width, outputs)

    def forward(self, x):
        return self.head(self.recurrent(x)[0])


# Layout ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch", [B, T], ids=["B < T", "B = T"])
@pytest.mark.parametrize("last_step_only", [False, True])
def test_the_last_step_of_a_time_major_model_is_not_its_last_sequence(kind, batch, last_step_only):
    """https://github.com/meta-pytorch/captum/issues/427: batch_first=False is torch's default."""
    model = Tagger(KINDS[kind](I, H)).to(D)
    x, y = randn(T, batch, I), randn(T, batch, 1)
    trace = trace_gradients(model, x, y, last_step_only)
    states, _ = loop(model.recurrent, x)
    squared = (model.head(torch.stack(states)) - y).square()
    loss = squared[-1].mean() if last_step_only else squared.mean()
    loss.backward()
    assert trace.loss == pytest.approx(loss.item(), abs=1e-12)
    close(trace.hidden_gradients[0], gradients(states))


@pytest.mark.parametrize("batch", [B, T], ids=["B < T", "B = T"])
def test_a_model_may_transpose_inside(batch):
    class Inside(Tagger):
        def forward(self, x):
            return super().forward(x.transpose(0, 1)).transpose(0, 1)

    model = Inside(nn.LSTM(I, H)).to(D)
    x, y = randn(batch, T, I), randn(batch, T, 1)
    trace = trace_gradients(model, x, y, last_step_only=True)
    assert trace.loss == pytest.approx((model(x) - y)[:, -1].square().mean().item(), abs=1e-12)
    (model(x) - y)[:, -1].square().mean().backward()
    weights_agree(trace, 0, model.recurrent.weight_hh_l0, model.recurrent.weight_ih_l0)


def test_where_batch_and_time_cannot_be_told_apart_the_owner_says_which():
    class Mixing(Tagger):
        def forward(self, x):
            out = self.recurrent(x)[0]
            return self.head(out + out.mean(dim=(0, 1)))

    model = Mixing(nn.LSTM(I, H, batch_first=True)).to(D)
    x, y = randn(T, T, I), randn(T, T, 1)
    with pytest.raises(InputError, match="batch_first=True or batch_first=False"):
        trace_gradients(model, x, y, last_step_only=True)
    for first in (True, False):
        trace = trace_gradients(model, x, y, last_step_only=True, batch_first=first)
        error = (model(x) - y).square()
        expected = error[:, -1] if first else error[-1]
        assert trace.loss == pytest.approx(expected.mean().item(), abs=1e-12)


@pytest.mark.parametrize("outputs", [1, T], ids=["one output", "as many outputs as steps"])
def test_a_prediction_from_the_last_state_has_no_last_step(outputs):
    class ManyToOne(Tagger):
        def forward(self, x):
            return self.head(self.recurrent(x)[1][-1])

    model = ManyToOne(nn.GRU(I, H, batch_first=True), outputs=outputs).to(D)
    x, y = randn(B, T, I), randn(B, outputs)
    trace = trace_gradients(model, x, y)
    (model(x) - y).square().mean().backward()
    weights_agree(trace, 0, model.recurrent.weight_hh_l0, model.recurrent.weight_ih_l0)
    assert trace.step_losses is None
    with pytest.raises(InputError, match="last_step_only=True needs a prediction at every step"):
        trace_gradients(model, x, y, last_step_only=True)


def test_unbatched_sequences():
    model = Tagger(nn.LSTM(I, H)).to(D)
    x, y = randn(T, I), randn(T, 1)
    trace = trace_gradients(model, x, y, last_step_only=True)
    (model(x) - y)[-1].square().mean().backward()
    weights_agree(trace, 0, model.recurrent.weight_hh_l0, model.recurrent.weight_ih_l0)


def test_one_output_per_step_without_an_axis_of_its_own():
    class Squeezed(Tagger):
        def forward(self, x):
            return super().forward(x).squeeze(-1)

    model = Squeezed(nn.LSTM(I, H, batch_first=True)).to(D)
    x, y = randn(T, T, I), randn(T, T)
    trace = trace_gradients(model, x, y, last_step_only=True)
    assert trace.loss == pytest.approx((model(x) - y)[:, -1].square().mean().item(), abs=1e-12)


# Autograd off ------------------------------------------------------------------------------------
# https://discuss.pytorch.org/t/element-0-of-tensors-does-not-require-grad: a gradient of zero would
# read as "vanished".


class Detached(Tagger):
    def forward(self, x):
        return super().forward(x).detach()


class WithoutGrad(Tagger):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)


class StatesWithoutGrad(Tagger):
    def forward(self, x):
        with torch.no_grad():
            states = self.recurrent(x)[0]
        return self.head(states)


class StatesDetached(Tagger):
    def forward(self, x):
        return self.head(self.recurrent(x)[0].detach())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Detached, "does not require gradients"),
        (WithoutGrad, "autograd off"),
        (StatesWithoutGrad, "autograd off"),
        (StatesDetached, "does not depend on the hidden states"),
    ],
)
@pytest.mark.parametrize("layer", [nn.LSTM(I, H, batch_first=True), LSTMLayer(I, H)])
def test_gradients_that_autograd_does_not_record_are_an_error_not_zero(kind, message, layer):
    with pytest.raises(InputError, match=message):
        trace_gradients(kind(layer).to(D), randn(B, T, I), randn(B, T, 1))


def test_inference_mode_is_refused_and_no_grad_outside_does_not_matter():
    model = Tagger(nn.LSTM(I, H, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    expected = trace_gradients(model, x, y).gradient_norms
    with torch.no_grad():
        close(trace_gradients(model, x, y).gradient_norms, expected, rtol=0, atol=0)
    with torch.inference_mode():
        made_inside = randn(B, T, I)
        with pytest.raises(InputError, match="inference_mode"):
            trace_gradients(model, x, y)
    with pytest.raises(InputError, match=r"x\.clone\(\)"):
        trace_gradients(model, made_inside, y)


def test_frozen_models_have_gradients_of_their_states():
    model = Tagger(nn.LSTM(I, H, 2, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    expected = trace_gradients(model, x, y)
    frozen = trace_gradients(model.requires_grad_(False), x, y)
    close(frozen.hidden_gradients, expected.hidden_gradients)


# First states ------------------------------------------------------------------------------------


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_first_states_given_by_the_model(kind, learned):
    class Started(Tagger):
        def __init__(self, recurrent):
            super().__init__(recurrent)
            make = nn.Parameter if learned else nn.Buffer
            self.h0, self.c0 = make(randn(1, B, H)), make(randn(1, B, H))

        def state(self):
            return (self.h0, self.c0) if isinstance(self.recurrent, nn.LSTM) else self.h0

        def forward(self, x):
            return self.head(self.recurrent(x, self.state())[0])

    model = Started(KINDS[kind](I, H, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y)
    first = model.state()
    first = (first[0][0], first[1][0]) if isinstance(first, tuple) else first[0]
    states, _ = loop(model.recurrent, x.transpose(0, 1), first)
    (model.head(torch.stack(states, 1)) - y).square().mean().backward()
    close(trace.hidden_gradients[0], gradients(states))
    weights_agree(trace, 0, model.recurrent.weight_hh_l0, model.recurrent.weight_ih_l0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [False, True], ids=["carried", "carried, truncated"])
def test_chunks_that_carry_their_state_are_one_run(kind, cut):
    """Truncated back-propagation: the gradient ends where the state is detached."""

    class Chunks(Tagger):
        def forward(self, x):
            state, outs = None, []
            for chunk in x.split(4, dim=1):
                out, state = self.recurrent(chunk, state)
                if cut:
                    state = tuple(s.detach() for s in state) if len(state) == 2 else state.detach()
                outs.append(out)
            return self.head(torch.cat(outs, dim=1))

    model = Chunks(KINDS[kind](I, H, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y)
    assert trace.hidden.shape == (1, B, T, H)
    (model(x) - y).square().mean().backward()
    weights_agree(trace, 0, model.recurrent.weight_hh_l0, model.recurrent.weight_ih_l0)
    if not cut:
        whole = Tagger(model.recurrent)
        whole.head = model.head
        close(trace.hidden_gradients, trace_gradients(whole, x, y).hidden_gradients)
        close(trace.lyapunov_exponents(), trace_gradients(whole, x, y).lyapunov_exponents())
        close(trace.pairwise_norms, trace_gradients(whole, x, y).pairwise_norms)


@pytest.mark.parametrize("cell", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_a_loop_over_a_cell_is_one_run(cell):
    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = cell(I, H), nn.Linear(H, 1)

        def forward(self, x):
            state, outs = None, []
            for x_t in x.unbind(1):
                state = self.cell(x_t, state)
                outs.append(state[0] if cell is nn.LSTMCell else state)
            return self.head(torch.stack(outs, dim=1))

    model = Loop().to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y)
    whole = {nn.RNNCell: nn.RNN, nn.LSTMCell: nn.LSTM, nn.GRUCell: nn.GRU}[cell](I, H).to(D)
    whole.load_state_dict({f"{k}_l0": v for k, v in model.cell.state_dict().items()})
    states, _ = loop(whole, x.transpose(0, 1))
    (model.head(torch.stack(states, 1)) - y).square().mean().backward()
    close(trace.hidden_gradients[0], gradients(states))
    close(trace.weight_gradients()["W_h"], whole.weight_hh_l0.grad)
    fused = trace_gradients(whole, x.transpose(0, 1), randn(T, B, H))
    close(trace.jacobians(sequence=1), fused.jacobians(sequence=1))
    assert trace.pairwise_norms.shape == (1, T, T)
    assert (trace.pairwise_norms[0].triu(1) == 0).all()


@pytest.mark.parametrize("fused", [False, True], ids=["cell", "one step at a time"])
@pytest.mark.parametrize("change", ["mask", "dropout", "norm"])
def test_a_state_changed_between_steps_is_still_one_run(fused, change):
    """Masks at the end of an episode, variational dropout, normalised states."""

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(I, H, batch_first=True) if fused else nn.GRUCell(I, H)
            self.head, self.norm = nn.Linear(H, 1), nn.LayerNorm(H)
            self.states = []

        def between(self, h, t):
            if change == "mask":
                return h * (torch.arange(B) != t % B).to(h)[:, None]
            return F.dropout(h, 0.5) if change == "dropout" else self.norm(h)

        def forward(self, x):
            h, outs = x.new_zeros(B, H), []
            for t, x_t in enumerate(x.unbind(1)):
                if t:
                    h = self.between(h, t)
                h = self.rnn(x_t[:, None], h[None])[1][0] if fused else self.rnn(x_t, h)
                if self.states is not None:
                    h.retain_grad()
                    self.states.append(h)
                outs.append(h)
            return self.head(torch.stack(outs, 1))

    model = Loop().to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    torch.manual_seed(3)
    trace = trace_gradients(model, x, y)
    assert trace.hidden.shape == (1, B, T, H)
    torch.manual_seed(3)
    (model(x) - y).square().mean().backward()
    close(trace.hidden_gradients[0], gradients(model.states))
    close(
        trace.weight_gradients()["W_h"],
        next(p.grad for name, p in model.rnn.named_parameters() if "weight_hh" in name),
    )
    with pytest.raises(InputError, match="changes the state"):
        trace.jacobians()


def test_stacked_cells_are_layers_when_the_module_that_holds_them_is_named():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.cells = nn.ModuleList([nn.LSTMCell(I, H), nn.LSTMCell(H, H)])
            self.head = nn.Linear(H, 1)

        def forward(self, x):
            first, second, outs = None, None, []
            for x_t in x.unbind(1):
                first = self.cells[0](x_t, first)
                second = self.cells[1](first[0], second)
                outs.append(second[0])
            return self.head(torch.stack(outs, dim=1))

    model = Two().to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    with pytest.raises(InputError, match=r"'cells\.0', 'cells\.1'"):
        trace_gradients(model, x, y)
    trace = trace_gradients(model, x, y, recurrent="cells")
    assert trace.layer_names == ("cells.0", "cells.1")
    (model(x) - y).square().mean().backward()
    for layer, cell in enumerate(model.cells):
        weights_agree(trace, layer, cell.weight_hh, cell.weight_ih)
    fused = nn.LSTM(I, H, 2, batch_first=True).to(D)
    for layer, cell in enumerate(model.cells):
        for name, value in cell.state_dict().items():
            fused.get_parameter(f"{name}_l{layer}").data.copy_(value)
    theirs = Tagger(fused)
    theirs.head = model.head
    close(trace.pairwise_norms, trace_gradients(theirs, x, y).pairwise_norms)


# Weights, wrappers and replaced forwards ---------------------------------------------------------
# https://github.com/pytorch/pytorch/issues/86457, /issues/39311: normalised weights of an LSTM.


class DropConnect(nn.Module):
    """Weights made at call time, as in AWD-LSTM (https://github.com/salesforce/awd-lstm-lm)."""

    def __init__(self, lstm):
        super().__init__()
        self.lstm = lstm
        self.raw = nn.Parameter(lstm.weight_hh_l0.detach().clone())
        del lstm._parameters["weight_hh_l0"]
        lstm.weight_hh_l0 = self.raw * 1.0

    def forward(self, x):
        self.lstm.weight_hh_l0 = F.dropout(self.raw, 0.5, self.training)
        return self.lstm(x)


class Half(nn.LSTM):
    """A subclass that does something of its own."""

    def forward(self, x, hx=None):
        out, state = super().forward(x * 0.5, hx)
        return out * 2, state


def weight_normed():
    with pytest.warns(FutureWarning, match="weight_norm"):
        return nn.utils.weight_norm(nn.LSTM(I, H, batch_first=True), "weight_hh_l0")


def replaced_forward():
    lstm = nn.LSTM(I, H, batch_first=True)
    original = lstm.forward
    lstm.forward = lambda x: original(x.flip(1))
    return lstm


def hooked():
    lstm = nn.LSTM(I, H, batch_first=True)
    lstm.register_forward_hook(lambda module, args, out: (out[0] * 3, out[1]))
    return lstm


def backward_hooked():
    lstm = nn.LSTM(I, H, batch_first=True)
    lstm.register_full_backward_hook(lambda module, grad_in, grad_out: None)
    return lstm


class Compiled(nn.Module):
    def __init__(self, lstm):
        super().__init__()
        self.lstm = torch.compile(lstm, backend="eager")

    def forward(self, x):
        return self.lstm(x)


UNUSUAL = {
    "weight_norm": weight_normed,
    "DropConnect": lambda: DropConnect(nn.LSTM(I, H, batch_first=True)),
    "subclass": lambda: Half(I, H, batch_first=True),
    "forward replaced": replaced_forward,
    "forward hook": hooked,
    "backward hook": backward_hooked,
    "DataParallel": lambda: nn.DataParallel(nn.LSTM(I, H, batch_first=True)),
    "compiled": lambda: Compiled(nn.LSTM(I, H, batch_first=True)),
    "no bias": lambda: nn.LSTM(I, H, bias=False, batch_first=True),
    "dropout": lambda: nn.LSTM(I, H, 3, dropout=0.4, batch_first=True),
    "dropout, GRU": lambda: nn.GRU(I, H, 2, dropout=0.4, batch_first=True),
    "bidirectional": lambda: nn.LSTM(I, H, 2, bidirectional=True, batch_first=True),
    "bidirectional RNN": lambda: nn.RNN(I, H, bidirectional=True, batch_first=True),
    "bidirectional dropout": lambda: nn.GRU(
        I, H, 2, bidirectional=True, dropout=0.3, batch_first=True
    ),
}


def snapshot(model):
    found = {}
    for name, module in model.named_modules():
        for key, value in module.__dict__.items():
            found[name, key] = value
        for key, value in [*module._parameters.items(), *module._buffers.items()]:
            found[name, key] = value
    return found, {key: v.clone() for key, v in found.items() if isinstance(v, torch.Tensor)}


def assert_unchanged(model, before):
    objects, values = before
    after, _ = snapshot(model)
    assert after.keys() == objects.keys()
    assert all(after[key] is objects[key] for key in objects)
    assert all(torch.equal(after[key], value) for key, value in values.items())


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
@pytest.mark.parametrize("kind", UNUSUAL)
@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
@pytest.mark.filterwarnings("ignore:RNN module weights are not part of single contiguous")
def test_the_model_runs_as_its_owner_wrote_it(kind, training):
    """dL/dW_h by the trace is what the model's own backward pass gives, dropout masks included."""
    part = UNUSUAL[kind]()
    model = Tagger(part, 2 * H if "bidirectional" in kind else H).to(D).train(training)
    x, y = randn(B, T, I), randn(B, T, 1)
    before = snapshot(model)
    torch.manual_seed(3)
    trace = trace_gradients(model, x, y)
    if kind not in ("weight_norm", "DropConnect"):
        assert_unchanged(model, before)
    seen, lstm = [], next(m for m in model.modules() if isinstance(m, nn.RNNBase))
    torch.manual_seed(3)
    prediction = model(x)
    for weight in lstm._flat_weights:
        if not weight.is_leaf:
            weight.retain_grad()
        seen.append(weight)
    loss = (prediction - y).square().mean()
    loss.backward()
    assert trace.loss == pytest.approx(loss.item(), abs=1e-12)
    count = len(seen) // len(trace.hidden)
    for layer in range(len(trace.hidden)):
        weights_agree(trace, layer, seen[layer * count + 1], seen[layer * count])


@pytest.mark.filterwarnings("ignore:RNN module weights are not part of single contiguous")
def test_a_parametrized_lstm():
    """https://github.com/pytorch/pytorch/issues/65688: older versions ran with the old weights."""
    lstm = nn.LSTM(I, H, batch_first=True).to(D)
    model = Tagger(parametrizations.weight_norm(lstm, "weight_hh_l0")).to(D)
    with torch.no_grad():
        lstm.parametrizations.weight_hh_l0.original0.mul_(3)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y)
    (model(x) - y).square().mean().backward()
    used = lstm._flat_weights[1]
    close(trace.weight_gradients()["W_x"], lstm.weight_ih_l0.grad)
    expected = torch.linalg.eigvals(used.detach().unflatten(0, (4, H))).abs().amax(-1)
    close(trace.spectral_radius[0], expected)


@pytest.mark.parametrize("norm", [parametrizations.weight_norm, parametrizations.spectral_norm])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_parametrized_cells(norm, training):
    """The weights exist only while the cell runs; power iterations of spectral_norm are undone."""

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = norm(nn.RNNCell(I, H), "weight_hh"), nn.Linear(H, 1)

        def forward(self, x):
            state, outs = None, []
            with torch.nn.utils.parametrize.cached():
                for x_t in x.unbind(1):
                    state = self.cell(x_t, state)
                    outs.append(state)
            return self.head(torch.stack(outs, dim=1))

    model = Loop().to(D).train(training)
    x, y = randn(B, T, I), randn(B, T, 1)
    before = snapshot(model)
    trace = trace_gradients(model, x, y)
    assert_unchanged(model, before)
    (model(x) - y).square().mean().backward()
    assert trace.hidden.shape == (1, B, T, H)
    close(trace.weight_gradients()["W_x"], model.cell.weight_ih.grad)


def test_the_model_is_as_before_after_an_exception():
    class Fails(Tagger):
        def forward(self, x):
            self.seen = x
            self.head.weight.data.mul_(2)
            self.counter += 1
            super().forward(x)
            raise RuntimeError("the owner's own error")

    model = Fails(nn.LSTM(I, H)).to(D)
    model.register_buffer("counter", torch.zeros(1))
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="the owner's own error"):
        trace_gradients(model, randn(T, B, I), randn(T, B, 1))
    objects, _ = snapshot(model)
    assert "seen" not in model.__dict__
    assert torch.equal(model.counter, torch.zeros(1, dtype=D))
    assert objects.keys() == before[0].keys()


def test_running_statistics_and_states_kept_on_the_module_are_as_before():
    class Stateful(Tagger):
        def __init__(self, recurrent):
            super().__init__(recurrent)
            self.norm, self.state, self.losses = nn.BatchNorm1d(I), None, []

        def forward(self, x):
            x = self.norm(x.transpose(1, 2)).transpose(1, 2)
            out, self.state = self.recurrent(x, self.state)
            self.losses.append(1)
            return self.head(out)

    model = Stateful(nn.LSTM(I, H, batch_first=True)).to(D).train()
    x, y = randn(B, T, I), randn(B, T, 1)
    before = snapshot(model)
    trace_gradients(model, x, y)
    assert_unchanged(model, before)
    assert model.state is None
    assert model.losses == []


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_recomputed_activations(layers, reentrant):
    """torch.utils.checkpoint runs the forward pass again during the backward pass."""

    class Saves(Tagger):
        def forward(self, x):
            run = torch.utils.checkpoint.checkpoint
            return self.head(run(self.recurrent, x, use_reentrant=reentrant)[0])

    model = Saves(nn.LSTM(I, H, layers, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    if reentrant:
        with pytest.raises(InputError, match="autograd off"):
            trace_gradients(model, x.requires_grad_(), y)
        return
    trace = trace_gradients(model, x, y)
    (model(x) - y).square().mean().backward()
    weights_agree(trace, 0, model.recurrent.weight_hh_l0, model.recurrent.weight_ih_l0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("kind", KINDS)
def test_models_in_half_precision(kind, dtype):
    model = Tagger(KINDS[kind](I, H, batch_first=True))
    x, y = torch.randn(B, T, I), torch.randn(B, T, 1)
    exact = trace_gradients(model, x, y)
    half = trace_gradients(model.to(dtype), x.to(dtype), y.to(dtype))
    assert half.hidden_gradients.dtype == dtype
    scale = exact.gradient_norms.max()
    torch.testing.assert_close(
        half.gradient_norms.float(), exact.gradient_norms, rtol=0.1, atol=0.05 * scale.item()
    )
    close(half.spectral_radius, exact.spectral_radius, rtol=0.05, atol=0.01)
    assert half.pairwise_norms.shape == (1, T, T)
    assert half.lyapunov_exponents()[0].isfinite()


# Several recurrent parts -------------------------------------------------------------------------


class EncoderDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.GRU(I, H, batch_first=True)
        self.decoder = nn.LSTM(2, H, batch_first=True)
        self.head = nn.Linear(H, 1)

    def forward(self, x, target):
        _, h = self.encoder(x)
        return self.head(self.decoder(target, (h, torch.zeros_like(h)))[0])


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_the_gradient_of_an_encoder_comes_through_the_decoder(part):
    model = EncoderDecoder().to(D)
    x, target, y = randn(B, T, I), randn(B, 4, 2), randn(B, 4, 1)
    with pytest.raises(InputError, match="'encoder', 'decoder'; name the one"):
        trace_gradients(model, (x, target), y)
    trace = trace_gradients(model, (x, target), y, recurrent=part)
    by_module = trace_gradients(model, (x, target), y, recurrent=getattr(model, part))
    close(trace.hidden_gradients, by_module.hidden_gradients, rtol=0, atol=0)
    (model(x, target) - y).square().mean().backward()
    recurrent = getattr(model, part)
    weights_agree(trace, 0, recurrent.weight_hh_l0, recurrent.weight_ih_l0)


def test_one_module_on_two_inputs_is_two_runs():
    class Siamese(Tagger):
        def forward(self, a, b):
            return self.head(self.recurrent(a)[0] * self.recurrent(b)[0])

    model = Siamese(nn.LSTM(I, H, batch_first=True)).to(D)
    a, b, y = randn(B, T, I), randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, (a, b), y)
    assert trace.layer_names == ("recurrent", "recurrent run 2")
    (model(a, b) - y).square().mean().backward()
    found = sum(trace.weight_gradients(layer)["W_h"] for layer in (0, 1))
    close(found, model.recurrent.weight_hh_l0.grad)
    two = [loop(model.recurrent, v.transpose(0, 1))[0] for v in (a, b)]
    (model.head(torch.stack(two[0], 1) * torch.stack(two[1], 1)) - y).square().mean().backward()
    for layer, states in enumerate(two):
        close(trace.hidden_gradients[layer], gradients(states))


def test_loss_may_read_cells_and_lower_layers():
    class ReadsAll(Tagger):
        def forward(self, x):
            out, (h, c) = self.recurrent(x)
            return self.head(out + h[0][:, None] * c[1][:, None] + c[0][:, None])

    model = ReadsAll(nn.LSTM(I, H, 2, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y)
    (model(x) - y).square().mean().backward()
    for layer in (0, 1):
        weights_agree(
            trace,
            layer,
            getattr(model.recurrent, f"weight_hh_l{layer}"),
            getattr(model.recurrent, f"weight_ih_l{layer}"),
        )
    one = trace_gradients(model, x, y, loss=lambda p, target: (p - target)[:, 3].square().mean())
    close(trace.pairwise_norms[:, 3], one.gradient_norms)


# Packed sequences, lengths, directions -----------------------------------------------------------

LENGTHS = torch.tensor([3, 9, 1, 5])


class Packs(Tagger):
    def forward(self, x, lengths):
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.recurrent(packed)[0], batch_first=True)
        return self.head(out)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both", [False, True], ids=["one direction", "both directions"])
@pytest.mark.parametrize("last_step_only", [False, True])
def test_packed_sequences_are_traced_as_if_each_ran_alone(kind, both, last_step_only):
    recurrent = KINDS[kind](I, H, 2, batch_first=True, bidirectional=both)
    model = Packs(recurrent, 2 * H if both else H).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    with pytest.raises(InputError, match="lengths="):
        trace_gradients(model, (x, LENGTHS), y)
    trace = trace_gradients(model, (x, LENGTHS), y, last_step_only, lengths=LENGTHS)
    alone = Tagger(recurrent)
    alone.head = model.head
    count = B if last_step_only else int(LENGTHS.sum())
    total = 0.0
    for b, length in enumerate(LENGTHS.tolist()):
        one = trace_gradients(
            alone,
            x[b : b + 1, :length],
            y[b : b + 1, :length],
            batch_first=True,
            last_step_only=last_step_only,
        )
        share = (1 if last_step_only else length) / count
        total += one.loss * share
        close(trace.hidden[:, b, :length], one.hidden[:, 0])
        close(trace.hidden_gradients[:, b, :length], one.hidden_gradients[:, 0] * share)
        assert (trace.hidden_gradients[:, b, length:] == 0).all()
        close(trace.jacobians(sequence=b), one.jacobians())
    assert trace.loss == pytest.approx(total, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_packed_input_and_packed_target_of_a_bare_module(kind):
    module = KINDS[kind](I, H).to(D)
    sequences = [randn(n, I) for n in (3, 9, 1, 5)]
    targets = [randn(n, H) for n in (3, 9, 1, 5)]
    x, y = (pack_sequence(v, enforce_sorted=False) for v in (sequences, targets))
    trace = trace_gradients(module, x, y)
    loss = (module(x)[0].data - y.data).square().mean()
    loss.backward()
    assert trace.loss == pytest.approx(loss.item(), abs=1e-12)
    weights_agree(trace, 0, module.weight_hh_l0, module.weight_ih_l0)
    assert trace.lengths.tolist() == [3, 9, 1, 5]
    close(trace.hidden[0, 0, :3], module(sequences[0])[0])
    padded = nn.utils.rnn.pad_sequence(targets, batch_first=True)
    close(trace_gradients(module, x, padded).hidden_gradients, trace.hidden_gradients)


def test_classifier_of_packed_names_reads_each_last_state():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(7, I)
            self.lstm = nn.LSTM(I, H, batch_first=True)
            self.head = nn.Linear(H, 3)

        def forward(self, tokens, lengths):
            packed = pack_padded_sequence(
                self.embed(tokens), lengths, batch_first=True, enforce_sorted=False
            )
            return self.head(self.lstm(packed)[1][0][-1])

    model = Classifier().to(D)
    tokens, labels = torch.randint(0, 7, (B, T)), torch.tensor([0, 2, 1, 1])
    trace = trace_gradients(model, (tokens, LENGTHS), labels, loss=F.cross_entropy)
    F.cross_entropy(model(tokens, LENGTHS), labels).backward()
    weights_agree(trace, 0, model.lstm.weight_hh_l0, model.lstm.weight_ih_l0)
    ends = trace.norms_by_distance()
    assert trace.lengths.tolist() == LENGTHS.tolist()
    norms = trace.hidden_gradients[0].norm(dim=-1)
    close(ends[0, 0], torch.stack([norms[b, n - 1] for b, n in enumerate(LENGTHS)]).mean())
    close(ends[0, 4], (norms[1, 4] + norms[3, 0]) / 2)  # two sequences are longer than 4
    close(trace.gradient_norms[0, 0], norms[:, 0].mean())
    close(trace.gradient_norms[0, 8], norms[1, 8])  # only one has a ninth step


def test_distances_of_padded_sequences_count_from_their_own_end():
    model = Tagger(nn.LSTM(I, H, batch_first=True)).to(D)
    trace = trace_gradients(model, randn(B, T, I), randn(B, T, 1))
    close(trace.norms_by_distance(), trace.gradient_norms.flip(1))
    close(trace.norms_by_distance([T] * B), trace.gradient_norms.flip(1))
    norms = trace.hidden_gradients[0].norm(dim=-1)
    close(trace.norms_by_distance(LENGTHS)[0, 8], norms[1, 0])
    assert trace.norms_by_distance([2, 1, 1, 1]).shape == (1, 2)
    for wrong in ([1, 2], [0, 1, 1, 1], [T + 1] * B, [1.5] * B):
        with pytest.raises(InputError, match="lengths="):
            trace.norms_by_distance(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reversed_direction_is_the_loop_on_the_reversed_sequence(kind):
    module = KINDS[kind](I, H, bidirectional=True, batch_first=True)
    model = Tagger(module, 2 * H).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y)
    assert trace.layer_names == ("recurrent", "recurrent reversed")
    forward, _ = loop(module, x.transpose(0, 1))
    back, _ = loop(module, x.transpose(0, 1).flip(0), layer="l0_reverse")
    both = torch.cat([torch.stack(forward, 1), torch.stack(back[::-1], 1)], -1)
    (model.head(both) - y).square().mean().backward()
    close(trace.hidden_gradients[0], gradients(forward))
    close(trace.hidden_gradients[1], gradients(back[::-1]))
    assert (trace.pairwise_norms[0].triu(1) == 0).all()
    assert (trace.pairwise_norms[1].tril(-1) == 0).all()


@pytest.mark.parametrize("layers", [1, 2])
def test_projected_states(layers):
    model = Tagger(nn.LSTM(I, H, layers, proj_size=2, batch_first=True), 2).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y)
    assert trace.hidden.shape == (layers, B, T, 2)
    (model(x) - y).square().mean().backward()
    for layer in range(layers):
        weights_agree(
            trace,
            layer,
            getattr(model.recurrent, f"weight_hh_l{layer}"),
            getattr(model.recurrent, f"weight_ih_l{layer}"),
        )
    one = trace_gradients(model, x, y, loss=lambda p, target: (p - target)[:, 3].square().mean())
    close(trace.pairwise_norms[:, 3], one.gradient_norms)
    assert trace.jacobians().shape == (T, H + 2, H + 2)
    with pytest.raises(InputError, match="not square"):
        _ = trace.eigenvalues


# A student's own layer ---------------------------------------------------------------------------


class ByHand(nn.Module):
    """h_t = tanh(W h_{t-1} + U x_t), returned in one of the usual ways."""

    def __init__(self, returns):
        super().__init__()
        self.W, self.U, self.returns = nn.Linear(H, H), nn.Linear(I, H), returns

    def forward(self, x):
        h, states = x.new_zeros(len(x), H), []
        for x_t in x.unbind(1):
            h = torch.tanh(self.W(h) + self.U(x_t))
            states.append(h)
        return self.returns(states)


WAYS = {
    "stack": lambda s: (torch.stack(s, dim=1), s[-1]),
    "stack, transposed": lambda s: (torch.stack(s).transpose(0, 1), s[-1]),
    "cat": lambda s: (torch.cat([h.unsqueeze(1) for h in s], dim=1), s[-1]),
    "cat of views": lambda s: (torch.cat([h.view(len(h), 1, H) for h in s], dim=1), s[-1]),
}


class OwnModel(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer, self.head = layer, nn.Linear(H, 1)

    def forward(self, x):
        out = self.layer(x)
        out = out[0] if isinstance(out, tuple) else out
        return self.head(torch.stack(out, 1) if isinstance(out, list) else out)


@pytest.mark.parametrize("batch", [B, T])
@pytest.mark.parametrize("way", [*WAYS, "list"])
def test_a_layer_written_by_hand_is_traced_by_its_states(way, batch):
    model = OwnModel(ByHand(WAYS.get(way, lambda s: s))).to(D)
    x, y = randn(batch, T, I), randn(batch, T, 1)
    trace = trace_gradients(model, x, y, recurrent=model.layer, batch_first=True)
    theirs = nn.RNN(I, H, batch_first=True).to(D)
    theirs.weight_hh_l0.data, theirs.weight_ih_l0.data = model.layer.W.weight, model.layer.U.weight
    theirs.bias_hh_l0.data, theirs.bias_ih_l0.data = model.layer.W.bias, model.layer.U.bias
    same = Tagger(theirs)
    same.head = model.head
    expected = trace_gradients(same, x, y, batch_first=True)
    close(trace.hidden_gradients, expected.hidden_gradients)
    close(trace.pairwise_norms, expected.pairwise_norms)
    with pytest.raises(InputError, match="weights of layer are not known"):
        _ = trace.spectral_radius


def test_states_may_be_picked_from_any_output():
    layer = ByHand(lambda s: {"states": s})

    class Picks(OwnModel):
        def forward(self, x):
            return self.head(torch.stack(self.layer(x)["states"], 1))

    model = Picks(layer).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y, recurrent="layer", states=lambda out: out["states"])
    assert trace.hidden.shape == (1, B, T, H)


@pytest.mark.parametrize(
    "way",
    [
        lambda s: [h * 1.0 for h in s],
        lambda s: torch.stack([h + 0 for h in s], dim=1),
        lambda s: torch.stack(s, dim=1) * 1.0,
    ],
)
def test_copies_of_states_are_refused_because_they_miss_the_paths_through_time(way):
    model = OwnModel(ByHand(way)).to(D)
    with pytest.raises(InputError, match=r"not computed from|not from stacking"):
        trace_gradients(model, randn(B, T, I), randn(B, T, 1), recurrent=model.layer)


def test_a_cell_written_by_hand_and_called_in_a_loop():
    class Cell(nn.Module):
        def __init__(self):
            super().__init__()
            self.W = nn.Linear(H + I, H)

        def forward(self, x, h):
            return torch.tanh(self.W(torch.cat([x, h], -1)))

    class Loop(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = Cell(), nn.Linear(H, 1)

        def forward(self, x):
            h, outs = x.new_zeros(len(x), H), []
            for x_t in x.unbind(1):
                h = self.cell(x_t, h)
                outs.append(h)
            return self.head(torch.stack(outs, 1))

    model = Loop().to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    trace = trace_gradients(model, x, y, recurrent=model.cell)
    h, states = x.new_zeros(B, H), []
    for x_t in x.unbind(1):
        h = model.cell(x_t, h)
        h.retain_grad()
        states.append(h)
    (model.head(torch.stack(states, 1)) - y).square().mean().backward()
    close(trace.hidden_gradients[0], gradients(states))


def test_no_recurrent_part_says_what_can_be_done():
    with pytest.raises(InputError, match="written by hand, pass the module") as caught:
        trace_gradients(nn.Linear(I, 1).to(D), randn(B, T, I), randn(B, T, 1))
    assert "torch.nn.RNN, LSTM, GRU" in str(caught.value)
    with pytest.raises(InputError, match="no part of the model"):
        trace_gradients(nn.LSTM(I, H), randn(B, T, I), randn(B, T, H), recurrent=nn.LSTM(I, H))


# Losses ------------------------------------------------------------------------------------------


def test_losses_that_do_not_say_what_they_mean_are_refused():
    model = Tagger(nn.LSTM(I, H, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    mse = F.mse_loss
    refused = {
        "last_step_only=True does not apply": {"loss": mse, "last_step_only": True},
        "expected one of them": {"loss": mse, "step_loss": mse},
        r"of shape \(4, 9, 1\), expected a scalar": {
            "loss": functools.partial(mse, reduction="none")
        },
        "step_loss returned": {"step_loss": functools.partial(mse, reduction="none")},
        "returned a float": {"loss": lambda p, t: 0.5},
    }
    for message, arguments in refused.items():
        with pytest.raises(InputError, match=message):
            trace_gradients(model, x, y, **arguments)
    with pytest.raises(InputError, match="step_loss="):
        _ = trace_gradients(model, x, y, loss=mse).pairwise_norms


def test_a_loss_of_one_step_gives_pairs():
    model = Tagger(nn.LSTM(I, H, batch_first=True), outputs=6).to(D)
    x, labels = randn(B, T, I), torch.randint(0, 6, (B, T))
    trace = trace_gradients(model, x, labels, step_loss=F.cross_entropy)
    loss = F.cross_entropy(model(x).flatten(0, 1), labels.flatten())
    assert trace.loss == pytest.approx(loss.item(), abs=1e-12)
    for k in (0, 4, T - 1):
        one = trace_gradients(
            model, x, labels, loss=lambda p, t, k=k: F.cross_entropy(p[:, k], t[:, k])
        )
        close(trace.pairwise_norms[:, k], one.gradient_norms)
    last = trace_gradients(model, x, labels, True, step_loss=F.cross_entropy)
    close(last.gradient_norms, trace.pairwise_norms[:, -1])


def test_step_losses_over_lengths_are_weighted_by_the_sequences_that_have_the_step():
    model = Packs(nn.LSTM(I, H, batch_first=True), outputs=6).to(D)
    x, labels = randn(B, T, I), torch.randint(0, 6, (B, T))
    trace = trace_gradients(model, (x, LENGTHS), labels, step_loss=F.cross_entropy, lengths=LENGTHS)
    valid = torch.arange(T) < LENGTHS[:, None]
    loss = F.cross_entropy(model(x, LENGTHS)[valid], labels[valid])
    assert trace.loss == pytest.approx(loss.item(), abs=1e-12)


class Reversed(Tagger):
    """Reads at step k every state from k on: the last step alone would not show it."""

    def forward(self, x):
        out = self.recurrent(x)[0]
        return self.head(out.flip(1).cumsum(1).flip(1))


class Windowed(Tagger):
    def forward(self, x):
        out = F.pad(self.recurrent(x)[0], (0, 0, 1, 0))
        return self.head(out[:, 1:] + out[:, :-1])


@pytest.mark.parametrize("kind", [Reversed, Windowed])
def test_pairs_of_a_head_that_mixes_steps_are_those_of_each_loss(kind):
    model = kind(nn.LSTM(I, H, 2, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    pairs = trace_gradients(model, x, y).pairwise_norms
    for k in range(T):
        one = trace_gradients(model, x, y, loss=lambda p, t, k=k: (p - t)[:, k].square().mean())
        close(pairs[:, k], one.gradient_norms)


def test_pairs_after_further_training_are_refused_where_they_would_be_wrong():
    model = Reversed(nn.LSTM(I, H, batch_first=True)).to(D)
    trace = trace_gradients(model, randn(B, T, I), randn(B, T, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    with pytest.raises(InputError, match="changed since it was traced"):
        _ = trace.pairwise_norms


# Autocast ----------------------------------------------------------------------------------------
# https://github.com/pytorch/pytorch/issues/45048: autocast and recurrent layers.


def skip_without_bfloat16(module):
    """Some processors have no oneDNN primitive for an LSTM in bfloat16."""
    try:
        with torch.autocast("cpu", torch.bfloat16):
            module(torch.zeros(1, 2, I))
    except RuntimeError as error:
        pytest.skip(f"torch.nn itself does not run here: {error}")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("ours", "theirs"), [(RNNLayer, nn.RNN), (LSTMLayer, nn.LSTM)])
def test_autocast_gives_the_dtypes_of_torch(ours, theirs, dtype):
    skip_without_bfloat16(theirs(I, H, batch_first=True))
    layer, module = ours(I, H, dtype=dtype), theirs(I, H, batch_first=True, dtype=dtype)
    x = torch.randn(B, T, I, dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16):
        (hidden, last), (expected, expected_last) = layer(x), module(x)
        again, _ = ours(H, H, dtype=dtype)(hidden)
    assert hidden.dtype == again.dtype == expected.dtype
    for a, b in zip(
        last if isinstance(last, tuple) else (last,),
        expected_last if isinstance(expected_last, tuple) else (expected_last,),
        strict=True,
    ):
        assert a.dtype == b.dtype
    hidden.sum().backward()
    assert layer.W_h.grad.dtype == dtype


@pytest.mark.parametrize("make", [RNNLayer, LSTMLayer, nn.RNN, nn.LSTM, nn.GRU])
def test_a_trace_under_autocast_follows_the_rounded_run(make):
    options = {"batch_first": True} if issubclass(make, nn.RNNBase) else {}
    model = Tagger(make(I, H, **options))
    skip_without_bfloat16(model)
    x, y = torch.randn(B, T, I), torch.randn(B, T, 1)
    exact = trace_gradients(model, x, y)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = trace_gradients(model, x, y)
    assert rounded.hidden.dtype == torch.float32
    torch.testing.assert_close(rounded.gradient_norms, exact.gradient_norms, rtol=0.05, atol=1e-3)
    assert not torch.equal(rounded.hidden, exact.hidden)


def test_the_same_trace_from_many_threads():
    from concurrent.futures import ThreadPoolExecutor

    model = Tagger(nn.LSTM(I, H, 2, batch_first=True)).to(D)
    x, y = randn(B, T, I), randn(B, T, 1)
    expected = trace_gradients(model, x, y).hidden_gradients
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: trace_gradients(model, x, y).hidden_gradients, range(32)))
    assert all(torch.equal(value, expected) for value in found)
    assert copy.deepcopy(model)(x).shape == (B, T, 1)
