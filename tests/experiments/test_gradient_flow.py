import copy
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.experiments import _finite_differences as nudging
from eigenlab.experiments import _gradient_measurements as measurements
from eigenlab.experiments import gradient_flow
from eigenlab.experiments._networks import gaussian_rnn, layers_of, redraw, with_spectral_radius
from eigenlab.files import dump_json, load_json
from eigenlab.lab import Context, Outcome
from eigenlab.recurrent import LSTM, RecurrentRegressor, regression_loss, running_average
from eigenlab.training import generator

EXPERIMENT = gradient_flow.EXPERIMENT


@pytest.fixture(scope="module")
def result():
    return EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke"))


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {c.id: "held" for c in EXPERIMENT.claims}


def test_nudging_a_scalar_linear_network_gives_the_pencil_derivatives():
    """h_t = w h_{t-1} + x_t, y_hat = f h_3, L = (y_hat - y)^2 at the last step.

    dL/dh_t = 2 (y_hat - y) f w^(3-t), and the share of w at step t is dL/dh_t h_{t-1}.
    """
    w, f = 0.5, 2.0
    model = gaussian_rnn(
        1, weight_scale=1.0, nonlinearity="identity", generator=generator(0, "one unit")
    )
    layer = layers_of(model)[0]
    with torch.no_grad():
        for parameter, value in ((layer.W_h, w), (layer.W_x, 1.0), (model.readout.weight, f)):
            parameter.fill_(value)
    x = torch.tensor([[[1.0], [-2.0], [4.0]]], dtype=torch.float64)
    y = torch.zeros_like(x)
    h = [1.0, -1.5, 3.25]
    outer = 2 * (f * h[2]) * f
    states = nudging.state_gradients(model, x, y, True).flatten().tolist()
    assert states == pytest.approx([outer * w**2, outer * w, outer], rel=1e-8)
    terms = nudging.weight_terms(model, x, y, True, 0, "W_h").flatten().tolist()
    assert terms == pytest.approx([0.0, outer * w * h[0], outer * h[1]], rel=1e-8, abs=1e-8)


def test_nudged_weight_terms_of_an_lstm_add_up_to_what_autograd_says():
    model = RecurrentRegressor(LSTM(1, 2, dtype=torch.float64))
    redraw(model, generator(3, "network"))
    x, y = running_average(2, 3, generator=generator(3, "data"), dtype=torch.float64)
    regression_loss(model(x)[0], y).backward()
    layer = model.recurrent.layers[0]
    for name in ("W_h", "W_x", "b"):
        whole = nudging.weight_terms(model, x, y, False, 0, name).sum(0)
        torch.testing.assert_close(whole, getattr(layer, name).grad, rtol=1e-6, atol=1e-9)


def test_nudging_leaves_the_model_as_it_was():
    model = gaussian_rnn(2, weight_scale=1.0, generator=generator(0, "network"))
    before = copy.deepcopy(model.state_dict())
    x, y = running_average(1, 3, generator=generator(0, "data"), dtype=torch.float64)
    nudging.weight_terms(model, x, y, True, 0, "W_h")
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_the_closed_form_of_a_rotation_keeps_its_length():
    angle = 0.3
    W_h = torch.tensor(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]],
        dtype=torch.float64,
    )
    W_f = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    residual = torch.tensor([[1.5], [-0.5]], dtype=torch.float64)
    gradient = measurements.closed_form(W_h, W_f, residual, 6)
    assert gradient.shape == (2, 6, 2)
    torch.testing.assert_close(
        gradient.norm(dim=-1), residual.abs().expand(2, 6), rtol=1e-12, atol=0
    )
    # W_f times a rotation by n * angle, n = 5 at t = 1
    expected = 1.5 * torch.tensor([math.cos(5 * angle), -math.sin(5 * angle)], dtype=torch.float64)
    torch.testing.assert_close(gradient[0, 0], expected)


def test_the_rate_envelope_of_a_normal_matrix_needs_no_condition_number():
    """The eigenvectors of a symmetric matrix are orthonormal: cond(V) = 1."""
    low, high = measurements.rate_envelope(np.diag([0.5, 2.0]), np.array([3.0, 4.0]))
    assert high == pytest.approx(0.0, abs=1e-12)
    assert low == pytest.approx(math.log(4 / 5))


def test_the_rate_envelope_holds_for_a_matrix_far_from_normal():
    """W = [[1, 100], [0, 0.5]] first amplifies, then settles at its eigenvalue 1."""
    W, v = np.array([[1.0, 100.0], [0.0, 0.5]]), np.array([1.0, 1.0])
    low, high = measurements.rate_envelope(W, v)
    for n in (1, 5, 50):
        grown = math.log(np.linalg.norm(v @ np.linalg.matrix_power(W, n)) / np.linalg.norm(v))
        assert low - 1e-9 <= grown <= high + 1e-9
    assert high > math.log(100)


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("1d.hidden-gradients", lambda r: r["rows"][3].update(states=2.0)),  # a missing factor
        ("1d.path-terms", lambda r: r["rows"][-1].update(terms=math.nan)),
        ("1d.sum", lambda r: r["rows"][0].update(sums=1e-3)),
        ("1e.closed-form", lambda r: r["networks"][0].update(closed_form_error=1e-6)),
        ("1e.growth-rate", lambda r: r["networks"][2]["rates"].__setitem__(-1, 0.1)),
        ("1e.growth-rate", lambda r: r["networks"][1].update(log_low=1.0)),
        ("1e.vanish-or-explode", lambda r: r["networks"][1]["gradient_norms"].__setitem__(0, 1.0)),
        ("1e.vanish-or-explode", lambda r: r["networks"][2]["gradient_norms"].__setitem__(0, 1e9)),
        ("1e.bound", lambda r: r["bounds"]["tanh"]["gradient_norms"].__setitem__(0, 1e30)),
    ],
)
def test_a_wrong_number_refutes_its_claim(result, claim, change):
    chosen = EXPERIMENT.claim(claim)
    record = copy.deepcopy(dict(result.records[chosen.record]))
    change(record)
    assert chosen.evaluate(record).outcome is Outcome.FAILED


