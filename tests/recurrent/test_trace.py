"""The gradient trace against closed forms, finite differences and autograd."""

import math

import pytest
import torch
from torch import nn

from eigenlab.errors import InputError
from eigenlab.recurrent import (
    LSTM,
    RNN,
    LSTMLayer,
    RecurrentRegressor,
    RNNLayer,
    gaussian_rnn,
    regression_loss,
    small,
    trace_gradients,
)
from eigenlab.recurrent.tape import norms_of
from eigenlab.training import generator

D = torch.float64
BATCH, STEPS, INPUTS, HIDDEN = 3, 6, 2, 4
ATOL = 1e-12


def data(outputs: int = 1, batch: int = BATCH, steps: int = STEPS):
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(batch, steps, INPUTS, generator=generator, dtype=D)
    return x, torch.randn(batch, steps, outputs, generator=generator, dtype=D)


class Wrapped(nn.Module):
    """A user's model: any recurrent module under a nonlinear head that reads step by step."""

    def __init__(self, recurrent: nn.Module) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Sequential(nn.Linear(HIDDEN, 5), nn.Tanh(), nn.Linear(5, 1))

    def forward(self, x):
        if isinstance(self.recurrent, nn.RNNBase) and not self.recurrent.batch_first:
            return self.head(self.recurrent(x.transpose(0, 1))[0].transpose(0, 1))
        return self.head(self.recurrent(x)[0])


def family():
    """Every kind of recurrent module the trace covers."""
    return {
        "RNNLayer": RNNLayer(INPUTS, HIDDEN),
        "relu": RNNLayer(INPUTS, HIDDEN, "relu"),
        "identity": RNNLayer(INPUTS, HIDDEN, "identity"),
        "own": RNNLayer(INPUTS, HIDDEN, torch.sin),
        "LSTMLayer": LSTMLayer(INPUTS, HIDDEN),
        "RNN x 2": RNN(INPUTS, HIDDEN, 2),
        "LSTM x 3": LSTM(INPUTS, HIDDEN, 3),
        "nn.RNN": nn.RNN(INPUTS, HIDDEN, 2, batch_first=True),
        "nn.RNN relu": nn.RNN(INPUTS, HIDDEN, nonlinearity="relu"),
        "nn.LSTM": nn.LSTM(INPUTS, HIDDEN, 2, batch_first=True),
        "nn.GRU": nn.GRU(INPUTS, HIDDEN, 2, batch_first=True),
        "nn.GRU no bias": nn.GRU(INPUTS, HIDDEN, bias=False),
    }


KINDS = list(family())


@pytest.fixture(params=[*KINDS, "RNN x 2, torch loop"])
def model(request, monkeypatch):
    if request.param.endswith("torch loop"):
        monkeypatch.setattr(small, "SMALL", 0)
    torch.manual_seed(0)
    return Wrapped(family()[request.param.removesuffix(", torch loop")]).to(D)


def autograd_weights(recurrent: nn.Module, layer: int):
    if isinstance(recurrent, nn.RNNBase):
        names = {"W_h": "weight_hh", "W_x": "weight_ih", "b": "bias_ih"}
        return {
            key: getattr(recurrent, f"{name}_l{layer}").grad
            for key, name in names.items()
            if hasattr(recurrent, f"{name}_l{layer}")
        }
    part = recurrent.layers[layer] if hasattr(recurrent, "layers") else recurrent
    return {"W_h": part.W_h.grad, "W_x": part.W_x.grad, "b": part.b.grad}


@pytest.mark.parametrize("last_step_only", [False, True])
def test_weight_gradients_and_their_terms_equal_autograd(model, last_step_only):
    x, y = data()
    trace = trace_gradients(model, x, y, last_step_only)
    loss = regression_loss(model(x), y, last_step_only)
    loss.backward()
    assert trace.loss == pytest.approx(loss.item(), abs=ATOL)
    for layer in range(len(trace.hidden)):
        terms, sums = trace.weight_terms(layer), trace.weight_gradients(layer)
        for name, expected in autograd_weights(model.recurrent, layer).items():
            torch.testing.assert_close(sums[name], expected, atol=ATOL, rtol=1e-9)
            torch.testing.assert_close(terms[name].sum(0), expected, atol=ATOL, rtol=1e-9)


