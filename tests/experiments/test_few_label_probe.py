import os

import pytest
import torch

from eigenlab.experiments import _few_label_measurements as measurements
from eigenlab.experiments.few_label_probe import EXPERIMENT
from eigenlab.lab import Context, NotRun


def made(means, judged="warped"):
    """Five seeds per encoder that differ by 0.002 around a mean, the same for all encoders."""
    rows = [
        {"encoder": name, "seed": seed, "labels": 200, "accuracy": mean + 0.002 * (seed - 2)}
        for name, mean in (dict.fromkeys(measurements.ENCODERS, 0.7) | means).items()
        for seed in range(5)
    ]
    return {"seeds": list(range(5)), "rows": rows, "judged": judged}


@pytest.mark.parametrize(
    ("claim", "means", "outcome"),
    [
        ("3a'.course-bar", {"warped": 0.80}, "held"),
        ("3a'.course-bar", {"warped": 0.791}, "failed"),  # the mean is above, its interval is not
        ("3a'.ninety", {"warped": 0.91}, "held"),
        ("3a'.ninety", {"warped": 0.89}, "failed"),
        ("3a'.above-baselines", {"warped": 0.71}, "held"),
        ("3a'.above-baselines", {"warped": 0.71, "raw pixels": 0.72}, "failed"),
        ("3a'.above-baselines", {"warped": 0.71, "PCA": 0.72}, "held"),  # compared on MNIST only
        ("3a'.above-baselines-mnist", {"warped": 0.71, "PCA": 0.72}, "failed"),
        ("3a'.above-baselines-mnist", {"warped": 0.71}, "held"),
        ("3a'.above-baselines-mnist", {"warped": 0.71, "random": 0.71}, "failed"),
    ],
)
def test_claims_follow_their_numbers(claim, means, outcome):
    assert EXPERIMENT.claim(claim).evaluate(made(means)).outcome == outcome


def test_two_seeds_decide_nothing():
    few = made({"warped": 0.9}) | {"seeds": [0, 1]}
    for claim in EXPERIMENT.claims:
        assert claim.evaluate(few).outcome == "not run"


def test_no_test_image_is_trained_on_or_labelled():
    data = measurements.digits()
    parts = [data.train, data.pool[0], data.test[0]]
    assert [len(part) for part in parts] == [897, 400, 500]
    from sklearn.datasets import load_digits

    every = torch.tensor(load_digits().data / 16, dtype=torch.float32)
    together = torch.cat(parts)
    assert torch.equal(together.sum(0), every.sum(0))  # a partition: nothing twice, nothing lost
    assert len(together.unique(dim=0)) == len(every.unique(dim=0))


def test_mnist_is_not_fetched_unasked(monkeypatch, tmp_path):
    monkeypatch.delenv("EIGENLAB_DATA", raising=False)
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path))
    config = EXPERIMENT.config.from_preset("course")
    with pytest.raises(NotRun, match="eigenlab data fetch mnist"):
        measurements.measure_mnist(config, Context())
    with pytest.raises(NotRun, match="data=digits"):
        measurements.measure_mnist(config.replace(data="digits"), Context())


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("EIGENLAB_DATA", ""), "mnist")),
    reason="EIGENLAB_DATA does not hold mnist",
)
def test_mnist_is_split_as_described():
    data = measurements.mnist()
    assert [len(x) for x in (data.train, data.pool[0], data.test[0])] == [50_000, 10_000, 10_000]
    assert 0 <= data.train.min() < data.train.max() == 1
