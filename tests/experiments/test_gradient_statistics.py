import copy
import math

import pytest
import torch

from eigenlab.errors import Cancelled, InputError
from eigenlab.experiments import _statistics_judges as judges
from eigenlab.experiments import _statistics_measurements as measurements
from eigenlab.experiments import gradient_statistics
from eigenlab.experiments._training import Part
from eigenlab.lab import Context, Outcome
from eigenlab.reporter import Reporter
from eigenlab.training import generator

EXPERIMENT = gradient_statistics.EXPERIMENT
CONFIG = EXPERIMENT.config.from_preset("smoke")


@pytest.fixture(scope="module")
def networks():
    return measurements.measure_networks(CONFIG, Context())


@pytest.fixture(scope="module")
def every_step():
    return measurements.measure_every_step(CONFIG, Context())


def outcome(claim, record):
    return EXPERIMENT.claim(claim).evaluate(record).outcome


@pytest.mark.parametrize(
    "claim",
    ["1f.tanh-bounded", "1f.tanh-vanishes", "1f.relu-state-explodes", "1f.relu-gradient-explodes"],
)
def test_claims_about_random_networks_hold(networks, claim):
    assert outcome(claim, networks) is Outcome.HELD


def test_the_whole_gradient_is_large_while_each_loss_is_local(every_step):
    assert outcome("1g.large-but-local", every_step) is Outcome.HELD


def test_both_activations_meet_the_same_weights(networks):
    """At the smallest gains W_h hardly matters: the two gradients shrink nearly alike."""
    smallest = min(networks["networks"], key=lambda network: network["weight_scale"])
    tanh, relu = (smallest[a]["gradient_decades"] for a in ("tanh", "relu"))
    assert tanh == pytest.approx(relu, rel=0.3)
    scales = [network["weight_scale"] for network in networks["networks"]]
    assert 1 / CONFIG.gain_factor <= min(scales) < 0.5
    assert 2 < max(scales) <= CONFIG.gain_factor


def network(tanh, relu, *, tanh_state=0.0, relu_state=0.0, largest=0.9):
    return {
        "weight_scale": 1.0,
        "tanh": {"gradient_decades": tanh, "hidden_decades": tanh_state, "largest_state": largest},
        "relu": {"gradient_decades": relu, "hidden_decades": relu_state, "largest_state": 5.0},
    }


def test_a_difference_within_chance_does_not_hold():
    """Six networks against five that disagree prove nothing; thirty against none do."""
    undecided = [network(-9, 0)] * 6 + [network(0, -9)] * 5 + [network(0, 0)] * 20
    assert outcome("1f.tanh-vanishes", {"networks": undecided}) is Outcome.FAILED
    decided = [network(-9, 0)] * 30 + [network(0, 0)] * 20
    assert outcome("1f.tanh-vanishes", {"networks": decided}) is Outcome.HELD
    reversed_ = [network(0, -9)] * 30 + [network(0, 0)] * 20
    assert outcome("1f.tanh-vanishes", {"networks": reversed_}) is Outcome.FAILED


def test_fates_are_told_apart_at_a_factor_of_a_thousand():
    happens = {fate: test for fate, (_, test) in judges.FATES.items()}
    below, above = {"gradient_decades": -3.1}, {"gradient_decades": -2.9}
    assert happens["vanishes"](below)
    assert not happens["vanishes"](above)
    assert happens["vanishes"]({"gradient_decades": -math.inf})
    assert happens["explodes"]({"gradient_decades": 3.1})
    assert not happens["explodes"](below)


def test_a_unit_beyond_one_refutes_the_bound():
    assert outcome("1f.tanh-bounded", {"networks": [network(0, 0, largest=1.001)]}) == "failed"
    assert outcome("1f.tanh-bounded", {"networks": [network(0, 0, largest=math.nan)]}) == "failed"


def test_explosions_of_either_kind_are_counted_for_relu():
    record = {"networks": [network(0, 9, relu_state=9)] * 30 + [network(0, 0)] * 5}
    assert outcome("1f.relu-gradient-explodes", record) is Outcome.HELD
    assert outcome("1f.relu-state-explodes", record) is Outcome.HELD
    record = {"networks": [network(9, 0, tanh_state=9)] * 30 + [network(0, 0)] * 5}
    assert outcome("1f.relu-gradient-explodes", record) is Outcome.FAILED
    assert outcome("1f.relu-state-explodes", record) is Outcome.FAILED