def test_top_layer_gradient_equals_finite_differences_of_the_rest_of_the_run():
    """Perturb h_t itself, run the remaining steps from it, and difference the loss."""
    torch.manual_seed(1)
    model = RecurrentRegressor(RNNLayer(INPUTS, HIDDEN, dtype=D))
    x, y = data(batch=1)
    trace = trace_gradients(model, x, y)
    epsilon = 1e-6
    for t in range(STEPS):
        for unit in range(HIDDEN):
            ends = []
            for sign in (1, -1):
                state = trace.hidden[0, :, t].clone()
                state[:, unit] += sign * epsilon
                read = model.readout(state).unsqueeze(1)
                rest = model(x[:, t + 1 :], state)[0] if t + 1 < STEPS else read[:, :0]
                change = (torch.cat([read, rest], dim=1) - y[:, t:]).square().sum() / STEPS
                ends.append(change.item())
            measured = trace.hidden_gradients[0, 0, t, unit].item()
            assert measured == pytest.approx((ends[0] - ends[1]) / (2 * epsilon), abs=1e-8)


def test_pairwise_norms_equal_one_trace_per_loss(model):
    x, y = data()
    pairwise = trace_gradients(model, x, y).pairwise_norms
    for k in range(STEPS):
        single = trace_gradients(
            model, x, y, loss=lambda p, target, k=k: (p - target)[:, k].square().mean()
        )
        torch.testing.assert_close(pairwise[:, k], single.gradient_norms, atol=ATOL, rtol=1e-9)
        assert (pairwise[:, k, k + 1 :] == 0).all()
        assert pairwise[-1, k, k] > 0


@pytest.mark.parametrize("make", [RNN, LSTM])
def test_pairs_that_vanish_beyond_the_dtype_are_zero_and_the_rest_is_exact(make):
    """In float32 most pairs of a contracting network underflow; float64 still resolves them."""
    torch.manual_seed(0)
    model = RecurrentRegressor(make(INPUTS, HIDDEN, 2))
    with torch.no_grad():
        for layer in model.recurrent.layers:
            layer.W_h.mul_(0.05)
            if make is LSTM:
                layer.b[HIDDEN : 2 * HIDDEN] = -3.0
    x, y = data(steps=80)
    single = trace_gradients(model, x.float(), y.float()).pairwise_norms.double()
    double = trace_gradients(model.double(), x, y).pairwise_norms
    resolved = double > 1e-29
    assert 0.1 < resolved.double().mean() < 0.5
    torch.testing.assert_close(single[resolved], double[resolved], rtol=1e-3, atol=0)
    assert single[~resolved].max() < 1e-28
    assert (single[~resolved] == 0).double().mean() > 0.9


def test_step_losses_average_to_the_loss(model):
    x, y = data()
    trace = trace_gradients(model, x, y)
    assert trace.step_losses.mean().item() == pytest.approx(trace.loss, abs=ATOL)
    last = trace_gradients(model, x, y, last_step_only=True)
    assert last.step_losses[-1].item() == pytest.approx(last.loss, abs=ATOL)


def test_jacobians_equal_autograd(model):
    """ds_t/ds_{t-1} of the bottom layer, by running one step of it from a leaf state."""
    x, y = data()
    sequence, t = 1, 3
    jacobian = trace_gradients(model, x, y).jacobians(sequence=sequence)[t]
    recurrent = model.recurrent
    gated = isinstance(recurrent, nn.LSTM | LSTM | LSTMLayer)
    size = 2 * HIDDEN if gated else HIDDEN
    before = bottom_state(recurrent, x[sequence : sequence + 1, :t], gated)
    expected = torch.autograd.functional.jacobian(
        lambda s: bottom_state(recurrent, x[sequence : sequence + 1, t : t + 1], gated, s), before
    )
    torch.testing.assert_close(jacobian, expected.view(size, size), atol=1e-10, rtol=1e-8)


