import numpy as np
import pytest
from sklearn import metrics as reference

from eigenlab.errors import InputError
from eigenlab.names import evaluate
from eigenlab.names.metrics import chance_calibration_error, coverage_curve, reliability

GENERATOR = np.random.default_rng(0)
CLASSES = ["Dutch", "Greek", "Irish", "Italian"]
LABELS = GENERATOR.choice(CLASSES, size=300, p=[0.5, 0.3, 0.15, 0.05])
RAW = GENERATOR.dirichlet([0.6, 0.4, 0.3, 0.02], size=300)


def test_against_scikit_learn():
    measured = evaluate(RAW, CLASSES, LABELS)
    predicted = np.array(CLASSES)[RAW.argmax(axis=1)]
    assert measured["accuracy"] == pytest.approx(reference.accuracy_score(LABELS, predicted))
    assert measured["macro_f1"] == pytest.approx(
        reference.f1_score(LABELS, predicted, average="macro", zero_division=0)
    )
    assert measured["nll"] == pytest.approx(
        reference.log_loss(LABELS, np.maximum(RAW, 1e-12), labels=CLASSES), rel=1e-6
    )
    assert measured["confusion"] == reference.confusion_matrix(LABELS, predicted).tolist()
    recalls = reference.recall_score(LABELS, predicted, average=None, zero_division=0)
    assert [measured["recall"][name]["recall"] for name in CLASSES] == pytest.approx(recalls)


def test_uniform_probabilities_have_nll_log_c():
    measured = evaluate(np.full((4, 4), 0.25), CLASSES, CLASSES)
    assert measured["nll"] == pytest.approx(np.log(4))
    assert measured["calibration_error"] == pytest.approx(0.0)


def test_an_unknown_language_counts_as_misclassified():
    measured = evaluate([[1.0, 0.0]], ["Dutch", "Greek"], ["Welsh"])
    assert measured["accuracy"] == 0
    assert measured["labels"] == ["Dutch", "Greek", "Welsh"]
    assert measured["nll"] == pytest.approx(-np.log(1e-12))
    assert measured["recall"]["Greek"]["recall"] is None
    assert measured["recall"]["Greek"]["interval"] == (0.0, 1.0)


def test_calibration_error_by_hand():
    """Bins (0.5, 0.6] and (0.8, 0.9] of ten: gaps |0.5 - 0.55| and |1 - 0.9|, weights 2/3, 1/3."""
    diagram = reliability([0.52, 0.58, 0.9], [True, False, True], bins=10)
    assert diagram["calibration_error"] == pytest.approx(2 / 3 * 0.05 + 1 / 3 * 0.1)
    assert diagram["count"] == [2, 1]
    assert diagram["accuracy"] == [0.5, 1.0]


def test_a_confidence_of_one_is_in_the_last_bin():
    assert reliability([1.0, 1e-9], [True, False], bins=4)["count"] == [1, 1]


def test_a_calibrated_forecast_has_a_small_error():
    generator = np.random.default_rng(1)
    p = generator.uniform(0.2, 1.0, size=200_000)
    right = generator.uniform(size=p.size) < p
    assert reliability(p, right)["calibration_error"] < 0.01
    assert reliability(p, generator.uniform(size=p.size) < p / 2)["calibration_error"] > 0.2


def test_coverage_ends_at_the_accuracy_and_keeps_ties_together():
    curve = coverage_curve([0.9, 0.5, 0.5, 0.5], [True, True, False, False], points=4)
    assert curve["coverage"] == [0.25, 1.0]
    assert curve["accuracy"] == [1.0, 0.5]
    assert curve["threshold"] == [0.9, 0.5]


@pytest.mark.parametrize("shape", [(3, 4), (2, 3), (0, 4)])
def test_mismatched_shapes_are_refused(shape):
    with pytest.raises(InputError, match="probabilities have shape"):
        evaluate(np.zeros(shape), CLASSES, ["Dutch"] * 2 if shape[0] else [])


def test_the_calibration_error_of_chance_is_that_of_a_simulation():
    """A perfectly calibrated classifier with 200 names at confidence 0.7."""
    hits = np.random.default_rng(0).binomial(200, 0.7, size=20_000) / 200
    expected = np.abs(hits - 0.7).mean()
    assert chance_calibration_error([200], [0.7]) == pytest.approx(expected, rel=0.02)
    with pytest.raises(InputError, match="count is empty"):
        chance_calibration_error([], [])
