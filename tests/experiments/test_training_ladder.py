"""The theorems behind the ladder, wrong implementations of each, and a short climb."""

import pytest
import torch

from eigenlab.experiments import load_experiment
from eigenlab.experiments.training_ladder import measure
from eigenlab.experiments.training_ladder.records import FIRST, LANDMARKS, LAST
from eigenlab.lab import Context, Outcome
from eigenlab.spectrum import Whitening
from eigenlab.vision import CifarLoader, Recipe, ladder

EXPERIMENT = load_experiment("training-ladder")
SMOKE = EXPERIMENT.config.from_preset("smoke")
COURSE = EXPERIMENT.config.from_preset("course")
THEOREMS = [
    "4.whitening",
    "4.orthogonalization",
    "4.pooling",
    "4.alternating-flips",
    "4.mirrored",
    "4.fewer-operations",
]


def outcome(claim, record, config=COURSE):
    return EXPERIMENT.claim(claim).evaluate(record, config).outcome


@pytest.fixture(scope="module")
def parts(smoke):
    return smoke("training-ladder").result.record(measure.parts.record)


@pytest.mark.parametrize("claim", THEOREMS)
def test_the_theorems_hold(parts, claim):
    assert outcome(claim, parts) is Outcome.HELD


def refuted(claim):
    """Further wrong implementations are in ``tests/mutants/vision.py``."""
    record = measure.parts(SMOKE.replace(n_train=100), Context())
    assert outcome(claim, record) is Outcome.FAILED


@pytest.mark.parametrize(
    "wrong",
    [
        lambda self: self.vectors / (self.values + self.eps).sqrt(),  # transposed
        lambda self: (self.vectors / (self.values + 1e-2).sqrt()).T,  # an eps
    ],
)
def test_wrong_whitening_is_refuted(monkeypatch, wrong):
    monkeypatch.setattr(Whitening, "matrix", property(wrong))
    refuted("4.whitening")


def test_a_wrong_orthogonalisation_is_refuted(monkeypatch):
    original = measure.orthogonalize

    def transposed(matrix, *, steps=None, lower=1e-3):
        return original(matrix, steps=steps, lower=lower).flip(-1)

    monkeypatch.setattr(measure, "orthogonalize", transposed)
    refuted("4.orthogonalization")


def test_random_flips_called_alternating_are_refuted(monkeypatch):
    original = CifarLoader.__init__

    def always_random(self, *arguments, flip="none", **options):
        original(self, *arguments, flip="none" if flip == "none" else "random", **options)

    monkeypatch.setattr(CifarLoader, "__init__", always_random)
    refuted("4.alternating-flips")


def test_a_network_that_is_symmetric_already_or_a_mean_that_is_none_is_refuted(monkeypatch):
    original = measure.predict_logits

    def no_mean(model, images, normalize, *, tta):
        return original(model, images, normalize, tta="none")

    monkeypatch.setattr(measure, "predict_logits", no_mean)
    refuted("4.mirrored")


def test_the_operations_by_hand():
    # SpeedNet: 12 inputs to 24 outputs at 31 x 31; 3 x 3 convolutions at 31, 15, 15, 7, 7, 3.
    multiply_adds = 12 * 24 * 31**2 + 9 * (
        24 * 64 * 31**2
        + 64**2 * 15**2
        + 64 * 256 * 15**2
        + 256**2 * 7**2
        + 256**2 * 7**2
        + 256**2 * 3**2
    )
    multiply_adds += 2560
    assert measure.operations(Recipe()) == 3 * 2 * multiply_adds


def test_reduced_recipes_keep_the_change_of_the_rung():
    for rung in ladder():
        recipe = measure.reduced(rung.recipe, COURSE)
        assert recipe.width == 8
        assert recipe.epochs == COURSE.epochs
        assert recipe.tta == rung.recipe.tta
        # The learning rate per image is the published one.
        if recipe.optimizer == "sgd":
            ratio = recipe.learning_rate / recipe.batch_size
            assert ratio == pytest.approx(rung.recipe.learning_rate / rung.recipe.batch_size)
    published = EXPERIMENT.config.from_preset("full")
    assert measure.reduced(ladder()[-1].recipe, published) == ladder()[-1].recipe


@pytest.fixture(scope="module")
def climb(smoke):
    return smoke("training-ladder").result.record(measure.climb.record)


def test_a_short_climb_visits_its_landmarks(climb):
    names = [rung.name for rung in ladder()]
    assert [rung.name for rung in climb.rungs] == list(LANDMARKS)
    assert set(LANDMARKS) <= set(names)
    for rung in climb.rungs:
        assert len(rung.accuracy) == 1
        assert rung.training_seconds[0] <= rung.total_seconds[0]
        assert rung.updates >= 1
    assert outcome("4.better-with-less", climb, SMOKE) is Outcome.NOT_CLAIMED
    assert outcome("4.94-percent", climb, SMOKE) is Outcome.NOT_CLAIMED


@pytest.mark.parametrize(
    ("first", "last", "work", "expected"),
    [
        (0.5, 0.6, 1.0, Outcome.HELD),
        (0.6, 0.5, 1.0, Outcome.FAILED),
        (0.5, 0.5, 1.0, Outcome.FAILED),
        (0.5, 0.6, 1e9, Outcome.FAILED),
    ],
)
def test_the_comparison_follows_its_numbers(climb, first, last, work, expected):
    record = climb.replaced(
        {
            "rungs/0/accuracy": [first],
            "rungs/-1/accuracy": [last],
            "rungs/-1/operations": lambda count: work * count,
        }
    )
    assert climb.rungs[0].name == FIRST
    assert climb.rungs[-1].name == LAST
    assert outcome("4.better-with-less", record) is expected


def test_94_percent_is_claimed_of_the_published_sizes_only(climb):
    full = EXPERIMENT.config.from_preset("full")
    good = climb.replaced({"rungs/-1/accuracy": [0.941]})
    bad = climb.replaced({"rungs/-1/accuracy": [0.939]})
    assert outcome("4.94-percent", good, full) is Outcome.HELD
    assert outcome("4.94-percent", bad, full) is Outcome.FAILED
    assert outcome("4.94-percent", good, full.replace(width=32)) is Outcome.NOT_CLAIMED


def test_inside_the_network(smoke):
    record = smoke("training-ladder").result.record(measure.inside.record)
    assert sum(map(sum, record.confusion)) == SMOKE.n_test
    right = sum(record.confusion[k][k] for k in range(len(record.classes)))
    assert record.accuracy == pytest.approx(right / SMOKE.n_test)
    assert len(record.filters) == 24
    assert record.spectrum_trained[0] == record.spectrum_untrained[0] == 1.0
    assert list(record.patch_variances) == sorted(record.patch_variances, reverse=True)
    probabilities = [each.probability for each in record.confused]
    assert probabilities == sorted(probabilities)
    assert all(each.label != each.predicted for each in record.confused)
    for figure in EXPERIMENT.figures:
        if figure.record is type(record):
            assert figure(record).data
    assert torch.is_grad_enabled()