def bottom_state(recurrent, x, gated, state=None):
    """Final (h,) or (h, c) of layer 0 as one flat vector, from an optional flat first state."""
    ours = not isinstance(recurrent, nn.RNNBase)
    if ours:
        bottom = recurrent.layers[0] if hasattr(recurrent, "layers") else recurrent
    else:
        kind, options = type(recurrent), {"batch_first": True, "bias": recurrent.bias}
        if isinstance(recurrent, nn.RNN):
            options["nonlinearity"] = recurrent.nonlinearity
        bottom = kind(INPUTS, HIDDEN, **options).to(D)
        own = {key: value for key, value in recurrent.state_dict().items() if key.endswith("l0")}
        bottom.load_state_dict(own)
    parts = None
    if state is not None:
        blocks = state.view(-1, 1, HIDDEN)
        blocks = blocks if ours else blocks.unsqueeze(1)
        parts = tuple(blocks) if gated else blocks[0]
    _, final = bottom(x, parts)
    return torch.cat([part.reshape(-1) for part in (final if gated else (final,))])


def linear_model(radius: float, hidden: int = 8):
    torch.manual_seed(2)
    model = RecurrentRegressor(RNNLayer(INPUTS, hidden, "identity", dtype=D))
    with torch.no_grad():
        weight = model.recurrent.W_h
        weight *= radius / torch.linalg.eigvals(weight).abs().max()
    return model


def test_linear_network_follows_the_closed_form_by_matrix_powers():
    model = linear_model(0.9)
    x, y = data(batch=1)
    trace = trace_gradients(model, x, y, last_step_only=True)
    residual = (model(x)[0] - y)[0, -1].item()
    for t in range(STEPS):
        power = torch.linalg.matrix_power(model.recurrent.W_h, STEPS - 1 - t)
        expected = 2 * residual * model.readout.weight @ power
        torch.testing.assert_close(
            trace.hidden_gradients[0, :, t], expected.detach(), atol=ATOL, rtol=1e-10
        )
    torch.testing.assert_close(trace.closed_form_norms, trace.gradient_norms[0], rtol=1e-10, atol=0)


def test_closed_form_carries_the_mean_over_batch_and_outputs():
    torch.manual_seed(0)
    model = RecurrentRegressor(RNNLayer(INPUTS, HIDDEN, "identity", dtype=D), output_size=3)
    trace = trace_gradients(model, *data(outputs=3), last_step_only=True)
    torch.testing.assert_close(trace.closed_form_norms, trace.gradient_norms[0], rtol=1e-10, atol=0)


@pytest.mark.parametrize("radius", [0.5, 1.0, 1.3])
def test_first_lyapunov_exponent_of_a_linear_network_is_log_spectral_radius(radius):
    x, y = data(batch=1, steps=400)
    trace = trace_gradients(linear_model(radius), x, y)
    assert trace.spectral_radius.item() == pytest.approx(radius, rel=1e-9)
    # A finite-time exponent errs by (log of a condition number) / T: here a few units over 400.
    assert trace.lyapunov_exponents()[0].item() == pytest.approx(math.log(radius), abs=0.02)


@pytest.mark.parametrize("kind", ["RNNLayer", "relu", "identity", "own", "nn.RNN relu"])
def test_jacobian_bound_is_never_exceeded_and_tight_at_the_end(kind):
    torch.manual_seed(0)
    model = Wrapped(family()[kind]).to(D)
    trace = trace_gradients(model, *data(), last_step_only=True)
    assert (trace.gradient_norms[0] <= trace.jacobian_bound * (1 + 1e-12)).all()
    torch.testing.assert_close(trace.jacobian_bound[-1], trace.gradient_norms[0, -1])