@pytest.mark.parametrize("key", ["every_step", "by_distance"])
def test_the_two_halves_of_large_but_local_can_each_fail(every_step, key):
    record = copy.deepcopy(every_step)
    for row in record["rows"]:
        row[key] = [1e-6 if key == "every_step" else 1.0] * len(row[key])
    assert outcome("1g.large-but-local", record) is Outcome.FAILED


def test_relative_gradients_by_distance_of_a_geometric_decay():
    """|dL_k/dh_t| = c_k r^(k-t) gives r^n at distance n, whatever the c_k."""
    c = torch.tensor([3.0, 0.5, 7.0, 1.0], dtype=torch.float64)
    k, t = torch.meshgrid(torch.arange(4), torch.arange(4), indexing="ij")
    pairs = torch.where(k >= t, c[:, None] * 0.25 ** (k - t).clamp(min=0), 0.0)
    assert measurements.by_distance(pairs) == pytest.approx([1, 0.25, 0.25**2, 0.25**3])


def test_every_scored_answer_of_the_delayed_copy_is_lag_steps_old():
    x, y = measurements.delayed_copy(2, 5, generator(0, "x"))
    assert x.shape == y.shape == (2, 8, 1)
    assert torch.equal(y[:, 5:], x[:, :3])
    assert not y[:, :5].any()


def test_holding_asks_for_the_first_input_at_every_step():
    x, y = measurements.hold_first(2, 5, generator(0, "x"))
    assert x.shape == y.shape == (2, 6, 1)
    assert all(torch.equal(y[:, t], x[:, 0]) for t in range(6))


def runs(short, long_last, long_every, hold_last=1.0, hold_every=0.4):
    cases = [
        ("delayed copy", 3, "last", short),
        ("delayed copy", 3, "every", short),
        ("delayed copy", 30, "last", long_last),
        ("delayed copy", 30, "every", long_every),
        ("hold the first input", 30, "last", hold_last),
        ("hold the first input", 30, "every", hold_every),
    ]
    return {
        "runs": [
            {"task": task, "lag": lag, "loss": loss, "seed": seed, "error": error + 0.001 * seed}
            for task, lag, loss, error in cases
            for seed in range(3)
        ]
    }


def test_the_long_range_claim_needs_equal_errors_and_a_working_control():
    assert outcome("1g.long-range", runs(0.01, 1.0, 1.0)) is Outcome.HELD
    assert outcome("1g.long-range", runs(0.01, 1.0, 0.5)) is Outcome.FAILED
    assert outcome("1g.long-range", runs(0.9, 1.0, 1.0)) is Outcome.FAILED
    assert outcome("1g.easy-steps-first", runs(0.01, 1.0, 1.0)) is Outcome.FAILED
    assert outcome("1g.easy-steps-first", runs(0.01, 1.0, 1.0, 1.0, 0.99)) is Outcome.HELD


def test_a_short_lag_is_learned_and_a_resumed_training_is_not_repeated(tmp_path):
    config = CONFIG.replace(hidden_size=16, training_steps=150)
    part = Part(Reporter(), "one", 0, 1)
    arguments = (measurements.delayed_copy, 1, False, 0, part, tmp_path / "run")
    error = measurements._train(config, *arguments)
    assert error < 0.5  # guessing the mean gives 1
    assert measurements._train(config, *arguments) == error


def test_a_part_reports_its_place_in_the_whole_and_is_cancelled_with_it():
    class Recorder(Reporter):
        def __init__(self):
            self.seen = []

        def progress(self, done, total, message=""):
            self.seen.append((done, total, message))

        def metrics(self, values, *, step):
            self.seen.append((dict(values), step))

    whole = Recorder()
    part = Part(whole, "b", 1, 3)
    part.progress(5, 10, "loss 1")
    part.metrics({"loss": 1.0}, step=5)
    assert whole.seen == [(15, 30, "b: loss 1"), ({"b: loss": 1.0}, 5)]
    part.cancel()
    assert whole.cancelled
    with pytest.raises(Cancelled):
        measurements.measure_networks(CONFIG, Context(reporter=part))


def test_figures_and_tables_name_what_they_show(networks, every_step):
    records = {"networks": networks, "every-step": every_step, "long-range": runs(0.01, 1.0, 1.0)}
    for figure in EXPERIMENT.figures:
        chart = figure.draw(records[figure.record])
        assert chart.layout.xaxis.title.text
        assert chart.layout.yaxis.title.text
    for table in EXPERIMENT.tables:
        columns, rows = table.rows(records[table.record])
        assert all(len(row) == len(columns) for row in rows)


def test_settings_out_of_bounds_are_named():
    with pytest.raises(InputError, match=r"gain_factor=1"):
        CONFIG.replace(gain_factor=1)
