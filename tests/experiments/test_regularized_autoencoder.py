"""regularized-autoencoder: its claims hold, and each is refuted by a record that says otherwise."""

import copy
import itertools
import math

import pytest
import torch
from torch import nn

from eigenlab.experiments import _objective_comparison as comparison
from eigenlab.experiments import regularized_autoencoder
from eigenlab.experiments._linear_data import centred_images
from eigenlab.experiments._regularized_measurements import (
    column_angle,
    measure_minima,
    measure_training,
)
from eigenlab.lab import Context, Outcome
from eigenlab.linear import predicted_singular_values, regularized_loss
from eigenlab.training import TrainingDiverged

EXPERIMENT = regularized_autoencoder.EXPERIMENT


@pytest.fixture(scope="module")
def result():
    return EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke"))


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {c.id: "held" for c in EXPERIMENT.claims}


def ways(record, **chosen):
    return [row for row in record["ways"] if all(row[k] == v for k, v in chosen.items())]


ADAM = {"loss": "squared error", "regularizer": "weight decay", "optimizer": "Adam"}
SGD = {**ADAM, "optimizer": "SGD"}


@pytest.mark.parametrize(
    ("claim", "change"),
    [
        ("8a.exact-step", lambda r: ways(r, **ADAM)[0].update(mismatch=1e-14)),
        ("8a.exact-step", lambda r: ways(r, **ADAM)[0].update(mismatch=1e-3)),
        ("8a.exact-step", lambda r: ways(r, **SGD)[0].update(mismatch=0.3)),
        ("8a.exact-step", lambda r: r["ways"][-1].update(mismatch=math.nan)),
        ("8a.rest", lambda r: ways(r, **SGD)[0].update(push=0.1)),
        ("8a.rest", lambda r: ways(r, **ADAM)[0].update(push=1e-12)),
        ("8a.decay", lambda r: r["decays"][0].update(mismatch=0.01)),
        ("8a.decay", lambda r: r["decays"][0].update(length=0.5)),
        ("8a.decay", lambda r: r["decays"][1].update(mismatch=1e-14)),
        ("8a.decay", lambda r: r["decays"][4].update(mismatch=0.1)),
        ("8a.full-batch", lambda r: r["full_batch"][1].update(excess=0.1)),
        ("8a.full-batch", lambda r: r["full_batch"][2].update(excess=0.0)),
        ("8b.symmetry", lambda r: r["rows"][0].update(asymmetry=0.1)),
        ("8b.singular-values", lambda r: r["rows"][2]["decoder"][1].__setitem__(0, 0.5)),
        ("8b.singular-values", lambda r: r["rows"][-1]["encoder"][0].__setitem__(-1, 0.5)),
        ("8b.one-sample", lambda r: r["history"][-1].__setitem__(0, math.nan)),
        ("8b.orthonormal", lambda r: r["rows"][1]["deviation"].__setitem__(0, 0.5)),
        ("8b.orthonormal", lambda r: r["rows"][1]["deviation"].__setitem__(0, math.nan)),
        ("8b.identified", lambda r: r["rows"][0].update(column_angle=0.0)),
        ("8b.identified", lambda r: r["rows"][1].update(column_angle=math.nan)),
        ("8b.identified", lambda r: r["rows"][0].update(span_angle=0.5)),
        ("8b.identified", lambda r: r["rows"][0].update(axis_angle=0.5)),
        ("8b.identified", lambda r: r["rows"][0].update(product_difference=0.5)),
    ],
)
def test_a_wrong_number_refutes_its_claim(result, claim, change):
    chosen = EXPERIMENT.claim(claim)
    record = copy.deepcopy(dict(result.records[chosen.record]))
    change(record)
    assert chosen.evaluate(record).outcome is Outcome.FAILED


@pytest.mark.parametrize("k", [2, 3])
def test_variances_close_together_leave_units_on(k):
    """The first three variances of the digits lie within 1.3 of each other."""
    config = EXPERIMENT.config.from_preset("smoke", n_components=k)
    record = measure_minima(config, Context())
    assert 0 < record["rows"][-1]["active"] < k
    judged = [claim.evaluate(record) for claim in EXPERIMENT.claims if claim.record == "minima"]
    assert {result.id: result.outcome for result in judged if result.outcome != "held"} == {}


def test_the_images_are_decomposed_once_for_all_lambdas(monkeypatch):
    """On MNIST one singular value decomposition takes some twenty seconds."""
    decomposed, svd = [], torch.linalg.svd

    def counted(matrix, *args, **kwargs):
        decomposed.append(tuple(matrix.shape))
        return svd(matrix, *args, **kwargs)

    monkeypatch.setattr(torch.linalg, "svd", counted)
    config = EXPERIMENT.config.from_preset("smoke", steps=500)
    record = measure_minima(config, Context())
    assert decomposed.count((64, 1797)) == 1
    X = centred_images("digits")
    for row in record["rows"]:
        wanted = predicted_singular_values(X, config.n_components, row["lam"]).tolist()
        assert row["predicted"] == pytest.approx(wanted, rel=1e-12)