def test_what_does_not_apply_is_none():
    x, y = data()
    stacked = trace_gradients(Wrapped(RNN(INPUTS, HIDDEN, 2)).to(D), x, y, last_step_only=True)
    assert stacked.closed_form_norms is None
    assert stacked.jacobian_bound is None
    every_step = trace_gradients(RecurrentRegressor(RNNLayer(INPUTS, HIDDEN, dtype=D)), x, y)
    assert every_step.closed_form_norms is None
    assert every_step.jacobian_bound is None


def test_blocks_of_gates_are_named_and_measured():
    lstm = nn.LSTM(INPUTS, HIDDEN, batch_first=True).to(D)
    trace = trace_gradients(Wrapped(lstm).to(D), *data())
    assert trace.block_names == ("W_hi", "W_hf", "W_hg", "W_ho")
    forget = lstm.weight_hh_l0[HIDDEN : 2 * HIDDEN]
    expected = torch.linalg.eigvals(forget).abs().max()
    torch.testing.assert_close(trace.spectral_radius[0, 1], expected.detach())


def test_a_bare_module_predicts_its_states_in_its_own_layout():
    x, _ = data()
    target = torch.zeros(BATCH, STEPS, HIDDEN, dtype=D)
    first = nn.GRU(INPUTS, HIDDEN, batch_first=True).to(D)
    second = nn.GRU(INPUTS, HIDDEN).to(D)
    second.load_state_dict(first.state_dict())
    a = trace_gradients(first, x, target)
    b = trace_gradients(second, x.transpose(0, 1), target.transpose(0, 1))
    torch.testing.assert_close(a.pairwise_norms, b.pairwise_norms)
    torch.testing.assert_close(a.hidden_gradients, b.hidden_gradients)


def test_tracing_leaves_gradients_of_the_model_alone(model):
    trace_gradients(model, *data())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert "forward" not in vars(model.recurrent)
    model(data()[0]).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_a_trace_does_not_change_when_the_model_is_trained_on(model):
    x, y = data()
    for last_step_only in (False, True):
        early, late = (trace_gradients(model, x, y, last_step_only) for _ in range(2))
        expected = early.pairwise_norms, early.jacobians(), early.weight_gradients()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(-2)
        measured = late.pairwise_norms, late.jacobians(), late.weight_gradients()
        torch.testing.assert_close(measured, expected, atol=0, rtol=0)


