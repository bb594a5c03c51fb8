import math

import pytest

from eigenlab.experiments import load_experiment
from eigenlab.experiments.rnn_layer import claims, measure
from eigenlab.lab import Outcome, run

EXPERIMENT = load_experiment("rnn-layer")


@pytest.fixture(scope="module")
def result(smoke):
    return smoke("rnn-layer").result


def test_the_published_numbers_follow_from_the_formulas():
    """One unit is tanh(0.2); three equal units step by h <- -0.3 h - 0.1 (x_1 + x_2) - 0.1."""
    assert pytest.approx(math.tanh(0.2), abs=1e-8) == claims.ONE_UNIT  # a float32 printed
    h = 0.0
    for inputs, published in zip(measure.INPUTS, measure.STATES, strict=True):
        h = -0.3 * h - 0.1 * sum(inputs) - 0.1
        assert h == pytest.approx(published, abs=1e-4)
    squares = [
        [(p - t) ** 2 for p, t in zip(*rows, strict=True)]
        for rows in zip(measure.PREDICTION, measure.TARGET, strict=True)
    ]
    assert sum(map(sum, squares)) / 6 == pytest.approx(claims.LOSS_EVERY_STEP, abs=5e-5)
    assert (squares[0][-1] + squares[1][-1]) / 2 == pytest.approx(claims.LOSS_LAST_STEP)


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {c.id: "held" for c in EXPERIMENT.claims}


def test_a_second_bias_is_detected(monkeypatch):
    """The comparison can fail: give the reference the bias twice."""
    original = measure._textbook_states
    monkeypatch.setattr(
        measure,
        "_textbook_states",
        lambda x, W_h, W_x, b, nonlinearity: original(x, W_h, W_x, 2 * b, nonlinearity),
    )
    wrong = run(EXPERIMENT, EXPERIMENT.config.from_preset("smoke"))
    failed = {c.id for c in wrong.claims if c.outcome is Outcome.FAILED}
    assert failed == {"1a.reference", "1b.prediction", "1b.gradients", "1c.reference"}


def test_figures_show_what_was_measured(result):
    states = result.figure("states")
    assert list(states.data[1].y) == list(measure.STATES)
    assert list(states.data[0].y) == pytest.approx(list(measure.STATES), abs=1e-4)
    names = {trace.name for trace in result.figure("differences").data}
    assert names == {
        *(f"{s}, textbook loop" for s in ("tanh", "relu", "identity")),
        *(f"{s}, torch.nn.RNN" for s in ("tanh", "relu")),
    }
