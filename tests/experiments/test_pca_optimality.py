"""pca-optimality: its claims hold, and a wrong formula would be noticed."""

import math

import pytest
import torch

from eigenlab.errors import DataError, InputError
from eigenlab.experiments import load_experiment
from eigenlab.experiments.pca_optimality import measure
from eigenlab.experiments.pca_optimality.derivation import stationary_encoder
from eigenlab.lab import NotRun, Outcome

EXPERIMENT = load_experiment("pca-optimality")
CONFIG = EXPERIMENT.config.from_preset("smoke")


@pytest.fixture(scope="module")
def result(smoke):
    return smoke("pca-optimality").result


def outcome(claim, record, config=None):
    return EXPERIMENT.claim(claim).evaluate(record, config).outcome


def test_every_claim_holds(result):
    assert {c.id: c.outcome for c in result.claims} == {
        c.id: c.documented for c in EXPERIMENT.claims
    }


def test_a_missing_factor_is_detected(monkeypatch):
    exact = measure.loss_gradients
    monkeypatch.setattr(
        measure, "loss_gradients", lambda W1, W2, X: tuple(g / 2 for g in exact(W1, W2, X))
    )
    assert outcome("3b.gradients", measure.gradients(CONFIG)) is Outcome.FAILED


def test_images_are_centred_and_absent_mnist_is_not_run(monkeypatch):
    X = measure._centred_images(CONFIG)
    assert X.shape == (64, 1797)
    assert X.mean(dim=1).abs().max() < 1e-14

    def absent(name, *, max_samples):
        raise DataError("not here")

    monkeypatch.setattr(measure, "load_pixels", absent)
    with pytest.raises(NotRun, match="the images are not available: not here"):
        measure.training(CONFIG.replace(data="mnist"))


def test_the_staircase_figure_shows_the_losses_of_the_saddles(result):
    chart = result.figure("staircase")
    visits = result.records["staircase"].visits
    assert list(chart.data[1].y) == [v.loss for v in visits]
    halves = [1 - 2.0**-rank for rank in range(5)]
    total = 2 - 2.0**-7
    assert [v.plateau for v in visits] == pytest.approx([1 - 2 * h / total for h in halves])


@pytest.mark.parametrize(
    ("spectrum", "k"), [((3.0, 2.0, 1.0), 1), ((3.0, 2.0, 1.0), 3), ((1.0, 9.0, 3.0, 2.0), 2)]
)
def test_other_spectra_have_as_many_saddles_as_they_have_subsets(spectrum, k):
    config = CONFIG.replace(spectrum=spectrum, spectrum_components=k)
    record = measure.points(config)
    assert len(record.points) == sum(math.comb(len(spectrum), rank) for rank in range(k + 1))
    assert outcome("3b.saddles", record, config) is Outcome.HELD
    assert outcome("3b.stationary", record, config) is Outcome.HELD
    # The path begins at the worst axes and ends at the minimum, without a jump.
    assert len(record.path) == len(spectrum) - k
    ranked = sorted(spectrum, reverse=True)
    for piece, after in zip(record.path, record.path[1:], strict=False):
        assert piece.losses[-1] == pytest.approx(after.losses[0])
    if record.path:
        ends = record.path[0].losses[0], record.path[-1].losses[-1]
        kept = [sum(ranked[-k:]) / sum(ranked), sum(ranked[:k]) / sum(ranked)]
        assert [1 - loss for loss in ends] == pytest.approx(kept)


def test_claims_state_the_settings_to_which_they_do_not_apply():
    equal = CONFIG.replace(spectrum=(2.0, 2.0, 1.0))
    assert EXPERIMENT.claim("3b.saddles").scope(equal).endswith("(here 2, 2, 1)")
    flat = CONFIG.replace(staircase_spectrum=(1.0, 0.9, 0.8), staircase_components=2)
    assert outcome("3b.staircase", measure.staircase(flat), flat) is Outcome.NOT_CLAIMED


@pytest.mark.parametrize(("n_components", "steps"), [(8, 2500), (16, 8000)])
def test_too_few_steps_decide_nothing(n_components, steps):
    """The angle is still above the tolerance, because the gap in the spectrum is small."""
    config = CONFIG.replace(n_components=n_components, steps=steps)
    record = measure.training(config)
    assert max(row[-1] for row in record.angles) > 1e-3
    judged = EXPERIMENT.claim("3b.subspace").evaluate(record, config)
    assert judged.outcome is Outcome.NOT_RUN
    assert "take more steps" in judged.reason


@pytest.mark.parametrize(
    ("stage", "change"),
    [
        ("points", {"spectrum_components": 6}),
        ("points", {"n_components": 65}),
        ("staircase", {"staircase_components": 9}),
    ],
)
def test_more_units_than_axes_are_refused(stage, change):
    (field,) = change
    with pytest.raises(InputError, match=f"{field}={change[field]} is more than"):
        getattr(measure, stage)(CONFIG.replace(**change))


def test_the_gradients_stage_covers_both_matrices_for_every_seed(result):
    rows = result.records["gradients"].rows
    assert [row.weight for row in rows] == ["W1", "W2"] * CONFIG.n_seeds
    assert torch.tensor([row.finite_differences for row in rows]).gt(0).all()


def test_components_without_variance_are_refused():
    with pytest.raises(InputError, match="n_components=3 is more than the 2 directions"):
        measure.training(CONFIG.replace(max_images=3, n_components=3))


def test_variances_that_rounding_confuses_are_not_claimed():
    config = CONFIG.replace(spectrum=(1e8, 1e-8))
    assert outcome("3b.saddles", measure.points(config), config) is Outcome.NOT_CLAIMED


def test_a_stationary_encoder_of_two_features_by_hand():
    """W2 = (1, 1)ᵀ: W1 = (1/2, 1/2); where X has the first feature only, W1's second stays."""
    W2 = torch.ones(2, 1, dtype=torch.float64)
    start = torch.tensor([[3.0, 4.0]], dtype=torch.float64)
    eye = torch.eye(2, dtype=torch.float64)
    found = stationary_encoder(start, W2, eye)
    torch.testing.assert_close(found, torch.full((1, 2), 0.5, dtype=torch.float64))
    found = stationary_encoder(start, W2, eye[:, :1])
    torch.testing.assert_close(found, torch.tensor([[0.5, 4.0]], dtype=torch.float64))
