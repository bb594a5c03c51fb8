"""regularized-autoencoder: its claims hold, and its measurements agree with theory."""

import itertools
import math

import pytest
import torch
from scipy.optimize import brentq
from torch import nn

from eigenlab.data import load_pixels
from eigenlab.experiments import load_experiment
from eigenlab.experiments.regularized_autoencoder import comparison, depth, measure
from eigenlab.lab import Outcome
from eigenlab.linear import predicted_singular_values, regularized_loss
from eigenlab.training import TrainingDiverged

EXPERIMENT = load_experiment("regularized-autoencoder")
CONFIG = EXPERIMENT.config.from_preset("smoke")


@pytest.fixture(scope="module")
def result(smoke):
    return smoke("regularized-autoencoder").result


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {
        c.id: c.documented for c in EXPERIMENT.claims
    }


@pytest.mark.parametrize("k", [2, 3])
def test_units_stay_active_with_close_variances(k):
    """The first three variances of the digits lie within 1.3 of each other."""
    config = CONFIG.replace(n_components=k)
    record = measure.minima(config)
    assert 0 < record.rows[-1].active < k
    judged = [c.evaluate(record, config) for c in EXPERIMENT.claims if c.record is type(record)]
    assert len(judged) == 8
    for found in judged:
        assert found.outcome == EXPERIMENT.claim(found.id).documented, found


@pytest.mark.parametrize(
    ("claim", "change", "reason"),
    [
        ("8b.singular-values", {"steps": 500}, "take more steps"),
        ("8b.symmetry", {"n_components": 1}, "farther from a variance"),  # lam is that variance
        ("8b.orthonormal", {"lams": (0.5, 2.0)}, "two values of lams below 1"),
        ("8b.identified", {"n_seeds": 1}, "needs two starts"),
    ],
)
def test_what_a_record_cannot_decide_is_not_run(claim, change, reason):
    config = CONFIG.replace(**change)
    judged = EXPERIMENT.claim(claim).evaluate(measure.minima(config), config)
    assert judged.outcome is Outcome.NOT_RUN
    assert reason in judged.reason


def test_the_lambdas_of_the_user_are_used():
    config = CONFIG.replace(lams=(0.5, 0.1), steps=500)
    record = measure.minima(config)
    expected = [0.1 * record.variances[-1], 0.5 * record.variances[-1]]
    assert [row.lam for row in record.rows] == pytest.approx(expected)
    problem = comparison.Problem(CONFIG.replace(objective_lam=0.3, objective_batches=2))
    assert problem.lam == 0.3
    assert problem.X.shape == (6, 16)


def test_the_images_are_decomposed_once_for_all_lambdas(monkeypatch):
    """On MNIST one singular value decomposition takes some twenty seconds."""
    decomposed, svd = [], torch.linalg.svd

    def counted(matrix, *args, **kwargs):
        decomposed.append(tuple(matrix.shape))
        return svd(matrix, *args, **kwargs)

    monkeypatch.setattr(torch.linalg, "svd", counted)
    record = measure.minima(CONFIG.replace(steps=500))
    assert decomposed.count((64, 1797)) == 1
    X = torch.as_tensor(load_pixels("digits")).T
    X = X - X.mean(dim=1, keepdim=True)
    for row in record.rows:
        wanted = predicted_singular_values(X, CONFIG.n_components, row.lam).tolist()
        assert row.predicted == pytest.approx(wanted, rel=1e-12)


def test_too_large_a_learning_rate_is_named():
    with pytest.raises(TrainingDiverged, match="smaller sgd_learning_rate than 1"):
        measure.training(CONFIG.replace(sgd_learning_rate=1.0))


class Masked(nn.Module):
    """Dropout with a mask that is given, not drawn."""

    def __init__(self, kept):
        super().__init__()
        self.factors = torch.tensor(kept, dtype=torch.float64) / (1 - comparison.DROPOUT)

    def forward(self, z):
        return z * self.factors


def test_dropout_of_hidden_units_has_a_penalty_of_its_own():
    """p / (1 - p) sum_i ||w2_i||^2 mean (w1_i x)^2; the mean over all masks, none is drawn."""
    p, problem = comparison.DROPOUT, comparison.Problem(CONFIG)
    point, X = problem.points[0], problem.X
    mean = sum(
        math.prod(1 - p if unit else p for unit in kept)
        * comparison.one_update(
            point, X.T, comparison.LOSSES["squared error"], torch.optim.SGD, 0.0, Masked(kept)
        )
        for kept in itertools.product((0.0, 1.0), repeat=CONFIG.objective_components)
    )
    W1, W2 = (W.clone().requires_grad_() for W in point)
    penalty = p / (1 - p) * (W2.square().sum(0) * (W1 @ X).square().mean(1)).sum()
    slopes = torch.autograd.grad(regularized_loss(W1, W2, X, 0.0) + penalty, (W1, W2))
    expected = -comparison.LEARNING_RATE * torch.cat([slope.flatten() for slope in slopes])
    torch.testing.assert_close(mean, expected)