class Mixing(nn.Module):
    """A head that reads all steps at once."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(INPUTS, HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, 1)

    def forward(self, x):
        hidden = self.lstm(x)[0]
        return self.head(hidden + hidden.mean(dim=1, keepdim=True))


def test_a_head_that_mixes_steps_has_a_backward_pass_for_each_loss():
    model = Mixing().to(D)
    x, y = data()
    trace = trace_gradients(model, x, y)
    hidden = model.lstm(x)[0].detach().requires_grad_()
    mixed = model.head(hidden + hidden.mean(dim=1, keepdim=True))
    (direct,) = torch.autograd.grad(regression_loss(mixed, y), hidden)
    torch.testing.assert_close(trace.hidden_gradients[0, :, -1], direct[:, -1])
    last = trace_gradients(model, x, y, last_step_only=True)
    torch.testing.assert_close(trace.pairwise_norms[:, -1], last.gradient_norms)
    custom = trace_gradients(model, x, y, loss=regression_loss)
    with pytest.raises(InputError, match="needs a loss at every step"):
        _ = custom.pairwise_norms


def test_a_classifier_with_its_own_loss():
    class Classifier(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(7, INPUTS)
            self.gru = nn.GRU(INPUTS, HIDDEN, batch_first=True)
            self.head = nn.Linear(HIDDEN, 3)

        def forward(self, tokens):
            return self.head(self.gru(self.embedding(tokens))[1][-1])

    model = Classifier().to(D)
    tokens, labels = torch.randint(0, 7, (BATCH, STEPS)), torch.tensor([0, 2, 1])
    trace = trace_gradients(model, tokens, labels, loss=nn.functional.cross_entropy)
    nn.functional.cross_entropy(model(tokens), labels).backward()
    torch.testing.assert_close(trace.weight_gradients()["W_h"], model.gru.weight_hh_l0.grad)


class LastOf(nn.Module):
    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x):
        return self.recurrent(x)[0]


def wrong_calls():
    x, y = data()
    nan = x.clone()
    nan[0, 0, 0] = math.nan
    two = nn.Sequential(LastOf(nn.RNN(INPUTS, HIDDEN)), LastOf(nn.RNN(HIDDEN, HIDDEN))).to(D)
    plain = Wrapped(RNNLayer(INPUTS, HIDDEN)).to(D)
    return {
        "none": (lambda: trace_gradients(nn.Linear(2, 1).to(D), x, y), "made no recurrent call"),
        "two": (lambda: trace_gradients(two, x, y), "model runs 2 recurrent modules"),
        "nan": (lambda: trace_gradients(plain, nan, y), "x holds 1 NaN"),
        "target": (lambda: trace_gradients(plain, x, y[:, :3]), "expected equal shapes"),
        "layer": (lambda: trace_gradients(plain, x, y).weight_terms(1), "layer=1"),
        "sequence": (lambda: trace_gradients(plain, x, y).jacobians(sequence=9), "sequence=9"),
        "kind": (lambda: trace_gradients(plain, x, y, recurrent=plain.head), "not from stacking"),
    }


@pytest.mark.parametrize("case", wrong_calls())
def test_wrong_input_is_named_in_one_line(case):
    call, message = wrong_calls()[case]
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_trace_is_drawn_as_it_is():
    lstm = nn.LSTM(INPUTS, HIDDEN, 2, batch_first=True).to(D)
    trace = trace_gradients(Wrapped(lstm).to(D), *data())
    norms = trace.plot()
    assert [len(curve.y) for curve in norms.data] == [STEPS] * 4
    assert list(norms.data[1].y) == trace.gradient_norms[0].tolist()
    assert list(norms.data[2].y) == trace.hidden_norms[1].tolist()
    pairs = trace.plot("pairs").data[0]
    assert pairs.customdata[3][1] == trace.pairwise_norms[-1, 3, 1].item()
    assert math.isnan(pairs.z[1][3])  # L_2 does not depend on h_4
    circle, *blocks = trace.plot("eigenvalues").data
    assert [block.name for block in blocks] == ["W_hi", "W_hf", "W_hg", "W_ho"]
    assert sorted(blocks[1].x) == sorted(trace.eigenvalues[-1, 1].real.tolist())
    styles = {(block.marker.symbol, block.marker.color) for block in blocks}
    assert len(styles) == 4
    assert circle.name == "unit circle"
    with pytest.raises(InputError, match="what='terms'"):
        trace.plot("terms")


@pytest.mark.parametrize("factor", [1e-250, 1e-120, 1.0, 1e120, 1e250])
def test_norms_are_right_where_their_squares_leave_the_range_of_float64(factor):
    """|factor (3, 4)| = 5 factor, though its square is 0 or infinite for most of these."""
    vectors = factor * torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.float64)
    expected = torch.tensor([5 * factor, 0.0], dtype=torch.float64)
    torch.testing.assert_close(norms_of(vectors), expected, rtol=1e-12, atol=0)


def test_a_gradient_beyond_1e154_is_not_infinite():
    """Without a nonlinearity dL/dh_1 is w_h^(T-1) dL/dh_T: for w_h = 10 and T = 201, 1e200 fold."""
    model = gaussian_rnn(1, weight_scale=1.0, generator=generator(0), nonlinearity="identity")
    with torch.no_grad():
        model.layers[0].W_h.fill_(10.0)
        model.layers[0].W_x.fill_(1e-150)
    x, y = torch.ones(1, 201, 1).double(), torch.zeros(1, 201, 1).double()
    norms = trace_gradients(model, x, y, last_step_only=True).gradient_norms[0]
    assert float(norms[0] / norms[-1]) == pytest.approx(1e200, rel=1e-9)
