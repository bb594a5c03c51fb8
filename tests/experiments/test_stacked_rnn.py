import copy
import math

import pytest
import torch

from eigenlab.errors import InputError
from eigenlab.experiments import _stacked_judges as judges
from eigenlab.experiments import _stacked_measurements as measurements
from eigenlab.experiments import stacked_rnn
from eigenlab.lab import Context, NotRun, Outcome
from eigenlab.reporter import SILENT

EXPERIMENT = stacked_rnn.EXPERIMENT
CONFIG = EXPERIMENT.config.from_preset("smoke")
SHORT = {"training_steps": 60, "n_seeds": 2, "hidden_size": 8, "learning_rate": 1e-2}


@pytest.fixture(scope="module")
def rates():
    return measurements.measure_rates(CONFIG, Context())


@pytest.fixture(scope="module")
def training():
    """A much shorter training than any preset allows, hence the unchecked copy."""
    return measurements.measure_training(CONFIG.model_copy(update=SHORT), Context())


def outcome(claim, record):
    return EXPERIMENT.claim(claim).evaluate(record).outcome


@pytest.mark.parametrize("claim", ["1h.lstm-slower", "1h.forget-gate"])
def test_claims_about_untrained_cells_hold(rates, claim):
    assert outcome(claim, rates) is Outcome.HELD


def trained(one=0.005, two=0.0005, rnn=0.3, lstm=0.1):
    """Three seeds per model: the given loss, one a tenth of it, one ten times as large."""
    losses = {"RNN, one layer": one, "RNN, two layers": two, "LSTM": one}
    first = {"RNN, one layer": rnn, "RNN, two layers": rnn, "LSTM": lstm}
    return {
        "runs": [
            {"model": m, "final_loss": loss * factor, "gradient": [first[m] * (1 + s / 99), 1.0]}
            for m, loss in losses.items()
            for s, factor in enumerate((1, 0.1, 10))
        ]
    }


@pytest.mark.parametrize(
    ("claim", "record", "expected"),
    [
        ("1h.one-layer", trained(), "held"),
        ("1h.one-layer", trained(one=0.011), "failed"),
        ("1h.one-layer", trained(one=math.nan), "failed"),
        ("1h.two-layers", trained(), "held"),
        ("1h.two-layers", trained(two=0.002), "failed"),
        ("1h.lstm-slower-trained", trained(), "failed"),
        ("1h.lstm-slower-trained", trained(lstm=0.8), "held"),
    ],
)
def test_trained_claims_follow_their_numbers(claim, record, expected):
    assert outcome(claim, record) == expected


def test_a_faster_lstm_or_another_forget_gate_refutes(rates):
    faster, closed = copy.deepcopy(rates), copy.deepcopy(rates)
    for row in faster["rows"]:
        if row["cell"] == "LSTM":
            row["far_rate"] -= 0.5
    assert outcome("1h.lstm-slower", faster) is Outcome.FAILED
    next(row for row in closed["rows"] if row["cell"] == "LSTM, forget bias +3")["far_rate"] -= 0.02
    assert outcome("1h.forget-gate", closed) is Outcome.FAILED
    closed["rows"][measurements.SCALES.index(0.01)]["far_rate"] = math.nan
    assert outcome("1h.forget-gate", closed) is Outcome.FAILED


def test_the_forget_gate_is_the_second_of_the_gates():
    """An LSTM with all weights zero keeps c_t = sigmoid(b_f) c_{t-1}: start from c_0 = 1."""
    model = measurements.untrained("LSTM", 2, 0.0, 1.0, seed=0)
    layer = model.recurrent.layers[0]
    state = (torch.zeros(1, 2, dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64))
    _, (_, cell) = layer(torch.zeros(1, 3, 1, dtype=torch.float64), state)
    assert cell[0, 0].item() == pytest.approx((1 / (1 + math.exp(-1))) ** 3)


def test_rates_of_a_toll_paid_once():
    """A gradient that halves per step, with an extra factor 1/10 at the last step."""
    gradient = [0.1 * 0.5 ** (9 - t) for t in range(9)] + [1.0]
    found = measurements.rates(gradient)
    assert found["far_rate"] == pytest.approx(-math.log(2))
    assert found["rate"] == pytest.approx(-math.log(2) - math.log(10) / 9)


def test_a_short_training_learns_and_is_recorded(training):
    assert [run["model"] for run in training["runs"][::2]] == list(measurements.MODELS)
    for run in training["runs"]:
        assert run["final_loss"] < run["losses"][0]
        assert run["steps"][-1] == SHORT["training_steps"]
        tail = [x for s, x in zip(run["steps"], run["losses"], strict=True) if s > 54]
        assert run["final_loss"] == pytest.approx(sum(tail) / len(tail))
        assert len(run["gradient"]) == CONFIG.length
        assert run["gradient"][-1] == 1.0


def test_the_seed_decides_the_training(training):
    config = CONFIG.model_copy(update=SHORT)
    run = training["runs"][0]
    again, other = (
        measurements._train(config, "RNN", 1, seed, SILENT, None)
        for seed in (run["seed"], run["seed"] + 1)
    )
    assert again["losses"] == run["losses"] != other["losses"]


def test_without_seeds_nothing_is_trained():
    with pytest.raises(NotRun, match="n_seeds=0"):
        measurements.measure_training(CONFIG, Context())


def test_figures_and_tables_can_be_drawn(rates, training):
    records = {"rates": rates, "training": training}
    for figure in EXPERIMENT.figures:
        chart = figure.draw(records[figure.record])
        assert chart.layout.xaxis.title.text
        assert chart.layout.yaxis.title.text
    rows = judges.table_losses(training)[1]
    assert [row[0] for row in rows] == list(measurements.MODELS)
    assert len(judges.table_rates(rates)[1]) == len(measurements.CELLS)
    metrics = EXPERIMENT.metrics(records)
    assert all(math.isfinite(value) for value in metrics.values())


def test_settings_out_of_bounds_are_named():
    with pytest.raises(InputError, match="training_steps=10"):
        CONFIG.replace(training_steps=10)
