import numpy as np
import pytest

from eigenlab import names
from eigenlab.errors import InputError
from eigenlab.names import INTENDED_USE, audit, model_card
from eigenlab.names.auditing import base_rate_shift


class Oracle:
    """Probabilities from a table: (probability of Greek, of Irish) for each name."""

    classes_ = np.array(["Greek", "Irish"])

    def __init__(self, table):
        self.table = table

    def predict_proba(self, X):
        p = np.array([self.table[name] for name in X])
        return np.stack([p, 1 - p], axis=1)


TABLE = {"a": 0.9, "b": 0.8, "c": 0.6, "d": 0.3, "e": 0.2, "f": 0.55}
NAMES, LANGUAGES = list("abcdef"), ["Greek", "Greek", "Irish", "Irish", "Irish", "Greek"]
TRAINING = ["Greek"] * 150 + ["Irish"] * 50


def measured(**settings):
    return audit(Oracle(TABLE), NAMES, LANGUAGES, training_languages=TRAINING, **settings)


def test_recall_and_confusions_by_language():
    record = measured()
    assert record["overall"]["accuracy"] == pytest.approx(5 / 6)
    assert record["overall"]["recall"]["Irish"]["recall"] == pytest.approx(2 / 3)
    assert record["confusions"] == [
        {"true": "Irish", "predicted": "Greek", "count": 1, "share": pytest.approx(1 / 3)}
    ]


def test_rarity_groups_languages_by_their_training_lines():
    rare, common = measured()["rarity"]
    assert (rare["languages"], rare["recall"]) == (["Irish"], pytest.approx(2 / 3))
    assert (common["languages"], common["recall"]) == (["Greek"], 1.0)


def test_seen_spellings_are_found_whatever_their_case():
    trained = ["A", "C", *["unrelated"] * 198]  # "A" as Greek, as it is; "C" as Greek, not Irish
    seen = measured(training_names=trained)["seen"]
    assert (seen["same language"]["count"], seen["same language"]["accuracy"]) == (1, 1.0)
    assert (seen["other language"]["count"], seen["other language"]["accuracy"]) == (1, 0.0)
    assert (seen["new"]["count"], seen["new"]["accuracy"]) == (4, 1.0)
    with pytest.raises(InputError, match=r"training_names \(1\) must be as many"):
        measured(training_names=["A"])


def test_abstention_leaves_out_the_least_confident_names():
    rows = measured()["abstention"]
    assert rows[0]["coverage"] == 1.0
    half = rows[-1]
    assert half["coverage"] == 0.5
    assert half["accuracy"] == 1.0
    assert half["unanswered"] == {"Greek": pytest.approx(1 / 3), "Irish": pytest.approx(2 / 3)}


def test_a_bayes_classifier_with_the_true_base_rates_is_optimal():
    """Two languages draw x in {0, 1} with known probabilities; expected values by Bayes' rule."""
    like = np.array([[0.8, 0.2], [0.4, 0.6]])  # p(x | y), y by x
    trained, target = np.array([0.9, 0.1]), np.array([0.2, 0.8])
    x = np.array([0] * 8 + [1] * 2 + [0] * 4 + [1] * 6)
    languages = ["A"] * 10 + ["B"] * 10
    joint = (like * trained[:, None])[:, x].T
    p = joint / joint.sum(axis=1, keepdims=True)
    shift = base_rate_shift(p, ["A", "B"], languages, trained, target)
    # As trained it always answers A: 0.9*0.8 > 0.1*0.4 and 0.9*0.2 > 0.1*0.6.
    assert shift["uncorrected"]["predicted"] == pytest.approx([1.0, 0.0])
    assert shift["uncorrected"]["accuracy"] == pytest.approx(0.2)
    # In the target 0.2*0.8 < 0.8*0.4 and 0.2*0.2 < 0.8*0.6: always B.
    assert shift["corrected"]["accuracy"] == pytest.approx(0.8)
    posterior = (like * target[:, None]) / (like * target[:, None]).sum(axis=0)
    true = np.array([0] * 10 + [1] * 10)
    weights = np.array([0.02] * 10 + [0.08] * 10)
    expected = -(weights * np.log(posterior[true, x])).sum()
    assert shift["corrected"]["nll"] == pytest.approx(expected)
    assert shift["corrected"]["nll"] < shift["uncorrected"]["nll"]


def test_the_same_base_rates_change_nothing():
    p = Oracle(TABLE).predict_proba(NAMES)
    shift = base_rate_shift(
        p, ["Greek", "Irish"], LANGUAGES, np.array([1, 1]), np.array([0.5, 0.5])
    )
    assert shift["corrected"]["predicted"] == pytest.approx(shift["uncorrected"]["predicted"])
    assert shift["corrected"]["nll"] == pytest.approx(shift["uncorrected"]["nll"])


@pytest.mark.parametrize(
    ("names", "languages", "training", "message"),
    [
        ([], [], TRAINING, "not none"),
        (["a"], [], TRAINING, r"names \(1\)"),
        (["a"], ["Greek"], ["Greek"], "training_languages lack"),
    ],
)
def test_invalid_audits_are_refused(names, languages, training, message):
    with pytest.raises(InputError, match=message):
        audit(Oracle(TABLE), names, languages, training_languages=training)


def test_the_model_card_has_the_intended_use_and_the_measurements():
    card = model_card(measured(training_names=["a", *["unrelated"] * 199]))
    assert INTENDED_USE in card
    assert "Accuracy 83.3 %".replace(" %", "%") in card
    assert "| Irish | 50 | 3 | 67% |" in card
    assert "Irish taken for Greek: 1 (33%)" in card
    assert "Names trained with the same language: 100.0% of 1." in card
    assert card.startswith("# ")


def test_every_name_of_all_exists():
    for name in names.__all__:
        assert callable(getattr(names, name)) or isinstance(getattr(names, name), (str, int))