def test_every_combination_was_compared(result):
    rows = result.records["objective"].combinations
    assert len({(row.loss, row.regularizer, row.optimizer) for row in rows}) == 3 * 4 * 3
    # The counterexamples of 8a name SGD and Adam with squared error and weight decay by place.
    assert [(row.loss, row.regularizer, row.optimizer) for row in rows[12:14]] == [
        ("squared error", "weight decay", "SGD"),
        ("squared error", "weight decay", "Adam"),
    ]


def test_an_update_of_sgd_is_the_gradient_by_hand():
    """x = 2, weights 1/2 and 1/2: r = -3/2, dL/dw = 2 r x/2 + decay/2 = -3 + decay/2 for both."""
    half = torch.full((1, 1), 0.5, dtype=torch.float64)
    x = torch.tensor([[2.0]], dtype=torch.float64)
    moved = comparison.one_update(
        (half, half), x, comparison.LOSSES["squared error"], torch.optim.SGD, 0.8, nn.Identity()
    )
    assert moved.tolist() == pytest.approx([1e-3 * 2.6, 1e-3 * 2.6])


def test_the_minimiser_has_no_gradient():
    problem = comparison.Problem(CONFIG.replace(seed=3))
    assert problem.gradient(*problem.minimizer).abs().max() < 1e-13


def test_sine_of_known_angles():
    e, f = torch.eye(2, dtype=torch.float64)
    assert comparison.sine(e, 3 * e) == pytest.approx(0, abs=1e-15)
    assert comparison.sine(e, e + f) == pytest.approx(math.sqrt(0.5))
    assert comparison.sine(e, f) == comparison.sine(e, -e) == 1


def test_the_orthonormality_figure_has_the_predicted_line(result):
    record = result.records["minima"]
    line = result.figure("orthonormal").data[0]
    assert line.y[-1] == 1  # beyond sigma_k^2 a unit is off
    assert line.y[0] == pytest.approx(record.rows[0].lam / record.variances[-1])


def test_the_caption_of_the_cost_figure_states_that_only_sigma_is_measured(result):
    curve, *points = result.figure("cost").data
    assert curve.name == "σ² + 1/σ²"
    rows = result.records["minima"].rows
    for trace, row in zip(points, (rows[0], rows[3]), strict=True):
        assert trace.name == f"measured σ, λ = {row.lam:.2g}"
        assert sorted(trace.x) == sorted(value for start in row.decoder for value in start)
        assert list(trace.y) == pytest.approx([s**2 + s**-2 for s in trace.x])


def test_order_and_signs_are_no_other_columns():
    first = torch.linalg.qr(torch.randn(6, 3, dtype=torch.float64)).Q
    same = first[:, [2, 0, 1]] * torch.tensor([1, -1, 2])
    assert measure.column_angle(torch.stack([first, same])) < 1e-7
    c, s = math.cos(0.3), math.sin(0.3)
    turned = first @ torch.tensor([[c, s, 0], [-s, c, 0], [0, 0, 1]], dtype=torch.float64)
    assert measure.column_angle(torch.stack([first, turned])) == pytest.approx(0.3)
    assert measure.column_angle(torch.stack([first, turned, same])) < 1e-7
    assert measure.column_angle(first[None]) == 0


def test_where_other_depths_end_by_hand():
    """One axis, σ² = 1, λ = 0.2: 1/(1 + λ) with one layer, 1 - λ with two."""
    config = CONFIG.replace(objective_spectrum=(1.0,), objective_components=1, objective_lam=0.2)
    rows = depth.compare_depths(comparison.Problem(config), 1500, seed=0)
    found = [row.singular_values[0] for row in rows]
    assert found[:3] == pytest.approx([1.0, 1 / 1.2, 0.8])
    # p - p^4 = 0.2 between its maximum at 4^(-1/3) and 1.
    assert found[3] == pytest.approx(brentq(lambda p: p - p**4 - 0.2, 4 ** (-1 / 3), 1) ** 3)


def test_training_that_diverges_is_recorded():
    config = CONFIG.replace(objective_lam=1e6, objective_spectrum=(1e-3, 1e-4))
    problem = comparison.Problem(config.replace(objective_components=1))
    problem.largest_variance = 1e-9 - 2e6
    assert math.isnan(depth.compare_depths(problem, 500, seed=0)[2].singular_values[0])
