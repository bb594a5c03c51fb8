import copy
import os

import pytest

from eigenlab.errors import InputError
from eigenlab.experiments import _surnames_measurements as measurements
from eigenlab.experiments import surnames
from eigenlab.experiments._surnames_judges import distance
from eigenlab.experiments._surnames_measurements import perfect_calibration_error
from eigenlab.lab import Outcome
from eigenlab.names import INTENDED_USE

EXPERIMENT = surnames.EXPERIMENT
ON_REAL_NAMES = {"2.course-bar", "2.unseen-names", "2.repetition", "2a.rare-languages"}
SHIFT = {
    "labels": ["A", "B"],
    "trained": [0.9, 0.1],
    "true": [0.5, 0.5],
    "uncorrected": {"accuracy": 0.6, "nll": 1.0, "predicted": [0.7, 0.3]},
    "corrected": {"accuracy": 0.7, "nll": 0.8, "predicted": [0.52, 0.48]},
}


@pytest.fixture(scope="module")
def result():
    return EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke"))


def test_on_the_starter_list_what_can_be_judged_holds(result):
    outcomes = {claim.id: claim.outcome for claim in result.claims}
    not_run = {id for id, outcome in outcomes.items() if outcome is Outcome.NOT_RUN}
    assert not_run == ON_REAL_NAMES | {"2.best-recurrent", "2.best-unseen"}
    assert {outcomes[id] for id in outcomes.keys() - not_run} == {Outcome.HELD}
    assert result.as_documented


def test_what_is_not_run_says_what_to_do(result):
    assert "eigenlab data fetch names" in result.stages["real"].reason


def test_the_intended_use_is_in_the_summary():
    assert INTENDED_USE in EXPERIMENT.summary


def test_auto_takes_the_real_names_where_they_are(monkeypatch, tmp_path):
    config = EXPERIMENT.config.from_preset("course")
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EIGENLAB_DATA", raising=False)
    assert measurements.dataset(config) == "names-mini"
    (tmp_path / "names").mkdir()
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    assert measurements.dataset(config) == "names"
    assert measurements.dataset(config.replace(data="names-mini")) == "names-mini"


def test_missing_and_unreadable_data_is_the_users_to_mend(monkeypatch, tmp_path):
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path / "absent"))
    for data in ("auto", "names"):
        with pytest.raises(InputError, match="is not a folder; correct or unset it"):
            EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke", data=data))
    (tmp_path / "names").mkdir()
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    with pytest.raises(InputError, match=r"dataset 'names'.*is missing"):
        EXPERIMENT.run(EXPERIMENT.config.from_preset("smoke", data="names"))


def test_the_same_training_gives_the_same_record(result):
    """Without the memory that lets stages share a training."""
    config = EXPERIMENT.config.from_preset("smoke")
    measurements._trained.cache_clear()
    again = EXPERIMENT.run(config)
    assert again.records["audit"] == result.records["audit"]


def test_the_protocols_differ_in_leakage(result):
    record = result.records["data"]
    assert record["test_lines_seen_in_training"]["leak-free"] == 0
    assert record["lines"] >= 1200
    assert len(record["languages"]) >= 12


# ------------------------------------------------------------- claims, on made-up records


def accuracy_record(**changes):
    """Two protocols, one seed; ``changes`` are (model, protocol) -> fields."""
    rows = [
        {"model": model, "protocol": protocol, "seed": 0, "names": 1000, **numbers}
        for protocol in ("course", "leak-free")
        for model, numbers in {
            measurements.MAJORITY: {"accuracy": 0.47, "macro_f1": 0.03, "correct": 470},
            measurements.NGRAMS: {"accuracy": 0.84, "macro_f1": 0.54, "correct": 840},
            measurements.RNN: {"accuracy": 0.82, "macro_f1": 0.50, "correct": 820},
            measurements.BEST: {"accuracy": 0.86, "macro_f1": 0.56, "correct": 860},
        }.items()
    ]
    seen = {
        "same language": {"accuracy": 0.9},
        "new": {"accuracy": 0.8},
        "other language": {"accuracy": 0.4},
    }
    rarity = [
        {"training_lines": [0, 99], "count": 10, "recall": 0.2},
        {"training_lines": [100, 299], "count": 30, "recall": 0.4},
        {"training_lines": [1000, 10**9], "count": 100, "recall": 0.9},
    ]
    return {
        "seeds": [0],
        "rows": rows,
        "audit": {"course": {"seen": seen, "rarity": rarity}},
    }


def change(model, protocol, **fields):
    def apply(record):
        for row in record["rows"]:
            if (row["model"], row["protocol"]) == (model, protocol):
                row.update(fields)

    return apply


