import math

import pytest
import torch

from eigenlab.experiments import load_experiment
from eigenlab.experiments.stacked_rnn import measure
from eigenlab.experiments.stacked_rnn.records import TrainedNetwork, TrainingRecord
from eigenlab.lab import NotRun, Outcome, run
from eigenlab.reporter import SILENT

EXPERIMENT = load_experiment("stacked-rnn")
CONFIG = EXPERIMENT.config.from_preset("smoke")
SHORT = CONFIG.replace(
    training_steps=60,
    n_seeds=2,
    n_deep_seeds=2,
    n_lstm_seeds=2,
    hidden_size=8,
    learning_rate=1e-2,
)


@pytest.fixture(scope="module")
def rates(smoke):
    return smoke("stacked-rnn").result.record(measure.rates.record)


@pytest.fixture(scope="module")
def training():
    return measure.training(SHORT)


def outcome(claim, record):
    return EXPERIMENT.claim(claim).evaluate(record).outcome


@pytest.mark.parametrize("claim", ["1h.lstm-slower", "1h.forget-gate"])
def test_claims_about_untrained_cells_hold(rates, claim):
    assert outcome(claim, rates) is Outcome.HELD


def trained(one=0.005, two=0.0005, linear=0.02, rnn=-0.3, lstm=-0.5, above=0, tested=1.0):
    """Sixteen seeds per model, of which ``above`` have ten times the given loss."""
    losses = dict(zip(measure.MODELS, (one, linear, two, linear, one, two), strict=True))
    runs = [
        TrainedNetwork(
            model=model,
            seed=seed,
            steps=[1],
            losses=[loss],
            final_loss=loss * (1 + seed / 999) * (10 if seed < above else 1),
            test_loss=tested * loss * (10 if seed < above else 1),
            sum_r2=0.9,
            time_r2=0.9,
            gradient=[0.5, 1.0],
            rate=(lstm if model.startswith("LSTM") else rnn) * (1 + seed / 99),
        )
        for model, loss in losses.items()
        for seed in range(16)
    ]
    return TrainingRecord(seeds=range(16), steps=1, length=2, runs=runs, losses={}, gradients={})


@pytest.mark.parametrize(
    ("claim", "record", "expected"),
    [
        ("1h.one-layer", trained(), "held"),
        ("1h.one-layer", trained(above=3), "held"),
        # Wilson's interval of 10 of 16 is 0.386 to 0.815.
        ("1h.one-layer", trained(above=6), "not run"),
        ("1h.one-layer", trained(above=13), "failed"),
        ("1h.one-layer", trained(one=0.011), "failed"),
        ("1h.one-layer", trained(one=math.nan), "failed"),
        ("1h.one-layer", trained(tested=3), "failed"),
        ("1h.one-layer", trained(tested=1.5), "failed"),
        ("1h.one-layer-linear", trained(), "failed"),
        ("1h.one-layer-linear", trained(linear=0.009), "held"),
        ("1h.two-layers", trained(), "held"),
        ("1h.two-layers", trained(two=0.002), "failed"),
        ("1h.two-layers-linear", trained(), "failed"),
        ("1h.lstm-losses", trained(), "held"),
        ("1h.lstm-losses", trained(two=0.006), "failed"),
        ("1h.lstm-slower-trained", trained(), "failed"),
        ("1h.lstm-slower-trained", trained(lstm=-0.1), "held"),
    ],
)
def test_trained_claims_follow_their_numbers(claim, record, expected):
    assert outcome(claim, record) == expected


TRAINED_CLAIMS = [claim for claim in EXPERIMENT.claims if claim.record is TrainingRecord]


@pytest.mark.parametrize("claim", TRAINED_CLAIMS, ids=lambda claim: claim.id)
def test_wrong_numbers_change_the_outcome_of_trained_claims(claim):
    """The smoke preset trains nothing, so that the common test has no record of these."""
    record = trained()
    assert claim.evaluate(record).outcome is claim.documented
    turned = {Outcome.HELD: Outcome.FAILED, Outcome.FAILED: Outcome.HELD}[claim.documented]
    for changes in claim.counterexamples:
        assert claim.evaluate(record.replaced(changes)).outcome is turned, changes


def test_the_initialisation_as_linear_is_wider_by_the_root_of_the_size():
    """torch.nn.Linear(1, 16) draws its weights uniform in +-1; the rest stays in +-1/4."""
    models = [measure._build("RNN", 16, 2) for _ in range(2)]
    for model, initialize in zip(models, (measure.uniform, measure.as_linear), strict=True):
        initialize(model, torch.Generator().manual_seed(0))
    plain, linear = ({n: p.detach() for n, p in m.named_parameters()} for m in models)
    (changed,) = [name for name in plain if not torch.equal(plain[name], linear[name])]
    assert changed == "recurrent.layers.0.W_x"
    torch.testing.assert_close(linear[changed], 4 * plain[changed])
    assert 0.25 < linear[changed].abs().max() <= 1


