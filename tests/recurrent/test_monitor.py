"""The monitor: the same training, the same numbers as a trace, and words that are true."""

import csv
import math
import re

import pytest
import torch
from torch import nn

from eigenlab.errors import InputError
from eigenlab.experiments import load_experiment, outlines
from eigenlab.recurrent import (
    LSTM,
    RNN,
    GradientMonitor,
    LSTMLayer,
    RNNLayer,
    trace_gradients,
    with_spectral_radius,
)
from eigenlab.recurrent.diagnosis import REMEDIES, remedies_for

B, T, I, H = 3, 12, 2, 6  # noqa: E741


class Tagger(nn.Module):
    def __init__(self, recurrent, width=H):
        super().__init__()
        self.recurrent, self.head = recurrent, nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.recurrent(x)[0])


KINDS = {
    "RNNLayer": lambda: RNNLayer(I, H),
    "LSTMLayer": lambda: LSTMLayer(I, H),
    "RNN": lambda: RNN(I, H, 2),
    "LSTM": lambda: LSTM(I, H, 2),
    "nn.RNN": lambda: nn.RNN(I, H, batch_first=True),
    "nn.LSTM": lambda: nn.LSTM(I, H, 2, batch_first=True),
    "nn.LSTM, dropout": lambda: nn.LSTM(I, H, 3, dropout=0.3, batch_first=True),
    "nn.GRU": lambda: nn.GRU(I, H, 2, batch_first=True),
    "bidirectional": lambda: nn.LSTM(I, H, 2, bidirectional=True, batch_first=True),
}


def make(kind, dtype=torch.float64):
    torch.manual_seed(0)
    return Tagger(KINDS[kind](), 2 * H if kind == "bidirectional" else H).to(dtype)


