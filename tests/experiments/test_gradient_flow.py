import re
from pathlib import Path

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.experiments import load_experiment
from eigenlab.experiments.gradient_flow import measure
from eigenlab.lab import Outcome, run
from eigenlab.lab.stages import stored_form

EXPERIMENT = load_experiment("gradient-flow")


@pytest.fixture(scope="module")
def result(smoke):
    return smoke("gradient-flow").result


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {c.id: "held" for c in EXPERIMENT.claims}


def test_a_transposed_recurrent_matrix_is_detected(monkeypatch):
    """Break the closed form: W_f (W_h^T)^n instead of W_f W_h^n."""
    original = measure.linear_gradients
    monkeypatch.setattr(
        measure, "linear_gradients", lambda W_h, *rest: original(W_h.T.contiguous(), *rest)
    )
    record = measure.growth(EXPERIMENT.config.from_preset("smoke"))
    assert EXPERIMENT.claim("1e.closed-form").evaluate(record).outcome is Outcome.FAILED


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu", "identity"])
@pytest.mark.parametrize("last_step_only", [True, False])
def test_every_setting_can_be_measured_and_drawn(nonlinearity, last_step_only):
    config = EXPERIMENT.config.from_preset(
        "smoke", nonlinearity=nonlinearity, last_step_only=last_step_only, length=2, hidden_size=2
    )
    record = stored_form(measure.flow(config))
    assert EXPERIMENT.claim("1e.bound").evaluate(record).outcome is Outcome.HELD
    for figure in EXPERIMENT.figures:
        if figure.record is type(record):
            chart = figure.draw(record)
            assert chart.layout.xaxis.title.text
            assert chart.layout.yaxis.title.text
    linear = record.networks["identity"]
    assert (linear.closed_form_norms is not None) == last_step_only


def test_the_figure_overlays_the_closed_form_on_the_traced_gradient(result):
    chart = result.figure("growth")
    lines = [trace for trace in chart.data if trace.mode == "lines"]
    circles = [trace for trace in chart.data if trace.mode == "markers"]
    assert len(lines) == len(circles) == len(result.config.radii)
    for line, circle in zip(lines, circles, strict=True):
        at = dict(zip(line.x, line.y, strict=True))
        assert [at[x] for x in circle.x] == pytest.approx(list(circle.y), rel=1e-8)


def test_long_sequences_are_thinned_for_the_heat_map():
    config = EXPERIMENT.config.from_preset("smoke", length=250, hidden_size=2)
    pairs = measure.flow(config).pairs
    assert len(pairs.steps) == len(pairs.norms) <= 100
    assert pairs.steps[-1] == 250


def test_an_inactive_network_is_compared_by_absolute_differences():
    zero = torch.zeros(3)
    assert measure._relative(zero, zero) == 0.0
    assert measure._relative(zero + 0.5, zero) == 0.5
    assert measure._relative(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 4.0])) == 0.25


def test_the_same_seed_gives_the_same_record():
    config = EXPERIMENT.config.from_preset("smoke", length=5)
    once, again = (measure.flow(config) for _ in range(2))
    other = measure.flow(config.replace(seed=1))
    loss = [record.networks["tanh"].loss for record in (once, again, other)]
    assert loss[0] == loss[1] != loss[2]


def test_an_overflow_is_an_input_error_unless_only_the_counterpart_overflows():
    wild = EXPERIMENT.config.from_preset("smoke", weight_scale=3, length=500)
    for nonlinearity in ("identity", "relu"):
        with pytest.raises(InputError, match=r"weight_scale=3 over length=500 .* lower one"):
            measure.flow(wild.replace(nonlinearity=nonlinearity))
    assert list(measure.flow(wild).networks) == ["tanh"]


def test_settings_out_of_bounds_are_named():
    with pytest.raises(InputError, match=r"weight_scale=-1.*length=1"):
        EXPERIMENT.config.from_preset("smoke", weight_scale=-1, length=1)
    with pytest.raises(InputError, match=r"radii\.1=0.0: input should be greater than 0$"):
        EXPERIMENT.config.from_preset("smoke", radii=(0.5, 0.0))


def test_short_sequences_are_measured_but_nothing_is_claimed_of_them():
    result = run(EXPERIMENT, EXPERIMENT.config.from_preset("smoke", growth_length=9, length=5))
    outcomes = {claim.id: claim.outcome for claim in result.claims}
    assert outcomes.pop("1e.growth-rate") is outcomes.pop("1e.vanish-or-explode")
    assert set(outcomes.values()) == {Outcome.HELD}
    reason = next(claim.reason for claim in result.claims if claim.id == "1e.growth-rate")
    assert reason == "it applies to growth_length of at least 200 (here 9)"
    assert result.as_documented


def test_the_claim_fails_for_a_radius_near_one():
    """0.99^199 = 0.135 is no thousandth."""
    result = run(EXPERIMENT, EXPERIMENT.config.from_preset("smoke", radii=(0.5, 0.99)))
    assert [c.id for c in result.claims if c.outcome is Outcome.FAILED] == ["1e.vanish-or-explode"]


def test_radii_that_leave_the_range_of_float64_are_refused():
    config = EXPERIMENT.config.from_preset("smoke", radii=(1e-3,), growth_length=200)
    with pytest.raises(InputError, match=r"radii=0\.001 over growth_length=200 steps leaves"):
        measure.growth(config)


def test_captions_follow_the_settings():
    (norms,) = (figure for figure in EXPERIMENT.figures if figure.name == "norms")
    captions = {
        name: norms.caption_for(EXPERIMENT.config(nonlinearity=name))
        for name in ("tanh", "relu", "identity")
    }
    assert "tanh keeps the hidden state bounded" in captions["tanh"]
    assert "bounded;" not in captions["identity"]
    assert len(set(captions.values())) == 3


def test_the_python_of_the_guide_runs(capsys):
    guide = Path(__file__).parents[2] / "docs" / "gradients.md"
    (code,) = re.findall(r"^```python\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.M | re.S)
    exec(compile(code, str(guide), "exec"), {})
    assert "spectral_radius" in capsys.readouterr().out