@pytest.mark.parametrize(
    ("claim", "alter", "outcome"),
    [
        ("2.course-bar", lambda r: None, Outcome.HELD),
        ("2.course-bar", change("tanh RNN", "course", accuracy=0.799), Outcome.FAILED),
        ("2.unseen-names", change("tanh RNN", "leak-free", accuracy=0.76), Outcome.FAILED),
        ("2.repetition", change("tanh RNN", "leak-free", accuracy=0.76), Outcome.HELD),
        ("2.repetition", lambda r: None, Outcome.FAILED),  # both splits alike
        ("2.above-majority", lambda r: None, Outcome.HELD),
        # 490 of 1000 is above 470, but not beyond chance: Wilson's lower end is 0.459.
        ("2.above-majority", change("tanh RNN", "leak-free", correct=490), Outcome.FAILED),
        ("2.best-recurrent", lambda r: None, Outcome.HELD),
        ("2.best-recurrent", change("best recurrent", "course", macro_f1=0.53), Outcome.FAILED),
        ("2.best-recurrent", change("best recurrent", "leak-free", accuracy=0.8), Outcome.HELD),
        ("2.best-unseen", lambda r: None, Outcome.HELD),
        ("2.best-unseen", change("best recurrent", "leak-free", accuracy=0.8), Outcome.FAILED),
        ("2a.rare-languages", lambda r: None, Outcome.HELD),
        (
            "2a.rare-languages",
            lambda r: r["audit"]["course"]["rarity"][1].update(recall=1.0, count=1000),
            Outcome.FAILED,
        ),
    ],
)
def test_claims_about_accuracy(claim, alter, outcome):
    record = accuracy_record()
    alter(record)
    assert EXPERIMENT.claim(claim).evaluate(record).outcome is outcome


def audit_record(shift=SHIFT):
    reliability = {"count": [100], "confidence": [0.8], "accuracy": [0.8]}
    after = {"nll": 0.9, "calibration_error": 0.03, "reliability": reliability}
    part = {
        "calibration": {"before": {**after, "nll": 1.0}, "after": after},
        "overall": {
            "recall": {
                "A": {"count": 100, "interval": [0.8, 0.9]},
                "B": {"count": 100, "interval": [0.3, 0.5]},
            }
        },
        "populations": {"shifted": shift},
        "abstention": [
            {"coverage": 1.0, "accuracy": 0.8, "unanswered": {"A": 0.0, "B": 0.0}},
            {"coverage": 0.7, "accuracy": 0.9, "unanswered": {"A": 0.1, "B": 0.5}},
        ],
    }
    return {"protocols": {"course": copy.deepcopy(part), "leak-free": copy.deepcopy(part)}}


AUDIT_CLAIMS = [
    "2.temperature",
    "2.calibrated",
    "2a.unequal",
    "2a.base-rates",
    "2a.correction",
    "2a.abstain",
    "2a.silence",
]


@pytest.mark.parametrize("claim", AUDIT_CLAIMS)
def test_claims_about_the_audit_hold_on_a_record_that_supports_them(claim):
    assert EXPERIMENT.claim(claim).evaluate(audit_record()).outcome is Outcome.HELD


@pytest.mark.parametrize(
    ("claim", "alter"),
    [
        ("2.temperature", lambda p: p["calibration"]["before"].update(nll=0.8)),
        # 0.05 and what chance does: sqrt(2/pi) sqrt(.8 x .2 / 100) = 0.032
        ("2.calibrated", lambda p: p["calibration"]["after"].update(calibration_error=0.083)),
        ("2a.unequal", lambda p: p["overall"]["recall"]["B"].update(interval=[0.7, 0.95])),
        (
            "2a.base-rates",
            lambda p: p["populations"]["shifted"]["uncorrected"].update(predicted=[0.4, 0.6]),
        ),
        ("2a.correction", lambda p: p["populations"]["shifted"]["corrected"].update(nll=1.1)),
        ("2a.correction", lambda p: p["populations"]["shifted"]["corrected"].update(accuracy=0.5)),
        ("2a.abstain", lambda p: p["abstention"][1].update(accuracy=0.79)),
        ("2a.silence", lambda p: p["abstention"][1].update(unanswered={"A": 0.3, "B": 0.35})),
    ],
)
def test_a_wrong_number_refutes_its_claim(claim, alter):
    record = audit_record()
    alter(record["protocols"]["leak-free"])
    assert EXPERIMENT.claim(claim).evaluate(record).outcome is Outcome.FAILED


def test_the_population_furthest_from_the_training_names_is_judged():
    record = audit_record()
    near = {**copy.deepcopy(SHIFT), "true": [0.88, 0.12]}
    near["corrected"]["accuracy"] = 0.0
    record["protocols"]["leak-free"]["populations"]["near"] = near
    assert EXPERIMENT.claim("2a.correction").evaluate(record).outcome is Outcome.HELD
    assert distance([0.9, 0.1], [0.5, 0.5]) == pytest.approx(0.4)


def test_what_chance_adds_to_the_calibration_error():
    """Simulated: a perfectly calibrated classifier with 200 names at confidence 0.7."""
    import numpy as np

    hits = np.random.default_rng(0).binomial(200, 0.7, size=20_000) / 200
    expected = np.abs(hits - 0.7).mean()
    computed = perfect_calibration_error({"count": [200], "confidence": [0.7]})
    assert computed == pytest.approx(expected, rel=0.02)


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("EIGENLAB_DATA", ""), "names")),
    reason="EIGENLAB_DATA does not hold the real surnames",
)
def test_the_real_names_are_as_described():
    record = measurements.measure_data(EXPERIMENT.config.from_preset("course", data="names"), None)
    assert (record["lines"], len(record["languages"])) == (20074, 18)
    assert record["majority"] == pytest.approx(0.469, abs=5e-4)
    assert record["languages"]["Arabic"] == {"lines": 2000, "distinct": 108}
    assert record["test_lines"]["course"] == 4015
