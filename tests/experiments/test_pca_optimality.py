"""pca-optimality: its claims hold, and each is refuted by a record that says otherwise."""

import copy
import math

import pytest
import torch

from eigenlab.experiments import _linear_data as linear_data
from eigenlab.experiments import pca_optimality
from eigenlab.lab import NotRun, Outcome
from eigenlab.training import generator

EXPERIMENT = pca_optimality.EXPERIMENT


@pytest.fixture(scope="module")
def result():
    return EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke"))


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {c.id: "held" for c in EXPERIMENT.claims}


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("3b.gradients", lambda r: r["rows"][0].update(autograd=1e-6)),
        ("3b.gradients", lambda r: r["rows"][-1].update(differences=math.nan)),
        ("3b.stationary", lambda r: r["points"][3].update(gradient=1e-6)),
        ("3b.stationary", lambda r: r["points"][3].update(loss=0.0)),
        ("3b.stationary", lambda r: r["images"].update(gradient=1e-6)),
        ("3b.saddles", lambda r: r["points"][1].update(hessian_index=0)),
        ("3b.saddles", lambda r: r["points"][2].update(index=9)),
        ("3b.saddles", lambda r: r["points"][2].update(hessian_nullity=0)),
        ("3b.saddles", lambda r: r["points"].pop()),
        ("3b.subspace", lambda r: r["angles"][0].__setitem__(-1, 0.1)),
        ("3b.subspace", lambda r: r["excess"][0].__setitem__(-1, 0.1)),
        ("3b.pca", lambda r: r["images"].update(angle_to_pca=0.01)),
        ("3b.pca", lambda r: r["images"].update(ratio_difference=1e-6)),
        ("3b.staircase", lambda r: r["visits"][2].update(distance=0.5)),
        ("3b.staircase", lambda r: r["visits"][2].update(loss=0.5)),
        ("3b.staircase", lambda r: r["visits"][2].update(step=0)),
    ],
)
def test_a_wrong_number_refutes_its_claim(result, claim, change):
    chosen = EXPERIMENT.claim(claim)
    record = copy.deepcopy(dict(result.records[chosen.record]))
    change(record)
    assert chosen.evaluate(record).outcome is Outcome.FAILED


def test_a_forgotten_factor_would_be_noticed(monkeypatch):
    from eigenlab.experiments import _pca_measurements as measurements

    exact = measurements.gradients
    monkeypatch.setattr(
        measurements, "gradients", lambda W1, W2, X: tuple(g / 2 for g in exact(W1, W2, X))
    )
    config = EXPERIMENT.config.from_preset("smoke")
    from eigenlab.lab import Context

    record = measurements.measure_gradients(config, Context())
    assert EXPERIMENT.claim("3b.gradients").evaluate(record).outcome is Outcome.FAILED


def test_the_data_has_the_spectrum_it_was_given():
    wanted = torch.tensor([4.0, 2.0, 0.5], dtype=torch.float64)
    X = linear_data.with_spectrum(wanted, 10, generator(0))
    found = torch.linalg.eigvalsh(X @ X.T / 10).flip(0)
    torch.testing.assert_close(found, wanted)


def test_images_are_centred_and_absent_mnist_is_not_run(monkeypatch):
    X = linear_data.centred_images("digits")
    assert X.shape == (64, 1797)
    assert X.mean(dim=1).abs().max() < 1e-14

    def absent(split):
        from eigenlab.errors import DataError

        raise DataError("not here")

    monkeypatch.setattr(linear_data, "load_mnist", absent)
    with pytest.raises(NotRun, match="MNIST is not at hand: not here"):
        linear_data.centred_images("mnist")


def test_the_staircase_figure_shows_the_losses_of_the_saddles(result):
    chart = result.figure("staircase")
    assert list(chart.data[1].y) == [v["loss"] for v in result.records["staircase"]["visits"]]
    halves = [1 - 2.0**-rank for rank in range(5)]
    total = 2 - 2.0**-7
    plateaus = [v["plateau"] for v in result.records["staircase"]["visits"]]
    assert plateaus == pytest.approx([1 - 2 * h / total for h in halves])
