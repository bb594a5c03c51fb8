import pytest

from eigenlab.errors import InputError
from eigenlab.experiments import load_experiment
from eigenlab.experiments.latent_width import measure
from eigenlab.experiments.latent_width.records import SweepRecord
from eigenlab.lab import Outcome, run

EXPERIMENT = load_experiment("latent-width")
WIDTHS = (5, 20, 100, 500)
LOSS = {5: 230.0, 20: 80.5, 100: 0.1, 500: 0.0}
UNTRAINED = {5: 0.6, 20: 0.75, 100: 0.94, 500: 0.99}
SHORT = {5: 0.62, 20: 0.90, 100: 0.97, 500: 0.99}
LONG = {5: 0.63, 20: 0.98, 100: 0.99, 500: 0.99}
CONVEX = {5: 0.6, 20: 0.75, 100: 0.98, 500: 0.99}


def made(n_seeds=1, **changes):
    """A record in which every claim holds, with some numbers of the vanilla kind replaced."""
    tables = {"loss": LOSS, "untrained": UNTRAINED, "short": SHORT, "long": LONG}
    tables["convex"] = CONVEX
    tables = {name: {**table, **changes.get(name, {})} for name, table in tables.items()}
    curves = [
        {
            "kind": kind,
            "width": width,
            "seed": seed,
            "losses": [300.0 + 2 * seed, tables["loss"][width] + 2 * seed],
            "probed": [0, 1],
            "short_probe": [0.5, tables["short"][width]],
            "long_probe": [tables["untrained"][width], tables["long"][width]],
            "convex_probe": [tables["convex"][width]] * 2 if kind == "vanilla" else None,
            "neighbours": 0.5 if kind == "vanilla" else None,
        }
        for kind in measure.KINDS
        for width in WIDTHS
        for seed in range(n_seeds)
    ]
    return SweepRecord(
        seeds=range(n_seeds),
        n_features=100,
        widths=WIDTHS,
        epochs=[0, 1],
        probe_epochs=[10, 50],
        variance=280.0,
        discarded_variances=[230.0, 80.0, 0.0, 0.0],
        pca_losses=[231.0, 81.0, 0.0, 0.0],
        attainable_accuracies=[0.66, 1.0, 1.0, 1.0],
        curves=curves,
    )


@pytest.mark.parametrize(
    ("claim", "changes", "outcome"),
    [
        *((claim.id, {}, claim.documented) for claim in EXPERIMENT.claims),
        ("3a.loss-falls", {"loss": {20: 231.0}}, "failed"),
        ("3a.loss-falls", {"loss": {100: 5.0}}, "failed"),
        ("3a.pca-floor", {"loss": {20: 84.0}}, "failed"),
        ("3a.five-too-small", {"long": {5: 0.96}}, "failed"),
        ("3a.five-too-small", {"untrained": {5: 0.96}}, "failed"),
        ("3a.twenty-needs-training", {"long": {20: 0.94}}, "failed"),
        ("3a.twenty-needs-training", {"untrained": {20: 0.96}}, "failed"),
        ("3a.wide-needs-none", {"untrained": {500: 0.96}}, "failed"),
        ("3a.wide-needs-none", {"untrained": {100: 0.9}}, "held"),
        ("3a.hundred-needs-none", {"untrained": {100: 0.98}}, "held"),
        ("3a.converged-probe", {"convex": {100: 0.96}}, "failed"),
        ("3a.probe-length", {"short": {20: 0.99}}, "failed"),
        ("3a.loss-falls", {"loss": {100: float("nan")}}, "failed"),
    ],
)
def test_claims_follow_their_numbers(claim, changes, outcome):
    assert EXPERIMENT.claim(claim).evaluate(made(**changes)).outcome == outcome


def test_every_claim_holds_on_the_smoke_preset(smoke):
    result = smoke("latent-width").result
    assert {c.id: c.outcome for c in result.claims} == {
        c.id: c.documented for c in EXPERIMENT.claims
    }


def test_a_claim_about_a_width_that_is_not_measured_is_not_made():
    config = EXPERIMENT.config.from_preset("course", widths=(5, 100))
    outcomes = {c.id: c.evaluate(made(), config).outcome for c in EXPERIMENT.claims}
    assert outcomes["3a.five-too-small"] == "held"
    assert outcomes["3a.twenty-needs-training"] == "not claimed here"


def test_widths_ascend():
    with pytest.raises(InputError, match="widths"):
        EXPERIMENT.config.from_preset("course", widths=(20, 5))
    with pytest.raises(InputError, match="n_signal=200 exceeds n_features=100"):
        EXPERIMENT.config.from_preset("course", n_signal=200)


def test_a_short_sweep_measures_every_kind_width_and_epoch():
    config = EXPERIMENT.config.from_preset(
        "smoke", n_samples=400, epochs=2, n_seeds=1, probe_epochs=2
    )
    record = measure.sweep(config)
    assert len(record.curves) == len(measure.KINDS) * len(WIDTHS)
    for curve in record.curves:
        assert len(curve.losses) == 3
        assert curve.probed == ((0, 1, 2) if curve.kind == "vanilla" else (0, 2))
        assert len(curve.short_probe) == len(curve.long_probe) == len(curve.probed)
        assert curve.losses[-1] < curve.losses[0]
        assert (curve.convex_probe is None) == (curve.kind != "vanilla")
    for width in WIDTHS:
        (untrained,) = {record.runs(k, width)[0].long_probe[0] for k in measure.KINDS}
        trained = {record.runs(k, width)[0].long_probe[-1] for k in measure.KINDS}
        assert len(trained | {untrained}) > 1
    assert record.pca_losses[2] == pytest.approx(0, abs=1e-3)
    assert record.pca_losses[1] == pytest.approx(80, rel=0.2)


def test_other_data_and_widths_can_be_measured_and_drawn():
    config = EXPERIMENT.config.from_preset(
        "smoke",
        n_samples=200,
        n_features=6,
        n_signal=2,
        widths=(3,),
        epochs=1,
        probe_epochs=1,
    )
    result = run(EXPERIMENT, config)
    assert {c.outcome for c in result.claims} == {"not claimed here"}
    for figure in EXPERIMENT.figures:
        assert result.figure(figure.name).data
    assert EXPERIMENT.tables[0].rows(result.record(SweepRecord))[1]


def test_ranges_are_drawn_around_their_means():
    (figure,) = (figure for figure in EXPERIMENT.figures if figure.name == "loss")
    chart = figure.draw(made(n_seeds=2))
    line = next(trace for trace in chart.data if trace.name == "width 5")
    assert list(line.y) == [301.0, 231.0]
    band = next(trace for trace in chart.data if trace.name == "width 5, range")
    assert sorted(band.y) == [230.0, 232.0, 300.0, 302.0]


def test_one_feature_is_enough():
    config = EXPERIMENT.config(
        n_samples=100, n_features=1, n_signal=1, widths=(1,), epochs=1, probe_epochs=1, n_seeds=1
    )
    result = run(EXPERIMENT, config)
    assert {claim.outcome for claim in result.claims} == {Outcome.NOT_CLAIMED}
