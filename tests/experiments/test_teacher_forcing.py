"""The inputs of questions 7b and 7c, and the gap between them in a short training."""

import pytest

from eigenlab.experiments import load_experiment
from eigenlab.experiments.teacher_forcing import measure
from eigenlab.experiments.teacher_forcing.records import OWN, SCHEDULED, TEACHER, TrainedRecord
from eigenlab.lab import Context, Outcome
from eigenlab.translation import inputs

EXPERIMENT = load_experiment("teacher-forcing")
SMOKE = EXPERIMENT.config.from_preset("smoke")
COURSE = EXPERIMENT.config.from_preset("course")


def outcome(claim, record, config=COURSE):
    return EXPERIMENT.claim(claim).evaluate(record, config).outcome


@pytest.fixture(scope="module")
def shown(smoke):
    return smoke("teacher-forcing").result.record(measure.inputs.record)


@pytest.mark.parametrize("claim", ["7b.inputs", "7c.inputs", "7b.shifted", "7b.one-pass"])
def test_the_inputs_are_those_of_the_text(shown, claim):
    assert outcome(claim, shown) is Outcome.HELD


def unshifted(tokens, name):
    """What feeds the word that is to be predicted."""
    return tokens


def emptied_of_sos(tokens, name):
    return [token for token in ORIGINAL(tokens, name) if token not in ("<sos>", 1)]


ORIGINAL = inputs._shifted


@pytest.mark.parametrize("wrong", [unshifted, emptied_of_sos])
def test_wrong_inputs_refute_the_claims(wrong, monkeypatch):
    monkeypatch.setattr(
        inputs,
        "_shifted",
        lambda tokens, name: wrong(tokens, name) if isinstance(tokens, list | tuple) else tokens,
    )
    record = measure.inputs(SMOKE, Context())
    assert outcome("7b.inputs", record) is Outcome.FAILED
    assert outcome("7c.inputs", record) is Outcome.FAILED
    assert outcome("7b.shifted", record) is Outcome.FAILED


def curves(forced, free, tokens=100):
    return {
        "tokens": [tokens],
        "forced_accuracy": [forced],
        "free_accuracy": [free],
        "forced_loss": [1.0],
        "free_loss": [2.0],
    }


def losses(gap, seed):
    return {"tokens": [100], "forced_accuracy": [0.8], "free_accuracy": [0.7]} | {
        "forced_loss": [1.0 + seed / 50],
        "free_loss": [1.0 + gap + seed / 40],
    }


def trainings(gaps, bleu=30.0, forced_bleu=34.0):
    """Three seeds of each kind that differ by a hundredth, with these gaps."""
    runs = [
        {
            "fed": fed,
            "seed": seed,
            "loss": 1.0,
            "sentences": 1000,
            "exact_match": 0.3,
            "forced_exact": 0.3,
            "first_errors_differ": 0,
            "bleu": bleu + seed,
            "forced_bleu": forced_bleu + 1.01 * seed,
            "signature": "x",
            "everywhere": losses(gap, seed),
            "after": curves(0.8, 0.8 - gap - seed / 100),
            "by_position": curves(0.8, 0.7),
            "by_distance": curves(0.8, 0.7),
            "example": None,
        }
        for fed, gap in gaps.items()
        for seed in range(1 if fed == OWN else 3)
    ]
    return TrainedRecord(seeds=range(3), updates=1, train_pairs=1, runs=runs)


GOOD = {TEACHER: 0.3, SCHEDULED: 0.2, OWN: 0.02}


@pytest.mark.parametrize(
    ("claim", "record", "expected"),
    [
        ("7c.gap", trainings(GOOD), "held"),
        ("7c.gap", trainings(GOOD | {TEACHER: 0.0}), "failed"),
        ("7c.gap", trainings(GOOD | {TEACHER: -0.3}), "failed"),
        ("7c.overstated", trainings(GOOD), "held"),
        ("7c.overstated", trainings(GOOD, forced_bleu=30.0), "failed"),
        ("7c.scheduled-sampling", trainings(GOOD), "held"),
        ("7c.scheduled-sampling", trainings(GOOD | {SCHEDULED: 0.3}), "failed"),
        ("7c.scheduled-sampling", trainings(GOOD | {SCHEDULED: 0.4}), "failed"),
        ("7c.first-error", trainings(GOOD), "held"),
    ],
)
def test_claims_follow_their_numbers(claim, record, expected):
    assert outcome(claim, record) == expected


def test_claims_about_training_do_not_speak_of_a_short_one():
    assert outcome("7c.gap", trainings(GOOD), SMOKE) == "not claimed here"


def test_a_training_gives_the_same_inputs_until_the_first_error():
    """Held by every network, trained or not."""
    record = measure.trained(SMOKE.replace(n_seeds=1, epochs=1), Context())
    assert outcome("7c.first-error", record) is Outcome.HELD
    assert [run.fed for run in record.runs] == [TEACHER, SCHEDULED, OWN]
    for run in record.runs:
        # Accuracies over all tokens are the means of those by position.
        total = sum(run.by_position.tokens)
        assert total == run.everywhere.tokens[0]
        for field in ("forced_accuracy", "free_accuracy", "forced_loss", "free_loss"):
            by_position = getattr(run.by_position, field)
            mean = sum(a * n for a, n in zip(by_position, run.by_position.tokens, strict=True))
            assert mean / total == pytest.approx(getattr(run.everywhere, field)[0], abs=1e-9)
        assert run.by_position.forced_accuracy[0] == run.by_position.free_accuracy[0]