def test_a_layer_that_adds_and_counts_shows_both_to_the_probe():
    """Two units far from saturation hold s_t and t; with h = 0 nothing can be read."""
    model = measure._build("RNN", 2, dtype=torch.float64)
    (layer,) = model.layers
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        _, *nothing = measure._test(CONFIG, model, 0)
        layer.W_h.copy_(torch.eye(2))
        layer.W_x[0], layer.b[1] = 1e-3, 1e-3
        loss, *both = measure._test(CONFIG, model, 0)
    assert nothing == pytest.approx([0.0, 0.0], abs=0.01)
    assert both == pytest.approx([1.0, 1.0], abs=1e-4)
    # The prediction is 0: the loss is the variance 1/t of the averages, averaged over the steps.
    assert loss == pytest.approx(sum(1 / t for t in range(1, 11)) / 10, rel=0.1)


def test_the_forget_gate_is_the_second_of_the_gates():
    """An LSTM with all weights zero keeps c_t = sigmoid(b_f) c_{t-1}: start from c_0 = 1."""
    model = measure._untrained("LSTM", 2, 0.0, 1.0, seed=0)
    layer = model.recurrent.layers[0]
    state = (torch.zeros(1, 2, dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64))
    _, (_, cell) = layer(torch.zeros(1, 3, 1, dtype=torch.float64), state)
    assert cell[0, 0].item() == pytest.approx((1 / (1 + math.exp(-1))) ** 3)


def test_a_factor_that_occurs_once_does_not_enter_the_far_rate():
    """A gradient that halves per step, with an extra factor 1/10 at the last step."""
    gradient = [0.1 * 0.5 ** (9 - t) for t in range(9)] + [1.0]
    assert measure.growth(gradient[:6]) == pytest.approx(-math.log(2))
    assert measure.growth(gradient) == pytest.approx(-math.log(2) - math.log(10) / 9)


def test_trained_claims_hold_on_small_settings_only_as_a_measurement(training):
    claims = [claim for claim in EXPERIMENT.claims if claim.record is type(training)]
    outcomes = {claim.id: claim.evaluate(training, SHORT).outcome for claim in claims}
    assert outcomes["1h.one-layer"] is outcomes["1h.two-layers"] is Outcome.NOT_CLAIMED
    for claim in claims:
        assert outcomes[claim.id] in (claim.documented, Outcome.NOT_CLAIMED), claim.id


def test_factors_without_the_usual_initialisation_cannot_decide():
    result = run(EXPERIMENT, CONFIG.replace(factors=(0.5, 2.0), n_networks=5))
    reasons = {claim.id: claim.reason for claim in result.claims}
    assert "factors lacks 1" in reasons["1h.lstm-slower"]
    assert "W_h is not close to zero" in reasons["1h.forget-gate"]


def test_a_short_training_learns_and_is_recorded(training):
    assert [network.model for network in training.runs[::2]] == list(measure.MODELS)
    for network in training.runs:
        assert network.final_loss < network.losses[0]
        assert network.steps[-1] == SHORT.training_steps
        last = [x for s, x in zip(network.steps, network.losses, strict=True) if s > 54]
        assert network.final_loss == pytest.approx(sum(last) / len(last))
        assert len(network.gradient) == CONFIG.length
        assert network.gradient[-1] == 1.0


def test_the_seed_decides_the_training(training):
    network = training.runs[0]
    seeds = [network.seed, network.seed + 1]
    again, other = measure._train_all(SHORT, "RNN, one layer", seeds, SILENT).runs
    # In a stack of another size the products may round in another order.
    assert again.losses == pytest.approx(network.losses, rel=1e-5)
    assert other.losses[0] != network.losses[0]


def test_without_seeds_nothing_is_trained():
    with pytest.raises(NotRun, match="n_seeds=0"):
        measure.training(CONFIG)


def test_figures_and_tables_can_be_drawn(rates, training):
    by_kind = {type(record): record for record in (rates, training)}
    for figure in EXPERIMENT.figures:
        chart = figure(by_kind[figure.record])
        assert chart.layout.xaxis.title.text
        assert chart.layout.yaxis.title.text
    rows = {table.name: table(by_kind[table.record])[1] for table in EXPERIMENT.tables}
    assert [row[0] for row in rows["losses"]] == list(measure.MODELS)
    assert len(rows["rate-table"]) == len(measure.CELLS)
    numbers = [item(by_kind[item.record]) for item in EXPERIMENT.metrics]
    assert all(math.isfinite(value) for found in numbers for value in found.values())


def test_gradients_that_underflow_are_drawn_and_not_claimed():
    config = CONFIG.replace(factors=(1e-30, 1.0), n_networks=1, trace_length=12, hidden_size=4)
    result = run(EXPERIMENT, config)
    assert not result.departures
    record = result.record(measure.RatesRecord)
    rnn = [row for row in record.rows if (row.cell, row.factor) == ("RNN", 1e-30)]
    assert [row.rate for row in rnn] == [-math.inf]
    result.figure("rates").to_json()