def train(model, steps=9, dtype=torch.float64, **monitoring):
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    monitor = GradientMonitor(model, **monitoring) if monitoring else None
    torch.manual_seed(2)
    for _ in range(steps):
        x = torch.randn(B, T, I, generator=generator, dtype=dtype)
        loss = (model(x) - x.mean(dim=(1, 2), keepdim=True)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if monitor is not None:
        monitor.close()
    return monitor


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_training_is_the_same_bit_for_bit(kind, dtype):
    plain, watched = make(kind, dtype), make(kind, dtype)
    train(plain, dtype=dtype)
    monitor = train(watched, dtype=dtype, every=2)
    for a, b in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(a, b)
    assert [record.update for record in monitor.records] == [1, 3, 5, 7, 9]
    assert not watched._forward_hooks
    assert not watched._forward_pre_hooks


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_the_trace_of_that_training_step(kind):
    model = make(kind)
    x, y = torch.randn(B, T, I, dtype=torch.float64), torch.randn(B, T, 1, dtype=torch.float64)
    monitor = GradientMonitor(model, every=1)
    torch.manual_seed(5)
    ((model(x) - y).square().mean() * 8).backward()
    flows = list(monitor.records[0].layers.values())
    monitor.close()
    torch.manual_seed(5)
    trace = trace_gradients(model, x, y)
    assert [*monitor.records[0].layers] == list(trace.layer_names)
    for layer, flow in enumerate(flows):
        expected = 8 * trace.gradient_norms[layer]
        torch.testing.assert_close(torch.tensor(flow.gradient_norms), expected.float())
        torch.testing.assert_close(
            torch.tensor(flow.hidden_norms), trace.hidden_norms[layer].float()
        )
        radii = torch.tensor(list(flow.spectral_radius.values()))
        torch.testing.assert_close(radii, trace.spectral_radius[layer].float())
    scaled = GradientMonitor(model, every=1, loss_scale=lambda: 8.0)
    torch.manual_seed(5)
    ((model(x) - y).square().mean() * 8).backward()
    first = next(iter(scaled.records[0].layers.values()))
    scaled.close()
    torch.testing.assert_close(torch.tensor(first.gradient_norms), trace.gradient_norms[0].float())


@pytest.mark.parametrize(
    ("radius", "state"), [(0.5, "vanishing"), (1.0, "neither"), (1.5, "exploding")]
)
def test_the_exponent_of_a_linear_network_is_the_logarithm_of_its_radius(radius, state):
    """Claim 1e.growth-rate: |W^n v| grows as radius^n up to a constant factor."""
    generator = torch.Generator().manual_seed(0)
    layer = RNNLayer(I, H, "identity", dtype=torch.float64)
    with torch.no_grad():
        layer.W_h.copy_(with_spectral_radius(layer.W_h, radius))
    model = Tagger(layer).double()
    monitor = GradientMonitor(model, every=1)
    x = torch.randn(B, 400, I, generator=generator, dtype=torch.float64)
    model(x)[:, -1].square().mean().backward()
    flow = monitor.records[0].layers["recurrent"]
    assert flow.lyapunov_exponent == pytest.approx(math.log(radius), abs=0.02)
    assert flow.spectral_radius["W_h"] == pytest.approx(radius, rel=1e-4)
    assert flow.state == state
    words = monitor.describe()
    monitor.close()
    assert {"vanishing": "vanish,", "exploding": "explode,", "neither": "neither vanish"}[
        state
    ] in words
    if state == "vanishing":
        # 0.5 to the power of 9.97 is a thousandth.
        assert "by a factor of 1000 every 10 steps" in words
        assert "1h.lstm-slower" in words


def test_a_failing_lstm_and_its_twin_differ_in_the_exponent_and_not_in_the_input_gate():
    """Raising only the forget gate's bias leaves the input gate's matrix as it is (1h).

    https://github.com/OverLordGoldDragon/see-rnn/issues/57: dL/dW does not tell either, since it
    adds up paths of all lengths.
    """
    found = {}
    for bias in (-1.0, 6.0):
        torch.manual_seed(0)
        layer = LSTMLayer(I, 16)
        with torch.no_grad():
            layer.b.zero_()
            layer.b[16:32] = bias
            layer.W_h.mul_(0.3)
        model = Tagger(layer, 16)
        monitor = GradientMonitor(model, every=1)
        model(torch.randn(B, 100, I)).square().mean().backward()
        found[bias] = monitor.records[0].layers["recurrent"]
        monitor.close()
    failing, repaired = found[-1.0], found[6.0]
    assert failing.spectral_radius["W_hi"] == repaired.spectral_radius["W_hi"]
    assert failing.lyapunov_exponent < -0.5
    assert "forget gate" in remedies_for(failing)[0]
    assert remedies_for(repaired) == ()
    assert -0.05 < repaired.lyapunov_exponent < 0.01
    assert (failing.state, repaired.state) == ("vanishing", "neither")


def test_every_remedy_names_claims_that_exist():
    known = {claim.id for name in outlines() for claim in load_experiment(name).claims}
    for remedies in REMEDIES.values():
        for remedy in remedies:
            named = re.findall(r"\b\d\w\.[a-z-]+[a-z]", remedy)
            assert named
            assert set(named) <= known


def test_only_training_steps_with_a_backward_pass_are_recorded():
    model = make("nn.LSTM")
    x = torch.randn(B, T, I, dtype=torch.float64)
    monitor = GradientMonitor(model, every=1)
    model(x)  # no backward pass
    model.eval()
    model(x).sum().backward()
    model.train()
    with torch.no_grad():
        model(x)
    model(x).sum().backward()
    assert [record.update for record in monitor.records] == [2]
    with pytest.raises(RuntimeError):
        model(x[..., :1])  # the owner's own error leaves nothing switched on
    assert torch.overrides._get_current_function_mode() is None
    model(x).sum().backward()
    assert [record.update for record in monitor.records] == [2, 4]
    monitor.close()
    model(x).sum().backward()
    assert len(monitor.records) == 2


def test_gradients_of_several_backward_passes_add_up():
    model = make("nn.LSTM")
    x, y = torch.randn(B, T, I, dtype=torch.float64), torch.randn(B, T, 1, dtype=torch.float64)
    monitor = GradientMonitor(model, every=1)
    prediction = model(x)
    for k in range(T):
        (prediction - y)[:, k].square().mean().div(T).backward(retain_graph=True)
    flow = monitor.records[0].layers["recurrent layer 0"]
    monitor.close()
    expected = trace_gradients(model, x, y).gradient_norms[0]
    torch.testing.assert_close(torch.tensor(flow.gradient_norms), expected.float())


def test_a_compiled_model_is_observed_where_it_runs_eagerly():
    model = make("nn.LSTM", torch.float32)
    compiled = torch.compile(model, backend="eager")
    monitor = train(compiled, every=4, dtype=torch.float32)
    assert [record.update for record in monitor.records] == [1, 5, 9]
    assert list(monitor.records[0].layers) == ["recurrent layer 0", "recurrent layer 1"]


def test_sequences_of_one_step_neither_vanish_nor_explode():
    model = make("nn.LSTM")
    monitor = GradientMonitor(model)
    model(torch.randn(B, 1, I, dtype=torch.float64)).sum().backward()
    assert all(flow.state == "neither" for flow in monitor.records[0].layers.values())
    assert "neither" in monitor.describe()
    monitor.close()


def test_streams_and_plot(tmp_path):
    class Writer:
        def __init__(self):
            self.scalars = []

        def add_scalar(self, tag, scalar_value, global_step):
            self.scalars.append((tag, scalar_value, global_step))

    model, writer, seen = make("nn.GRU"), Writer(), []
    path = tmp_path / "flow.csv"
    monitor = train(model, every=4, csv=path, tensorboard=writer, callback=seen.append)
    assert seen == monitor.records
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 * 2 * T
    last = monitor.records[-1].layers["recurrent layer 1"]
    assert float(rows[-1]["gradient_norm"]) == last.gradient_norms[-1]
    assert rows[-1]["update"] == "9"
    assert ("recurrent layer 1/lyapunov_exponent", last.lyapunov_exponent, 9) in writer.scalars
    chart = monitor.plot("recurrent layer 0")
    assert list(chart.data[0].y) == [1, 5, 9]
    assert len(chart.data[0].x) == T
    with pytest.raises(InputError, match="expected one of 'recurrent layer 0'"):
        monitor.plot("decoder")
    more = GradientMonitor(model, csv=path)
    more.close()
    with path.open(encoding="utf-8") as file:
        assert sum(row[0] == "update" for row in csv.reader(file)) == 1


def test_tensorboard_reads_what_is_written(tmp_path):
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    with tensorboard.SummaryWriter(tmp_path) as writer:
        train(make("nn.LSTM"), every=3, tensorboard=writer)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path)).Reload()
    assert [e.step for e in events.Scalars("recurrent layer 1/lyapunov_exponent")] == [1, 4, 7]


def test_wrong_use_is_named():
    model = make("nn.LSTM")
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(InputError, match="every="):
            GradientMonitor(model, wrong)
    with pytest.raises(InputError, match="names no module"):
        GradientMonitor(model, recurrent="decoder")
    with pytest.raises(InputError, match="nothing to plot"):
        GradientMonitor(model).plot()
    assert GradientMonitor(model).describe() == "no training step was observed yet"
    linear = nn.Linear(I, 1)
    GradientMonitor(linear)
    with pytest.warns(UserWarning, match="saw no differentiable recurrent call"):
        linear(torch.zeros(1, I))