def test_a_transposed_recurrent_matrix_would_be_noticed(monkeypatch):
    """Break the closed form: W_f (W_h^T)^n instead of W_f W_h^n."""
    original = measurements.closed_form
    monkeypatch.setattr(
        measurements, "closed_form", lambda W_h, *rest: original(W_h.T.contiguous(), *rest)
    )
    config = EXPERIMENT.config.from_preset("smoke")
    record = measurements.measure_growth(config, Context())
    assert EXPERIMENT.claim("1e.closed-form").evaluate(record).outcome is Outcome.FAILED


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu", "identity"])
@pytest.mark.parametrize("last_step_only", [True, False])
def test_every_setting_can_be_measured_and_drawn(nonlinearity, last_step_only):
    config = EXPERIMENT.config.from_preset(
        "smoke", nonlinearity=nonlinearity, last_step_only=last_step_only, length=2, hidden_size=2
    )
    record = load_json(dump_json(measurements.measure_flow(config, Context())))
    assert EXPERIMENT.claim("1e.bound").evaluate(record).outcome is Outcome.HELD
    for figure in EXPERIMENT.figures:
        if figure.record == "flow":
            chart = figure.draw(record)
            assert chart.layout.xaxis.title.text
            assert chart.layout.yaxis.title.text
    linear = record["networks"]["identity"]
    assert (linear["closed_form_norms"] is not None) == last_step_only


def test_the_figure_overlays_the_closed_form_on_the_traced_gradient(result):
    chart = result.figure("growth")
    lines = [trace for trace in chart.data if trace.mode == "lines"]
    circles = [trace for trace in chart.data if trace.mode == "markers"]
    assert len(lines) == len(circles) == len(measurements.RADII)
    for line, circle in zip(lines, circles, strict=True):
        at = dict(zip(line.x, line.y, strict=True))
        assert [at[x] for x in circle.x] == pytest.approx(list(circle.y), rel=1e-8)


def test_long_sequences_are_thinned_for_the_heat_map():
    config = EXPERIMENT.config.from_preset("smoke", length=250, hidden_size=2)
    pairs = measurements.measure_flow(config, Context())["pairs"]
    assert len(pairs["steps"]) == len(pairs["norms"]) <= 100
    assert pairs["steps"][-1] == 250


def test_a_silent_network_is_compared_in_absolute_terms():
    zero = torch.zeros(3)
    assert measurements._relative(zero, zero) == 0.0
    assert measurements._relative(zero + 0.5, zero) == 0.5
    assert measurements._relative(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 4.0])) == 0.25


def test_the_spectral_radius_is_what_was_asked_for():
    matrix = torch.randn(8, 8, dtype=torch.float64, generator=generator(0, "matrix"))
    radius = np.abs(np.linalg.eigvals(with_spectral_radius(matrix, 1.5).numpy())).max()
    assert radius == pytest.approx(1.5, rel=1e-12)


def test_the_same_seed_gives_the_same_record():
    config = EXPERIMENT.config.from_preset("smoke", length=5)
    once, again = (measurements.measure_flow(config, Context()) for _ in range(2))
    other = measurements.measure_flow(config.replace(seed=1), Context())
    loss = [record["networks"]["tanh"]["loss"] for record in (once, again, other)]
    assert loss[0] == loss[1] != loss[2]


def test_an_overflow_is_the_users_to_mend_unless_only_the_counterpart_overflows():
    wild = EXPERIMENT.config.from_preset("smoke", weight_scale=3, length=500)
    for nonlinearity in ("identity", "relu"):
        with pytest.raises(InputError, match=r"weight_scale=3 over length=500 .* lower one"):
            measurements.measure_flow(wild.replace(nonlinearity=nonlinearity), Context())
    assert list(measurements.measure_flow(wild, Context())["networks"]) == ["tanh"]


def test_settings_out_of_bounds_are_named():
    with pytest.raises(InputError, match=r"weight_scale=4.*length=1"):
        EXPERIMENT.config.from_preset("smoke", weight_scale=4, length=1)


def test_the_python_of_the_guide_runs(capsys):
    guide = Path(__file__).parents[2] / "docs" / "gradients.md"
    (code,) = re.findall(r"^```python\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.M | re.S)
    exec(compile(code, str(guide), "exec"), {})
    assert "spectral_radius" in capsys.readouterr().out
