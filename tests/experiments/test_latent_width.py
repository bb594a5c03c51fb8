import copy

import numpy as np
import pytest

from eigenlab.experiments import _latent_width_figures as figures
from eigenlab.experiments._latent_width_measurements import KINDS, WIDTHS, measure
from eigenlab.experiments.latent_width import EXPERIMENT
from eigenlab.lab import Context

LOSS = {5: 230.0, 20: 80.5, 100: 0.1, 500: 0.0}
UNTRAINED = {5: 0.6, 20: 0.75, 100: 0.94, 500: 0.99}
SHORT = {5: 0.62, 20: 0.90, 100: 0.97, 500: 0.99}
LONG = {5: 0.63, 20: 0.98, 100: 0.99, 500: 0.99}
CONVEX = {5: 0.6, 20: 0.75, 100: 0.98, 500: 0.99}


def made(**changes):
    """A record in which every claim holds, with some numbers of the vanilla kind replaced."""
    tables = {"loss": LOSS, "untrained": UNTRAINED, "short": SHORT, "long": LONG}
    tables["convex"] = CONVEX
    tables = {name: {**table, **changes.get(name, {})} for name, table in tables.items()}
    curves = [
        {
            "kind": kind,
            "width": width,
            "loss": [300.0, tables["loss"][width]],
            "short": [0.5, tables["short"][width]],
            "long": [tables["untrained"][width], tables["long"][width]],
            "convex": [tables["convex"][width]] * 2 if kind == "vanilla" else [],
            "neighbours": [0.5, 0.5] if kind == "vanilla" else [],
        }
        for kind in KINDS
        for width in WIDTHS
    ]
    theory = {"5": 230.0, "20": 80.0, "100": 0.0, "500": 0.0}
    return {"seeds": [0], "curves": curves, "theory": theory, "variance": 280.0}


@pytest.mark.parametrize(
    ("claim", "changes", "outcome"),
    [
        *((claim.id, {}, "held") for claim in EXPERIMENT.claims),
        ("3a.loss-falls", {"loss": {20: 231.0}}, "failed"),
        ("3a.loss-falls", {"loss": {100: 5.0}}, "failed"),
        ("3a.pca-floor", {"loss": {20: 84.0}}, "failed"),
        ("3a.five-too-small", {"long": {5: 0.96}}, "failed"),
        ("3a.five-too-small", {"untrained": {5: 0.96}}, "failed"),
        ("3a.twenty-needs-training", {"long": {20: 0.94}}, "failed"),
        ("3a.twenty-needs-training", {"untrained": {20: 0.96}}, "failed"),
        ("3a.wide-needs-none", {"convex": {100: 0.96}}, "failed"),
        ("3a.probe-length", {"short": {20: 0.99}}, "failed"),
        ("3a.loss-falls", {"loss": {100: float("nan")}}, "failed"),
    ],
)
def test_claims_follow_their_numbers(claim, changes, outcome):
    assert EXPERIMENT.claim(claim).evaluate(made(**changes)).outcome == outcome


def test_every_claim_holds_on_the_smoke_preset():
    result = EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke"))
    assert {c.id: c.outcome for c in result.claims} == {c.id: "held" for c in EXPERIMENT.claims}


def test_a_short_sweep_measures_every_kind_width_and_epoch():
    config = EXPERIMENT.config.from_preset("smoke", n_samples=400, epochs=2, n_seeds=1)
    record = measure(config.replace(probe_epochs=2), Context())
    assert len(record["curves"]) == len(KINDS) * len(WIDTHS)
    for curve in record["curves"]:
        assert len(curve["loss"]) == 3
        assert len(curve["short"]) == len(curve["long"]) == len(record["probed"]) == 3
        assert curve["loss"][-1] < curve["loss"][0]
        assert len(curve["convex"]) == (2 if curve["kind"] == "vanilla" else 0)
    assert record["pca"]["100"] == pytest.approx(0, abs=1e-3)
    assert record["pca"]["20"] == pytest.approx(80, rel=0.2)


def test_what_a_random_subspace_keeps_of_a_direction():
    # In the plane arccos(rho) is uniform on [0, pi/2].
    assert figures.partial_accuracy(1, 2) == pytest.approx(0.75)
    assert figures.partial_accuracy(1, 2, share=0.1) == pytest.approx(0.55)
    assert figures.partial_accuracy(100) == 1
    rng = np.random.default_rng(0)
    bases = np.linalg.qr(rng.standard_normal((4000, 20, 5)))[0]
    rho = np.linalg.norm(bases[:, 0], axis=1)
    drawn = (1 - np.arccos(rho) / np.pi).mean()
    assert figures.partial_accuracy(5) == pytest.approx(drawn, abs=0.003)


def test_ranges_are_drawn_around_their_means():
    record = made() | {"epochs": [0, 1], "probed": [0, 1], "probe_epochs": [10, 50], "pca": {}}
    second = copy.deepcopy(record["curves"])
    for curve in second:
        curve["loss"] = [value + 2 for value in curve["loss"]]
    record["curves"] += second
    chart = figures.draw_loss(record)
    line = next(trace for trace in chart.data if trace.name == "width 5")
    assert list(line.y) == [301.0, 231.0]
    band = next(trace for trace in chart.data if trace.name == "width 5, range")
    assert sorted(band.y) == [230.0, 232.0, 300.0, 302.0]
