import copy
import math

import pytest
import torch

from eigenlab.experiments import rnn_layer
from eigenlab.lab import Outcome

EXPERIMENT = rnn_layer.EXPERIMENT


@pytest.fixture(scope="module")
def result():
    return EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke"))


def test_the_published_numbers_follow_from_the_formulas():
    """One unit is tanh(0.2); three equal units step by h <- -0.3 h - 0.1 (x_1 + x_2) - 0.1."""
    assert pytest.approx(math.tanh(0.2), abs=1e-8) == rnn_layer.ONE_UNIT  # a float32 printed
    h = 0.0
    for inputs, published in zip(rnn_layer.INPUTS, rnn_layer.STATES, strict=True):
        h = -0.3 * h - 0.1 * sum(inputs) - 0.1
        assert h == pytest.approx(published, abs=1e-4)
    squares = [
        [(p - t) ** 2 for p, t in zip(*rows, strict=True)]
        for rows in zip(rnn_layer.PREDICTION, rnn_layer.TARGET, strict=True)
    ]
    assert sum(map(sum, squares)) / 6 == pytest.approx(rnn_layer.LOSS_EVERY_STEP, abs=5e-5)
    assert (squares[0][-1] + squares[1][-1]) / 2 == pytest.approx(rnn_layer.LOSS_LAST_STEP)


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {c.id: "held" for c in EXPERIMENT.claims}


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("1a.one-unit", lambda r: r.update(one_unit=math.tanh(0.3))),  # two biases
        ("1a.states", lambda r: r["states"][3].__setitem__(1, 0.1452)),
        ("1a.states", lambda r: r.update(layer_parameters=21)),
        ("1a.reference", lambda r: r["rows"][1].update(states=1e-5)),
        ("1b.parameters", lambda r: r.update(regressor_parameters=37)),
        ("1b.gradients", lambda r: r["rows"][-1].update(gradients=math.nan)),
        ("1c.loss", lambda r: r.update(loss_every_step=18.04)),  # a sum
        ("1c.loss", lambda r: r.update(loss_last_step=3.7 / 2)),
        ("1c.reference", lambda r: r["rows"][0].update(loss=2e-6)),
    ],
)
def test_a_wrong_number_refutes_its_claim(result, claim, change):
    chosen = EXPERIMENT.claim(claim)
    record = copy.deepcopy(dict(result.records[chosen.record]))
    change(record)
    assert chosen.evaluate(record).outcome is Outcome.FAILED


def test_the_textbook_loop_is_the_formula():
    x = torch.tensor([[[0.1, 0.15], [0.2, 0.25], [0.3, 0.35], [0.4, 0.45]]], dtype=torch.float64)
    W_h, W_x, b = (torch.full(shape, -0.1, dtype=torch.float64) for shape in ((3, 3), (3, 2), (3,)))
    states = rnn_layer.textbook_loop(x, W_h, W_x, b, "identity")
    assert states[0, :, 0].tolist() == pytest.approx([-0.125, -0.1075, -0.13275, -0.145175])


def test_a_second_bias_would_be_noticed(monkeypatch):
    """The comparison can fail: give the reference the bias twice."""
    original = rnn_layer.textbook_loop
    monkeypatch.setattr(
        rnn_layer,
        "textbook_loop",
        lambda x, W_h, W_x, b, nonlinearity: original(x, W_h, W_x, 2 * b, nonlinearity),
    )
    wrong = EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke"))
    failed = {c.id for c in wrong.claims if c.outcome is Outcome.FAILED}
    assert failed == {"1a.reference", "1b.gradients", "1c.reference"}


def test_figures_show_what_was_measured(result):
    states = result.figure("states")
    assert list(states.data[1].y) == list(rnn_layer.STATES)
    assert list(states.data[0].y) == pytest.approx(list(rnn_layer.STATES), abs=1e-4)
    names = {trace.name for trace in result.figure("differences").data}
    assert names == {
        *(f"{s}, textbook loop" for s in ("tanh", "relu", "identity")),
        *(f"{s}, torch.nn.RNN" for s in ("tanh", "relu")),
    }