def test_too_large_a_learning_rate_is_named():
    config = EXPERIMENT.config.from_preset("smoke", sgd_learning_rate=1.0)
    with pytest.raises(TrainingDiverged, match="smaller sgd_learning_rate than 1"):
        measure_training(config, Context())


class Masked(nn.Module):
    """Dropout with a mask that is given, not drawn."""

    def __init__(self, kept):
        super().__init__()
        self.factors = torch.tensor(kept, dtype=torch.float64) / (1 - comparison.DROPOUT)

    def forward(self, z):
        return z * self.factors


def test_dropout_of_hidden_units_has_a_penalty_of_its_own():
    """p / (1 - p) sum_i ||w2_i||^2 mean (w1_i x)^2; the mean over all masks, none is drawn."""
    p, problem = comparison.DROPOUT, comparison.Problem(0)
    point, X = problem.points[0], problem.X
    mean = sum(
        math.prod(1 - p if unit else p for unit in kept)
        * comparison.one_update(
            point, X.T, comparison.LOSSES["squared error"], torch.optim.SGD, 0.0, Masked(kept)
        )
        for kept in itertools.product((0.0, 1.0), repeat=comparison.HIDDEN)
    )
    W1, W2 = (W.clone().requires_grad_() for W in point)
    penalty = p / (1 - p) * (W2.square().sum(0) * (W1 @ X).square().mean(1)).sum()
    slopes = torch.autograd.grad(regularized_loss(W1, W2, X, 0.0) + penalty, (W1, W2))
    expected = -comparison.LEARNING_RATE * torch.cat([slope.flatten() for slope in slopes])
    torch.testing.assert_close(mean, expected)


def test_every_combination_was_compared(result):
    seen = {
        (r["loss"], r["regularizer"], r["optimizer"]) for r in result.records["objective"]["ways"]
    }
    assert len(seen) == 3 * 4 * 3


def test_an_update_of_sgd_is_the_gradient_by_hand():
    """x = 2, weights 1/2 and 1/2: r = -3/2, dL/dw = 2 r x/2 + decay/2 = -3 + decay/2 for both."""
    half = torch.full((1, 1), 0.5, dtype=torch.float64)
    x = torch.tensor([[2.0]], dtype=torch.float64)
    moved = comparison.one_update(
        (half, half), x, comparison.LOSSES["squared error"], torch.optim.SGD, 0.8, nn.Identity()
    )
    assert moved.tolist() == pytest.approx([1e-3 * 2.6, 1e-3 * 2.6])


def test_the_minimiser_that_ways_are_tried_at_has_no_gradient():
    problem = comparison.Problem(3)
    assert problem.gradient(*problem.optimum).abs().max() < 1e-13


def test_sine_of_known_angles():
    e, f = torch.eye(2, dtype=torch.float64)
    assert comparison.sine(e, 3 * e) == pytest.approx(0, abs=1e-15)
    assert comparison.sine(e, e + f) == pytest.approx(math.sqrt(0.5))
    assert comparison.sine(e, f) == comparison.sine(e, -e) == 1


def test_the_orthonormality_figure_has_the_predicted_line(result):
    record = result.records["minima"]
    line = result.figure("orthonormal").data[0]
    assert line.y[-1] == 1  # beyond sigma_k^2 a unit is off
    assert line.y[0] == pytest.approx(record["rows"][0]["lam"] / record["variances"][-1])


def test_the_cost_figure_says_that_only_sigma_is_measured(result):
    curve, *points = result.figure("cost").data
    assert curve.name == "σ² + 1/σ²"
    rows = result.records["minima"]["rows"]
    for trace, row in zip(points, (rows[0], rows[3]), strict=True):
        assert trace.name.startswith("measured σ, λ = ")
        assert sorted(trace.x) == sorted(value for start in row["decoder"] for value in start)


def test_order_and_signs_are_no_other_columns():
    first = torch.linalg.qr(torch.randn(6, 3, dtype=torch.float64)).Q
    same = first[:, [2, 0, 1]] * torch.tensor([1, -1, 2])
    assert column_angle(torch.stack([first, same])) < 1e-7
    c, s = math.cos(0.3), math.sin(0.3)
    turned = first @ torch.tensor([[c, s, 0], [-s, c, 0], [0, 0, 1]], dtype=torch.float64)
    assert column_angle(torch.stack([first, turned])) == pytest.approx(0.3)
    assert column_angle(torch.stack([first, turned, same])) < 1e-7
    assert column_angle(first[None]) == 0
